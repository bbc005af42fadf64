/* What the processes themselves are told by the configuration: where to look for mail, what may be done in the kernel,
 * and where the agent keeps its things. Plain structs with their tables, so that every process may read its own; the
 * judge's part ([policy], [sender], the detectors) is agent/judge's.
 *
 * A process that may not read files gets both parts in a bundle (bundle.h), each as a text of its own that holds every
 * value in force, so that options_read() with that part's bindings alone understands it. */
#ifndef AGENT_MESSAGE_SETTINGS_H
#define AGENT_MESSAGE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/relay/settings.h"
#include "agent/sample/settings.h"
#include "common/address.h"
#include "common/error.h"
#include "common/option.h"
#include "common/words/customers.h"
#include "common/text.h"

enum capture_role { CAPTURE_AUTO, CAPTURE_HYPERVISOR, CAPTURE_HOST, CAPTURE_ROLES };

/* [capture] */
struct capture_settings {
    struct option_numbers ports;    /* 1 to 15 mail ports, each 1 to 65535: settings_ports() */
    struct option_words interfaces; /* names, a trailing "*" stands for any end; empty: found by themselves */
    struct option_words uplinks;    /* the same */
    struct option_words mta_users;  /* names or numbers of users that carry other people's mail */
    bool programs;                  /* on a host: look for the programs of users that send */
    int role;                       /* enum capture_role */
    uint64_t ring;                  /* bytes for each position; 0: by the number of positions */
    struct address_list local;      /* the customers' prefixes; empty: whoever opens a connection is the sender */
    uint32_t streams;               /* most connections followed at once */
    uint64_t held;                  /* most out-of-order bytes kept, in all */
    uint64_t held_per_stream;       /* and for one connection */
    duration opening;               /* a SYN without an answer is given up after */
    duration idle;                  /* a connection without packets is given up after */
    uint32_t fragmented;            /* most incomplete datagrams at once */
};

/* [logs] */
enum logs_journal { LOGS_JOURNAL_AUTO, LOGS_JOURNAL_YES, LOGS_JOURNAL_NO, LOGS_JOURNALS };

struct logs_settings {
    struct option_words files;    /* absolute paths, also with * ? []; those that are not there are waited for */
    struct option_words patterns; /* pattern files: "builtin:logs/NAME" or a path */
    struct option_words groups;   /* names of groups whose files the warden may read */
    int journal;                  /* enum logs_journal; AUTO is decided at the start: settings_journal() */
    char journal_folder[OPTION_TEXT_SIZE]; /* empty: this machine's own */
    struct option_words journal_programs;  /* names under which programs log, beside facility mail */
    uint32_t transactions;                 /* queue ids remembered at once */
};

enum policy_mode { POLICY_MODE_ALL, POLICY_MODE_GROUP, POLICY_MODE_OWNER, POLICY_MODES };
enum enforce_mode { ENFORCE_OBSERVE, ENFORCE_ENFORCE, ENFORCE_MODES };
enum enforce_reject { REJECT_AUTO, REJECT_NEVER, REJECTS };

/* [enforce] */
struct enforce_settings {
    int mode;   /* enum enforce_mode */
    int reject; /* enum enforce_reject; NEVER: as on kernels that cannot: drop, and we reset */
    uint32_t throttle_burst;
    struct address_list always_open; /* destinations that stay reachable for whoever is blocked */
};

/* [agent]. Options of the command line and the environment stand over these: --socket and POSTERN_SOCKET, --state and
 * POSTERN_STATE; --config and POSTERN_CONFIG say which file is read. */
struct agent_settings {
    char socket[OPTION_TEXT_SIZE]; /* absolute path */
    char group[OPTION_TEXT_SIZE];  /* who may talk to it */
    char policy[OPTION_TEXT_SIZE]; /* where mail servers ask: settings_policy() */
    char policy_group[OPTION_TEXT_SIZE];
    int policy_mode;              /* enum policy_mode */
    char state[OPTION_TEXT_SIZE]; /* absolute path of a directory */
    char watcher_user[OPTION_TEXT_SIZE];
    char courier_user[OPTION_TEXT_SIZE];
};

/* [customers] */
struct customers_settings {
    char map[OPTION_TEXT_SIZE]; /* a file's name, as customers.h reads it; empty: none */
    bool numbered;              /* whether ports' names tell */
};

/* [milter] */
enum milter_fail { MILTER_FAIL_ACCEPT, MILTER_FAIL_TEMPFAIL, MILTER_FAILS };

struct milter_settings {
    char listen[OPTION_TEXT_SIZE]; /* as libmilter writes addresses; empty: there is no milter */
    char group[OPTION_TEXT_SIZE];  /* who may talk to it at a path */
    int fail;                      /* enum milter_fail: what becomes of mail while the courier does not answer */
    duration patience;             /* that it is waited for */
    uint32_t sessions;             /* of mail servers at once */
};

#define SETTINGS_CONFIG "/etc/postern/agent.conf" /* read where --config and POSTERN_CONFIG name no other */

struct process_settings {
    struct capture_settings capture;
    struct logs_settings logs;
    struct enforce_settings enforce;
    struct agent_settings agent;
    struct customers_settings customers;
    struct relay_settings relay;
    struct milter_settings milter;
    struct samples_settings samples;
};

/* Room for the bindings and the entry that ends them. */
#define PROCESS_BINDINGS 8
/* Writes the bindings over `settings` and an ending entry to `result`. options_read() fills the settings with
 * presets; options_clear() gives back what they hold. */
void process_settings_bind(struct process_settings *settings, struct option_binding result[PROCESS_BINDINGS + 1]);

/* Read them from a descriptor of a bundle (bundle.h), borrowed. The settings are to be cleared also after a failure. */
int process_settings_read(int bundle, struct process_settings *result, struct error *) MUST_CHECK;

/* Whose each sender is: what the bundle has under the name of `[customers] map`. The caller destroys it; on failure
 * nothing is left. The second reads the settings as well. */
int settings_customers(struct text bundle, const struct customers_settings *, struct customers **result,
                       struct error *) MUST_CHECK;
int settings_customers_read(int bundle, struct customers **result, struct error *) MUST_CHECK;

/* The mail ports as the packet path, the filter and the kernel's table want them: ended by 0. */
void settings_ports(const struct capture_settings *, uint16_t result[16]);

/* Whether `name` fits one of the patterns: a word, or the beginning of one with "*" behind it. */
bool settings_name_fits(const struct option_words *, const char *name);

/* The path at which mail servers ask: as it was named, or "policy" beside the control socket. False: nowhere. */
bool settings_policy(const struct agent_settings *, char result[OPTION_TEXT_SIZE]);

/* Whether the milter may be told to listen there: "inet:8891@127.0.0.1", "inet6:8891@::1", "unix:/path". Names of hosts
 * are not: looking them up could wait for a network that is not there yet. */
bool settings_milter_listen(struct text listen);
/* The path of "unix:/path"; NULL: it is none. Borrowed. */
const char *settings_milter_path(const struct milter_settings *);

/* Whether any log is to be read. */
bool settings_reads_logs(const struct logs_settings *);

/* Put the environment's values over the file's: POSTERN_SOCKET and POSTERN_STATE, given as `socket` and `state` (NULL
 * or empty: not set), with the same checks. */
int settings_override(struct agent_settings *, const char *socket, const char *state, struct error *) MUST_CHECK;

#endif
