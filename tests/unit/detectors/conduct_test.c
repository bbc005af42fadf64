/* All detectors together, under the policy's presets (alert at 10 points, throttle at 13, block at 20, half-life one
 * hour): bots are blocked within a handful of messages, and those whom a block would hurt are not. */
#include "common/words/kin.h"
#include "tests/unit/detectors/recorder.h"

#define DIALOGUES 512

/* A connection that is open: with such a server, until then. */
struct dialogue {
    moment began, ends;
    uint32_t server;
};

struct sender_under_test {
    struct subject subjects[DETECTORS_MOST];
    uint32_t count;
    uint64_t random;
    moment now;
    uint32_t messages, connections;
    double peak;                /* of the sum */
    uint32_t block_messages;    /* sent before 20 points were reached */
    uint32_t throttle_messages; /* ... 13 points */
    uint32_t block_connections, throttle_connections;
    char why[400];
    struct known known; /* its own past; as a stranger's where zero */
    struct dialogue dialogues[DIALOGUES];
};

/* With limits of the operator's own in [burst]. */
static void begin_with(struct sender_under_test *sender, const char *burst)
{
    *sender = (struct sender_under_test){.random = 21,
                                         .now = NOON,
                                         .block_messages = UINT32_MAX,
                                         .throttle_messages = UINT32_MAX,
                                         .throttle_connections = UINT32_MAX};
    for (const struct detector *const *at = detector_table; *at; at++)
        sender->subjects[sender->count++] = subject_create(*at, strcmp((*at)->name, "burst") == 0 ? burst : "");
}

static void begin(struct sender_under_test *sender)
{
    begin_with(sender, "");
}

static void end(struct sender_under_test *sender)
{
    for (uint32_t i = 0; i < sender->count; i++)
        subject_destroy(&sender->subjects[i]);
}

static void see(struct sender_under_test *sender, const struct observation *observation)
{
    double sum = 0;
    struct observation told = *observation, *seen = &told;
    told.known = sender->known;
    for (uint32_t i = 0; i < sender->count; i++) {
        subject_observe(&sender->subjects[i], seen);
        sum += subject_account(&sender->subjects[i], seen->time);
    }
    if (sum > sender->peak) {
        sender->peak = sum;
        size_t length = 0;
        for (uint32_t i = 0; i < sender->count && length < sizeof sender->why; i++)
            length +=
                (size_t)snprintf(sender->why + length, sizeof sender->why - length, "%s %.1f ",
                                 sender->subjects[i].detector->name, subject_account(&sender->subjects[i], seen->time));
    }
    if (sum >= 13 && sender->throttle_messages == UINT32_MAX) {
        sender->throttle_messages = sender->messages;
        sender->throttle_connections = sender->connections;
    }
    if (sum >= 20 && sender->block_messages == UINT32_MAX) {
        sender->block_messages = sender->messages;
        sender->block_connections = sender->connections;
    }
}

struct mail {
    uint32_t server;
    const char *helo, *from, *to;
    uint16_t code, enhanced; /* of the recipient */
};

/* Those connections end that are due. */
static void end_dialogues(struct sender_under_test *sender)
{
    for (int i = 0; i < DIALOGUES; i++) {
        struct dialogue *dialogue = &sender->dialogues[i];
        if (dialogue->ends == 0 || dialogue->ends > sender->now)
            continue;
        struct observation seen = observation_of(OBSERVATION_CLOSE, sender->now, dialogue->server);
        seen.close.lasted = sender->now - dialogue->began;
        seen.close.transactions = 1;
        seen.close.reason = CLOSE_QUIT;
        dialogue->ends = 0;
        see(sender, &seen);
    }
}

/* A connection that will take 0.3 to 1.3 seconds. */
static void connect_to(struct sender_under_test *sender, uint32_t server)
{
    end_dialogues(sender);
    struct dialogue *place = sender->dialogues;
    while (place < sender->dialogues + DIALOGUES - 1 && place->ends != 0)
        place++;
    duration takes = (300 + next_random(&sender->random) % 1000) * MILLISECOND;
    *place = (struct dialogue){sender->now, sender->now + takes, server};
    struct observation seen = observation_of(OBSERVATION_CONNECTION, sender->now, server);
    sender->connections++;
    see(sender, &seen);
}

