/* Reading values: ranges with units, words of a list, words with a number or a text behind them. */
#include "tests/lab/scenario_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
    NUMBER,  /* "3" or "3..8" */
    SHARE,   /* "2%" or "2..5%" */
    LENGTH,  /* "90s", "5m..2h" */
    RATE,    /* "2/s", "20..40/h", "10/d" */
    WORD,    /* one of the list */
    COUNTED, /* one of the list, and behind it a number or a text */
    FLAG,
    HOURS, /* "8..18", also "22..6" */
    PORT
};

struct key {
    const char *name;
    enum kind kind;
    size_t offset;
    const char *words;   /* of WORD and COUNTED, in the order of the enumeration */
    size_t count_offset; /* of COUNTED: where a number goes */
    size_t text_offset;  /* and a text, for the last word of the list */
};

static const struct key scenario_keys[] = {
    {.name = "label", .kind = WORD, .offset = offsetof(struct lab_scenario, label), .words = "honest abuser trick"},
    {.name = "length", .kind = LENGTH, .offset = offsetof(struct lab_scenario, length)},
    {.name = "seen", .kind = FLAG, .offset = offsetof(struct lab_scenario, by_address), .words = "port address"},
    {.name = "customers", .kind = FLAG, .offset = offsetof(struct lab_scenario, one_customer), .words = "unknown one"},
    {.name = "begins", .kind = FLAG, .offset = offsetof(struct lab_scenario, any_hour), .words = "midnight anytime"},
    {.name = "neighbours", .kind = NUMBER, .offset = offsetof(struct lab_scenario, neighbours)},
    {.name = NULL}};

static const struct key actor_keys[] = {
    {.name = "count", .kind = NUMBER, .offset = offsetof(struct lab_actor, count)},
    {.name = "address", .kind = WORD, .offset = offsetof(struct lab_actor, address), .words = "v4 v4x16 v6 v6/64"},
    {.name = "bound", .kind = WORD, .offset = offsetof(struct lab_actor, bound), .words = "other burst slow"},
    {.name = NULL}};

#define AT(member) offsetof(struct lab_flow, member)
static const struct key flow_keys[] = {
    {.name = "label", .kind = WORD, .offset = AT(label), .words = "honest abuser"},
    {.name = "begin", .kind = LENGTH, .offset = AT(begin)},
    {.name = "length", .kind = LENGTH, .offset = AT(length)},
    {.name = "rate", .kind = RATE, .offset = AT(rate)},
    {.name = "pace", .kind = WORD, .offset = AT(pace), .words = "poisson steady"},
    {.name = "connections", .kind = NUMBER, .offset = AT(connections)},
    {.name = "messages", .kind = NUMBER, .offset = AT(messages)},
    {.name = "volley", .kind = NUMBER, .offset = AT(volley)},
    {.name = "gap", .kind = LENGTH, .offset = AT(gap)},
    {.name = "hours", .kind = HOURS, .offset = AT(hours)},
    {.name = "weekdays", .kind = NUMBER, .offset = AT(weekdays)},
    {.name = "per_connection", .kind = NUMBER, .offset = AT(per_connection)},
    {.name = "recipients", .kind = NUMBER, .offset = AT(recipients)},
    {.name = "port", .kind = PORT, .offset = AT(port)},
    {.name = "tls", .kind = WORD, .offset = AT(tls), .words = "none starttls implicit"},
    {.name = "tls_share", .kind = SHARE, .offset = AT(tls_share)},
    {.name = "auth", .kind = WORD, .offset = AT(auth), .words = "none ok fail"},
    {.name = "tries", .kind = NUMBER, .offset = AT(tries)},
    {.name = "helo",
     .kind = COUNTED,
     .offset = AT(helo),
     .words = "own localhost literal random recipient bare rotate text",
     .count_offset = AT(helo_count),
     .text_offset = AT(helo_text)},
    {.name = "from",
     .kind = COUNTED,
     .offset = AT(from),
     .words = "own verp foreign null random text",
     .count_offset = AT(from_count),
     .text_offset = AT(from_text)},
    {.name = "to",
     .kind = COUNTED,
     .offset = AT(to),
     .words = "list dictionary new text",
     .count_offset = AT(list),
     .text_offset = AT(to_text)},
    {.name = "domains", .kind = NUMBER, .offset = AT(domains)},
    {.name = "big", .kind = SHARE, .offset = AT(big)},
    {.name = "once", .kind = FLAG, .offset = AT(once), .words = "no yes"},
    {.name = "servers", .kind = NUMBER, .offset = AT(servers)},
    {.name = "unknown", .kind = SHARE, .offset = AT(unknown)},
    {.name = "policy", .kind = SHARE, .offset = AT(policy)},
    {.name = "greylist", .kind = SHARE, .offset = AT(greylist)},
    {.name = "full", .kind = SHARE, .offset = AT(full)},
    {.name = "refused", .kind = SHARE, .offset = AT(refused)},
    {.name = "connect_refused", .kind = SHARE, .offset = AT(connect_refused)},
    {.name = "unanswered", .kind = SHARE, .offset = AT(unanswered)},
    {.name = "retry", .kind = LENGTH, .offset = AT(retry)},
    {.name = "greylisted", .kind = LENGTH, .offset = AT(greylisted)},
    {.name = "body", .kind = WORD, .offset = AT(body), .words = "personal template identical bounce padded report"},
    {.name = "size", .kind = NUMBER, .offset = AT(size)},
    {.name = "quit", .kind = SHARE, .offset = AT(quit)},
    {.name = "early", .kind = FLAG, .offset = AT(early), .words = "no yes"},
    {.name = "pipelining", .kind = WORD, .offset = AT(pipelining), .words = "yes no unasked"},
    {.name = "trick",
     .kind = WORD,
     .offset = AT(trick),
     .words = "none other_content overlap forged low_ttl_reset half_open slow_reply long_line many_recipients "
              "frame_neighbour"},
    {.name = NULL}};
