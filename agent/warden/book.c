/* The table of common/table.h, keyed by the target. */
#include "agent/warden/book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "common/table.h"

struct book {
    void *memory;
    struct table *table;
};

int book_create(uint32_t most, struct book **result, struct error *error)
{
    struct table_shape shape = {
        .places = most, .key_size = sizeof(struct sender), .value_size = sizeof(struct book_entry)};
    struct book *book = calloc(1, sizeof(*book));
    if (book)
        book->memory = calloc(1, table_memory(&shape));
    if (!book || !book->memory || getrandom(&shape.key, sizeof(shape.key), 0) != sizeof(shape.key)) {
        book_destroy(&book);
        return error_set(error, ENOMEM, "no memory for the order book");
    }
    book->table = table_place(book->memory, &shape);
    *result = book;
    return 0;
}

void book_destroy(struct book **owner)
{
    struct book *book = *owner;
    *owner = NULL;
    if (!book)
        return;
    free(book->memory);
    free(book);
}

struct book_entry *book_write(struct book *book, const struct order *order)
{
    if (order->deed == DEED_RELEASE) {
        book_strike(book, &order->target);
        return NULL;
    }
    bool added;
    struct book_entry *entry = table_add(book->table, &order->target, &added, NULL, NULL);
    entry->order = *order;
    return entry;
}

struct book_entry *book_find(struct book *book, const struct sender *target)
{
    return table_find(book->table, target);
}

void book_strike(struct book *book, const struct sender *target)
{
    struct book_entry *entry = table_find(book->table, target);
    if (entry)
        table_remove(book->table, entry);
}

uint32_t book_count(const struct book *book)
{
    return table_count(book->table);
}

void book_each(struct book *book, void (*each)(void *context, struct book_entry *), void *context)
{
    struct book_entry *next;
    for (struct book_entry *entry = table_oldest(book->table); entry; entry = next) {
        next = table_younger(book->table, entry);
        each(context, entry);
    }
}

uint32_t book_expire(struct book *book, moment now, void (*expired)(void *context, const struct order *), void *context)
{
    struct book_entry *next;
    uint32_t count = 0;
    for (struct book_entry *entry = table_oldest(book->table); entry; entry = next) {
        next = table_younger(book->table, entry);
        if (entry->order.until > now)
            continue;
        struct order order = entry->order;
        table_remove(book->table, entry);
        if (expired)
            expired(context, &order);
        count++;
    }
    return count;
}
