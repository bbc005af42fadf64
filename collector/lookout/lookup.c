/* The inquiry over DNS: a question goes out for each reply that comes in, so that neither side's buffers fill up. */
#include "collector/lookout/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "common/cleanup.h"
#include "common/io/clock.h"

struct lookup {
    struct inquiry *inquiry;
    struct dns *dns;
    bool sending, stopping;
};

static const enum dns_way ways[] = {
    [INQUIRY_QUICK] = DNS_QUICK, [INQUIRY_PATIENT] = DNS_PATIENT, [INQUIRY_STREAM] = DNS_STREAM};

static void send_questions(struct lookup *lookup)
{
    struct inquiry_question question;
    if (lookup->sending || lookup->stopping)
        return; /* a question that could not be sent at all was answered inside dns_ask() */
    lookup->sending = true;
    while (inquiry_next(lookup->inquiry, clock_now(), &question))
        dns_ask(lookup->dns, question.resolver, question.name, question.type, ways[question.way], question.number);
    lookup->sending = false;
}

static void take_reply(void *context, uint32_t number, const struct dns_reply *reply)
{
    struct lookup *lookup = context;
    inquiry_reply(lookup->inquiry, number, reply, clock_now());
    send_questions(lookup);
}

int lookup_create(const struct lookup_settings *settings, const struct zones *zones, inquiry_told *told, void *context,
                  struct lookup **result, struct error *error)
{
    CLEANUP(lookup_destroy) struct lookup *lookup = calloc(1, sizeof *lookup);
    struct inquiry_settings inquiry = settings->inquiry;
    inquiry.resolvers = settings->dns.server_count;
    if (lookup == NULL)
        return error_set(error, ENOMEM, "no memory for lookups");
    if (getrandom(&inquiry.key, sizeof inquiry.key, 0) != sizeof inquiry.key)
        return error_set(error, errno, "random bytes: %s", strerror(errno));
    int status = dns_create(&settings->dns, take_reply, lookup, &lookup->dns, error);
    if (status == 0)
        status = inquiry_create(&inquiry, zones, told, context, &lookup->inquiry, error);
    if (status == 0)
        *result = TAKE(lookup);
    return status;
}

void lookup_destroy(struct lookup **handle)
{
    struct lookup *lookup = *handle;
    if (lookup == NULL)
        return;
    lookup->stopping = true;
    if (lookup->inquiry)
        inquiry_stop(lookup->inquiry, clock_now());
    dns_destroy(&lookup->dns);
    inquiry_destroy(&lookup->inquiry);
    free(lookup);
    *handle = NULL;
}

struct inquiry *lookup_inquiry(struct lookup *lookup)
{
    return lookup->inquiry;
}

int lookup_turn(struct lookup *lookup, duration wait, struct error *error)
{
    send_questions(lookup);
    moment now = clock_now(), wake = inquiry_wake(lookup->inquiry, now);
    if (wake && wake - now < wait)
        wait = wake > now ? wake - now : 0;
    return dns_turn(lookup->dns, wait, error);
}
