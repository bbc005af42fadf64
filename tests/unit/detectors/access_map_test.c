/* Postfix's access maps: which key answers for which address, what an action comes to, and what is refused with which
 * words. */
#include <dirent.h>
#include "tests/unit/detectors/recorder.h"
#include "detectors/access_map.h"

static struct access_map *map_of(const char *name, const char *content)
{
    struct error error = {0};
    struct access_map *map = access_map_create(text_of(name), text_of(content), &error);
    if (!map)
        fail_msg("%s", error.text);
    return map;
}

static const char keys[] = "# a comment\n"
                           "\n"
                           "you@example.com   REJECT points=12.5 a placeholder\n"
                           "Bob@Example.ORG\tOK\n"
                           "example.org 550 5.1.1 points=7 nobody there\n"
                           "bob+lists@example.org WARN\n"
                           "  noted,\n"
                           "   # a comment between\n"
                           "\tand noted again\n"
                           ".net HOLD\n"
                           "hidden.net DUNNO\n"
                           "postmaster@ DUNNO\n"
                           "spam@ discard thrown away\n"
                           "<> 421 later\n"
                           "[192.0.2.1] reject\n"
                           "sub.example.com permit\n"
                           "com 1234567890\n"
                           "relay.example.de PREPEND X-Seen: yes\n"
                           "de my_restriction_class\n"
                           "twice.info REJECT the first\n"
                           "twice.info OK the second\n"
                           "info REJECT points=0 note";

static const struct row {
    const char *name, *given;
    enum access_action want;
    points want_points;
    const char *want_text;
} rows[] = {
    {"the address", "you@example.com", ACCESS_REJECTED, 1250, "a placeholder"},
    {"in other case", "YOU@Example.COM", ACCESS_REJECTED, 1250, "a placeholder"},
    {"a key in other case", "bob@example.org", ACCESS_ALLOWED, -1, ""},
    {"the extension's own key", "bob+lists@example.org", ACCESS_WARNED, -1, "noted,\tand noted again"},
    {"another extension", "bob+x@example.org", ACCESS_ALLOWED, -1, ""},
    {"the domain; the reply's code is no reason", "eve@example.org", ACCESS_REJECTED, 700, "nobody there"},
    {"a dot at the end", "eve@example.org.", ACCESS_REJECTED, 700, "nobody there"},
    {"a parent domain", "eve@deep.below.example.org", ACCESS_REJECTED, 700, "nobody there"},
    {"a parent with a dot", "eve@what.net", ACCESS_REJECTED, -1, ""},
    {"the nearer one counts", "eve@hidden.net", ACCESS_PASSED, -1, ""},
    {"a user anywhere", "postmaster@elsewhere.museum", ACCESS_PASSED, -1, ""},
    {"a user with an extension anywhere", "spam+1@elsewhere.museum", ACCESS_REJECTED, -1, "thrown away"},
    {"the domain goes before the user", "postmaster@example.org", ACCESS_REJECTED, 700, "nobody there"},
    {"the null sender", "", ACCESS_WARNED, -1, "later"},
    {"a literal", "x@[192.0.2.1]", ACCESS_REJECTED, -1, ""},
    {"permit", "x@sub.example.com", ACCESS_ALLOWED, -1, ""},
    {"a time stamp allows", "x@other.com", ACCESS_ALLOWED, -1, ""},
    {"PREPEND holds nothing against it", "x@relay.example.de", ACCESS_PASSED, -1, "X-Seen: yes"},
    {"nor does a restriction", "x@example.de", ACCESS_PASSED, -1, ""},
    {"the first of two stands", "x@twice.info", ACCESS_REJECTED, -1, "the first"},
    {"no points are points", "x@info", ACCESS_REJECTED, 0, "note"},
    {"unknown", "x@example.museum", ACCESS_UNKNOWN, -1, ""},
    {"no domain", "x", ACCESS_UNKNOWN, -1, ""},
    {"nothing around the at", "@", ACCESS_UNKNOWN, -1, ""},
    {"only dots", "x@....", ACCESS_UNKNOWN, -1, ""},
};

