/* Patterns in order; the first that fits, answers. `if` and `endif` fence in patterns that are only tried where the
 * if's own pattern fits.
 *
 * Flags toggle, as in Postfix: i (without regard to case: on unless toggled), s (a dot matches a line's end: on unless
 * toggled), m, x, A, E, U; X is accepted and means nothing to PCRE2.
 *
 * The subject is hostile, and so may a pattern be unwise: the matcher's steps and memory are bounded, and a pattern
 * that passes the bound is taken as one that does not fit, and counted. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include "common/cleanup.h"
#include "detectors/access_pattern.h"

#define STEPS_MOST  20000
#define DEPTH_MOST  2000
#define MEMORY_MOST 256 /* kilobytes */
#define NESTED_MOST 64

enum rule_kind { RULE_PATTERN, RULE_IF, RULE_ENDIF };

struct rule {
    enum rule_kind kind;
    bool negated;
    enum access_action action;
    points points;
    pcre2_code *code;
    char *text;    /* the action's, owned; NULL: none */
    uint32_t skip; /* RULE_IF: where to go on when it does not fit */
};

struct access_patterns {
    struct rule *rules;
    uint32_t count, room;
    pcre2_match_context *limits;
    pcre2_match_data *match;
    uint64_t given_up;
};

void access_patterns_destroy(struct access_patterns **patterns)
{
    struct access_patterns *gone = *patterns;
    if (!gone)
        return;
    for (uint32_t i = 0; i < gone->count; i++) {
        pcre2_code_free(gone->rules[i].code);
        free(gone->rules[i].text);
    }
    free(gone->rules);
    pcre2_match_context_free(gone->limits);
    pcre2_match_data_free(gone->match);
    free(gone);
    *patterns = NULL;
}

static int no_memory(const struct access_lines *lines, struct error *error)
{
    return error_set(error, ENOMEM, "no memory to read %.*s", (int)lines->name.length, lines->name.bytes);
}

static bool toggle(char flag, uint32_t *flags)
{
    static const struct {
        char flag;
        uint32_t option;
    } known[] = {{'i', PCRE2_CASELESS}, {'m', PCRE2_MULTILINE},      {'s', PCRE2_DOTALL},   {'x', PCRE2_EXTENDED},
                 {'A', PCRE2_ANCHORED}, {'E', PCRE2_DOLLAR_ENDONLY}, {'U', PCRE2_UNGREEDY}, {'X', 0}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].flag == flag) {
            *flags ^= known[i].option;
            return true;
        }
    }
    return false;
}

/* "!/pattern/flags" at the beginning of `rest`, which is left with what stands behind. */
static int read_pattern(const struct access_lines *lines, struct text *rest, struct rule *rule, struct error *error)
{
    struct text text = *rest;
    while (text.length > 0 && (text.bytes[0] == '!' || access_is_space(text.bytes[0]))) {
        rule->negated ^= text.bytes[0] == '!';
        text = (struct text){text.bytes + 1, text.length - 1};
    }
    char delimiter = text.length > 0 ? text.bytes[0] : 'a';
    bool is_word = (delimiter >= '0' && delimiter <= '9') || ((delimiter | 32) >= 'a' && (delimiter | 32) <= 'z');
    if (is_word || delimiter == '\\')
        return access_lines_fail(
            lines, error, "no pattern; write /pattern/ and an action, or name the map \"hash:\" where it has keys");
    size_t end = 1;
    while (end < text.length && text.bytes[end] != delimiter)
        end += text.bytes[end] == '\\' ? 2 : 1;
    if (end >= text.length)
        return access_lines_fail(lines, error, "the pattern has no end; close it with %c", delimiter);
    struct text pattern = {text.bytes + 1, end - 1};
    uint32_t flags = PCRE2_CASELESS | PCRE2_DOTALL;
    for (end++; end < text.length && !access_is_space(text.bytes[end]); end++) {
        if (text.bytes[end] == '!') /* as in "if /a/!": nothing is meant by it */
            break;
        if (!toggle(text.bytes[end], &flags))
            return access_lines_fail(lines, error,
                                     "unknown flag \"%c\" behind the pattern; allowed are i m s x A E U X",
                                     text.bytes[end] >= ' ' && text.bytes[end] <= '~' ? text.bytes[end] : '?');
    }
    int code;
    size_t offset;
    rule->code = pcre2_compile((PCRE2_SPTR)pattern.bytes, pattern.length, flags, &code, &offset, NULL);
    if (!rule->code) {
        PCRE2_UCHAR what[120] = "";
        pcre2_get_error_message(code, what, sizeof what);
        return access_lines_fail(lines, error, "the pattern does not compile at byte %zu: %s", offset, what);
    }
    /* Without JIT (refused by the system, say) the interpreter does the same, slower. */
    (void)pcre2_jit_compile(rule->code, PCRE2_JIT_COMPLETE);
    *rest = (struct text){text.bytes + end, text.length - end};
    return 0;
}

