/* Drawing a flow's terms, its times, and whom and as whom it writes. */
#include "tests/lab/sending.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_text(uint64_t key, const char *text)
{
    while (*text)
        key = lab_mix(key, (uint8_t)*text++);
    return key;
}

static void draw_terms(struct lab_terms *terms, const struct lab_flow *flow, struct lab_random *random, moment start,
                       moment end)
{
    terms->begin = start + (duration)lab_draw(random, flow->begin);
    duration length = (duration)lab_draw(random, flow->length);
    terms->end = length > 0 && terms->begin + length < end ? terms->begin + length : end;
    terms->rate = lab_draw(random, flow->rate);
    terms->connections = lab_draw_whole(random, flow->connections);
    terms->messages = lab_draw_whole(random, flow->messages);
    terms->list = lab_draw_whole(random, flow->list);
    terms->domains = lab_draw_whole(random, flow->domains);
    terms->from_count = lab_draw_whole(random, flow->from_count);
    terms->helo_count = lab_draw_whole(random, flow->helo_count);
    terms->tls_share = lab_draw(random, flow->tls_share);
    terms->big = lab_draw(random, flow->big);
    terms->unknown = lab_draw(random, flow->unknown);
    terms->policy = lab_draw(random, flow->policy);
    terms->greylist = lab_draw(random, flow->greylist);
    terms->full = lab_draw(random, flow->full);
    terms->refused = lab_draw(random, flow->refused);
    terms->connect_refused = lab_draw(random, flow->connect_refused);
    terms->unanswered = lab_draw(random, flow->unanswered);
    terms->quit = lab_draw(random, flow->quit);
    terms->servers = (unsigned)lab_draw_whole(random, flow->servers);
    terms->greylisted = (duration)lab_draw(random, flow->greylisted);
}

void lab_sending_begin(struct lab_sending *sending, const struct lab_flow *flow, struct lab_customer *customer,
                       uint64_t seed, moment start, moment end)
{
    memset(sending, 0, sizeof *sending);
    sending->flow = flow;
    sending->customer = customer;
    sending->text_key = hash_text(lab_mix(seed, 21), flow->name);
    sending->key = lab_mix(sending->text_key, customer->key);
    sending->random.state = lab_mix(sending->key, 22);
    draw_terms(&sending->terms, flow, &sending->random, start, end);
}

void lab_message_clear(struct lab_message *message)
{
    free(message->recipients);
    memset(message, 0, sizeof *message);
}

void lab_sending_clear(struct lab_sending *sending)
{
    for (size_t i = 0; i < sending->deferred_count; i++)
        lab_message_clear(&sending->deferred[i]);
    free(sending->deferred);
    memset(sending, 0, sizeof *sending);
}

static bool is_awake(const struct lab_flow *flow, moment time)
{
    unsigned hour = (unsigned)(time / HOUR % 24), weekday = (unsigned)((time / DAY + 3) % 7) + 1;
    unsigned from = (unsigned)flow->hours.least, to = (unsigned)flow->hours.most;
    bool by_hour = from == to || (from < to ? hour >= from && hour < to : hour >= from || hour < to);
    return by_hour && weekday >= (unsigned)flow->weekdays.least && weekday <= (unsigned)flow->weekdays.most;
}

moment lab_sending_next(struct lab_sending *sending, moment now)
{
    const struct lab_terms *terms = &sending->terms;
    if ((terms->connections > 0 && sending->connections >= terms->connections) ||
        (terms->messages > 0 && sending->messages >= terms->messages) || terms->rate <= 0)
        return 0;
    if (sending->volley_left > 0) {
        sending->volley_left--;
        return now + (duration)lab_draw(&sending->random, sending->flow->gap);
    }
    uint64_t volley = lab_draw_whole(&sending->random, sending->flow->volley);
    sending->volley_left = volley > 0 ? volley - 1 : 0;
    double mean = (double)SECOND / terms->rate;
    double wait = sending->flow->pace == LAB_STEADY ? mean * (0.95 + 0.1 * lab_fraction(&sending->random))
                                                    : lab_exponential(&sending->random, mean);
    moment next = now < terms->begin ? terms->begin + (duration)(wait / 4) : now + (duration)wait;
    while (!is_awake(sending->flow, next) && next < terms->end)
        next = next / HOUR * HOUR + HOUR +
               (duration)(lab_fraction(&sending->random) * (mean < (double)HOUR ? mean : (double)HOUR));
    return next < terms->end ? next : 0;
}

static void name_recipient(const struct lab_sending *sending, struct lab_recipient *recipient, uint64_t number)
{
    char mailbox[LAB_NAME], domain[LAB_NAME];
    if (sending->flow->to == LAB_TO_DICTIONARY)
        lab_common_mailbox(number, mailbox);
    else
        lab_mailbox(recipient->key, mailbox);
    snprintf(recipient->address, sizeof recipient->address, "%s@%s", mailbox,
             recipient->large >= 0 ? lab_large_domain(recipient->large) : lab_domain(recipient->domain, domain));
}

