/* A body is found by any pair of neighbouring parts of its likeness that it has in common with an earlier one: eight
 * places of a table that nobody keeps in order, because what stands there is only a guess. Then the whole likeness
 * decides. Of a text that changes a quarter of its word pairs nineteen in twenty are found so.
 *
 * The likeness kept is that of the first message, so that a body cannot be led away, step by step, to another's.
 *
 * Counts are kept by half hours, the running one and the one before: they cover 30 to 60 minutes. When all eight places
 * of a body are taken, the sender that was quiet longest gives way if that is an hour ago; else the newcomer is not
 * counted: eight are enough to know.
 *
 * Most bodies are one letter to one person and never come again. One that came again is spared once each time round, so
 * whoever floods the table with thousands of new bodies makes it forget these letters, and not the templates. */
#include "agent/judge/bodies.h"

#include <stdlib.h>
#include <string.h>

#define BANDS         (LIKENESS_PARTS / 2)
#define GUESSES       65536 /* a power of two */
#define HALF          (30 * MINUTE)
#define DAY_IN_HALVES ((uint32_t)(DAY / HALF))
#define MESSAGES_MOST 60000

struct user {
    struct sender sender;
    uint32_t half;          /* the half hour, counted from 1970 on, of recipients[0] */
    uint32_t recipients[2]; /* in the half hour that runs, and in the one before */
    uint32_t domains[2];    /* a bit for each envelope sender's domain, by its hash */
    uint16_t messages[2];   /* at most MESSAGES_MOST */
    uint16_t told_half;     /* the lower bits of the half hour in which it was told */
    uint8_t told;           /* how often its recipients had doubled then, and one; 0: it was not told */
    uint8_t zero;
};

struct body {
    struct likeness likeness;
    struct sender author;
    moment begun; /* of the first message, which was the author's */
    uint8_t users;
    bool spared; /* it came again since its last turn to give way */
    struct user user[ALIKE_SENDERS];
};

struct bodies {
    uint32_t begun; /* half hours; 0: nothing was seen yet */
    uint32_t hand;  /* whose turn it is to give way */
    uint16_t guesses[GUESSES];
    const struct body *last; /* what was counted last, and of whom; either may be NULL */
    struct user *last_user;
    uint32_t last_half;
    struct body body[BODIES_MOST];
};

struct bodies *bodies_create(void)
{
    return calloc(1, sizeof(struct bodies));
}

void bodies_destroy(struct bodies **bodies)
{
    free(*bodies);
    *bodies = NULL;
}

static uint32_t half_of(moment time)
{
    return time > 0 ? (uint32_t)(time / HALF) : 0;
}

static uint16_t *guess_of(struct bodies *bodies, const struct likeness *likeness, uint32_t band)
{
    uint32_t pair = (uint32_t)likeness->parts[2 * band] << 16 | likeness->parts[2 * band + 1];
    uint32_t hash = (pair + band) * UINT32_C(0x9e3779b1);
    return pair ? &bodies->guesses[hash >> 16] : NULL;
}

static_assert(GUESSES == 1 << (32 - 16), "the hash's upper bits are a place");

/* The body that has most in common with it; NULL where none has enough. */
static struct body *find(struct bodies *bodies, const struct likeness *likeness)
{
    struct body *best = NULL;
    uint32_t most = BODIES_LEAST_SHARE - 1;
    for (uint32_t band = 0; band < BANDS; band++) {
        const uint16_t *guess = guess_of(bodies, likeness, band);
        struct body *body = guess ? &bodies->body[*guess] : NULL;
        if (body == NULL || body == best || memcmp(&body->likeness.parts[2 * band], &likeness->parts[2 * band], 4) != 0)
            continue;
        uint32_t share = likeness_share(likeness, &body->likeness);
        if (share > most) {
            most = share;
            best = body;
        }
    }
    return best;
}

static struct body *begin(struct bodies *bodies, const struct likeness *likeness, const struct sender *author,
                          moment begun)
{
    struct body *body;
    for (;;) {
        body = &bodies->body[bodies->hand];
        bodies->hand = (bodies->hand + 1) % BODIES_MOST;
        if (!body->spared)
            break;
        body->spared = false;
    }
    *body = (struct body){.likeness = *likeness, .author = *author, .begun = begun};
    return body;
}

/* Letters that came meanwhile may have written over it. */
static void note(struct bodies *bodies, const struct body *body)
{
    for (uint32_t band = 0; band < BANDS; band++) {
        uint16_t *guess = guess_of(bodies, &body->likeness, band);
        if (guess)
            *guess = (uint16_t)(body - bodies->body);
    }
}

/* Its counts as they stand in that half hour. */
static void age(struct user *user, uint32_t half)
{
    if (half <= user->half)
        return;
    bool next = half == user->half + 1;
    user->recipients[1] = next ? user->recipients[0] : 0;
    user->domains[1] = next ? user->domains[0] : 0;
    user->messages[1] = next ? user->messages[0] : 0;
    user->recipients[0] = user->domains[0] = user->messages[0] = 0;
    user->half = half;
}

