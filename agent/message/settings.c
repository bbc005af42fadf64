/* The tables of [capture], [logs], [enforce], [agent] and [milter]. */
#include "agent/message/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "agent/message/bundle.h"

/* Rows that take effect on a restart only. */
#define FIXED(type_, c_type, section_, settings, member, preset_, ...)                                                 \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = type_, .offset = OPTION_OFFSET(c_type, settings, member),         \
        .preset = preset_, .reload = false, __VA_ARGS__                                                                \
    }
#define FIXED_TEXT(section_, settings, member, preset_, ...)                                                           \
    {                                                                                                                  \
        .section = section_, .key = #member, .type = OPTION_TEXT,                                                      \
        .offset = offsetof(settings, member) +                                                                         \
                  0 * sizeof(char[sizeof(((settings *)0)->member) == OPTION_TEXT_SIZE ? 1 : -1]),                      \
        .preset = preset_, .reload = false, __VA_ARGS__                                                                \
    }

static const char *const roles[] = {"auto", "hypervisor", "host", NULL};
static const char *const modes[] = {"observe", "enforce", NULL};
static const char *const policy_modes[] = {"0666", "0660", "0600", NULL};
static const char *const journals[] = {"auto", "yes", "no", NULL};
static const char *const fails[] = {"accept", "tempfail", NULL};
static const char *const rejects[] = {"auto", "never", NULL};

static const struct option capture_options[] = {
    FIXED(OPTION_NUMBERS, struct option_numbers, "capture", struct capture_settings, ports, "25 465 587 2525",
          .least = "1", .most = "65535",
          .text = "The TCP ports on which mail is sent; at most 15. 465 speaks TLS from its first byte."),
    WORDS_OPTION(
        "capture", struct capture_settings, interfaces, "",
        .text = "Where to look: names of guests' ports or "
                "of the machine's own interfaces; \"tap*\" stands for all that begin so. Empty: found by themselves."),
    WORDS_OPTION("capture", struct capture_settings, uplinks, "",
                 .text = "The interfaces that lead to the world. Empty: those with the default routes."),
    WORDS_OPTION("capture", struct capture_settings, mta_users,
                 "root postfix Debian-exim exim opensmtpd opensmtpq mail mailnull smmta smmsp qmailr courier",
                 .text = "On a host, the users (names or numbers) that mail servers run as: what they send is other "
                         "people's, so it stays the address's. Any other user that talks to mail servers is a sender "
                         "of its own."),
    FIXED(OPTION_FLAG, bool, "capture", struct capture_settings, programs, "no",
          .text =
              "On a host, whether `postern explain` shall name programs, directories and scripts of users that send. "
              "To see them the process that holds the network's rights needs CAP_SYS_PTRACE and "
              "CAP_DAC_READ_SEARCH too, and is given them for this alone."),
    FIXED(OPTION_CHOICE, int, "capture", struct capture_settings, role, "auto", .choices = roles,
          .text = "What this machine is: a hypervisor, whose guests' ports are the senders, or a host that sends "
                  "by itself. auto: a hypervisor where guests' ports are found."),
    FIXED(OPTION_BYTES, uint64_t, "capture", struct capture_settings, ring, "0", .most = "64M",
          .text = "Memory of one port's packet ring. 0: by the number of ports."),
    ADDRESSES_OPTION("capture", struct capture_settings, local, "",
                     .text = "The customers' addresses and prefixes. Empty: whoever opens a connection is its sender."),
    FIXED(OPTION_COUNT, uint32_t, "capture", struct capture_settings, streams, "200000", .least = "16",
          .most = "16000000",
          .text = "The most connections followed at once; the one that was idle longest gives way."),
    FIXED(OPTION_BYTES, uint64_t, "capture", struct capture_settings, held, "64M", .least = "64K", .most = "16G",
          .text = "The most memory for bytes that came out of order, in all."),
    FIXED(OPTION_BYTES, uint64_t, "capture", struct capture_settings, held_per_stream, "256K", .least = "4K",
          .most = "16M", .text = "The same for one connection; what is beyond becomes a gap."),
    FIXED(OPTION_DURATION, duration, "capture", struct capture_settings, opening, "30s", .least = "1s", .most = "10m",
          .text = "A connection that nobody answered counts as unanswered after this time."),
    FIXED(OPTION_DURATION, duration, "capture", struct capture_settings, idle, "10m", .least = "10s", .most = "1d",
          .text = "A connection without packets is given up after this time. RFC 5321 lets mail servers wait "
                  "5 to 10 minutes."),
    FIXED(OPTION_COUNT, uint32_t, "capture", struct capture_settings, fragmented, "256", .least = "1", .most = "65536",
          .text = "The most datagrams that may be incomplete at once, up to 64 kB each."),
    {.key = NULL},
};