static struct rule *add_rule(const struct access_lines *lines, struct access_patterns *patterns, struct error *error)
{
    if (patterns->count == ACCESS_ENTRIES_MOST) {
        access_lines_fail(lines, error, "more than %u entries; split the map", ACCESS_ENTRIES_MOST);
        return NULL;
    }
    if (patterns->count == patterns->room) {
        uint32_t room = patterns->room ? patterns->room * 2 : 32;
        struct rule *grown = realloc(patterns->rules, room * sizeof *grown);
        if (!grown) {
            no_memory(lines, error);
            return NULL;
        }
        patterns->rules = grown;
        patterns->room = room;
    }
    struct rule *rule = &patterns->rules[patterns->count++];
    *rule = (struct rule){.points = -1};
    return rule;
}

static int read_action(const struct access_lines *lines, struct text words, struct rule *rule, struct error *error)
{
    struct text text;
    const char *wrong = access_action_read(words, &rule->action, &rule->points, &text);
    if (wrong)
        return access_lines_fail(lines, error, "%s", wrong);
    if (text.length == 0)
        return 0;
    rule->text = strndup(text.bytes, text.length);
    return rule->text ? 0 : no_memory(lines, error);
}

static int read_rule(const struct access_lines *lines, struct text line, struct access_patterns *patterns,
                     struct error *error)
{
    struct rule *rule = add_rule(lines, patterns, error);
    if (!rule)
        return -error->code;
    struct text rest = line;
    struct text word = access_word(&rest);
    if (text_equals_nocase(word, TEXT("endif"))) {
        rule->kind = RULE_ENDIF;
        return 0;
    }
    bool is_if =
        text_starts_nocase(word, TEXT("if")) && (word.length == 2 || word.bytes[2] == '/' || word.bytes[2] == '!');
    rest = is_if ? (struct text){line.bytes + 2, line.length - 2} : line;
    int failed = read_pattern(lines, &rest, rule, error);
    if (failed)
        return failed;
    if (!is_if)
        return read_action(lines, rest, rule, error);
    rule->kind = RULE_IF;
    return 0;
}

static int read_all(struct access_lines *lines, struct access_patterns *patterns, struct error *error)
{
    uint32_t open[NESTED_MOST], at_line[NESTED_MOST], depth = 0;
    struct text line;
    int more;
    while ((more = access_lines_next(lines, &line, error)) > 0) {
        int failed = read_rule(lines, line, patterns, error);
        if (failed)
            return failed;
        uint32_t last = patterns->count - 1;
        if (patterns->rules[last].kind == RULE_IF) {
            if (depth == NESTED_MOST)
                return access_lines_fail(lines, error, "more than %d ifs inside each other; simplify", NESTED_MOST);
            at_line[depth] = lines->number;
            open[depth++] = last;
        } else if (patterns->rules[last].kind == RULE_ENDIF) {
            if (depth == 0)
                return access_lines_fail(lines, error, "endif without an if; remove it");
            patterns->rules[open[--depth]].skip = last;
        }
    }
    if (more == 0 && depth > 0) {
        lines->number = at_line[depth - 1];
        return access_lines_fail(lines, error, "this if has no endif; write one behind its patterns");
    }
    return more;
}

