/* Our table as data.
 *
 * On a hypervisor, where a packet comes in:
 *
 *     port_vnet1 (hook) -> outgoing -> mail       a guest's TCP packet to a mail port
 *                                   -> fragments  IPv6 fragments, whose ports can be hidden
 *                                   -> odd        frames that still bear a VLAN tag after the outer one was taken off
 *     uplink_eth0 (hook) -> incoming -> answers   what mail servers answer to a blocked address; where there is reject
 *
 * On a host: output (hook) -> mail. In `mail` the order is the policy: answers to mail that arrives, destinations
 * always open, allowed senders, blocked ones, diverted ones, and for what opens a connection the throttled ones.
 *
 * Divert is counted and let through: nothing is known here of a relay.
 *
 * A throttled sender's element carries its own limit, which says yes to what is above it, so that one rule serves all
 * rates. Connections that are open are left alone: only their openings are counted and dropped.
 *
 * Fragments and tagged frames hide their ports, so they are dropped whole where the sender is blocked, and count
 * against the rate where it is throttled. Fragments of UDP and ICMP pass: they carry no mail. On the uplink an answer
 * is matched by address alone: where a guest's port is allowed and its address blocked, the answers are cut. */
#include "nft/ruleset.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include "nft/expression.h"
#include "nft/schema.h"

#define HOOK_PRIORITY   (-450) /* before bridge, connection tracking, NAT and flow tables */
#define PORT_PREFIX     "port_"
#define UPLINK_PREFIX   "uplink_"
#define USER_COMMENT    0 /* how nft marks a table's comment in user data */
#define IPV6_FRAGMENT   44
#define TCP_FLAGS       13 /* offset in the TCP header */
#define FIN_SYN_RST_ACK 0x17
#define SYN_ACK         0x12
#define SYN             0x02

uint8_t ruleset_family(enum nft_role role)
{
    return role == NFT_HYPERVISOR ? NFPROTO_NETDEV : NFPROTO_INET;
}

static void put_number(struct nlmsghdr *message, uint16_t type, uint32_t value)
{
    mnl_attr_put_u32(message, type, htonl(value));
}

/* Matches: each loads something and lets the rule go on only where it is so. */

static void compare_byte(struct rule *rule, uint32_t operation, uint8_t value)
{
    expression_compare(rule, operation, &value, sizeof value);
}

static void match_protocol(struct rule *rule, uint16_t protocol)
{
    uint16_t value = htons(protocol);
    expression_meta(rule, NFT_META_PROTOCOL);
    expression_compare(rule, NFT_CMP_EQ, &value, sizeof value);
}

/* IPv4 or IPv6, said as each family of tables says it. */
static void match_network(struct rule *rule, uint8_t family, enum nft_key key)
{
    if (family == NFPROTO_NETDEV) {
        match_protocol(rule, key == NFT_IPV4 ? ETH_P_IP : ETH_P_IPV6);
    } else {
        expression_meta(rule, NFT_META_NFPROTO);
        compare_byte(rule, NFT_CMP_EQ, key == NFT_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
    }
}

static void match_tcp(struct rule *rule)
{
    expression_meta(rule, NFT_META_L4PROTO);
    compare_byte(rule, NFT_CMP_EQ, IPPROTO_TCP);
}

enum side { SOURCE, DESTINATION };

static void load_port(struct rule *rule, enum side side)
{
    expression_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, side == SOURCE ? 0 : 2, 2);
}

static void match_mail_port(struct rule *rule, enum side side)
{
    load_port(rule, side);
    expression_lookup(rule, PORTS_SET);
}

static void match_flags(struct rule *rule, uint8_t mask, uint32_t operation, uint8_t value)
{
    expression_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS, 1);
    expression_mask(rule, &mask, sizeof mask);
    compare_byte(rule, operation, value);
}

static void load_address(struct rule *rule, uint8_t family, enum nft_key key, enum side side)
{
    match_network(rule, family, key);
    if (key == NFT_IPV4)
        expression_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, side == SOURCE ? 12 : 16, 4);
    else
        expression_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, side == SOURCE ? 8 : 24, 16);
}

