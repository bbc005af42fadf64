/* What is due is taken in hand: new messages, and messages about which a filter is to be asked, as many as there are
 * places for. */
#include <errno.h>
#include <string.h>
#include "collector/sorter/sorter_own.h"
#include "common/cleanup.h"

_Static_assert(STORE_FILTER_NAME == FILTER_NAME_MOST, "a filter's name is as long in the store");

#define BYTES_MOST ((size_t)192 << 20) /* of messages in hand, about; one is taken in any case */
#define NAMES_MOST 128
#define APART      (5 * MINUTE)  /* within which a message is taken apart, or another does */
#define SWEEP      (5 * SECOND)  /* so often what is overdue is looked for */
#define HEARD      (3 * SECOND)  /* so often others are told that we are there, where there are others ... */
#define UNHEARD    (10 * SECOND) /* ... or they take what we have in hand */

static bool has_memory(const struct sorter *sorter)
{
    return letter_bytes(&sorter->bytes) < BYTES_MOST;
}

/* Of a filter that is down nothing is asked, but those of a higher order must hear that it is. */
static bool is_passed_over(struct sorter *sorter, uint32_t filter)
{
    return sorter->later_orders && asker_is_down(sorter->askers[filter]);
}

/* Before when it was asked in vain about what it is asked again at once, for it has come back. */
static moment eager_before(struct sorter *sorter, uint32_t filter, moment now)
{
    struct asker *asker = sorter->askers[filter];
    if (!asker_is_eager(asker) || asker_is_down(asker))
        sorter->eager[filter] = 0;
    else if (sorter->eager[filter] == 0)
        sorter->eager[filter] = now;
    return sorter->eager[filter];
}

/* --- whether there is something --- */

static int filter_is_wanted(struct sorter *sorter, uint32_t filter, moment now, struct error *error)
{
    struct asker *asker = sorter->askers[filter];
    const char *name = sorter->filters.items[filter].name;
    moment eager = eager_before(sorter, filter, now);
    if (asker_room(asker) == 0 && !is_passed_over(sorter, filter))
        return 0;
    int waits = store_sorting_waits(sorter->store, name, eager, now, error);
    if (waits == 0 && eager)
        asker_not_eager(asker);
    return waits;
}

static bool sweep_is_due(const struct sorter *sorter, moment now)
{
    return now < sorter->swept || now >= sorter->swept + SWEEP;
}

static bool is_to_be_heard(const struct sorter *sorter, moment now)
{
    return store_is_shared(sorter->store) && (now < sorter->heard || now >= sorter->heard + HEARD);
}

static int overdue(struct sorter *sorter, moment now, uint32_t most, struct store_overdue *result, struct error *error)
{
    return store_opinions_overdue(sorter->store, now - sorter->filters.give_up, now, most, result, error);
}

int round_is_wanted(struct sorter *sorter, moment now, struct error *error)
{
    struct store_overdue one;
    int wanted = (letter_bytes(&sorter->bytes) > 0 && is_to_be_heard(sorter, now)) || round_alarm_is_due(sorter);
    if (wanted == 0 && has_memory(sorter) && openers_room(sorter) > 0)
        wanted = store_sorting_waits(sorter->store, NULL, 0, now, error);
    for (uint32_t i = 0; i < sorter->filters.count && wanted == 0 && has_memory(sorter); i++)
        wanted = filter_is_wanted(sorter, i, now, error);
    if (wanted == 0 && sweep_is_due(sorter, now)) {
        wanted = store_sorting_dead(sorter->store, now, error);
        if (wanted == 0)
            wanted = overdue(sorter, now, 1, &one, error);
        if (wanted == 0)
            sorter->swept = now;
    }
    return wanted;
}

/* --- a message out of the store --- */

struct loading {
    struct sorter *sorter;
    struct letter *letter;
    bool failed;
};

static void take_row(void *context, const struct store_message *message)
{
    struct loading *loading = context;
    loading->letter = letter_create(message, &loading->sorter->bytes);
    loading->failed = loading->letter == NULL;
}

static void take_content(void *context, enum store_packing packing, struct text packed)
{
    struct loading *loading = context;
    loading->failed = !letter_keep(loading->letter, packing, packed);
}

/* 1: it is there; 0: there is none of that name. */
static int load(struct round *round, const char *name, struct letter **result, struct error *error)
{
    struct loading loading = {round->sorter, NULL, false};
    int status = store_message_find(round->store, name, take_row, &loading, error);
    if (status > 0 && loading.letter)
        status = store_message_content(round->store, name, take_content, &loading, error);
    if (status >= 0 && loading.failed)
        status = error_set(error, ENOMEM, "no memory for a message");
    if (status < 0 || loading.letter == NULL) {
        letter_release(&loading.letter);
        return status < 0 ? status : 0;
    }
    *result = loading.letter; /* also without content: that it cannot be opened is told */
    return 1;
}

