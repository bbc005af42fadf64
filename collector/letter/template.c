/* See template.h: the reading. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "collector/letter/template_own.h"
#include "common/cleanup.h"

#define STEPS_MOST 4000
#define LINE_MOST  1000 /* bytes */

enum place { PLACE_BEFORE, PLACE_SUBJECT, PLACE_TEXT, PLACE_WORD };

struct open { /* what an @end is wanted for */
    unsigned step, number;
    unsigned otherwise; /* its STEP_ELSE; 0: none */
    enum letter_list list;
};
struct reading {
    struct template *template;
    const char *name;
    unsigned number; /* of the line */
    enum place place;
    size_t word; /* of letter_words, in PLACE_WORD */
    struct open open[TEMPLATE_DEPTH];
    unsigned depth;
    bool has_subject, has_text;
    struct error *error;
};

static int refuse(struct reading *reading, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct reading *reading, const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_set(reading->error, EINVAL, "%s:%u: %s", reading->name, reading->number, text);
}

static int refuse_name(struct reading *reading, const char *what, struct text name, const char *allowed)
{
    char shown[40];
    text_copy_printable(name, shown, sizeof shown);
    return refuse(reading, "%s \"%s\": there is none; %s", what, shown, allowed);
}

/* --- lines --- */

bool template_piece(struct text *rest, struct text *piece, bool *is_name)
{
    const char *brace = rest->length ? memchr(rest->bytes, '{', rest->length) : NULL;
    if (rest->length == 0)
        return false;
    *is_name = brace == rest->bytes && !(rest->length > 1 && brace[1] == '{');
    if (*is_name) {
        const char *end = memchr(brace, '}', rest->length);
        *piece = end ? (struct text){brace + 1, (size_t)(end - brace) - 1} : TEXT("");
        size_t taken = end ? piece->length + 2 : rest->length;
        *rest = (struct text){rest->bytes + taken, rest->length - taken};
        return true;
    }
    size_t taken = brace == rest->bytes ? 2 : brace ? (size_t)(brace - rest->bytes) : rest->length;
    *piece = (struct text){rest->bytes, brace == rest->bytes ? 1 : taken};
    *rest = (struct text){rest->bytes + taken, rest->length - taken};
    return true;
}

enum letter_value template_value(struct text name)
{
    enum letter_value value = 0;
    while (value < VALUES && !text_equals(name, text_of(letter_values[value].name)))
        value++;
    return value;
}

static enum letter_list list_of(struct text name)
{
    enum letter_list list = LIST_NONE + 1;
    while (list < LISTS && !text_equals(name, text_of(letter_list_name(list))))
        list++;
    return list;
}

static bool is_within(const struct reading *reading, enum letter_list list)
{
    bool is_there = list == LIST_NONE;
    for (unsigned i = 0; i < reading->depth && !is_there; i++)
        is_there = reading->open[i].list == list;
    return is_there;
}

static int check_value(struct reading *reading, struct text name, enum letter_value *result)
{
    enum letter_value value = template_value(name);
    if (value == VALUES)
        return refuse_name(reading, "the name", name, "docs/letters.md has those that are allowed");
    if (!is_within(reading, letter_values[value].list))
        return refuse(reading, "{%s} is allowed only between @each %s and its @end", letter_values[value].name,
                      letter_list_name(letter_values[value].list));
    *result = value;
    return 0;
}

static int check_line(struct reading *reading, struct text line)
{
    struct text piece;
    enum letter_value value;
    bool is_name;
    for (size_t i = 0, length; i < line.length; i += length) {
        length = text_utf8_sequence((struct text){line.bytes + i, line.length - i});
        if (length == 0 || ((unsigned char)line.bytes[i] < 32 && line.bytes[i] != '\t'))
            return refuse(reading, "byte %zu is no text; UTF-8 without control characters is allowed", i + 1);
    }
    while (template_piece(&line, &piece, &is_name)) {
        if (is_name && piece.length == 0)
            return refuse(reading, "a { without a name and a } behind it; for the sign itself write {{");
        if (is_name && check_value(reading, piece, &value) < 0)
            return -EINVAL;
    }
    return 0;
}