/* Is the sender in the set? On the uplink it is the destination. */
static void match_sender(struct rule *rule, uint8_t family, const struct set_form *set, enum side side)
{
    static const uint8_t mask64[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    switch (set->key) {
    case NFT_PORT:
        expression_meta(rule, NFT_META_IIFNAME);
        break;
    case NFT_MAC: {
        uint16_t ether = ARPHRD_ETHER; /* host order, as the kernel keeps it */
        expression_meta(rule, NFT_META_IIFTYPE);
        expression_compare(rule, NFT_CMP_EQ, &ether, sizeof ether);
        expression_payload(rule, NFT_PAYLOAD_LL_HEADER, ETH_ALEN, ETH_ALEN);
        break;
    }
    case NFT_IPV4:
    case NFT_IPV6:
        /* What a host says to itself is no mail that leaves, whatever its address. */
        if (family == NFPROTO_INET) {
            char loopback[IFNAMSIZ] = "lo";
            expression_meta(rule, NFT_META_OIFNAME);
            expression_compare(rule, NFT_CMP_NEQ, loopback, sizeof loopback);
        }
        load_address(rule, family, set->key, side);
        if (set->key == NFT_IPV6)
            expression_mask(rule, mask64, sizeof mask64);
        break;
    case NFT_USER:
    case NFT_KEYS:
        expression_meta(rule, NFT_META_SKUID);
        break;
    }
    expression_lookup(rule, set->name);
}

/* Rules */

static struct rule rule_in(const struct making *making, const char *chain)
{
    return rule_begin(making->batch, making->family, TABLE_NAME, chain);
}

static void rule_done(struct rule *rule, int32_t code, const char *chain)
{
    expression_verdict(rule, code, chain);
    rule_end(rule);
}

/* One rule for each kind of sender that can be known here. */
static void rules_for_senders(const struct making *making, const char *chain, enum nft_deed deed, enum side side,
                              int32_t code, const char *target)
{
    for (size_t i = 0; i < set_forms_count; i++) {
        const struct set_form *set = &set_forms[i];
        bool address = set->key == NFT_IPV4 || set->key == NFT_IPV6;
        if (set->deed != deed || !family_has_key(making->family, set->key) || (side == DESTINATION && !address))
            continue;
        struct rule rule = rule_in(making, chain);
        match_sender(&rule, making->family, set, side);
        rule_done(&rule, code, target);
    }
}

static void rules_for_open(const struct making *making, const char *chain, enum side side)
{
    for (enum nft_key key = NFT_IPV4; key <= NFT_IPV6; key++) {
        struct rule rule = rule_in(making, chain);
        load_address(&rule, making->family, key, side);
        expression_lookup(&rule, key == NFT_IPV4 ? OPEN4_SET : OPEN6_SET);
        rule_done(&rule, NFT_RETURN, NULL);
    }
}

/* Mail that arrives at our port 25 from a client that happens to use a mail port's number, 2525 say: what we answer it
 * (`own` is the source) is no mail that leaves. A connection of ours from port 25 cannot begin this way. */
static void rule_for_arriving(const struct making *making, const char *chain, enum side own)
{
    uint16_t unprivileged = htons(1024);
    struct rule rule = rule_in(making, chain);
    match_tcp(&rule);
    match_mail_port(&rule, own);
    load_port(&rule, own == SOURCE ? DESTINATION : SOURCE);
    expression_compare(&rule, NFT_CMP_GTE, &unprivileged, sizeof unprivileged);
    if (own == SOURCE)
        match_flags(&rule, SYN_ACK, NFT_CMP_NEQ, SYN);
    rule_done(&rule, NFT_RETURN, NULL);
}

static void rules_of_mail(const struct making *making)
{
    rule_for_arriving(making, "mail", SOURCE);
    rules_for_open(making, "mail", DESTINATION);
    rules_for_senders(making, "mail", NFT_ALLOW, SOURCE, NFT_RETURN, NULL);
    rules_for_senders(making, "mail", NFT_BLOCK, SOURCE, NFT_GOTO, "cut");
    rules_for_senders(making, "mail", NFT_DIVERT, SOURCE, NFT_JUMP, "divert");
    /* Flags that cannot be read, in a fragment too short, do not match: such a packet is taken for an opening. */
    struct rule rule = rule_in(making, "mail");
    match_tcp(&rule);
    match_flags(&rule, FIN_SYN_RST_ACK, NFT_CMP_NEQ, SYN);
    rule_done(&rule, NFT_RETURN, NULL);
    if (making->features->element_counters)
        rules_for_senders(making, "mail", NFT_THROTTLE, SOURCE, NFT_GOTO, "slow");
}

static bool has_reject(const struct making *making)
{
    return making->plan->reject &&
           (making->family == NFPROTO_NETDEV ? making->features->netdev_reject : making->features->inet_reject);
}

static void rules_of_ends(const struct making *making)
{
    struct rule rule = rule_in(making, "cut");
    if (has_reject(making)) {
        match_tcp(&rule);
        expression_counter(&rule);
        expression_reset(&rule);
        rule_end(&rule);
    } else {
        expression_counter(&rule);
        rule_done(&rule, NF_DROP, NULL);
    }
    rule = rule_in(making, "slow");
    expression_counter(&rule);
    rule_done(&rule, NF_DROP, NULL);
    rule = rule_in(making, "divert");
    expression_counter(&rule);
    rule_end(&rule);
}

static void rule_to_mail(const struct making *making, const char *chain, enum side side, const char *target)
{
    struct rule rule = rule_in(making, chain);
    match_tcp(&rule);
    match_mail_port(&rule, side);
    rule_done(&rule, NFT_GOTO, target);
}

/* Packets whose ports cannot be seen: none of them passes from a blocked sender, and from a throttled one only what is
 * below its rate. `addresses`: IPv6 addresses can be seen. */
static void rules_for_hidden(const struct making *making, const char *chain, bool addresses)
{
    static const enum nft_deed deeds[] = {NFT_ALLOW, NFT_BLOCK, NFT_THROTTLE};
    for (size_t d = 0; d < sizeof deeds / sizeof *deeds; d++) {
        if (deeds[d] == NFT_THROTTLE && !making->features->element_counters)
            continue;
        for (enum nft_key key = NFT_PORT; key <= NFT_IPV6; key++) {
            if (key == NFT_IPV4 || (key == NFT_IPV6 && !addresses))
                continue;
            struct rule rule = rule_in(making, chain);
            match_sender(&rule, making->family, set_form_find(making->family, deeds[d], key), SOURCE);
            if (deeds[d] != NFT_ALLOW)
                expression_counter(&rule);
            rule_done(&rule, deeds[d] == NFT_ALLOW ? NFT_RETURN : NF_DROP, NULL);
        }
    }
}

static void rules_of_outgoing(const struct making *making)
{
    static const struct {
        uint16_t protocol;
        const char *chain; /* NULL: nothing more to see */
    } others[] = {{ETH_P_IP, NULL}, {ETH_P_IPV6, "fragments"}, {ETH_P_8021Q, "odd"}, {ETH_P_8021AD, "odd"}};
    rule_to_mail(making, "outgoing", DESTINATION, "mail");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct rule rule = rule_in(making, "outgoing");
        match_protocol(&rule, others[i].protocol);
        rule_done(&rule, others[i].chain ? NFT_GOTO : NFT_RETURN, others[i].chain);
    }
}

