/* What the uplink asks for: directives, which are carried out one after the other and acknowledged, and news of the
 * fleet, which are handed on as they come. */
#include <inttypes.h>
#include <stdio.h>

#include "agent/courier/centre_answer.h"
#include "agent/courier/uplink_state.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define POLL_SECONDS 50
#define CARRY_AGAIN  (2 * SECOND)

/* --- carrying out -----
 */

/* `at_once`: durable before the next is begun. What nobody had to carry out can wait for the next commit: after a
 * week's absence a thousand may come together, and as many commits in a row would let nobody else be answered. */
static void acknowledge(struct uplink *uplink, bool at_once, bool done, const char *text)
{
    struct error error = {0};
    const struct directive *directive = &uplink->directives.items[uplink->next];
    int (*tell)(struct spool *, int64_t, bool, const char *, moment, struct error *) =
        at_once ? spool_acknowledge : spool_acknowledge_later;
    if (tell(uplink->spool, directive->revision, done, text, clock_now(), &error) < 0)
        log_write(uplink->log, LOG_TROUBLE, "%s", error.text); /* it goes with the next commit */
    uplink->revision = directive->revision;
    uplink->next++;
}

/* What needs nobody is acknowledged at once; the first that must be carried out is handed on. */
static void carry_next(struct uplink *uplink)
{
    while (!uplink->carrying && uplink->next < uplink->directives.count) {
        struct directive *directive = &uplink->directives.items[uplink->next];
        if (directive->trouble[0])
            acknowledge(uplink, false, false, directive->trouble);
        else if (!directive_begin(directive, clock_now()))
            acknowledge(uplink, false, true, "it had ended before it came here");
        else {
            uplink->carrying = true;
            uplink->listener.carry_out(uplink->listener.context, directive);
        }
    }
    if (uplink->carrying || uplink->next < uplink->directives.count)
        return;
    if (uplink->directives.revision > uplink->revision)
        uplink->revision = uplink->directives.revision;
    directives_clear(&uplink->directives);
    uplink->next = 0;
}

void uplink_carried_out(struct uplink *uplink, enum uplink_outcome outcome, const char *text)
{
    if (!uplink->carrying)
        return;
    if (outcome == UPLINK_LATER) {
        sd_event_source_set_time_relative(uplink->carry_again, (uint64_t)(CARRY_AGAIN / MICROSECOND));
        sd_event_source_set_enabled(uplink->carry_again, SD_EVENT_ONESHOT);
        return;
    }
    uplink->carrying = false;
    acknowledge(uplink, true, outcome == UPLINK_DONE, text);
    carry_next(uplink);
    uplink_go(uplink);
}

int uplink_carry_again(sd_event_source *source, uint64_t now, void *context)
{
    struct uplink *uplink = context;
    (void)source, (void)now;
    uplink->carrying = false;
    carry_next(uplink);
    uplink_go(uplink);
    return 0;
}

/* --- asking -----
 */

/* A relay has kept standings up to some number. Where it is before the other news that are known, some of those come
 * again; where it is behind them, none stands between: those that held had all been told. */
static void follow(struct uplink *uplink)
{
    int64_t kept = 0;
    bool follows = uplink->caught_up && uplink->listener.follows(uplink->listener.context, &kept);
    if (follows && !uplink->following)
        uplink->news = kept;
    uplink->following = follows;
}

static void begin_anew(struct uplink *uplink)
{
    uplink->news = 0;
    uplink->caught_up = uplink->following = false;
    uplink->listener.followed(uplink->listener.context, 0);
}

static void set_back(struct uplink *uplink, int64_t revision)
{
    char text[160];
    snprintf(text, sizeof text,
             "the collector knows of orders up to %" PRId64 " only, this node had them up to %" PRId64
             ": it may be from a backup; what it orders from now on is carried out",
             revision, uplink->revision);
    spool_set_back_revision(uplink->spool, revision);
    uplink->revision = revision;
    begin_anew(uplink);
    uplink_say(uplink, 1, text);
}

