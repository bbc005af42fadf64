/* Texts of lists are strangers': a person's terminal gets printable ASCII alone, which also keeps columns straight. */
#include "collector/findings.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MOST 6
#define CELL         512

struct answer *findings_at(const struct findings *findings, size_t subject, uint32_t zone)
{
    return &findings->answers[subject * zones_count(findings->zones) + zone];
}

/* The next zone, from `zone` on, that is spoken of with this subject; NULL: none. */
static const struct zone *next_zone(const struct findings *findings, size_t subject, uint32_t *zone)
{
    for (; *zone < zones_count(findings->zones); (*zone)++) {
        const struct zone *found = zones_at(findings->zones, *zone);
        if (zone_takes(found, findings->subjects[subject].kind) && findings->meant[*zone])
            return found;
    }
    return NULL;
}

struct findings_count findings_count(const struct findings *findings, size_t subject)
{
    struct findings_count result = {0};
    const struct zone *zone;
    for (uint32_t i = 0; (zone = next_zone(findings, subject, &i)) != NULL; i++) {
        enum answer_state state = findings_at(findings, subject, i)->state;
        if (!zone->asked)
            result.unasked++;
        else if (state == ANSWER_LISTED)
            result.listed++;
        else if (state == ANSWER_CLEAN)
            result.clean++;
        else
            result.unknown++;
    }
    return result;
}

/* Why a zone was not asked. */
static void say_unasked(const struct zone *zone, char result[CELL])
{
    if (zone->keyless)
        snprintf(result, CELL, "it needs a key: --key %.*s=FILE", (int)strcspn(zone->name + 1, "}"), zone->name + 1);
    else if (!zone->use && zone->name[0] != '{')
        snprintf(result, CELL, "only if named (--list): %s", zone->terms[0] ? zone->terms : "use = no");
    else
        snprintf(result, CELL, "another list stands for it");
}

static void say_codes(const struct answer *answer, char result[CELL])
{
    size_t length = 0;
    result[0] = '\0';
    for (uint32_t i = 0; i < answer->count && length + ADDRESS_TEXT + 1 < CELL; i++) {
        struct address address = answer_code(answer, i);
        char code[ADDRESS_TEXT];
        length += (size_t)snprintf(result + length, CELL - length, "%s%s", i ? " " : "", address_print(&address, code));
    }
}

/* --- for people --- */

struct table {
    int columns;
    size_t count, room, widths[COLUMNS_MOST];
    char **cells; /* COLUMNS_MOST for each row, owned */
};

static char *make_cell(const char *from)
{
    char *cell = malloc(strlen(from) + 1), *to = cell;
    if (cell == NULL)
        abort();
    for (; *from; from++)
        if (((unsigned char)*from & 0xc0) != 0x80) /* one mark for each character */
            *to++ = *from >= ' ' && *from <= '~' ? *from : '?';
    *to = '\0';
    return cell;
}

static void add_row(struct table *table, const char *const *cells)
{
    if (table->count == table->room) {
        table->room = table->room ? 2 * table->room : 16;
        table->cells = realloc(table->cells, table->room * COLUMNS_MOST * sizeof *table->cells);
        if (table->cells == NULL)
            abort();
    }
    for (int i = 0; i < table->columns; i++) {
        char *cell = make_cell(cells[i]);
        size_t width = strlen(cell);
        table->widths[i] = width > table->widths[i] ? width : table->widths[i];
        table->cells[table->count * COLUMNS_MOST + (size_t)i] = cell;
    }
    table->count++;
}

/* Print it where it has more than its head, and let go of it. */
static void close_table(struct table *table)
{
    for (size_t row = 0; row < table->count; row++) {
        char **cells = &table->cells[row * COLUMNS_MOST];
        int last = table->columns - 1;
        while (last > 0 && cells[last][0] == '\0')
            last--;
        for (int i = 0; i <= last && table->count > 1; i++)
            printf("%-*s%s", i < last ? (int)table->widths[i] : 0, cells[i], i < last ? "  " : "\n");
        for (int i = 0; i < table->columns; i++)
            free(cells[i]);
    }
    if (table->count > 1)
        putchar('\n');
    free(table->cells);
}

static void print_listed(const struct findings *findings)
{
    struct table table = {.columns = 6};
    add_row(&table, (const char *[]){"LISTED", "LIST", "WEIGHT", "MEANS", "HOW TO GET OFF", "THE LIST'S WORDS"});
    for (size_t s = 0; s < findings->count; s++) {
        const struct zone *zone;
        char name[SUBJECT_TEXT], codes[CELL], means[2 * CELL];
        for (uint32_t i = 0; (zone = next_zone(findings, s, &i)) != NULL; i++) {
            const struct answer *answer = findings_at(findings, s, i);
            if (!zone->asked || answer->state != ANSWER_LISTED)
                continue;
            say_codes(answer, codes);
            snprintf(means, sizeof means, "%s (%s)", answer->meaning ? answer->meaning : "", codes);
            add_row(&table, (const char *[]){subject_print(&findings->subjects[s], name), zone->name,
                                             listing_weight_name(answer->weight), means,
                                             zone->link[0] ? zone->link : "-", answer->reason});
        }
    }
    close_table(&table);
}

