/* The log reader: what a queue id's lines become, how lines are cut out of bytes, and what a stranger's text cannot do.
 */
#include "agent/log/log_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct seen {
    char text[2048]; /* one line an observation */
    size_t length;
    char traces[1024]; /* where messages came from, one a line */
};

static void on_trace(void *context, const struct log_trace *trace)
{
    struct seen *seen = context;
    char address[ADDRESS_TEXT] = "-", user[16] = "-";
    size_t length = strlen(seen->traces);
    if (trace->origin.address.family != 0)
        address_print(&trace->origin.address, address);
    if (trace->origin.user_known)
        snprintf(user, sizeof user, "%u", trace->origin.user);
    snprintf(seen->traces + length, sizeof seen->traces - length, "%s/%.*s/%s [%.*s] [%.*s]\n", address,
             (int)trace->origin.account.length, trace->origin.account.bytes ? trace->origin.account.bytes : "", user,
             (int)trace->script.length, trace->script.bytes ? trace->script.bytes : "", (int)trace->directory.length,
             trace->directory.bytes ? trace->directory.bytes : "");
}

static void on_observation(void *context, const struct observation *observation)
{
    struct seen *seen = context;
    char address[ADDRESS_TEXT] = "-", server[ADDRESS_TEXT] = "-", user[16] = "-";
    const struct origin *origin = &observation->origin;
    if (origin->address.family != 0)
        address_print(&origin->address, address);
    if (observation->server.family != 0)
        address_print(&observation->server, server);
    if (origin->user_known)
        snprintf(user, sizeof user, "%u", origin->user);
    int more = snprintf(seen->text + seen->length, sizeof seen->text - seen->length, "%s %s/%.*s/%s",
                        observation_kind_name(observation->kind), address, (int)origin->account.length,
                        origin->account.bytes ? origin->account.bytes : "", user);
    seen->length += (size_t)more;
    if (observation->kind == OBSERVATION_RECIPIENT)
        more = snprintf(seen->text + seen->length, sizeof seen->text - seen->length, " %.*s>%.*s %u %u %s",
                        (int)observation->recipient.from.length, observation->recipient.from.bytes,
                        (int)observation->recipient.address.length, observation->recipient.address.bytes,
                        observation->recipient.reply.code, observation->recipient.reply.enhanced, server);
    else if (observation->kind == OBSERVATION_MESSAGE)
        more = snprintf(seen->text + seen->length, sizeof seen->text - seen->length, " %.*s %u %u %u",
                        (int)observation->message.from.length, observation->message.from.bytes,
                        observation->message.recipients, (unsigned)observation->message.bytes,
                        observation->message.reply.code);
    else
        more = snprintf(seen->text + seen->length, sizeof seen->text - seen->length, " %s",
                        auth_outcome_name(observation->auth.outcome));
    seen->length += (size_t)more;
    seen->text[seen->length++] = '\n';
}

/* The shipped file, as the program has it in it. */
static char shipped[32768];
static size_t shipped_length;

static void read_file(const char *name)
{
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    shipped_length = fread(shipped, 1, sizeof shipped, file);
    fclose(file);
}

static int read_shipped(void **state)
{
    (void)state;
    read_file("conf/logs/postfix.conf");
    return 0;
}

static struct log_path *made(struct seen *seen, uint32_t transactions)
{
    const struct log_file files[] = {{"postfix", {shipped, shipped_length}}, {0}};
    const struct log_settings settings = {.transactions = transactions, .idle = DAY, .files = files};
    const struct log_listener listener = {seen, on_observation, NULL, on_trace};
    struct error error = {0};
    struct log_path *path = log_path_create(&settings, &listener, &error);
    if (path == NULL)
        fail_msg("%s", error.text);
    assert_int_equal(log_path_open_source(path, "mail.log", 0), 1);
    return path;
}

static void expect(const char *lines, const char *want)
{
    struct seen seen = {.length = 0};
    struct log_path *path = made(&seen, 100);
    assert_int_equal(log_path_add(path, 1, text_of(lines), true), strlen(lines));
    seen.text[seen.length] = '\0';
    assert_string_equal(seen.text, want);
    log_path_destroy(&path);
}

static void expect_traces(const char *lines, const char *want)
{
    struct seen seen = {.length = 0};
    struct log_path *path = made(&seen, 100);
    assert_int_equal(log_path_add(path, 1, text_of(lines), true), strlen(lines));
    assert_string_equal(seen.traces, want);
    log_path_destroy(&path);
}

#define HEAD "2026-11-05T08:00:01+00:00 mx postfix/"