static int add_step(struct reading *reading, struct step step)
{
    struct template *template = reading->template;
    if (template->count == STEPS_MOST)
        return refuse(reading, "too many lines; %d are allowed", STEPS_MOST);
    if (template->count == template->room) {
        unsigned room = template->room ? 2 * template->room : 64;
        struct step *grown = realloc(template->steps, room * sizeof *grown);
        if (grown == NULL)
            return error_set(reading->error, ENOMEM, "no memory for a template");
        template->steps = grown;
        template->room = room;
    }
    template->steps[template->count++] = step;
    return 0;
}

/* --- what stands behind an @ --- */

static int end_place(struct reading *reading)
{
    struct template *template = reading->template;
    if (reading->depth > 0)
        return refuse(reading, "what begins in line %u has no @end before this",
                      reading->open[reading->depth - 1].number);
    if (reading->place == PLACE_SUBJECT)
        template->subject.end = template->count;
    if (reading->place == PLACE_TEXT)
        template->text.end = template->count;
    return 0;
}

static int take_place(struct reading *reading, enum place place, struct text name)
{
    struct template *template = reading->template;
    bool *has = place == PLACE_SUBJECT ? &reading->has_subject : &reading->has_text;
    if (end_place(reading) < 0)
        return -EINVAL;
    reading->place = place;
    if (place == PLACE_WORD) {
        for (reading->word = 0; letter_words[reading->word]; reading->word++)
            if (text_equals(name, text_of(letter_words[reading->word])))
                break;
        if (letter_words[reading->word] == NULL)
            return refuse_name(reading, "@word", name, "docs/letters.md has those that are allowed");
        return template->words[reading->word].length
                   ? refuse(reading, "@word %s is there twice; once is allowed", letter_words[reading->word])
                   : 0;
    }
    if (*has)
        return refuse(reading, "it is there twice; once is allowed");
    *has = true;
    *(place == PLACE_SUBJECT ? &template->subject : &template->text) = (struct region){template->count, 0};
    return 0;
}

static int take_open(struct reading *reading, struct step step, enum letter_list list)
{
    if (reading->place != PLACE_SUBJECT && reading->place != PLACE_TEXT)
        return refuse(reading, "it is allowed behind @subject and @text");
    if (reading->depth == TEMPLATE_DEPTH)
        return refuse(reading, "too many inside of each other; %d are allowed", TEMPLATE_DEPTH);
    reading->open[reading->depth++] =
        (struct open){.step = reading->template->count, .number = reading->number, .list = list};
    return add_step(reading, step);
}

static int take_if(struct reading *reading, struct text rest)
{
    struct text name = text_trim(rest);
    bool is_not = text_starts_nocase(name, TEXT("not "));
    enum letter_value value;
    if (is_not)
        name = text_trim((struct text){name.bytes + 4, name.length - 4});
    enum letter_list list = list_of(name);
    if (list < LISTS)
        return take_open(reading, (struct step){.kind = STEP_IF, .what = VALUES + list, .is_not = is_not}, LIST_NONE);
    if (check_value(reading, name, &value) < 0)
        return -EINVAL;
    return take_open(reading, (struct step){.kind = STEP_IF, .what = value, .is_not = is_not}, LIST_NONE);
}

static int take_each(struct reading *reading, struct text rest)
{
    enum letter_list list = list_of(text_trim(rest));
    if (list == LISTS)
        return refuse_name(reading, "@each", text_trim(rest), "held, reason, complaint and listing are allowed");
    if (is_within(reading, list))
        return refuse(reading, "@each %s inside of itself", letter_list_name(list));
    return take_open(reading, (struct step){.kind = STEP_EACH, .what = list}, list);
}

static int take_else(struct reading *reading)
{
    struct open *open = reading->depth ? &reading->open[reading->depth - 1] : NULL;
    if (open == NULL || open->list != LIST_NONE || open->otherwise)
        return refuse(reading, "an @else without an @if before it; one is allowed in each");
    open->otherwise = reading->template->count;
    reading->template->steps[open->step].jump = reading->template->count + 1;
    return add_step(reading, (struct step){.kind = STEP_ELSE});
}

static int take_end(struct reading *reading)
{
    struct template *template = reading->template;
    if (reading->depth == 0)
        return refuse(reading, "an @end without an @if or @each before it");
    const struct open open = reading->open[--reading->depth];
    if (open.list != LIST_NONE) {
        int status = add_step(reading, (struct step){.kind = STEP_AGAIN, .what = open.list, .jump = open.step + 1});
        template->steps[open.step].jump = template->count;
        return status;
    }
    template->steps[open.otherwise ? open.otherwise : open.step].jump = template->count;
    return 0;
}