static struct user *user_of(struct body *body, const struct sender *sender, uint32_t half)
{
    struct user *quiet = NULL;
    for (uint32_t i = 0; i < body->users; i++) {
        struct user *user = &body->user[i];
        if (sender_equals(&user->sender, sender))
            return user;
        if (user->half + 2 <= half && (quiet == NULL || user->half < quiet->half))
            quiet = user;
    }
    if (body->users < ALIKE_SENDERS)
        quiet = &body->user[body->users++];
    if (quiet)
        *quiet = (struct user){.sender = *sender, .half = half};
    return quiet;
}

static uint32_t domain_bit(struct text from)
{
    const char *at = from.length > 0 ? memrchr(from.bytes, '@', from.length) : NULL;
    uint32_t hash = UINT32_C(0x811c9dc5);
    for (size_t i = at ? (size_t)(at - from.bytes) + 1 : 0; i < from.length; i++)
        hash = (hash ^ (uint8_t)(from.bytes[i] | 0x20)) * UINT32_C(0x01000193);
    return UINT32_C(1) << (hash * UINT32_C(0x9e3779b1) >> 27);
}

static bool is_known(const struct body *body, uint32_t half)
{
    return half >= half_of(body->begun) + DAY_IN_HALVES;
}

static void tell(struct body *body, const struct user *own, uint32_t half, struct alike *result)
{
    uint32_t domains = 0;
    for (uint32_t i = 0; i < body->users; i++) {
        struct user *user = &body->user[i];
        age(user, half);
        uint32_t recipients = user->recipients[0] + user->recipients[1], at = result->senders;
        if (recipients == 0)
            continue;
        result->senders++;
        for (; at > 0 && result->recipients[at - 1] < recipients; at--)
            result->recipients[at] = result->recipients[at - 1];
        result->recipients[at] = recipients;
        domains |= user->domains[0] | user->domains[1];
    }
    result->domains = (uint32_t)__builtin_popcount(domains);
    if (own) {
        result->own = own->recipients[0] + own->recipients[1];
        result->own_domains = (uint32_t)__builtin_popcount(own->domains[0] | own->domains[1]);
    }
}

bool bodies_count(struct bodies *bodies, const struct observation *seen, const struct sender *sender,
                  struct alike *result)
{
    *result = (struct alike){0};
    bodies->last = NULL;
    if (!likeness_is_known(&seen->message.likeness))
        return false;
    uint32_t half = half_of(seen->time);
    if (bodies->begun == 0)
        bodies->begun = half;
    bool accepted = seen->message.reply.code >= 200 && seen->message.reply.code < 300;
    struct body *body = find(bodies, &seen->message.likeness);
    if (body == NULL && !accepted)
        return false;
    if (body != NULL)
        body->spared = true;
    else
        body = begin(bodies, &seen->message.likeness, sender, seen->time);
    note(bodies, body);
    struct user *own = user_of(body, sender, half);
    if (own && accepted) {
        uint32_t more = seen->message.recipients > 0 ? seen->message.recipients : 1;
        age(own, half);
        own->recipients[0] = more < UINT32_MAX / 4 - own->recipients[0] ? own->recipients[0] + more : UINT32_MAX / 4;
        own->messages[0] += own->messages[0] < MESSAGES_MOST;
        if (seen->message.from.bytes != NULL) /* else it was not seen */
            own->domains[0] |= domain_bit(seen->message.from);
    }
    tell(body, own, half, result);
    result->author = sender_equals(&body->author, sender);
    result->begun = body->begun;
    result->known = is_known(body, half);
    result->watched = half >= bodies->begun + DAY_IN_HALVES;
    bodies->last = body;
    bodies->last_user = own;
    bodies->last_half = half;
    return true;
}

bool bodies_tell(struct bodies *bodies, uint32_t least, struct bodies_news *result)
{
    const struct body *body = bodies->last;
    struct user *user = body ? bodies->last_user : NULL;
    uint32_t recipients = user ? user->recipients[0] + user->recipients[1] : 0;
    if (user == NULL || recipients < least || least == 0)
        return false;
    uint8_t doubled = 1;
    for (uint32_t left = recipients / least; left > 1; left /= 2)
        doubled++;
    if (user->told_half == (uint16_t)bodies->last_half && user->told >= doubled)
        return false;
    user->told = doubled;
    user->told_half = (uint16_t)bodies->last_half;
    *result = (struct bodies_news){
        .likeness = body->likeness,
        .domains = (uint32_t)__builtin_popcount(user->domains[0] | user->domains[1]),
        .recipients = recipients,
        .messages = (uint32_t)user->messages[0] + user->messages[1],
        .known = is_known(body, bodies->last_half),
    };
    return true;
}

static void move(uint32_t *half, uint32_t by)
{
    *half = *half > by ? *half - by : 0;
}

void bodies_shift(struct bodies *bodies, duration by)
{
    uint32_t halves = half_of(by + HALF - 1);
    bodies->last = NULL;
    move(&bodies->begun, halves);
    for (size_t i = 0; i < BODIES_MOST; i++) {
        struct body *body = &bodies->body[i];
        body->begun = body->begun > by ? body->begun - by : 0;
        for (uint32_t u = 0; u < body->users; u++)
            move(&body->user[u].half, halves);
    }
}
