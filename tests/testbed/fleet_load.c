/* Nodes by the hundred that speak the real protocol, for tests and benches of collectors: each enrols with a token of
 * its own, delivers numbered records, waits for orders on a connection of its own, acknowledges each, and after any
 * doubt asks or sends again. What a node has delivered and which orders it saw is told at the end. Records are made
 * anew from their numbers when they are sent again, so memory does not grow with them.
 *
 *     fleet_load ADDRESS:PORT[,ADDRESS:PORT...] TOKENS EVERY BATCH WAIT
 *
 * TOKENS: a file with a token a line, one for each node. EVERY: milliseconds between two batches of a node, 0: at once,
 * -1: none. BATCH: records in each. WAIT: seconds that the node's question may wait, 0: it asks for no orders. It obeys
 * lines on its standard input and answers each with lines of JSON: "state"; "stop" (no new records); "finish REVISION
 * SECONDS" (when every node has that revision and all is delivered, or the time is over: what each node has, and the
 * end). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NODES_MOST      4096
#define ADDRESSES_MOST  16
#define ORDERS_MOST     4096 /* that one node remembers */
#define ANSWER_MOST     ((size_t)1 << 20)
#define PAUSE           0.2  /* seconds before a connection is made anew, and as much again by chance */
#define ANSWER_PATIENCE 20.0 /* seconds, beside what a question may wait */

enum state { CLOSED, CONNECTING, SENDING, READING };
enum kind { DELIVERY, QUESTION };

struct node;
struct way {
    struct node *node;
    enum kind kind;
    enum state state;
    int descriptor;
    char *out, *in; /* what is to be sent; what came of the answer */
    size_t out_length, sent, in_length;
    double due, deadline; /* when it may begin anew; when it is given up */
};
struct node {
    unsigned number, address;
    char token[80], key[64], hash[65], id[20], life[20];
    struct way ways[2];
    int64_t made, delivered, after;
    double next; /* when more is made */
    struct {
        int64_t sequence, revision;
    } acknowledgements[ORDERS_MOST]; /* not delivered yet, in order */
    int64_t revisions[ORDERS_MOST];
    size_t waiting, seen;
    unsigned doubts, refused, again; /* answers that never came; refusals; orders that came twice */
};

static struct {
    struct node *nodes[NODES_MOST];
    struct sockaddr_in addresses[ADDRESSES_MOST];
    unsigned count, address_count, batch, wait;
    double every;
    bool stopped, finishing;
    int64_t until;
    double limit;
    int poll;
    char time[32];
    struct {
        int64_t revision;
        unsigned nodes;
        double first, half, last;
    } latest; /* the highest order that any node saw */
} load;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *must(void *memory)
{
    if (!memory) {
        perror("fleet_load");
        exit(1);
    }
    return memory;
}

/* --- connections --- */

static void way_watch(struct way *way, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = way};
    if (epoll_ctl(load.poll, EPOLL_CTL_MOD, way->descriptor, &event) != 0)
        epoll_ctl(load.poll, EPOLL_CTL_ADD, way->descriptor, &event);
}

static void way_forget(struct way *way)
{
    free(way->out);
    free(way->in);
    way->out = way->in = NULL;
    way->out_length = way->in_length = way->sent = 0;
}

/* The node goes on with another address, after a while. */
static void way_close(struct way *way, bool doubt)
{
    if (way->descriptor >= 0)
        close(way->descriptor);
    way->descriptor = -1;
    way->state = CLOSED;
    way->node->doubts += doubt;
    way->node->address = (way->node->address + 1) % load.address_count;
    way->due = now() + PAUSE * (1 + (double)rand() / RAND_MAX);
    way_forget(way);
}