/* One connection with one mail to one recipient. */
static void deliver(struct sender_under_test *sender, const struct mail *mail)
{
    connect_to(sender, mail->server);
    struct address server = observation_of(OBSERVATION_CONNECTION, sender->now, mail->server).server;
    struct observation seen = helo_of(sender->now, mail->helo);
    see(sender, &seen);
    seen = observation_of(OBSERVATION_TRANSACTION, sender->now, mail->server);
    seen.transaction.from = text_of(mail->from);
    see(sender, &seen);
    seen = recipient_of(sender->now, mail->from, mail->to, mail->code, mail->enhanced);
    seen.server = server;
    see(sender, &seen);
    if (mail->code / 100 != 2)
        return;
    seen = observation_of(OBSERVATION_MESSAGE, sender->now, mail->server);
    seen.message.from = text_of(mail->from);
    seen.message.recipients = 1;
    seen.message.reply.code = 250;
    sender->messages++;
    see(sender, &seen);
}

static bool happens(struct sender_under_test *sender, double share)
{
    return next_random(&sender->random) < share * 2147483648.0;
}

/* Mail to ever new recipients, of whom a share is unknown, at so many servers. */
static void deliver_many(struct sender_under_test *sender, uint32_t number, duration each, uint32_t servers,
                         double unknown, const char *helo, const char *from)
{
    for (uint32_t i = 0; i < number; i++) {
        uint32_t server = next_random(&sender->random) % servers;
        char to[64];
        snprintf(to, sizeof to, "user%u@domain%u.museum", i, server);
        bool refused = happens(sender, unknown);
        deliver(sender, &(struct mail){server, helo, from, to, refused ? 550 : 250, refused ? 50101 : 20105});
        sender->now += each;
    }
}

/* The bot that must be stopped: 40 connections a minute, ever new servers, a third to two thirds unknown. */
static void bots(void **state)
{
    (void)state;
    static const struct {
        double unknown;
        uint32_t most_messages, most_connections;
    } rows[] = {{0.4, 60, 110}, {0.5, 25, 60}, {0.7, 12, 35}, {1.0, 0, 30}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sender_under_test sender;
        begin(&sender);
        deliver_many(&sender, 300, 1500 * MILLISECOND, 5000, rows[i].unknown, "mail.customer.museum",
                     "offers@customer.museum");
        if (sender.block_messages > rows[i].most_messages || sender.block_connections > rows[i].most_connections)
            fail_msg("%f unknown: blocked after %u messages, %u connections; %s", rows[i].unknown,
                     sender.block_messages, sender.block_connections, sender.why);
        end(&sender);
    }
}

/* A bot as most are: a bare name in HELO that changes, invented senders. */
static void crude_bot(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (uint32_t i = 0; i < 60; i++) {
        char helo[32], from[64];
        snprintf(helo, sizeof helo, "PC-%u", i * 7919);
        snprintf(from, sizeof from, "x%u@example.com", i);
        deliver_many(&sender, 1, SECOND, 5000, 0.3, helo, from);
    }
    if (sender.block_messages > 20)
        fail_msg("%u messages; %s", sender.block_messages, sender.why);
    end(&sender);
}

/* A bot with a bought list that is good: every recipient exists. Its program was never set up, though. */
static void placeholder_bot(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    deliver_many(&sender, 1000, 20 * MILLISECOND, 30, 0, "localhost", "you@example.com");
    if (sender.throttle_messages > 100)
        fail_msg("%u messages, %f: %s", sender.throttle_messages, sender.peak, sender.why);
    end(&sender);
}

/* Connections alone, as many as the machine can open. */
static void flood(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (uint32_t i = 0; i < 8000; i++) {
        struct observation seen = observation_of(OBSERVATION_CONNECTION, NOON + i * SECOND / 8000, i % 100);
        seen.connection.outcome = CONNECTION_UNANSWERED;
        sender.connections++;
        see(&sender, &seen);
    }
    assert_in_range(sender.block_connections, 1, 7700);
    end(&sender);
}

/* Hit and run: two thousand messages in 20 seconds, a good list, a name as it should be, a connection for each. It has
 * so many of them open before the first is through. A stranger, and a customer who has been good for a month and sends
 * little: trust halves what fanout says, but not what speaks against his own past. All it has done wrong is its haste,
 * for which nobody is blocked. */
