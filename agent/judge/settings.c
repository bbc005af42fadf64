/* The judge's settings: policy, the shape of the sender table, and every detector's own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/judge/court.h"
#include "common/cleanup.h"

#define LAYOUT_VERSION 2

static const struct option table_options[] = {
    {.section = "sender",
     .key = "senders",
     .type = OPTION_COUNT,
     .offset = OPTION_OFFSET(uint32_t, struct table_settings, senders),
     .preset = "65536",
     .least = "16",
     .most = "4000000",
     .text = "The most senders remembered at once; the one that was quiet longest gives way."},
    {.section = "sender",
     .key = "sketches",
     .type = OPTION_COUNT,
     .offset = OPTION_OFFSET(uint32_t, struct table_settings, sketches),
     .preset = "20000",
     .least = "16",
     .most = "16000000",
     .text = "How many counts of distinct values beyond three can be kept, 2 KB each; four for a busy sender."},
    {.section = "sender",
     .key = "busy",
     .type = OPTION_COUNT,
     .offset = OPTION_OFFSET(uint32_t, struct table_settings, busy),
     .preset = "16384",
     .least = "16",
     .most = "4000000",
     .text = "How many senders' details (what the detectors remember, and their reasons) are kept at once, up to 7 KB "
             "each; the one that was quiet longest gives way, and its points stay."},
    {.key = NULL},
};

uint32_t detector_number(void)
{
    uint32_t count = 0;
    while (detector_table[count] != NULL && count < DETECTORS_MOST)
        count++;
    return count;
}

struct judge_layout judge_lay_out(void)
{
    uint32_t count = detector_number();
    struct judge_layout layout = {
        .judge_bytes = (uint32_t)(sizeof(struct judgement) + count * sizeof(struct account)),
    };
    size_t end = 0;
    for (uint32_t i = 0; i < count; i++) {
        layout.states[i] = (uint32_t)end;
        end += (detector_table[i]->state_size + 15) & ~(size_t)15;
    }
    layout.reasons = (uint32_t)end;
    layout.details_bytes = (uint32_t)(end + count * (size_t)EVIDENCE_REASON);
    return layout;
}

struct judge_settings *judge_settings_create(struct error *error)
{
    CLEANUP(judge_settings_destroy) struct judge_settings *settings = calloc(1, sizeof *settings);
    if (settings == NULL) {
        error_set(error, ENOMEM, "no memory for the settings");
        return NULL;
    }
    settings->bindings[0] = (struct option_binding){.options = policy_options,
                                                    .settings = &settings->policy,
                                                    .check = policy_check,
                                                    .central = true,
                                                    .text = "From evidence to verdict and order. Points are weight of "
                                                            "evidence in decibans: 10 points are odds of 10 to 1, "
                                                            "20 of 100 to 1, and independent evidence adds up."};
    settings->bindings[1] = (struct option_binding){
        .options = table_options, .settings = &settings->table, .text = "How many senders are remembered."};
    for (uint32_t count = detector_number(); settings->count < count; settings->count++) {
        const struct detector *detector = detector_table[settings->count];
        void *own = calloc(1, detector->settings_size);
        if (own == NULL) {
            error_set(error, ENOMEM, "no memory for the settings");
            return NULL;
        }
        settings->detectors[settings->count] = own;
        settings->bindings[settings->count + 2] =
            (struct option_binding){detector->options, own, detector->check, detector->sees, true};
    }
    if (options_read(settings->bindings, TEXT(""), "defaults", error) < 0)
        return NULL;
    return TAKE(settings);
}

void judge_settings_destroy(struct judge_settings **pointer)
{
    struct judge_settings *settings = *pointer;
    if (settings == NULL)
        return;
    for (uint32_t i = 0; i < settings->count; i++)
        if (settings->loaded[i] && detector_table[i]->unload)
            detector_table[i]->unload(settings->detectors[i]);
    options_clear(settings->bindings);
    for (uint32_t i = 0; i < settings->count; i++)
        free(settings->detectors[i]);
    for (uint32_t i = 0; i < settings->plan_count; i++)
        plan_destroy(&settings->plans[i]);
    free(settings);
    *pointer = NULL;
}

const struct option_binding *judge_settings_bindings(struct judge_settings *settings)
{
    return settings->bindings;
}

/* Evidence that lasts is topped up once in each `again`. If it faded more slowly than that, the points of one and the
 * same thing would add up, and a newsletter's volume alone would come to a block. */
static void keep_to_half_life(const struct detector *detector, void *own, duration half_life)
{
    for (const struct option *option = detector->options; option->key != NULL; option++) {
        if (option->type != OPTION_DURATION || strcmp(option->key, "again") != 0)
            continue;
        duration *again = (duration *)(void *)((char *)own + option->offset);
        if (*again < half_life)
            *again = half_life;
    }
}

static int load_all(void *const *own, bool *loaded, duration half_life, const struct file_source *source,
                    struct error *error)
{
    for (uint32_t i = 0; i < detector_number(); i++) {
        keep_to_half_life(detector_table[i], own[i], half_life);
        if (detector_table[i]->load == NULL || loaded[i])
            continue;
        int status = detector_table[i]->load(own[i], source, error);
        loaded[i] = true; /* what it took before it failed is its own to give back */
        if (status < 0)
            return status;
    }
    return 0;
}