void lab_sending_recipient(struct lab_sending *sending, const struct lab_recipient *fellow,
                           struct lab_recipient *result)
{
    const struct lab_flow *flow = sending->flow;
    const struct lab_terms *terms = &sending->terms;
    uint64_t number = sending->recipients++;
    if (flow->to == LAB_TO_LIST && terms->list > 0)
        number = flow->once ? number % terms->list : lab_below(&sending->random, terms->list);
    result->key = lab_mix(sending->key, number);
    result->large = -1;
    uint64_t domains = terms->domains > 0 ? terms->domains : 1;
    uint64_t domain = lab_mix(result->key, 31) % domains;
    if (flow->to == LAB_TO_DICTIONARY)
        domain = number / 400 % domains;
    else if (flow->to == LAB_TO_NEW)
        domain = number;
    else if (lab_share(lab_mix(result->key, 32)) < terms->big)
        result->large = (int)(lab_mix(result->key, 33) % 13 % LAB_LARGE);
    result->domain = result->large >= 0 ? lab_mix(34, (uint64_t)result->large) : lab_mix(sending->key ^ 35, domain);
    if (fellow != NULL) {
        result->large = fellow->large;
        result->domain = fellow->domain;
    }
    if (flow->to == LAB_TO_TEXT) {
        snprintf(result->address, sizeof result->address, "%s", flow->to_text);
        result->key = result->domain = hash_text(36, flow->to_text);
    } else {
        name_recipient(sending, result, number);
    }
}

void lab_sending_from(struct lab_sending *sending, const struct lab_recipient *recipient, char result[LAB_ADDRESS])
{
    const struct lab_flow *flow = sending->flow;
    uint64_t count = sending->terms.from_count > 0 ? sending->terms.from_count : 1;
    uint64_t key = lab_mix(sending->key ^ 41, lab_below(&sending->random, count)), fresh = lab_next(&sending->random);
    char mailbox[LAB_NAME], domain[LAB_NAME];
    const char *own = sending->customer->domain;
    int length = 0;
    result[0] = '\0';
    switch (flow->from) {
    case LAB_FROM_OWN:
        length = snprintf(result, LAB_ADDRESS, "%s@%s", lab_mailbox(key, mailbox), own);
        break;
    case LAB_FROM_VERP: {
        const char *at = strchr(recipient->address, '@');
        length = snprintf(result, LAB_ADDRESS, "bounce+%.*s=%s@%s", (int)(at - recipient->address), recipient->address,
                          at + 1, own);
        break;
    }
    case LAB_FROM_FOREIGN:
        length = snprintf(result, LAB_ADDRESS, "%s@%s", lab_mailbox(fresh, mailbox), lab_domain(key, domain));
        break;
    case LAB_FROM_RANDOM:
        length = snprintf(result, LAB_ADDRESS, "%s@%s", lab_mailbox(fresh, mailbox), lab_domain(fresh >> 7, domain));
        break;
    case LAB_FROM_TEXT:
        length = snprintf(result, LAB_ADDRESS, "%s", flow->from_text);
        break;
    case LAB_FROM_NULL:
        break;
    }
    if (length >= LAB_ADDRESS)
        result[0] = '\0';
}

void lab_sending_helo(struct lab_sending *sending, unsigned address, const struct lab_recipient *recipient,
                      char result[LAB_ADDRESS])
{
    const struct lab_flow *flow = sending->flow;
    const struct lab_customer *customer = sending->customer;
    uint64_t count = sending->terms.helo_count > 0 ? sending->terms.helo_count : 1;
    uint64_t fresh = lab_next(&sending->random), key = lab_mix(sending->key ^ 51, fresh % count);
    char domain[LAB_NAME], printed[ADDRESS_TEXT];
    const char *at = strchr(recipient->address, '@');
    switch (flow->helo) {
    case LAB_HELO_OWN:
        if (address == 0)
            snprintf(result, LAB_ADDRESS, "mail.%s", customer->domain);
        else
            snprintf(result, LAB_ADDRESS, "m%u.%s", address, customer->domain);
        break;
    case LAB_HELO_LOCALHOST:
        snprintf(result, LAB_ADDRESS, "localhost");
        break;
    case LAB_HELO_LITERAL:
        snprintf(result, LAB_ADDRESS, customer->addresses[0].family == 6 ? "[IPv6:%s]" : "[%s]",
                 address_print(&customer->addresses[address], printed));
        break;
    case LAB_HELO_RANDOM:
        snprintf(result, LAB_ADDRESS, "%s", lab_domain(fresh, domain));
        break;
    case LAB_HELO_RECIPIENT:
        snprintf(result, LAB_ADDRESS, "%s", at ? at + 1 : "localhost");
        break;
    case LAB_HELO_BARE:
        snprintf(result, LAB_ADDRESS, "win-%08x", (unsigned)customer->key);
        break;
    case LAB_HELO_ROTATE:
        snprintf(result, LAB_ADDRESS, "%s", lab_domain(key, domain));
        break;
    case LAB_HELO_TEXT:
        snprintf(result, LAB_ADDRESS, "%s", flow->helo_text);
        break;
    }
}

enum lab_answer lab_sending_answer(const struct lab_sending *sending, const struct lab_recipient *recipient,
                                   duration since)
{
    const struct lab_terms *terms = &sending->terms;
    double share = lab_share(lab_mix(recipient->key, 61));
    if (lab_share(lab_mix(recipient->domain, 62)) < terms->greylist && since < terms->greylisted)
        return LAB_GREYLIST;
    if (share < terms->unknown)
        return LAB_UNKNOWN;
    share -= terms->unknown;
    if (share < terms->full)
        return LAB_FULL;
    share -= terms->full;
    return share < terms->policy ? LAB_POLICY : LAB_ACCEPTED;
}
