/* Messages in the store, over either engine: each number once, content byte for byte, found by who asks, and gone with
 * all that belongs to them when they are forgotten, too old, or too many. */
#include "tests/unit/collector/store/stocked.h"

#include "collector/store/sorting.h"

static struct store_message message_of(const char *name, int64_t node, const char *sender, const char *customer,
                                       moment received)
{
    struct store_message message = {
        .node = node,
        .received = received,
        .time = received - SECOND,
        .sender = text_of(sender),
        .customer = text_of(customer),
        .address = TEXT("192.0.2.7"),
        .from = TEXT("a@b"),
        .subject = TEXT(""),
        .envelope = TEXT("{\"record\":\"message\"}"),
        .size = 100,
    };
    snprintf(message.name, sizeof message.name, "%s", name);
    return message;
}

static int add(const char *name, int64_t node, const char *sender, const char *customer, moment received,
               int64_t number, struct text content)
{
    const struct store_message message = message_of(name, node, sender, customer, received);
    int added = store_message_add(store, &message, 99, number, content, PACKING_ZSTD, &failed);
    well(added);
    return added;
}

struct seen {
    char names[400];
    struct store_message last;
    char sender[32], node_name[16], envelope[40];
};

static void see(void *context, const struct store_message *message)
{
    struct seen *seen = context;
    size_t length = strlen(seen->names);
    snprintf(seen->names + length, sizeof seen->names - length, "%.1s", message->name);
    seen->last = *message;
    store_copy(message->sender, seen->sender, sizeof seen->sender);
    store_copy(message->node_name, seen->node_name, sizeof seen->node_name);
    store_copy(message->envelope, seen->envelope, sizeof seen->envelope);
}

static const char *list(struct store_message_query query)
{
    static struct seen seen;
    seen = (struct seen){0};
    if (query.most == 0)
        query.most = 100;
    well(store_message_list(store, &query, see, &seen, &failed));
    return seen.names;
}

static void take_content(void *context, enum store_packing packing, struct text content)
{
    static const char wanted[] = {0, 1, 2, '\xff', '\'', '\\', 0};
    *(int *)context = packing == PACKING_SEALED && content.length == sizeof wanted &&
                      memcmp(content.bytes, wanted, sizeof wanted) == 0;
}

