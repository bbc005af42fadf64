/* A collector has what nodes told: verdicts, counts of a day and what happened. Thresholds, and what is held against a
 * sender at this moment, its node knows alone. */
#include "cli/explain_fleet.h"

#include <stdio.h>
#include <string.h>

#include "cli/columns.h"

static void show_place(const json_t *place, bool colour)
{
    const char *verdict = field_text(place, "verdict");
    char text[CLOCK_TEXT], bytes[16];
    paint_begin(colour, verdict_colour(verdict) ? verdict_colour(verdict) : 32);
    printf("On %s %s %s.", field_text(place, "node_name"), field_text(place, "sender"), verdict_sentence(verdict));
    paint_end(colour, verdict_colour(verdict) ? verdict_colour(verdict) : 32);
    printf("\n  Since %s", clock_print(field_moment(place, "verdict_since"), text));
    printf(", with %.1f points then", field_number(place, "score"));
    if (*field_text(place, "customer"))
        printf("; the customer is %s", field_text(place, "customer"));
    printf(".\n  In the last day, the last time %s:\n", clock_print(field_moment(place, "last_seen"), text));
    printf("  %lld connections, %lld messages accepted, %lld refused, %lld recipients, %s bytes\n",
           (long long)field_integer(place, "connections"), (long long)field_integer(place, "messages"),
           (long long)field_integer(place, "messages_rejected"), (long long)field_integer(place, "recipients"),
           amount_print((uint64_t)field_integer(place, "bytes"), bytes));
}

void explain_fleet(const json_t *places, bool colour)
{
    size_t i;
    json_t *place;
    json_array_foreach(places, i, place) show_place(place, colour);
}

void explain_fleet_remedy(const json_t *places)
{
    const json_t *held = NULL;
    size_t i, count = 0;
    json_t *place;
    json_array_foreach(places, i, place)
    {
        if (strcmp(field_text(place, "verdict"), "clear") == 0)
            continue;
        held = place;
        count++;
    }
    if (!held)
        return;
    const char *name = field_text(held, "sender");
    const char *node = count == 1 ? field_text(held, "node") : "";
    const char *where = count == 1 ? "--node " : "--everywhere";
    printf("\nWhat lifts it: points fade by themselves; its node says when: postern explain %s, there.\n", name);
    printf("  At once, and kept on record:  postern release %s %s%s --reason \"...\"\n", name, where, node);
    printf("  Never stop it again for a week:  postern allow %s %s%s --for 7d --reason \"...\"\n", name, where, node);
}
