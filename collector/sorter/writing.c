/* What has come of the messages in hand, into the store: each opinion once, whoever says it twice, and what all of them
 * come to. */
#include <errno.h>
#include <string.h>
#include "collector/sorter/bulk.h"
#include "collector/sorter/sorter_own.h"
#include "collector/sorter/verdict.h"

_Static_assert(STORE_PAUSES == HEALTH_PAUSES, "the store is told every pause");

void round_touch(struct round *round, const char *name)
{
    for (uint32_t i = 0; i < round->touched_count; i++)
        if (strcmp(round->touched[i], name) == 0)
            return;
    if (round->touched_count < TOUCHED_MOST)
        memcpy(round->touched[round->touched_count++], name, STORE_MESSAGE_NAME);
}

duration sorter_lease(const struct filter_settings *filter)
{
    return 3 * filter->patience + MINUTE; /* one that is asked about before it, it, and some */
}

/* --- an opinion --- */

static int give(struct round *round, const char *name, const char *filter, const struct opinion *opinion, moment asked,
                struct error *error)
{
    const struct store_opinion row = {
        .filter = text_of(filter),
        .action = text_of(opinion->action),
        .symbols = text_of(opinion->symbols),
        .trouble = TEXT(""),
        .score = opinion->score,
        .threshold = opinion->threshold,
        .certain = opinion->certain,
        .virus = opinion->virus,
    };
    int given = store_opinion_give(round->store, name, &row, asked, round->now, error);
    if (given <= 0)
        return given;
    round_touch(round, name);
    int status = round_add_told(round, name, filter, opinion, error);
    return status < 0 ? status : 1;
}

/* --- a new message --- */

static int count_bulk(struct round *round, const struct letter *letter, struct error *error)
{
    const struct message_file *file = letter->file;
    uint64_t pictures[FACTS_PICTURES];
    struct bulk_counts counts = {0};
    struct opinion opinion = {0};
    for (uint32_t i = 0; i < letter->facts.picture_count; i++)
        pictures[i] = letter->facts.pictures[i].hash;
    const struct bulk_message message = {
        .node = letter->node,
        .sender = file->sender,
        .customer = file->customer,
        .recipients = file->recipient_count + file->recipients_left_out,
        .body = letter->facts.body,
        .likeness = file->likeness,
        .pictures = pictures,
        .picture_count = letter->facts.picture_count,
    };
    int status = store_bulk_count(round->store, &round->sorter->bulk, &message, round->now, &counts, error);
    if (status < 0 || !bulk_opinion(&counts, &opinion))
        return status < 0 ? status : 0;
    const struct store_asking row = {.name = letter->name, .filter = BULK_FILTER};
    status = store_opinion_open(round->store, &row, round->now, error);
    return status < 0 ? status : give(round, letter->name, BULK_FILTER, &opinion, round->now, error);
}

static int open_filter(struct round *round, const struct outcome *outcome, uint32_t index, struct error *error)
{
    const struct sorter *sorter = round->sorter;
    const struct filter_settings *filter = &sorter->filters.items[index];
    bool first = filter->order == sorter->first_order, asking = outcome->asking & UINT32_C(1) << index;
    bool too_long = outcome->letter->file && outcome->letter->file->content.length > filter->size_most;
    duration pause = outcome->trouble[0] ? health_pauses[0] : 0;
    const struct store_asking row = {
        .name = outcome->name,
        .filter = filter->name,
        .due = first && !too_long ? round->now + pause : 0,
        .holder = asking ? sorter->holder : 0,
        .held = asking ? round->now + sorter_lease(filter) : 0,
        .trouble = outcome->trouble,
    };
    int status = store_opinion_open(round->store, &row, round->now, error);
    if (status == 0 && too_long)
        status = store_opinion_give_up(round->store, outcome->name, filter->name, "longer than what it is shown",
                                       round->now, error);
    return status < 0 ? status : 0;
}

static int write_apart(struct round *round, const struct outcome *outcome, struct error *error)
{
    const struct sorter *sorter = round->sorter;
    const struct letter *letter = outcome->letter;
    struct store_read read = {.subject = "", .message_id = "", .body = ""};
    if (letter->read)
        read = (struct store_read){letter->facts.subject, letter->facts.message_id, letter->facts.body};
    int status = store_sorting_apart(round->store, sorter->holder, outcome->name, &read, error);
    if (status <= 0)
        return status;
    round->counts.sorted[SORTED_WAITING]++;
    round->counts.unread += sorter->tools.reading && !letter->read;
    round_touch(round, outcome->name);
    if (letter->read && sorter->counts_bulk)
        status = count_bulk(round, letter, error);
    for (uint32_t i = 0; i < sorter->filters.count && status >= 0; i++)
        status = open_filter(round, outcome, i, error);
    return status < 0 ? status : 1;
}

/* --- what came of asking --- */

static int write_later(struct round *round, const struct outcome *outcome, struct error *error)
{
    int filter = sorter_find_filter(round->sorter, text_of(outcome->filter));
    duration back = filter < 0 ? HOUR : round->sorter->filters.items[filter].back;
    return store_opinion_send_out(round->store, outcome->name, outcome->filter, round->now + back, round->now, error);
}