static void rules_of_fragments(const struct making *making)
{
    static const uint8_t harmless[] = {IPPROTO_UDP, IPPROTO_ICMPV6};
    struct rule rule = rule_in(making, "fragments");
    match_network(&rule, making->family, NFT_IPV6);
    expression_header6_present(&rule, IPV6_FRAGMENT);
    compare_byte(&rule, NFT_CMP_EQ, 0);
    rule_done(&rule, NFT_RETURN, NULL);
    for (size_t i = 0; i < sizeof harmless; i++) {
        rule = rule_in(making, "fragments");
        match_network(&rule, making->family, NFT_IPV6);
        expression_header6(&rule, IPV6_FRAGMENT, 0, 1);
        compare_byte(&rule, NFT_CMP_EQ, harmless[i]);
        rule_done(&rule, NFT_RETURN, NULL);
    }
    rules_for_hidden(making, "fragments", true);
}

/* A server's answer is worth a reset. Where there is none it passes: dropped, it would leave the server ignorant, and
 * the agent too, whose own reset needs the server's latest acknowledgement. */
static void rules_of_answers(const struct making *making)
{
    if (!has_reject(making))
        return;
    rule_for_arriving(making, "answers", DESTINATION);
    rules_for_open(making, "answers", SOURCE);
    rules_for_senders(making, "answers", NFT_ALLOW, DESTINATION, NFT_RETURN, NULL);
    rules_for_senders(making, "answers", NFT_BLOCK, DESTINATION, NFT_GOTO, "cut");
}

/* Chains */

static struct nlmsghdr *chain_put(struct batch *batch, uint8_t family, const char *name, uint16_t flags)
{
    struct nlmsghdr *message = batch_message(batch, NFT_MSG_NEWCHAIN, family, NLM_F_CREATE | flags);
    mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, TABLE_NAME);
    mnl_attr_put_strz(message, NFTA_CHAIN_NAME, name);
    return message;
}

static void hook_put(struct nlmsghdr *message, uint32_t hook, const char *device)
{
    struct nlattr *nest = nest_open(message, NFTA_CHAIN_HOOK);
    put_number(message, NFTA_HOOK_HOOKNUM, hook);
    put_number(message, NFTA_HOOK_PRIORITY, (uint32_t)HOOK_PRIORITY);
    if (device)
        mnl_attr_put_strz(message, NFTA_HOOK_DEV, device);
    nest_close(message, nest);
    put_number(message, NFTA_CHAIN_POLICY, NF_ACCEPT);
    mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, "filter");
}