static const struct option logs_options[] = {
    FIXED(OPTION_WORDS, struct option_words, "logs", struct logs_settings, files,
          "/var/log/mail.log /var/log/maillog /var/log/exim4/mainlog /var/log/exim/mainlog",
          .text = "Logs of mail servers that are followed, through rotation, also by patterns with \"*\", \"?\" and "
                  "\"[...]\". Those that are not there are waited for. Empty: no logs are read."),
    FIXED(OPTION_WORDS, struct option_words, "logs", struct logs_settings, patterns,
          "builtin:logs/postfix builtin:logs/exim builtin:logs/sendmail builtin:logs/opensmtpd builtin:logs/qmail "
          "builtin:logs/haraka builtin:logs/rspamd builtin:logs/mailscanner",
          .text = "The files that say how lines are read, first come, first asked. \"builtin:\" names those that stand "
                  "in the program."),
    FIXED(OPTION_WORDS, struct option_words, "logs", struct logs_settings, groups, "adm systemd-journal",
          .text = "The groups whose logs may be read: the process that opens them is root without root's right to read "
                  "everything. A group that is not there is passed over."),
    FIXED(OPTION_CHOICE, int, "logs", struct logs_settings, journal, "auto", .choices = journals,
          .text = "Whether the systemd journal is read for mail as well. auto: where none of the files was there when "
                  "the agent started; many machines have the same lines in both, and they would count twice."),
    FIXED_TEXT("logs", struct logs_settings, journal_folder, "",
               .text = "The folder with the journal's files. Empty: this machine's own."),
    FIXED(OPTION_WORDS, struct option_words, "logs", struct logs_settings, journal_programs, "rspamd haraka",
          .text = "Programs whose entries are read beside those of facility mail, by the names under which they log. "
                  "Entries by users from uid 1000 on are never read: anybody can log under any name."),
    FIXED(OPTION_COUNT, uint32_t, "logs", struct logs_settings, transactions, "65536", .least = "16",
          .most = "16000000",
          .text = "The most messages under way in the logs that are remembered at once; the one that was not "
                  "spoken of for longest gives way."),
    {.key = NULL},
};

static const struct option enforce_options[] = {
    CHOICE_OPTION("enforce", struct enforce_settings, mode, "observe", .choices = modes,
                  .text =
                      "observe: verdicts only, nothing in the kernel. enforce: orders are carried out with nftables. "
                      "`postern enforce on` and `off` stand over this, also over restarts, until it is changed here."),
    FIXED(OPTION_CHOICE, int, "enforce", struct enforce_settings, reject, "auto", .choices = rejects,
          .text = "How a blocked connection ends: by the kernel's own resets where it can, or (never) always by "
                  "dropping, with resets sent by the agent."),
    COUNT_OPTION(
        "enforce", struct enforce_settings, throttle_burst, "3", .least = "1", .most = "1000",
        .text = "How many connections of a throttled sender may come at once before the rate of its order counts."),
    ADDRESSES_OPTION("enforce", struct enforce_settings, always_open, "",
                     .text =
                         "Mail servers that stay reachable for blocked senders as well: the provider's own abuse desk "
                         "and postmaster."),
    {.key = NULL},
};

