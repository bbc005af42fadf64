/* The file "kept-orders": a head with the number of orders and a digest of them, then the orders as they stand in
 * memory. It is read by the program that wrote it on the same machine.
 *
 * A version before kept those on accounts alone, in "account-orders", each up to its `whose`. That is read where there
 * is none of ours yet: a person's block must not end with an upgrade. */
#include "agent/warden/kept_orders.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include "common/cleanup.h"

#define NAME     "kept-orders"
#define NEW_NAME "kept-orders.new"
#define MAGIC    UINT64_C(0x32726f6363615450) /* another one where struct order changes */

#define BEFORE_NAME  "account-orders"
#define BEFORE_MAGIC UINT64_C(0x31726f6363615450)
#define BEFORE_WIDTH offsetof(struct order, whose)

struct head {
    uint64_t magic, count, digest;
};

void kept_orders_add(struct kept_orders *orders, const struct order *order)
{
    if (orders->count >= KEPT_ORDERS_MOST)
        return;
    if ((orders->count & (orders->count - 1)) == 0) { /* room doubles at each power of two */
        size_t room = orders->count ? 2 * orders->count : 1;
        struct order *larger = reallocarray(orders->items, room, sizeof *larger);
        if (!larger)
            return;
        orders->items = larger;
    }
    orders->items[orders->count++] = *order;
}

void kept_orders_clear(struct kept_orders *orders)
{
    free(orders->items);
    *orders = (struct kept_orders){0};
}

static void close_file(const int *file)
{
    if (*file >= 0)
        close(*file);
}

static bool read_all(int file, void *bytes, size_t length)
{
    size_t got = 0;
    ssize_t piece = 1;
    while (got < length && piece > 0) {
        piece = read(file, (char *)bytes + got, length - got);
        got += piece > 0 ? (size_t)piece : 0;
    }
    return got == length;
}

static bool write_all(int file, const void *bytes, size_t length)
{
    size_t put = 0;
    ssize_t piece = 1;
    while (put < length && piece > 0) {
        piece = write(file, (const char *)bytes + put, length - put);
        put += piece > 0 ? (size_t)piece : 0;
    }
    return put == length;
}

/* What is over, or was never sound, is left out. */
static void take_orders(const char *bytes, const struct head *head, moment now, struct kept_orders *result)
{
    size_t width = head->magic == MAGIC ? sizeof(struct order) : BEFORE_WIDTH;
    for (size_t i = 0; i < head->count; i++) {
        struct order order = {.id = 0};
        memcpy(&order, bytes + i * width, width);
        if (head->magic == BEFORE_MAGIC)
            order.reserved_too = 0;
        if (order.deed != DEED_RELEASE && order_check(&order, now, NULL) == 0)
            kept_orders_add(result, &order);
    }
}

static bool read_orders(int file, moment now, struct kept_orders *result)
{
    struct head head;
    if (!read_all(file, &head, sizeof head) || (head.magic != MAGIC && head.magic != BEFORE_MAGIC) ||
        head.count > KEPT_ORDERS_MOST)
        return false;
    size_t size = (size_t)head.count * (head.magic == MAGIC ? sizeof(struct order) : BEFORE_WIDTH);
    char *bytes = malloc(size ? size : 1);
    bool whole = bytes && read_all(file, bytes, size) && XXH3_64bits_withSeed(bytes, size, head.count) == head.digest;
    if (whole)
        take_orders(bytes, &head, now, result);
    free(bytes);
    return whole;
}

int kept_orders_read(int directory, moment now, struct kept_orders *result, struct error *error)
{
    *result = (struct kept_orders){0};
    const char *name = NAME;
    CLEANUP(close_file) int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 && errno == ENOENT)
        file = openat(directory, name = BEFORE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 && errno == ENOENT)
        return 0;
    if (file < 0)
        return error_set(error, errno, "cannot read the orders of before: %s", strerror(errno));
    if (!read_orders(file, now, result))
        return error_set(error, EBADMSG,
                         "orders of before, on accounts and customers, are lost: the file \"%s\" is damaged", name);
    return 0;
}

int kept_orders_write(int directory, const struct kept_orders *orders, struct error *error)
{
    size_t size = orders->count * sizeof(struct order);
    struct head head = {MAGIC, orders->count, XXH3_64bits_withSeed(orders->items, size, orders->count)};
    int file = openat(directory, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return error_set(error, errno, "orders on accounts and customers will not outlive a restart: %s",
                         strerror(errno));
    errno = ENOSPC;
    bool fine = write_all(file, &head, sizeof head) && write_all(file, orders->items, size) && fsync(file) == 0;
    int code = errno;
    close(file);
    if (fine && renameat(directory, NEW_NAME, directory, NAME) == 0)
        return 0;
    code = fine ? errno : code;
    return error_set(error, code, "orders on accounts and customers will not outlive a restart: %s", strerror(code));
}
