/* What clients really send is looser than RFC 5321: any case, spaces around the colon, paths without brackets. A server
 * that takes it delivers mail, so it is read here; what no server takes is left to the server's answer. */
#include "agent/packet/smtp_command.h"

enum { SMTP_VERB_MOST = 20 };

static const struct {
    const char *word;
    enum smtp_verb verb;
} verbs[] = {
    {"MAIL", VERB_MAIL},         {"RCPT", VERB_RCPT},      {"DATA", VERB_DATA},     {"EHLO", VERB_EHLO},
    {"HELO", VERB_HELO},         {"QUIT", VERB_QUIT},      {"RSET", VERB_RSET},     {"AUTH", VERB_AUTH},
    {"STARTTLS", VERB_STARTTLS}, {"BDAT", VERB_BDAT},      {"LHLO", VERB_LHLO},     {"NOOP", VERB_OTHER},
    {"VRFY", VERB_OTHER},        {"EXPN", VERB_OTHER},     {"HELP", VERB_OTHER},    {"ETRN", VERB_OTHER},
    {"TURN", VERB_OTHER},        {"XFORWARD", VERB_OTHER}, {"XCLIENT", VERB_OTHER}, {"PROXY", VERB_PROXY},
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct text behind(struct text text, size_t length)
{
    return (struct text){text.bytes + length, text.length - length};
}

static struct text skip_spaces(struct text text)
{
    while (text.length > 0 && is_space(text.bytes[0]))
        text = behind(text, 1);
    return text;
}

static struct text without_spaces_at_end(struct text text)
{
    while (text.length > 0 && is_space(text.bytes[text.length - 1]))
        text.length--;
    return text;
}

/* The word up to a space or the end. */
static struct text next_word(struct text *text)
{
    *text = skip_spaces(*text);
    size_t length = 0;
    while (length < text->length && !is_space(text->bytes[length]))
        length++;
    struct text word = {text->bytes, length};
    *text = skip_spaces(behind(*text, length));
    return word;
}

/* Where a quoted string or a quoted pair at `at` ends. An open quote ends with its own character, so that a stray
 * one cannot swallow the rest. */
static size_t behind_quoted(struct text text, size_t at)
{
    if (text.bytes[at] == '\\')
        return at + 1 < text.length ? at + 2 : at + 1;
    for (size_t i = at + 1; i < text.length; i++) {
        if (text.bytes[i] == '\\')
            i++;
        else if (text.bytes[i] == '"')
            return i + 1;
    }
    return at + 1;
}

static inline size_t behind_character(struct text text, size_t at)
{
    char c = text.bytes[at];
    return c == '\\' || c == '"' ? behind_quoted(text, at) : at + 1;
}

/* "@one,@two:user@there" -> "user@there" (RFC 5321 4.1.1.3: a source route is accepted and ignored). */
static struct text without_route(struct text path)
{
    if (path.length == 0 || path.bytes[0] != '@')
        return path;
    const char *colon = memchr(path.bytes, ':', path.length);
    return colon ? behind(path, (size_t)(colon - path.bytes) + 1) : path;
}

static void path_in_brackets(struct text text, struct text *address, struct text *rest)
{
    /* Hardly any address has a quote, so it ends at the first bracket. */
    const char *bracket = memchr(text.bytes, '>', text.length);
    size_t end = bracket ? (size_t)(bracket - text.bytes) : text.length;
    if (memchr(text.bytes, '"', end) || memchr(text.bytes, '\\', end)) {
        end = 1;
        while (end < text.length && text.bytes[end] != '>')
            end = behind_character(text, end);
    }
    if (end >= text.length) { /* never closed: it ends where an unbracketed one would */
        end = 1;
        while (end < text.length && !is_space(text.bytes[end]))
            end++;
        *rest = behind(text, end);
    } else {
        *rest = behind(text, end + 1);
    }
    *address = without_route(without_spaces_at_end(skip_spaces((struct text){text.bytes + 1, end - 1})));
}

bool smtp_path_parse(struct text text, struct text *address, struct text *rest)
{
    text = skip_spaces(text);
    if (text.length == 0)
        return false;
    size_t end = 0;
    while (end < text.length && !is_space(text.bytes[end]) && text.bytes[end] != '<')
        end = behind_character(text, end);
    if (end > text.length)
        end = text.length;
    /* "Name <user@there>" is no path, but some servers take it. */
    struct text later = skip_spaces(behind(text, end));
    if (later.length > 0 && later.bytes[0] == '<') {
        path_in_brackets(later, address, rest);
    } else {
        *address = without_route((struct text){text.bytes, end});
        *rest = behind(text, end);
    }
    *rest = without_spaces_at_end(skip_spaces(*rest));
    return true;
}

/* "FROM:<...>", "from : ..." */
static bool parse_path_argument(struct text argument, struct text keyword, struct smtp_command *result)
{
    if (!text_starts_nocase(argument, keyword))
        return false;
    struct text text = skip_spaces(behind(argument, keyword.length));
    if (text.length == 0 || text.bytes[0] != ':')
        return false;
    if (!smtp_path_parse(behind(text, 1), &result->address, &result->parameters))
        return false;
    result->plausible = true;
    return true;
}

static bool parse_chunk(struct text argument, struct smtp_command *result)
{
    struct text size = next_word(&argument);
    struct text last = next_word(&argument);
    result->last = text_equals_nocase(last, TEXT("LAST"));
    return (last.length == 0 || result->last) && text_number(size, &result->size);
}

/* Can the argument be what the verb needs? Fills what the verb's own syntax says. */
static bool argument_fits(struct smtp_command *command)
{
    struct text argument = command->argument;
    switch (command->verb) {
    case VERB_MAIL:
        return parse_path_argument(argument, TEXT("FROM"), command);
    case VERB_RCPT:
        return parse_path_argument(argument, TEXT("TO"), command);
    case VERB_HELO:
    case VERB_EHLO:
    case VERB_LHLO:
        command->plausible = argument.length > 0 && !memchr(argument.bytes, ' ', argument.length);
        return true;
    case VERB_DATA:
    case VERB_STARTTLS:
    case VERB_QUIT:
    case VERB_RSET:
        command->plausible = argument.length == 0;
        return argument.length == 0 || command->verb == VERB_QUIT || command->verb == VERB_RSET;
    case VERB_BDAT:
        command->sized = parse_chunk(argument, command);
        command->plausible = command->sized;
        return true;
    case VERB_AUTH:
        command->mechanism = next_word(&command->argument);
        command->plausible =
            command->mechanism.length > 0 && command->mechanism.length <= 20 &&
            (command->argument.length == 0 || !memchr(command->argument.bytes, ' ', command->argument.length));
        return command->mechanism.length > 0;
    case VERB_OTHER: /* "HELP" is a command, "Help me" a line of a letter */
        command->plausible = argument.length == 0;
        return true;
    default:
        return true;
    }
}

static enum smtp_verb verb_of(struct text word)
{
    char first = (char)(word.bytes[0] & ~('a' ^ 'A')); /* a letter, as all of the word */
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (verbs[i].word[0] == first && strncasecmp(verbs[i].word, word.bytes, word.length) == 0 &&
            verbs[i].word[word.length] == 0)
            return verbs[i].verb;
    return VERB_UNKNOWN;
}

struct smtp_command smtp_command_parse(struct text line)
{
    struct smtp_command command = {.verb = VERB_UNKNOWN};
    line = without_spaces_at_end(skip_spaces(line));
    size_t length = 0;
    while (length < line.length && length < SMTP_VERB_MOST && is_letter(line.bytes[length]))
        length++;
    bool word_ends = length == line.length || is_space(line.bytes[length]);
    if (length == 0 || !word_ends)
        return command;
    struct text word = {line.bytes, length};
    command.argument = skip_spaces(behind(line, length));
    command.verb = verb_of(word);
    if (command.verb == VERB_UNKNOWN) {
        /* A word that we do not know, alone or in capitals, may be an extension; prose in lower case is none. */
        if (length >= 4 && word.bytes[0] >= 'A' && word.bytes[0] <= 'Z' && word.bytes[1] <= 'Z')
            command.verb = VERB_OTHER;
        return command;
    }
    if (!argument_fits(&command))
        command.verb = VERB_OTHER;
    return command;
}
