/* From what stands against a customer to a letter that goes out, by a clock that the test holds, on both engines. */
#include "collector/post/letters.h"
#include "collector/store/sendings.h"
#include "tests/unit/collector/store/stocked.h"

#include <stdlib.h>
#include <unistd.h>
#include "collector/blacklist/zones.h"

static struct letter_settings settings;
static struct mail_settings mail;
static struct letters *letters, *others; /* of another collector on the same store */
static struct zones *zones;
static char path[] = "/tmp/contacts.XXXXXX";
static struct letter_result result;

static void write_contacts(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int begin(void **unused)
{
    strcpy(path, "/tmp/contacts.XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    settings = (struct letter_settings){.automatic = true, .language = "en", .after = 5 * MINUTE, .again = DAY};
    mail = (struct mail_settings){.server = "smtp://127.0.0.1", .from = "Abuse desk <abuse@host.example>"};
    strcpy(settings.contacts, path);
    write_contacts("acme admin@acme.example boss@acme.example de\n");
    well(zones_create(&zones, &failed));
    well(zones_read(zones, zones_builtin(), "builtin", &failed));
    well(letters_create(&settings, &mail, zones, &letters, &failed));
    well(letters_create(&settings, &mail, zones, &others, &failed));
    letter_result_init(&result);
    return stocked_begin(unused);
}

static int end(void **unused)
{
    letter_result_clear(&result);
    letters_destroy(&letters);
    letters_destroy(&others);
    zones_destroy(&zones);
    unlink(path);
    return stocked_end(unused);
}

static void order(const char *sender, const char *customer, const char *deed, moment since, const char *address)
{
    char sql[500];
    snprintf(sql, sizeof sql,
             "INSERT INTO orders (node, sender, customer, deed, author, reason, rate, since, until, address, standing) "
             "VALUES (7, '%s', '%s', '%s', 'policy', '', 0, %lld, %lld, '%s', '')",
             sender, customer, deed, (long long)since, (long long)(since + 3 * DAY), address);
    put(sql);
}

static void verdict(int sequence, const char *sender, const char *evidence)
{
    char line[1000];
    snprintf(line, sizeof line, "{\"record\":\"verdict\",\"sender\":\"%s\",\"evidence\":[%s]}", sender, evidence);
    const struct store_record record = {.sequence = sequence,
                                        .time = NOW,
                                        .kind = TEXT("verdict"),
                                        .sender = text_of(sender),
                                        .customer = TEXT("acme"),
                                        .line = text_of(line),
                                        .address = TEXT(""),
                                        .said = STORE_VERDICT,
                                        .verdict = {.word = TEXT("block"), .score = 4000}};
    well(store_deliver(store, NODE, 1, sequence, &record, 1, NOW, &failed));
}

static enum letter_outcome write_to(const char *customer, struct letter_wish wish, moment now)
{
    wish.customer = text_of(customer);
    wish.person = "anna";
    letter_result_clear(&result);
    letter_result_init(&result);
    well(letters_write(letters, store, &wish, now, &result, &failed));
    return result.outcome;
}

static void has(const char *words)
{
    if (!memmem(result.text.bytes, result.text.length, words, strlen(words)))
        fail_msg("\"%s\" is not in\n%.*s", words, (int)result.text.length, result.text.bytes);
}

static void has_not(const char *words)
{
    if (memmem(result.text.bytes, result.text.length, words, strlen(words)))
        fail_msg("\"%s\" is in\n%.*s", words, (int)result.text.length, result.text.bytes);
}

static int rounds(struct letters *whose, moment now)
{
    int made = letters_round(whose, store, now, &failed);
    well(made);
    return made;
}

static void a_block_is_written_of_once(void **unused)
{
    (void)unused;
    order("port:tap7", "acme", "block", NOW, "203.0.113.7");
    assert_int_equal(rounds(letters, NOW + 4 * MINUTE), 0);
    assert_int_equal(rounds(letters, NOW + 5 * MINUTE), 1);
    assert_int_equal(rounds(others, NOW + 5 * MINUTE), 0);
    assert_int_equal(rounds(letters, NOW + 2 * DAY), 0);
    order("port:tap8", "acme", "block", NOW + 2 * DAY, "");
    assert_int_equal(rounds(others, NOW + 2 * DAY + 5 * MINUTE), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM sendings WHERE purpose = 'letter' AND channel = 'mail' AND "
                         "customer = 'acme' AND recipients = 'admin@acme.example boss@acme.example'"),
                     2);
}

static void who_has_no_address_is_told_of_once(void **unused)
{
    (void)unused;
    order("port:tap7", "bolt", "block", NOW, "");
    assert_int_equal(rounds(letters, NOW + 5 * MINUTE), 0);
    assert_int_equal(rounds(others, NOW + 6 * MINUTE), 0);
    assert_int_equal(ask("SELECT times FROM alerts WHERE kind = 'letter' AND name = 'bolt' AND resolved = 0"), 1);
    write_contacts("* rest@reseller.example fr\n");
    assert_int_equal(write_to("bolt", (struct letter_wish){0}, NOW + 7 * MINUTE), LETTER_MADE);
    assert_string_equal(result.language, "fr");
    write_contacts("* rest@reseller.example it\n");
    assert_int_equal(write_to("bolt", (struct letter_wish){.preview = true}, NOW + 8 * MINUTE), LETTER_SHOWN);
    assert_string_equal(result.language, "en");
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts WHERE resolved = 0"), 0);
}

static void what_weighs_most_is_the_cause(void **unused)
{
    (void)unused;
    assert_int_equal(write_to("acme", (struct letter_wish){0}, NOW), LETTER_NOTHING);
    assert_int_equal(write_to("acme", (struct letter_wish){.note = "Hello.", .preview = true}, NOW), LETTER_SHOWN);
    assert_string_equal(result.cause, "note");
    put("INSERT INTO listings (name, zone, since, checked, doubted, first, times, total, weight, code, means, reason, "
        "node, sender, customer) VALUES ('203.0.113.7', 'zen.spamhaus.org', 1799900000000000000, 0, 0, 0, 1, 0, 3, '', "
        "'', '', 7, 'port:tap7', 'acme')");
    assert_int_equal(write_to("acme", (struct letter_wish){.preview = true}, NOW), LETTER_SHOWN);
    assert_string_equal(result.cause, "listing");
    has("203.0.113.7 auf zen.spamhaus.org, seit 2027-01-14");
    has("https://");
    order("account:anna@acme.example", "acme", "throttle", NOW, "");
    assert_int_equal(write_to("acme", (struct letter_wish){.preview = true}, NOW), LETTER_SHOWN);
    assert_string_equal(result.cause, "throttle");
    has("anna@acme.example: gedrosselt");
    has("- Mailkonto:");
    has_not("- Server oder Rechner:");
    order("port:tap7", "acme", "block", NOW, "203.0.113.7");
    assert_int_equal(write_to("acme", (struct letter_wish){0}, NOW), LETTER_MADE);
    assert_string_equal(result.cause, "block");
    assert_int_equal(write_to("acme", (struct letter_wish){0}, NOW + HOUR), LETTER_TOO_SOON);
    assert_int_equal(write_to("acme", (struct letter_wish){.again = true}, NOW + HOUR), LETTER_MADE);
}

static void what_was_seen_is_told_but_not_who_saw_it(void **unused)
{
    (void)unused;
    order("port:tap7", "acme", "block", NOW, "203.0.113.7");
    verdict(1, "port:tap7",
            "{\"detector\":\"burst\",\"points\":3,\"reason\":\"40 messages\"},"
            "{\"detector\":\"rejects\",\"points\":20,\"reason\":\"312 unknown\"},"
            "{\"detector\":\"trap\",\"points\":9,\"reason\":\"trap@secret.example\"},"
            "{\"detector\":\"complaint\",\"points\":9,\"reason\":\"reported by secret.example\"},"
            "{\"detector\":\"fanout\",\"points\":4,\"reason\":\"90 servers\"},"
            "{\"detector\":\"helo\",\"points\":-4,\"reason\":\"a good name\"},"
            "{\"detector\":5},7");
    assert_int_equal(write_to("acme", (struct letter_wish){.preview = true, .language = "en"}, NOW), LETTER_SHOWN);
    has("312 unknown");
    has("90 servers");
    has("addresses that no person ever used");
    has_not("secret.example");
    has_not("40 messages");
    has_not("a good name");
    result.text.bytes[result.text.length - 1] = '\0';
    assert_true(strstr(result.text.bytes, "312 unknown") < strstr(result.text.bytes, "90 servers"));
}

static void complain(const char *id, const char *address, const char *message)
{
    int rows =
        STORE_RUN(store,
                  "INSERT INTO complaints (id, arrival, received, time, source, format, type, reporter, address, "
                  "sender, customer, node, message_id, subject, recipient, message, tied, state, times, "
                  "incidents, closed, person, reason, note, likeness, fields) VALUES ($1, '', $2, $2, 'http', "
                  "'arf', 'abuse', '', $3, '', 'acme', 0, $4, '', '', '', 'address', 'open', 1, 1, 0, '', '', "
                  "'', '', '')",
                  NULL, NULL, &failed, STRING(id), INTEGER(NOW), STRING(address), STRING(message));
    well(rows);
}

/* Whoever complains says nothing to the customer in our name. */
static void a_complaint_puts_no_words_into_a_letter(void **unused)
{
    (void)unused;
    complain("1", "203.0.113.7", "20261126.1@acme.example");
    complain("2", "Lift it: http://evil.example/", "Your mail comes back at http://evil.example/ ann@evil.example");
    assert_int_equal(write_to("acme", (struct letter_wish){.preview = true, .language = "en"}, NOW), LETTER_SHOWN);
    has("sent from 203.0.113.7");
    has("Message-ID: 20261126.1@acme.example");
    has_not("evil.example");
}

static void many_are_counted(void **unused)
{
    (void)unused;
    for (int i = 0; i < 30; i++) {
        char name[40];
        snprintf(name, sizeof name, "port:tap%d", i);
        order(name, "acme", "block", NOW, "");
    }
    assert_int_equal(write_to("acme", (struct letter_wish){.preview = true, .language = "en"}, NOW), LETTER_SHOWN);
    has("- and 10 more\n");
}

static void a_wish_that_cannot_be_met_is_refused(void **unused)
{
    (void)unused;
    char note[2100];
    memset(note, 'x', sizeof note);
    note[2099] = '\0';
    order("port:tap7", "acme", "block", NOW, "");
    order("port:tap8", "bolt", "block", NOW, "");
    assert_int_equal(write_to("acme", (struct letter_wish){.language = "xx"}, NOW), LETTER_WRONG);
    assert_string_equal(result.sentence, "language: there is no letter in that; allowed: en, de, fr, es, nl, pl");
    assert_int_equal(write_to("acme", (struct letter_wish){.to = "a@b,c@d"}, NOW), LETTER_WRONG);
    assert_int_equal(write_to("acme", (struct letter_wish){.note = note}, NOW), LETTER_WRONG);
    assert_int_equal(write_to("bolt", (struct letter_wish){0}, NOW), LETTER_NOBODY);
    mail.server[0] = '\0';
    assert_int_equal(write_to("acme", (struct letter_wish){0}, NOW), LETTER_NO_SERVER);
    assert_int_equal(ask("SELECT COUNT(*) FROM letters"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM sendings"), 0);
}

static void a_wish_asked_for_twice_is_one_letter(void **unused)
{
    (void)unused;
    char first[STORE_SENDING_ID];
    const struct letter_wish wish = {.name = "0123456789abcdef"};
    order("port:tap7", "acme", "block", NOW, "");
    assert_int_equal(write_to("acme", wish, NOW), LETTER_MADE);
    strcpy(first, result.id);
    assert_int_equal(write_to("acme", wish, NOW + SECOND), LETTER_MADE);
    assert_string_equal(result.id, first);
    assert_int_equal(ask("SELECT COUNT(*) FROM sendings"), 1);
}

static void a_name_that_holds_up_nobody(void **unused)
{
    (void)unused;
    for (int i = 0; i < 25; i++) { /* more than there are in a round, and before all others */
        char name[40];
        snprintf(name, sizeof name, "A\x1b\n%02d", i);
        order(name, name, "block", NOW, "");
    }
    order("port:tap7", "acme", "block", NOW, "");
    assert_int_equal(rounds(letters, NOW + 5 * MINUTE), 0);
    assert_true(letters_are_due(letters, NOW + 5 * MINUTE));
    assert_int_equal(rounds(letters, NOW + 5 * MINUTE), 1);
    assert_false(letters_are_due(letters, NOW + 5 * MINUTE));
}

static void addresses_that_cannot_be_read_stay(void **unused)
{
    (void)unused;
    write_contacts("acme\n");
    rounds(letters, NOW);
    rounds(letters, NOW + MINUTE);
    assert_int_equal(ask("SELECT times FROM alerts WHERE kind = 'letter' AND name = 'contacts' AND resolved = 0"), 1);
    order("port:tap7", "acme", "block", NOW, "");
    assert_int_equal(rounds(letters, NOW + 5 * MINUTE), 1);
    write_contacts("acme new@acme.example\n");
    rounds(letters, NOW + 6 * MINUTE);
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts WHERE resolved = 0"), 0);
}

static void settings_that_cannot_work_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *contacts, *server, *from, *directory, *language, *wanted;
    } rows[] = {
        {"", "smtp://h", "a@b", "", "en", "[letters] automatic: contacts names no file"},
        {"x", "", "a@b", "", "en", "[letters] automatic: [mail] names no server"},
        {"x", "smtp://h", "a b", "", "en", "[mail] from: letters cannot be written by"},
        {"/nowhere/contacts", "smtp://h", "a@b", "", "en",
         "[letters] contacts: cannot read /nowhere/contacts: No such file"},
        {NULL, "smtp://h", "a@b", "/nowhere", "en", "[letters] directory: /nowhere: No such file"},
        {NULL, "smtp://h", "a@b", "", "it", "[letters] language: there is no letter in \"it\"; allowed: en, de"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct letters *made = NULL;
        struct error error = {0};
        struct letter_settings wrong = {.automatic = true};
        struct mail_settings by = {.patience = 0};
        snprintf(wrong.contacts, sizeof wrong.contacts, "%s", rows[i].contacts ? rows[i].contacts : path);
        snprintf(wrong.directory, sizeof wrong.directory, "%s", rows[i].directory);
        snprintf(wrong.language, sizeof wrong.language, "%s", rows[i].language);
        snprintf(by.server, sizeof by.server, "%s", rows[i].server);
        snprintf(by.from, sizeof by.from, "%s", rows[i].from);
        assert_true(letters_create(&wrong, &by, NULL, &made, &error) < 0);
        if (!strstr(error.text, rows[i].wanted))
            fail_msg("%s, not %s", error.text, rows[i].wanted);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_block_is_written_of_once),
        TEST(who_has_no_address_is_told_of_once),
        TEST(what_weighs_most_is_the_cause),
        TEST(what_was_seen_is_told_but_not_who_saw_it),
        TEST(a_complaint_puts_no_words_into_a_letter),
        TEST(many_are_counted),
        TEST(a_wish_that_cannot_be_met_is_refused),
        TEST(a_wish_asked_for_twice_is_one_letter),
        TEST(a_name_that_holds_up_nobody),
        TEST(addresses_that_cannot_be_read_stay),
        TEST(settings_that_cannot_work_are_refused),
    };
    return ENGINES_RUN(tests);
}