static void an_account_sends_a_message(void **unused)
{
    (void)unused;
    expect(HEAD
           "submission/smtpd[9]: ABCDEF1: client=pc[192.0.2.7]:5000, sasl_method=PLAIN, sasl_username=al@x.org\n" HEAD
           "cleanup[9]: ABCDEF1: message-id=<1@x>\n" HEAD
           "qmgr[9]: ABCDEF1: from=<al@x.org>, size=900, nrcpt=2 (queue active)\n" HEAD
           "smtp[9]: ABCDEF1: to=<b@y.org>, relay=mx.y.org[198.51.100.3]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, "
           "status=sent (250 2.0.0 Ok: queued as 7)\n" HEAD
           "smtp[9]: ABCDEF1: to=<c@y.org>, relay=mx.y.org[198.51.100.3]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, "
           "status=bounced (host mx.y.org[198.51.100.3] said: 550 5.1.1 no such user (in reply to RCPT TO "
           "command))\n" HEAD "qmgr[9]: ABCDEF1: removed\n",
           "auth 192.0.2.7/al@x.org/- accepted\n"
           "recipient 192.0.2.7/al@x.org/- al@x.org>b@y.org 250 20000 198.51.100.3\n"
           "recipient 192.0.2.7/al@x.org/- al@x.org>c@y.org 550 50101 198.51.100.3\n"
           "message 192.0.2.7/al@x.org/- al@x.org 1 900 250\n");
}

/* Put off first, as by a server that greylists: it is a message when it is sent, and once. */
static void one_that_was_put_off_is_a_message_once_it_is_sent(void **unused)
{
    (void)unused;
#define PUT_OFF                                                                                                        \
    HEAD "smtp[9]: ABCDEF1: to=<b@y.org>, relay=mx.y.org[198.51.100.3]:25, delay=1, delays=0/0/0/1, dsn=4.7.1, "       \
         "status=deferred (host mx.y.org[198.51.100.3] said: 450 4.7.1 later (in reply to RCPT TO command))\n"
#define PUT_OFF_SEEN "recipient -//1001 w@x.org>b@y.org 450 40701 198.51.100.3\n"
    expect(HEAD "pickup[9]: ABCDEF1: uid=1001 from=<w>\n" HEAD
                "qmgr[9]: ABCDEF1: from=<w@x.org>, size=5, nrcpt=1 (queue active)\n" PUT_OFF PUT_OFF HEAD
                "smtp[9]: ABCDEF1: to=<b@y.org>, relay=mx.y.org[198.51.100.3]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, "
                "status=sent (250 2.0.0 Ok: queued as 7)\n" HEAD "qmgr[9]: ABCDEF1: removed\n",
           PUT_OFF_SEEN PUT_OFF_SEEN "recipient -//1001 w@x.org>b@y.org 250 20000 198.51.100.3\n"
                                     "message -//1001 w@x.org 1 5 250\n");
    expect(HEAD "pickup[9]: ABCDEF1: uid=1001 from=<w>\n" HEAD
                "qmgr[9]: ABCDEF1: from=<w@x.org>, size=5, nrcpt=1 (queue active)\n" PUT_OFF HEAD
                "qmgr[9]: ABCDEF1: removed\n", /* given up */
           PUT_OFF_SEEN "message -//1001 w@x.org 0 5 450\n");
}

static void a_local_user_sends_a_message(void **unused)
{
    (void)unused;
    expect(HEAD "pickup[9]: ABCDEF2: uid=1001 from=<web>\n" HEAD
                "qmgr[9]: ABCDEF2: from=<web@x.org>, size=5, nrcpt=1 (queue active)\n" HEAD
                "smtp[9]: ABCDEF2: to=<b@y.org>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred "
                "(connect to y.org[198.51.100.3]:25: Connection timed out)\n" HEAD "qmgr[9]: ABCDEF2: removed\n",
           "recipient -//1001 web@x.org>b@y.org 0 40401 -\nmessage -//1001 web@x.org 0 5 0\n");
}

static void what_a_filter_gives_back_is_its_sender_s(void **unused)
{
    (void)unused;
    expect(HEAD
           "smtpd[9]: AAAAAA1: client=pc[192.0.2.7], sasl_method=LOGIN, sasl_username=al\n" HEAD
           "smtpd[9]: BBBBBB1: client=localhost[127.0.0.1], orig_queue_id=AAAAAA1, orig_client=pc[192.0.2.7]\n" HEAD
           "smtp[9]: AAAAAA1: to=<b@y.org>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.0.0, "
           "status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as BBBBBB1)\n" HEAD
           "qmgr[9]: AAAAAA1: removed\n" HEAD "qmgr[9]: BBBBBB1: from=<al@x.org>, size=5, nrcpt=1 (queue active)\n" HEAD
           "smtp[9]: BBBBBB1: to=<b@y.org>, relay=y.org[198.51.100.3]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, "
           "status=sent (250 OK)\n",
           "auth 192.0.2.7/al/- accepted\n"
           "recipient 192.0.2.7/al/- al@x.org>b@y.org 250 20000 198.51.100.3\n"
           "message 192.0.2.7/al/- al@x.org 1 5 250\n");
}