static void way_connect(struct way *way)
{
    const int one = 1;
    way->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (way->descriptor < 0) {
        way_close(way, false);
        return;
    }
    setsockopt(way->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const struct sockaddr_in *address = &load.addresses[way->node->address];
    way->state = CONNECTING;
    if (connect(way->descriptor, (const struct sockaddr *)address, sizeof *address) != 0 && errno != EINPROGRESS)
        way_close(way, false);
    else
        way_watch(way, EPOLLOUT);
}

static void way_ask(struct way *way, const char *method, const char *path, const char *body, size_t length)
{
    const struct node *node = way->node;
    bool enrols = node->id[0] == '\0';
    way->out = must(malloc(length + 512));
    int head = snprintf(
        way->out, 512, "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s%s%s%s\r\nContent-Length: %zu\r\n\r\n",
        method, path, enrols ? node->token : "node.", node->id, enrols ? "" : ".", enrols ? "" : node->key, length);
    if (length)
        memcpy(way->out + head, body, length);
    way->out_length = (size_t)head + length;
    way->sent = 0;
    way->deadline = now() + ANSWER_PATIENCE + (way->kind == QUESTION ? load.wait : 0);
    if (way->state == CLOSED) {
        way_connect(way);
    } else {
        way->state = SENDING;
        way_watch(way, EPOLLOUT);
    }
}

/* --- what a node says --- */

static void ask_enrolment(struct node *node)
{
    char body[200];
    int length = snprintf(body, sizeof body, "{\"name\":\"load%u\",\"version\":\"0.1.0\",\"key_hash\":\"%s\"}",
                          node->number, node->hash);
    way_ask(&node->ways[QUESTION], "POST", "/v1/enrol", body, (size_t)length);
}

static int print_record(const struct node *node, int64_t sequence, size_t *acknowledged, char line[320])
{
    if (*acknowledged < node->waiting && node->acknowledgements[*acknowledged].sequence == sequence)
        return snprintf(line, 320,
                        "{\"sequence\":%lld,\"record\":\"acknowledgement\",\"time\":\"%s\",\"revision\":%lld,"
                        "\"done\":true,\"text\":\"\"}\n",
                        (long long)sequence, load.time, (long long)node->acknowledgements[(*acknowledged)++].revision);
    return snprintf(line, 320,
                    "{\"sequence\":%lld,\"record\":\"event\",\"time\":\"%s\",\"sender\":\"10.%u.%u.%u\","
                    "\"text\":\"a record of some length, as those of nodes are\",\"mine\":%u,\"n\":%lld}\n",
                    (long long)sequence, load.time, node->number >> 8 & 255, node->number & 255,
                    (unsigned)(sequence % 250), node->number, (long long)sequence);
}

static void deliver(struct node *node)
{
    int64_t last = node->made - node->delivered > load.batch ? node->delivered + load.batch : node->made;
    char *body = must(malloc(256 + 320 * (size_t)(last - node->delivered)));
    size_t acknowledged = 0;
    int length =
        sprintf(body, "{\"life\":\"%s\",\"after\":%lld,\"last\":%lld,\"spooled\":%lld,\"version\":\"0.1.0\"}\n",
                node->life, (long long)node->delivered, (long long)last, (long long)(node->made - node->delivered));
    for (int64_t sequence = node->delivered + 1; sequence <= last; sequence++)
        length += print_record(node, sequence, &acknowledged, body + length);
    way_ask(&node->ways[DELIVERY], "POST", "/v1/records", body, (size_t)length);
    free(body);
}

static void ask_orders(struct node *node)
{
    char path[96];
    snprintf(path, sizeof path, "/v1/directives?after=%lld&wait=%u", (long long)node->after, load.wait);
    way_ask(&node->ways[QUESTION], "GET", path, "", 0);
}

static void make_more(struct node *node, double time)
{
    if (load.stopped || load.every < 0 || time < node->next || node->made - node->delivered > 4 * load.batch)
        return;
    node->next = time + load.every;
    node->made += load.batch;
}

/* --- what a node hears --- */

static void take_order(struct node *node, int64_t revision)
{
    if (revision <= node->after || node->seen == ORDERS_MOST || node->waiting == ORDERS_MOST) {
        node->again++;
        return;
    }
    node->revisions[node->seen++] = revision;
    node->acknowledgements[node->waiting].sequence = ++node->made;
    node->acknowledgements[node->waiting++].revision = revision;
    node->after = revision;
    if (revision > load.latest.revision) {
        load.latest.revision = revision;
        load.latest.nodes = 0;
        load.latest.first = now();
    }
    if (revision == load.latest.revision) {
        load.latest.nodes++;
        load.latest.last = now();
        if (load.latest.nodes == (load.count + 1) / 2)
            load.latest.half = load.latest.last;
    }
}

static void take_orders(struct node *node, const json_t *answer)
{
    size_t index;
    json_t *directive;
    json_array_foreach(json_object_get(answer, "directives"), index, directive)
        take_order(node, json_integer_value(json_object_get(directive, "revision")));
}

static void take_delivered(struct node *node, int64_t delivered)
{
    size_t done = 0;
    if (delivered > node->made || delivered < 0) {
        node->refused++;
        return;
    }
    node->delivered = delivered;
    while (done < node->waiting && node->acknowledgements[done].sequence <= delivered)
        done++;
    memmove(node->acknowledgements, node->acknowledgements + done,
            (node->waiting - done) * sizeof node->acknowledgements[0]);
    node->waiting -= done;
}

static void take_answer(struct way *way, int status, const char *body, size_t length)
{
    struct node *node = way->node;
    json_t *answer = json_loadb(body, length, 0, NULL);
    const char *id = json_string_value(json_object_get(answer, "node"));
    bool enrols = node->id[0] == '\0';
    if (enrols && status / 100 == 2 && id)
        snprintf(node->id, sizeof node->id, "%s", id);
    else if (way->kind == DELIVERY && (status == 200 || status == 409))
        take_delivered(node, json_integer_value(json_object_get(answer, "delivered")));
    else if (way->kind == QUESTION && status == 200)
        take_orders(node, answer);
    else if (status != 204)
        node->refused++;
    json_decref(answer);
    way_forget(way);
    if (status >= 400 && status != 409)
        way_close(way, false);
}

/* The whole answer is there: its status, and where its body is. */
static bool is_whole(const struct way *way, int *status, size_t *start, size_t *length)
{
    const char *end = way->in ? strstr(way->in, "\r\n\r\n") : NULL, *told;
    if (!end || sscanf(way->in, "HTTP/1.1 %d", status) != 1)
        return false;
    told = strcasestr(way->in, "\r\nContent-Length:");
    *start = (size_t)(end - way->in) + 4;
    *length = told && told < end ? strtoul(told + 17, NULL, 10) : 0;
    return way->in_length >= *start + *length;
}

static void way_read(struct way *way)
{
    char bytes[16384];
    int status = 0;
    size_t start = 0, length = 0;
    ssize_t got = read(way->descriptor, bytes, sizeof bytes);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || way->in_length + (size_t)got > ANSWER_MOST || way->state != READING) {
        way_close(way, way->state == READING || way->out != NULL);
        return;
    }
    way->in = must(realloc(way->in, way->in_length + (size_t)got + 1));
    memcpy(way->in + way->in_length, bytes, (size_t)got);
    way->in_length += (size_t)got;
    way->in[way->in_length] = '\0';
    if (!is_whole(way, &status, &start, &length))
        return;
    way->state = SENDING; /* nothing, yet */
    char *in = way->in;
    way->in = NULL;
    take_answer(way, status, in + start, length);
    free(in);
}

