/* What of a complaint counts against its sender: nothing that can be made up accuses anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "collector/desk/weighing.h"

#define SOURCE "192.0.2.7"
#define RELAY  "192.0.2.25"

static struct address relay;
static struct desk_settings settings = {.authserv = "mx.host.example",
                                        .believed = {.items = {"fbl@loops.example", "trap.example"}, .count = 2},
                                        .relays = {.items = &relay, .count = 1}};

static struct complaint complaint_of(enum complaint_type type, const char *source, const char *from, const char *server)
{
    struct complaint complaint = {.type = type, .incidents = 1};
    if (source)
        assert_true(address_parse(text_of(source), &complaint.source));
    snprintf(complaint.authentic, sizeof complaint.authentic, "%s", from ? from : "");
    snprintf(complaint.authserv, sizeof complaint.authserv, "%s", server ? server : "");
    return complaint;
}

#define MX "mx.host.example"

static void how_it_is_tied(void **state)
{
    (void)state;
    static const struct {
        const char *name, *source, *from, *tied;
        size_t at;
        enum store_complaint_told stranger, believed;
    } rows[] = {
        {"the message, from where it says", SOURCE, NULL, "message", 1, TOLD_CONFIRMED, TOLD_VOUCHED},
        {"the text, from where it says", SOURCE, NULL, "text", 1, TOLD_CONFIRMED, TOLD_VOUCHED},
        {"the message, but sent from another address", SOURCE, NULL, "message", 0, TOLD_DOUBTFUL, TOLD_DOUBTFUL},
        {"the address alone", SOURCE, NULL, "address", 0, TOLD_DOUBTFUL, TOLD_VOUCHED},
        {"nobody", SOURCE, NULL, "", 0, TOLD_NOTHING, TOLD_NOTHING},
        {"a relay, and the text", RELAY, NULL, "text", 0, TOLD_CONFIRMED, TOLD_VOUCHED},
        {"a relay, and a Message-ID, which is copied easily", RELAY, NULL, "message", 0, TOLD_DOUBTFUL, TOLD_DOUBTFUL},
        {"a line of the head, which can be made up", NULL, NULL, "address", 0, TOLD_NOTHING, TOLD_NOTHING},
        {"the message, and its uppermost host", NULL, NULL, "message", 1, TOLD_DOUBTFUL, TOLD_VOUCHED},
        {"the message, and a host below", NULL, NULL, "message", 2, TOLD_DOUBTFUL, TOLD_DOUBTFUL},
        {"the message, and no host at all", NULL, NULL, "text", 0, TOLD_DOUBTFUL, TOLD_DOUBTFUL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct store_tie tie = {.tied = rows[i].tied, .sender = "port:tap7", .node = 7, .at = rows[i].at};
        struct complaint stranger = complaint_of(COMPLAINT_ABUSE, rows[i].source, NULL, NULL);
        struct complaint believed = complaint_of(COMPLAINT_ABUSE, rows[i].source, "fbl@loops.example", MX);
        enum store_complaint_told one = weighing_weigh(&settings, &stranger, &tie);
        enum store_complaint_told other = weighing_weigh(&settings, &believed, &tie);
        if (one != rows[i].stranger || other != rows[i].believed)
            fail_msg("%s: %s and %s", rows[i].name, store_complaint_told_name(one), store_complaint_told_name(other));
    }
}

static void who_is_believed(void **state)
{
    (void)state;
    static const struct {
        const char *from, *server;
        bool is_believed;
    } rows[] = {
        {"fbl@loops.example", MX, true},
        {"FBL@Loops.Example", "MX.host.example", true},
        {"other@loops.example", MX, false},
        {"anybody@trap.example", MX, true},
        {"anybody@north.trap.example", MX, true},
        {"anybody@mousetrap.example", MX, false},
        {"fbl@loops.example.evil.example", MX, false},
        {"fbl@loops.example", "mx.evil.example", false},
        {"fbl@loops.example", "", false},
        {"", MX, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct complaint complaint = complaint_of(COMPLAINT_ABUSE, SOURCE, rows[i].from, rows[i].server);
        if (weighing_is_believed(&settings, &complaint) != rows[i].is_believed)
            fail_msg("%s by %s", rows[i].from, rows[i].server);
    }
    static const struct desk_settings unset = {.believed = {.items = {"trap.example"}, .count = 1}};
    struct complaint complaint = complaint_of(COMPLAINT_ABUSE, SOURCE, "a@trap.example", "");
    assert_false(weighing_is_believed(&unset, &complaint));
}

static void what_is_no_ones_doing(void **state)
{
    (void)state;
    struct store_tie tie = {.tied = "message", .sender = "port:tap7", .node = 7, .at = 1};
    struct complaint failure = complaint_of(COMPLAINT_AUTH_FAILURE, SOURCE, "fbl@loops.example", MX);
    assert_int_equal(weighing_weigh(&settings, &failure, &tie), TOLD_NOTHING); /* somebody forged the sender */
    struct complaint good = complaint_of(COMPLAINT_NOT_SPAM, SOURCE, NULL, NULL);
    assert_int_equal(weighing_weigh(&settings, &good, &tie), TOLD_NOTHING); /* the sender may have written it */
    good = complaint_of(COMPLAINT_NOT_SPAM, SOURCE, "fbl@loops.example", MX);
    assert_int_equal(weighing_weigh(&settings, &good, &tie), TOLD_VOUCHED);
    struct complaint abuse = complaint_of(COMPLAINT_ABUSE, SOURCE, NULL, NULL);
    strcpy(abuse.category, "vulnerability");
    tie.tied = "address";
    assert_int_equal(weighing_weigh(&settings, &abuse, &tie), TOLD_NOTHING); /* an open resolver sends no mail */
    strcpy(abuse.category, "content");
    tie.tied = "message";
    assert_int_equal(weighing_weigh(&settings, &abuse, &tie),
                     TOLD_CONFIRMED); /* a message with a link to such a page */
    tie.sender[0] = '\0';             /* several senders of one customer */
    assert_int_equal(weighing_weigh(&settings, &abuse, &tie), TOLD_NOTHING);
    tie = (struct store_tie){.tied = "message", .sender = "port:tap7", .at = 1}; /* on several nodes */
    assert_int_equal(weighing_weigh(&settings, &abuse, &tie), TOLD_NOTHING);
}

static void settings_that_go_together(void **state)
{
    (void)state;
    struct error error = {0};
    struct desk_settings given = {.believed = {.items = {"trap.example"}, .count = 1}};
    assert_false(desk_settings_check(&given, &error));
    assert_non_null(strstr(error.text, "believed: it wants authserv"));
    strcpy(given.authserv, MX);
    assert_true(desk_settings_check(&given, &error));
}

int main(void)
{
    assert_true(address_parse(TEXT(RELAY), &relay));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_it_is_tied),
        cmocka_unit_test(who_is_believed),
        cmocka_unit_test(what_is_no_ones_doing),
        cmocka_unit_test(settings_that_go_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
