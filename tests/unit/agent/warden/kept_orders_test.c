/* Orders that the kernel does not hold outlive the warden: what was written is read again, and nothing else is. */
#include "agent/warden/kept_orders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#define NOW (1000 * DAY)

struct place {
    char name[40];
    int directory;
};

static struct place make_place(void)
{
    struct place place = {.name = "/tmp/postern-XXXXXX"};
    assert_non_null(mkdtemp(place.name));
    place.directory = open(place.name, O_PATH | O_DIRECTORY);
    assert_true(place.directory >= 0);
    return place;
}

static void leave_place(struct place *place)
{
    unlinkat(place->directory, "kept-orders", 0);
    unlinkat(place->directory, "kept-orders.new", 0);
    unlinkat(place->directory, "account-orders", 0);
    close(place->directory);
    assert_int_equal(rmdir(place->name), 0);
}

static struct order order_on(const char *account, moment until)
{
    struct order order = {.until = until, .target = sender_from_account(text_of(account)), .deed = DEED_BLOCK};
    return order;
}

static void what_was_written_is_read_again(void **state)
{
    struct place place = make_place();
    struct kept_orders orders = {0}, found;
    struct error error = {0};
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char name[40];
        snprintf(name, sizeof name, "user%d@example.com", i);
        struct order order = order_on(name, NOW + HOUR);
        kept_orders_add(&orders, &order);
    }
    assert_int_equal(kept_orders_write(place.directory, &orders, &error), 0);
    assert_int_equal(kept_orders_read(place.directory, NOW, &found, &error), 0);
    assert_int_equal(found.count, 1000);
    assert_memory_equal(found.items, orders.items, 1000 * sizeof(struct order));
    kept_orders_clear(&found);
    kept_orders_clear(&orders);
    assert_int_equal(kept_orders_write(place.directory, &orders, &error), 0); /* none: as good as no file */
    assert_int_equal(kept_orders_read(place.directory, NOW, &found, &error), 0);
    assert_int_equal(found.count, 0);
    kept_orders_clear(&found);
    leave_place(&place);
}

static void orders_that_are_over_or_unsound_are_left_out(void **state)
{
    struct place place = make_place();
    struct kept_orders orders = {0}, found;
    struct error error = {0};
    struct order over = order_on("old@example.com", NOW - SECOND), stands = order_on("new@example.com", NOW + HOUR);
    struct order customer = {.until = NOW + HOUR, .deed = DEED_BLOCK}, odd = order_on("odd@example.com", NOW + HOUR);
    (void)state;
    odd.reserved[0] = 1;
    customer.target = sender_from_customer(TEXT("acme"));
    kept_orders_add(&orders, &over);
    kept_orders_add(&orders, &customer);
    kept_orders_add(&orders, &odd);
    kept_orders_add(&orders, &stands);
    assert_int_equal(kept_orders_write(place.directory, &orders, &error), 0);
    assert_int_equal(kept_orders_read(place.directory, NOW, &found, &error), 0);
    assert_int_equal(found.count, 2);
    assert_memory_equal(&found.items[0], &customer, sizeof customer);
    assert_memory_equal(&found.items[1], &stands, sizeof stands);
    kept_orders_clear(&found);
    kept_orders_clear(&orders);
    leave_place(&place);
}

/* As a version before wrote it: a head, and orders of 80 bytes without `whose`. */
static void orders_of_the_version_before_are_read_once(void **state)
{
    struct place place = make_place();
    struct kept_orders found;
    struct error error = {0};
    struct order orders[3] = {order_on("ann@example.com", NOW + HOUR), order_on("old@example.com", NOW - SECOND),
                              order_on("bob@example.com", NOW + DAY)};
    char bytes[3 * 80];
    (void)state;
    for (int i = 0; i < 3; i++)
        memcpy(bytes + i * 80, &orders[i], 80);
    const uint64_t head[] = {UINT64_C(0x31726f6363615450), 3, XXH3_64bits_withSeed(bytes, sizeof bytes, 3)};
    int file = openat(place.directory, "account-orders", O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(file, head, sizeof head), sizeof head);
    assert_int_equal(write(file, bytes, sizeof bytes), sizeof bytes);
    close(file);
    assert_int_equal(kept_orders_read(place.directory, NOW, &found, &error), 0);
    assert_int_equal(found.count, 2);
    assert_memory_equal(&found.items[0], &orders[0], sizeof orders[0]);
    assert_memory_equal(&found.items[1], &orders[2], sizeof orders[2]);
    found.count = 1;
    assert_int_equal(kept_orders_write(place.directory, &found, &error), 0);
    kept_orders_clear(&found);
    assert_int_equal(kept_orders_read(place.directory, NOW, &found, &error), 0);
    assert_int_equal(found.count, 1); /* ours is there now, and is what stands */
    kept_orders_clear(&found);
    leave_place(&place);
}

/* Whatever byte of it is changed, and wherever it ends: it stops nobody. */
static void a_file_that_is_not_whole_is_none(void **state)
{
    struct place place = make_place();
    struct kept_orders orders = {0}, found;
    struct error error = {0};
    struct order order = order_on("bad@example.com", NOW + HOUR);
    unsigned char bytes[512];
    (void)state;
    kept_orders_add(&orders, &order);
    assert_int_equal(kept_orders_write(place.directory, &orders, &error), 0);
    kept_orders_clear(&orders);
    int file = openat(place.directory, "kept-orders", O_RDWR);
    ssize_t length = read(file, bytes, sizeof bytes);
    assert_true(length > (ssize_t)sizeof order);
    for (ssize_t i = 0; i < length; i++) {
        unsigned char other = bytes[i] ^ 0x40;
        assert_int_equal(pwrite(file, &other, 1, i), 1);
        assert_true(kept_orders_read(place.directory, NOW, &found, &error) < 0);
        assert_int_equal(found.count, 0);
        assert_int_equal(pwrite(file, &bytes[i], 1, i), 1);
    }
    assert_int_equal(ftruncate(file, length - 1), 0);
    assert_int_equal(kept_orders_read(place.directory, NOW, &found, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "damaged"));
    close(file);
    leave_place(&place);
}

static void no_file_is_no_order_and_no_place_is_said(void **state)
{
    struct place place = make_place();
    struct kept_orders found;
    struct error error = {0};
    (void)state;
    assert_int_equal(kept_orders_read(place.directory, NOW, &found, &error), 0);
    assert_int_equal(found.count, 0);
    assert_true(kept_orders_write(-1, &found, &error) < 0);
    assert_non_null(strstr(error.text, "will not outlive a restart"));
    leave_place(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(orders_that_are_over_or_unsound_are_left_out),
        cmocka_unit_test(orders_of_the_version_before_are_read_once),
        cmocka_unit_test(a_file_that_is_not_whole_is_none),
        cmocka_unit_test(no_file_is_no_order_and_no_place_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