static void hit_and_run(void **state)
{
    (void)state;
    static const struct {
        uint32_t servers;
        struct known known;
    } rows[] = {{30, {0}}, {400, {0}}, {2000, {0}}, {2000, {3, 3, 30, NULL}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sender_under_test sender;
        begin(&sender);
        sender.known = rows[i].known;
        for (uint32_t k = 0; k < 2000; k++) {
            connect_to(&sender, k % rows[i].servers);
            sender.now += 10 * MILLISECOND;
        }
        /* the 48th is open after 0.48 s, when hardly any dialogue has come to its end */
        if (sender.throttle_connections > 60 || sender.peak >= 20)
            fail_msg("row %zu: throttled after %u connections, peak %f: %s", i, sender.throttle_connections,
                     sender.peak, sender.why);
        end(&sender);
    }
}

/* The same through thirty connections at once, many messages in each, is what a mail server with a full queue does. A
 * person is told of it at most. */
static void full_queue(void **state)
{
    (void)state;
    for (uint32_t servers = 8; servers <= 30; servers += 22) {
        struct sender_under_test sender;
        begin(&sender);
        for (uint32_t k = 0; k < 20000; k++) {
            if (k % 20 == 0)
                connect_to(&sender, k / 20 % servers);
            struct observation seen = observation_of(OBSERVATION_MESSAGE, sender.now, k / 20 % servers);
            seen.message.from = TEXT("list@customer.museum");
            seen.message.reply.code = 250;
            seen.message.recipients = 1;
            see(&sender, &seen);
            sender.now += 20 * MILLISECOND;
        }
        if (sender.peak >= 13)
            fail_msg("%u: %f: %s", servers, sender.peak, sender.why);
        end(&sender);
    }
}

/* 50,000 recipients in eight hours, 8 % stale, one name, steady. */
static void newsletter(void **state)
{
    (void)state;
    for (int share = 2; share <= 8; share += 3) {
        struct sender_under_test sender;
        begin(&sender);
        deliver_many(&sender, 50000, 576 * MILLISECOND, 1500, share / 100.0, "news.customer.museum",
                     "bounce@news.customer.museum");
        if (sender.peak >= 10)
            fail_msg("%d %%: %s", share, sender.why);
        end(&sender);
    }
}

/* In as much haste as it likes, without limits of its own: 2 to 8 % stale, up to fifty a second. It may be slowed down,
 * never blocked. */
static void hasty_newsletter(void **state)
{
    (void)state;
    static const duration each[] = {200 * MILLISECOND, 50 * MILLISECOND, 20 * MILLISECOND};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        for (int share = 2; share <= 8; share += 6) {
            struct sender_under_test sender;
            begin(&sender);
            deliver_many(&sender, 50000, each[i], 1500, share / 100.0, "news.customer.museum",
                         "bounce@news.customer.museum");
            if (sender.peak >= 20)
                fail_msg("%d %%, one in %d ms: %f: %s", share, (int)(each[i] / MILLISECOND), sender.peak, sender.why);
            end(&sender);
        }
    }
}

/* The same in groups of twenty, sorted by domain, as mail servers send it; some domains have died since. */
static void newsletter_in_groups(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (uint32_t group = 0; group < 2500; group++) {
        bool dead = group % 100 == 7;
        for (uint32_t i = 0; i < 20; i++) {
            char to[64];
            snprintf(to, sizeof to, "user%u@domain%u.museum", i, group);
            struct observation seen = recipient_of(sender.now, "bounce@news.customer.museum", to,
                                                   dead || happens(&sender, 0.05) ? 550 : 250, 0);
            seen.origin.client_port = (uint16_t)(20000 + group);
            see(&sender, &seen);
        }
        sender.now += 11 * SECOND;
    }
    if (sender.peak >= 10)
        fail_msg("%f: %s", sender.peak, sender.why);
    end(&sender);
}

