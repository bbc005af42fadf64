/* What the collector is told. */
#ifndef COLLECTOR_SETTINGS_H
#define COLLECTOR_SETTINGS_H

#include <stdint.h>
#include "collector/alert/settings.h"
#include "collector/desk/desk.h"
#include "collector/filter/settings.h"
#include "collector/post/letters.h"
#include "collector/post/settings.h"
#include "collector/lookout/watch.h"
#include "collector/quarantine/quarantine.h"
#include "collector/reading/reading.h"
#include "collector/report/settings.h"
#include "collector/sorter/learning.h"
#include "collector/store/bulk.h"
#include "collector/sorter/returning.h"
#include "collector/store/store.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/option.h"

#define SETTINGS_CONFIG "/etc/postern/collector.conf" /* read where --config and POSTERN_CONFIG name no other */

struct collector_settings {
    char listen[OPTION_TEXT_SIZE]; /* "127.0.0.1:8025" */
    char state[OPTION_TEXT_SIZE];  /* absolute path of a directory */
    char store[OPTION_TEXT_SIZE];  /* empty: SQLite in `state` */
    char certificate[OPTION_TEXT_SIZE], key[OPTION_TEXT_SIZE], authority[OPTION_TEXT_SIZE]; /* files */
    uint32_t connections, connections_per_address;
    uint64_t bodies; /* bytes */
    duration head, idle, body;
    struct store_retention keep;
    struct quarantine_settings quarantine;
    struct learning_settings learning;
    struct bulk_settings bulk;
    struct picture_settings pictures;
    struct filters_settings filters;
    struct returned_settings returned;
    struct desk_settings complaints;
    struct mail_settings mail;
    struct alert_settings alerts;
    struct watch_settings blacklists;
    struct report_settings reports;
    struct letter_settings letters;
};

#define SETTINGS_BINDINGS (17 + FILTERS_BINDINGS + ALERT_BINDINGS)
/* All sections, those of the filters that were found among them, and the end. */
void collector_settings_bind(struct collector_settings *, struct option_binding result[SETTINGS_BINDINGS]);
/* The same with what stands in every filter's section, in place of those: for the example file and the manual page. */
void collector_settings_describe(struct collector_settings *, struct option_binding result[SETTINGS_BINDINGS]);

/* From the file (NULL: POSTERN_CONFIG, or the usual place, which need not be there), with POSTERN_LISTEN and
 * POSTERN_STATE put over it. The error names file, line and what is allowed. */
int collector_settings_read(const char *file, struct collector_settings *result, struct error *) MUST_CHECK;
/* Frees what the settings hold. */
void collector_settings_clear(struct collector_settings *);
/* The directory of the state, for this user alone, where it is needed and not there. */
int collector_settings_make_state(const struct collector_settings *, struct error *) MUST_CHECK;
/* As store_open() takes it. */
void collector_settings_store(const struct collector_settings *, char result[2 * OPTION_TEXT_SIZE]);

#endif
