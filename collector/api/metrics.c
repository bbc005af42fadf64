/* Prometheus' text format. Names say what is counted and in what unit. */
#include "collector/api/metrics.h"

#include <inttypes.h>

static bool say(struct buffer *out, const char *name, const char *type, const char *text, uint64_t value)
{
    return buffer_printf(out,
                         "# HELP postern_collector_%s %s\n# TYPE postern_collector_%s %s\n"
                         "postern_collector_%s %" PRIu64 "\n",
                         name, text, name, type, name, value);
}

static bool say_answers(struct buffer *out, const struct metrics *metrics)
{
    bool good = buffer_printf(out, "# HELP postern_collector_answers_total Answers by the class of their status.\n"
                                   "# TYPE postern_collector_answers_total counter\n");
    for (int class = 2; class < METRICS_CLASSES; class ++)
        good = good && buffer_printf(out, "postern_collector_answers_total{class=\"%dxx\"} %" PRIu64 "\n", class,
                                     metrics->answers[class]);
    return good;
}

bool metrics_print(const struct metrics *metrics, struct buffer *out)
{
    return buffer_printf(out,
                         "# HELP postern_collector_build_info The version that runs.\n"
                         "# TYPE postern_collector_build_info gauge\n"
                         "postern_collector_build_info{version=\"%s\"} 1\n"
                         "# HELP postern_collector_uptime_seconds Since it was started.\n"
                         "# TYPE postern_collector_uptime_seconds gauge\npostern_collector_uptime_seconds %.3f\n",
                         POSTERN_VERSION, metrics->uptime) &&
           say_answers(out, metrics) &&
           say(out, "batches_total", "counter", "Batches of records that were taken.", metrics->batches) &&
           say(out, "records_total", "counter", "Records stored.", metrics->records) &&
           say(out, "records_duplicate_total", "counter", "Records skipped: they were there.", metrics->duplicates) &&
           say(out, "batches_early_total", "counter", "Batches refused: others are missing before.", metrics->holes) &&
           say(out, "body_bytes_total", "counter", "Bytes of bodies received.", metrics->body_bytes) &&
           say(out, "commits_total", "counter", "Transactions of the writer.", metrics->commits) &&
           say(out, "store_failures_total", "counter", "Requests that the store failed.", metrics->store_failures) &&
           say(out, "connections_dropped_total", "counter", "Connections ended for being too slow.",
               metrics->dropped) &&
           say(out, "certificates_refused_total", "counter", "Requests without a good client certificate.",
               metrics->refused_connections) &&
           say(out, "connections", "gauge", "Connections open.", metrics->connections) &&
           say(out, "requests_waiting", "gauge", "Requests that wait for news.", metrics->waiting);
}
