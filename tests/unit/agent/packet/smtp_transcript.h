/* A dialogue played from a list of parts, and what was observed written down as text: what tests and the fuzz target
 * of the SMTP dialogue compare. */
#ifndef TESTS_UNIT_AGENT_PACKET_SMTP_TRANSCRIPT_H
#define TESTS_UNIT_AGENT_PACKET_SMTP_TRANSCRIPT_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/packet/smtp.h"

enum part_kind { PART_END, PART_CLIENT, PART_SERVER, PART_CLIENT_GAP, PART_SERVER_GAP };

struct part {
    enum part_kind kind;
    const char *bytes;
    size_t length; /* of the bytes, or of the gap */
};

#define C(literal)                                                                                                     \
    {                                                                                                                  \
        PART_CLIENT, literal, sizeof(literal) - 1                                                                      \
    }
#define S(literal)                                                                                                     \
    {                                                                                                                  \
        PART_SERVER, literal, sizeof(literal) - 1                                                                      \
    }
#define CLIENT_LOSES(length)                                                                                           \
    {                                                                                                                  \
        PART_CLIENT_GAP, "", length                                                                                    \
    }
#define SERVER_LOSES(length)                                                                                           \
    {                                                                                                                  \
        PART_SERVER_GAP, "", length                                                                                    \
    }

struct transcript {
    char *text;
    size_t length, room;
};

__attribute__((format(printf, 2, 3))) static inline void transcript_add(struct transcript *transcript,
                                                                        const char *format, ...)
{
    va_list arguments;
    if (transcript->room < transcript->length + 8192) {
        transcript->room = transcript->room * 2 + 16384;
        transcript->text = realloc(transcript->text, transcript->room);
        if (!transcript->text)
            abort();
    }
    va_start(arguments, format);
    int length = vsnprintf(transcript->text + transcript->length, 8192, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= 8192)
        abort();
    transcript->length += (size_t)length;
}

#define TEXT_ARGUMENTS(text) (int)(text).length, (text).bytes

static inline void transcript_add_reply(struct transcript *transcript, const struct reply *reply)
{
    transcript_add(transcript, " %u", reply->code);
    if (reply->enhanced)
        transcript_add(transcript, "/%u", reply->enhanced);
    transcript_add(transcript, "\n");
}

static inline const char *auth_word(enum auth_outcome outcome)
{
    static const char *const words[] = {"none", "tried", "failed", "accepted"};
    return words[outcome];
}

static inline const char *tls_word(enum tls_use use)
{
    static const char *const words[] = {"none", "starttls", "implicit"};
    return words[use];
}

static inline void transcript_observe(void *context, struct observation *o)
{
    struct transcript *transcript = context;
    switch (o->kind) {
    case OBSERVATION_HELO:
        transcript_add(transcript, "%s %.*s\n", o->helo.extended ? "EHLO" : "HELO", TEXT_ARGUMENTS(o->helo.name));
        break;
    case OBSERVATION_TLS:
        transcript_add(transcript, "TLS %s %.*s\n", tls_word(o->tls.use), TEXT_ARGUMENTS(o->tls.server_name));
        break;
    case OBSERVATION_AUTH:
        transcript_add(transcript, "AUTH %.*s %.*s %s", TEXT_ARGUMENTS(o->auth.mechanism), TEXT_ARGUMENTS(o->auth.user),
                       auth_word(o->auth.outcome));
        transcript_add_reply(transcript, &o->auth.reply);
        break;
    case OBSERVATION_TRANSACTION:
        transcript_add(transcript, "MAIL <%.*s>", TEXT_ARGUMENTS(o->transaction.from));
        transcript_add_reply(transcript, &o->transaction.reply);
        break;
    case OBSERVATION_RECIPIENT:
        transcript_add(transcript, "RCPT <%.*s>", TEXT_ARGUMENTS(o->recipient.address));
        transcript_add_reply(transcript, &o->recipient.reply);
        break;
    case OBSERVATION_MESSAGE:
        transcript_add(transcript, "MESSAGE <%.*s> to %u, %" PRIu64 " bytes%s", TEXT_ARGUMENTS(o->message.from),
                       o->message.recipients, o->message.bytes, o->message.complete ? "" : " cut");
        transcript_add_reply(transcript, &o->message.reply);
        break;
    default:
        abort();
    }
}

static inline void transcript_add_summary(struct transcript *transcript, const struct smtp_summary *summary)
{
    transcript_add(transcript, "-- %.*s tls %s %.*s auth %s %.*s%s%s\n", TEXT_ARGUMENTS(summary->helo),
                   tls_word(summary->tls), TEXT_ARGUMENTS(summary->server_name), auth_word(summary->auth),
                   TEXT_ARGUMENTS(summary->user), summary->quit ? " quit" : "",
                   summary->spoke_first ? " spoke first" : "");
    for (uint32_t i = 0; i < summary->transaction_count; i++) {
        const struct smtp_transaction *transaction = &summary->transactions[i];
        transcript_add(transcript, "<%.*s>", TEXT_ARGUMENTS(transaction->from));
        for (uint32_t r = 0; r < transaction->recipient_count; r++)
            transcript_add(transcript, " <%.*s> %u", TEXT_ARGUMENTS(transaction->recipients[r].address),
                           transaction->recipients[r].code);
        transcript_add(transcript, " = %u, %" PRIu64 " bytes%s %016" PRIx64 "\n", transaction->code, transaction->bytes,
                       transaction->complete ? "" : " cut", transaction->digest[0]);
    }
}