static void refusals_and_failed_logins_are_the_client_s(void **unused)
{
    (void)unused;
    expect(HEAD "smtpd[9]: NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 554 5.7.1 <b@y.org>: Relay access denied; "
                "from=<a@x.org> to=<b@y.org> proto=ESMTP helo=<h>\n" HEAD
                "smtpd[9]: warning: unknown[192.0.2.9]: SASL LOGIN authentication failed: UGFzc3dvcmQ6\n",
           "recipient 192.0.2.9//- a@x.org>b@y.org 554 50701 -\nauth 192.0.2.9//- failed\n");
}

/* Addresses, HELO and replies that look like the fields behind them. */
static void no_text_forges_a_field(void **unused)
{
    (void)unused;
    /* A recipient that brings its own end of the line: the attempt counts, its fields are nobody's. */
    expect(HEAD
           "smtp[9]: ABCDEF3: to=<x>, relay=e[203.0.113.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 "
           "@y.org>, relay=mx[198.51.100.3]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (550 no)\n",
           "recipient -//- > 0 0 -\n");
    /* A server's reply that looks like a delivery. */
    expect(HEAD "smtp[9]: ABCDEF3: to=<b@y.org>, relay=mx[198.51.100.3]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, "
                "status=bounced (550 no>, relay=e[203.0.113.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent "
                "(250 ok))\n",
           "recipient -//- > 0 0 -\n");
    /* A HELO that brings other addresses. */
    expect(HEAD "smtpd[9]: NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 554 5.7.1 no; from=<a@x.org> to=<b@y.org> "
                "proto=ESMTP helo=<h>; from=<f@f> to=<g@g> proto=ESMTP helo=<i>\n",
           "recipient 192.0.2.9//- > 554 0 -\n");
    /* A login name that brings a queue id of another. */
    expect(HEAD "smtpd[9]: ABCDEF4: client=pc[192.0.2.7], sasl_method=PLAIN, sasl_username=a, orig_queue_id=X, b\n",
           "");
    /* A sender that ends its own field. */
    expect(HEAD "qmgr[9]: ABCDEF5: from=<a>, size=1, nrcpt=1 (queue active)@x>, size=7, nrcpt=1 (queue active)\n" HEAD
                "smtp[9]: ABCDEF5: to=<b@y>, relay=mx[198.51.100.3]:25, delay=1, dsn=2.0.0, status=sent (250 k)\n",
           "recipient -//- a>, size=1, nrcpt=1 (queue active)@x>b@y 250 20000 198.51.100.3\n"
           "message -//- a>, size=1, nrcpt=1 (queue active)@x 1 7 250\n");
}

static void where_a_message_of_postfix_comes_from(void **unused)
{
    (void)unused;
    expect_traces(HEAD "smtpd[9]: ABCDEF1: client=pc[192.0.2.7]:5000, sasl_method=PLAIN, sasl_username=al@x.org\n",
                  "192.0.2.7/al@x.org/- [] []\n");
    /* A local user, then the script that PHP names, by way of header_checks; its number is only what it says. */
    expect_traces(HEAD "pickup[9]: ABCDEF2: uid=1001 from=<web>\n" HEAD
                       "cleanup[9]: ABCDEF2: info: header X-PHP-Originating-Script: 0:mail.php(3) : eval()'d code from "
                       "local; from=<web@x.org> to=<b@y.org>\n",
                  "-//1001 [] []\n-//1001 [mail.php(3) : eval()'d code] []\n");
    /* Another message's header does not speak for this one. */
    expect_traces(HEAD "pickup[9]: ABCDEF2: uid=1001 from=<web>\n" HEAD
                       "cleanup[9]: ABCDEF3: info: header X-PHP-Originating-Script: 1:a.php from local; from=<w>\n",
                  "-//1001 [] []\n");
}

#define EXIM "2026-11-05 08:00:0"

static void where_a_message_of_exim_comes_from(void **unused)
{
    (void)unused;
    read_file("conf/logs/exim.conf");
    expect_traces(EXIM "1 [77] cwd=/home/shop/www 3 args: /usr/sbin/sendmail -t -i\n" EXIM
                       "1 [88] cwd=/home/else 2 args: /usr/sbin/sendmail -t\n" EXIM
                       "2 [77] 1uABCD-0000aa-Xy <= shop@x.org U=shop P=local S=500\n" EXIM
                       "3 [77] 1uABCD-0000ab-Xy <= shop@x.org U=shop P=local S=500\n",
                  "-/shop/- [] [/home/shop/www]\n"); /* once: the number is another process's the next time */
    /* Without the process there is nothing to tie it by, and after a minute there is not either. */
    expect_traces(EXIM "1 cwd=/home/shop/www 3 args: /usr/sbin/sendmail -t -i\n" EXIM
                       "2 1uABCD-0000aa-Xy <= shop@x.org U=shop P=local S=500\n",
                  "");
    expect_traces(EXIM "1 [77] cwd=/home/shop/www 3 args: /usr/sbin/sendmail -t -i\n2026-11-05 08:01:02 [77] "
                       "1uABCD-0000aa-Xy <= shop@x.org U=shop P=local S=500\n",
                  "");
    expect_traces(EXIM "2 1uABCD-0000aa-Xy <= al@x.org H=pc [192.0.2.7] P=esmtpsa A=plain:al@x.org S=500\n",
                  "192.0.2.7/al@x.org/- [] []\n");
    read_file("conf/logs/postfix.conf");
}