static void addresses(void **state)
{
    (void)state;
    struct access_map *map = map_of("hash:/etc/postfix/access", keys);
    assert_int_equal(access_map_entries(map), 16);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct access_answer got;
        bool found = access_map_find_address(map, text_of(rows[i].given), &got);
        if (found != (rows[i].want != ACCESS_UNKNOWN) || got.action != rows[i].want ||
            got.points != rows[i].want_points || strcmp(got.text, rows[i].want_text) != 0)
            fail_msg("%s: %d %d \"%s\"", rows[i].name, got.action, got.points, got.text);
    }
    access_map_destroy(&map);
    assert_null(map);
    access_map_destroy(&map);
}

static void names(void **state)
{
    (void)state;
    struct access_map *map = map_of("/etc/postfix/helo", "localhost REJECT\n.lan WARN\nylmf-pc REJECT points=12\n");
    struct access_answer got;
    assert_true(access_map_find_name(map, TEXT("LocalHost"), &got));
    assert_true(access_map_find_name(map, TEXT("my.localhost."), &got));
    assert_true(access_map_find_name(map, TEXT("pc.lan"), &got) && got.action == ACCESS_WARNED);
    assert_false(access_map_find_name(map, TEXT("lan"), &got));
    assert_true(access_map_find_name(map, TEXT("YLMF-PC"), &got) && got.points == 1200);
    assert_false(access_map_find_name(map, TEXT("mail.example.com"), &got));
    assert_false(access_map_find_name(map, TEXT(""), &got));
    char labels[ACCESS_KEY_MOST + 2];
    memset(labels, '.', sizeof labels);
    assert_false(access_map_find_name(map, (struct text){labels, ACCESS_KEY_MOST + 1}, &got));
    memcpy(labels + ACCESS_KEY_MOST - 10, ".localhost", 10);
    assert_true(access_map_find_name(map, (struct text){labels, ACCESS_KEY_MOST}, &got));
    access_map_destroy(&map);
}

static const char patterns[] = "# patterns\n"
                               "/^you@/ REJECT points=4 a placeholder\n"
                               "!/@/ WARN no domain\n"
                               "/^case@Example\\.com$/i REJECT\n"
                               "if /\\.example$/\n"
                               "/^([^@]+)@([a-z]+)\\.(x)?/ REJECT ${1} and $(2)$3 cost $$5 $x\n"
                               "if !/^good/\n"
                               "|^bad/| 450 a slash inside\n"
                               "endif\n"
                               "/^(?:good|other)1/ DUNNO\n"
                               "endif\n"
                               "/a.b$/x HOLD\n"
                               "/^long@/ REJECT one\n"
                               "   two\n"
                               "/^esc\\/aped/ DISCARD";

static const struct row pattern_rows[] = {
    {"a pattern", "You@anything.invalid", ACCESS_REJECTED, 400, "a placeholder"},
    {"negated", "postmaster", ACCESS_WARNED, -1, "no domain"},
    {"the flag i minds the case", "case@Example.com", ACCESS_REJECTED, -1, ""},
    {"and not otherwise", "case@example.com", ACCESS_UNKNOWN, -1, ""},
    {"an if, and groups in the text", "bob@host.example", ACCESS_REJECTED, -1, "bob and host cost $5 $x"},
    {"an optional group that is there", "bob@host.x.example", ACCESS_REJECTED, -1, "bob and hostx cost $5 $x"},
    {"another delimiter", "bad/4@5.example", ACCESS_WARNED, -1, "a slash inside"},
    {"the inner if does not fit", "good1@5.example", ACCESS_PASSED, -1, ""},
    {"behind the inner if", "other1@5.example", ACCESS_PASSED, -1, ""},
    {"outside of the if", "other1@5.museum", ACCESS_UNKNOWN, -1, ""},
    {"x@ayb", "x@ayb", ACCESS_REJECTED, -1, ""},
    {"a line that goes on", "long@x", ACCESS_REJECTED, -1, "one   two"},
    {"an escaped delimiter", "esc/aped@x", ACCESS_REJECTED, -1, ""},
    {"the null sender fits nothing but !/@/", "", ACCESS_WARNED, -1, "no domain"},
};

static void pattern_maps(void **state)
{
    (void)state;
    struct access_map *map = map_of("pcre:/etc/postfix/access", patterns);
    for (size_t i = 0; i < sizeof pattern_rows / sizeof pattern_rows[0]; i++) {
        struct access_answer got;
        const struct row *row = &pattern_rows[i];
        access_map_find_address(map, text_of(row->given), &got);
        if (got.action != row->want || got.points != row->want_points || strcmp(got.text, row->want_text) != 0)
            fail_msg("%s: %d %d \"%s\"", row->name, got.action, got.points, got.text);
    }
    access_map_destroy(&map);
}

