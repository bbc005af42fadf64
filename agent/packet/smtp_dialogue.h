/* The state of one dialogue, and what its two directions tell each other. Private to smtp*.c.
 *
 * The client's side (smtp_client.c) reads lines and content, which change what is known (smtp_transaction.c); the
 * server's side (smtp_server.c) pairs replies with what waits for one, which tells how it went (smtp_answer.c). Only
 * three replies change how the client's bytes are read: to DATA, to AUTH and to STARTTLS. Until they are seen, bytes
 * are held back (SMTP_HELD_MOST), so that it does not matter in which order the two directions reach us. */
#ifndef AGENT_PACKET_SMTP_DIALOGUE_H
#define AGENT_PACKET_SMTP_DIALOGUE_H

#include "agent/packet/smtp.h"
#include "agent/packet/smtp_auth.h"
#include "agent/packet/smtp_command.h"
#include "agent/packet/smtp_content.h"
#include "agent/packet/smtp_memory.h"
#include "agent/packet/smtp_pending.h"
#include "agent/packet/smtp_record.h"
#include "agent/packet/smtp_reply.h"
#include "agent/packet/smtp_waiting.h"
#include "agent/packet/tls_records.h"

enum smtp_client_state {
    CLIENT_COMMAND,
    CLIENT_RESPONSE, /* a line of AUTH, after 334 */
    CLIENT_WAIT,     /* the reply to the command sent last decides how to go on */
    CLIENT_DOT,      /* a dot line that may be the end of the content: the reply decides */
    CLIENT_CONTENT,
    CLIENT_CHUNK,
    CLIENT_HELLO, /* a TLS hello is expected */
    CLIENT_ENCRYPTED,
    CLIENT_LOST /* at the next plausible command reading starts again */
};

enum smtp_server_state { SERVER_UNDECIDED /* its first byte tells */, SERVER_REPLIES, SERVER_ENCRYPTED };

enum { SMTP_EARLY_MOST = 8 };

/* What most dialogues never have. */
struct smtp_rare {
    struct smtp_string *user, *server_name;
    uint64_t fingerprint;
    struct tls_records records;
    /* Replies that came before we saw what they answer. */
    moment early_since;
    uint32_t early_count;
    struct smtp_early {
        uint16_t code, enhanced;
    } early[SMTP_EARLY_MOST];
    /* Replies since the last transaction that no command explains, see smtp_unclear.c. */
    uint32_t unclear_valid, unclear_accepted, unclear_refused, unclear_deferred;
};

struct smtp {
    struct smtp_counters *counters;
    struct smtp_pending client, server;
    struct smtp_waiting waiting;
    struct smtp_record record;
    struct smtp_content content;
    struct smtp_string *helo;
    struct smtp_rare *rare; /* NULL until needed */
    void *summary;
    uint32_t commands, summary_size;
    uint16_t replies_to_skip;
    uint16_t multi_line; /* code of a reply whose last line has not come; 0: none */
    uint8_t client_state, server_state;
    uint8_t awaited;     /* while the client waits: enum smtp_awaited */
    uint8_t content_end; /* while it may have ended: enum smtp_content_end */
    uint8_t mechanism, auth_step, challenges /* not yet responded to */;
    uint8_t tls : 2, auth : 2; /* enum tls_use, enum auth_outcome */
    bool pipelining : 1;       /* the server offers it, or may have in what we did not see */
    bool early_agreed : 1;     /* it takes commands before its greeting (Exim's PIPECONNECT) */
    uint8_t unasked;           /* commands pipelined though nobody offered that, up to 255 */
    bool joined : 1;           /* in the middle */
    bool implicit_tls : 1;     /* the port says TLS from the first byte */
    bool starttls : 1;         /* agreed on */
    bool began : 1;            /* the client has sent a byte */
    bool before_greeting : 1;  /* ... before we saw the server's first reply */
    bool spoke_first : 1;      /* ... and the greeting came after it */
    bool quit : 1, lmtp : 1;
    bool bare_lines : 1;        /* the client's last command ended without CR */
    bool chunks_open : 1;       /* BDAT without LAST so far */
    bool last_chunk : 1;        /* the chunk that runs is the last */
    bool content_refused : 1;   /* the server takes none of what the client sends as content */
    bool gapped : 1;            /* commands were lost since the last MAIL */
    bool gap_while_waiting : 1; /* or what follows the command that waits */
    bool extensions : 1;        /* the reply that runs is EHLO's */
    bool reading : 1;           /* the client's bytes are being read: what is held of them must stay where it is */
};
static_assert(sizeof(struct smtp) <= SMTP_SIZE, "the caller gives us that much");