#undef AT

/* --- presets --- */

void lab_scenario_preset(struct lab_scenario *scenario)
{
    *scenario = (struct lab_scenario){.length = DAY, .neighbours = {3, 8}};
}

void lab_actor_preset(struct lab_actor *actor)
{
    *actor = (struct lab_actor){.count = {1, 1}};
}

void lab_flow_preset(struct lab_flow *flow, enum lab_label of_scenario)
{
    *flow = (struct lab_flow){.label = of_scenario == LAB_HONEST ? LAB_HONEST : LAB_ABUSER,
                              .weekdays = {1, 7},
                              .volley = {1, 1},
                              .gap = {2e8, 1e9},
                              .per_connection = {1, 1},
                              .recipients = {1, 1},
                              .port = 25,
                              .tls_share = {1, 1},
                              .tries = {1, 1},
                              .helo_count = {1, 1},
                              .from_count = {1, 1},
                              .list = {100, 100},
                              .domains = {20, 20},
                              .once = true,
                              .greylisted = {(double)(5 * MINUTE), (double)(5 * MINUTE)},
                              .body = LAB_PERSONAL,
                              .size = {400, 3000},
                              .quit = {1, 1}};
}

/* --- values --- */

/* Digits, and a fraction where a digit follows the dot; `text` is left behind them. */
static bool read_number(const char **text, double *result)
{
    const char *at = *text;
    double place = 1;
    *result = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        *result = *result * 10 + (*at - '0');
    if (at == *text)
        return false;
    if (at[0] == '.' && at[1] >= '0' && at[1] <= '9')
        for (at++; *at >= '0' && *at <= '9'; at++)
            *result += (*at - '0') * (place /= 10);
    *text = at;
    return true;
}

struct unit {
    const char *name;
    double factor;
};

static bool read_unit(const char **text, const struct unit *units, double *factor)
{
    for (const struct unit *unit = units; unit->name != NULL; unit++) {
        size_t length = strlen(unit->name);
        if (strncmp(*text, unit->name, length) == 0 && ((*text)[length] == '\0' || (*text)[length] == '.')) {
            *text += length;
            *factor = unit->factor;
            return true;
        }
    }
    return false;
}

/* "a", "a..b" with the unit behind the last or behind each. */
static bool read_range(const char *text, const struct unit *units, bool ordered, struct lab_range *result)
{
    double least, most, first = 0, second = 0;
    if (!read_number(&text, &least))
        return false;
    bool has_first = read_unit(&text, units, &first);
    if (*text == '\0' && has_first) {
        *result = (struct lab_range){least * first, least * first};
        return true;
    }
    if (strncmp(text, "..", 2) != 0)
        return false;
    text += 2;
    if (!read_number(&text, &most) || !read_unit(&text, units, &second) || *text != '\0')
        return false;
    *result = (struct lab_range){least * (has_first && first > 0 && units[0].name[0] ? first : second), most * second};
    return !ordered || result->least <= result->most;
}

static const struct unit plain[] = {{"", 1}, {NULL, 0}};
static const struct unit percent[] = {{"%", 0.01}, {NULL, 0}};
static const struct unit lengths[] = {{"s", 1e9},     {"m", 60e9},     {"h", 3600e9},
                                      {"d", 86400e9}, {"w", 604800e9}, {NULL, 0}};
static const struct unit rates[] = {{"/s", 1}, {"/m", 1 / 60.0}, {"/h", 1 / 3600.0}, {"/d", 1 / 86400.0}, {NULL, 0}};