static const struct option agent_options[] = {
    FIXED_TEXT("agent", struct agent_settings, socket, "/run/postern/agent.sock",
               .text = "Where `postern` talks to the agent. --socket and POSTERN_SOCKET stand over this."),
    FIXED_TEXT("agent", struct agent_settings, group, "postern",
               .text = "The group whose members may talk to the agent; where there is none of that name, root alone."),
    FIXED_TEXT("agent", struct agent_settings, policy, "",
               .text = "The socket at which mail servers ask whether an account may submit (Postfix's policy "
                       "protocol): an absolute path, or none. Empty: \"policy\" beside the control socket."),
    FIXED_TEXT("agent", struct agent_settings, policy_group, "",
               .text = "The group that the policy socket belongs to. Empty: root's."),
    FIXED(
        OPTION_CHOICE, int, "agent", struct agent_settings, policy_mode, "0666", .choices = policy_modes,
        .text =
            "Who may ask there. Whoever may learns whether an account is stopped, can use up the few messages of one "
            "that is slowed down, and where [relay] has rates or the greylist, those of anybody, and teach it; nobody "
            "can hold all places. 0660 with policy_group keeps it to the mail server's own."),
    FIXED_TEXT("agent", struct agent_settings, state, "/var/lib/postern",
               .text = "The directory of what must survive a restart. --state and POSTERN_STATE stand over this."),
    FIXED_TEXT("agent", struct agent_settings, watcher_user, "postern-watcher",
               .text =
                   "The user of the process that reads packets; it has no rights at all. Where there is none of that "
                   "name, an unused number takes its place."),
    FIXED_TEXT("agent", struct agent_settings, courier_user, "postern-courier",
               .text =
                   "The user of the process that talks to people and keeps the journal. Where there is none of that "
                   "name, an unused number takes its place."),
    {.key = NULL},
};

static const struct option customers_options[] = {
    TEXT_OPTION("customers", struct customers_settings, map, "", .local = true,
                .text = "The file that says whose each sender is, a line a member: an address, a prefix, a MAC, "
                        "port:NAME, uid:N, account:NAME or account:@DOMAIN, and behind it the customer's name. Empty: "
                        "none."),
    FLAG_OPTION("customers", struct customers_settings, numbered, "yes",
                .text =
                    "Whether a port that bears its guest's number (Proxmox: tap101i0, veth101i0) and is nobody's by "
                    "the map is the customer \"vm101\"'s."),
    {.key = NULL},
};

static const struct option milter_options[] = {
    FIXED_TEXT("milter", struct milter_settings, listen, "",
               .text =
                   "Where Sendmail and Postfix reach the milter: unix:/path, inet:8891@127.0.0.1 or inet6:8891@::1. "
                   "Behind a path only the group may talk to it; at an address whoever reaches it may tell it of "
                   "mail that was never sent. Empty: there is none."),
    FIXED_TEXT("milter", struct milter_settings, group, "postfix",
               .text =
                   "The group that may talk to the milter at a path. Where there is none of that name, root alone, as "
                   "which Sendmail asks."),
    FIXED(OPTION_CHOICE, int, "milter", struct milter_settings, fail, "accept", .choices = fails,
          .text =
              "What becomes of a recipient or a message while the agent does not answer the milter: accept, so that "
              "mail goes on, or tempfail, so that it is sent again later."),
    FIXED(OPTION_DURATION, duration, "milter", struct milter_settings, patience, "3s", .least = "1s", .most = "1m",
          .text = "The agent's answer is waited for so long."),
    FIXED(OPTION_COUNT, uint32_t, "milter", struct milter_settings, sessions, "500", .least = "4", .most = "10000",
          .text = "The most sessions of mail servers at once; what is beyond is closed, and the mail server does as it "
                  "was told for a milter that is away. Each takes up to half a megabyte."),
    {.key = NULL},
};

static bool check_capture(const void *settings, struct error *error)
{
    const struct capture_settings *capture = settings;
    if (capture->ports.count == 0) {
        error_set(error, EINVAL, "ports: no port is named; 1 to 15 ports are allowed");
        return false;
    }
    if (capture->ports.count > 15) {
        error_set(error, EINVAL, "ports: more than 15 ports are named; 1 to 15 are allowed");
        return false;
    }
    if (capture->held_per_stream > capture->held) {
        error_set(error, EINVAL, "held_per_stream: more for one connection than for all; at most what held says");
        return false;
    }
    return true;
}

static bool check_logs(const void *settings, struct error *error)
{
    const struct logs_settings *logs = settings;
    for (uint32_t i = 0; i < logs->files.count; i++) {
        const char *path = logs->files.items[i], *slash = strrchr(path, '/');
        if (path[0] != '/' || slash[1] == '\0') {
            error_set(error, EINVAL, "files: \"%s\" will not do; absolute paths of files are allowed", path);
            return false;
        }
    }
    if (logs->journal_folder[0] && logs->journal_folder[0] != '/') {
        error_set(error, EINVAL, "journal_folder: \"%s\" will not do; an absolute path is allowed",
                  logs->journal_folder);
        return false;
    }
    if (logs->files.count > 0 && logs->patterns.count == 0) {
        error_set(error, EINVAL, "patterns: none is named; to read no logs leave files empty");
        return false;
    }
    return true;
}