static int write_failure(struct round *round, const struct outcome *outcome, struct error *error)
{
    round_touch(round, outcome->name);
    return store_opinion_fail(round->store, outcome->name, outcome->filter, round->sorter->holder, health_pauses,
                              outcome->trouble, round->now, error);
}

static int write_unasked(struct round *round, const struct outcome *outcome, struct error *error)
{
    round_touch(round, outcome->name);
    return store_sorting_give_back(round->store, outcome->filter, round->sorter->holder, outcome->name, error);
}

/* Given twice by an appliance it is there once. Of a message that is not written down as taken apart, because another
 * collector is about to or the store took it late, it is to be given again. */
static int write_returned(struct round *round, const struct outcome *outcome, struct error *error)
{
    int status = give(round, outcome->name, outcome->filter, &outcome->opinion, 0, error);
    if (status == 0)
        status = store_opinion_is_there(round->store, outcome->name, outcome->filter, error);
    int is_new = status == 0 ? store_sorting_is_new(round->store, outcome->name, error) : 0;
    if (outcome->waiter && status >= 0)
        outcome->waiter->status = status > 0 ? 0 : is_new > 0 ? -EAGAIN : -ENOENT;
    return is_new < 0 ? is_new : status;
}

static int write_overdue(struct round *round, const struct outcome *outcome, struct error *error)
{
    int filter = sorter_find_filter(round->sorter, text_of(outcome->filter));
    bool spam = outcome->out && filter >= 0 && round->sorter->filters.items[filter].lost == LOST_SPAM;
    const struct opinion lost = {.score = 100, .threshold = 100, .action = "it did not come back"};
    round_touch(round, outcome->name);
    if (spam)
        return give(round, outcome->name, outcome->filter, &lost, 0, error);
    return store_opinion_give_up(round->store, outcome->name, outcome->filter,
                                 outcome->out ? "it did not come back" : "", round->now, error);
}

int round_write(struct round *round, const struct outcome *outcome, struct error *error)
{
    int status = 0;
    switch (outcome->kind) {
    case OUTCOME_APART:
        status = write_apart(round, outcome, error);
        break;
    case OUTCOME_ANSWER:
        status = give(round, outcome->name, outcome->filter, &outcome->opinion, outcome->asked, error);
        break;
    case OUTCOME_LATER:
        status = write_later(round, outcome, error);
        break;
    case OUTCOME_FAILURE:
        status = write_failure(round, outcome, error);
        break;
    case OUTCOME_UNASKED:
        status = write_unasked(round, outcome, error);
        break;
    case OUTCOME_RETURNED:
        status = write_returned(round, outcome, error);
        break;
    case OUTCOME_OVERDUE:
        status = write_overdue(round, outcome, error);
        break;
    }
    return status < 0 ? status : 0;
}

/* --- what they come to --- */

struct opinions {
    struct round *round;
    struct verdict_row rows[VERDICT_MOST];
    char filters[VERDICT_MOST][FILTER_NAME_MOST];
    uint32_t count;
};

static void take_opinion(void *context, const struct store_opinion *opinion)
{
    struct opinions *opinions = context;
    struct sorter *sorter = opinions->round->sorter;
    if (opinions->count == VERDICT_MOST)
        return;
    int filter = sorter_find_filter(sorter, opinion->filter);
    bool waits = opinion->state == OPINION_WAITING;
    opinions->rows[opinions->count] = (struct verdict_row){
        .order = filter >= 0 ? sorter->filters.items[filter].order : 0,
        .bulk = text_equals(opinion->filter, TEXT(BULK_FILTER)),
        .known = filter >= 0,
        .parked = waits && opinion->due == 0,
        .absent = filter >= 0 && waits && (opinion->tries > 0 || asker_is_down(sorter->askers[filter])),
        .state = opinion->state,
        .score = (int32_t)opinion->score,
        .threshold = (int32_t)opinion->threshold,
        .certain = opinion->certain,
        .virus = opinion->virus,
    };
    text_copy_printable(opinion->filter, opinions->filters[opinions->count++], FILTER_NAME_MOST);
}

static int sort_one(struct round *round, const char *name, struct error *error)
{
    struct opinions opinions = {.round = round};
    struct verdict verdict;
    int status = store_opinions(round->store, name, take_opinion, &opinions, error);
    if (status < 0)
        return status;
    verdict_reckon(opinions.rows, opinions.count, &verdict);
    for (uint32_t i = 0; i < opinions.count && status >= 0; i++) {
        if (verdict.ask & UINT32_C(1) << i)
            status = store_opinion_due(round->store, name, opinions.filters[i], round->now, error);
        else if (verdict.spare & UINT32_C(1) << i)
            status = store_opinion_give_up(round->store, name, opinions.filters[i], "another filter said enough",
                                           round->now, error);
    }
    if (status >= 0)
        status = store_message_sort(round->store, name, verdict.sorted, verdict.score, error);
    round->counts.sorted[verdict.sorted] += status == 1;
    return status < 0 ? status : 0;
}

int round_sort_touched(struct round *round, struct error *error)
{
    int status = 0;
    for (uint32_t i = 0; i < round->touched_count && status >= 0; i++)
        status = sort_one(round, round->touched[i], error);
    return status < 0 ? status : 0;
}
