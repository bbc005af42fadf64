/* HTTP requests from a loop: libcurl's multi interface driven by sd-event. Bounded in time and in the size of answers,
 * which are none where their Content-Digest says that they were damaged;
 * nothing here blocks but the lookup of a name, which libcurl does in a thread of its own. */
#ifndef COMMON_IO_HTTP_CLIENT_H
#define COMMON_IO_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

struct http_settings {
    /* In PEM, as contents: who sends may be a process that opens no such files. Borrowed as long as the client lives.
     */
    struct text authority;        /* certificates to trust; empty: the system's */
    struct text certificate, key; /* our own, for servers that ask; empty: none */
    size_t answer_most;           /* bytes; a longer answer is none */
};

struct http_request {
    const char *method, *url;
    const char *bearer;                          /* Authorization: Bearer ...; NULL: none */
    const char *content_type, *content_encoding; /* NULL: none */
    struct text body;                            /* copied */
    duration patience;                           /* for all of it */
};

struct http_answer {
    int status;          /* 0: there was no answer; the error says why */
    struct text body;    /* borrowed for the call */
    const char *trouble; /* NULL, or what went wrong, as a sentence */
};

struct http_client;
int http_client_create(sd_event *, const struct http_settings *, struct http_client **result,
                       struct error *) MUST_CHECK;
void http_client_destroy(struct http_client **); /* requests under way are dropped without a word */

/* `done` is called once, from the loop, never before this returns. Returns a number above 0 for http_client_cancel().
 */
int http_client_send(struct http_client *, const struct http_request *,
                     void (*done)(void *context, const struct http_answer *), void *context, struct error *) MUST_CHECK;
void http_client_cancel(struct http_client *, int number);

#endif
