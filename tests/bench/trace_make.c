/* The traces that speed is measured on, the same bytes on every machine.
 *
 *     trace_make A|B|C FILE [PARTS]        PARTS: only one part in so many, for a quick look
 *
 *   A  a million packets: 40,000 interleaved mail sessions with bodies
 *   B  two million packets, of which 95 % are the web, UDP and ICMP and the rest such sessions
 *   C  100,000 tiny mail sessions, as a bot or a dictionary attack makes them
 *
 * Mail is what servers really say: banners, replies of several lines, one to five recipients of whom some are refused,
 * bodies that are partly one campaign's and partly anybody's. About one packet in a hundred comes late or twice. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/bench/trace_packet.h"

enum { POOL = 1 << 20, CAMPAIGNS = 20, WEB_FLOWS = 20000 };
#define BEGIN UINT64_C(1795420800000000) /* microseconds since 1970 */

static const struct kind {
    char name;
    uint32_t sessions;
    uint64_t packets;  /* of mail; 0: as many as the sessions make */
    uint32_t web;      /* packets that are not mail for each that is */
    uint64_t span;     /* microseconds over which sessions begin */
    uint32_t patience; /* microseconds that a turn takes at most */
    bool tiny;
} kinds[] = {
    {'A', 40000, 1000000, 0, 30000000, 500000, false},
    {'B', 4000, 100000, 19, 30000000, 500000, false},
    {'C', 100000, 0, 0, 100000000, 200000, true},
};

/* One packet to come: bytes are in the session's text. */
struct step {
    uint32_t at, gap; /* microseconds after the step before */
    uint32_t sequence, acknowledged;
    uint16_t length;
    uint8_t flags;
    bool from_client;
};

struct session {
    uint64_t time;
    uint32_t number, next, steps_count, steps_room, text_length, text_room;
    uint8_t family;
    struct side client, server;
    struct step *steps;
    char *text;
};

struct web_flow {
    struct side inside, outside;
    uint8_t family, protocol;
};

struct maker {
    const struct kind *kind;
    FILE *file;
    uint64_t random, packets, mail_packets, last_time;
    char *pool;  /* lines of words */
    char *noise; /* bytes without meaning */
    struct session **heap;
    uint32_t heap_count;
    struct web_flow *web;
};

