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
    settings->bindings[0] = (struct option_binding){
        policy_options, &settings->policy, policy_check,
        "From evidence to verdict and order. Points are weight of evidence in decibans: 10 points are odds of 10 to 1, "
        "20 of 100 to 1, and independent evidence adds up."};
    settings->bindings[1] =
        (struct option_binding){table_options, &settings->table, NULL, "How many senders are remembered."};
    for (uint32_t count = detector_number(); settings->count < count; settings->count++) {
        const struct detector *detector = detector_table[settings->count];
        void *own = calloc(1, detector->settings_size);
        if (own == NULL) {
            error_set(error, ENOMEM, "no memory for the settings");
            return NULL;
        }
        settings->detectors[settings->count] = own;
        settings->bindings[settings->count + 2] =
            (struct option_binding){detector->options, own, detector->check, detector->sees};
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

int judge_settings_load(struct judge_settings *settings, const struct file_source *source, struct error *error)
{
    for (uint32_t i = 0; i < settings->count; i++) {
        keep_to_half_life(detector_table[i], settings->detectors[i], settings->policy.half_life);
        if (detector_table[i]->load == NULL || settings->loaded[i])
            continue;
        int status = detector_table[i]->load(settings->detectors[i], source, error);
        settings->loaded[i] = true; /* what it took before it failed is its own to give back */
        if (status < 0)
            return status;
    }
    return 0;
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
