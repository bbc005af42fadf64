/* See held_sentence.h. */
#include "agent/warden/held_sentence.h"

#include <stdio.h>
#include <string.h>

struct part {
    unsigned long long number;
    const char *one, *many;
};

/* "2 ports, 1 MAC and 14 addresses"; what is none is left out. False: nothing is left. */
static bool enumerate(const struct part *parts, size_t count, char *text, size_t size)
{
    size_t named = 0, done = 0, length = 0;
    text[0] = 0;
    for (size_t i = 0; i < count; i++)
        named += parts[i].number > 0;
    for (size_t i = 0; i < count && length < size; i++) {
        if (parts[i].number == 0)
            continue;
        const char *before = done == 0 ? "" : done + 1 == named ? " and " : ", ";
        int written = snprintf(text + length, size - length, "%s%llu %s", before, parts[i].number,
                               parts[i].number == 1 ? parts[i].one : parts[i].many);
        length += written > 0 ? (size_t)written : 0;
        done++;
    }
    return named > 0;
}

static void append(char text[HELD_SENTENCE], const char *more)
{
    size_t length = strlen(text);
    snprintf(text + length, HELD_SENTENCE - length, "%s", more);
}

static void append_uncovered(const struct holdings_sum *sum, char text[HELD_SENTENCE])
{
    const struct part parts[] = {
        {sum->beyond, "address or /64 beyond the bound", "addresses or /64s beyond the bound"},
        {sum->narrow, "IPv6 prefix longer than a /64", "IPv6 prefixes longer than a /64"},
        {sum->refused, "that is this machine's own", "that are this machine's own"},
    };
    char list[HELD_SENTENCE];
    if (!enumerate(parts, sizeof(parts) / sizeof(parts[0]), list, sizeof(list)))
        return;
    append(text, "; not held: ");
    append(text, list);
}

const char *held_sentence(const struct held_report *report, char text[HELD_SENTENCE])
{
    const struct holdings_sum *sum = &report->sum;
    const struct part parts[] = {
        {sum->ports, "port", "ports"},
        {sum->macs, "MAC", "MACs"},
        {sum->users, "user", "users"},
        {sum->addresses, "address", "addresses"},
        {sum->accounts, "line of accounts", "lines of accounts"},
    };
    char list[HELD_SENTENCE];
    if (enumerate(parts, sizeof(parts) / sizeof(parts[0]), list, sizeof(list)))
        snprintf(text, HELD_SENTENCE, "holds %.180s here", list);
    else
        snprintf(text, HELD_SENTENCE, "nobody of that customer is here now; whoever comes is held");
    if (sum->members == 0 && sum->ports == 0)
        append(text, "; the map has no line of it");
    else if (!report->host && sum->ports == 0 && text[0] == 'h')
        append(text, "; none of its guests' ports is open");
    append_uncovered(sum, text);
    if (!report->enforcing)
        append(text, "; enforcement is off");
    return text;
}

const char *released_sentence(bool stood)
{
    return stood ? "released; what was ordered on its members themselves stays" : "no order stood on it";
}