/* Whoever guesses names at one domain, a hundred in each connection, gains little by that. */
static void dictionary(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    uint32_t tried = 0;
    for (; tried < 1000 && sender.peak < 13; tried++) {
        char to[64];
        snprintf(to, sizeof to, "name%u@victim.museum", tried);
        struct observation seen =
            recipient_of(sender.now, "a@customer.museum", to, happens(&sender, 0.1) ? 250 : 550, 0);
        seen.origin.client_port = (uint16_t)(20000 + tried / 100);
        see(&sender, &seen);
    }
    if (tried > 60)
        fail_msg("%u: %s", tried, sender.why);
    end(&sender);
}

/* A list's post goes to 1,500 subscribers at once, twenty times a day: fifty a second, which is hit and run as far as
 * one can see. With limits that were made for it, or a past that knows it, nothing is held against it; with the presets
 * it is never blocked. */
static void post_to_lists(const char *burst, struct known known, double below)
{
    struct sender_under_test sender;
    begin_with(&sender, burst);
    sender.known = known;
    for (int post = 0; post < 20; post++) {
        sender.now = NOON + post * 70 * MINUTE;
        deliver_many(&sender, 1500, 20 * MILLISECOND, 400, 0.01, "lists.customer.museum",
                     "list-bounces@customer.museum");
    }
    if (sender.peak >= below)
        fail_msg("%f: %s", sender.peak, sender.why);
    end(&sender);
}

static void mailing_lists(void **state)
{
    (void)state;
    post_to_lists("", (struct known){0}, 20);
    post_to_lists("", (struct known){2047, 2047, 20, NULL}, 10); /* as it does each day */
    post_to_lists("[burst]\nconnections_1m = 1500\nconnections_10m = 1500\nconnections_1h = 1500\nat_once = 100\n",
                  (struct known){0}, 10);
}

/* A shop on a badly configured machine: confirmations all day, some typing mistakes in addresses, cron as well. */
static void shop(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (int i = 0; i < 3000; i++) {
        deliver_many(&sender, 1, 0, 60, 0.04, "localhost.localdomain", "www-data@localhost.localdomain");
        if (i % 20 == 0)
            deliver(&sender, &(struct mail){1, "localhost.localdomain", "root@localhost.localdomain",
                                            "root@localhost.localdomain", 550, 50102});
        sender.now += (next_random(&sender.random) % 60) * SECOND;
    }
    if (sender.peak >= 10)
        fail_msg("%s", sender.why);
    end(&sender);
}

/* A shop whose owner left the placeholder in: a person should look, nobody should be stopped. */
static void unconfigured_shop(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (int i = 0; i < 2000; i++) {
        deliver_many(&sender, 1, 0, 60, 0.03, "localhost.localdomain", "shop@example.com");
        sender.now += (next_random(&sender.random) % 90) * SECOND;
    }
    if (sender.peak >= 13)
        fail_msg("%f: %s", sender.peak, sender.why);
    end(&sender);
}

/* Two hundred people write all day, some to addresses that are gone; bounces of what they refuse; one relay's name. */
static void office(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (uint32_t i = 0; i < 20000; i++) {
        char from[64], to[64];
        uint32_t domain = next_random(&sender.random) % 900;
        snprintf(from, sizeof from, "person%u@customer.museum", next_random(&sender.random) % 200);
        snprintf(to, sizeof to, "user%u@domain%u.museum", next_random(&sender.random) % 5000, domain);
        uint16_t code = happens(&sender, 0.03) ? 550 : happens(&sender, 0.05) ? 450 : 250;
        deliver(&sender, &(struct mail){domain, "mail.customer.museum", i % 50 == 0 ? "" : from, to, code, 0});
        sender.now += (next_random(&sender.random) % 5) * SECOND;
    }
    if (sender.peak >= 10)
        fail_msg("%f: %s", sender.peak, sender.why);
    end(&sender);
}

/* A backup MX hands a night's queue to the one primary server, which knows of recipients that the backup does not. */
static void backup_mx(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (uint32_t i = 0; i < 5000; i++) {
        char from[64], to[64];
        snprintf(from, sizeof from, "someone%u@domain%u.museum", i, i % 700);
        snprintf(to, sizeof to, "person%u@customer.museum", i % 3000);
        deliver(&sender, &(struct mail){1, "mx2.customer.museum", i % 60 == 0 ? "" : from, to,
                                        happens(&sender, 0.1) ? 550 : 250, 0});
        sender.now += 200 * MILLISECOND;
    }
    if (sender.peak >= 13)
        fail_msg("%f: %s", sender.peak, sender.why);
    end(&sender);
}