/* False: the answer is none, and a pause has begun. */
static bool hear_news(struct uplink *uplink, struct text answer)
{
    CLEANUP(fleet_news_clear) struct fleet_news_list list = {0};
    struct error error = {0};
    if (uplink->no_news)
        return true;
    if (fleet_news_read(answer, uplink->news, uplink->node, clock_now(), &list, &error) < 0) {
        uplink_fail(uplink, error.text);
        return false;
    }
    if (list.some && list.number == uplink->news) { /* asked again, it would say the same at once */
        uplink->no_news = true;
        uplink_say(uplink, 1, "the collector's news of other nodes have no numbers to go on from: they are left alone");
    }
    if (list.number < uplink->news)
        begin_anew(uplink);
    uplink->news = list.number;
    for (uint32_t i = 0; i < list.count; i++)
        uplink->listener.told(uplink->listener.context, &list.items[i]);
    if (list.some && uplink->following)
        uplink->listener.followed(uplink->listener.context, list.number);
    uplink->caught_up |= !list.some;
    return true;
}

/* The same of what content filters say. Their numbers are kept by whom they are handed to, once they were judged. */
static bool hear_filtered(struct uplink *uplink, struct text answer)
{
    CLEANUP(filtered_clear) struct filtered_list list = {0};
    struct error error = {0};
    if (uplink->no_filtered || uplink->crowded) /* not asked for */
        return true;
    if (filtered_read(answer, uplink->filtered, &list, &error) < 0) {
        uplink_fail(uplink, error.text);
        return false;
    }
    if (!list.some)
        return true;
    if (list.number == uplink->filtered) {
        uplink->no_filtered = true;
        uplink_say(uplink, 1,
                   "the opinions of the collector's filters have no numbers to go on from: they are left alone");
    }
    uplink->filtered = list.number;
    uplink->listener.filtered(uplink->listener.context, &list);
    return true;
}

static void on_directives(void *context, const struct http_answer *answer)
{
    struct uplink *uplink = context;
    struct error error = {0};
    int64_t revision;
    uplink->polling = 0;
    if (answer->status == 204) {
        uplink_well(uplink);
        uplink->caught_up = true;
    } else if (centre_answer_revision(answer, uplink->revision, &revision)) {
        uplink_well(uplink);
        set_back(uplink, revision);
    } else if (answer->status != 200) {
        uplink_other_answer(uplink, answer);
        return;
    } else if (directives_read(answer->body, uplink->revision, &uplink->directives, &error) < 0) {
        uplink_fail(uplink, error.text);
        return;
    } else if (hear_news(uplink, answer->body) && hear_filtered(uplink, answer->body)) {
        uplink_well(uplink);
        uplink->next = 0;
        carry_next(uplink);
    } else {
        directives_clear(&uplink->directives);
        return;
    }
    uplink_go(uplink);
}

void uplink_poll(struct uplink *uplink)
{
    char path[192], news[64] = "", filtered[40] = "";
    follow(uplink);
    /* Where it is not known whether the centre is there, or what it has told before, that is asked without waiting. */
    bool waits = uplink->standing.state == STANDING_CONNECTED && (uplink->caught_up || uplink->no_news);
    if (!uplink->no_news)
        snprintf(news, sizeof news, "&news=%" PRId64 "%s", uplink->news, uplink->following ? "&standings=yes" : "");
    uplink->crowded = !uplink->listener.has_room(uplink->listener.context);
    if (!uplink->no_filtered && !uplink->crowded)
        snprintf(filtered, sizeof filtered, "&filtered=%" PRId64, uplink->filtered);
    snprintf(path, sizeof path, "/v1/directives?after=%" PRId64 "&wait=%d%s%s", uplink->revision,
             waits ? POLL_SECONDS : 0, news, filtered);
    const struct http_request request = {.method = "GET", .patience = UPLINK_PATIENCE + POLL_SECONDS * SECOND};
    uplink->polling = uplink_send(uplink, &request, path, on_directives);
}