/* What takes for ever is given up, counted, and held against nobody. */
static void unwise_patterns(void **state)
{
    (void)state;
    static const char *const unwise[] = {"/^(a|aa)+$/ REJECT", "!/^(a|aa)+$/ REJECT", "/^(a+a+)+x?y?$/ REJECT",
                                         "/^(?:a?){80}a{80}$/ REJECT", "if /^(a|aa)+$/\n/a/ REJECT\nendif"};
    for (size_t i = 0; i < sizeof unwise / sizeof unwise[0]; i++) {
        struct access_map *map = map_of("pcre:x", unwise[i]);
        char subject[ACCESS_KEY_MOST + 1] = {0};
        memset(subject, 'a', 300);
        subject[300] = '!';
        struct access_answer got;
        if (access_map_find_address(map, text_of(subject), &got) || access_map_given_up(map) != 1)
            fail_msg("%s: %d, given up %lu times", unwise[i], got.action, access_map_given_up(map));
        access_map_destroy(&map);
    }
}

static const struct {
    const char *name, *content, *want;
} mistakes[] = {
    {"hash:/etc/a", "a@b\n", "/etc/a:1: the entry has no action; write one behind it, such as REJECT or OK"},
    {"/etc/a", "# x\n  a OK\n",
     "/etc/a:2: the first entry begins with white space, which would go on with a line above; remove it"},
    {"/etc/a", "a OK\n\nb REJECT points=x why\n",
     "/etc/a:3: points= is no number from 0 to 100 with at most two digits behind the point; write points=12.5"},
    {"/etc/a", "a REJECT points=100.01\n",
     "/etc/a:1: points= is no number from 0 to 100 with at most two digits behind the point; write points=12.5"},
    {"/etc/a", "/^x/ REJECT\n", "/etc/a:1: this looks like a pattern; name the map \"pcre:\" and its file"},
    {"pcre:/etc/p", "/a/ OK\n/(/ REJECT\n",
     "/etc/p:2: the pattern does not compile at byte 1: missing closing parenthesis"},
    {"pcre:/etc/p", "/a REJECT\n", "/etc/p:1: the pattern has no end; close it with /"},
    {"pcre:/etc/p", "/a\\/\n", "/etc/p:1: the pattern has no end; close it with /"},
    {"pcre:/etc/p", "/a/q REJECT\n", "/etc/p:1: unknown flag \"q\" behind the pattern; allowed are i m s x A E U X"},
    {"pcre:/etc/p", "/a/\n", "/etc/p:1: the entry has no action; write one behind it, such as REJECT or OK"},
    {"pcre:/etc/p", "a@b OK\n",
     "/etc/p:1: no pattern; write /pattern/ and an action, or name the map \"hash:\" where it has keys"},
    {"pcre:/etc/p", "/a/ OK\nif /x/\n\n/b/ OK\n", "/etc/p:2: this if has no endif; write one behind its patterns"},
    {"pcre:/etc/p", "/a/ OK\nendif\n", "/etc/p:2: endif without an if; remove it"},
    {"pcre:/etc/p", "!\n",
     "/etc/p:1: no pattern; write /pattern/ and an action, or name the map \"hash:\" where it has "
     "keys"},
};

static void refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct error error = {0};
        struct access_map *map = access_map_create(text_of(mistakes[i].name), text_of(mistakes[i].content), &error);
        if (map || strcmp(error.text, mistakes[i].want) != 0)
            fail_msg("%s: \"%s\"", mistakes[i].content, error.text);
    }
    struct error error = {0};
    assert_null(access_map_create(TEXT("/etc/a"), (struct text){"a\0b OK\n", 7}, &error));
    assert_string_equal(error.text, "/etc/a:1: the line holds a zero byte; is this the text that postmap reads?");
    assert_null(access_map_create(TEXT("/etc/a"), TEXT("a"), NULL));
    assert_null(access_map_create(TEXT("pcre:/etc/a"), TEXT("a"), NULL));
}

