/* Header patterns: the shipped ones on headers as the systems write them, and files that are wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "collector/filter/head.h"
#include "collector/filter/headers.h"

static const struct filter_settings settings = {.virus_is_certain = true, .certain = {.items = {"GTUBE"}, .count = 1}};
static struct opinion opinion;
static struct error failed;

static void judge(const char *names, const char *head)
{
    struct headers *headers = NULL;
    failed = (struct error){0};
    if (headers_open(names, &headers, &failed) < 0)
        fail_msg("%s", failed.text);
    headers_judge(headers, &settings, text_of(head), &opinion);
    headers_destroy(&headers);
}

static void assert_opinion(int32_t score, int32_t threshold, const char *symbols)
{
    assert_int_equal(opinion.score, score);
    assert_int_equal(opinion.threshold, threshold);
    assert_string_equal(opinion.symbols, symbols);
}

/* --- the shipped sets --- */

static void all_shipped_sets_can_be_read(void **unused)
{
    unsigned count = 0;
    (void)unused;
    for (const char *name; (name = headers_builtin_name(count)); count++) {
        char full[64];
        snprintf(full, sizeof full, "builtin:%s", name);
        judge(full, "Subject: nothing\r\n\r\n");
        assert_false(opinion_is_one(&opinion));
        assert_string_equal(opinion.symbols, "");
    }
    assert_int_equal(count, 8);
}

static void spamassassin(void **unused)
{
    (void)unused;
    judge("builtin:spamassassin", "Received: from x by y\r\n"
                                  "X-Spam-Status: Yes, score=1000.0 required=5.0 tests=GTUBE,\r\n"
                                  "\tNO_RECEIVED,NO_RELAYS autolearn=no autolearn_force=no version=4.0.1\r\n"
                                  "X-Spam-Flag: YES\r\nSubject: x\r\n\r\n");
    assert_opinion(100000, 500, "GTUBE NO_RECEIVED NO_RELAYS");
    assert_true(opinion.certain);
    assert_string_equal(opinion.action, "spam");
    judge("builtin:spamassassin", "X-Spam-Status: No, hits=-2.1 required=5.0\n\ttests=BAYES_00 version=2.60\n\n");
    assert_opinion(-210, 500, "BAYES_00");
    assert_string_equal(opinion.action, "ham");
    judge("builtin:spamassassin", "x-spam-status: No\r\n\r\n");
    assert_opinion(0, 100, "");
    judge("builtin:spamassassin", "X-Spam-Flag: YES\r\n\r\n");
    assert_opinion(100, 100, "");
    judge("builtin:spamassassin",
          "X-Spam-Status: No, score=0.0 required=5.0 tests=none autolearn=ham version=4.0.1\r\n\r\n");
    assert_opinion(0, 500, "none");
}

static void amavis(void **unused)
{
    (void)unused;
    judge("builtin:amavis",
          "X-Spam-Flag: YES\r\nX-Spam-Score: 1004.1\r\n"
          "X-Spam-Status: Yes, score=1004.1 tagged_above=-999 required=6.31\r\n"
          "\ttests=[GTUBE=1000, BAYES_99=4.1, T_SCC_BODY_TEXT_LINE=-0.01] autolearn=no autolearn_force=no\r\n\r\n");
    assert_opinion(100410, 631, "GTUBE BAYES_99 T_SCC_BODY_TEXT_LINE");
    judge("builtin:amavis", "X-Amavis-Alert: INFECTED, message contains virus: Eicar-Test-Signature\r\n\r\n");
    assert_true(opinion.virus);
    assert_opinion(100, 100, "Eicar-Test-Signature");
    judge("builtin:amavis", "X-Amavis-Alert: BANNED, message contains .exe,a.exe\r\n\r\n");
    assert_opinion(100, 100, "BANNED");
    judge("builtin:amavis", "X-Amavis-Alert: BAD HEADER SECTION, Duplicate header field: \"References\"\r\n\r\n");
    assert_false(opinion_is_one(&opinion));
}

