/* Batches, questions, answers, checked attributes: the one place that sends to nf_tables and receives from it. */
#include "nft/netlink.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <linux/netlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nf_tables.h>
#include "common/text.h"

#define INCOMING       ((size_t)64 * 1024) /* the kernel fills what it is given, up to 32 kB a time */
#define BATCH_FIRST    ((size_t)16 * 1024)
#define SEND_ROOM      (1024 * 1024)
#define ANSWER_SECONDS 5

int netlink_open(struct netlink *netlink, uint32_t groups, struct error *error)
{
    *netlink = (struct netlink){0};
    netlink->incoming = malloc(INCOMING);
    if (!netlink->incoming)
        return error_set(error, ENOMEM, "no memory for a netlink socket");
    netlink->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    if (!netlink->socket || mnl_socket_bind(netlink->socket, groups, MNL_SOCKET_AUTOPID) < 0) {
        int code = errno;
        netlink_close(netlink);
        return error_set(error, code, "cannot open a netlink socket: %s", strerror(code));
    }
    netlink->port = mnl_socket_get_portid(netlink->socket);
    /* Short errors with the kernel's own words. Kernels that know neither are understood as well. */
    int on = 1;
    mnl_socket_setsockopt(netlink->socket, NETLINK_CAP_ACK, &on, sizeof on);
    mnl_socket_setsockopt(netlink->socket, NETLINK_EXT_ACK, &on, sizeof on);
    struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    setsockopt(mnl_socket_get_fd(netlink->socket), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return 0;
}

void netlink_close(struct netlink *netlink)
{
    if (netlink->socket)
        mnl_socket_close(netlink->socket);
    free(netlink->incoming);
    *netlink = (struct netlink){0};
}

void batch_init(struct batch *batch)
{
    batch->bytes = NULL;
    batch->length = batch->room = 0;
    batch->failed = false;
}

void batch_clear(struct batch *batch)
{
    free(batch->bytes);
    batch_init(batch);
}

static struct nlmsghdr *message_begin(void *place, uint16_t type, uint8_t family, uint16_t flags)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(place);
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | flags;
    struct nfgenmsg *head = mnl_nlmsg_put_extra_header(message, sizeof *head);
    head->nfgen_family = family;
    head->version = NFNETLINK_V0;
    return message;
}

/* Bytes that count, the message begun last included. */
static size_t batch_end(const struct batch *batch)
{
    if (batch->failed || !batch->bytes)
        return 0;
    const struct nlmsghdr *last = (const void *)(batch->bytes + batch->length);
    assert(last->nlmsg_len <= BATCH_MESSAGE);
    return batch->length + NLMSG_ALIGN(last->nlmsg_len);
}

/* Room for a whole message behind what stands. */
static void *batch_place(struct batch *batch)
{
    batch->length = batch_end(batch);
    if (!batch->failed && batch->room - batch->length < BATCH_MESSAGE) {
        size_t room = batch->room ? batch->room * 2 : BATCH_FIRST;
        uint8_t *bytes = realloc(batch->bytes, room);
        batch->failed = bytes == NULL;
        batch->bytes = bytes ? bytes : batch->bytes;
        batch->room = bytes ? room : batch->room;
    }
    uint8_t *place = batch->failed ? batch->nowhere : batch->bytes + batch->length;
    /* libmnl leaves what pads an attribute as it was; the same message is to be the same bytes. */
    return memset(place, 0, BATCH_MESSAGE);
}

struct nlmsghdr *batch_message(struct batch *batch, uint8_t type, uint8_t family, uint16_t flags)
{
    return message_begin(batch_place(batch), NFNL_SUBSYS_NFTABLES << 8 | type, family, flags);
}

struct nlmsghdr *batch_next(const struct batch *batch, const struct nlmsghdr *previous)
{
    size_t at = previous ? (size_t)((const uint8_t *)previous - batch->bytes) + NLMSG_ALIGN(previous->nlmsg_len) : 0;
    return at < batch_end(batch) ? (struct nlmsghdr *)(void *)(batch->bytes + at) : NULL;
}

