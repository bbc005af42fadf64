/* The pattern engine. A program's name decides once which rules can match its lines; after that a line costs a search
 * for each rule's literal and, as a rule, one match. */
#include "agent/log/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"

#define RULES_MOST    512
#define PROGRAMS_MOST 256 /* names remembered: a full memory is emptied, because names in a log are anybody's */
#define PROGRAM_MOST  64
#define GROUPS_MOST   32
#define STEPS_MOST    20000
#define HEAP_MOST     1024 /* kilobytes */
#define STACK_MOST    (256 * 1024)

struct rule {
    struct log_rule shown; /* first: what is handed out */
    pcre2_code *program, *match;
    char has[64];
    size_t has_length;
    uint8_t fields[GROUPS_MOST]; /* of each group, plus 1; 0: none */
    uint32_t groups;
};

struct program {
    char name[PROGRAM_MOST];
    size_t length;
    uint16_t *rules;
    uint32_t count;
};

struct log_patterns {
    struct rule rules[RULES_MOST];
    uint32_t count;
    struct program programs[PROGRAMS_MOST];
    uint32_t program_count;
    pcre2_match_context *bounds;
    pcre2_jit_stack *stack;
    pcre2_match_data *data;
    uint64_t exhausted;
};

static const char *const field_names[LOG_FIELDS] = {
#define NAME(name) #name,
    LOG_FIELDS_OF(NAME)
#undef NAME
};

static const char *const meaning_names[LOG_MEANINGS] = {
    [LOG_MEANS_CONNECT] = "connect",   [LOG_MEANS_LOGIN] = "login",         [LOG_MEANS_QUEUED] = "queued",
    [LOG_MEANS_SENDER] = "sender",     [LOG_MEANS_RECIPIENT] = "recipient", [LOG_MEANS_STARTED] = "started",
    [LOG_MEANS_DELIVERY] = "delivery", [LOG_MEANS_REMOVED] = "removed",     [LOG_MEANS_REJECT] = "reject",
    [LOG_MEANS_SCRIPT] = "script",     [LOG_MEANS_FILTER] = "filter",       [LOG_MEANS_IGNORE] = "ignore",
};

const char *log_meaning_name(enum log_meaning meaning)
{
    return meaning_names[meaning];
}

/* --- life --- */

struct log_patterns *log_patterns_create(struct error *error)
{
    CLEANUP(log_patterns_destroy) struct log_patterns *patterns = calloc(1, sizeof *patterns);
    if (patterns == NULL || (patterns->bounds = pcre2_match_context_create(NULL)) == NULL ||
        (patterns->stack = pcre2_jit_stack_create(32 * 1024, STACK_MOST, NULL)) == NULL ||
        (patterns->data = pcre2_match_data_create(GROUPS_MOST, NULL)) == NULL) {
        error_set(error, ENOMEM, "no memory for log patterns");
        return NULL;
    }
    pcre2_set_match_limit(patterns->bounds, STEPS_MOST);
    pcre2_set_heap_limit(patterns->bounds, HEAP_MOST);
    pcre2_jit_stack_assign(patterns->bounds, NULL, patterns->stack);
    return TAKE(patterns);
}

static void forget_programs(struct log_patterns *patterns)
{
    for (uint32_t i = 0; i < patterns->program_count; i++)
        free(patterns->programs[i].rules);
    patterns->program_count = 0;
}

void log_patterns_destroy(struct log_patterns **handle)
{
    struct log_patterns *patterns = *handle;
    if (patterns == NULL)
        return;
    forget_programs(patterns);
    for (uint32_t i = 0; i < patterns->count; i++) {
        pcre2_code_free(patterns->rules[i].program);
        pcre2_code_free(patterns->rules[i].match);
    }
    pcre2_match_data_free(patterns->data);
    pcre2_jit_stack_free(patterns->stack);
    pcre2_match_context_free(patterns->bounds);
    free(patterns);
    *handle = NULL;
}

/* --- reading a file --- */

struct reader {
    struct log_patterns *patterns;
    struct rule *rule; /* NULL: before the first section */
    const char *name;
    int line;
    struct error *error;
    bool means_given;
};