static void mailscanner(void **unused)
{
    (void)unused;
    judge("builtin:mailscanner", "X-Firm-MailScanner-ID: CDB946900B9.A45B3\r\nX-Firm-MailScanner: Found to be clean\r\n"
                                 "X-Firm-MailScanner-SpamCheck: not spam, SpamAssassin (not cached, score=-1.87,\r\n"
                                 "\trequired 5, autolearn=not spam, ALL_TRUSTED -1.00, BAYES_00 -0.75)\r\n\r\n");
    assert_opinion(-187, 500, "ALL_TRUSTED BAYES_00");
    judge("builtin:mailscanner",
          "X-EFA-MailScanner-EFA-SpamCheck: spam, spamhaus-ZEN,\r\n"
          "\tSpamAssassin (cached, score=1002.3, required 6, GTUBE 1000.00, NO_RELAYS -0.00)\r\n\r\n");
    assert_opinion(100230, 600, "GTUBE NO_RELAYS");
    assert_true(opinion.certain);
    judge("builtin:mailscanner", "X-Firm-MailScanner-SpamCheck: spam (blacklisted)\r\n\r\n");
    assert_opinion(100, 100, "");
    judge("builtin:mailscanner",
          "X-Firm-MailScanner-SpamCheck: not spam, SpamAssassin (score=0,\r\n\trequired 7.5)\r\n\r\n");
    assert_opinion(0, 750, "");
    judge("builtin:mailscanner", "X-Firm-MailScanner-SpamCheck: spam, SpamAssassin (timed out)\r\n\r\n");
    assert_opinion(100, 100, "");
    judge("builtin:mailscanner", "X-Firm-MailScanner-SpamCheck: \r\nX-Firm-MailScanner: Found to be infected\r\n\r\n");
    assert_true(opinion.virus);
    judge("builtin:mailscanner", "X-Firm-MailScanner-SpamCheck: \r\nX-Firm-MailScanner: Not scanned: ask us\r\n\r\n");
    assert_false(opinion_is_one(&opinion));
}

static void assp(void **unused)
{
    (void)unused;
    judge("builtin:assp",
          "X-Assp-Version: 2.6.1(18058) on gate.firm.example\r\nX-Assp-ID: gate.firm.example 12345-67890\r\n"
          "X-Assp-Message-Score: 25 (Bayesian Probability: 1.00000)\r\n"
          "X-Assp-Spam: YES\r\nX-Assp-Spam-Reason: Message-Score 75\r\n"
          "X-Assp-Message-Totalscore: 75\r\nX-Assp-Spam-Level: ****************\r\n\r\n");
    assert_opinion(7500, 5000, "Message-Score_75");
    judge("builtin:assp",
          "X-Assp-Version: 2.6.1(18058) on gate.firm.example\r\nX-Assp-Message-Score: 10 (a reason)\r\n\r\n");
    assert_opinion(0, 100, "");
    assert_true(opinion_is_one(&opinion));
    judge("builtin:assp", "X-Assp-Spam: YES (Probably)\r\n\r\n");
    assert_opinion(100, 100, "");
    judge("builtin:assp", "X-Assp-Spam: YES\r\nX-Assp-Spam-Reason: virus detected 'Eicar-Test-Signature'\r\n\r\n");
    assert_true(opinion.virus);
}

static void rspamd(void **unused)
{
    (void)unused;
    judge("builtin:rspamd",
          "X-Spamd-Result: default: True [16.10 / 15.00];\r\n\tBAYES_SPAM(5.10)[99.99%];\r\n"
          "\tASN(0.00)[asn:64500, ipnet:203.0.113.0/24, country:DE];\r\n\tFROM_HAS_DN(0.00)[]\r\n\r\n");
    assert_opinion(1610, 1500, "BAYES_SPAM ASN FROM_HAS_DN");
    judge("builtin:rspamd", "X-Spamd-Result: default: False [8.00 / 15.00]; X(1.00)[a]\r\nX-Spam: Yes\r\n\r\n");
    assert_opinion(1500, 1500, "X");
    judge("builtin:rspamd", "X-Rspamd-Action: no action\r\nX-Spamd-Result: default: False [-0.10 / 15.00]\r\n\r\n");
    assert_opinion(-10, 1500, "");
    judge("builtin:rspamd", "X-Rspamd-Action: add header\r\n\r\n");
    assert_opinion(100, 100, "");
    judge("builtin:rspamd", "X-Virus: clamav: Eicar\r\n\r\n");
    assert_true(opinion.virus);
}