static void a_number_is_kept_once_of_each_node_and_life(void **unused)
{
    (void)unused;
    char name[STORE_MESSAGE_NAME] = "";
    assert_int_equal(add("A", NODE, "s", "", NOW, 1, TEXT("x")), 1);
    assert_int_equal(add("B", NODE, "s", "", NOW, 1, TEXT("y")), 0);
    assert_int_equal(add("B", OTHER, "s", "", NOW, 1, TEXT("y")), 1);
    assert_int_equal(add("C", NODE, "s", "", NOW, 2, TEXT("z")), 1);
    assert_int_equal(store_message_by_number(store, NODE, 99, 1, name, &failed), 1);
    assert_string_equal(name, "A");
    assert_int_equal(store_message_by_number(store, NODE, 98, 1, name, &failed), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM contents"), 3);
}

static void it_is_found_with_what_it_is(void **unused)
{
    (void)unused;
    struct seen seen = {0};
    int same = 0;
    const struct store_message message = message_of("A", NODE, "port:vnet3", "acme", NOW);
    assert_int_equal(store_message_add(store, &message, 99, 1, TEXT("\0\1\2\xff'\\\0"), PACKING_SEALED, &failed), 1);
    assert_int_equal(store_message_find(store, "A", see, &seen, &failed), 1);
    assert_string_equal(seen.sender, "port:vnet3");
    assert_string_equal(seen.node_name, "hv7");
    assert_string_equal(seen.envelope, "{\"record\":\"message\"}");
    assert_true(seen.last.received == NOW && seen.last.time == NOW - SECOND && seen.last.size == 100 &&
                seen.last.kept == 7);
    assert_true(seen.last.verdict == SORTED_WAITING && seen.last.corrected == SORTED_WAITING);
    assert_int_equal(store_message_content(store, "A", take_content, &same, &failed), 1);
    assert_true(same);
    assert_int_equal(store_message_find(store, "B", see, &seen, &failed), 0);
    assert_int_equal(store_message_content(store, "B", take_content, &same, &failed), 0);
}

static void lists_are_of_whom_and_of_when(void **unused)
{
    (void)unused;
    add("A", NODE, "s1", "acme", NOW, 1, TEXT("x"));
    add("B", OTHER, "s2", "acme", NOW + 1, 2, TEXT("x"));
    add("C", NODE, "s1", "baker", NOW + 2, 3, TEXT("x"));
    add("D", NODE, "s3", "", NOW + 3, 4, TEXT("x"));
    assert_string_equal(list((struct store_message_query){.sorted = -1}), "DCBA");
    assert_string_equal(list((struct store_message_query){.sorted = -1, .oldest = true}), "ABCD");
    assert_string_equal(list((struct store_message_query){.sorted = -1, .most = 2}), "DC");
    assert_string_equal(list((struct store_message_query){.sorted = -1, .sender = "s1"}), "CA");
    assert_string_equal(list((struct store_message_query){.sorted = -1, .customer = "acme", .oldest = true}), "AB");
    assert_string_equal(list((struct store_message_query){.sorted = -1, .customer = "acme", .sender = "s2"}), "B");
    assert_string_equal(list((struct store_message_query){.sorted = -1, .node = OTHER}), "B");
    assert_string_equal(list((struct store_message_query){.sorted = -1, .since = NOW + 1, .before = NOW + 3}), "CB");
}

static void what_a_person_says_stands_over_what_filters_say(void **unused)
{
    (void)unused;
    add("A", NODE, "s1", "", NOW, 1, TEXT("x"));
    add("B", NODE, "s1", "", NOW + 1, 2, TEXT("x"));
    assert_int_equal(store_message_sort(store, "A", SORTED_SPAM, 120, &failed), 1);
    assert_int_equal(store_message_sort(store, "A", SORTED_SPAM, 130, &failed), 0); /* the same verdict */
    assert_int_equal(ask("SELECT score FROM messages WHERE name = 'A'"), 130);
    assert_string_equal(list((struct store_message_query){.sorted = SORTED_SPAM}), "A");
    assert_string_equal(list((struct store_message_query){.sorted = SORTED_WAITING}), "B");
    assert_int_equal(store_message_correct(store, "A", SORTED_HAM, &failed), 1);
    assert_int_equal(store_message_correct(store, "nobody", SORTED_HAM, &failed), 0);
    assert_string_equal(list((struct store_message_query){.sorted = SORTED_SPAM}), "");
    assert_string_equal(list((struct store_message_query){.sorted = SORTED_HAM}), "A");
}

static void what_is_forgotten_is_gone_with_all_that_belongs_to_it(void **unused)
{
    (void)unused;
    const struct store_asking asking = {.name = "A", .filter = "rspamd", .due = NOW};
    add("A", NODE, "s1", "", NOW, 1, TEXT("x"));
    add("B", NODE, "s1", "", NOW, 2, TEXT("x"));
    well(store_opinion_open(store, &asking, NOW, &failed));
    assert_int_equal(store_message_forget(store, "A", &failed), 1);
    assert_int_equal(store_message_forget(store, "A", &failed), 0);
    assert_string_equal(list((struct store_message_query){.sorted = -1}), "B");
    assert_int_equal(ask("SELECT (SELECT COUNT(*) FROM contents) * 10 + (SELECT COUNT(*) FROM opinions)"), 10);
}

static struct store_retention keep_for(duration age, uint64_t bytes)
{
    return (struct store_retention){.records = 30 * DAY,
                                    .minutes = HOUR,
                                    .hours = 10 * DAY,
                                    .days = 100 * DAY,
                                    .audit = 100 * DAY,
                                    .messages = age,
                                    .message_bytes = bytes};
}

static void the_old_go(void **unused)
{
    (void)unused;
    const struct store_retention keep = keep_for(DAY, 0), for_ever = keep_for(0, 0);
    add("A", NODE, "s1", "", NOW - DAY - 1, 1, TEXT("x"));
    add("B", NODE, "s1", "", NOW - DAY, 2, TEXT("x"));
    add("C", NODE, "s1", "", NOW, 3, TEXT("x"));
    well(store_tidy(store, &for_ever, NOW, &failed));
    assert_string_equal(list((struct store_message_query){.sorted = -1}), "CBA");
    well(store_tidy(store, &keep, NOW, &failed));
    assert_string_equal(list((struct store_message_query){.sorted = -1}), "CB");
    assert_int_equal(ask("SELECT COUNT(*) FROM contents"), 2);
}

/* Each takes its content and a kilobyte. */
static void the_oldest_go_where_they_are_too_many(void **unused)
{
    (void)unused;
    static const char much[4096];
    const struct store_retention keep = keep_for(DAY, 3 * 5120);
    for (int i = 0; i < 5; i++) {
        const char name[] = {(char)('A' + i), 0};
        add(name, NODE, "s1", "", NOW + i, i, (struct text){much, sizeof much});
    }
    well(store_tidy(store, &keep, NOW + 10, &failed));
    assert_string_equal(list((struct store_message_query){.sorted = -1}), "EDC");
    well(store_tidy(store, &keep, NOW + 10, &failed));
    assert_string_equal(list((struct store_message_query){.sorted = -1}), "EDC");
}

static void names_are_what_they_look_like(void **unused)
{
    (void)unused;
    char name[STORE_MESSAGE_NAME], other[STORE_MESSAGE_NAME];
    store_message_name(name);
    store_message_name(other);
    assert_true(store_message_is_name(text_of(name)));
    assert_string_not_equal(name, other);
    assert_true(store_message_is_name(TEXT("0DC5B48D4.A739D")));
    assert_false(store_message_is_name(TEXT("0DC5B48D4.A739d")));
    assert_false(store_message_is_name(TEXT("0DC5B48D4A739D0")));
    assert_false(store_message_is_name(TEXT("0DC5B48D4.A739")));
    assert_false(store_message_is_name(TEXT("0DC5B48D4.A73\0D")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOCKED(a_number_is_kept_once_of_each_node_and_life),
        STOCKED(it_is_found_with_what_it_is),
        STOCKED(lists_are_of_whom_and_of_when),
        STOCKED(what_a_person_says_stands_over_what_filters_say),
        STOCKED(what_is_forgotten_is_gone_with_all_that_belongs_to_it),
        STOCKED(the_old_go),
        STOCKED(the_oldest_go_where_they_are_too_many),
        STOCKED(names_are_what_they_look_like),
    };
    return ENGINES_RUN(tests);
}