/* The queue of a backup MX after a night of a dictionary attack: some ordinary mail, then thousands of names of which
 * one in fifty is known to the primary. Slowly, or as fast as the primary takes it. */
static void backup_mx_after_an_attack(void **state)
{
    (void)state;
    static const struct {
        duration each;
        uint32_t domains;  /* of customers, at one primary */
        uint32_t invented; /* domains of the attack's senders; 0: the null sender */
    } rows[] = {{2 * SECOND, 1, 1000},          {200 * MILLISECOND, 1, 1000}, {100 * MILLISECOND, 3, 1000},
                {200 * MILLISECOND, 200, 1000}, {200 * MILLISECOND, 1, 1},    {200 * MILLISECOND, 1, 0}};
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct sender_under_test sender;
        begin(&sender);
        for (uint32_t i = 0; i < 8000; i++) {
            char from[64], to[64];
            bool known = i < 10 || i % 50 == 0;
            if (known)
                snprintf(from, sizeof from, "friend%u@domain%u.museum", i, i);
            else if (rows[row].invented == 0)
                from[0] = '\0';
            else
                snprintf(from, sizeof from, "x%u@invented%u.museum", i, i % rows[row].invented);
            snprintf(to, sizeof to, "name%u@customer%u.museum", i, i % rows[row].domains);
            deliver(&sender, &(struct mail){1, "mx2.customer.museum", from, to, known ? 250 : 550, 0});
            sender.now += rows[row].each;
        }
        if (sender.peak >= 13)
            fail_msg("row %zu: %f: %s", row, sender.peak, sender.why);
        end(&sender);
    }
}

/* A mail server that asks each sender's server whether the sender exists, as Exim and Postfix can: most are invented by
 * spammers, many at large providers. Beside that it sends mail of its own. */
static void callouts(void **state)
{
    (void)state;
    static const char *const from[] = {"", "double-bounce@mx.customer.museum"};
    for (size_t row = 0; row < sizeof from / sizeof from[0]; row++) {
        struct sender_under_test sender;
        begin(&sender);
        for (uint32_t i = 0; i < 20000; i++) {
            uint32_t provider = i % 3 == 0 ? 0 : 1 + next_random(&sender.random) % 2000;
            struct observation seen = observation_of(OBSERVATION_CONNECTION, sender.now, provider);
            struct address server = seen.server;
            see(&sender, &seen);
            seen = helo_of(sender.now, "mx.customer.museum");
            see(&sender, &seen);
            seen = observation_of(OBSERVATION_TRANSACTION, sender.now, provider);
            seen.transaction.from = text_of(from[row]);
            see(&sender, &seen);
            char address[64];
            snprintf(address, sizeof address, "x%u@provider%u.museum", i, provider);
            seen = recipient_of(sender.now, from[row], address, happens(&sender, 0.7) ? 550 : 250, 0);
            seen.server = server;
            see(&sender, &seen);
            sender.now += 900 * MILLISECOND;
            if (i % 20 == 0)
                deliver(&sender, &(struct mail){provider, "mx.customer.museum", "anna@customer.museum",
                                                "friend@provider1.museum", 250, 0});
        }
        if (sender.peak >= 13)
            fail_msg("row %zu: %f: %s", row, sender.peak, sender.why);
        end(&sender);
    }
}

/* Who only asks, for ever new names at one domain, is no mail server that asks: a person should look. */
static void harvest(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (uint32_t i = 0; i < 8000; i++) {
        char to[64];
        snprintf(to, sizeof to, "name%u@victim.museum", i);
        deliver(&sender, &(struct mail){1, "mail.customer.museum", "", to, 550, 50101});
        sender.now += 100 * MILLISECOND;
    }
    if (sender.peak < 10)
        fail_msg("%f: %s", sender.peak, sender.why);
    end(&sender);
}