/* EINTR is no outcome. */
static ssize_t receive(struct netlink *netlink, int flags)
{
    ssize_t received;
    do
        received = recv(mnl_socket_get_fd(netlink->socket), netlink->incoming, INCOMING, flags | MSG_TRUNC);
    while (received < 0 && errno == EINTR);
    if (received > (ssize_t)INCOMING) {
        errno = ENOBUFS;
        return -1;
    }
    return received;
}

static int transmit(struct netlink *netlink, struct iovec *parts, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += parts[i].iov_len;
    if (length > SEND_ROOM / 8) {
        int room = (int)(length * 2 > SEND_ROOM ? length * 2 : SEND_ROOM);
        setsockopt(mnl_socket_get_fd(netlink->socket), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    }
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct msghdr whole = {.msg_name = &kernel, .msg_namelen = sizeof kernel, .msg_iov = parts, .msg_iovlen = count};
    ssize_t sent;
    do
        sent = sendmsg(mnl_socket_get_fd(netlink->socket), &whole, 0);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

/* What the kernel adds to an error code, in its own words; empty where it says nothing. */
static struct text extended_error(const struct nlmsghdr *message, const struct nlmsgerr *refusal)
{
    size_t skip = sizeof *refusal;
    if (!(message->nlmsg_flags & NLM_F_CAPPED) && refusal->msg.nlmsg_len >= sizeof refusal->msg)
        skip += refusal->msg.nlmsg_len - sizeof refusal->msg;
    if (!(message->nlmsg_flags & NLM_F_ACK_TLVS) || mnl_nlmsg_get_payload_len(message) < skip)
        return TEXT("");
    const struct nlattr *attribute;
    mnl_attr_for_each(attribute, message, skip)
    {
        if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
            return text_of(mnl_attr_get_str(attribute));
    }
    return TEXT("");
}

static const char *message_name(uint8_t type)
{
    switch (type) {
    case NFT_MSG_NEWTABLE:
        return "making the table";
    case NFT_MSG_DELTABLE:
        return "removing the table";
    case NFT_MSG_NEWCHAIN:
        return "making a chain";
    case NFT_MSG_DELCHAIN:
        return "removing a chain";
    case NFT_MSG_NEWRULE:
        return "adding a rule";
    case NFT_MSG_NEWSET:
        return "making a set";
    case NFT_MSG_NEWSETELEM:
        return "adding an element";
    case NFT_MSG_DELSETELEM:
        return "removing an element";
    default:
        return "a transaction";
    }
}

struct outcome {
    bool answered; /* the last message was acknowledged or refused */
    int code;      /* the first refusal, a positive errno */
    uint32_t sequence;
    char words[120];
};

static void outcome_note(struct outcome *outcome, const struct nlmsghdr *message)
{
    if (message->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(message) < sizeof(struct nlmsgerr))
        return;
    const struct nlmsgerr *refusal = mnl_nlmsg_get_payload(message);
    outcome->answered = true;
    if (refusal->error == 0 || outcome->code != 0)
        return;
    outcome->code = refusal->error < 0 ? -refusal->error : refusal->error;
    outcome->sequence = message->nlmsg_seq;
    text_copy_printable(extended_error(message, refusal), outcome->words, sizeof outcome->words);
}

/* All that is waiting; answers to something older are passed over. */
static void outcome_collect(struct netlink *netlink, uint32_t first, uint32_t last, struct outcome *outcome)
{
    for (;;) {
        ssize_t received = receive(netlink, MSG_DONTWAIT);
        if (received < 0 && errno == ENOBUFS)
            continue; /* some answers were lost; those that were not may still say it */
        if (received <= 0)
            return;
        int left = (int)received;
        for (const struct nlmsghdr *m = (const void *)netlink->incoming; mnl_nlmsg_ok(m, left);
             m = mnl_nlmsg_next(m, &left))
            if (m->nlmsg_seq - first <= last - first)
                outcome_note(outcome, m);
    }
}

/* An edge of the batch: nfnetlink's own message, which names the subsystem. */
static struct nlmsghdr *edge(uint8_t place[64], uint16_t type, uint32_t sequence)
{
    struct nlmsghdr *message = message_begin(place, type, AF_UNSPEC, 0);
    ((struct nfgenmsg *)mnl_nlmsg_get_payload(message))->res_id = htons(NFNL_SUBSYS_NFTABLES);
    message->nlmsg_seq = sequence;
    return message;
}

int batch_commit(struct netlink *netlink, struct batch *batch, uint32_t generation, const struct nlmsghdr **refused,
                 struct error *error)
{
    if (refused)
        *refused = NULL;
    if (batch->failed)
        return error_set(error, ENOMEM, "no memory for a transaction");
    uint8_t begin_bytes[64] __attribute__((aligned(8))), end_bytes[64] __attribute__((aligned(8)));
    uint32_t first = ++netlink->sequence;
    struct nlmsghdr *begin = edge(begin_bytes, NFNL_MSG_BATCH_BEGIN, first);
    if (generation)
        mnl_attr_put_u32(begin, NFNL_BATCH_GENID, htonl(generation));
    struct nlmsghdr *last = NULL;
    for (struct nlmsghdr *m = batch_next(batch, NULL); m; m = batch_next(batch, m)) {
        m->nlmsg_seq = ++netlink->sequence;
        m->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
        last = m;
    }
    if (!last)
        return 0;
    last->nlmsg_flags |= NLM_F_ACK;
    struct nlmsghdr *end = edge(end_bytes, NFNL_MSG_BATCH_END, ++netlink->sequence);
    struct iovec parts[] = {
        {begin, NLMSG_ALIGN(begin->nlmsg_len)}, {batch->bytes, batch_end(batch)}, {end, NLMSG_ALIGN(end->nlmsg_len)}};
    int code = transmit(netlink, parts, 3);
    if (code)
        return error_set(error, -code, "cannot send to nf_tables: %s", strerror(-code));
    struct outcome outcome = {0};
    outcome_collect(netlink, first, netlink->sequence, &outcome);
    if (!outcome.answered)
        return error_set(error, ENOBUFS, "nf_tables' answer was lost");
    if (!outcome.code)
        return 0;
    const struct nlmsghdr *at = NULL;
    for (const struct nlmsghdr *m = batch_next(batch, NULL); m && !at; m = batch_next(batch, m))
        at = m->nlmsg_seq == outcome.sequence ? m : NULL;
    if (refused)
        *refused = at;
    return error_set(error, outcome.code, "nf_tables refused %s: %s%s%s", message_name(at ? message_type(at) : 255),
                     strerror(outcome.code), outcome.words[0] ? ": " : "", outcome.words);
}

struct nlmsghdr *netlink_question(uint8_t room[BATCH_MESSAGE], uint8_t type, uint8_t family, uint16_t flags)
{
    return message_begin(room, NFNL_SUBSYS_NFTABLES << 8 | type, family, flags);
}

/* One message of an answer. 1: it goes on; 0: that was all; else a negative errno. */
static int answer_read(const struct nlmsghdr *message, netlink_each *each, void *context, struct error *error)
{
    if (message->nlmsg_flags & NLM_F_DUMP_INTR)
        return error_set(error, EINTR, "the rule set changed while it was read");
    if (message->nlmsg_type == NLMSG_ERROR) {
        if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nlmsgerr))
            return error_set(error, EPROTO, "nf_tables sent an error of %u bytes", message->nlmsg_len);
        int code = ((const struct nlmsgerr *)mnl_nlmsg_get_payload(message))->error;
        return code == 0 ? 0 : error_set(error, -code, "nf_tables refused a question: %s", strerror(-code));
    }
    if (message->nlmsg_type == NLMSG_DONE)
        return 0;
    if (message->nlmsg_type < NLMSG_MIN_TYPE)
        return 1;
    int code = each(context, message, error);
    return code < 0 ? code : 1;
}

