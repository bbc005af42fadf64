/* Complaints, bounces and other mail that others published, where they are at hand: what complaints_read() makes of
 * each, held against what EXPECTED_complaints.jsonl says of it. POSTERN_TESTDATA: the folder; without it, testdata
 * beside the checkout. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include "collector/complaint/complaint.h"
#include "collector/mime/walk.h"

struct row {
    const json_t *expected;
    const char *path;
    struct complaints got;
    uint32_t failures;
};

static const char *top(void)
{
    return getenv("POSTERN_TESTDATA") ? getenv("POSTERN_TESTDATA") : "../shared/testdata";
}

/* Owned; NULL: it is not there. */
static char *load(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    long size;
    if (file == NULL)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0 &&
        (bytes = malloc((size_t)size + 1)) != NULL)
        *length = fread(bytes, 1, (size_t)size, file);
    fclose(file);
    return bytes;
}

static const char *string(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static const char *first(const json_t *fields, const char *key)
{
    const char *value = json_string_value(json_array_get(json_object_get(fields, key), 0));
    return value ? value : "";
}

/* The reference has what is encoded or no ASCII in other ways; this holds what is written plainly. */
static bool is_plain(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c < ' ' || *c > '~')
            return false;
    return strstr(text, "=?") == NULL && strlen(text) < 250;
}

static void hold(struct row *row, const char *what, const char *want, const char *got)
{
    if (want[0] == '\0' || !is_plain(want) || strcmp(want, got) == 0)
        return;
    row->failures++;
    print_error("%s: %s is \"%s\", not \"%s\"\n", row->path, what, got, want);
}

/* An address, or an ID, stands without brackets and spaces. */
static void hold_bare(struct row *row, const char *what, const char *want, const char *got)
{
    char bare[512];
    size_t length = 0;
    for (const char *c = want; *c && length + 1 < sizeof bare; c++)
        if (*c != '<' && *c != '>' && *c != ' ')
            bare[length++] = *c;
    bare[length] = '\0';
    hold(row, what, bare, got);
}

static void hold_found(struct row *row, enum complaint_finding want)
{
    hold(row, "what was found", complaint_finding_name(want), complaint_finding_name(row->got.found));
}

static void hold_original(struct row *row, const struct complaint *got)
{
    const json_t *original = json_object_get(row->expected, "original");
    hold_bare(row, "Message-ID", string(original, "message_id"), got->message_id);
    hold(row, "Subject", string(original, "subject"), got->subject);
    hold(row, "From", string(original, "header_from"), got->header_from);
    hold(row, "X-HmXmrOriginalRecipient", string(original, "x_hmxmroriginalrecipient"), got->recipient);
    bool has_head = string(original, "subject")[0] || string(original, "header_from")[0];
    if (has_head && got->has_original != 1) {
        row->failures++;
        print_error("%s: the message was not found\n", row->path);
    }
}

static void hold_source(struct row *row, const char *want, const struct complaint *got)
{
    char address[ADDRESS_TEXT] = "";
    struct address known;
    if (got->source.family)
        address_print(&got->source, address);
    size_t length = strcspn(want, " ");
    char bare[ADDRESS_TEXT];
    snprintf(bare, sizeof bare, "%.*s", (int)length, want);
    if (address_parse(text_of(bare), &known))
        hold(row, "the source", address_print(&known, bare), address);
    else
        hold(row, "the source as it is written", want, got->source_text);
}

static void hold_arf(struct row *row)
{
    const json_t *fields = json_object_get(row->expected, "feedback");
    hold_found(row, FOUND_COMPLAINTS);
    if (row->got.count == 0)
        return;
    const struct complaint *got = &row->got.items[0];
    char native[128];
    bool has_failure = first(fields, "auth-failure")[0] != '\0';
    snprintf(native, sizeof native, "%s%s%s", first(fields, "feedback-type"), has_failure ? "/" : "",
             first(fields, "auth-failure"));
    hold(row, "the form", "arf", complaint_format_name(got->format));
    hold(row, "the type", native, got->native);
    hold(row, "User-Agent", first(fields, "user-agent"), got->agent);
    hold(row, "Version", first(fields, "version"), got->version);
    hold_source(row, first(fields, "source-ip"), got);
    hold_bare(row, "Original-Mail-From", first(fields, "original-mail-from"), got->envelope_from);
    hold_bare(row, "Original-Rcpt-To", first(fields, "original-rcpt-to"), got->recipient);
    hold(row, "Original-Envelope-Id", first(fields, "original-envelope-id"), got->envelope_id);
    const char *domain = first(fields, "reported-domain"), *link = first(fields, "reported-uri");
    hold(row, "Reported-Domain", domain, got->domains[0]);
    hold(row, "Reported-URI", link, got->links[0]);
    bool has_time = first(fields, "arrival-date")[0] || first(fields, "received-date")[0];
    if ((has_time && got->time == 0) || (json_object_get(fields, "redacted-address") && !got->is_redacted)) {
        row->failures++;
        print_error("%s: the time, or that it is redacted, is missing\n", row->path);
    }
    hold_original(row, got);
}