/* A bot that invents a sender for each mail, as they do, with a list of which half is good. */
static void inventive_bot(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (uint32_t i = 0; i < 300; i++) {
        char from[64], to[64];
        snprintf(from, sizeof from, "x%u@invented%u.museum", i, i);
        snprintf(to, sizeof to, "name%u@domain%u.museum", i, i);
        deliver(&sender, &(struct mail){i, "mail.customer.museum", from, to, happens(&sender, 0.5) ? 550 : 250, 0});
        sender.now += 1500 * MILLISECOND;
    }
    if (sender.block_messages > 30)
        fail_msg("%u messages: %s", sender.block_messages, sender.why);
    end(&sender);
}

/* A monitor that has lost its network and found it again tells its administrator of each check, thousands at once, by
 * its relay or straight to the administrator's server. */
static void monitoring(void **state)
{
    (void)state;
    for (uint32_t servers = 1; servers <= 2; servers++) {
        struct sender_under_test sender;
        begin(&sender);
        for (uint32_t i = 0; i < 6000; i++) {
            deliver(&sender, &(struct mail){i % servers, "monitor.customer.museum", "nagios@monitor.customer.museum",
                                            i % 2 ? "admin@customer.museum" : "oncall@customer.museum", 250, 0});
            sender.now += 50 * MILLISECOND;
        }
        if (sender.peak >= 13)
            fail_msg("%u: %f: %s", servers, sender.peak, sender.why);
        end(&sender);
    }
}

/* Cron mails root@localhost.localdomain, and nobody there takes it, for six weeks. */
static void cron(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (int i = 0; i < 6 * 7 * 24 * 6; i++) {
        deliver(&sender, &(struct mail){1, "localhost.localdomain", "fail2ban@example.com",
                                        i % 2 ? "root@localhost.localdomain" : "you@example.com", 550, 50101});
        sender.now += 10 * MINUTE;
    }
    if (sender.peak >= 13)
        fail_msg("%s", sender.why);
    end(&sender);
}

/* A forwarding server: others' senders, some spam refused by policy after DATA, bounces now and then. */
static void forwarder(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (uint32_t i = 0; i < 20000; i++) {
        char from[64], to[64];
        snprintf(from, sizeof from, "someone%u@domain%u.museum", i, i % 700);
        uint32_t user = next_random(&sender.random) % 300, provider = user % 30;
        snprintf(to, sizeof to, "customer%u@provider%u.museum", user, provider);
        uint32_t server = provider << 8; /* each provider in a network of its own */
        bool bounce = i % 40 == 0;
        deliver(&sender, &(struct mail){server, "mx.customer.museum", bounce ? "" : from, to, 250, 0});
        if (happens(&sender, 0.1)) {
            struct observation seen = observation_of(OBSERVATION_MESSAGE, sender.now, server);
            seen.message.from = text_of(from);
            seen.message.reply = (struct reply){.code = 550, .enhanced = 50701, .phrase = TEXT("")};
            see(&sender, &seen);
        }
        sender.now += 4 * SECOND;
    }
    if (sender.peak >= 13)
        fail_msg("%s", sender.why);
    end(&sender);
}

/* A new server whose mail is greylisted everywhere and tried again. */
static void greylisted(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (uint32_t i = 0; i < 500; i++) {
        for (int attempt = 0; attempt < 4; attempt++) {
            char to[64];
            snprintf(to, sizeof to, "user%u@domain%u.museum", i, i % 40);
            deliver(&sender, &(struct mail){i % 40, "mail.customer.museum", "office@customer.museum", to,
                                            attempt == 3 ? 250 : 450, attempt == 3 ? 20105 : 40701});
            sender.now += 5 * SECOND;
        }
    }
    if (sender.peak >= 10)
        fail_msg("%s", sender.why);
    end(&sender);
}

/* Letters as they fall. */
static void invent(struct sender_under_test *sender, char *result)
{
    for (int i = 0; i < 9; i++)
        result[i] = (char)('a' + next_random(&sender->random) % 26);
    result[9] = '\0';
}

/* Backscatter goes to whoever was forged: many domains, a third of the recipients unknown, or every one of them there.
 * A bomber has one victim. */