struct access_patterns *access_patterns_create(struct access_lines *lines, struct error *error)
{
    struct error local = {0};
    CLEANUP(access_patterns_destroy) struct access_patterns *patterns = calloc(1, sizeof *patterns);
    if (patterns) {
        patterns->limits = pcre2_match_context_create(NULL);
        patterns->match = pcre2_match_data_create(10, NULL); /* $1 to $9 */
    }
    if (!patterns || !patterns->limits || !patterns->match) {
        no_memory(lines, error);
        return NULL;
    }
    pcre2_set_match_limit(patterns->limits, STEPS_MOST);
    pcre2_set_depth_limit(patterns->limits, DEPTH_MOST);
    pcre2_set_heap_limit(patterns->limits, MEMORY_MOST);
    if (read_all(lines, patterns, &local) < 0) {
        if (error)
            *error = local;
        return NULL;
    }
    return TAKE(patterns);
}

static bool fits(struct access_patterns *patterns, const struct rule *rule, struct text subject)
{
    int found =
        pcre2_match(rule->code, (PCRE2_SPTR)subject.bytes, subject.length, 0, 0, patterns->match, patterns->limits);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
        patterns->given_up++;
        return false; /* negated or not: what cannot be decided is not held against anyone */
    }
    return (found >= 0) != rule->negated;
}

/* The action's text with $1, ${1} and $(1) filled in from the subject, $$ as $. */
static void fill_in(struct access_patterns *patterns, const struct rule *rule, struct text subject,
                    char result[ACCESS_TEXT])
{
    size_t length = 0;
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(patterns->match);
    uint32_t groups = rule->negated ? 0 : pcre2_get_ovector_count(patterns->match);
    for (const char *at = rule->text ? rule->text : ""; *at && length + 1 < ACCESS_TEXT; at++) {
        if (*at != '$' || at[1] == '$') {
            result[length++] = *at;
            at += *at == '$';
            continue;
        }
        char close = at[1] == '{' ? '}' : at[1] == '(' ? ')' : '\0';
        const char *digit = at + (close ? 2 : 1);
        if (*digit < '1' || *digit > '9' || (close && digit[1] != close)) {
            result[length++] = *at;
            continue;
        }
        uint32_t group = (uint32_t)(*digit - '0');
        at = digit + (close ? 1 : 0);
        if (group >= groups || ends[2 * group] == PCRE2_UNSET || ends[2 * group] > ends[2 * group + 1])
            continue;
        for (size_t i = ends[2 * group]; i < ends[2 * group + 1] && length + 1 < ACCESS_TEXT; i++)
            result[length++] = subject.bytes[i];
    }
    result[length] = '\0';
}

bool access_patterns_find(struct access_patterns *patterns, struct text subject, struct access_answer *result)
{
    for (uint32_t i = 0; i < patterns->count; i++) {
        const struct rule *rule = &patterns->rules[i];
        if (rule->kind == RULE_ENDIF)
            continue;
        bool does_fit = fits(patterns, rule, subject);
        if (rule->kind == RULE_IF) {
            if (!does_fit)
                i = rule->skip;
            continue;
        }
        if (!does_fit)
            continue;
        *result = (struct access_answer){.action = rule->action, .points = rule->points};
        fill_in(patterns, rule, subject, result->text);
        return true;
    }
    return false;
}

uint32_t access_patterns_count(const struct access_patterns *patterns)
{
    return patterns->count;
}

uint64_t access_patterns_given_up(const struct access_patterns *patterns)
{
    return patterns->given_up;
}
