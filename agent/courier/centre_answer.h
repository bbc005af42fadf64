/* What the centre's answers say: a sentence, the name of this node, what is delivered. Bytes from the network in, plain
 * values out; what does not fit the question is no answer. */
#ifndef AGENT_COURIER_CENTRE_ANSWER_H
#define AGENT_COURIER_CENTRE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "agent/courier/spool.h"
#include "common/io/http_client.h"

/* Its own sentence where it gives one, else what went wrong. Returns `result`. */
const char *centre_answer_sentence(const struct http_answer *, char *result, size_t size);
/* Whether a refusal (400, 413; `sentence` as above) means what a batch holds, and not how it came there. */
bool centre_answer_is_about_records(const struct http_answer *, const char *sentence);
/* To POST /v1/enrol: what this node is called. */
bool centre_answer_node(const struct http_answer *, char result[SPOOL_NODE]);
/* To POST /v1/records with records behind `after` up to `last`: 200 means that all are there, 409 that some before are
 * missing. */
bool centre_answer_delivered(const struct http_answer *, int64_t after, int64_t last, int64_t *result);
/* To POST /v1/messages with the message of that life and number, 200 or 201: it is there. */
bool centre_answer_has_message(const struct http_answer *, uint64_t life, int64_t number);
/* To GET /v1/directives behind `after`, 416: the highest revision there is lower (a centre from a backup). */
bool centre_answer_revision(const struct http_answer *, int64_t after, int64_t *result);

/* The answer with directives and news, as jansson's value (the caller drops it); NULL: it is none, or would take too
 * much memory once read. */
struct json_t;
struct json_t *centre_answer_parse_list(struct text answer, struct error *) MUST_CHECK;

#endif