static bool is_absolute(const char *key, const char *path, size_t most, struct error *error)
{
    if (path[0] != '/' || strlen(path) >= most) {
        error_set(error, EINVAL, "%s: \"%.100s\" will not do; an absolute path of less than %zu characters is allowed",
                  key, path, most);
        return false;
    }
    return true;
}

static bool check_agent(const void *settings, struct error *error)
{
    const struct agent_settings *agent = settings;
    bool named = agent->policy[0] && strcmp(agent->policy, "none") != 0;
    return is_absolute("socket", agent->socket, sizeof((struct sockaddr_un *)0)->sun_path, error) &&
           (!named || is_absolute("policy", agent->policy, sizeof((struct sockaddr_un *)0)->sun_path, error)) &&
           is_absolute("state", agent->state, OPTION_TEXT_SIZE - 32, error);
}

static bool is_port_at(struct text place, int family)
{
    struct text port = text_split(&place, '@');
    char address[64];
    unsigned char bytes[16];
    uint64_t number;
    if (!text_number(port, &number) || number == 0 || number > 65535 || place.length >= sizeof address)
        return false;
    memcpy(address, place.bytes, place.length);
    address[place.length] = 0;
    return inet_pton(family, address, bytes) == 1;
}

bool settings_milter_listen(struct text listen)
{
    struct text place = listen;
    struct text kind = text_split(&place, ':');
    if (text_equals(kind, TEXT("inet")))
        return is_port_at(place, AF_INET);
    if (text_equals(kind, TEXT("inet6")))
        return is_port_at(place, AF_INET6);
    return text_equals(kind, TEXT("unix")) && place.length > 1 && place.bytes[0] == '/' &&
           place.length < sizeof((struct sockaddr_un *)0)->sun_path && place.bytes[place.length - 1] != '/' &&
           !memchr(place.bytes, '\0', place.length);
}

const char *settings_milter_path(const struct milter_settings *milter)
{
    return strncmp(milter->listen, "unix:", 5) == 0 ? milter->listen + 5 : NULL;
}

static bool check_milter(const void *settings, struct error *error)
{
    const struct milter_settings *milter = settings;
    if (milter->listen[0] && !settings_milter_listen(text_of(milter->listen))) {
        error_set(error, EINVAL,
                  "listen: \"%.100s\" will not do; unix:/path, inet:8891@127.0.0.1 and inet6:8891@::1 are allowed",
                  milter->listen);
        return false;
    }
    return true;
}

void process_settings_bind(struct process_settings *settings, struct option_binding result[PROCESS_BINDINGS + 1])
{
    result[0] = (struct option_binding){.options = capture_options,
                                        .settings = &settings->capture,
                                        .check = check_capture,
                                        .text = "Where mail is seen, and how much memory that may take."};
    result[1] =
        (struct option_binding){.options = logs_options,
                                .settings = &settings->logs,
                                .check = check_logs,
                                .text = "Logs of mail servers on this machine. They know what packets do not show: the "
                                        "account, the local user, the answer behind TLS."};
    result[2] = (struct option_binding){.options = enforce_options,
                                        .settings = &settings->enforce,
                                        .text = "What may be done in the kernel to senders with a verdict."};
    result[3] = (struct option_binding){.options = agent_options,
                                        .settings = &settings->agent,
                                        .check = check_agent,
                                        .text = "The agent's own users, files and control socket."};
    result[4] =
        (struct option_binding){.options = customers_options,
                                .settings = &settings->customers,
                                .central = true,
                                .text = "Whose the senders are: a customer may have several, here and on other nodes."};
    result[5] = relay_settings_bind(&settings->relay);
    result[6] = (struct option_binding){.options = milter_options,
                                        .settings = &settings->milter,
                                        .check = check_milter,
                                        .text = "A milter for Sendmail and Postfix: refuses by the same orders as the "
                                                "policy socket, and tells of content that the wire hides behind TLS."};
    result[7] = samples_settings_bind(&settings->samples);
    result[8] = (struct option_binding){.options = NULL};
}

