/* Entries are found by offset, never by pointer, because the memory moves when it grows. Once the summary is full, what
 * has been answered is taken out again, so that a session of a hundred thousand transactions stays as small as one of a
 * thousand. */
#include "agent/packet/smtp_record.h"

#include <stdalign.h>

enum { ENTRY_TRANSACTION = 1, ENTRY_RECIPIENT = 2 };

/* Room beyond the summary for what is not yet answered: a full pipeline of the longest addresses. */
#define UNANSWERED_MOST ((uint32_t)SMTP_PIPELINE_MOST * 512)
/* Recipients are kept while less than this waits for its answer: several thousand. */
#define WAITING_MOST (UNANSWERED_MOST / 2)

static uint32_t padded(size_t length)
{
    return (uint32_t)((length + 7) & ~(size_t)7);
}

static struct smtp_entry *entry_at(const struct smtp_record *record, uint32_t offset)
{
    return (struct smtp_entry *)(void *)(record->bytes + offset);
}

static struct smtp_open_transaction *transaction_at(const struct smtp_record *record, uint32_t offset)
{
    return (struct smtp_open_transaction *)(void *)(record->bytes + offset);
}

static struct smtp_entry *append(struct smtp_record *record, const struct smtp_listener *listener, uint32_t size)
{
    uint32_t wanted = record->length + size;
    if (wanted > SMTP_SUMMARY_MOST + UNANSWERED_MOST) {
        listener->counters->memory_refused++;
        return NULL;
    }
    if (wanted > record->room) {
        uint32_t room = record->room ? record->room : 128;
        while (room < wanted)
            room *= 2;
        char *bytes = smtp_memory_grow(listener, record->bytes, record->room, room);
        if (!bytes)
            return NULL;
        record->bytes = bytes;
        record->room = room;
    }
    struct smtp_entry *entry = entry_at(record, record->length);
    memset(entry, 0, size);
    entry->size = (uint16_t)size;
    record->length = wanted;
    return entry;
}

static uint32_t moved(uint32_t place, uint32_t from, uint32_t size)
{
    return place > from ? place - size : place;
}

/* Take [from, from + size) out. No place of ours may lie inside, but one may stand at its end. */
static void cut_out(struct smtp_record *record, uint32_t from, uint32_t size)
{
    if (size == 0)
        return;
    memmove(record->bytes + from, record->bytes + from + size, record->length - from - size);
    record->length -= size;
    record->next = moved(record->next, from, size);
    record->kept_end = moved(record->kept_end, from, size);
    record->current = record->current ? moved(record->current - 1, from, size) + 1 : 0;
    record->answering = record->answering ? moved(record->answering - 1, from, size) + 1 : 0;
    record->before = record->before ? moved(record->before - 1, from, size) + 1 : 0;
}

/* Forget what is answered beyond the summary's bounds. */
static void trim(struct smtp_record *record, const struct smtp_listener *listener, bool all_answered)
{
    if (!record->full) {
        if (record->begun < SMTP_TRANSACTIONS_MOST && record->length < SMTP_SUMMARY_MOST &&
            !listener->transactions_unwanted)
            return;
        record->full = true;
        record->kept_end = listener->transactions_unwanted ? 0 : record->length;
    }
    uint32_t before_answering = record->answering ? record->answering - 1 : 0;
    uint32_t done = all_answered ? record->length : before_answering;
    if (done <= record->kept_end)
        return;
    record->before = 0;
    if (all_answered)
        record->answering = 0;
    cut_out(record, record->kept_end, done - record->kept_end);
}