static void hold_jmrp(struct row *row)
{
    hold_found(row, FOUND_COMPLAINTS);
    if (row->got.count == 0)
        return;
    hold(row, "the form", "jmrp", complaint_format_name(row->got.items[0].format));
    const char *source = strstr(string(row->expected, "subject"), "from ");
    hold(row, "the source as it is written", source ? source + 5 : "", row->got.items[0].source_text);
    hold_original(row, &row->got.items[0]);
}

/* Of reports that their schema refuses, those that say what happened are taken all the same. */
static void hold_xarf(struct row *row)
{
    const json_t *expected = row->expected;
    if (!json_is_true(json_object_get(expected, "valid_json")) || !json_is_string(json_object_get(expected, "cls"))) {
        hold_found(row, FOUND_BROKEN);
        return;
    }
    if (strcmp(string(expected, "label"), "invalid") != 0)
        hold_found(row, FOUND_COMPLAINTS);
    if (row->got.count == 0) {
        hold(row, "what was found", "complaint", "nothing at all");
        return;
    }
    const struct complaint *got = &row->got.items[0];
    char native[128];
    snprintf(native, sizeof native, "%s/%s", string(expected, "cls"), string(expected, "type"));
    hold(row, "the form", "xarf", complaint_format_name(got->format));
    hold(row, "class and type", native, got->native);
    if (strcmp(string(expected, "version"), "v3") != 0) /* so the reference calls those that name no version */
        hold(row, "the version", string(expected, "version"), got->version);
    hold_source(row, string(expected, "source"), got);
}

/* Where the reference parse is wrong; looked at by hand. */
static bool is_misjudged(struct row *row)
{
    static const struct {
        const char *ending;
        enum complaint_finding found;
        const char *format;
    } known[] = {
        {"MimeKit/UnitTests/TestData/messages/feedback-report.txt", FOUND_COMPLAINTS, "arf"}, /* behind a BOM */
        {"lhost-amazonses-11.eml", FOUND_COMPLAINTS, "ses"}, /* a complaint among bounces */
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t length = strlen(row->path), ending = strlen(known[i].ending);
        if (length < ending || strcmp(row->path + length - ending, known[i].ending) != 0)
            continue;
        hold_found(row, known[i].found);
        if (row->got.count > 0)
            hold(row, "the form", known[i].format, complaint_format_name(row->got.items[0].format));
        return true;
    }
    return false;
}

static void hold_row(struct row *row)
{
    const char *kind = string(row->expected, "kind"), *label = string(row->expected, "label");
    for (uint32_t i = 0; i < row->got.count; i++)
        assert_true(complaint_is_sound(&row->got.items[i]));
    if (is_misjudged(row))
        return;
    if (strcmp(kind, "arf") == 0)
        hold_arf(row);
    else if (strcmp(kind, "hotmail-jmrp") == 0)
        hold_jmrp(row);
    else if (strcmp(kind, "xarf-json") == 0)
        hold_xarf(row);
    else if (strcmp(kind, "dsn") == 0 || strcmp(label, "bounce") == 0)
        hold_found(row, FOUND_BOUNCE);
    else
        hold_found(row, FOUND_OTHER);
}

static void samples(void **state)
{
    (void)state;
    char path[1024];
    size_t length = 0, rows = 0;
    uint32_t failures = 0;
    snprintf(path, sizeof path, "%s/EXPECTED_complaints.jsonl", top());
    char *lines = load(path, &length);
    if (lines == NULL) {
        print_message("skipped: there is no test data (POSTERN_TESTDATA, or testdata beside the checkout)\n");
        skip();
    }
    for (struct text rest = {lines, length}; rest.length > 0;) {
        struct text line = text_split(&rest, '\n');
        json_error_t wrong;
        json_t *expected = json_loadb(line.bytes, line.length, 0, &wrong);
        if (expected == NULL)
            continue;
        struct row row = {.expected = expected, .path = string(expected, "path")};
        snprintf(path, sizeof path, "%s/%s", top(), row.path);
        char *bytes = load(path, &length);
        assert_non_null(bytes);
        complaints_read((struct text){bytes, length}, &row.got);
        hold_row(&row);
        complaints_clear(&row.got);
        failures += row.failures;
        rows++;
        free(bytes);
        json_decref(expected);
    }
    free(lines);
    print_message("%zu samples, %u fields are not as they should be\n", rows, failures);
    assert_int_equal(failures, 0);
    assert_true(rows > 300);
}

int main(void)
{
    walk_prepare();
    const struct CMUnitTest tests[] = {cmocka_unit_test(samples)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