/* One call into the dialogue. */
struct smtp_call {
    struct smtp *smtp;
    const struct smtp_listener *listener;
    moment time;
};

static inline bool smtp_is_holding(const struct smtp *smtp)
{
    return smtp->client_state == CLIENT_WAIT || smtp->client_state == CLIENT_DOT;
}

struct smtp_rare *smtp_rare(const struct smtp_call *); /* made where there is none; NULL: memory is refused */

/* smtp_transaction.c: what the client says does. */
void smtp_observe(const struct smtp_call *, struct observation *); /* its time is filled in */
void smtp_take_command(const struct smtp_call *, const struct smtp_command *);
void smtp_note_user(const struct smtp_call *, struct text response); /* of a login */
void smtp_content_begin(const struct smtp_call *);
void smtp_content_close(const struct smtp_call *, bool complete); /* what was seen of it goes to its transaction */
void smtp_take_content(const struct smtp_call *, struct text *rest);
void smtp_take_chunk(const struct smtp_call *, struct text *rest);
void smtp_chunk_ends(const struct smtp_call *);
void smtp_close_transaction(const struct smtp_call *); /* the client is in none any more */

/* smtp_sampling.c: content that somebody wants to look at. */
/* Before the first byte of content; `stuffed`: dots are put into it. */
void smtp_sample_begin(const struct smtp_call *, bool stuffed);
/* What was kept goes with its transaction, until that is answered. */
void smtp_sample_note(const struct smtp_call *, struct smtp_open_transaction *, uint32_t sample);
/* For the observation of a message. */
void smtp_sample_take(const struct smtp_call *, struct smtp_open_transaction *, struct observation *message);

/* smtp_client.c */
void smtp_client_process_pending(const struct smtp_call *);
void smtp_client_guess(const struct smtp_call *);  /* no reply will tell: let the held bytes tell themselves */
void smtp_encrypt(const struct smtp_call *);       /* from here on nothing can be read */
void smtp_not_encrypted(const struct smtp_call *); /* ... but the server answers in the clear */

/* Where TLS records are followed: NULL where they are not. */
static inline struct tls_records *smtp_records(const struct smtp *smtp)
{
    return smtp->rare && smtp->client_state == CLIENT_ENCRYPTED ? &smtp->rare->records : NULL;
}

/* smtp_server.c: which command a reply answers. */
/* A command was sent: wait for its reply, or take the one that came too early. */
void smtp_await(const struct smtp_call *, enum smtp_awaited);
/* Everything that waits stays unanswered. */
void smtp_give_up_waiting(const struct smtp_call *);
/* Early replies were to commands that we shall not see. */
void smtp_forget_early(const struct smtp_call *);
/* The early reply to content that never ended; code 0: none. */
struct reply smtp_take_early(struct smtp *);

/* smtp_unclear.c: replies that no command of ours explains. */
void smtp_note_unclear(const struct smtp_call *, const struct reply *);
void smtp_forget_unclear(struct smtp *);
/* 354 came. `explained`: to a DATA that we saw. */
void smtp_settle_unclear(const struct smtp_call *, bool explained);

/* smtp_answer.c: what a reply means to the command that it answers; code 0: there was none. */
void smtp_answer(const struct smtp_call *, enum smtp_awaited, const struct reply *);
/* A recipient whose address was not kept, or never seen: how it went counts all the same. */
void smtp_observe_unseen_recipient(const struct smtp_call *, const struct reply *);
void smtp_observe_message(const struct smtp_call *, struct smtp_open_transaction *, const struct reply *);

#endif