void settings_ports(const struct capture_settings *capture, uint16_t result[16])
{
    memset(result, 0, 16 * sizeof *result);
    for (uint32_t i = 0; i < capture->ports.count && i < 15; i++)
        result[i] = (uint16_t)capture->ports.items[i];
}

bool settings_policy(const struct agent_settings *agent, char result[OPTION_TEXT_SIZE])
{
    const char *end = strrchr(agent->socket, '/');
    if (strcmp(agent->policy, "none") == 0)
        return false;
    if (agent->policy[0])
        snprintf(result, OPTION_TEXT_SIZE, "%s", agent->policy);
    else
        snprintf(result, OPTION_TEXT_SIZE, "%.*s/policy", (int)(end ? end - agent->socket : 0), agent->socket);
    return true;
}

bool settings_name_fits(const struct option_words *patterns, const char *name)
{
    for (uint32_t i = 0; i < patterns->count; i++) {
        const char *pattern = patterns->items[i];
        size_t length = strlen(pattern);
        if (length > 0 && pattern[length - 1] == '*' ? strncmp(pattern, name, length - 1) == 0
                                                     : strcmp(pattern, name) == 0)
            return true;
    }
    return false;
}

static int override(const char *variable, const char *value, size_t most, char target[OPTION_TEXT_SIZE],
                    struct error *error)
{
    if (value == NULL || value[0] == '\0')
        return 0;
    if (!is_absolute(variable, value, most, error))
        return -EINVAL;
    snprintf(target, OPTION_TEXT_SIZE, "%s", value);
    return 0;
}

int settings_override(struct agent_settings *agent, const char *socket, const char *state, struct error *error)
{
    int status = override("POSTERN_SOCKET", socket, sizeof((struct sockaddr_un *)0)->sun_path, agent->socket, error);
    return status < 0 ? status : override("POSTERN_STATE", state, OPTION_TEXT_SIZE - 32, agent->state, error);
}

bool settings_reads_logs(const struct logs_settings *logs)
{
    return logs->files.count > 0 || logs->journal == LOGS_JOURNAL_YES;
}

/* The bundle behind a descriptor; unmapped by the caller. */
static int map_bundle(int bundle, struct text *result, struct error *error)
{
    struct stat status;
    void *bytes = fstat(bundle, &status) == 0 && status.st_size > 0
                      ? mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, bundle, 0)
                      : MAP_FAILED;
    if (bytes == MAP_FAILED)
        return error_set(error, EIO, "cannot map the configuration");
    *result = (struct text){bytes, (size_t)status.st_size};
    int code = bundle_check(*result, error);
    if (code != 0)
        munmap(bytes, result->length);
    return code;
}

static int read_process(struct text bundle, struct process_settings *result, struct error *error)
{
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    struct text content;
    process_settings_bind(result, bindings);
    if (!bundle_find(bundle, TEXT(BUNDLE_PROCESS), &content))
        return error_set(error, EPROTO, "the configuration has no part for the processes");
    return options_read(bindings, content, BUNDLE_PROCESS, error);
}

int process_settings_read(int bundle, struct process_settings *result, struct error *error)
{
    struct text whole;
    int code = map_bundle(bundle, &whole, error);
    if (code != 0)
        return code;
    code = read_process(whole, result, error);
    munmap((void *)(uintptr_t)whole.bytes, whole.length);
    return code;
}

int settings_customers(struct text bundle, const struct customers_settings *settings, struct customers **result,
                       struct error *error)
{
    struct text map = TEXT("");
    if (settings->map[0] && !bundle_find(bundle, text_of(settings->map), &map))
        return error_set(error, ENOENT, "the configuration was handed over without \"%.100s\"", settings->map);
    return customers_read(map, settings->map, settings->numbered, result, error);
}

int settings_customers_read(int bundle, struct customers **result, struct error *error)
{
    struct process_settings settings = {0};
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    struct text whole;
    int code = map_bundle(bundle, &whole, error);
    if (code != 0)
        return code;
    code = read_process(whole, &settings, error);
    if (code == 0)
        code = settings_customers(whole, &settings.customers, result, error);
    process_settings_bind(&settings, bindings);
    options_clear(bindings);
    munmap((void *)(uintptr_t)whole.bytes, whole.length);
    return code;
}
