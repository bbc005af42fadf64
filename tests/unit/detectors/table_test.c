/* What holds for every detector in the list: its entry is whole, its presets are sound, its state is small; hostile
 * observations do it no harm; the same observations give the same findings. */
#include "common/words/kin.h"
#include "tests/unit/detectors/recorder.h"

static void entries(void **state)
{
    (void)state;
    size_t all = 0, count = 0;
    for (const struct detector *const *at = detector_table; *at; at++, count++) {
        const struct detector *detector = *at;
        assert_in_range(strlen(detector->name), 1, 15);
        assert_true(strlen(detector->sees) > 20 && detector->sees[strlen(detector->sees) - 1] == '.');
        assert_true(detector->wants != 0 && detector->wants < OBSERVATION_BIT(OBSERVATION_KINDS));
        assert_in_range(detector->state_size, 1, 300);
        assert_true(detector->load || !detector->unload);
        static const char *const first[] = {"enabled", "most", "weight"};
        for (int i = 0; i < 3; i++)
            assert_string_equal(detector->options[i].key, first[i]);
        for (const struct option *option = detector->options; option->key; option++) {
            assert_string_equal(option->section, detector->name);
            assert_true(option->reload);
            assert_true(strlen(option->text) > 10 && option->text[strlen(option->text) - 1] == '.');
        }
        assert_null(configuration_error(detector, ""));
        all += detector->state_size;
    }
    assert_in_range(count, 1, DETECTORS_MOST);
    assert_in_range(all, 1, 4096); /* the detectors' share of a busy sender's 8 KB */
}

/* A day of one mail an hour, after which nothing may be left of whatever stood in the state before. */
static double honest_day(struct subject *subject, moment begin)
{
    moment now = begin;
    for (int i = 0; i < 24; i++, now += HOUR) {
        char to[32];
        snprintf(to, sizeof to, "friend%d@other.museum", i % 3);
        struct observation seen[] = {observation_of(OBSERVATION_CONNECTION, now, 1), helo_of(now, "mx.customer.museum"),
                                     observation_of(OBSERVATION_TRANSACTION, now, 1),
                                     recipient_of(now, "me@customer.museum", to, 250, 20105),
                                     observation_of(OBSERVATION_MESSAGE, now, 1)};
        seen[2].transaction.from = seen[4].message.from = TEXT("me@customer.museum");
        seen[4].message.reply.code = 250;
        for (size_t k = 0; k < sizeof seen / sizeof seen[0]; k++)
            subject_observe(subject, &seen[k]);
    }
    return subject_account(subject, now);
}

/* A process that was broken into, or a fault in memory, may leave any bytes to the next. */
static void any_state(void **state)
{
    (void)state;
    uint64_t random = 77;
    for (const struct detector *const *at = detector_table; *at; at++) {
        struct subject subject = subject_create(*at, "");
        for (int round = 0; round < 300; round++) {
            subject_forget(&subject);
            memset(subject.state, 0xff, (*at)->state_size);
            for (size_t i = 0; i < (*at)->state_size && round > 0; i++)
                ((uint8_t *)subject.state)[i] = (uint8_t)(next_random(&random) >> 8);
            double left = honest_day(&subject, NOON);
            if (left >= 1)
                fail_msg("%s: %f points a day later: %s", (*at)->name, left, subject.findings.reason);
        }
        subject_destroy(&subject);
    }
}

/* A machine that starts with its clock a year ahead, until the network tells it the time. */
static void clock_set_back(void **state)
{
    (void)state;
    for (const struct detector *const *at = detector_table; *at; at++) {
        struct subject subject = subject_create(*at, "");
        honest_day(&subject, NOON + 365 * DAY);
        for (int day = 0; day < 300; day++)
            honest_day(&subject, NOON + day * DAY);
        if (subject.findings.peak >= 1)
            fail_msg("%s: %f points: %s", (*at)->name, subject.findings.peak, subject.findings.reason);
        subject_destroy(&subject);
    }
}

/* No detector blocks alone (20 points), but burst, which a flood of connections may. */
static void ceilings(void **state)
{
    (void)state;
    for (const struct detector *const *at = detector_table; *at; at++) {
        struct subject subject = subject_create(*at, "");
        bool may_block = strcmp((*at)->name, "burst") == 0;
        if ((subject.findings.most >= 20) != may_block)
            fail_msg("%s: most = %f", (*at)->name, subject.findings.most);
        subject_destroy(&subject);
    }
}

static struct text random_text(uint64_t *random, char *room)
{
    static const char *const pieces[] = {"@",    ".",  "",          "a",         "example.com", "[",     "]",
                                         "\xff", "%s", "localhost", "127.0.0.1", "203.0.113.7", "IPv6:", "::1",
                                         "+",    "<>", "\n",        " ",         "mailto:"};
    size_t length = 0;
    for (uint32_t n = next_random(random) % 12; n > 0; n--) {
        const char *piece = pieces[next_random(random) % (sizeof pieces / sizeof pieces[0])];
        memcpy(room + length, piece, strlen(piece));
        length += strlen(piece);
    }
    if (next_random(random) % 50 == 0)
        length = 4000; /* whatever stood there */
    return (struct text){room, length};
}

static void random_close(uint64_t *random, struct observation *seen)
{
    seen->close.reason = (enum close_reason)(next_random(random) % 5);
    seen->close.tls = (enum tls_use)(next_random(random) % 3);
    seen->close.commands = next_random(random);
    seen->close.client_bytes = seen->close.server_bytes = next_random(random);
    seen->close.spoke_first = next_random(random) % 2;
    seen->close.unasked = (uint8_t)next_random(random);
    seen->close.tls_commands = (uint16_t)next_random(random);
    seen->close.tls_messages = (uint16_t)(next_random(random) % 3);
    seen->close.tls_replies_long = (uint16_t)next_random(random);
    seen->close.conflicts = (uint16_t)(next_random(random) % 2);
    seen->close.doubted = (uint8_t)next_random(random);
    seen->origin.odd = (uint8_t)next_random(random);
}

