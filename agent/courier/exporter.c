/* See exporter.h. */
#include "agent/courier/exporter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/metrics_page.h"
#include "agent/courier/scrape.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define PAGE_MOST ((size_t)64 * 1024)
#define PATIENCE  (2 * SECOND)

struct exporter {
    struct courier *courier;
    struct scrape *scrape;
    sd_event_source *due; /* once nothing is awaited: not from within what scrape calls */
    unsigned awaits;      /* bits 1 << enum role */
    unsigned answered;    /* the same: since somebody began to wait */
    bool asked;
    duration since;
    union message watcher, warden; /* the latest answers */
};

static void ask(struct exporter *exporter, const struct channel *channel)
{
    union message message;
    struct error error = {0};
    message_prepare(&message, MESSAGE_ASK_STATUS, QUESTION_OF_METRICS);
    if (channel->descriptor >= 0 && message_send(channel, &message, -1, &error) == 0)
        exporter->awaits |= 1U << channel->peer;
}

static void on_asked(void *context)
{
    struct exporter *exporter = context;
    exporter->asked = true;
    exporter->awaits = exporter->answered = 0;
    exporter->since = clock_steady();
    ask(exporter, &exporter->courier->warden);
    ask(exporter, &exporter->courier->watcher);
    if (!exporter->awaits)
        sd_event_source_set_enabled(exporter->due, SD_EVENT_ONESHOT);
}

static void count_own(const struct exporter *exporter, struct metrics_courier *own)
{
    const struct courier *courier = exporter->courier;
    const struct relay_counters relay = relay_desk_counters(courier->relay);
    const struct news_counters news = news_counters(courier->news);
    *own = (struct metrics_courier){
        .uptime = (double)(clock_steady() - courier->begun) / SECOND,
        .up = {exporter->answered >> ROLE_WARDEN & 1, exporter->answered >> ROLE_WATCHER & 1, 1},
        .evidence = news.evidence,
        .journal_lost = journal_lost(courier->journal),
        .journal_waiting = journal_waiting(courier->journal),
        .policy_asked = relay.asked,
        .policy_refused = relay.answers[RELAY_REFUSED],
        .policy_deferred = relay.answers[RELAY_DEFERRED] + relay.answers[RELAY_LIMITED],
        .policy_greylisted = relay.answers[RELAY_GREYLISTED],
        .policy_clients = courier->policy ? policy_clients(courier->policy) : 0,
        .policy_malformed = courier->policy ? policy_malformed(courier->policy) : 0,
    };
    memcpy(own->verdicts, news.verdicts, sizeof own->verdicts);
}

static int answer(sd_event_source *source, void *context)
{
    struct exporter *exporter = context;
    struct courier *courier = exporter->courier;
    CLEANUP(buffer_clear) struct buffer page;
    struct metrics_courier own;
    struct metrics_spool spool = {0};
    (void)source;
    buffer_init(&page, PAGE_MOST);
    count_own(exporter, &own);
    if (courier->uplink) {
        spool.spool = spool_counters(courier->spool);
        spool.spool.records += spool.spool.waiting;
        spool.connected = uplink_is_connected(courier->uplink);
        spool.oldest = (double)spool.spool.oldest / SECOND;
        spool.samples = samples_counters(courier->samples);
        spool.opinions = opinions_counters(courier->opinions);
    }
    const struct metrics_page said = {
        .courier = &own,
        .watcher = own.up[1] ? &exporter->watcher.status_watcher : NULL,
        .warden = own.up[0] ? &exporter->warden.status_warden : NULL,
        .spool = courier->uplink ? &spool : NULL,
    };
    exporter->asked = false;
    exporter->awaits = 0;
    if (!metrics_page_print(&said, &page))
        page.length = 0;
    scrape_answer(exporter->scrape, buffer_text(&page));
    return 0;
}

bool exporter_take(struct exporter *exporter, const union message *message)
{
    if (message->head.question != QUESTION_OF_METRICS)
        return false;
    bool warden = message->head.kind == MESSAGE_STATUS_WARDEN;
    if (!warden && message->head.kind != MESSAGE_STATUS_WATCHER)
        return true;
    unsigned bit = 1U << (warden ? ROLE_WARDEN : ROLE_WATCHER);
    *(warden ? &exporter->warden : &exporter->watcher) = *message;
    exporter->answered |= bit;
    exporter->awaits &= ~bit;
    if (exporter->asked && !exporter->awaits)
        sd_event_source_set_enabled(exporter->due, SD_EVENT_ONESHOT);
    return true;
}

void exporter_tick(struct exporter *exporter, duration steady)
{
    if (exporter->asked && exporter->since < steady - PATIENCE)
        sd_event_source_set_enabled(exporter->due, SD_EVENT_ONESHOT);
    scrape_tick(exporter->scrape, steady);
}

int exporter_open(struct courier *courier, int listener, struct exporter **result, struct error *error)
{
    CLEANUP(exporter_close) struct exporter *exporter = calloc(1, sizeof *exporter);
    if (!exporter)
        return error_set(error, ENOMEM, "no memory for metrics");
    exporter->courier = courier;
    int status = sd_event_add_defer(courier->event, &exporter->due, answer, exporter);
    if (status >= 0)
        status = sd_event_source_set_enabled(exporter->due, SD_EVENT_OFF);
    if (status < 0)
        return error_set(error, -status, "cannot serve metrics: %s", strerror(-status));
    const struct scrape_listener told = {exporter, on_asked};
    status = scrape_open(courier->event, listener, &told, &exporter->scrape, error);
    if (status == 0)
        *result = TAKE(exporter);
    return status;
}

void exporter_close(struct exporter **exporter)
{
    if (!*exporter)
        return;
    scrape_close(&(*exporter)->scrape);
    sd_event_source_disable_unref((*exporter)->due);
    free(*exporter);
    *exporter = NULL;
}
