/* What the collector counts: the table. */
#include "collector/api/metrics.h"

#include <string.h>
#include "collector/lookout/watch.h"
#include "collector/post/post.h"
#include "collector/sorter/returning.h"
#include "collector/sorter/sorter.h"
#include "common/exposition.h"

#define PREFIX                      "postern_collector_"
#define COUNTER(member, name, help) METRIC(METRIC_COUNTER, struct metrics, member, PREFIX name, help)
#define GAUGE(member, name, help)   METRIC(METRIC_GAUGE, struct metrics, member, PREFIX name, help)

static const char *const version[] = {POSTERN_VERSION, NULL};
static const char *const sorted[] = {"ham", "spam", "virus", "unknown", NULL};
static const char *const words_of_lists[] = {"listed", "clean", "unknown", NULL};
static const char *const became[] = {"sent", "failed", "in doubt", NULL};
static const char *const severities[] = {"news", "warning", "trouble", NULL};
static const char *const beliefs[] = {"yes", "no", NULL};
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
    COUNTER(messages, "messages_total", "Messages that nodes sent in."),
    METRIC_BY(METRIC_COUNTER, struct metrics, sorted[SORTED_HAM], PREFIX "messages_sorted_total", "verdict", sorted,
              "Messages by what filters say of them; one that several filters speak of may be counted again."),
    COUNTER(unread, "messages_unread_total", "Messages out of which nothing could be read."),
    COUNTER(told, "opinions_told_total", "Opinions that nodes were told."),
    COUNTER(back, "returned_total", "Messages that appliances gave back."),
    COUNTER(back_refused, "returned_refused_total", "Clients and mailboxes that the listener for them refused."),
    COUNTER(back_deferred, "returned_deferred_total", "Messages that are to be given back again."),
    COUNTER(list_questions, "blacklist_questions_total", "Questions that resolvers were asked for blacklists."),
    METRIC_BY(METRIC_COUNTER, struct metrics, list_answers[0], PREFIX "blacklist_answers_total", "answer",
              words_of_lists, "What blacklists said of own names."),
    GAUGE(watched, "blacklist_names", "Own names that are watched on blacklists."),
    GAUGE(listings, "blacklist_listings", "Own names times lists that list them."),
    METRIC_BY(METRIC_GAUGE, struct metrics, lists[0], PREFIX "blacklists", "believed", beliefs,
              "Blacklists that are asked and were tested."),
    METRIC_BY(METRIC_COUNTER, struct metrics, sendings[0], PREFIX "sendings_total", "state", became,
              "What went out to people, by what became of it."),
    COUNTER(tried_again, "sendings_tried_again_total", "Times that something could not go out and is tried again."),
    GAUGE(sendings_waiting, "sendings_waiting", "What is to go out and has not yet."),
    GAUGE(sendings_oldest, "sendings_oldest_seconds", "For how long the oldest of that has waited."),
    METRIC_BY(METRIC_GAUGE, struct metrics, alerts[0], PREFIX "alerts", "severity", severities, "Alerts that stand."),
    GAUGE(connections, "connections", "Connections open."),
    GAUGE(waiting, "requests_waiting", "Requests that wait for news."),
    {.name = NULL},
};

void metrics_take_sorting(struct metrics *metrics, struct sorter *sorter)
{
    struct sorter_counts counts;
    size_t count = sorter_filters(sorter);
    sorter_counts(sorter, &counts);
    memcpy(metrics->sorted, counts.sorted, sizeof metrics->sorted);
    metrics->told = counts.told;
    metrics->unread = counts.unread;
    for (size_t i = 0; i < count && i < FILTERS_MOST; i++) {
        struct asker_report report;
        sorter_report(sorter, i, &report);
        metrics->filters[i] = sorter_filter(sorter, i)->name;
        metrics->answered[i] = report.health.answered + report.health.returned;
        metrics->failed[i] = report.health.failed;
        metrics->spam[i] = report.health.spam;
        metrics->virus[i] = report.health.virus;
        metrics->lost[i] = report.health.lost;
        metrics->up[i] = !report.health.down;
        metrics->median[i] = (double)health_speed(&report.health, 50) / SECOND;
    }
}

void metrics_take_returning(struct metrics *metrics, struct returning *returning)
{
    const struct returning_counts counts = returning_counts(returning);
    metrics->back = counts.taken;
    metrics->back_refused = counts.refused;
    metrics->back_deferred = counts.deferred;
}

void metrics_take_watch(struct metrics *metrics, struct watch *watch)
{
    const struct watch_counts counts = watch_counts(watch);
    metrics->list_questions = counts.questions;
    metrics->list_answers[0] = counts.listed;
    metrics->list_answers[1] = counts.clean;
    metrics->list_answers[2] = counts.unknown;
    metrics->watched = counts.names;
    metrics->listings = counts.standing;
    metrics->lists[0] = counts.believed;
    metrics->lists[1] = counts.disbelieved;
}

void metrics_take_post(struct metrics *metrics, struct post *post)
{
    const struct post_counts counts = post_counts(post);
    metrics->sendings[0] = counts.sent;
    metrics->sendings[1] = counts.failed;
    metrics->sendings[2] = counts.in_doubt;
    metrics->tried_again = counts.tried_again;
    metrics->sendings_waiting = counts.waiting;
    metrics->sendings_oldest = (double)counts.oldest / SECOND;
    for (size_t i = 0; i < SEVERITIES; i++)
        metrics->alerts[i] = (uint64_t)counts.alerts[i];
}

/* A label's values are the names of the site's filters. */
static bool print_filters(const struct metrics *metrics, struct buffer *out)
{
    const char *const *names = metrics->filters;
    const struct metric of_filters[] = {
        METRIC_BY(METRIC_GAUGE, struct metrics, up[0], PREFIX "filter_up", "filter", names, "Whether it answers."),
        METRIC_BY(METRIC_COUNTER, struct metrics, answered[0], PREFIX "filter_answers_total", "filter", names,
                  "Messages of which it said something."),
        METRIC_BY(METRIC_COUNTER, struct metrics, failed[0], PREFIX "filter_failures_total", "filter", names,
                  "Times that it was asked in vain."),
        METRIC_BY(METRIC_COUNTER, struct metrics, spam[0], PREFIX "filter_spam_total", "filter", names,
                  "Messages that are spam to it."),
        METRIC_BY(METRIC_COUNTER, struct metrics, virus[0], PREFIX "filter_viruses_total", "filter", names,
                  "Messages in which it found a virus."),
        METRIC_BY(METRIC_COUNTER, struct metrics, lost[0], PREFIX "filter_lost_total", "filter", names,
                  "Messages that it did not give back."),
        METRIC_BY(METRIC_GAUGE, struct metrics, median[0], PREFIX "filter_seconds", "filter", names,
                  "The time within which half of its latest answers came."),
        {.name = NULL},
    };
    return names[0] == NULL || exposition_write(of_filters, metrics, out);
}

bool metrics_print(const struct metrics *metrics, struct buffer *out)
{
    return exposition_write(table, metrics, out) && print_filters(metrics, out);
}