static void clamav_and_dcc(void **unused)
{
    (void)unused;
    judge("builtin:clamav",
          "X-Virus-Scanned: clamav-milter 1.4.6 at x\r\nX-Virus-Status: Infected (Eicar-Signature)\r\n\r\n");
    assert_true(opinion.virus);
    assert_opinion(100, 100, "Eicar-Signature");
    judge("builtin:clamav", "X-Virus-Status: Clean\r\n\r\n");
    assert_false(opinion_is_one(&opinion));
    judge("builtin:dcc", "X-DCC-SIHOPE-DCC-3-Metrics: host 1102; bulk Body=many Fuz1=many Fuz2=12\r\n\r\n");
    assert_opinion(100, 100, "DCC_BULK");
    assert_string_equal(opinion.action, "bulk");
    judge("builtin:dcc", "X-DCC--Metrics: host.example 1024; Body=6 Fuz1=6\r\n\r\n");
    assert_opinion(0, 100, "");
    judge("builtin:dcc", "X-DCC-firm-Metrics: host.example 1024; Body=bulk bulk\r\n\r\n");
    assert_opinion(0, 100, ""); /* the word stands in one place */
}

static void authentication_results_are_symbols_alone(void **unused)
{
    (void)unused;
    judge("builtin:authentication-results",
          "Authentication-Results: mx.firm.example; dkim=fail reason=\"bad\" header.d=a.example;\r\n"
          " spf=softfail smtp.mailfrom=a.example;\r\n dmarc=fail (p=reject) header.from=a.example\r\n\r\n");
    assert_false(opinion_is_one(&opinion));
    assert_string_equal(opinion.symbols, "DMARC_FAIL SPF_FAIL DKIM_FAIL");
    judge("builtin:authentication-results", "Authentication-Results: mx; dkim=pass; spf=pass; dmarc=pass\r\n\r\n");
    assert_string_equal(opinion.symbols, "");
}

/* --- what holds for all --- */

static void several_sets_can_be_named(void **unused)
{
    (void)unused;
    judge("builtin:rspamd  builtin:authentication-results",
          "Authentication-Results: mx; dmarc=fail\r\nX-Spamd-Result: default: False [2.00 / 15.00]\r\n\r\n");
    assert_opinion(200, 1500, "DMARC_FAIL");
}

static void the_body_says_nothing(void **unused)
{
    (void)unused;
    judge("builtin:spamassassin", "Subject: x\r\n\r\nX-Spam-Status: Yes, score=99 required=5\r\n");
    assert_false(opinion_is_one(&opinion));
    judge("builtin:spamassassin", "Subject: x\n\nX-Spam-Status: Yes, score=99 required=5\n");
    assert_false(opinion_is_one(&opinion));
}

static void the_first_score_counts_and_spam_stands_over_ham(void **unused)
{
    (void)unused;
    judge("builtin:spamassassin", "X-Spam-Status: No, score=1.0 required=5.0\r\n"
                                  "X-Spam-Status: Yes, score=9.0 required=5.0\r\n\r\n");
    assert_opinion(500, 500, "");
    assert_true(opinion_is_spam(&opinion));
}

static void a_name_with_a_space_is_none(void **unused)
{
    (void)unused;
    judge("builtin:spamassassin", "X-Spam-Flag : YES\r\n X-Spam-Flag: YES\r\nnonsense\r\n\r\n");
    assert_false(opinion_is_one(&opinion));
}

static void an_endless_value_is_cut(void **unused)
{
    enum { MUCH = 3 << 20 };
    char *head = malloc(MUCH + 100);
    static const char start[] = "X-Spam-Status: Yes, score=9.0 required=5.0 tests=";
    (void)unused;
    memset(head, ',', MUCH + 100);
    memcpy(head, start, sizeof start - 1);
    memcpy(head + MUCH, "\r\n\r\n", 5);
    judge("builtin:spamassassin", head);
    assert_true(opinion_is_spam(&opinion));
    for (int i = 0; i < MUCH; i += 2)
        head[i] = ' ';
    memcpy(head, start, sizeof start - 1);
    judge("builtin:mailscanner builtin:assp builtin:rspamd builtin:amavis builtin:dcc", head);
    free(head);
}

static void values_are_unfolded(void **unused)
{
    char value[20];
    (void)unused;
    assert_int_equal(head_unfold(TEXT("  a\r\n\t b \n c\x01\xff "), value, sizeof value), 7);
    assert_string_equal(value, "a b c??");
    assert_int_equal(head_unfold(TEXT("abcdefghijklmnopqrstuvwxyz"), value, 10), 8);
}

/* --- files --- */

static void assert_refused(const char *content, const char *sentence)
{
    struct headers *headers = NULL;
    failed = (struct error){0};
    assert_int_equal(headers_create(&headers, &failed), 0);
    assert_int_equal(headers_read(headers, text_of(content), "own.conf", &failed), -EINVAL);
    assert_string_equal(failed.text, sentence);
    headers_destroy(&headers);
}