bool smtp_record_begin(struct smtp_record *record, const struct smtp_listener *listener, struct text from,
                       uint8_t flags, bool all_answered)
{
    record->current = 0;
    trim(record, listener, all_answered);
    size_t length = from.length < SMTP_ADDRESS_MOST ? from.length : SMTP_ADDRESS_MOST;
    uint32_t offset = record->length;
    struct smtp_entry *entry = append(record, listener, padded(sizeof(struct smtp_open_transaction) + length));
    if (!entry)
        return false;
    entry->kind = ENTRY_TRANSACTION;
    entry->flags = flags;
    entry->length = (uint16_t)length;
    if (length > 0)
        memcpy(transaction_at(record, offset)->from, from.bytes, length);
    record->current = offset + 1;
    if (!record->full)
        record->begun++;
    else if (!(flags & ENTRY_UNLISTED))
        record->left_out++;
    return true;
}

bool smtp_record_add_recipient(struct smtp_record *record, const struct smtp_listener *listener, struct text address)
{
    if (record->length - record->next > WAITING_MOST) {
        listener->counters->memory_refused++;
        return false;
    }
    size_t length = address.length < SMTP_ADDRESS_MOST ? address.length : SMTP_ADDRESS_MOST;
    struct smtp_entry *entry = append(record, listener, padded(sizeof(struct smtp_entry) + length));
    if (!entry)
        return false;
    entry->kind = ENTRY_RECIPIENT;
    entry->length = (uint16_t)length;
    if (length > 0)
        memcpy(entry + 1, address.bytes, length);
    return true;
}

struct smtp_open_transaction *smtp_record_current(struct smtp_record *record)
{
    return record->current ? transaction_at(record, record->current - 1) : NULL;
}

void smtp_record_close(struct smtp_record *record)
{
    record->current = 0;
}

struct smtp_open_transaction *smtp_record_step(struct smtp_record *record)
{
    while (record->next < record->length) {
        uint32_t offset = record->next;
        record->next += entry_at(record, offset)->size;
        if (entry_at(record, offset)->kind == ENTRY_TRANSACTION) {
            record->before = record->answering;
            record->answering = offset + 1;
            return transaction_at(record, offset);
        }
    }
    return NULL;
}

struct smtp_open_transaction *smtp_record_answering(struct smtp_record *record)
{
    return record->answering ? transaction_at(record, record->answering - 1) : NULL;
}

void smtp_record_go_back(struct smtp_record *record)
{
    struct smtp_open_transaction *refused = smtp_record_answering(record);
    if (!refused || !record->before || record->current != record->answering || !(refused->entry.flags & ENTRY_INSIDE))
        return;
    if (!(transaction_at(record, record->before - 1)->entry.flags & ENTRY_ACCEPTED))
        return;
    refused->entry.flags |= ENTRY_REFUSED;
    record->current = record->answering = record->before;
    record->before = 0;
}

void smtp_record_take_back(struct smtp_record *record)
{
    record->length = record->next;
    record->current = record->answering;
    if (record->kept_end > record->length)
        record->kept_end = record->length;
}

bool smtp_record_next_recipient(const struct smtp_record *record, struct text *address)
{
    if (record->next >= record->length || entry_at(record, record->next)->kind != ENTRY_RECIPIENT)
        return false;
    struct smtp_entry *entry = entry_at(record, record->next);
    *address = (struct text){(const char *)(entry + 1), entry->length};
    return true;
}

void smtp_record_answer_recipient(struct smtp_record *record, uint16_t code)
{
    struct smtp_open_transaction *transaction = smtp_record_answering(record);
    struct smtp_entry *entry = entry_at(record, record->next);
    uint32_t offset = record->next, size = entry->size;
    entry->code = code;
    record->next += size;
    if (!transaction)
        return;
    if (code >= 200 && code < 300)
        transaction->accepted++;
    bool kept = transaction->kept < SMTP_RECIPIENTS_MOST && offset < SMTP_SUMMARY_MOST;
    if (kept) {
        transaction->kept++;
    } else {
        transaction->left_out++;
        cut_out(record, offset, size);
    }
}

struct text smtp_record_from(const struct smtp_open_transaction *transaction)
{
    if (!transaction || transaction->entry.flags & ENTRY_IMPLICIT)
        return (struct text){NULL, 0};
    return (struct text){transaction->from, transaction->entry.length};
}

