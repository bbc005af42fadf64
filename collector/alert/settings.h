/* Whom to tell, of what, when and how: [alerts], and a section [alert NAME] for each channel. Channels are asked for by
 * name too: letters, reports and complaints of our own go out over one. */
#ifndef COLLECTOR_ALERT_SETTINGS_H
#define COLLECTOR_ALERT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/option.h"

#define CHANNELS_MOST     16
#define CHANNEL_NAME_MOST 32 /* with its end */
#define CHANNEL_OPTIONS   32 /* with the end of the table */

enum channel_type { CHANNEL_MAIL, CHANNEL_WEBHOOK, CHANNEL_SYSLOG, CHANNEL_PROGRAM };
extern const char *const channel_type_names[]; /* ended by NULL */
/* What a webhook is given. */
enum channel_form { FORM_PLAIN, FORM_SLACK, FORM_PAGERDUTY };

struct channel {
    char name[CHANNEL_NAME_MOST];
    int type;                      /* enum channel_type */
    struct option_words kinds;     /* patterns; what fits one of them is told. None: nothing is, but what is sent to the
                                      channel by its name */
    int severity;                  /* from this one on: 0 news, 1 warning, 2 trouble */
    struct option_words customers; /* patterns of whose alerts; none: all, those that are about no customer too */
    struct option_words nodes;     /* the same for nodes' names */
    char hours[OPTION_TEXT_SIZE];  /* window.h; empty: always */
    duration wait, pause, settle, repeat; /* deciding.h */
    bool over;                            /* whether it is told that something is over */
    uint32_t lists;                       /* the most that one notice tells each of */

    /* How it is delivered. */
    duration patience;
    struct option_words to;         /* mail: addresses; it goes out as [mail] says */
    struct option_urls url;         /* webhook: one */
    char secret[OPTION_TEXT_SIZE];  /* webhook: a file, with what requests are signed by; empty: they are not */
    char key[OPTION_TEXT_SIZE];     /* webhook, form pagerduty: the routing key */
    int form;                       /* webhook: enum channel_form */
    char program[OPTION_TEXT_SIZE]; /* absolute path */
};

struct alert_settings {
    duration lost;                         /* a node that says nothing for so long is lost */
    duration quiet;                        /* so long after the last virus of a sender its alert is over */
    duration keep;                         /* how long alerts that are over are kept */
    char maintenance[OPTION_TEXT_SIZE];    /* windows, window.h */
    struct option_words maintenance_kinds; /* what is not told of then */
    char link[OPTION_TEXT_SIZE];           /* how people reach the collector; empty: it is not said */
    uint32_t count;
    struct channel channels[CHANNELS_MOST];
    /* The table of each: the same entries under another section. */
    char sections[CHANNELS_MOST][CHANNEL_NAME_MOST + 8];
    struct option options[CHANNELS_MOST][CHANNEL_OPTIONS];
};

#define ALERT_BINDINGS (1 + CHANNELS_MOST)
/* Which channels the configuration has, before it can be read: fills names and count. `source` stands in errors. */
int alert_settings_find(struct alert_settings *, struct text configuration, const char *source,
                        struct error *) MUST_CHECK;
/* [alerts] and every channel's section, in the order of the file; how many. */
size_t alert_settings_bind(struct alert_settings *, struct option_binding result[ALERT_BINDINGS]);
/* What stands in every channel's section, for the example file and the manual page. */
struct option_binding alert_settings_describe(struct channel *);
/* NULL: there is none of that name. */
const struct channel *alert_channel(const struct alert_settings *, struct text name);

#endif
