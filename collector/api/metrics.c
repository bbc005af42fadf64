/* What the collector counts: the table. */
#include "collector/api/metrics.h"

#include "common/exposition.h"

#define PREFIX                      "postern_collector_"
#define COUNTER(member, name, help) METRIC(METRIC_COUNTER, struct metrics, member, PREFIX name, help)
#define GAUGE(member, name, help)   METRIC(METRIC_GAUGE, struct metrics, member, PREFIX name, help)

static const char *const version[] = {POSTERN_VERSION, NULL};
static const char *const classes[] = {"2xx", "3xx", "4xx", "5xx", NULL};

static const struct metric table[] = {
    {.name = PREFIX "build_info",
     .help = "The version that runs.",
     .type = METRIC_GAUGE,
     .kind = METRIC_ONE,
     .label = "version",
     .label_values = version},
    GAUGE(uptime, "uptime_seconds", "Since it was started."),
    METRIC_BY(METRIC_COUNTER, struct metrics, answers[2], PREFIX "answers_total", "class", classes,
              "Answers by the class of their status."),
    COUNTER(batches, "batches_total", "Batches of records that were taken."),
    COUNTER(records, "records_total", "Records stored."),
    COUNTER(duplicates, "records_duplicate_total", "Records skipped: they were there."),
    COUNTER(holes, "batches_early_total", "Batches refused: others are missing before."),
    COUNTER(body_bytes, "body_bytes_total", "Bytes of bodies received."),
    COUNTER(commits, "commits_total", "Transactions of the writer."),
    COUNTER(store_failures, "store_failures_total", "Requests that the store failed."),
    COUNTER(dropped, "connections_dropped_total", "Connections ended for being too slow."),
    COUNTER(refused_connections, "certificates_refused_total", "Requests without a good client certificate."),
    GAUGE(connections, "connections", "Connections open."),
    GAUGE(waiting, "requests_waiting", "Requests that wait for news."),
    {.name = NULL},
};

bool metrics_print(const struct metrics *metrics, struct buffer *out)
{
    return exposition_write(table, metrics, out);
}