static void way_write(struct way *way)
{
    int failure = 0;
    socklen_t size = sizeof failure;
    if (way->state == CONNECTING &&
        (getsockopt(way->descriptor, SOL_SOCKET, SO_ERROR, &failure, &size) != 0 || failure != 0)) {
        way_close(way, false);
        return;
    }
    way->state = SENDING;
    while (way->sent < way->out_length) {
        ssize_t put = send(way->descriptor, way->out + way->sent, way->out_length - way->sent, MSG_NOSIGNAL);
        if (put < 0 && errno == EAGAIN)
            return;
        if (put < 0) {
            way_close(way, true);
            return;
        }
        way->sent += (size_t)put;
    }
    way->state = READING;
    way_watch(way, EPOLLIN);
}

/* --- the loop --- */

static bool is_idle(const struct way *way, double time)
{
    return way->out == NULL && (way->state == SENDING || (way->state == CLOSED && time >= way->due));
}

static void turn(struct node *node, double time)
{
    for (int i = 0; i < 2; i++)
        if (node->ways[i].out && time > node->ways[i].deadline)
            way_close(&node->ways[i], true);
    if (node->id[0] == '\0') {
        if (is_idle(&node->ways[QUESTION], time))
            ask_enrolment(node);
        return;
    }
    make_more(node, time);
    if (node->made > node->delivered && is_idle(&node->ways[DELIVERY], time))
        deliver(node);
    if (load.wait > 0 && is_idle(&node->ways[QUESTION], time))
        ask_orders(node);
}

static void print_state(void)
{
    unsigned enrolled = 0, waiting = 0, refused = 0, doubts = 0;
    long long delivered = 0, after = INT64_MAX, made = 0;
    for (unsigned i = 0; i < load.count; i++) {
        const struct node *node = load.nodes[i];
        enrolled += node->id[0] != '\0';
        waiting += node->id[0] != '\0' && node->ways[QUESTION].state == READING;
        refused += node->refused;
        doubts += node->doubts;
        delivered += node->delivered;
        made += node->made;
        after = node->after < after ? node->after : after;
    }
    printf("{\"time\":%.6f,\"enrolled\":%u,\"waiting\":%u,\"delivered\":%lld,\"made\":%lld,\"after\":%lld,"
           "\"refused\":%u,\"doubts\":%u,\"revision\":%lld,\"nodes\":%u,\"first\":%.6f,\"half\":%.6f,\"last\":%.6f}\n",
           now(), enrolled, waiting, delivered, made, after, refused, doubts, (long long)load.latest.revision,
           load.latest.nodes, load.latest.first, load.latest.half, load.latest.last);
    fflush(stdout);
}