/* --- taking --- */

static int take_new(struct round *round, struct error *error)
{
    struct sorter *sorter = round->sorter;
    char names[OPENING_MOST][STORE_MESSAGE_NAME];
    uint32_t room = openers_room(sorter);
    if (room == 0 || !has_memory(sorter))
        return 0;
    int count =
        store_sorting_take(round->store, NULL, sorter->holder, 0, round->now, round->now + APART, room, names, error);
    int status = count;
    for (int i = 0; i < count && status >= 0; i++) {
        struct letter *letter = NULL;
        if (i > 0 && !has_memory(sorter))
            status = store_sorting_give_back(round->store, NULL, sorter->holder, names[i], error);
        else
            status = load(round, names[i], &letter, error);
        if (letter)
            round->opening[round->opening_count++] = letter;
    }
    return status < 0 ? status : 0;
}

static int take_one(struct round *round, uint32_t filter, const char *name, bool first, struct error *error)
{
    struct sorter *sorter = round->sorter;
    struct letter *letter = NULL;
    int status = 0;
    bool reserved = (first || has_memory(sorter)) && asker_reserve(sorter->askers[filter]);
    if (reserved)
        status = load(round, name, &letter, error);
    if (letter) {
        round->asking[round->asking_count].asker = sorter->askers[filter];
        round->asking[round->asking_count++].letter = letter;
        return 1;
    }
    if (reserved)
        asker_free_place(sorter->askers[filter]);
    return status < 0
               ? status
               : store_sorting_give_back(round->store, sorter->filters.items[filter].name, sorter->holder, name, error);
}

static int pass_over(struct round *round, uint32_t filter, const char *name, struct error *error)
{
    round_touch(round, name);
    return store_opinion_fail(round->store, name, round->sorter->filters.items[filter].name, round->sorter->holder,
                              health_pauses, "it does not answer", round->now, error);
}

static int take_for(struct round *round, uint32_t filter, struct error *error)
{
    struct sorter *sorter = round->sorter;
    const struct filter_settings *settings = &sorter->filters.items[filter];
    char names[NAMES_MOST][STORE_MESSAGE_NAME];
    bool passed_over = round->passed_over & UINT32_C(1) << filter;
    moment eager = passed_over ? 0 : eager_before(sorter, filter, round->now);
    uint32_t room = passed_over ? SWEPT_MOST : asker_room(sorter->askers[filter]);
    if (room == 0 || !has_memory(sorter))
        return 0;
    int count =
        store_sorting_take(round->store, settings->name, sorter->holder, eager, round->now,
                           round->now + sorter_lease(settings), room < NAMES_MOST ? room : NAMES_MOST, names, error);
    int status = count;
    for (int i = 0; i < count && status >= 0; i++)
        status =
            passed_over ? pass_over(round, filter, names[i], error) : take_one(round, filter, names[i], i == 0, error);
    return status < 0 ? status : 0;
}

static int sweep(struct round *round, struct error *error)
{
    struct store_overdue found[SWEPT_MOST];
    int count = overdue(round->sorter, round->now, SWEPT_MOST, found, error), status = count;
    for (int i = 0; i < count && status >= 0; i++) {
        struct outcome outcome = {.kind = OUTCOME_OVERDUE, .out = found[i].out};
        memcpy(outcome.name, found[i].name, sizeof outcome.name);
        memcpy(outcome.filter, found[i].filter, sizeof outcome.filter);
        status = round_write(round, &outcome, error);
        int filter = sorter_find_filter(round->sorter, text_of(outcome.filter));
        if (outcome.out && filter >= 0)
            round->lost[filter]++;
    }
    round->swept = count < SWEPT_MOST;
    return status < 0 ? status : 0;
}

int round_sweep(struct round *round, struct error *error)
{
    return sweep_is_due(round->sorter, round->now) ? sweep(round, error) : 0;
}

int round_be_heard(struct round *round, struct error *error)
{
    const struct sorter *sorter = round->sorter;
    round->heard = is_to_be_heard(sorter, round->now);
    return round->heard ? store_sorting_alive(round->store, sorter->holder, round->now + UNHEARD, round->now, error)
                        : 0;
}

/* What is passed over is sorted with the rest: so it is taken before. */
int round_pass_over(struct round *round, struct error *error)
{
    int status = 0;
    for (uint32_t i = 0; i < round->sorter->filters.count && status == 0; i++) {
        if (!is_passed_over(round->sorter, i))
            continue;
        round->passed_over |= UINT32_C(1) << i;
        status = take_for(round, i, error);
    }
    return status;
}

int round_take(struct round *round, struct error *error)
{
    int status = take_new(round, error);
    for (uint32_t i = 0; i < round->sorter->filters.count && status == 0; i++)
        if ((round->passed_over & UINT32_C(1) << i) == 0)
            status = take_for(round, i, error);
    return status;
}
