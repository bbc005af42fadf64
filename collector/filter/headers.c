/* Rules for headers: read from texts, held against heads. Values are what an appliance wrote, but it may quote a
 * stranger's words in them: matching is bounded in steps and memory. */
#include "collector/filter/headers.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <fnmatch.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include "collector/filter/head.h"
#include "common/cleanup.h"
#include "common/io/file.h"

#define RULES_MOST  64
#define GROUPS_MOST 24
#define STEPS_MOST  20000
#define HEAP_MOST   1024 /* kilobytes */
#define NAME_MOST   128
#define FILE_MOST   (64U * 1024)

enum field {
    FIELD_SPAM,
    FIELD_HAM,
    FIELD_VIRUS,
    FIELD_SCORE,
    FIELD_THRESHOLD,
    FIELD_SYMBOL,
    FIELD_SYMBOLS,
    FIELD_ACTION,
    FIELDS
};
static const char *const field_names[FIELDS] = {"spam",      "ham",    "virus",   "score",
                                                "threshold", "symbol", "symbols", "action"};

struct rule {
    char name[NAME_MOST], header[NAME_MOST], symbol[NAME_MOST];
    pcre2_code *match;
    uint32_t groups[FIELDS]; /* 0: there is none */
    bool says[FIELDS];       /* by `verdict`: spam, ham, virus */
    int32_t threshold;       /* hundredths; 0: none */
    bool more;
};

struct headers {
    struct rule rules[RULES_MOST];
    uint32_t count;
    pcre2_match_context *bounds;
    pcre2_match_data *data;
    char value[HEAD_VALUE_MOST];
};

/* --- life --- */

int headers_create(struct headers **result, struct error *error)
{
    CLEANUP(headers_destroy) struct headers *headers = calloc(1, sizeof *headers);
    if (headers == NULL || (headers->bounds = pcre2_match_context_create(NULL)) == NULL ||
        (headers->data = pcre2_match_data_create(GROUPS_MOST, NULL)) == NULL)
        return error_set(error, ENOMEM, "no memory for header patterns");
    pcre2_set_match_limit(headers->bounds, STEPS_MOST);
    pcre2_set_heap_limit(headers->bounds, HEAP_MOST);
    *result = TAKE(headers);
    return 0;
}

void headers_destroy(struct headers **handle)
{
    struct headers *headers = *handle;
    if (headers == NULL)
        return;
    for (uint32_t i = 0; i < headers->count; i++)
        pcre2_code_free(headers->rules[i].match);
    pcre2_match_data_free(headers->data);
    pcre2_match_context_free(headers->bounds);
    free(headers);
    *handle = NULL;
}

/* --- reading --- */

struct reader {
    struct headers *headers;
    struct rule *rule; /* NULL: before the first section */
    const char *name;
    int line;
    struct error *error;
};

static int refuse(const struct reader *reader, const char *key, const char *what)
{
    return error_set(reader->error, EINVAL, "%s:%d: [%s] %s: %s", reader->name, reader->line,
                     reader->rule ? reader->rule->name : "", key, what);
}

static int take_text(const struct reader *reader, const char *key, struct text value, char result[NAME_MOST])
{
    if (value.length == 0 || value.length >= NAME_MOST || result[0])
        return refuse(reader, key, "empty, too long or given twice; up to 127 characters");
    text_copy_printable(value, result, NAME_MOST);
    return 0;
}

