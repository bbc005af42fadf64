/* Command lines: what clients write, and what of it is a verb, a path, a parameter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include "agent/packet/smtp_command.h"

static const struct {
    const char *line;
    enum smtp_verb verb;
    const char *address, *parameters;
    bool plausible;
} commands[] = {
    {"MAIL FROM:<a@b.org>", VERB_MAIL, "a@b.org", "", true},
    {"mail from:<a@b.org> SIZE=1000 BODY=8BITMIME", VERB_MAIL, "a@b.org", "SIZE=1000 BODY=8BITMIME", true},
    {"Mail From: <a@b.org>  SMTPUTF8 ", VERB_MAIL, "a@b.org", "SMTPUTF8", true},
    {"MAIL FROM : <a@b.org>", VERB_MAIL, "a@b.org", "", true},
    {"MAIL FROM:<>", VERB_MAIL, "", "", true},
    {"MAIL FROM:<> AUTH=<>", VERB_MAIL, "", "AUTH=<>", true},
    {"MAIL FROM:a@b.org SIZE=5", VERB_MAIL, "a@b.org", "SIZE=5", true},
    {"MAIL FROM:< a@b.org >", VERB_MAIL, "a@b.org", "", true},
    {"MAIL FROM:<a@b.org", VERB_MAIL, "a@b.org", "", true},
    {"MAIL FROM:<a@b.org SIZE=5", VERB_MAIL, "a@b.org", "SIZE=5", true},
    {"MAIL FROM:Joe Doe <a@b.org>", VERB_MAIL, "Joe", "Doe <a@b.org>", true},
    {"MAIL FROM:\"Joe Doe\" <a@b.org>", VERB_MAIL, "a@b.org", "", true},
    {"MAIL FROM:\"Joe Doe\"@b.org", VERB_MAIL, "\"Joe Doe\"@b.org", "", true},
    {"MAIL a@b.org", VERB_OTHER, "", "", false},
    {"MAIL FROM:", VERB_OTHER, "", "", false},
    {"MAIL", VERB_OTHER, "", "", false},
    {"RCPT TO:<@a.org,@b.org:c@d.org>", VERB_RCPT, "c@d.org", "", true},
    {"RCPT TO:<\"a>b\"@c.org> NOTIFY=NEVER", VERB_RCPT, "\"a>b\"@c.org", "NOTIFY=NEVER", true},
    {"RCPT TO:<\"a\\\">b\"@c.org>", VERB_RCPT, "\"a\\\">b\"@c.org", "", true},
    {"RCPT TO:<\"a>b@c.org>", VERB_RCPT, "\"a", "b@c.org>", true},
    {"RCPT TO:<a\\>b@c.org>", VERB_RCPT, "a\\>b@c.org", "", true},
    {"RCPT TO:<Postmaster>", VERB_RCPT, "Postmaster", "", true},
    {"RCPT TO:<\xc3\xbc@b.org>", VERB_RCPT, "\xc3\xbc@b.org", "", true},
    {"RCPT FROM:<a@b.org>", VERB_OTHER, "", "", false},
    {"EHLO mail.example.org", VERB_EHLO, "", "", true},
    {"helo [192.0.2.1]", VERB_HELO, "", "", true},
    {"EHLO", VERB_EHLO, "", "", false},
    {"Helo and welcome", VERB_HELO, "", "", false},
    {"LHLO x", VERB_LHLO, "", "", true},
    {"  DATA  ", VERB_DATA, "", "", true},
    {"DATA of the year", VERB_OTHER, "", "", false},
    {"QUIT", VERB_QUIT, "", "", true},
    {"quit now", VERB_QUIT, "", "", false},
    {"RSET", VERB_RSET, "", "", true},
    {"STARTTLS", VERB_STARTTLS, "", "", true},
    {"BDAT 10", VERB_BDAT, "", "", true},
    {"BDAT 10 LAST", VERB_BDAT, "", "", true},
    {"BDAT -1", VERB_BDAT, "", "", false},
    {"BDAT", VERB_BDAT, "", "", false},
    {"AUTH LOGIN", VERB_AUTH, "", "", true},
    {"AUTH PLAIN AGEAYg==", VERB_AUTH, "", "", true},
    {"AUTH", VERB_OTHER, "", "", false},
    {"NOOP", VERB_OTHER, "", "", true},
    {"Help me out here", VERB_OTHER, "", "", false},
    {"XSPECIAL thing", VERB_OTHER, "", "", false},
    {"Received: from x", VERB_UNKNOWN, "", "", false},
    {"hello there", VERB_UNKNOWN, "", "", false},
    {"DATAX", VERB_OTHER, "", "", false},
    {".", VERB_UNKNOWN, "", "", false},
    {"", VERB_UNKNOWN, "", "", false},
    {"\x16\x03\x01", VERB_UNKNOWN, "", "", false},
};

static void assert_text(const char *line, struct text got, const char *want)
{
    if (got.length != strlen(want) || (got.length > 0 && memcmp(got.bytes, want, got.length) != 0))
        fail_msg("%s: got \"%.*s\", want \"%s\"", line, (int)got.length, got.bytes, want);
}

static void lines_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct smtp_command command = smtp_command_parse(text_of(commands[i].line));
        if (command.verb != commands[i].verb || command.plausible != commands[i].plausible)
            fail_msg("%s: verb %d, plausible %d", commands[i].line, command.verb, command.plausible);
        assert_text(commands[i].line, command.address, commands[i].address);
        assert_text(commands[i].line, command.parameters, commands[i].parameters);
    }
}

static void arguments_are_read(void **state)
{
    (void)state;
    struct smtp_command command = smtp_command_parse(TEXT("auth  plain  AGEAYg== "));
    assert_text("auth", command.mechanism, "plain");
    assert_text("auth", command.argument, "AGEAYg==");
    command = smtp_command_parse(TEXT("bdat 86 last"));
    assert_true(command.sized && command.last);
    assert_int_equal(command.size, 86);
    command = smtp_command_parse(TEXT("BDAT 86"));
    assert_true(command.sized && !command.last);
    assert_false(smtp_command_parse(TEXT("BDAT 86 SOON")).sized);
    assert_false(smtp_command_parse(TEXT("BDAT 99999999999999999999 LAST")).sized);
    assert_text("ehlo", smtp_command_parse(TEXT("EHLO  a b ")).argument, "a b");
}

/* Whatever comes, what is found lies inside the line: a sanitizer watches. */
static void noise_is_read_within_its_bounds(void **state)
{
    (void)state;
    static const char alphabet[] = "<>@:\"\\ ,abMAILFROTCP\t";
    uint32_t random = 1;
    for (unsigned run = 0; run < 50000; run++) {
        random = random * 1103515245u + 12345u;
        size_t length = (random >> 16) % 24, start = (random >> 8) % 3;
        char *line = malloc(start * 10 + length + 1);
        assert_non_null(line);
        memcpy(line, start == 1 ? "RCPT TO:<\"" : "MAIL FROM:MAIL FROM:", start * 10);
        for (size_t i = 0; i < length; i++) {
            random = random * 1103515245u + 12345u;
            line[start * 10 + i] = alphabet[(random >> 16) % (sizeof alphabet - 1)];
        }
        struct text text = {line, start * 10 + length};
        struct smtp_command command = smtp_command_parse(text);
        if (command.address.length > 0)
            assert_true(command.address.bytes >= line &&
                        command.address.bytes + command.address.length <= line + text.length);
        free(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read),
        cmocka_unit_test(arguments_are_read),
        cmocka_unit_test(noise_is_read_within_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