static void print_nodes(void)
{
    for (unsigned i = 0; i < load.count; i++) {
        const struct node *node = load.nodes[i];
        printf("{\"node\":\"%s\",\"number\":%u,\"life\":\"%s\",\"made\":%lld,\"delivered\":%lld,\"doubts\":%u,"
               "\"refused\":%u,\"again\":%u,\"revisions\":[",
               node->id, node->number, node->life, (long long)node->made, (long long)node->delivered, node->doubts,
               node->refused, node->again);
        for (size_t k = 0; k < node->seen; k++)
            printf("%s%lld", k ? "," : "", (long long)node->revisions[k]);
        printf("]}\n");
    }
    printf("{\"end\":true}\n");
    fflush(stdout);
}

static bool is_finished(double time)
{
    if (!load.finishing)
        return false;
    bool all = true;
    for (unsigned i = 0; i < load.count && all; i++)
        all = load.nodes[i]->after >= load.until && load.nodes[i]->delivered == load.nodes[i]->made;
    return all || time > load.limit;
}

/* False: the end. */
static bool obey(void)
{
    char line[200];
    long long revision = 0;
    double seconds = 0;
    ssize_t got = read(STDIN_FILENO, line, sizeof line - 1); /* who asks waits for the answer: one line at a time */
    if (got <= 0)
        return false;
    line[got] = '\0';
    if (strncmp(line, "stop", 4) == 0)
        load.stopped = true;
    else if (sscanf(line, "finish %lld %lf", &revision, &seconds) == 2) {
        load.stopped = load.finishing = true;
        load.until = revision;
        load.limit = now() + seconds;
        return true;
    }
    print_state();
    return true;
}

static void run(void)
{
    struct epoll_event events[256], input = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(load.poll, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    double time = now();
    while (!is_finished(time)) {
        int count = epoll_wait(load.poll, events, 256, load.every == 0 ? 1 : 10);
        for (int i = 0; i < count; i++) {
            struct way *way = events[i].data.ptr;
            if (!way && !obey())
                return;
            if (!way || way->descriptor < 0)
                continue;
            if (way->state == CONNECTING || (way->state == SENDING && way->out))
                way_write(way);
            else
                way_read(way);
        }
        time = now();
        for (unsigned i = 0; i < load.count; i++)
            turn(load.nodes[i], time);
    }
    print_nodes();
}

/* --- its start --- */

static void make_node(const char *token)
{
    unsigned char secret[32], hash[32], life[8];
    struct node *node = load.nodes[load.count] = must(calloc(1, sizeof *node));
    node->number = load.count++;
    node->address = node->number % load.address_count;
    node->next = now() + load.every * rand() / RAND_MAX;
    snprintf(node->token, sizeof node->token, "%.*s", (int)strcspn(token, "\n"), token);
    randombytes_buf(secret, sizeof secret);
    randombytes_buf(life, sizeof life);
    crypto_generichash(hash, sizeof hash, secret, sizeof secret, NULL, 0);
    sodium_bin2hex(node->hash, sizeof node->hash, hash, sizeof hash);
    sodium_bin2hex(node->life, sizeof node->life, life, sizeof life);
    sodium_bin2base64(node->key, sizeof node->key, secret, sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    for (int i = 0; i < 2; i++)
        node->ways[i] = (struct way){.node = node, .kind = (enum kind)i, .descriptor = -1};
}

static bool read_addresses(char *text)
{
    for (char *at = strtok(text, ","); at && load.address_count < ADDRESSES_MOST; at = strtok(NULL, ",")) {
        char *colon = strrchr(at, ':');
        struct sockaddr_in *address = &load.addresses[load.address_count++];
        if (!colon)
            return false;
        *colon = '\0';
        *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
        if (inet_pton(AF_INET, at, &address->sin_addr) != 1)
            return false;
    }
    return load.address_count > 0;
}

int main(int count, char **words)
{
    char line[200];
    FILE *tokens = count == 6 ? fopen(words[2], "r") : NULL;
    if (!tokens || sodium_init() < 0 || !read_addresses(words[1])) {
        fprintf(stderr, "usage: fleet_load ADDRESS:PORT[,...] TOKENS EVERY BATCH WAIT\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    load.every = atof(words[3]) / 1000;
    load.batch = (unsigned)atoi(words[4]);
    load.wait = (unsigned)atoi(words[5]);
    load.poll = epoll_create1(EPOLL_CLOEXEC);
    time_t moment = time(NULL);
    strftime(load.time, sizeof load.time, "%Y-%m-%dT%H:%M:%SZ", gmtime(&moment));
    while (load.count < NODES_MOST && fgets(line, sizeof line, tokens))
        make_node(line);
    fclose(tokens);
    run();
    return 0;
}