static void null_sender(void **state)
{
    (void)state;
    static const struct {
        uint32_t domains;
        double unknown;
        duration each;
    } rows[] = {
        {1000, 0.35, 5 * SECOND}, {1000, 0, 5 * SECOND}, {1000, 0, 20 * SECOND}, {1, 0, SECOND}, {3, 0, 5 * SECOND}};
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct sender_under_test sender;
        begin(&sender);
        for (uint32_t i = 0; i < 100; i++) {
            char to[64];
            uint32_t domain = i % rows[row].domains;
            snprintf(to, sizeof to, "user%u@domain%u.museum", domain, domain);
            deliver(&sender, &(struct mail){domain, "mail.customer.museum", "", to,
                                            happens(&sender, rows[row].unknown) ? 550 : 250, 0});
            sender.now += rows[row].each;
        }
        if (getenv("SHOW_POINTS"))
            printf("null sender %zu: throttled after %u: %s\n", row, sender.throttle_messages, sender.why);
        if (sender.throttle_messages > 20)
            fail_msg("row %zu: %u messages, %f: %s", row, sender.throttle_messages, sender.peak, sender.why);
        end(&sender);
    }
}

/* Reports on DMARC at night, holiday answers of a company, a list's bounces: the null sender of the honest. */
static void honest_null_sender(void **state)
{
    (void)state;
    static const struct {
        const char *local;
        uint32_t number, domains;
        duration each;
        double below;
    } rows[] = {{"dmarc", 800, 800, 500 * MILLISECOND, 13},
                {"user", 20, 20, 4 * MINUTE, 10},
                {"list-bounces+", 60, 1, 30 * SECOND, 10}};
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct sender_under_test sender;
        begin(&sender);
        for (uint32_t i = 0; i < rows[row].number; i++) {
            char to[64];
            uint32_t domain = i % rows[row].domains;
            snprintf(to, sizeof to, "%s%u@domain%u.museum", rows[row].local, i, domain);
            deliver(&sender, &(struct mail){domain, "mail.customer.museum", "", to, 250, 0});
            sender.now += rows[row].each;
        }
        if (getenv("SHOW_POINTS"))
            printf("honest null sender %zu: %.1f: %s\n", row, sender.peak, sender.why);
        if (sender.peak >= rows[row].below)
            fail_msg("row %zu: %f: %s", row, sender.peak, sender.why);
        end(&sender);
    }
}

/* A sorted list of guesses at one domain, one in five good, each in a connection of its own. */
static void sorted_guesses(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (uint32_t i = 0; i < 100; i++) {
        char to[64];
        snprintf(to, sizeof to, "%c%c%c@victim.museum", 'a' + (char)(i / 25), 'a' + (char)(i % 25), 'e');
        deliver(&sender, &(struct mail){1, "mail.customer.museum", "a@customer.museum", to,
                                        happens(&sender, 0.8) ? 550 : 250, 0});
        sender.now += 5 * SECOND;
    }
    if (getenv("SHOW_POINTS"))
        printf("sorted guesses: throttled after %u, blocked after %u: %s\n", sender.throttle_messages,
               sender.block_messages, sender.why);
    if (sender.throttle_messages > 5 || sender.block_messages > 10)
        fail_msg("%u, %u: %s", sender.throttle_messages, sender.block_messages, sender.why);
    end(&sender);
}

/* Whose list is good and whose name is steady, but who invents each sender: seen by that and by his fan-out. */
static void invented_senders(void **state)
{
    (void)state;
    struct sender_under_test sender;
    begin(&sender);
    for (uint32_t i = 0; i < 100; i++) {
        char from[64], to[64], local[10];
        invent(&sender, local);
        snprintf(from, sizeof from, "%s@invented%u.museum", local, i);
        snprintf(to, sizeof to, "user%u@domain%u.museum", next_random(&sender.random) % 1000, i);
        deliver(&sender, &(struct mail){i, "mail.customer.museum", from, to, happens(&sender, 0.15) ? 550 : 250, 0});
        sender.now += 5 * SECOND;
    }
    if (getenv("SHOW_POINTS"))
        printf("invented senders: throttled after %u: %s\n", sender.throttle_messages, sender.why);
    if (sender.throttle_messages > 40)
        fail_msg("%u messages, %f: %s", sender.throttle_messages, sender.peak, sender.why);
    end(&sender);
}

/* Many senders of the honest: a mailing list, a forwarding server that wraps, a shared host with fifty domains, and a
 * forwarding server that keeps senders, of which one in five was invented by a spammer. */
