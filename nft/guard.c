/* What others do to our table: the kernel tells the group NFNLGRP_NFTABLES of every change and, at the end of each
 * transaction, who made it.
 *
 * A change is told when its transaction is complete, so that it comes with its culprit's name. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include "common/text.h"
#include "nft/schema.h"
#include "nft/table.h"

#define RECEIVE_ROOM   (8 * 1024 * 1024)
#define RECEIVE_BUFFER ((size_t)64 * 1024)
#define TABLE_IN_EVENT 1 /* NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, ...: of one number in all events */

struct nft_guard {
    const struct nft *ours;
    struct netlink netlink;
    enum nft_guard_news pending; /* of the transaction whose end has not come yet */
};

static_assert((int)NFTA_TABLE_NAME == TABLE_IN_EVENT && (int)NFTA_CHAIN_TABLE == TABLE_IN_EVENT &&
                  (int)NFTA_RULE_TABLE == TABLE_IN_EVENT && (int)NFTA_SET_TABLE == TABLE_IN_EVENT &&
                  (int)NFTA_SET_ELEM_LIST_TABLE == TABLE_IN_EVENT,
              "one reader for all events");

int nft_guard_open(const struct nft *ours, struct nft_guard **result, struct error *error)
{
    struct nft_guard *guard = calloc(1, sizeof *guard);
    if (!guard)
        return error_set(error, ENOMEM, "no memory to watch nf_tables");
    int code = netlink_open(&guard->netlink, 1u << (NFNLGRP_NFTABLES - 1), error);
    if (code < 0) {
        free(guard);
        return error_wrap(error, "cannot watch nf_tables");
    }
    int room = RECEIVE_ROOM;
    setsockopt(mnl_socket_get_fd(guard->netlink.socket), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    guard->ours = ours;
    *result = guard;
    return 0;
}

void nft_guard_close(struct nft_guard **guard)
{
    if (!*guard)
        return;
    netlink_close(&(*guard)->netlink);
    free(*guard);
    *guard = NULL;
}

int nft_guard_descriptor(const struct nft_guard *guard)
{
    return mnl_socket_get_fd(guard->netlink.socket);
}

static bool is_our_table(const struct nft_guard *guard, const struct nlmsghdr *event)
{
    static const struct attribute_form forms[] = {{TABLE_IN_EVENT, MNL_TYPE_NUL_STRING, 0}};
    const struct nlattr *table[ATTRIBUTES_MOST];
    if (!attributes_of_message(event, forms, 1, table) || !table[TABLE_IN_EVENT])
        return false;
    uint8_t family = ((const struct nfgenmsg *)mnl_nlmsg_get_payload(event))->nfgen_family;
    bool wanted =
        guard->ours->family ? family == guard->ours->family : family == NFPROTO_NETDEV || family == NFPROTO_INET;
    return wanted && strcmp(mnl_attr_get_str(table[TABLE_IN_EVENT]), TABLE_NAME) == 0;
}

static void note(struct nft_guard *guard, enum nft_guard_news news)
{
    /* A table that is gone is worse news than one that changed, and the loss of news the worst. */
    static const int weight[] = {
        [NFT_GUARD_QUIET] = 0, [NFT_GUARD_CHANGED] = 1, [NFT_GUARD_TABLE_GONE] = 2, [NFT_GUARD_OVERRUN] = 3};
    if (weight[news] > weight[guard->pending])
        guard->pending = news;
}

static void name_culprit(const struct nlmsghdr *event, char culprit[32])
{
    static const struct attribute_form forms[] = {{NFTA_GEN_PROC_PID, MNL_TYPE_U32, 0},
                                                  {NFTA_GEN_PROC_NAME, MNL_TYPE_NUL_STRING, 0}};
    const struct nlattr *table[ATTRIBUTES_MOST];
    char name[16];
    if (!attributes_of_message(event, forms, 2, table) || !table[NFTA_GEN_PROC_NAME])
        return;
    text_copy_printable(text_of(mnl_attr_get_str(table[NFTA_GEN_PROC_NAME])), name, sizeof name);
    uint32_t pid = table[NFTA_GEN_PROC_PID] ? ntohl(mnl_attr_get_u32(table[NFTA_GEN_PROC_PID])) : 0;
    snprintf(culprit, 32, "%s (%u)", name, pid);
}

/* True: with this event the news is complete. */
static bool event_read(struct nft_guard *guard, const struct nlmsghdr *event, char culprit[32])
{
    if (event->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
        return false;
    bool by_us = event->nlmsg_pid == guard->ours->netlink.port;
    switch (message_type(event)) {
    case NFT_MSG_NEWGEN:
        if (guard->pending != NFT_GUARD_QUIET && !by_us)
            name_culprit(event, culprit);
        return guard->pending != NFT_GUARD_QUIET;
    case NFT_MSG_DELTABLE:
        if (!by_us && is_our_table(guard, event))
            note(guard, NFT_GUARD_TABLE_GONE);
        return false;
    case NFT_MSG_NEWTABLE:
    case NFT_MSG_NEWCHAIN:
    case NFT_MSG_DELCHAIN:
    case NFT_MSG_NEWRULE:
    case NFT_MSG_DELRULE:
    case NFT_MSG_NEWSET:
    case NFT_MSG_DELSET:
    case NFT_MSG_NEWSETELEM:
    case NFT_MSG_DELSETELEM:
        if (!by_us && is_our_table(guard, event))
            note(guard, NFT_GUARD_CHANGED);
        return false;
    default:
        return false;
    }
}

static enum nft_guard_news tell(struct nft_guard *guard)
{
    enum nft_guard_news news = guard->pending;
    guard->pending = NFT_GUARD_QUIET;
    return news;
}

enum nft_guard_news nft_guard_read(struct nft_guard *guard, char culprit[32])
{
    culprit[0] = '\0';
    bool complete = false;
    for (;;) {
        ssize_t received =
            recv(nft_guard_descriptor(guard), guard->netlink.incoming, RECEIVE_BUFFER, MSG_DONTWAIT | MSG_TRUNC);
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0 && errno == ENOBUFS) {
            note(guard, NFT_GUARD_OVERRUN);
            complete = true;
            continue;
        }
        if (received <= 0)
            break;
        if ((size_t)received > RECEIVE_BUFFER) {
            note(guard, NFT_GUARD_OVERRUN);
            complete = true;
            continue;
        }
        int left = (int)received;
        for (const struct nlmsghdr *m = (const void *)guard->netlink.incoming; mnl_nlmsg_ok(m, left);
             m = mnl_nlmsg_next(m, &left))
            complete |= event_read(guard, m, culprit);
    }
    return complete ? tell(guard) : NFT_GUARD_QUIET;
}