static void print_unknown(const struct findings *findings)
{
    struct table table = {.columns = 3};
    add_row(&table, (const char *[]){"NOT KNOWN", "LIST", "WHY"});
    for (size_t s = 0; s < findings->count; s++) {
        const struct zone *zone;
        char name[SUBJECT_TEXT], codes[CELL], why[2 * CELL];
        for (uint32_t i = 0; (zone = next_zone(findings, s, &i)) != NULL; i++) {
            const struct answer *answer = findings_at(findings, s, i);
            if (!zone->asked || answer->state != ANSWER_UNKNOWN)
                continue;
            say_codes(answer, codes);
            snprintf(why, sizeof why, "%s%s%s%s", answer_doubt_text(answer->doubt), codes[0] ? " (" : "", codes,
                     codes[0] ? ")" : "");
            add_row(&table, (const char *[]){subject_print(&findings->subjects[s], name), zone->name, why});
        }
    }
    close_table(&table);
}

static void print_unasked(const struct findings *findings)
{
    struct table table = {.columns = 2};
    add_row(&table, (const char *[]){"NOT ASKED", "WHY"});
    for (uint32_t i = 0; i < zones_count(findings->zones); i++) {
        const struct zone *zone = zones_at(findings->zones, i);
        char why[CELL];
        bool takes = false;
        for (size_t s = 0; s < findings->count; s++)
            takes |= zone_takes(zone, findings->subjects[s].kind);
        if (zone->asked || !takes || !findings->meant[i])
            continue;
        say_unasked(zone, why);
        add_row(&table, (const char *[]){zone->name, why});
    }
    close_table(&table);
}

int findings_print(const struct findings *findings)
{
    struct table table = {.columns = 5};
    print_listed(findings);
    print_unknown(findings);
    print_unasked(findings);
    add_row(&table, (const char *[]){"NAME", "LISTED", "CLEAN", "NOT KNOWN", "NOT ASKED"});
    for (size_t s = 0; s < findings->count; s++) {
        const struct findings_count count = findings_count(findings, s);
        const size_t sums[] = {count.listed, count.clean, count.unknown, count.unasked};
        char name[SUBJECT_TEXT], words[4][24];
        for (int i = 0; i < 4; i++)
            snprintf(words[i], sizeof words[i], "%zu", sums[i]);
        add_row(&table,
                (const char *[]){subject_print(&findings->subjects[s], name), words[0], words[1], words[2], words[3]});
    }
    close_table(&table);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}

/* --- for programs --- */

static void set(json_t *object, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0')
        json_object_set_new(object, key, json_string(value));
}

static json_t *make_codes(const struct answer *answer)
{
    json_t *result = json_array();
    for (uint32_t i = 0; i < answer->count; i++) {
        struct address address = answer_code(answer, i);
        char code[ADDRESS_TEXT];
        json_array_append_new(result, json_string(address_print(&address, code)));
    }
    return result;
}

static json_t *make_object(const struct subject *subject, const struct zone *zone, const struct answer *answer)
{
    json_t *object = json_object();
    char name[SUBJECT_TEXT], why[CELL];
    set(object, "name", subject_print(subject, name));
    set(object, "list", zone->name);
    set(object, "title", zone->title);
    set(object, "state", zone->asked ? answer_state_name(answer->state) : "unasked");
    if (!zone->asked) {
        say_unasked(zone, why);
        set(object, "why", why);
        return object;
    }
    if (answer->count > 0)
        json_object_set_new(object, "codes", make_codes(answer));
    if (answer->state == ANSWER_LISTED) {
        set(object, "weight", listing_weight_name(answer->weight));
        set(object, "means", answer->meaning);
        set(object, "reason", answer->reason);
        set(object, "link", zone->link);
    } else if (answer->state == ANSWER_UNKNOWN) {
        set(object, "doubt", answer_doubt_name(answer->doubt));
        set(object, "why", answer_doubt_text(answer->doubt));
    }
    return object;
}

int findings_print_json(const struct findings *findings)
{
    for (size_t s = 0; s < findings->count; s++) {
        const struct zone *zone;
        for (uint32_t i = 0; (zone = next_zone(findings, s, &i)) != NULL; i++) {
            json_t *object = make_object(&findings->subjects[s], zone, findings_at(findings, s, i));
            int status = json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
            json_decref(object);
            if (status < 0 || putchar('\n') == EOF)
                return -1;
        }
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}