static void too_much(void **state)
{
    (void)state;
    struct error error = {0};
    char *content = calloc(1, 16000000);
    strcpy(content, "a OK\nb OK ");
    memset(content + 10, 'x', ACCESS_LINE_MOST);
    struct access_map *map = access_map_create(TEXT("/etc/a"), (struct text){content, ACCESS_LINE_MOST + 5}, &error);
    assert_non_null(map); /* 65,536 bytes in the line */
    access_map_destroy(&map);
    assert_null(access_map_create(TEXT("/etc/a"), (struct text){content, ACCESS_LINE_MOST + 6}, &error));
    assert_string_equal(error.text, "/etc/a:2: the line has more than 65536 bytes; split it into several entries");

    size_t length = 0, all = 0;
    for (uint32_t i = 0; i < ACCESS_ENTRIES_MOST + 1; i++) {
        length = all;
        all += (size_t)sprintf(content + all, "%x OK\n", i);
    }
    map = access_map_create(TEXT("/etc/a"), (struct text){content, length}, &error);
    assert_non_null(map);
    assert_int_equal(access_map_entries(map), ACCESS_ENTRIES_MOST);
    struct access_answer got;
    for (uint32_t i = 0; i < ACCESS_ENTRIES_MOST + 1000; i += 77) {
        char name[16];
        snprintf(name, sizeof name, "%X", i);
        assert_int_equal(access_map_find_name(map, text_of(name), &got), i < ACCESS_ENTRIES_MOST);
    }
    access_map_destroy(&map);
    assert_null(access_map_create(TEXT("/etc/a"), (struct text){content, all}, &error));
    assert_string_equal(error.text, "/etc/a:1000001: more than 1000000 entries; split the map");
    free(content);
}

static void files(void **state)
{
    (void)state;
    static const char *const given[][2] = {{"hash:/etc/a", "/etc/a"},     {"texthash:/etc/a", "/etc/a"},
                                           {"lmdb:/etc/a", "/etc/a"},     {"cdb:/etc/a", "/etc/a"},
                                           {"pcre:/etc/a", "/etc/a"},     {"/etc/a", "/etc/a"},
                                           {"builtin:a", "builtin:a"},    {"pcre:builtin:a", "builtin:a"},
                                           {"PCRE:relative", "relative"}, {"", ""}};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        assert_true(text_equals(access_map_file(text_of(given[i][0])), text_of(given[i][1])));
}

/* The first map that knows more than DUNNO answers; an OK ends the search. */
static int read_given(void *context, const char *name, struct text *result, struct error *error)
{
    (void)context;
    if (strcmp(name, "mine") == 0)
        *result = TEXT("bob@example.com OK\nexample.com DUNNO\n");
    else if (strcmp(name, "theirs") == 0)
        *result = TEXT("/@example.com$/ REJECT reserved\n");
    else if (strcmp(name, "broken") == 0)
        *result = TEXT("x\n");
    else
        return error_set(error, 2, "cannot read %s", name);
    return 0;
}

static void several(void **state)
{
    (void)state;
    struct file_source source = {read_given, NULL};
    struct option_words given = {.items = {"hash:mine", "pcre:theirs"}, .count = 2};
    struct access_maps maps = {.count = 0};
    struct error error = {0};
    assert_int_equal(access_maps_load(&given, &source, &maps, &error), 0);
    struct access_answer got;
    assert_true(access_maps_find_address(&maps, TEXT("bob@example.com"), &got) && got.action == ACCESS_ALLOWED);
    assert_true(access_maps_find_address(&maps, TEXT("eve@example.com"), &got) && got.action == ACCESS_REJECTED);
    assert_false(access_maps_find_address(&maps, TEXT("eve@example.org"), &got));
    assert_true(access_maps_find_name(&maps, TEXT("@example.com"), &got));
    access_maps_clear(&maps);

    given = (struct option_words){.items = {"hash:mine", "broken"}, .count = 2};
    assert_int_equal(access_maps_load(&given, &source, &maps, &error), -22);
    assert_string_equal(error.text, "broken:1: the entry has no action; write one behind it, such as REJECT or OK");
    given = (struct option_words){.items = {"hash:mine", "absent"}, .count = 2};
    assert_int_equal(access_maps_load(&given, &source, &maps, &error), -2);
    assert_int_equal(maps.count, 0);
}

/* "x+...@b", with one '@'. */
static bool starts_with_extension(struct text given)
{
    return text_starts_nocase(given, TEXT("x+")) && text_ends_nocase(given, TEXT("@b"));
}

