/* A verb of `postern`: one file, one row of the table in main.c, which is also the help. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

/* How this call shall speak. */
struct cli {
    const char *socket;
    const char *collector; /* its URL: it is asked instead of the agent; NULL: the agent is */
    const char *key;       /* the person's secret there */
    const char *authority; /* file of certificates to trust; NULL: the system's */
    bool json;             /* one object a line */
    bool terminal;         /* aligned tables and progress; else plain lines */
    bool colour;
};

enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
    const char *name, *arguments, *text;
    /* `arguments[0]` is the verb. Returns an exit status; has said what went wrong. */
    int (*run)(const struct cli *, int count, char **arguments);
};

int command_status(const struct cli *, int count, char **arguments);
int command_senders(const struct cli *, int count, char **arguments);
int command_explain(const struct cli *, int count, char **arguments);
int command_events(const struct cli *, int count, char **arguments);
int command_order(const struct cli *, int count, char **arguments); /* block, throttle, divert, allow, release */
int command_orders(const struct cli *, int count, char **arguments);
int command_nodes(const struct cli *, int count, char **arguments);
int command_customers(const struct cli *, int count, char **arguments);
int command_campaigns(const struct cli *, int count, char **arguments);
int command_filters(const struct cli *, int count, char **arguments);
int command_bulk(const struct cli *, int count, char **arguments);
int command_audit(const struct cli *, int count, char **arguments);
int command_settings(const struct cli *, int count, char **arguments);
int command_quarantine(const struct cli *, int count, char **arguments);
int command_learn(const struct cli *, int count, char **arguments);
int command_complaints(const struct cli *, int count, char **arguments);
int command_report(const struct cli *, int count, char **arguments);
int command_blacklist(const struct cli *, int count, char **arguments);
int command_letter(const struct cli *, int count, char **arguments);
int command_alerts(const struct cli *, int count, char **arguments);
int command_enforce(const struct cli *, int count, char **arguments);

/* What every verb's options share: "--json" and "--help" are taken by all. */
struct command_option {
    const char *name;   /* with the dashes */
    const char **value; /* where an option's argument goes; NULL: it is a flag */
    bool *flag;
};
/* Read options up to the end; words go to `words`, at most `most` of them. Returns their number, or -1 after having
 * said what is wrong. The array of options ends with a NULL name. */
int command_read(int count, char **arguments, const struct command_option *options, const char **words, int most);

#endif