int judge_settings_load(struct judge_settings *settings, const struct file_source *source, struct error *error)
{
    duration half_life = settings->policy.half_life;
    int status = load_all(settings->detectors, settings->loaded, half_life, source, error);
    for (uint32_t i = 0; i < settings->plan_count && status == 0; i++) {
        struct plan *plan = settings->plans[i];
        status = load_all(plan->detectors, plan->loaded, half_life, source, error);
        if (status < 0)
            error_wrap(error, "[%s]", plan->section);
    }
    return status;
}

/* --- plans --- */

const struct option_binding *judge_plan_description(void)
{
    return &plan_description;
}

void judge_find_plan(const struct judge *judge, const struct sender *sender, struct judgement *judgement)
{
    uint32_t i = 0;
    while (i < judge->settings->plan_count && !plan_is_for(judge->settings->plans[i], sender))
        i++;
    judgement->plan = (uint8_t)(i < judge->settings->plan_count ? i + 2 : 1);
}

static bool has_plan(const struct judge_settings *settings, struct text name)
{
    for (uint32_t i = 0; i < settings->plan_count; i++)
        if (text_equals(name, text_of(settings->plans[i]->name)))
            return true;
    return false;
}

static int find_plans(struct judge_settings *settings, struct text text, const char *source, struct error *error)
{
    struct text section, name;
    int line = 0;
    while (options_next_section(&text, &section, &line)) {
        if (!plan_section_name(section, &name) || has_plan(settings, name))
            continue;
        if (settings->plan_count == PLANS_MOST)
            return error_set(error, EINVAL, "%s:%d: more plans than %d; so many are allowed", source, line, PLANS_MOST);
        struct plan *plan = plan_create(name, error);
        if (plan == NULL)
            return error_wrap(error, "%s:%d", source, line);
        settings->plans[settings->plan_count++] = plan;
    }
    return 0;
}

static size_t binding_number(const struct option_binding *bindings)
{
    size_t count = 0;
    while (bindings != NULL && bindings[count].options != NULL)
        count++;
    return count;
}

static void free_bindings(struct option_binding **bindings)
{
    free(*bindings);
    *bindings = NULL;
}

/* The caller's, our own, and every plan's, in one row; the caller frees. */
static struct option_binding *all_bindings(const struct judge_settings *settings, const struct option_binding *others)
{
    size_t before = binding_number(others), own = binding_number(settings->bindings), each = settings->count + 1;
    struct option_binding *all = calloc(before + own + settings->plan_count * each + 1, sizeof *all), *at = all;
    if (all == NULL)
        return NULL;
    if (before > 0)
        memcpy(at, others, before * sizeof *at);
    memcpy(at += before, settings->bindings, own * sizeof *at);
    at += own;
    for (uint32_t i = 0; i < settings->plan_count; i++, at += each)
        memcpy(at, settings->plans[i]->bindings, each * sizeof *at);
    return all;
}

int judge_settings_read(struct judge_settings *settings, const struct option_binding *others, struct text text,
                        const char *name, struct error *error)
{
    const struct option_layer layer = {.text = text, .name = name};
    return judge_settings_read_layers(settings, others, &layer, 1, error);
}

int judge_settings_read_layers(struct judge_settings *settings, const struct option_binding *others,
                               const struct option_layer *layers, size_t count, struct error *error)
{
    int status = 0;
    for (size_t i = count; i > 0 && status == 0; i--) /* the last one's plans are asked first */
        status = find_plans(settings, layers[i - 1].text, layers[i - 1].name, error);
    if (status < 0)
        return status;
    /* Once for everybody's options, and again for the plans': what they do not say follows from the former. */
    for (int round = 0; round < (settings->plan_count > 0 ? 2 : 1); round++) {
        CLEANUP(free_bindings) struct option_binding *all = NULL;
        for (uint32_t i = 0; round > 0 && i < settings->plan_count && status == 0; i++)
            status = plan_inherit(settings->plans[i], settings->detectors, error);
        if (status == 0 && (all = all_bindings(settings, others)) == NULL)
            status = error_set(error, ENOMEM, "%s: no memory to read it", layers[0].name);
        if (status == 0 && round > 0)
            options_clear(all);
        if (status == 0)
            status = options_read_layers(all, layers, count, error);
        if (status < 0)
            return status;
    }
    return 0;
}

bool judge_settings_print(const struct judge_settings *settings, struct buffer *result)
{
    CLEANUP(free_bindings) struct option_binding *all = all_bindings(settings, NULL);
    return all != NULL && options_print_values(all, result);
}

/* FNV-1a: it need not be strong, only tell layouts apart. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

void judge_settings_shape(const struct judge_settings *settings, struct senders_shape *shape)
{
    const struct table_settings *table = &settings->table;
    struct judge_layout layout = judge_lay_out();
    shape->senders = table->senders;
    shape->sketches = table->sketches;
    shape->judge_bytes = layout.judge_bytes;
    shape->details = table->busy < table->senders ? table->busy : table->senders;
    shape->details_bytes = layout.details_bytes;
    uint64_t sizes[] = {LAYOUT_VERSION,     sizeof(struct judgement), sizeof(struct account),
                        shape->judge_bytes, layout.reasons,           shape->details_bytes};
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), sizes, sizeof sizes);
    for (uint32_t i = 0; i < detector_number(); i++) {
        uint64_t size = detector_table[i]->state_size;
        hash = mix(mix(hash, detector_table[i]->name, strlen(detector_table[i]->name) + 1), &size, sizeof size);
    }
    hash = mix(hash, POSTERN_VERSION, sizeof POSTERN_VERSION);
    shape->fingerprint = hash;
}