/* Every address a random mutation away from a key: no crash, and what is found is what the keys say. */
static void law(void **state)
{
    (void)state;
    struct access_map *map = map_of("x", "a.b REJECT\nb OK\nx@b WARN\n");
    uint64_t random = 9;
    for (int i = 0; i < 200000; i++) {
        char address[12];
        size_t length = next_random(&random) % sizeof address;
        for (size_t k = 0; k < length; k++)
            address[k] = "ab.@x+"[next_random(&random) % 6];
        struct access_answer got;
        struct text given = {address, length};
        access_map_find_address(map, given, &got);
        /* The same by hand: whole key, else the domain behind the last '@' by its ending, the longer first. */
        const char *at = memrchr(address, '@', length);
        struct text domain = {at ? at + 1 : "", at ? (size_t)(address + length - at - 1) : 0};
        if (domain.length > 0 && domain.bytes[domain.length - 1] == '.')
            domain.length--;
        enum access_action want =
            text_equals(given, TEXT("x@b"))                                              ? ACCESS_WARNED
            : text_equals(given, TEXT("a.b"))                                            ? ACCESS_REJECTED
            : text_equals(given, TEXT("b"))                                              ? ACCESS_ALLOWED
            : text_equals(domain, TEXT("a.b")) || text_ends_nocase(domain, TEXT(".a.b")) ? ACCESS_REJECTED
            : starts_with_extension(given) && text_equals(domain, TEXT("b"))             ? ACCESS_WARNED
            : text_equals(domain, TEXT("b")) || text_ends_nocase(domain, TEXT(".b"))     ? ACCESS_ALLOWED
                                                                                         : ACCESS_UNKNOWN;
        if (got.action != want)
            fail_msg("%.*s: %d, not %d", (int)length, address, got.action, want);
    }
    access_map_destroy(&map);
}

/* Maps from real servers, where they are at hand: each reads, or is refused with file and line. */
static void real_maps(void **state)
{
    (void)state;
    const char *top = getenv("POSTERN_TESTDATA") ? getenv("POSTERN_TESTDATA") : "../shared/testdata";
    static const struct {
        const char *form, *path;
        uint32_t want;    /* entries; 0: refused */
        const char *name; /* one that it knows */
    } given[] = {
        {"pcre:", "stevejenkins__hardwarefreak.com-fqrdns.pcre/fqrdns-plus.pcre", 1, "1-2-3-4-static.albacom.net"},
        {"pcre:", "stevejenkins__hardwarefreak.com-fqrdns.pcre/fqrdns-max.pcre", 1, "dhcp-1-2.example.com"},
        {"pcre:", "docker-mailserver__docker-mailserver/target/postfix/sender_login_maps.pcre", 1, "anything"},
        {"hash:", "krahlos__mailcow-vps-relay/postfix/helo_access.tmpl", 1, "${RELAY_HOSTNAME}"},
        {"pcre:", "sorinpohontu__Postfix-Checks/etc/postfix/body_checks", 1, NULL},
        {"pcre:", "parseword__mail-config/postfix/header_checks", 1, NULL},
        {"hash:", "smtpd__qpsmtpd/config.sample/badrcptto", 0, NULL},
        {"hash:", "smtpd__qpsmtpd/config.sample/badhelo", 0, NULL},
    };
    char *content = NULL;
    struct file_source source = {recorder_read, &content};
    uint32_t read = 0;
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        char path[400], name[420];
        snprintf(path, sizeof path, "%s/accessmap/%s", top, given[i].path);
        snprintf(name, sizeof name, "%s%s", given[i].form, path);
        struct text text;
        struct error error = {0};
        if (source.read(source.context, path, &text, &error) < 0)
            continue;
        read++;
        struct access_map *map = access_map_create(text_of(name), text, &error);
        if ((map != NULL) != (given[i].want != 0))
            fail_msg("%s: %s", given[i].path, error.text);
        struct access_answer got;
        if (map && given[i].name && !access_map_find_name(map, text_of(given[i].name), &got))
            fail_msg("%s does not know %s", given[i].path, given[i].name);
        if (!map)
            assert_non_null(strstr(error.text, "no action"));
        access_map_destroy(&map);
    }
    free(content);
    if (read == 0) {
        print_message("no maps in %s/accessmap: skipped\n", top);
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(addresses),    cmocka_unit_test(names),
                                       cmocka_unit_test(pattern_maps), cmocka_unit_test(unwise_patterns),
                                       cmocka_unit_test(refused),      cmocka_unit_test(too_much),
                                       cmocka_unit_test(files),        cmocka_unit_test(several),
                                       cmocka_unit_test(law),          cmocka_unit_test(real_maps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
