/* Who the customers of this node are: the senders are put in the order of their customers, and each run of them is
 * added up. */
#include <stdlib.h>
#include <string.h>
#include "agent/watcher/reply.h"

struct one {
    struct sender_record *record;
    points score;
    uint8_t verdict, worst;
};

struct run {
    size_t begin, count;
    points score;
    uint64_t messages;
};

static int by_rank(points a, uint64_t a_messages, points b, uint64_t b_messages)
{
    if (a != b)
        return a < b ? 1 : -1;
    return (a_messages < b_messages) - (a_messages > b_messages);
}

/* Those of one customer together, and of them the greatest scores first. */
static int by_customer(const void *a, const void *b)
{
    const struct one *x = a, *y = b;
    int order = strcmp(x->record->whose.customer, y->record->whose.customer);
    return order ? order : by_rank(x->score, x->record->messages, y->score, y->record->messages);
}

static int by_score(const void *a, const void *b)
{
    const struct run *x = a, *y = b;
    int order = by_rank(x->score, x->messages, y->score, y->messages);
    return order ? order : (x->begin > y->begin) - (x->begin < y->begin);
}

static size_t collect(struct mind *mind, struct one *ones, size_t room, moment now)
{
    struct senders *senders = mind_senders(mind);
    struct judge_view view;
    size_t count = 0;
    for (struct sender_record *r = senders_oldest(senders); r && count < room; r = senders_younger(senders, r)) {
        if (!r->whose.customer[0])
            continue;
        judge_look(mind_judge(mind), r, now, &view);
        ones[count++] = (struct one){r, view.score, (uint8_t)view.verdict, (uint8_t)view.worst};
    }
    if (count > 0)
        qsort(ones, count, sizeof *ones, by_customer);
    return count;
}

static size_t find_runs(const struct one *ones, size_t count, struct run *runs)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sender_record *record = ones[i].record;
        if (i == 0 || strcmp(record->whose.customer, ones[i - 1].record->whose.customer) != 0)
            runs[found++] = (struct run){.begin = i, .score = ones[i].score};
        runs[found - 1].count++;
        runs[found - 1].messages += record->messages;
    }
    if (found > 0)
        qsort(runs, found, sizeof *runs, by_score);
    return found;
}

static void add(struct message_customer_row *row, const struct one *one)
{
    const struct sender_record *record = one->record;
    row->verdict = one->verdict > row->verdict ? one->verdict : row->verdict;
    row->worst = one->worst > row->worst ? one->worst : row->worst;
    row->last = record->last > row->last ? record->last : row->last;
    row->connections += record->connections;
    row->connect_failed += record->connect_failed;
    row->messages += record->messages;
    row->messages_rejected += record->messages_rejected;
    row->recipients += record->recipients;
    row->recipients_rejected += record->recipients_rejected;
    row->recipients_deferred += record->recipients_deferred;
    row->bytes += record->bytes;
    if (row->senders++ < CUSTOMER_MEMBERS)
        row->members[row->senders - 1] = (struct message_customer_member){
            .sender = record->sender, .whose = record->whose, .verdict = one->verdict, .worst = one->worst};
}

static void say(struct talk *talk, uint32_t question, const struct one *ones, const struct run *run)
{
    union message message;
    message_prepare(&message, MESSAGE_CUSTOMER_ROW, question);
    message.customer_row.score = run->score;
    for (size_t i = 0; i < run->count; i++)
        add(&message.customer_row, &ones[run->begin + i]);
    talk_say(talk, &message, -1, TALK_MUST);
}

void reply_customers(struct talk *talk, struct mind *mind, uint32_t question, uint32_t most, moment now)
{
    size_t room = senders_number(mind_senders(mind));
    struct one *ones = calloc(room + 1, sizeof *ones);
    struct run *runs = calloc(room + 1, sizeof *runs);
    if (ones && runs) {
        size_t found = find_runs(ones, collect(mind, ones, room, now), runs);
        for (size_t i = 0; i < found && i < most && i < REPLY_SENDERS_MOST; i++)
            say(talk, question, ones, &runs[i]);
    }
    free(ones);
    free(runs);
    talk_plain(talk, MESSAGE_END, question, TALK_MUST);
}
