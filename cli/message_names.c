/* See message_names.h. */
#include "cli/message_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MOST 512

bool message_name_read(const char *word, char result[MESSAGE_NAME])
{
    const char *slash = strrchr(word, '/'), *name = slash ? slash + 1 : word;
    if (strlen(name) != MESSAGE_NAME - 1 || name[9] != '.')
        return false;
    for (size_t i = 0; i < MESSAGE_NAME; i++) {
        char letter = name[i] >= 'a' && name[i] <= 'f' ? (char)(name[i] - 'a' + 'A') : name[i];
        if (i != 9 && letter && !strchr("0123456789ABCDEF", letter))
            return false;
        result[i] = letter;
    }
    return true;
}

static bool add(const char *verb, const char *word, struct message_names *names)
{
    if (names->count == names->room) {
        size_t room = names->room ? names->room * 2 : 16;
        char(*items)[MESSAGE_NAME] = realloc(names->items, room * sizeof *items);
        if (!items) {
            fprintf(stderr, "postern: out of memory\n");
            return false;
        }
        names->items = items;
        names->room = room;
    }
    if (!message_name_read(word, names->items[names->count])) {
        fprintf(stderr, "postern %s: '%.100s' names no message; `postern quarantine list` has them\n", verb, word);
        return false;
    }
    names->count++;
    return true;
}

static bool read_lines(const char *verb, struct message_names *names)
{
    char line[LINE_MOST];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, " \t\r\n")] = '\0';
        if (line[0] && !add(verb, line, names))
            return false;
    }
    return true;
}

bool message_names_read(const char *verb, const char *const *words, int count, struct message_names *result)
{
    bool good = true;
    *result = (struct message_names){0};
    for (int i = 0; i < count && good; i++)
        good = strcmp(words[i], "-") == 0 ? read_lines(verb, result) : add(verb, words[i], result);
    return good;
}

void message_names_free(struct message_names *names)
{
    free(names->items);
    *names = (struct message_names){0};
}