static void mistakes_are_said_with_their_line(void **unused)
{
    (void)unused;
    assert_refused("header = X\n", "own.conf:1: [] : a key before the first [rule]; begin with a name in brackets");
    assert_refused("[a]\nheader = X\n", "own.conf:2: [a] match: missing; every rule has header and match");
    assert_refused("[a]\nmatch = x\n[b]\n", "own.conf:3: [a] header: missing; every rule has header and match");
    assert_refused("# c\n[a]\nheader = X\nmatch = (\n",
                   "own.conf:4: [a] match: missing closing parenthesis at character 2; a pattern of PCRE2");
    assert_refused("[a]\nmatch = (?<points>x)\n",
                   "own.conf:2: [a] match: no such field; spam, ham, virus, score, threshold, "
                   "symbol, symbols, action are");
    assert_refused("[a]\nverdict = good\n", "own.conf:2: [a] verdict: no such verdict; spam, ham, virus are");
    assert_refused("[a]\nthreshold = 0\n",
                   "own.conf:2: [a] threshold: no threshold; a number above 0 such as 50 or 6.5");
    assert_refused("[a]\nmore = perhaps\n", "own.conf:2: [a] more: neither yes nor no");
    assert_refused("[a]\ncolour = red\n",
                   "own.conf:2: [a] : no such key; header, match, verdict, symbol, threshold, more are");
    assert_refused("[a]\nnonsense\n", "own.conf:2: [a] : neither [rule] nor key = value");
    assert_refused("[a]\nheader = X\nheader = Y\n",
                   "own.conf:3: [a] header: empty, too long or given twice; up to 127 characters");
}

static void a_site_adds_its_own_file(void **unused)
{
    char path[] = "/tmp/postern-headers-XXXXXX", names[64];
    static const char rules[] =
        "[own]\nheader = X-Our-Gate\nmatch = ^points (?<score>\\d+)$\nthreshold = 10\nsymbol = OURS\n";
    struct headers *headers = NULL;
    int file = mkstemp(path);
    (void)unused;
    assert_int_equal(write(file, rules, sizeof rules - 1), sizeof rules - 1);
    close(file);
    snprintf(names, sizeof names, "builtin:spamassassin %s", path);
    judge(names, "X-Our-Gate: points 12\r\n\r\n");
    assert_opinion(1200, 1000, "OURS");
    judge(names, "X-Our-Gate: points 9\r\n\r\n");
    assert_opinion(900, 1000, "OURS");
    assert_false(opinion_is_spam(&opinion));
    unlink(path);
    assert_int_equal(headers_open(path, &headers, &failed), -ENOENT);
    assert_int_equal(headers_open("builtin:nothing", &headers, &failed), -EINVAL);
    assert_string_equal(failed.text, "builtin:nothing: no such set of header patterns");
    assert_int_equal(headers_open(" ", &headers, &failed), -EINVAL);
    assert_null(headers);
}

static void matching_is_bounded(void **unused)
{
    struct headers *headers = NULL;
    static char head[70000];
    (void)unused;
    assert_int_equal(headers_create(&headers, &failed), 0);
    assert_int_equal(
        headers_read(headers, TEXT("[slow]\nheader = X\nmatch = ^(a+)+b\nverdict = spam\n"), "own", &failed), 0);
    memset(head, 'a', sizeof head - 1);
    memcpy(head, "X: ", 3);
    headers_judge(headers, &settings, text_of(head), &opinion);
    assert_false(opinion_is_one(&opinion));
    assert_true(headers_look_at(headers, TEXT("x")));
    assert_false(headers_look_at(headers, TEXT("xx")));
    headers_destroy(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_shipped_sets_can_be_read),
        cmocka_unit_test(spamassassin),
        cmocka_unit_test(amavis),
        cmocka_unit_test(mailscanner),
        cmocka_unit_test(assp),
        cmocka_unit_test(rspamd),
        cmocka_unit_test(clamav_and_dcc),
        cmocka_unit_test(authentication_results_are_symbols_alone),
        cmocka_unit_test(several_sets_can_be_named),
        cmocka_unit_test(the_body_says_nothing),
        cmocka_unit_test(the_first_score_counts_and_spam_stands_over_ham),
        cmocka_unit_test(a_name_with_a_space_is_none),
        cmocka_unit_test(an_endless_value_is_cut),
        cmocka_unit_test(values_are_unfolded),
        cmocka_unit_test(mistakes_are_said_with_their_line),
        cmocka_unit_test(a_site_adds_its_own_file),
        cmocka_unit_test(matching_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
