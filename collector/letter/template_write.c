/* See template.h: from a template and facts to the words of a letter. */
#include "collector/letter/plain.h"
#include "collector/letter/template_own.h"
#include "common/cleanup.h"

#define LINE_MOST ((size_t)16 * 1024) /* bytes of a line before it is broken */

struct writing {
    const struct template *template, *other;
    const struct letter_facts *facts;
    size_t at[LISTS]; /* the row in hand */
    struct buffer *result;
    bool is_subject, is_apart; /* is_apart: an empty line is wanted before what comes */
};

static struct text word_of(const struct writing *writing, struct text name)
{
    for (size_t i = 0; letter_words[i]; i++) {
        if (!text_equals(name, text_of(letter_words[i])))
            continue;
        if (writing->template->words[i].length)
            return writing->template->words[i];
        return writing->other && writing->other->words[i].length ? writing->other->words[i] : name;
    }
    return name;
}

static struct text value_of(const struct writing *writing, enum letter_value value)
{
    enum letter_list list = letter_values[value].list;
    if (list == LIST_NONE)
        return writing->facts->values[value];
    if (writing->at[list] >= writing->facts->lists[list].count)
        return TEXT("");
    enum letter_value first = value;
    while (first > 0 && letter_values[first - 1].list == list)
        first--;
    return writing->facts->lists[list].rows[writing->at[list]].values[value - first];
}

/* Of a value only so much, in whole characters. */
static bool put_value(struct writing *writing, enum letter_value value, struct buffer *line)
{
    CLEANUP(buffer_clear) struct buffer plain;
    struct text text = value_of(writing, value);
    bool is_word = letter_values[value].is_word;
    if (is_word)
        text = word_of(writing, text);
    size_t most = is_word || value == VALUE_NOTE ? LINE_MOST / 4 : TEMPLATE_VALUE;
    buffer_init(&plain, 3 * LINE_MOST);
    if (text.length > most) {
        text.length = most;
        while (text.length > 0 && ((unsigned char)text.bytes[text.length] & 0xc0) == 0x80)
            text.length--;
    }
    return plain_line(text, &plain) && buffer_append(line, buffer_text(&plain));
}

/* --- lines --- */

static size_t columns_of(struct text text)
{
    size_t columns = 0;
    for (size_t i = 0; i < text.length; i++)
        columns += ((unsigned char)text.bytes[i] & 0xc0) != 0x80;
    return columns;
}

/* What goes on stands below what began: behind the blanks, and the "- " of a list. */
static size_t indent_of(struct text line)
{
    size_t indent = 0;
    while (indent < line.length && line.bytes[indent] == ' ')
        indent++;
    bool is_item = indent + 1 < line.length && strchr("-*", line.bytes[indent]) && line.bytes[indent + 1] == ' ';
    indent += is_item ? 2 : 0;
    return indent < TEMPLATE_WIDTH / 2 ? indent : 0;
}

static bool put_broken(struct text line, struct buffer *result)
{
    size_t indent = indent_of(line), column = indent;
    bool is_whole = buffer_append(result, (struct text){line.bytes, indent});
    struct text rest = {line.bytes + indent, line.length - indent};
    for (bool is_first = true; rest.length > 0 && is_whole; is_first = false) {
        struct text word = text_split(&rest, ' ');
        size_t width = columns_of(word);
        bool is_next_line = !is_first && column > indent && column + 1 + width > TEMPLATE_WIDTH;
        if (is_next_line)
            is_whole = buffer_printf(result, "\n%*s", (int)indent, "");
        else if (!is_first)
            is_whole = buffer_append_byte(result, ' ');
        is_whole = is_whole && buffer_append(result, word);
        column = is_next_line ? indent + width : column + width + !is_first;
    }
    return is_whole;
}

/* One empty line between two paragraphs, however many the template's conditions leave, and none at the beginning. */
static bool put_line(struct writing *writing, struct text line)
{
    struct buffer *result = writing->result;
    while (line.length > 0 && strchr(" \t", line.bytes[line.length - 1]))
        line.length--;
    if (writing->is_subject)
        return buffer_append_byte(result, ' ') && buffer_append(result, line);
    if (line.length == 0) {
        writing->is_apart = true;
        return true;
    }
    bool is_apart = writing->is_apart && result->length > 0;
    writing->is_apart = false;
    return (!is_apart || buffer_append_byte(result, '\n')) && put_broken(line, result) &&
           buffer_append_byte(result, '\n');
}

static bool write_line(struct writing *writing, struct text rest)
{
    CLEANUP(buffer_clear) struct buffer line;
    struct text piece;
    bool is_name, is_whole = true;
    buffer_init(&line, 4 * LINE_MOST);
    while (is_whole && template_piece(&rest, &piece, &is_name))
        is_whole = is_name ? put_value(writing, template_value(piece), &line) : buffer_append(&line, piece);
    return is_whole && put_line(writing, buffer_text(&line));
}

/* --- the way through --- */

static bool is_so(const struct writing *writing, const struct step *step)
{
    bool is_there = step->what >= VALUES ? writing->facts->lists[step->what - VALUES].count > 0
                                         : value_of(writing, step->what).length > 0;
    return is_there != step->is_not;
}

static bool write_region(struct writing *writing, struct region region)
{
    bool is_whole = true;
    for (unsigned i = region.begin; i < region.end && is_whole;) {
        const struct step *step = &writing->template->steps[i++];
        switch (step->kind) {
        case STEP_LINE:
            is_whole = write_line(writing, step->line);
            break;
        case STEP_IF:
            i = is_so(writing, step) ? i : step->jump;
            break;
        case STEP_ELSE:
            i = step->jump;
            break;
        case STEP_EACH:
            writing->at[step->what] = 0;
            i = writing->facts->lists[step->what].count > 0 ? i : step->jump;
            break;
        case STEP_AGAIN:
            if (++writing->at[step->what] < writing->facts->lists[step->what].count)
                i = step->jump;
            break;
        }
    }
    return is_whole;
}

bool template_write(const struct template *template, const struct template *other, const struct letter_facts *facts,
                    struct buffer *subject, struct buffer *text)
{
    CLEANUP(buffer_clear) struct buffer line;
    struct writing writing = {
        .template = template, .other = other, .facts = facts, .result = &line, .is_subject = true};
    buffer_init(&line, LINE_MOST);
    if (!write_region(&writing, template->subject) || !plain_line(buffer_text(&line), subject))
        return false;
    writing.is_subject = false;
    writing.result = text;
    return write_region(&writing, template->text);
}
