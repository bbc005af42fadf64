/* See sampling.h. */
#include "agent/watcher/sampling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/message/sealed.h"
#include "agent/sample/envelope.h"
#include "common/cleanup.h"

enum { SEALED_PIECES = 4096 };

struct waiting {
    uint32_t number; /* 0: the place is free */
    uint32_t sample; /* in the path's memory, which may have given it up */
    bool settled;
    struct message_sample message; /* all but whose it is and the lengths */
    struct buffer members;         /* of the envelope */
};

struct sampling {
    struct samples_settings settings;
    struct sampling_listener listener;
    struct sampling_house house;
    struct sampling_counters counters;
    struct budget *budget;
    uint32_t last, settled; /* the last number; how many are settled and not yet told */
    struct waiting waiting[SAMPLING_WAITING];
    struct text pieces[SEALED_PIECES]; /* of the one that is sealed */
};

int sampling_create(const struct samples_settings *settings, const struct sampling_listener *listener,
                    const struct siphash_key *key, struct sampling **result, struct error *error)
{
    CLEANUP(sampling_destroy) struct sampling *sampling = calloc(1, sizeof *sampling);
    if (!sampling)
        return error_set(error, ENOMEM, "no memory for samples");
    sampling->settings = *settings;
    sampling->listener = *listener;
    for (uint32_t i = 0; i < SAMPLING_WAITING; i++)
        buffer_init(&sampling->waiting[i].members, ENVELOPE_MOST);
    sampling->budget = budget_create(settings, key, error);
    if (!sampling->budget)
        return -ENOMEM;
    *result = TAKE(sampling);
    return 0;
}

void sampling_destroy(struct sampling **sampling)
{
    if (*sampling) {
        budget_destroy(&(*sampling)->budget);
        for (uint32_t i = 0; i < SAMPLING_WAITING; i++)
            buffer_clear(&(*sampling)->waiting[i].members);
    }
    free(*sampling);
    *sampling = NULL;
}

void sampling_reload(struct sampling *sampling, const struct samples_settings *settings)
{
    sampling->settings = *settings;
    budget_reload(sampling->budget, settings);
}

void sampling_set_house(struct sampling *sampling, const struct sampling_house *house)
{
    sampling->house = *house;
}

/* --- content comes by --- */

bool sampling_may_ask(struct sampling *sampling, moment now)
{
    return budget_may_ask(sampling->budget, now);
}

uint32_t sampling_wanted(struct sampling *sampling, const struct sender *sender, moment now, uint8_t *note)
{
    struct budget_question question = {
        .now = now, .sender = sender, .copied = smtp_samples_counters(sampling->house.samples).copied};
    struct sender_record *record = senders_find(sampling->house.senders, sender);
    if (record) {
        struct judge_glance glance = judge_glance(sampling->house.judge, record, now);
        question.messages = record->messages + record->messages_rejected;
        question.score = glance.score;
        question.diverted = glance.diverted;
    }
    *note = (uint8_t)budget_wants(sampling->budget, &question);
    return *note != SAMPLE_NOT ? (uint32_t)sampling->settings.size : 0;
}

static void free_place(struct sampling *sampling, struct waiting *waiting)
{
    smtp_samples_release(sampling->house.samples, waiting->sample);
    sampling->settled -= waiting->settled;
    buffer_clear(&waiting->members);
    waiting->number = 0;
    waiting->settled = false;
}

struct recipients {
    const struct smtp_sampled *sampled;
    uint32_t at;
};

/* Those who did not get it are not the message's. */
static bool next_recipient(void *context, struct text *address)
{
    struct recipients *recipients = context;
    struct smtp_recipient recipient;
    while (smtp_sampled_recipient(recipients->sampled, &recipients->at, &recipient)) {
        if (recipient.code >= 300)
            continue;
        *address = recipient.address;
        return true;
    }
    return false;
}

static bool write_envelope(struct waiting *waiting, const struct smtp_sampled *sampled, const struct observation *o)
{
    const struct message_sample *message = &waiting->message;
    struct recipients recipients = {sampled, 0};
    const struct envelope envelope = {
        .number = waiting->number,
        .time = o->time,
        .helo = o->message.helo,
        .user = sampled->user,
        .from = o->message.from,
        .phrase = o->message.reply.phrase,
        .client = o->origin.address,
        .client_port = o->origin.client_port,
        .server = o->server,
        .why = (enum sample_why)message->why,
        .complete = message->complete,
        .code = message->code,
        .bytes = message->content,
        .digest = {message->digest[0], message->digest[1]},
        .likeness = message->likeness,
        .recipients_left_out = sampled->recipients_left_out,
        .recipient = next_recipient,
        .context = &recipients,
    };
    return envelope_members(&envelope, &waiting->members);
}

static void fill_message(struct message_sample *message, const struct smtp_sampled *sampled,
                         const struct observation *o, enum sample_why why, const struct sender *sender)
{
    union message prepared;
    message_prepare(&prepared, MESSAGE_SAMPLE, 0);
    *message = prepared.sample;
    message->time = o->time;
    message->sender = *sender;
    message->client = o->origin.address;
    message->server = o->server;
    message->bytes = o->message.bytes;
    memcpy(message->digest, o->message.digest, sizeof message->digest);
    message->likeness = o->message.likeness;
    message->content = sampled->state.bytes;
    message->code = o->message.reply.code;
    message->complete = o->message.complete && !sampled->state.cut;
    message->why = (uint8_t)why;
}

