/* Rows must arrive once they are promised by a question; END closes them. */
#include "agent/watcher/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW_PROGRAM   "program" /* who held its connections */
#define ROW_COMMAND   "command" /* of the program before it */
#define ROW_SUBMITTED "submitted"

static void fill(struct message_sender_row *row, struct mind *mind, const struct judge_view *view)
{
    const struct sender_record *record = view->record;
    struct senders *senders = mind_senders(mind);
    row->sender = record->sender;
    row->whose = record->whose;
    row->verdict = (uint8_t)view->verdict;
    row->worst = (uint8_t)view->worst;
    row->allowed = view->allowed;
    row->person_deed = (uint8_t)view->person_deed;
    row->score = view->score;
    for (int i = 0; i < VERDICTS; i++)
        row->thresholds[i] = view->thresholds[i];
    row->repeats = view->repeats;
    row->clean_days = view->clean_days;
    row->first = record->first;
    row->last = record->last;
    row->verdict_since = view->verdict_since;
    row->hold_until = view->hold_until;
    row->person_until = view->person_until;
    row->clear_at = view->clear_at;
    snprintf(row->plan, sizeof row->plan, "%s", view->plan);
    row->connections = record->connections;
    row->connect_failed = record->connect_failed;
    row->messages = record->messages;
    row->messages_rejected = record->messages_rejected;
    row->recipients = record->recipients;
    row->recipients_rejected = record->recipients_rejected;
    row->recipients_deferred = record->recipients_deferred;
    row->bytes = record->bytes;
    row->tls_sessions = record->tls_sessions;
    row->distinct_recipients = senders_distinct(senders, &record->distinct_recipients);
    row->distinct_senders = senders_distinct(senders, &record->distinct_senders);
    row->distinct_helos = senders_distinct(senders, &record->distinct_helos);
    row->distinct_servers = senders_distinct(senders, &record->distinct_servers);
}

static void say_row(struct talk *talk, struct mind *mind, uint32_t question, const struct judge_view *view)
{
    union message message;
    message_prepare(&message, MESSAGE_SENDER_ROW, question);
    fill(&message.sender_row, mind, view);
    talk_say(talk, &message, -1, TALK_MUST);
}

/* --- the greatest scores -------------------------------------------------------------------------------------------
 */

struct ranked {
    points score;
    uint64_t messages; /* decides where scores are equal: those without any are still of interest by what they send */
    struct sender_record *record;
};

static int compare(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->score != right->score)
        return left->score < right->score ? 1 : -1;
    if (left->messages != right->messages)
        return left->messages < right->messages ? 1 : -1;
    return 0;
}

static void sink(struct ranked *heap, size_t count, size_t at)
{
    for (;;) {
        size_t least = at, left = 2 * at + 1, right = left + 1;
        if (left < count && compare(&heap[left], &heap[least]) > 0)
            least = left;
        if (right < count && compare(&heap[right], &heap[least]) > 0)
            least = right;
        if (least == at)
            return;
        struct ranked kept = heap[at];
        heap[at] = heap[least];
        heap[least] = kept;
        at = least;
    }
}

/* A heap with the least on top holds the best so far; whoever is better takes the top's place. */
static size_t rank(struct mind *mind, struct ranked *heap, size_t most, moment now)
{
    struct senders *senders = mind_senders(mind);
    struct judge_view view;
    size_t count = 0;
    for (struct sender_record *r = senders_oldest(senders); r; r = senders_younger(senders, r)) {
        judge_look(mind_judge(mind), r, now, &view);
        struct ranked one = {view.score, r->messages, r};
        if (count < most) {
            heap[count++] = one;
            for (size_t i = count == most ? most / 2 : 0; i-- > 0;)
                sink(heap, count, i);
        } else if (compare(&one, &heap[0]) < 0) {
            heap[0] = one;
            sink(heap, count, 0);
        }
    }
    qsort(heap, count, sizeof(*heap), compare);
    return count;
}

void reply_senders(struct talk *talk, struct mind *mind, uint32_t question, uint32_t most, moment now)
{
    most = most < 1 ? 1 : most > REPLY_SENDERS_MOST ? REPLY_SENDERS_MOST : most;
    struct ranked *heap = calloc(most, sizeof(*heap));
    size_t count = heap ? rank(mind, heap, most, now) : 0;
    struct judge_view view;
    for (size_t i = 0; i < count; i++) {
        judge_look(mind_judge(mind), heap[i].record, now, &view);
        say_row(talk, mind, question, &view);
    }
    free(heap);
    talk_plain(talk, MESSAGE_END, question, TALK_MUST);
}

/* --- one sender ----------------------------------------------------------------------------------------------------
 */

static void say_way(struct talk *talk, uint32_t question, moment time, const char *kind, const char *text)
{
    union message message;
    message_prepare(&message, MESSAGE_EVIDENCE_ROW, question);
    struct evidence *row = &message.evidence_row.evidence;
    row->time = time;
    snprintf(row->detector, sizeof(row->detector), "%s", kind);
    snprintf(row->reason, sizeof(row->reason), "%s", text);
    talk_say(talk, &message, -1, TALK_MUST);
}

/* No evidence against anybody, so it weighs nothing; but whoever reads the rest wants to know where to look. */
static void say_ways(struct talk *talk, struct mind *mind, uint32_t question, const struct sender *sender)
{
    const struct way *way;
    for (uint32_t i = 0; (way = mind_way(mind, sender, i)) != NULL; i++) {
        say_way(talk, question, way->time, way->kind == WAY_PROGRAM ? ROW_PROGRAM : ROW_SUBMITTED, way->text);
        if (way->command[0])
            say_way(talk, question, way->time, ROW_COMMAND, way->command);
    }
}

void reply_explain(struct talk *talk, struct mind *mind, uint32_t question, const struct sender *sender, moment now)
{
    struct sender_record *record = senders_find(mind_senders(mind), sender);
    struct judge_view view;
    union message message;
    if (record) {
        judge_look(mind_judge(mind), record, now, &view);
        say_row(talk, mind, question, &view);
        for (uint32_t i = 0; i < view.evidence_count; i++) {
            message_prepare(&message, MESSAGE_EVIDENCE_ROW, question);
            message.evidence_row.evidence = view.evidence[i];
            talk_say(talk, &message, -1, TALK_MUST);
        }
        say_ways(talk, mind, question, sender);
    }
    talk_plain(talk, MESSAGE_END, question, TALK_MUST);
}

/* The warden would refuse it, but the one who asked would not hear of that. */
static int check_port(struct mind *mind, const struct message_command *command, struct error *error)
{
    char name[SENDER_TEXT];
    if (command->deed == DEED_RELEASE || command->sender.kind != SENDER_PORT ||
        senders_has_port(mind_senders(mind), &command->sender))
        return 0;
    return error_set(error, ENODEV, "%s is no guest's port here", sender_print(&command->sender, name));
}

void reply_command(struct talk *talk, struct mind *mind, const struct message_command *command, moment now)
{
    struct error error = {0};
    union message message;
    message_prepare(&message, MESSAGE_DONE, command->head.question);
    int code = check_port(mind, command, &error);
    if (code == 0)
        code = judge_command(mind_judge(mind), &command->sender, (enum deed)command->deed, now, command->length,
                             command->rate, command->why, &error);
    message.done.code = code;
    if (code != 0)
        snprintf(message.done.text, sizeof(message.done.text), "%s", error.text);
    talk_say(talk, &message, -1, TALK_MUST);
}