static void many_senders(void **state)
{
    (void)state;
    static const double below[] = {10, 10, 10, 13};
    for (int row = 0; row < 4; row++) {
        struct sender_under_test sender;
        begin(&sender);
        for (uint32_t i = 0; i < 10000; i++) {
            char from[120], to[64], local[10];
            invent(&sender, local);
            uint32_t server = next_random(&sender.random) % (row == 0 || row == 2 ? 300 : 20);
            if (row == 0)
                snprintf(from, sizeof from, "list-bounces+user%u=domain%u.museum@lists.museum", i, server);
            else if (row == 1)
                snprintf(from, sizeof from, "SRS0=%.4s=7T=domain%u.museum=user@forward.museum", local, i);
            else if (row == 2)
                snprintf(from, sizeof from, "person%u@customer%u.museum", i % 7, next_random(&sender.random) % 50);
            else
                snprintf(from, sizeof from, "%s@domain%u.museum", happens(&sender, 0.2) ? local : "newsletter", i);
            snprintf(to, sizeof to, "user%u@domain%u.museum", i % 500, server);
            deliver(&sender,
                    &(struct mail){server, "mail.customer.museum", from, to, happens(&sender, 0.03) ? 550 : 250, 0});
            sender.now += (row == 0 ? 1 : 6) * SECOND;
        }
        if (getenv("SHOW_POINTS"))
            printf("many senders %d: %.1f: %s\n", row, sender.peak, sender.why);
        if (sender.peak >= below[row])
            fail_msg("row %d: %f: %s", row, sender.peak, sender.why);
        end(&sender);
    }
}

/* The honest machines of a customer whose others are blocked as bots: one of them, or a farm. A person may look; a
 * mail server and a shop are not stopped for it, and no newsletter is blocked. */
static void honest_kin_of_bots(void **state)
{
    (void)state;
    static const struct kin one = {"acme", 1, 0, 0, 2600, 0}, farm = {"acme", 8, 90, 12, 200000, 180000};
    static const struct {
        const struct kin *kin;
        uint32_t messages, servers;
        duration each;
        double unknown, below;
    } rows[] = {{&one, 3000, 60, 30 * SECOND, 0.03, 10},
                {&farm, 3000, 60, 30 * SECOND, 0.03, 13},
                {&one, 50000, 1500, 576 * MILLISECOND, 0.08, 13},
                {&farm, 50000, 1500, 576 * MILLISECOND, 0.08, 20}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sender_under_test sender;
        begin(&sender);
        sender.known.kin = rows[i].kin;
        deliver_many(&sender, rows[i].messages, rows[i].each, rows[i].servers, rows[i].unknown, "mail.customer.museum",
                     "office@customer.museum");
        if (sender.peak >= rows[i].below || sender.peak < 4)
            fail_msg("%zu: %f: %s", i, sender.peak, sender.why);
        end(&sender);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bots),
                                       cmocka_unit_test(honest_kin_of_bots),
                                       cmocka_unit_test(null_sender),
                                       cmocka_unit_test(honest_null_sender),
                                       cmocka_unit_test(sorted_guesses),
                                       cmocka_unit_test(invented_senders),
                                       cmocka_unit_test(many_senders),
                                       cmocka_unit_test(inventive_bot),
                                       cmocka_unit_test(hit_and_run),
                                       cmocka_unit_test(full_queue),
                                       cmocka_unit_test(harvest),
                                       cmocka_unit_test(hasty_newsletter),
                                       cmocka_unit_test(backup_mx_after_an_attack),
                                       cmocka_unit_test(callouts),
                                       cmocka_unit_test(monitoring),
                                       cmocka_unit_test(crude_bot),
                                       cmocka_unit_test(flood),
                                       cmocka_unit_test(placeholder_bot),
                                       cmocka_unit_test(unconfigured_shop),
                                       cmocka_unit_test(office),
                                       cmocka_unit_test(backup_mx),
                                       cmocka_unit_test(newsletter),
                                       cmocka_unit_test(newsletter_in_groups),
                                       cmocka_unit_test(dictionary),
                                       cmocka_unit_test(mailing_lists),
                                       cmocka_unit_test(shop),
                                       cmocka_unit_test(cron),
                                       cmocka_unit_test(forwarder),
                                       cmocka_unit_test(greylisted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