static int take_directive(struct reading *reading, struct text line)
{
    struct text rest = {line.bytes + 1, line.length - 1}, word = text_split(&rest, ' ');
    word = text_trim(word);
    if (text_equals(word, TEXT("subject")))
        return take_place(reading, PLACE_SUBJECT, rest);
    if (text_equals(word, TEXT("text")))
        return take_place(reading, PLACE_TEXT, rest);
    if (text_equals(word, TEXT("word")))
        return take_place(reading, PLACE_WORD, text_trim(rest));
    if (text_equals(word, TEXT("if")))
        return take_if(reading, rest);
    if (text_equals(word, TEXT("each")))
        return take_each(reading, rest);
    if (text_equals(word, TEXT("else")))
        return take_else(reading);
    if (text_equals(word, TEXT("end")))
        return take_end(reading);
    return refuse_name(reading, "@", word,
                       "subject, text, word, if, else, each and end are allowed, and @@ for the sign itself");
}

/* --- the whole --- */

/* The lines of a word are one piece of the file. */
static int take_word_line(struct reading *reading, struct text line)
{
    struct text *word = &reading->template->words[reading->word];
    if (line.length > 0 && memchr(line.bytes, '{', line.length))
        return refuse(reading, "a { in a word; names are not allowed there");
    if (check_line(reading, line) < 0)
        return -EINVAL;
    if (word->length == 0)
        *word = line;
    else
        word->length = (size_t)(line.bytes + line.length - word->bytes);
    return 0;
}

static int take_line(struct reading *reading, struct text line)
{
    if (line.length > 0 && line.bytes[line.length - 1] == '\r')
        line.length--;
    if (line.length > LINE_MOST)
        return refuse(reading, "the line is too long; %d bytes are allowed", LINE_MOST);
    bool is_sign = line.length > 1 && line.bytes[0] == '@' && line.bytes[1] == '@';
    if (line.length > 0 && line.bytes[0] == '@' && !is_sign)
        return take_directive(reading, line);
    if (is_sign)
        line = (struct text){line.bytes + 1, line.length - 1};
    if (reading->place == PLACE_BEFORE)
        return 0;
    if (reading->place == PLACE_WORD)
        return take_word_line(reading, line);
    return check_line(reading, line) < 0 ? -EINVAL : add_step(reading, (struct step){.kind = STEP_LINE, .line = line});
}

static int read_all(struct reading *reading, struct text rest)
{
    int status = 0;
    if (rest.length >= 3 && memcmp(rest.bytes, "\xef\xbb\xbf", 3) == 0) /* what some editors begin a file with */
        rest = (struct text){rest.bytes + 3, rest.length - 3};
    while (rest.length > 0 && status == 0) {
        reading->number++;
        status = take_line(reading, text_split(&rest, '\n'));
    }
    if (status == 0)
        status = end_place(reading);
    if (status == 0 && !(reading->has_subject && reading->has_text))
        status = refuse(reading, "it has no @%s; one is needed", reading->has_subject ? "text" : "subject");
    return status;
}

int template_read(struct text text, const char *name, struct template **result, struct error *error)
{
    CLEANUP(template_destroy) struct template *template = calloc(1, sizeof *template);
    if (text.length > TEMPLATE_MOST)
        return error_set(error, EINVAL, "%s: it is too long; %zu KB are allowed", name, TEMPLATE_MOST / 1024);
    if (template == NULL || (template->bytes = malloc(text.length + 1)) == NULL)
        return error_set(error, ENOMEM, "no memory for a template");
    memcpy(template->bytes, text.length ? text.bytes : "", text.length);
    struct reading reading = {.template = template, .name = name, .error = error};
    int status = read_all(&reading, (struct text){template->bytes, text.length});
    if (status == 0)
        *result = TAKE(template);
    return status;
}

void template_destroy(struct template **pointer)
{
    struct template *template = TAKE(*pointer);
    if (template == NULL)
        return;
    free(template->steps);
    free(template->bytes);
    free(template);
}

bool template_is_language(struct text language)
{
    bool is_one = language.length >= 2 && language.length < TEMPLATE_LANGUAGE;
    for (size_t i = 0; i < language.length && is_one; i++) {
        char c = language.bytes[i];
        is_one = (c >= 'a' && c <= 'z') || (i >= 2 && (c == '-' || (c >= '0' && c <= '9')));
    }
    return is_one;
}