/* A sampler that keeps so many bytes of every message, and writes down what it is given when one is answered. */
struct transcript_sampler {
    struct smtp_sampler sampler;
    struct transcript *transcript;
    uint32_t most;
};

static inline uint32_t transcript_wants(void *context, struct text account, moment time, uint8_t *note)
{
    struct transcript_sampler *own = context;
    (void)account, (void)time;
    *note = 7;
    return own->most;
}

static inline uint32_t transcript_takes(void *context, const struct smtp_sampled *sampled,
                                        const struct observation *message)
{
    struct transcript_sampler *own = context;
    struct smtp_recipient recipient;
    struct text piece;
    uint32_t bytes = 0;
    if (sampled->state.note != 7)
        abort();
    transcript_add(own->transcript, "SAMPLE of %.*s%s%s, %u: [", TEXT_ARGUMENTS(sampled->user),
                   sampled->state.cut ? " cut" : "", message->message.complete ? "" : " incomplete",
                   message->message.reply.code);
    smtp_samples_unstuff(own->sampler.samples, sampled->sample);
    struct smtp_sample_state state;
    if (!smtp_samples_state(own->sampler.samples, sampled->sample, &state))
        abort();
    for (const void *at = NULL; smtp_samples_piece(own->sampler.samples, sampled->sample, &at, &piece);) {
        transcript_add(own->transcript, "%.*s", TEXT_ARGUMENTS(piece));
        bytes += (uint32_t)piece.length;
    }
    if (bytes != state.bytes || bytes > own->most)
        abort();
    transcript_add(own->transcript, "]");
    for (uint32_t at = 0; smtp_sampled_recipient(sampled, &at, &recipient);)
        transcript_add(own->transcript, " <%.*s> %u", TEXT_ARGUMENTS(recipient.address), recipient.code);
    transcript_add(own->transcript, "\n");
    return 0;
}

/* Deliver one part in pieces of at most `piece` bytes; 0: of changing length, by `random`. */
static inline void play_part(struct smtp *smtp, const struct smtp_listener *listener, const struct part *part,
                             size_t piece, uint32_t *random)
{
    if (part->kind == PART_CLIENT_GAP)
        smtp_client_gap(smtp, listener, (uint32_t)part->length, 1);
    if (part->kind == PART_SERVER_GAP)
        smtp_server_gap(smtp, listener, (uint32_t)part->length, 1);
    if (part->kind != PART_CLIENT && part->kind != PART_SERVER)
        return;
    for (size_t at = 0; at < part->length;) {
        *random = *random * 1103515245u + 12345u;
        size_t length = piece ? piece : 1 + (*random >> 16) % 80;
        if (length > part->length - at)
            length = part->length - at;
        /* a copy of its own, so that a sanitizer sees what is read beyond it or kept of it */
        char *copy = malloc(length);
        if (!copy)
            abort();
        memcpy(copy, part->bytes + at, length);
        struct text text = {copy, length};
        if (part->kind == PART_CLIENT)
            smtp_client_bytes(smtp, listener, text, 1);
        else
            smtp_server_bytes(smtp, listener, text, 1);
        memset(copy, 'X', length);
        free(copy);
        at += length;
    }
}

struct play {
    bool implicit_tls, joined;
    size_t piece;
    uint32_t random;
    uint32_t sampled; /* so many bytes of every message are kept; 0: none */
};

/* The caller frees the text. Aborts where memory is left behind. */
static inline char *play(const struct part *parts, struct play how, struct smtp_counters *counters)
{
    struct transcript transcript = {0};
    struct smtp_counters own = {0};
    struct smtp_listener listener = {
        .context = &transcript, .observe = transcript_observe, .counters = counters ? counters : &own};
    struct smtp_samples *samples = how.sampled ? smtp_samples_create(1 << 20) : NULL;
    struct transcript_sampler own_sampler = {
        {samples, &own_sampler, transcript_wants, transcript_takes}, &transcript, how.sampled};
    listener.sampler = samples ? &own_sampler.sampler : NULL;
    struct smtp_summary summary;
    struct smtp *smtp = calloc(1, SMTP_SIZE);
    if (!smtp)
        abort();
    transcript_add(&transcript, "%s", "");
    smtp_begin(smtp, how.implicit_tls, !how.joined);
    for (; parts->kind != PART_END; parts++)
        play_part(smtp, &listener, parts, how.piece, &how.random);
    smtp_finish(smtp, &listener, 2, &summary);
    transcript_add_summary(&transcript, &summary);
    smtp_end(smtp);
    free(smtp);
    if (listener.counters->bytes_held != 0)
        abort();
    if (samples)
        smtp_samples_tick(samples, SAMPLE_LONGEST + SECOND);
    if (samples && smtp_samples_counters(samples).bytes_held != 0)
        abort();
    smtp_samples_destroy(&samples);
    return transcript.text;
}

#endif