/* --- it is known whose it is --- */

static struct waiting *find_number(struct sampling *sampling, uint32_t number)
{
    for (uint32_t i = 0; i < SAMPLING_WAITING; i++)
        if (sampling->waiting[i].number == number)
            return &sampling->waiting[i];
    return NULL;
}

static void settle(struct sampling *sampling, struct waiting *waiting)
{
    sampling->settled += !waiting->settled;
    waiting->settled = true;
}

void sampling_settle(struct sampling *sampling, uint32_t number, const struct sender *sender)
{
    struct waiting *waiting = number ? find_number(sampling, number) : NULL;
    if (!waiting)
        return;
    if (!sender) {
        free_place(sampling, waiting);
        return;
    }
    waiting->message.sender = *sender;
    settle(sampling, waiting);
}

void sampling_tick(struct sampling *sampling, moment now)
{
    for (uint32_t i = 0; i < SAMPLING_WAITING; i++) {
        struct waiting *waiting = &sampling->waiting[i];
        moment age = now - waiting->message.time;
        if (waiting->number == 0 || waiting->settled || (age <= SAMPLING_PATIENCE && age >= -SAMPLING_PATIENCE))
            continue;
        sampling->counters.lost++;
        free_place(sampling, waiting);
    }
}

/* --- to the courier --- */

/* The line, then the content's pieces; false: it is not there any more, or has no room. */
static bool seal(struct sampling *sampling, struct waiting *waiting, const struct buffer *line, int *memory)
{
    struct text *pieces = sampling->pieces;
    struct smtp_sample_state state;
    struct error error = {0};
    size_t count = 1;
    if (!smtp_samples_state(sampling->house.samples, waiting->sample, &state))
        return false;
    pieces[0] = buffer_text(line);
    for (const void *at = NULL; count < SEALED_PIECES; count++)
        if (!smtp_samples_piece(sampling->house.samples, waiting->sample, &at, &pieces[count]))
            break;
    return sealed_make_many("postern-sample", pieces, count, memory, &error) == 0;
}

static bool tell(struct sampling *sampling, struct waiting *waiting)
{
    CLEANUP(buffer_clear) struct buffer line;
    char sender[SENDER_TEXT];
    union message message = {.sample = waiting->message};
    const struct sender_record *record = senders_find(sampling->house.senders, &message.sample.sender);
    int memory;
    buffer_init(&line, ENVELOPE_MOST);
    if (record)
        message.sample.whose = record->whose;
    sender_print(&message.sample.sender, sender);
    if (!envelope_line(buffer_text(&waiting->members), sender, message.sample.whose.customer, &line))
        return false;
    message.sample.envelope = (uint32_t)line.length;
    if (!seal(sampling, waiting, &line, &memory))
        return false;
    return sampling->listener.sample(sampling->listener.context, &message, memory);
}

static void finish(struct sampling *sampling, struct waiting *waiting)
{
    if (tell(sampling, waiting)) {
        sampling->counters.told++;
        sampling->counters.bytes += waiting->message.content;
    } else {
        sampling->counters.lost++;
    }
    free_place(sampling, waiting);
}

void sampling_flush(struct sampling *sampling)
{
    for (uint32_t i = 0; sampling->settled > 0 && i < SAMPLING_WAITING; i++)
        if (sampling->waiting[i].settled)
            finish(sampling, &sampling->waiting[i]);
}

/* --- content was answered ------------------------------------------------------------------------------------------
 */

static struct waiting *find_place(struct sampling *sampling)
{
    struct waiting *oldest = &sampling->waiting[0];
    for (uint32_t i = 0; i < SAMPLING_WAITING; i++) {
        struct waiting *waiting = &sampling->waiting[i];
        if (waiting->number == 0)
            return waiting;
        if (waiting->number < oldest->number)
            oldest = waiting;
    }
    finish(sampling, oldest);
    return oldest;
}

uint32_t sampling_take(struct sampling *sampling, const struct smtp_sampled *sampled, const struct observation *o,
                       const struct sender *sender)
{
    struct budget_message message = {.now = o->time, .sender = sender, .likeness = o->message.likeness};
    if (o->message.complete)
        memcpy(message.digest, o->message.digest, sizeof message.digest);
    sampling->counters.kept++;
    enum sample_why why = budget_keeps(sampling->budget, (enum sample_why)sampled->state.note, &message);
    if (why == SAMPLE_NOT)
        return 0;
    struct smtp_sampled plain = *sampled;
    smtp_samples_unstuff(sampling->house.samples, sampled->sample);
    (void)smtp_samples_state(sampling->house.samples, sampled->sample, &plain.state);
    struct waiting *waiting = find_place(sampling);
    if (++sampling->last == 0)
        sampling->last = 1;
    waiting->number = sampling->last;
    waiting->sample = sampled->sample;
    fill_message(&waiting->message, &plain, o, why, sender);
    if (write_envelope(waiting, &plain, o))
        return waiting->number;
    waiting->sample = 0; /* whoever asked lets it go */
    free_place(sampling, waiting);
    sampling->counters.lost++;
    return 0;
}

struct sampling_counters sampling_counters(const struct sampling *sampling)
{
    struct sampling_counters counters = sampling->counters;
    struct smtp_samples_counters samples = smtp_samples_counters(sampling->house.samples);
    counters.crowded = samples.crowded;
    counters.held = samples.bytes_held;
    return counters;
}