/* Behind a transaction that was refused inside of this one its recipients go on. */
bool smtp_record_recipient(const struct smtp_record *record, const struct smtp_open_transaction *transaction,
                           uint32_t *at, struct smtp_recipient *result)
{
    uint32_t next = *at ? *at : (uint32_t)((const char *)transaction - record->bytes) + transaction->entry.size;
    while (next < record->length) {
        const struct smtp_entry *entry = entry_at(record, next);
        if (entry->kind == ENTRY_TRANSACTION && !(entry->flags & ENTRY_REFUSED))
            break;
        next += entry->size;
        if (entry->kind != ENTRY_RECIPIENT)
            continue;
        *result = (struct smtp_recipient){{(const char *)(entry + 1), entry->length}, entry->code};
        *at = next;
        return true;
    }
    *at = next;
    return false;
}

static uint32_t listed_end(const struct smtp_record *record)
{
    return record->full ? record->kept_end : record->length;
}

static void count_entries(const struct smtp_record *record, uint32_t *transactions, uint32_t *recipients)
{
    for (uint32_t at = 0; at < listed_end(record); at += entry_at(record, at)->size) {
        if (entry_at(record, at)->kind == ENTRY_RECIPIENT)
            ++*recipients;
        else if (!(entry_at(record, at)->flags & ENTRY_UNLISTED))
            ++*transactions;
    }
}

static void list_transaction(const struct smtp_open_transaction *open, struct smtp_recipient *recipients,
                             struct smtp_transaction *result)
{
    *result = (struct smtp_transaction){
        .from = (struct text){open->from, open->entry.length},
        .recipients = recipients,
        .recipients_left_out = open->left_out,
        .code = open->entry.code,
        .content = (open->entry.flags & ENTRY_CONTENT) != 0,
        .complete = (open->entry.flags & ENTRY_COMPLETE) != 0,
        .bytes = open->bytes,
        .digest = {open->digest[0], open->digest[1]},
    };
}

void *smtp_record_summarise(const struct smtp_record *record, const struct smtp_listener *listener,
                            struct smtp_summary *summary, size_t *size)
{
    uint32_t count = 0, recipient_count = 0;
    count_entries(record, &count, &recipient_count);
    summary->transactions_left_out = record->left_out;
    if (count == 0)
        return NULL;
    *size = count * sizeof(struct smtp_transaction) + recipient_count * sizeof(struct smtp_recipient);
    struct smtp_transaction *transactions = smtp_memory_grow(listener, NULL, 0, *size);
    if (!transactions) {
        summary->transactions_left_out += count;
        return NULL;
    }
    struct smtp_recipient *recipients = (struct smtp_recipient *)(void *)(transactions + count);
    struct smtp_transaction *transaction = NULL;
    uint32_t listed = 0;
    for (uint32_t at = 0; at < listed_end(record); at += entry_at(record, at)->size) {
        const struct smtp_entry *entry = entry_at(record, at);
        if (entry->kind == ENTRY_TRANSACTION) {
            struct smtp_transaction *begun = entry->flags & ENTRY_UNLISTED ? NULL : &transactions[listed++];
            if (begun)
                list_transaction(transaction_at(record, at), recipients, begun);
            if (!(entry->flags & ENTRY_REFUSED))
                transaction = begun;
        } else if (transaction) {
            *recipients++ = (struct smtp_recipient){{(const char *)(entry + 1), entry->length}, entry->code};
            transaction->recipient_count++;
        }
    }
    static_assert(alignof(struct smtp_transaction) >= alignof(struct smtp_recipient), "one behind the other");
    summary->transactions = transactions;
    summary->transaction_count = count;
    return transactions;
}

void smtp_record_clear(struct smtp_record *record, struct smtp_counters *counters)
{
    smtp_memory_free(counters, record->bytes, record->room);
    *record = (struct smtp_record){0};
}