static struct observation random_observation(uint64_t *random, char rooms[2][4096], struct alike *alike, moment *now)
{
    bool busy = *now / DAY % 4 == 3; /* days on which much happens in an hour */
    *now += next_random(random) % (busy ? 1000 : 16) ? next_random(random) % (2 * SECOND)
                                                     : next_random(random) * 100 * (moment)SECOND % DAY;
    struct observation seen = observation_of(next_random(random) % OBSERVATION_KINDS, *now, next_random(random) % 300);
    seen.server_port = next_random(random) % 4 ? 25 : 587;
    seen.origin.address.family = next_random(random) % 8 ? 4 : 6;
    struct text first = random_text(random, rooms[0]), second = random_text(random, rooms[1]);
    if (*now / DAY % 8 == 7)
        first.length = 0; /* a day on which nobody says who he is */
    struct reply reply = {
        .code = (uint16_t)(next_random(random) % 600), .enhanced = (uint16_t)(next_random(random)), .phrase = TEXT("")};
    if (busy && next_random(random) % 2) { /* somebody guesses */
        second.length =
            (size_t)snprintf(rooms[1], sizeof rooms[1], "n%07u@example.com", (unsigned)(*now / SECOND % 10000000));
        reply = (struct reply){.code = 550, .phrase = TEXT("")};
    }
    switch (seen.kind) {
    case OBSERVATION_HELO:
        seen.helo.name = first;
        break;
    case OBSERVATION_TRANSACTION:
        seen.transaction.from = first;
        seen.transaction.reply = reply;
        break;
    case OBSERVATION_RECIPIENT:
        seen.recipient.from = first;
        seen.recipient.address = second;
        seen.recipient.reply = reply;
        break;
    case OBSERVATION_MESSAGE:
        seen.message.from = first;
        seen.message.reply = reply;
        for (uint32_t i = 0; i < ALIKE_SENDERS; i++)
            alike->recipients[i] = next_random(random) % 100;
        alike->own = alike->recipients[0];
        seen.message.alike = next_random(random) % 4 ? alike : NULL;
        break;
    case OBSERVATION_CONNECTION:
        seen.connection.outcome = (enum connection_outcome)(next_random(random) % 3);
        break;
    case OBSERVATION_TLS:
        seen.tls.server_name = first;
        seen.tls.fingerprint = next_random(random);
        break;
    case OBSERVATION_AUTH:
        seen.auth.user = first;
        seen.auth.outcome = (enum auth_outcome)(next_random(random) % 4);
        break;
    case OBSERVATION_CLOSE:
        random_close(random, &seen);
        break;
    case OBSERVATION_FILTER:
        seen.filter.filter = seen.filter.action = first;
        seen.filter.symbols = second;
        seen.filter.score = (int32_t)(next_random(random) << 1);
        seen.filter.threshold = (int32_t)(next_random(random) % 2000) - 5;
        seen.filter.certain = next_random(random) % 20 == 0;
        break;
    case OBSERVATION_LISTING:
        seen.listing.zone = first;
        seen.listing.weight = (enum listing_weight)(next_random(random) % 9);
        seen.listing.listed = next_random(random) % 4 != 0;
        seen.listing.since = next_random(random) % 2 ? (moment)next_random(random) * SECOND : 0;
        break;
    case OBSERVATION_COMPLAINT:
        seen.complaint.reporter = first;
        seen.complaint.type = (enum complaint_type)(next_random(random) % 9);
        seen.complaint.count = next_random(random) % 3 ? next_random(random) % 5 : next_random(random) << 1;
        seen.complaint.verified = next_random(random) % 2;
        seen.complaint.claimed = next_random(random) % 2;
        seen.complaint.withdrawn = next_random(random) % 4 == 0;
        break;
    default:
        break;
    }
    return seen;
}

static void hostile_and_repeatable(void **state)
{
    (void)state;
    static char rooms[2][4096];
    for (const struct detector *const *at = detector_table; *at; at++) {
        struct subject first = subject_create(*at, ""), second = subject_create(*at, "");
        struct subject *subjects[] = {&first, &second};
        for (int run = 0; run < 2; run++) {
            uint64_t random = 11;
            moment now = -SECOND;
            struct alike alike = {.senders = ALIKE_SENDERS, .domains = 3, .watched = true};
            memset(rooms, 'x', sizeof rooms);
            for (int i = 0; i < 50000; i++) {
                struct observation seen = random_observation(&random, rooms, &alike, &now);
                struct kin kin = {.customer = "acme", .here = (uint32_t)i % 9, .points = i % 20000};
                seen.known.kin = i % 4 && kin.here ? &kin : NULL;
                subject_observe(subjects[run], &seen);
            }
        }
        assert_memory_equal(first.state, second.state, (*at)->state_size);
        assert_int_equal(first.findings.calls, second.findings.calls);
        assert_int_equal(first.findings.sum, second.findings.sum);
        if (first.findings.calls == 0)
            fail_msg("%s: nothing found", (*at)->name);
        subject_destroy(&first);
        subject_destroy(&second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(entries), cmocka_unit_test(ceilings),
                                       cmocka_unit_test(hostile_and_repeatable), cmocka_unit_test(any_state),
                                       cmocka_unit_test(clock_set_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