/* What is left of an answer that we no longer want must not be taken for the next one's: sequence numbers see to that,
 * but the room it takes is given back here. */
static void drain(struct netlink *netlink)
{
    while (receive(netlink, MSG_DONTWAIT) > 0 || errno == ENOBUFS)
        ;
}

int netlink_ask(struct netlink *netlink, struct nlmsghdr *question, netlink_each *each, void *context,
                struct error *error)
{
    question->nlmsg_seq = ++netlink->sequence;
    /* A dump ends itself; an answer to a single question is ended by the acknowledgement that we ask for. */
    if (!(question->nlmsg_flags & NLM_F_DUMP))
        question->nlmsg_flags |= NLM_F_ACK;
    struct iovec part = {question, question->nlmsg_len};
    int code = transmit(netlink, &part, 1);
    if (code)
        return error_set(error, -code, "cannot send to nf_tables: %s", strerror(-code));
    for (;;) {
        ssize_t received = receive(netlink, 0);
        if (received <= 0) {
            code = received == 0 ? EPROTO : errno == EAGAIN ? ETIMEDOUT : errno;
            return error_set(error, code, "no answer from nf_tables: %s", strerror(code));
        }
        int left = (int)received;
        for (const struct nlmsghdr *m = (const void *)netlink->incoming; mnl_nlmsg_ok(m, left);
             m = mnl_nlmsg_next(m, &left)) {
            if (m->nlmsg_seq != question->nlmsg_seq || m->nlmsg_pid != netlink->port)
                continue;
            code = answer_read(m, each, context, error);
            if (code <= 0) {
                drain(netlink);
                return code;
            }
        }
    }
}