static void chains_put(const struct making *making)
{
    static const char *const common[] = {"cut", "slow", "divert", "mail"};
    static const char *const netdev[] = {"fragments", "odd", "answers", "outgoing", "incoming"};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        chain_put(making->batch, making->family, common[i], 0);
    if (making->family == NFPROTO_NETDEV)
        for (size_t i = 0; i < sizeof netdev / sizeof *netdev; i++)
            chain_put(making->batch, making->family, netdev[i], 0);
    else
        hook_put(chain_put(making->batch, making->family, "output", 0), NF_INET_LOCAL_OUT, NULL);
    rules_of_ends(making);
    rules_of_mail(making);
    if (making->family == NFPROTO_NETDEV) {
        rules_of_fragments(making);
        rules_for_hidden(making, "odd", false);
        rules_of_answers(making);
        rules_of_outgoing(making);
        rule_to_mail(making, "incoming", SOURCE, "answers");
    } else {
        rule_to_mail(making, "output", DESTINATION, "mail");
    }
}

static void table_put(const struct making *making)
{
    static const char comment[] = "kept by postern: what others change here is put right again";
    uint8_t data[2 + sizeof comment] = {USER_COMMENT, sizeof comment};
    memcpy(data + 2, comment, sizeof comment);
    struct nlmsghdr *message = batch_message(making->batch, NFT_MSG_NEWTABLE, making->family, NLM_F_CREATE);
    mnl_attr_put_strz(message, NFTA_TABLE_NAME, TABLE_NAME);
    mnl_attr_put(message, NFTA_TABLE_USERDATA, sizeof data, data);
}

static void build(const struct making *making)
{
    table_put(making);
    schema_put(making);
    chains_put(making);
}

/* FNV-1a over all that is sent: whatever differs in a plan, the kernel's features or these rules differs in it. */
static uint64_t batch_fingerprint(const struct batch *batch)
{
    uint64_t fingerprint = UINT64_C(0xcbf29ce484222325);
    for (const struct nlmsghdr *m = batch_next(batch, NULL); m; m = batch_next(batch, m))
        for (size_t i = 0; i < m->nlmsg_len; i++)
            fingerprint = (fingerprint ^ ((const uint8_t *)m)[i]) * UINT64_C(0x100000001b3);
    return fingerprint;
}

void ruleset_build(struct batch *batch, const struct nft_plan *plan, const struct nft_features *features,
                   char mark[RULESET_MARK])
{
    struct batch draft;
    batch_init(&draft);
    struct making making = {&draft, ruleset_family(plan->role), plan, features, ""};
    build(&making);
    snprintf(mark, RULESET_MARK, RULESET_MARK_START "%016llx", (unsigned long long)batch_fingerprint(&draft));
    batch_clear(&draft);
    making.batch = batch;
    making.mark = mark;
    build(&making);
}

/* Hooks */

static void hooked_name(char name[NFT_CHAIN_MAXNAMELEN], const char *device, bool uplink)
{
    snprintf(name, NFT_CHAIN_MAXNAMELEN, "%s%s", uplink ? UPLINK_PREFIX : PORT_PREFIX, device);
}

void ruleset_hook(struct batch *batch, const char *device, bool uplink, uint16_t flags)
{
    char name[NFT_CHAIN_MAXNAMELEN];
    hooked_name(name, device, uplink);
    hook_put(chain_put(batch, NFPROTO_NETDEV, name, flags), NF_NETDEV_INGRESS, device);
    struct rule rule = rule_begin(batch, NFPROTO_NETDEV, TABLE_NAME, name);
    rule_done(&rule, NFT_JUMP, uplink ? "incoming" : "outgoing");
}

void ruleset_unhook(struct batch *batch, const char *device, bool uplink)
{
    char name[NFT_CHAIN_MAXNAMELEN];
    hooked_name(name, device, uplink);
    struct nlmsghdr *message = batch_message(batch, NFT_MSG_DELCHAIN, NFPROTO_NETDEV, 0);
    mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, TABLE_NAME);
    mnl_attr_put_strz(message, NFTA_CHAIN_NAME, name);
}

const char *ruleset_hooked_device(const char *chain, bool *uplink)
{
    static const char *const prefixes[] = {PORT_PREFIX, UPLINK_PREFIX};
    for (int i = 0; i < 2; i++) {
        size_t length = strlen(prefixes[i]);
        const char *device = chain + length;
        if (strncmp(chain, prefixes[i], length) != 0 || *device == '\0' || strlen(device) >= IFNAMSIZ)
            continue;
        *uplink = i == 1;
        return device;
    }
    return NULL;
}