static int refuse(const struct reader *reader, const char *key, const char *what)
{
    return error_set(reader->error, EINVAL, "%s:%d: [%s] %s: %s", reader->name, reader->line,
                     reader->rule ? reader->rule->shown.name : "", key, what);
}

static int compile(const struct reader *reader, const char *key, struct text value, uint32_t options,
                   pcre2_code **result)
{
    int code;
    PCRE2_SIZE offset;
    if (*result != NULL)
        return refuse(reader, key, "given twice; once for each rule");
    *result = pcre2_compile((PCRE2_SPTR)value.bytes, value.length, options, &code, &offset, NULL);
    if (*result == NULL) {
        PCRE2_UCHAR message[128];
        char what[180];
        pcre2_get_error_message(code, message, sizeof message);
        snprintf(what, sizeof what, "%s at character %zu; a pattern of PCRE2", (const char *)message, offset + 1);
        return refuse(reader, key, what);
    }
    (void)pcre2_jit_compile(*result, PCRE2_JIT_COMPLETE); /* a wish: without it matching is slower */
    return 0;
}

static int name_groups(const struct reader *reader)
{
    struct rule *rule = reader->rule;
    uint32_t count = 0, size = 0;
    PCRE2_SPTR row = NULL;
    pcre2_pattern_info(rule->match, PCRE2_INFO_CAPTURECOUNT, &rule->groups);
    pcre2_pattern_info(rule->match, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(rule->match, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(rule->match, PCRE2_INFO_NAMETABLE, &row);
    if (rule->groups >= GROUPS_MOST)
        return refuse(reader, "match", "too many groups; up to 31, (?:...) does not count");
    for (uint32_t i = 0; i < count; i++, row += size) {
        uint32_t group = (uint32_t)row[0] << 8 | row[1], field = 0;
        while (field < LOG_FIELDS && strcmp(field_names[field], (const char *)row + 2) != 0)
            field++;
        if (field == LOG_FIELDS) {
            char what[120];
            snprintf(what, sizeof what, "no field is called %.40s; queue, client, from, to, account, reply, ...",
                     (const char *)row + 2);
            return refuse(reader, "match", what);
        }
        rule->fields[group] = (uint8_t)(field + 1);
    }
    return 0;
}

static int take_means(struct reader *reader, struct text value)
{
    for (int i = 0; i < LOG_MEANINGS; i++) {
        if (text_equals(value, text_of(meaning_names[i]))) {
            reader->rule->shown.means = (enum log_meaning)i;
            reader->means_given = true;
            return 0;
        }
    }
    return refuse(
        reader, "means",
        "no such meaning; connect, login, queued, sender, recipient, started, delivery, removed, reject, filter, "
        "ignore");
}

static int take_key(struct reader *reader, struct text key, struct text value)
{
    struct rule *rule = reader->rule;
    if (rule == NULL)
        return refuse(reader, "", "a key before the first [rule]; begin with a name in brackets");
    if (text_equals(key, TEXT("program")))
        return compile(reader, "program", value, PCRE2_ANCHORED | PCRE2_ENDANCHORED, &rule->program);
    if (text_equals(key, TEXT("has"))) {
        if (value.length == 0 || value.length >= sizeof rule->has)
            return refuse(reader, "has", "empty or too long; a literal of up to 63 bytes");
        memcpy(rule->has, value.bytes, value.length);
        rule->has_length = value.length;
        return 0;
    }
    if (text_equals(key, TEXT("match"))) {
        int status =
            compile(reader, "match", value, PCRE2_ANCHORED | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY, &rule->match);
        return status < 0 ? status : name_groups(reader);
    }
    if (text_equals(key, TEXT("means")))
        return take_means(reader, value);
    if (text_equals(key, TEXT("session"))) {
        if (!text_equals(value, TEXT("process")))
            return refuse(reader, "session", "no such thing; process, or a group of that name in the pattern");
        rule->shown.session_is_process = true;
        return 0;
    }
    if (text_equals(key, TEXT("reply"))) {
        if (!text_equals(value, TEXT("word")))
            return refuse(reader, "reply", "no such thing; word: written as one, with _ for spaces");
        rule->shown.reply_is_word = true;
        return 0;
    }
    return refuse(reader, "", "no such key; program, has, match, means, session, reply");
}

static int end_rule(const struct reader *reader)
{
    const struct rule *rule = reader->rule;
    if (rule == NULL || (rule->program != NULL && rule->match != NULL && reader->means_given))
        return 0;
    return refuse(reader,
                  rule->program == NULL ? "program"
                  : rule->match == NULL ? "match"
                                        : "means",
                  "missing; every rule has program, match and means");
}

static int begin_rule(struct reader *reader, struct text name)
{
    int status = end_rule(reader);
    if (status < 0)
        return status;
    struct log_patterns *patterns = reader->patterns;
    if (patterns->count == RULES_MOST)
        return refuse(reader, "", "too many rules; up to 512 in all files");
    reader->rule = &patterns->rules[patterns->count++];
    reader->means_given = false;
    text_copy_printable(name, reader->rule->shown.name, sizeof reader->rule->shown.name);
    text_copy_printable(text_of(reader->name), reader->rule->shown.file, sizeof reader->rule->shown.file);
    return 0;
}

int log_patterns_read(struct log_patterns *patterns, struct text content, const char *name, struct error *error)
{
    struct reader reader = {.patterns = patterns, .name = name, .error = error};
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
    forget_programs(patterns);
    return status < 0 ? status : end_rule(&reader);
}

/* --- matching --- */

static int run(struct log_patterns *patterns, const pcre2_code *code, struct text text)
{
    int found = pcre2_match(code, (PCRE2_SPTR)text.bytes, text.length, 0, 0, patterns->data, patterns->bounds);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH)
        patterns->exhausted++;
    return found;
}

static const struct program *find_program(struct log_patterns *patterns, struct text name)
{
    for (uint32_t i = 0; i < patterns->program_count; i++) {
        struct program *program = &patterns->programs[i];
        if (program->length == name.length && memcmp(program->name, name.bytes, name.length) == 0)
            return program;
    }
    if (patterns->program_count == PROGRAMS_MOST)
        forget_programs(patterns);
    struct program *program = &patterns->programs[patterns->program_count];
    uint16_t *rules = calloc(patterns->count + 1, sizeof(uint16_t));
    if (rules == NULL)
        return NULL;
    program->rules = rules;
    program->count = 0;
    program->length = name.length;
    memcpy(program->name, name.bytes, name.length);
    for (uint32_t i = 0; i < patterns->count; i++)
        if (run(patterns, patterns->rules[i].program, name) >= 0)
            rules[program->count++] = (uint16_t)i;
    patterns->program_count++;
    return program;
}

static void take_fields(struct log_patterns *patterns, const struct rule *rule, struct text text,
                        struct log_fields *fields)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(patterns->data);
    uint32_t pairs = pcre2_get_ovector_count(patterns->data);
    for (uint32_t group = 1; group <= rule->groups && group < pairs; group++) {
        PCRE2_SIZE begin = at[2 * group], end = at[2 * group + 1];
        if (rule->fields[group] != 0 && begin != PCRE2_UNSET && end >= begin && end <= text.length)
            fields->at[rule->fields[group] - 1] = (struct text){text.bytes + begin, end - begin};
    }
}

const struct log_rule *log_patterns_match(struct log_patterns *patterns, struct text program_name, struct text text,
                                          struct log_fields *fields)
{
    memset(fields, 0, sizeof *fields);
    if (program_name.length >= PROGRAM_MOST)
        return NULL;
    const struct program *program = find_program(patterns, program_name);
    for (uint32_t i = 0; program != NULL && i < program->count; i++) {
        const struct rule *rule = &patterns->rules[program->rules[i]];
        if (rule->has_length > 0 && memmem(text.bytes, text.length, rule->has, rule->has_length) == NULL)
            continue;
        if (run(patterns, rule->match, text) >= 0) {
            take_fields(patterns, rule, text, fields);
            return &rule->shown;
        }
    }
    return NULL;
}

uint64_t log_patterns_exhausted(const struct log_patterns *patterns)
{
    return patterns->exhausted;
}