static int name_groups(const struct reader *reader)
{
    struct rule *rule = reader->rule;
    uint32_t count = 0, size = 0, groups = 0;
    PCRE2_SPTR row = NULL;
    pcre2_pattern_info(rule->match, PCRE2_INFO_CAPTURECOUNT, &groups);
    pcre2_pattern_info(rule->match, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(rule->match, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(rule->match, PCRE2_INFO_NAMETABLE, &row);
    if (groups >= GROUPS_MOST)
        return refuse(reader, "match", "too many groups; up to 23, (?:...) does not count");
    for (uint32_t i = 0; i < count; i++, row += size) {
        int field = 0;
        while (field < FIELDS && strcmp(field_names[field], (const char *)row + 2) != 0)
            field++;
        if (field == FIELDS)
            return refuse(reader, "match",
                          "no such field; spam, ham, virus, score, threshold, symbol, symbols, action are");
        rule->groups[field] = (uint32_t)row[0] << 8 | row[1];
    }
    return 0;
}

static int take_match(const struct reader *reader, struct text value)
{
    int code;
    PCRE2_SIZE offset;
    if (reader->rule->match)
        return refuse(reader, "match", "given twice; once for each rule");
    reader->rule->match = pcre2_compile((PCRE2_SPTR)value.bytes, value.length, PCRE2_CASELESS | PCRE2_DOLLAR_ENDONLY,
                                        &code, &offset, NULL);
    if (reader->rule->match == NULL) {
        PCRE2_UCHAR message[100];
        char what[160];
        pcre2_get_error_message(code, message, sizeof message);
        snprintf(what, sizeof what, "%s at character %zu; a pattern of PCRE2", (const char *)message, offset + 1);
        return refuse(reader, "match", what);
    }
    return name_groups(reader);
}

static int take_verdict(const struct reader *reader, struct text value)
{
    for (int field = FIELD_SPAM; field <= FIELD_VIRUS; field++) {
        if (text_equals(value, text_of(field_names[field]))) {
            reader->rule->says[field] = true;
            return 0;
        }
    }
    return refuse(reader, "verdict", "no such verdict; spam, ham, virus are");
}

static int take_key(const struct reader *reader, struct text key, struct text value)
{
    struct rule *rule = reader->rule;
    if (rule == NULL)
        return refuse(reader, "", "a key before the first [rule]; begin with a name in brackets");
    if (text_equals(key, TEXT("header")))
        return take_text(reader, "header", value, rule->header);
    if (text_equals(key, TEXT("symbol")))
        return take_text(reader, "symbol", value, rule->symbol);
    if (text_equals(key, TEXT("match")))
        return take_match(reader, value);
    if (text_equals(key, TEXT("verdict")))
        return take_verdict(reader, value);
    if (text_equals(key, TEXT("threshold"))) {
        if (!opinion_parse_score(value, &rule->threshold) || rule->threshold <= 0)
            return refuse(reader, "threshold", "no threshold; a number above 0 such as 50 or 6.5");
        return 0;
    }
    if (text_equals(key, TEXT("more"))) {
        if (!text_equals(value, TEXT("yes")) && !text_equals(value, TEXT("no")))
            return refuse(reader, "more", "neither yes nor no");
        rule->more = text_equals(value, TEXT("yes"));
        return 0;
    }
    return refuse(reader, "", "no such key; header, match, verdict, symbol, threshold, more are");
}

static int end_rule(const struct reader *reader)
{
    const struct rule *rule = reader->rule;
    if (rule == NULL || (rule->header[0] && rule->match))
        return 0;
    return refuse(reader, rule->match ? "header" : "match", "missing; every rule has header and match");
}

static int begin_rule(struct reader *reader, struct text name)
{
    int status = end_rule(reader);
    if (status < 0)
        return status;
    if (reader->headers->count == RULES_MOST)
        return refuse(reader, "", "too many rules; up to 64 in all sets");
    reader->rule = &reader->headers->rules[reader->headers->count++];
    text_copy_printable(name, reader->rule->name, sizeof reader->rule->name);
    return 0;
}

int headers_read(struct headers *headers, struct text content, const char *name, struct error *error)
{
    struct reader reader = {.headers = headers, .name = name, .error = error};
    int status = 0;
    while (content.length > 0 && status == 0) {
        struct text value = text_trim(text_split(&content, '\n'));
        reader.line++;
        if (value.length == 0 || value.bytes[0] == '#' || value.bytes[0] == ';')
            continue;
        if (value.bytes[0] == '[' && value.bytes[value.length - 1] == ']') {
            status = begin_rule(&reader, (struct text){value.bytes + 1, value.length - 2});
            continue;
        }
        if (memchr(value.bytes, '=', value.length) == NULL)
            return refuse(&reader, "", "neither [rule] nor key = value");
        struct text key = text_trim(text_split(&value, '='));
        status = take_key(&reader, key, text_trim(value));
    }
    return status < 0 ? status : end_rule(&reader);
}

static int read_file(struct headers *headers, const char *path, struct error *error)
{
    char *content = NULL;
    size_t length;
    int status = file_read(path, FILE_MOST, &content, &length, error);
    if (status == 0)
        status = headers_read(headers, (struct text){content, length}, path, error);
    free(content);
    return status;
}

int headers_open(const char *names, struct headers **result, struct error *error)
{
    CLEANUP(headers_destroy) struct headers *headers = NULL;
    const struct text builtin = TEXT(HEADERS_BUILTIN);
    int status = headers_create(&headers, error);
    struct text rest = text_trim(text_of(names)), content;
    if (rest.length == 0 && status == 0)
        return error_set(error, EINVAL, "no header patterns; builtin:spamassassin, or a file");
    while (rest.length > 0 && status == 0) {
        struct text word = text_split(&rest, ' ');
        char name[OPTION_TEXT_SIZE];
        rest = text_trim(rest);
        snprintf(name, sizeof name, "%.*s", (int)word.length, word.bytes);
        if (!text_starts_nocase(word, builtin))
            status = read_file(headers, name, error);
        else if (headers_builtin((struct text){word.bytes + builtin.length, word.length - builtin.length}, &content))
            status = headers_read(headers, content, name, error);
        else
            status = error_set(error, EINVAL, "%s: no such set of header patterns", name);
    }
    if (status == 0)
        *result = TAKE(headers);
    return status;
}

/* --- judging --- */

static bool is_named(const struct rule *rule, const char *name)
{
    return fnmatch(rule->header, name, FNM_CASEFOLD) == 0;
}

bool headers_look_at(const struct headers *headers, struct text text)
{
    char name[NAME_MOST];
    text_copy_printable(text, name, sizeof name);
    for (uint32_t i = 0; i < headers->count; i++)
        if (is_named(&headers->rules[i], name))
            return true;
    return false;
}

/* What was found in one head so far. */
struct finding {
    bool says[FIELDS];
    bool scored;
    int32_t score, threshold;
};

static struct text group(const struct headers *headers, const struct rule *rule, enum field field)
{
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(headers->data);
    uint32_t number = rule->groups[field];
    if (number == 0 || ends[2 * number] == PCRE2_UNSET || ends[2 * number + 1] < ends[2 * number])
        return (struct text){"", 0};
    return (struct text){headers->value + ends[2 * number], ends[2 * number + 1] - ends[2 * number]};
}

static bool is_in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-' || c == ':';
}

/* "A,B=0.5, C 1.00; D(2.00)[a, b]": of each its name. */
static void add_symbols(const struct filter_settings *settings, struct text list, struct opinion *opinion)
{
    size_t begin = 0;
    int depth = 0;
    for (size_t i = 0; i <= list.length; i++) {
        char c = i < list.length ? list.bytes[i] : ',';
        depth += c == '[' || c == '(' ? 1 : (c == ']' || c == ')') && depth > 0 ? -1 : 0;
        if (i < list.length && ((c != ',' && c != ';') || depth > 0))
            continue;
        struct text one = text_trim((struct text){list.bytes + begin, i - begin});
        size_t length = 0;
        while (length < one.length && is_in_name(one.bytes[length]))
            length++;
        filter_add_symbol(settings, (struct text){one.bytes, length}, opinion);
        begin = i + 1;
    }
}

static void take_score(const struct headers *headers, const struct rule *rule, struct finding *finding)
{
    int32_t score, threshold = rule->threshold;
    if (finding->scored || !opinion_parse_score(group(headers, rule, FIELD_SCORE), &score))
        return;
    if (rule->groups[FIELD_THRESHOLD])
        opinion_parse_score(group(headers, rule, FIELD_THRESHOLD), &threshold);
    if (threshold <= 0)
        return; /* a score that nothing can be held against */
    finding->scored = true;
    finding->score = score;
    finding->threshold = threshold;
}

static void take_match_of(const struct headers *headers, const struct rule *rule,
                          const struct filter_settings *settings, struct finding *finding, struct opinion *opinion)
{
    struct text virus = group(headers, rule, FIELD_VIRUS), action = group(headers, rule, FIELD_ACTION);
    for (int field = FIELD_SPAM; field <= FIELD_VIRUS; field++)
        if (rule->says[field] || group(headers, rule, (enum field)field).length > 0)
            finding->says[field] = true;
    if (finding->says[FIELD_VIRUS])
        filter_add_virus(settings, virus, opinion);
    if (action.length > 0 && !opinion->action[0])
        opinion_set_action(opinion, action);
    take_score(headers, rule, finding);
    filter_add_symbol(settings, text_of(rule->symbol), opinion);
    filter_add_symbol(settings, group(headers, rule, FIELD_SYMBOL), opinion);
    add_symbols(settings, group(headers, rule, FIELD_SYMBOLS), opinion);
}

static void judge_field(struct headers *headers, const struct head_field *field, const struct filter_settings *settings,
                        struct finding *finding, struct opinion *opinion)
{
    char name[NAME_MOST];
    size_t length = 0;
    bool unfolded = false;
    text_copy_printable(field->name, name, sizeof name);
    for (uint32_t i = 0; i < headers->count; i++) {
        const struct rule *rule = &headers->rules[i];
        if (!is_named(rule, name))
            continue;
        if (!unfolded)
            length = head_unfold(field->value, headers->value, sizeof headers->value);
        unfolded = true;
        if (pcre2_match(rule->match, (PCRE2_SPTR)headers->value, length, 0, 0, headers->data, headers->bounds) <= 0)
            continue;
        take_match_of(headers, rule, settings, finding, opinion);
        if (!rule->more)
            return;
    }
}

void headers_judge(struct headers *headers, const struct filter_settings *settings, struct text head,
                   struct opinion *result)
{
    struct finding finding = {0};
    struct head_field field;
    *result = (struct opinion){0};
    while (head_next(&head, &field)) /* all of them: some write theirs below the sender's own */
        judge_field(headers, &field, settings, &finding, result);
    bool is_spam = finding.says[FIELD_SPAM] || finding.says[FIELD_VIRUS];
    if (!is_spam && !finding.says[FIELD_HAM] && !finding.scored)
        return;
    if (!is_spam && !finding.says[FIELD_HAM])
        is_spam = finding.score >= finding.threshold;
    if (!finding.scored)
        finding.score = is_spam ? 100 : 0, finding.threshold = 100;
    opinion_set_verdict(result, finding.score, finding.threshold, is_spam);
    if (!result->action[0])
        opinion_set_action(result, finding.says[FIELD_VIRUS] ? TEXT("virus") : is_spam ? TEXT("spam") : TEXT("ham"));
}