static void *get(void *old, size_t size)
{
    void *memory = realloc(old, size);
    if (!memory) {
        fputs("trace_make: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

/* splitmix64 (Steele, Lea and Flood, 2014) */
static uint32_t any(struct maker *maker, uint32_t below)
{
    uint64_t z = maker->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % below);
}

static void make_pools(struct maker *maker)
{
    static const char *const words[] = {"order",   "the",  "your",  "account", "we",   "please",  "invoice", "of",
                                        "meeting", "and",  "price", "offer",   "best", "regards", "today",   "a",
                                        "server",  "with", "from",  "report",  "to",   "payment", "week",    "is"};
    size_t at = 0, line = 0;
    maker->pool = get(NULL, POOL + 128);
    maker->noise = get(NULL, POOL + 2048);
    while (at < POOL) {
        const char *word = words[any(maker, sizeof words / sizeof *words)];
        size_t length = strlen(word);
        if (line == 0 && any(maker, 40) == 0)
            maker->pool[at++] = '.', maker->pool[at++] = '.'; /* a line that began with a dot */
        memcpy(maker->pool + at, word, length);
        at += length;
        line += length + 1;
        maker->pool[at++] = ' ';
        if (line > 64) {
            maker->pool[at - 1] = '\r';
            maker->pool[at++] = '\n';
            line = 0;
        }
    }
    for (size_t i = 0; i < POOL + 2048; i++)
        maker->noise[i] = (char)any(maker, 256);
}

/* --- a session's script ------------------------------------------------------------------------------------------ */

static void add_step(struct session *session, bool from_client, uint8_t flags, uint32_t at, uint16_t length,
                     uint32_t gap)
{
    struct side *from = from_client ? &session->client : &session->server;
    struct side *to = from_client ? &session->server : &session->client;
    if (session->steps_count == session->steps_room) {
        session->steps_room = session->steps_room ? session->steps_room * 2 : 32;
        session->steps = get(session->steps, session->steps_room * sizeof *session->steps);
    }
    session->steps[session->steps_count++] = (struct step){.at = at,
                                                           .gap = gap,
                                                           .sequence = from->sequence,
                                                           .acknowledged = to->sequence,
                                                           .length = length,
                                                           .flags = flags,
                                                           .from_client = from_client};
    from->sequence += length + (flags & (SYN | FIN) ? 1 : 0);
}

static uint32_t add_text(struct session *session, const char *text, uint32_t length)
{
    uint32_t at = session->text_length;
    while (session->text_length + length > session->text_room) {
        session->text_room = session->text_room ? session->text_room * 2 : 2048;
        session->text = get(session->text, session->text_room);
    }
    memcpy(session->text + at, text, length);
    session->text_length += length;
    return at;
}

static uint32_t turn(struct maker *maker)
{
    return maker->kind->patience / 5 + any(maker, maker->kind->patience * 4 / 5);
}

/* One side speaks, in as many segments as it takes; the other acknowledges every second one. */
static void say(struct maker *maker, struct session *session, bool from_client, uint32_t at, uint32_t length)
{
    uint32_t gap = turn(maker);
    for (uint32_t done = 0, count = 1; done < length; count++) {
        uint16_t now = length - done < MSS ? (uint16_t)(length - done) : MSS;
        bool end = done + now == length;
        add_step(session, from_client, end ? ACK | PSH : ACK, at + done, now, gap);
        done += now;
        gap = 100;
        if (count % 2 == 0 && !end)
            add_step(session, !from_client, ACK, 0, 0, 50);
    }
}

static void say_line(struct maker *maker, struct session *session, bool from_client, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void say_line(struct maker *maker, struct session *session, bool from_client, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    say(maker, session, from_client, add_text(session, line, (uint32_t)length), (uint32_t)length);
}

static void say_body(struct maker *maker, struct session *session, uint32_t size)
{
    char header[512];
    uint32_t number = session->number;
    bool campaign = any(maker, 3) == 0;
    uint32_t from = campaign ? any(maker, CAMPAIGNS) * 50000 : any(maker, POOL - 200000);
    int length = snprintf(header, sizeof header,
                          "Received: from local by mail%u.sender.postern; Mon, 23 Nov 2026 08:00:%02u +0000\r\n"
                          "From: Sender %u <user%u@sender.postern>\r\nSubject: %s %u\r\n"
                          "Message-ID: <%08x.%u@mail%u.sender.postern>\r\nMIME-Version: 1.0\r\n"
                          "Content-Type: text/plain\r\n\r\n",
                          number % 2000, number % 60, number % 500, number % 500, campaign ? "Offer" : "Order",
                          campaign ? from : number, any(maker, UINT32_MAX), number, number % 2000);
    while (maker->pool[from - 1 + (from == 0)] != '\n')
        from++;
    uint32_t at = add_text(session, header, (uint32_t)length);
    if (size > (uint32_t)length)
        add_text(session, maker->pool + from, size - (uint32_t)length);
    add_text(session, "\r\n.\r\n", 5);
    say(maker, session, true, at, session->text_length - at);
}

static uint32_t reply_to_recipient(struct maker *maker, struct session *session, uint32_t refused_of_100)
{
    uint32_t luck = any(maker, 100);
    if (luck < refused_of_100)
        say_line(maker, session, false,
                 "550 5.1.1 <r%u@receiver.postern>: Recipient address rejected: User unknown\r\n", session->number);
    else if (luck < refused_of_100 + 3)
        say_line(maker, session, false, "450 4.2.0 Greylisted, please try again in 300 seconds\r\n");
    else
        say_line(maker, session, false, "250 2.1.5 Ok\r\n");
    return luck >= refused_of_100 + 3;
}

static void open_session(struct maker *maker, struct session *session)
{
    uint32_t number = session->number;
    add_step(session, true, SYN, 0, 0, 0);
    add_step(session, false, SYN | ACK, 0, 0, turn(maker) / 4);
    add_step(session, true, ACK, 0, 0, 100);
    say_line(maker, session, false, "220 mx%u.receiver.postern ESMTP Postfix\r\n", number % 3000);
    if (!maker->kind->tiny)
        add_step(session, true, ACK, 0, 0, 40000);
    say_line(maker, session, true, "EHLO mail%u.sender.postern\r\n", number % 2000);
    say_line(
        maker, session, false,
        "250-mx%u.receiver.postern\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-ETRN\r\n250-ENHANCEDSTATUSCODES\r\n"
        "250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8\r\n",
        number % 3000);
}

static void close_session(struct maker *maker, struct session *session)
{
    say_line(maker, session, true, "QUIT\r\n");
    say_line(maker, session, false, "221 2.0.0 Bye\r\n");
    add_step(session, false, FIN | ACK, 0, 0, 50);
    add_step(session, true, FIN | ACK, 0, 0, turn(maker) / 4);
    add_step(session, false, ACK, 0, 0, 100);
}

/* `packets`: about how many the session should have in all. */
static void converse(struct maker *maker, struct session *session, uint32_t packets)
{
    bool tiny = maker->kind->tiny;
    uint32_t number = session->number, accepted = 0;
    uint32_t recipients = 1 + any(maker, 5); /* one to five, rather one than five */
    recipients = tiny ? 1 : 1 + (recipients - 1) * any(maker, 5) / 4;
    open_session(maker, session);
    say_line(maker, session, true, "MAIL FROM:<user%u@sender.postern> SIZE=%u\r\n", number % 500,
             1000 + any(maker, 9000));
    say_line(maker, session, false, "250 2.1.0 Ok\r\n");
    for (uint32_t i = 0; i < recipients; i++) {
        say_line(maker, session, true, "RCPT TO:<r%u.%u@d%u.receiver.postern>\r\n", number, i, any(maker, 3000));
        accepted += reply_to_recipient(maker, session, tiny ? 50 : 5);
    }
    if (accepted > 0) {
        say_line(maker, session, true, "DATA\r\n");
        say_line(maker, session, false, "354 End data with <CR><LF>.<CR><LF>\r\n");
        uint32_t used = session->steps_count + 6;
        uint32_t segments = packets > used ? (packets - used) * 2 / 3 : 0;
        say_body(maker, session, tiny ? 400 : segments * MSS + any(maker, MSS));
        if (any(maker, 50) == 0)
            say_line(maker, session, false, "554 5.7.1 Message rejected as spam\r\n");
        else
            say_line(maker, session, false, "250 2.0.0 Ok: queued as %08X\r\n", any(maker, UINT32_MAX));
    }
    close_session(maker, session);
}

/* The network's part: of a hundred data packets about one changes place with its follower or comes again behind it. */
static void disturb(struct maker *maker, struct session *session)
{
    for (uint32_t i = 3; i + 1 < session->steps_count; i++) {
        struct step first = session->steps[i], second = session->steps[i + 1];
        if (first.length == 0 || any(maker, 100) != 0)
            continue;
        if (second.length != 0 && second.from_client == first.from_client) {
            session->steps[i] = second;
            session->steps[i].gap = first.gap;
            session->steps[i + 1] = first;
        } else {
            add_step(session, first.from_client, 0, 0, 0, 0); /* room; it is moved to its place */
            memmove(session->steps + i + 2, session->steps + i + 1,
                    (session->steps_count - i - 2) * sizeof *session->steps);
            session->steps[i + 1] = first;
            session->steps[i + 1].gap = 200000;
        }
        i++;
    }
}

static void make_side(struct side *side, uint8_t family, uint8_t network, uint32_t host, uint16_t port)
{
    memset(side->address, 0, sizeof side->address);
    if (family == 4) {
        const uint8_t address[4] = {198, (uint8_t)(18 + network), (uint8_t)(host >> 8), (uint8_t)host};
        memcpy(side->address, address, 4);
    } else {
        const uint8_t address[16] = {0x20, 1, 0x0d, 0xb8, 0, network, (uint8_t)(host >> 8), (uint8_t)host, [15] = 1};
        memcpy(side->address, address, 16);
    }
    side->port = port;
}

static struct session *make_session(struct maker *maker, uint32_t number, uint32_t packets)
{
    struct session *session = get(NULL, sizeof *session);
    *session = (struct session){.number = number};
    session->family = any(maker, 100) < 15 ? 6 : 4;
    uint32_t senders = maker->kind->tiny ? 200 : 2000;
    make_side(&session->client, session->family, 0, any(maker, senders), (uint16_t)(20000 + number % 40000));
    uint16_t port = any(maker, 20) == 0 ? 587 : 25; /* not among the arguments: compilers differ in their order */
    make_side(&session->server, session->family, 1, any(maker, 3000), port);
    session->client.sequence = any(maker, UINT32_MAX);
    session->server.sequence = any(maker, UINT32_MAX);
    session->time = BEGIN + maker->kind->span * number / maker->kind->sessions;
    converse(maker, session, packets);
    disturb(maker, session);
    return session;
}

/* --- packets ----------------------------------------------------------------------------------------------------- */

static void make_web(struct maker *maker)
{
    static const uint8_t protocols[] = {6, 6, 6, 6, 6, 6, 6, 17, 17, 1};
    maker->web = get(NULL, WEB_FLOWS * sizeof *maker->web);
    for (uint32_t i = 0; i < WEB_FLOWS; i++) {
        struct web_flow *flow = &maker->web[i];
        flow->protocol = protocols[any(maker, sizeof protocols)];
        flow->family = any(maker, 5) == 0 ? 6 : 4;
        if (flow->protocol == 1 && flow->family == 6)
            flow->protocol = 58;
        uint16_t port = flow->protocol == 17 ? (any(maker, 2) ? 443 : 51820) : any(maker, 5) ? 443 : 80;
        uint16_t inner_port = (uint16_t)(3000 + any(maker, 60000)); /* none is a mail port */
        make_side(&flow->inside, flow->family, 0, any(maker, 2000), inner_port);
        make_side(&flow->outside, flow->family, 1, 10000 + any(maker, 20000), port);
        flow->inside.sequence = any(maker, UINT32_MAX);
        flow->outside.sequence = any(maker, UINT32_MAX);
    }
}

/* A packet of the web: nearly half are acknowledgements, many are full, the rest is of any size. */
static void write_web(struct maker *maker, uint64_t time)
{
    /* A flow in a burst is likelier than any other. */
    uint32_t busy = (uint32_t)(maker->packets / 64 * 61);
    struct web_flow *flow = &maker->web[(any(maker, 4) ? busy + any(maker, 64) : any(maker, WEB_FLOWS)) % WEB_FLOWS];
    maker->packets++;
    uint32_t luck = any(maker, 100);
    size_t length = luck < 45 ? 0 : luck < 80 ? MSS : any(maker, MSS);
    bool out = length == 0 || any(maker, 8) == 0;
    struct side *from = out ? &flow->inside : &flow->outside, *to = out ? &flow->outside : &flow->inside;
    const char *payload = maker->noise + any(maker, POOL);
    if (flow->protocol == 6) {
        write_tcp(maker->file, time, flow->family, from, to, from->sequence, to->sequence, ACK, payload, length);
        from->sequence += (uint32_t)length;
        return;
    }
    uint8_t segment[8 + MSS];
    length = length == 0 ? 40 : length > 1250 ? 1250 : length;
    memcpy(segment + 8, payload, length);
    if (flow->protocol == 17) {
        put16(segment, from->port);
        put16(segment + 2, to->port);
        put16(segment + 4, (uint32_t)length + 8);
    } else {
        put32(segment, flow->protocol == 1 ? 0x08000000 : 0x80000000);
        put32(segment + 4, from->sequence++);
    }
    write_packet(maker->file, time, flow->family, flow->protocol, from, to, segment, length + 8,
                 flow->protocol == 17 ? 6 : 2);
}

/* --- sessions in the order of time ------------------------------------------------------------------------------- */

static void push(struct maker *maker, struct session *session)
{
    uint32_t at = maker->heap_count++;
    for (; at > 0 && maker->heap[(at - 1) / 2]->time > session->time; at = (at - 1) / 2)
        maker->heap[at] = maker->heap[(at - 1) / 2];
    maker->heap[at] = session;
}

static struct session *pop(struct maker *maker)
{
    struct session *first = maker->heap[0], *last = maker->heap[--maker->heap_count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= maker->heap_count)
            break;
        if (child + 1 < maker->heap_count && maker->heap[child + 1]->time < maker->heap[child]->time)
            child++;
        if (maker->heap[child]->time >= last->time)
            break;
        maker->heap[at] = maker->heap[child];
        at = child;
    }
    maker->heap[at] = last;
    return first;
}

/* The next packet of the session; false: that was its last. */
static bool write_step(struct maker *maker, struct session *session)
{
    const struct step *step = &session->steps[session->next++];
    const struct side *from = step->from_client ? &session->client : &session->server;
    const struct side *to = step->from_client ? &session->server : &session->client;
    for (uint32_t i = 0; i < maker->kind->web; i++)
        write_web(maker, maker->last_time + (session->time - maker->last_time) * i / maker->kind->web);
    write_tcp(maker->file, session->time, session->family, from, to, step->sequence, step->acknowledged, step->flags,
              session->text + step->at, step->length);
    maker->packets++;
    maker->mail_packets++;
    maker->last_time = session->time;
    if (session->next == session->steps_count)
        return false;
    session->time += session->steps[session->next].gap;
    return true;
}

static void make_trace(struct maker *maker, uint32_t parts)
{
    uint32_t sessions = maker->kind->sessions / parts, begun = 0;
    uint64_t wanted = maker->kind->packets / parts, planned = 0;
    maker->heap = get(NULL, (sessions + 1) * sizeof *maker->heap);
    while (begun < sessions || maker->heap_count > 0) {
        uint64_t next = BEGIN + maker->kind->span * begun / maker->kind->sessions;
        if (begun < sessions && (maker->heap_count == 0 || maker->heap[0]->time >= next)) {
            uint64_t mean = wanted > planned ? (wanted - planned) / (sessions - begun) : 0;
            struct session *session =
                make_session(maker, begun++, (uint32_t)(mean / 2 + any(maker, (uint32_t)mean + 1)));
            planned += session->steps_count;
            push(maker, session);
            continue;
        }
        struct session *session = pop(maker);
        if (write_step(maker, session)) {
            push(maker, session);
        } else {
            free(session->steps);
            free(session->text);
            free(session);
        }
    }
}

int main(int argc, char **argv)
{
    const struct kind *kind = argc >= 3 && argv[1][0] >= 'A' && argv[1][0] <= 'C' ? &kinds[argv[1][0] - 'A'] : NULL;
    uint32_t parts = argc >= 4 ? (uint32_t)atoi(argv[3]) : 1;
    if (!kind || parts == 0) {
        fputs("usage: trace_make A|B|C FILE [PARTS]\n", stderr);
        return 2;
    }
    struct maker maker = {.kind = kind, .random = (uint64_t)kind->name, .last_time = BEGIN};
    const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};
    maker.file = fopen(argv[2], "wb");
    if (!maker.file || fwrite(header, sizeof header, 1, maker.file) != 1) {
        perror(argv[2]);
        return 1;
    }
    setvbuf(maker.file, NULL, _IOFBF, 1 << 20);
    make_pools(&maker);
    make_web(&maker);
    make_trace(&maker, parts);
    free(maker.heap);
    free(maker.web);
    free(maker.pool);
    free(maker.noise);
    bool failed = ferror(maker.file) != 0;
    if (fclose(maker.file) != 0 || failed) {
        perror(argv[2]);
        return 1;
    }
    printf("%s: %llu packets, %llu of mail in %u sessions\n", argv[2], (unsigned long long)maker.packets,
           (unsigned long long)maker.mail_packets, kind->sessions / parts);
    return 0;
}