static int generation_read(void *context, const struct nlmsghdr *message, struct error *error)
{
    static const struct attribute_form forms[] = {{NFTA_GEN_ID, MNL_TYPE_U32, 0}};
    const struct nlattr *table[ATTRIBUTES_MOST];
    if (!attributes_of_message(message, forms, 1, table) || !table[NFTA_GEN_ID])
        return error_set(error, EPROTO, "nf_tables did not tell its generation");
    *(uint32_t *)context = ntohl(mnl_attr_get_u32(table[NFTA_GEN_ID]));
    return 0;
}

int netlink_generation(struct netlink *netlink, uint32_t *result, struct error *error)
{
    uint8_t room[BATCH_MESSAGE] __attribute__((aligned(8)));
    uint32_t generation = 0;
    int code =
        netlink_ask(netlink, netlink_question(room, NFT_MSG_GETGEN, AF_UNSPEC, 0), generation_read, &generation, error);
    if (code == 0)
        *result = generation;
    return code;
}

struct reading {
    const struct attribute_form *forms;
    size_t count;
    const struct nlattr **table;
};

static int attribute_check(const struct nlattr *attribute, void *context)
{
    const struct reading *reading = context;
    uint16_t type = mnl_attr_get_type(attribute);
    for (size_t i = 0; i < reading->count; i++) {
        const struct attribute_form *form = &reading->forms[i];
        if (form->type != type)
            continue;
        assert(type < ATTRIBUTES_MOST);
        if (mnl_attr_validate(attribute, form->kind) < 0 || mnl_attr_get_payload_len(attribute) < form->least)
            return MNL_CB_ERROR;
        reading->table[type] = attribute;
    }
    return MNL_CB_OK;
}

bool attributes_of_message(const struct nlmsghdr *message, const struct attribute_form *forms, size_t count,
                           const struct nlattr *table[ATTRIBUTES_MOST])
{
    struct reading reading = {forms, count, table};
    memset(table, 0, sizeof(const struct nlattr *) * ATTRIBUTES_MOST);
    /* libmnl walks to the next multiple of four, where the kernel's messages end anyway. */
    if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg) || message->nlmsg_len % NLMSG_ALIGNTO)
        return false;
    return mnl_attr_parse(message, sizeof(struct nfgenmsg), attribute_check, &reading) == MNL_CB_OK;
}

bool attributes_of_nest(const struct nlattr *nest, const struct attribute_form *forms, size_t count,
                        const struct nlattr *table[ATTRIBUTES_MOST])
{
    struct reading reading = {forms, count, table};
    memset(table, 0, sizeof(const struct nlattr *) * ATTRIBUTES_MOST);
    return mnl_attr_parse_nested(nest, attribute_check, &reading) == MNL_CB_OK;
}

struct nlattr *nest_open(struct nlmsghdr *message, uint16_t type)
{
    struct nlattr *nest = mnl_attr_nest_start(message, type);
    nest->nla_type = type;
    return nest;
}

void nest_close(struct nlmsghdr *message, struct nlattr *nest)
{
    mnl_attr_nest_end(message, nest);
}
