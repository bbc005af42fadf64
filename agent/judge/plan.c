/* A plan's table of options is made from the detectors' tables: the same entries, under another section, with the
 * detector's name before the key. So a new option of a detector can be planned with at once. */
#include "agent/judge/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/judge/policy.h"
#include "common/cleanup.h"
#include "common/option_value.h"

#define PREFIX       "plan "
#define PRESETS_MOST (256 * 1024)

static const struct option customers_options[] = {
    ADDRESSES_OPTION("plan NAME", struct plan_customers, addresses, "",
                     .text = "Whom the plan is for, by address or prefix. Where customers' ports are watched, the port "
                             "is the sender: name it in senders."),
    WORDS_OPTION("plan NAME", struct plan_customers, senders, "",
                 .text = "The same by port (\"tap100i0\", \"vnet*\"), MAC (\"52:54:00:12:34:56\") or user "
                         "(\"uid:33\"); a \"*\" at the end stands for any end."),
    {.key = NULL},
};

const struct option_binding plan_description = {
    .options = customers_options,
    .central = true,
    .text =
        "Other limits for some customers, such as a newsletter host's. NAME is yours to choose, and there may be up to "
        "32 "
        "plans; a sender has the first that names it. Beside the two keys below, every key of every detector can stand "
        "here, with the detector's name before it: \"burst.connections_1m = 200\". What does not stand here is as for "
        "everybody."};

bool plan_section_name(struct text section, struct text *name)
{
    if (!text_starts_nocase(section, TEXT(PREFIX)) || memcmp(section.bytes, PREFIX, strlen(PREFIX)) != 0)
        return false;
    *name = (struct text){section.bytes + strlen(PREFIX), section.length - strlen(PREFIX)};
    return true;
}

static bool name_is_good(struct text name)
{
    if (name.length == 0 || name.length >= PLAN_NAME)
        return false;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.bytes[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
            return false;
    }
    return true;
}

static size_t option_number(const struct option *options)
{
    size_t count = 0;
    while (options[count].key != NULL)
        count++;
    return count;
}

static bool take_options(struct plan *plan, size_t place, const struct option *options, void *settings)
{
    size_t count = option_number(options);
    struct option *copy = calloc(count + 1, sizeof *copy);
    if (copy == NULL || settings == NULL) {
        free(copy);
        return false;
    }
    memcpy(copy, options, count * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i].section = plan->section;
    plan->options[place] = copy;
    plan->bindings[place] = (struct option_binding){.options = copy, .settings = settings, .central = true};
    return true;
}

/* "most" of burst becomes "burst.most". */
static bool name_keys(struct plan *plan)
{
    size_t size = 0;
    for (size_t i = 0; detector_table[i] != NULL; i++)
        for (const struct option *option = detector_table[i]->options; option->key != NULL; option++)
            size += strlen(detector_table[i]->name) + strlen(option->key) + 2;
    char *at = plan->keys = malloc(size + 1);
    for (size_t i = 0; at != NULL && detector_table[i] != NULL; i++) {
        for (struct option *option = plan->options[i + 1]; option->key != NULL; option++) {
            int length = sprintf(at, "%s.%s", detector_table[i]->name, option->key);
            option->key = at;
            at += length + 1;
        }
    }
    return at != NULL;
}

struct plan *plan_create(struct text name, struct error *error)
{
    if (!name_is_good(name)) {
        error_set(error, EINVAL,
                  "the plan's name is wrong; letters, digits, \"-\", \"_\" and \".\" are allowed, up to %d",
                  PLAN_NAME - 1);
        return NULL;
    }
    CLEANUP(plan_destroy) struct plan *plan = calloc(1, sizeof *plan);
    bool good = plan != NULL;
    if (good) {
        memcpy(plan->name, name.bytes, name.length);
        snprintf(plan->section, sizeof plan->section, PREFIX "%s", plan->name);
        good = take_options(plan, 0, customers_options, &plan->customers);
    }
    for (size_t i = 0; good && detector_table[i] != NULL; i++) {
        plan->detectors[i] = calloc(1, detector_table[i]->settings_size);
        good = take_options(plan, i + 1, detector_table[i]->options, plan->detectors[i]);
    }
    if (!good || !name_keys(plan)) {
        error_set(error, ENOMEM, "no memory for a plan");
        return NULL;
    }
    return TAKE(plan);
}

void plan_destroy(struct plan **pointer)
{
    struct plan *plan = *pointer;
    if (plan == NULL)
        return;
    for (size_t i = 0; i < DETECTORS_MOST && plan->detectors[i] != NULL; i++)
        if (plan->loaded[i] && detector_table[i]->unload)
            detector_table[i]->unload(plan->detectors[i]);
    options_clear(plan->bindings);
    for (size_t i = 0; i < DETECTORS_MOST; i++)
        free(plan->detectors[i]);
    for (size_t i = 0; i < DETECTORS_MOST + 1; i++)
        free(plan->options[i]);
    free(plan->keys);
    free(plan->presets);
    free(plan);
    *pointer = NULL;
}

int plan_inherit(struct plan *plan, void *const *detectors, struct error *error)
{
    CLEANUP(buffer_clear) struct buffer values;
    buffer_init(&values, PRESETS_MOST);
    bool good = true;
    for (size_t i = 0; detector_table[i] != NULL; i++)
        for (const struct option *option = detector_table[i]->options; good && option->key != NULL; option++)
            good = option_value_print(option, detectors[i], &values) && buffer_append_byte(&values, '\0');
    char *copy = good && values.length > 0 ? malloc(values.length) : NULL;
    if (copy == NULL)
        return error_set(error, ENOMEM, "no memory for [%s]", plan->section);
    memcpy(copy, values.bytes, values.length);
    free(plan->presets);
    plan->presets = copy;
    for (size_t i = 0; detector_table[i] != NULL; i++) {
        for (struct option *option = plan->options[i + 1]; option->key != NULL; option++) {
            option->preset = copy;
            copy += strlen(copy) + 1;
        }
        plan->bindings[i + 1].check = detector_table[i]->check;
    }
    return 0;
}

bool plan_is_for(const struct plan *plan, const struct sender *sender)
{
    return policy_names(&plan->customers.addresses, &plan->customers.senders, sender);
}