static void lines_may_come_in_any_pieces(void **unused)
{
    (void)unused;
    static const char lines[] = HEAD "smtpd[9]: warning: unknown[192.0.2.9]: SASL LOGIN authentication failed: x\n" HEAD
                                     "qmgr[9]: ABCDEF1: removed\n";
    for (size_t piece = 1; piece < sizeof lines; piece++) {
        struct seen seen = {.length = 0};
        struct log_path *path = made(&seen, 100);
        size_t used = 0;
        for (size_t end = 0; end < sizeof lines - 1;) {
            end = end + piece < sizeof lines - 1 ? end + piece : sizeof lines - 1;
            used += log_path_add(path, 1, (struct text){lines + used, end - used}, false);
        }
        assert_int_equal(used, sizeof lines - 1);
        assert_int_equal(log_path_counters(path).lines, 2);
        assert_memory_equal(seen.text, "auth 192.0.2.9//- failed\n", seen.length);
        log_path_destroy(&path);
    }
}

static void a_line_of_a_megabyte_is_cut(void **unused)
{
    (void)unused;
    struct seen seen = {.length = 0};
    struct log_path *path = made(&seen, 100);
    size_t size = 1 << 20, used = 0;
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, '\0', size);
    memcpy(bytes, HEAD "smtp[9]: ", strlen(HEAD) + 9);
    bytes[size - 1] = '\n';
    for (size_t end = 4096; end <= size; end += 4096) {
        used += log_path_add(path, 1, (struct text){bytes + used, end - used}, false);
        assert_true(end - used <= LOG_LINE_MOST); /* all that a caller must keep */
    }
    assert_int_equal(used, size);
    assert_int_equal(log_path_counters(path).lines, 1);
    assert_int_equal(log_path_counters(path).cut, 1);
    free(bytes);
    log_path_destroy(&path);
}

static void queue_ids_that_nobody_ends_give_way(void **unused)
{
    (void)unused;
    struct seen seen = {.length = 0};
    struct log_path *path = made(&seen, 100);
    for (int i = 0; i < 1000; i++) {
        char line[128];
        snprintf(line, sizeof line, HEAD "pickup[9]: ABC%05d: uid=1 from=<a>\n", i);
        log_path_add(path, 1, text_of(line), false);
    }
    assert_int_equal(log_path_counters(path).let_go, 900);
    moment now;
    assert_true(moment_parse(TEXT("2026-11-06T08:00:02Z"), &now));
    log_path_tick(path, now);
    assert_int_equal(log_path_counters(path).let_go, 1000);
    log_path_destroy(&path);
}

static void what_is_no_mail_line_is_counted(void **unused)
{
    (void)unused;
    struct seen seen = {.length = 0};
    struct log_path *path = made(&seen, 100);
    log_path_add(path, 1, TEXT("no stamp\n\n2026-11-05T08:00:01Z mx cron[1]: job\n"), true);
    struct log_counters counters = log_path_counters(path);
    assert_int_equal(counters.lines, 3);
    assert_int_equal(counters.unparsed, 2);
    assert_int_equal(counters.ignored, 1);
    log_path_destroy(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_sends_a_message),
        cmocka_unit_test(one_that_was_put_off_is_a_message_once_it_is_sent),
        cmocka_unit_test(a_local_user_sends_a_message),
        cmocka_unit_test(what_a_filter_gives_back_is_its_sender_s),
        cmocka_unit_test(refusals_and_failed_logins_are_the_client_s),
        cmocka_unit_test(no_text_forges_a_field),
        cmocka_unit_test(where_a_message_of_postfix_comes_from),
        cmocka_unit_test(where_a_message_of_exim_comes_from),
        cmocka_unit_test(lines_may_come_in_any_pieces),
        cmocka_unit_test(a_line_of_a_megabyte_is_cut),
        cmocka_unit_test(queue_ids_that_nobody_ends_give_way),
        cmocka_unit_test(what_is_no_mail_line_is_counted),
    };
    return cmocka_run_group_tests(tests, read_shipped, NULL);
}
