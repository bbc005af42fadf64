/* rspamd's JSON, read. */
#include "collector/filter/rspamd.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include "common/cleanup.h"

#define SYMBOLS_MOST 1024

static void release(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

static int32_t hundredths(double value)
{
    double most = OPINION_SCORE_MOST;
    value = round(value * 100);
    return (int32_t)(value > most ? most : value < -most ? -most : value);
}

static int refuse(const struct filter_settings *settings, const char *what, struct error *error)
{
    return error_set(error, EBADMSG, "%s: no answer of rspamd's: %s", settings->address, what);
}

static struct text text_in(json_t *json, const char *key)
{
    json_t *value = json_object_get(json, key);
    return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)}
                                 : (struct text){"", 0};
}

/* --- symbols --- */

struct symbol {
    const char *name;
    double weight;
};

static int weightier_first(const void *a, const void *b)
{
    const struct symbol *one = a, *other = b;
    double difference = fabs(other->weight) - fabs(one->weight);
    return difference > 0 ? 1 : difference < 0 ? -1 : strcmp(one->name, other->name);
}

static int add_symbols(const struct filter_settings *settings, json_t *symbols, struct opinion *result,
                       struct error *error)
{
    size_t count = 0, most = json_object_size(symbols);
    const char *name;
    json_t *value;
    if (most > SYMBOLS_MOST)
        return refuse(settings, "more symbols than there can be", error);
    struct symbol *found = calloc(most + 1, sizeof *found);
    if (found == NULL)
        return error_set(error, ENOMEM, "no memory for symbols");
    json_object_foreach(symbols, name, value)
    {
        found[count++] = (struct symbol){name, json_number_value(json_object_get(value, "score"))};
    }
    qsort(found, count, sizeof *found, weightier_first);
    for (size_t i = 0; i < count; i++) {
        /* Its antivirus module names what it found so: CLAM_VIRUS, SOPHOS_VIRUS, ... */
        if (text_ends_nocase(text_of(found[i].name), TEXT("_VIRUS")))
            filter_add_virus(settings, text_of(found[i].name), result);
        else
            filter_add_symbol(settings, text_of(found[i].name), result);
    }
    free(found);
    return 0;
}

/* --- the whole --- */

/* Since 3.8 it says from which score on it does what; before, only from which it would reject. */
static int32_t threshold_of(const struct filter_settings *settings, json_t *answer)
{
    static const char *const marking[] = {"add header", "rewrite subject", "reject"};
    json_t *thresholds = json_object_get(answer, "thresholds");
    double least = 0;
    for (size_t i = 0; i < sizeof marking / sizeof marking[0]; i++) {
        double value = json_number_value(json_object_get(thresholds, marking[i]));
        if (value > 0 && (least <= 0 || value < least))
            least = value;
    }
    return least > 0                 ? hundredths(least)
           : settings->threshold > 0 ? settings->threshold
                                     : hundredths(json_number_value(json_object_get(answer, "required_score")));
}

/* 1: spam; 0: not; -1: the action says neither. */
static int meaning_of(struct text action)
{
    static const struct {
        const char *name;
        int is_spam;
    } actions[] = {{"reject", 1},  {"add header", 1}, {"rewrite subject", 1}, {"quarantine", 1},
                   {"discard", 1}, {"no action", 0},  {"greylist", 0},        {"accept", 0}};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (text_equals_nocase(action, text_of(actions[i].name)))
            return actions[i].is_spam;
    return -1;
}

int rspamd_read_opinion(const struct filter_settings *settings, struct text text, struct opinion *result,
                        struct error *error)
{
    CLEANUP(release) json_t *answer = json_loadb(text.bytes ? text.bytes : "", text.length, JSON_ALLOW_NUL, NULL);
    json_t *score = json_object_get(answer, "score"), *symbols = json_object_get(answer, "symbols");
    struct text action = text_in(answer, "action");
    *result = (struct opinion){0};
    if (!json_is_object(answer))
        return refuse(settings, "not JSON", error);
    opinion_set_action(result, action);
    /* A rule that ends the matter at once (GTUBE, a list of the site's) "skips" the others as well. */
    if (json_is_true(json_object_get(answer, "is_skipped")) && json_object_size(symbols) == 0) {
        opinion_set_action(result, TEXT("skipped"));
        return 0;
    }
    if (!json_is_number(score) || action.length == 0 || (symbols && !json_is_object(symbols)))
        return refuse(settings, "it names no score, action or symbols", error);
    int32_t points = hundredths(json_number_value(score)), threshold = threshold_of(settings, answer);
    int meaning = meaning_of(action);
    opinion_set_verdict(result, points, threshold, meaning < 0 ? threshold > 0 && points >= threshold : meaning);
    return symbols ? add_symbols(settings, symbols, result, error) : 0;
}

int rspamd_read_lesson(const struct filter_settings *settings, unsigned status, struct text text, struct error *error)
{
    CLEANUP(release) json_t *answer = json_loadb(text.bytes ? text.bytes : "", text.length, JSON_ALLOW_NUL, NULL);
    char shown[160];
    text_copy_printable(text_in(answer, "error"), shown, sizeof shown);
    if (status == 200 && json_is_true(json_object_get(answer, "success")))
        return 0;
    if (status == 208 || status == 204 ||
        (status == 404 && text_starts_nocase(text_in(answer, "error"), TEXT("No content to generate fuzzy"))))
        return 1;
    if (status == 401 || status == 403)
        return error_set(error, EACCES, "%s: the controller refuses the password", settings->controller);
    return error_set(error, EIO, "%s: it did not learn: %u %s", settings->controller, status, shown);
}