/* Which word of the list stands first in `text`; -1: none. `rest` is what stands behind it and a space. */
static int find_word(const char *words, const char *text, const char **rest)
{
    size_t length = strcspn(text, " ");
    *rest = text + length + strspn(text + length, " ");
    for (int number = 0; *words != '\0'; number++) {
        size_t word = strcspn(words, " ");
        if (word == length && strncmp(words, text, word) == 0)
            return number;
        words += word + strspn(words + word, " ");
    }
    return -1;
}

static bool is_last(const char *words, int number)
{
    for (; *words != '\0'; words++)
        number -= *words == ' ';
    return number == 0;
}

static bool set_counted(const struct key *key, char *base, const char *value)
{
    const char *rest;
    int number = find_word(key->words, value, &rest);
    if (number < 0)
        return false;
    *(int *)(base + key->offset) = number;
    if (is_last(key->words, number)) {
        if (*rest == '\0' || strlen(rest) >= LAB_TEXT)
            return false;
        strcpy(base + key->text_offset, rest);
        return true;
    }
    return *rest == '\0' || read_range(rest, plain, true, (struct lab_range *)(base + key->count_offset));
}

static bool set_one(const struct key *key, char *base, const char *value)
{
    struct lab_range range;
    const char *rest;
    int number;
    switch (key->kind) {
    case NUMBER:
        return read_range(value, plain, true, (struct lab_range *)(base + key->offset));
    case HOURS:
        return read_range(value, plain, false, (struct lab_range *)(base + key->offset));
    case RATE:
        return read_range(value, rates, true, (struct lab_range *)(base + key->offset));
    case PORT:
        number = atoi(value);
        *(unsigned *)(base + key->offset) = (unsigned)number;
        return number == 25 || number == 465 || number == 587 || number == 2525;
    case FLAG:
        number = find_word(key->words, value, &rest);
        *(bool *)(base + key->offset) = number == 1;
        return number >= 0 && *rest == '\0';
    case WORD:
        number = find_word(key->words, value, &rest);
        *(int *)(base + key->offset) = number;
        return number >= 0 && *rest == '\0';
    case COUNTED:
        return set_counted(key, base, value);
    case SHARE:
    case LENGTH:
        break;
    }
    if (!read_range(value, key->kind == SHARE ? percent : lengths, true, &range) ||
        (key->kind == SHARE && range.most > 1))
        return false;
    memcpy(base + key->offset, &range, sizeof range);
    return true;
}

static void say_allowed(const struct key *key, const char *value, char *why, size_t size)
{
    static const char *const allowed[] = {[NUMBER] = "a number such as 3 or 3..8",
                                          [SHARE] = "a share such as 2% or 2..5%, at most 100%",
                                          [LENGTH] = "a time such as 90s or 5m..2h; s, m, h, d, w",
                                          [RATE] = "a rate such as 2/s or 20..40/h; /s, /m, /h, /d",
                                          [WORD] = "one of: ",
                                          [FLAG] = "one of: ",
                                          [HOURS] = "hours of the day such as 8..18",
                                          [COUNTED] = "one of these, a number or text behind it: ",
                                          [PORT] = "25, 465, 587 or 2525"};
    snprintf(why, size, "%s: \"%.40s\" is not allowed; %s%s", key->name, value, allowed[key->kind],
             key->words ? key->words : "");
}

static void say_keys(const struct key *keys, const char *name, char *why, size_t size)
{
    int used = snprintf(why, size, "no key \"%.30s\" here; there are:", name);
    for (; keys->name != NULL && used > 0 && (size_t)used < size; keys++)
        used += snprintf(why + used, size - (size_t)used, " %s", keys->name);
}

static bool set(const struct key *keys, void *base, const char *name, const char *value, char *why, size_t size)
{
    for (const struct key *key = keys; key->name != NULL; key++) {
        if (strcmp(key->name, name) != 0)
            continue;
        if (set_one(key, base, value))
            return true;
        say_allowed(key, value, why, size);
        return false;
    }
    say_keys(keys, name, why, size);
    return false;
}

bool lab_set_actor(struct lab_actor *actor, const char *key, const char *value, char *why, size_t size)
{
    return set(actor_keys, actor, key, value, why, size);
}

bool lab_set_flow(struct lab_flow *flow, const char *key, const char *value, char *why, size_t size)
{
    return set(flow_keys, flow, key, value, why, size);
}

/* Its length is one time, not a range. */
bool lab_set_scenario(struct lab_scenario *scenario, const char *key, const char *value, char *why, size_t size)
{
    struct lab_range range;
    if (strcmp(key, "length") == 0 && read_range(value, lengths, true, &range) && range.least == range.most) {
        scenario->length = (duration)range.least;
        return true;
    }
    if (strcmp(key, "length") == 0) {
        say_allowed(&scenario_keys[1], value, why, size);
        return false;
    }
    return set(scenario_keys, scenario, key, value, why, size);
}
