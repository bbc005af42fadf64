/* The table whole: made, taken over, replaced, removed; and its hooks.
 *
 * The table belongs to no process: the flag that ties one to its owner's socket would end it with the agent, and keep
 * both the agent's successor and `nft` on the command line from it. Instead a successor finds the table by its mark,
 * holds it expression by expression against what it would make itself, and where both are the same takes it over
 * without a change. Otherwise it is replaced in one transaction that is bound to the generation of the rule set in
 * which it was read: no element that anybody added in between is lost, and no packet meets half a table. */
#include "nft/nft.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include "common/cleanup.h"
#include "nft/inventory.h"
#include "nft/ruleset.h"
#include "nft/schema.h"
#include "nft/table.h"

#define TRIES 20

int nft_open(struct nft **result, struct error *error)
{
    struct nft *nft = calloc(1, sizeof *nft);
    if (!nft)
        return error_set(error, ENOMEM, "no memory for nf_tables");
    int code = netlink_open(&nft->netlink, 0, error);
    if (code < 0) {
        free(nft);
        return code;
    }
    *result = nft;
    return 0;
}

void nft_close(struct nft **nft)
{
    if (!*nft)
        return;
    netlink_close(&(*nft)->netlink);
    free(*nft);
    *nft = NULL;
}

/* Whose table it is */

enum owner { NOBODY, OURS, ANOTHER };

struct mark_seen {
    bool found;
    char mark[RULESET_MARK];
};

/* The comment in a set's user data: type, length, value, one after the other. */
static void mark_read(const uint8_t *data, size_t length, char mark[RULESET_MARK])
{
    static const uint8_t comment = 7;
    for (size_t at = 0; at + 2 <= length && at + 2 + data[at + 1] <= length; at += 2 + (size_t)data[at + 1]) {
        size_t size = data[at + 1];
        if (data[at] != comment || size == 0 || size > RULESET_MARK || data[at + 2 + size - 1] != '\0')
            continue;
        memcpy(mark, data + at + 2, size);
        return;
    }
}

static int set_seen(void *context, const struct nlmsghdr *message, struct error *error)
{
    static const struct attribute_form forms[] = {{NFTA_SET_USERDATA, MNL_TYPE_BINARY, 0}};
    const struct nlattr *table[ATTRIBUTES_MOST];
    struct mark_seen *seen = context;
    if (message_type(message) != NFT_MSG_NEWSET)
        return 0;
    if (!attributes_of_message(message, forms, 1, table))
        return error_set(error, EPROTO, "nf_tables described the set of ports in a way not understood");
    seen->found = true;
    if (table[NFTA_SET_USERDATA])
        mark_read(mnl_attr_get_payload(table[NFTA_SET_USERDATA]), mnl_attr_get_payload_len(table[NFTA_SET_USERDATA]),
                  seen->mark);
    return 0;
}

static int table_seen(void *context, const struct nlmsghdr *message, struct error *error)
{
    (void)message;
    (void)error;
    *(bool *)context = true;
    return 0;
}

/* A table of our name is ours where its set of ports bears our mark. A missing family is a missing table. */
static int owner_read(struct nft *nft, uint8_t family, enum owner *result, char mark[RULESET_MARK], struct error *error)
{
    uint8_t room[BATCH_MESSAGE] __attribute__((aligned(8)));
    struct mark_seen seen = {0};
    bool stands = false;
    struct nlmsghdr *question = netlink_question(room, NFT_MSG_GETTABLE, family, 0);
    mnl_attr_put_strz(question, NFTA_TABLE_NAME, TABLE_NAME);
    int code = netlink_ask(&nft->netlink, question, table_seen, &stands, error);
    if (code == -ENOENT || code == -EOPNOTSUPP || code == -EAFNOSUPPORT || (code == 0 && !stands)) {
        *result = NOBODY;
        return 0;
    }
    if (code < 0)
        return code;
    question = netlink_question(room, NFT_MSG_GETSET, family, 0);
    mnl_attr_put_strz(question, NFTA_SET_TABLE, TABLE_NAME);
    mnl_attr_put_strz(question, NFTA_SET_NAME, PORTS_SET);
    code = netlink_ask(&nft->netlink, question, set_seen, &seen, error);
    if (code < 0 && code != -ENOENT)
        return code;
    bool ours = seen.found && strncmp(seen.mark, RULESET_MARK_START, strlen(RULESET_MARK_START)) == 0;
    *result = ours ? OURS : ANOTHER;
    memcpy(mark, seen.mark, RULESET_MARK);
    return 0;
}

static const char *family_name(uint8_t family)
{
    return family == NFPROTO_NETDEV ? "netdev" : "inet";
}

static int refuse_another(uint8_t family, struct error *error)
{
    return error_set(error, EEXIST, "there is a table %s postern that postern did not make: remove it or rename it",
                     family_name(family));
}

/* What stands */

struct standing {
    uint32_t generation;
    enum owner owner, other_owner; /* of the table of the wanted family, and of the other one */
    char mark[RULESET_MARK];
    struct inventory inventory;
    struct held_list held;
};

static void standing_clear(struct standing *standing)
{
    inventory_clear(&standing->inventory);
    held_list_clear(&standing->held);
}

static uint8_t other_family(uint8_t family)
{
    return family == NFPROTO_NETDEV ? NFPROTO_INET : NFPROTO_NETDEV;
}

static int standing_read_once(struct nft *nft, uint8_t family, struct standing *standing, struct error *error)
{
    char other_mark[RULESET_MARK];
    int code = netlink_generation(&nft->netlink, &standing->generation, error);
    if (code == 0)
        code = owner_read(nft, family, &standing->owner, standing->mark, error);
    if (code == 0)
        code = owner_read(nft, other_family(family), &standing->other_owner, other_mark, error);
    if (code == 0 && standing->owner == ANOTHER)
        return refuse_another(family, error);
    if (code == 0 && standing->owner == OURS)
        code = inventory_read(&nft->netlink, family, &standing->inventory, error);
    if (code == 0 && standing->owner == OURS)
        code = held_list_read(nft, family, &standing->held, error);
    if (code == 0 && standing->other_owner == OURS)
        code = held_list_read(nft, other_family(family), &standing->held, error);
    uint32_t after = 0;
    if (code == 0)
        code = netlink_generation(&nft->netlink, &after, error);
    if (code == 0 && after != standing->generation)
        return error_set(error, EINTR, "the rule set changed while it was read");
    return code;
}

/* -EINTR: it changed all the while. */
static int standing_read(struct nft *nft, uint8_t family, struct standing *standing, struct error *error)
{
    int code = -EINTR;
    for (int i = 0; i < TRIES && (code == -EINTR || code == -ENOBUFS); i++) {
        standing_clear(standing);
        *standing = (struct standing){0};
        inventory_init(&standing->inventory);
        code = standing_read_once(nft, family, standing, error);
    }
    return code;
}

/* Is it, with the hooks that it has, what we would make? */
static bool standing_matches(const struct standing *standing, const struct batch *wanted, const char *mark)
{
    struct inventory inventory CLEANUP(inventory_clear);
    struct batch hooks CLEANUP(batch_clear);
    inventory_init(&inventory);
    batch_init(&hooks);
    for (size_t i = 0; i < standing->inventory.hooked_count; i++) {
        const struct hooked *hooked = &standing->inventory.hooked[i];
        ruleset_hook(&hooks, hooked->device, hooked->uplink, 0);
    }
    return strcmp(standing->mark, mark) == 0 && inventory_add_batch(&inventory, wanted) &&
           inventory_add_batch(&inventory, &hooks) && inventory_equals(&inventory, &standing->inventory);
}

static void delete_table_put(struct batch *batch, uint8_t family)
{
    struct nlmsghdr *message = batch_message(batch, NFT_MSG_DELTABLE, family, 0);
    mnl_attr_put_strz(message, NFTA_TABLE_NAME, TABLE_NAME);
}

/* The transaction that puts the wanted table in the place of what stands; the number of elements that it carries. */
static uint32_t replacement_put(const struct nft *nft, const struct nft_plan *plan, const struct standing *standing,
                                struct batch *batch)
{
    char mark[RULESET_MARK];
    uint32_t carried = 0;
    if (standing->owner == OURS)
        delete_table_put(batch, nft->family);
    if (standing->other_owner == OURS)
        delete_table_put(batch, other_family(nft->family));
    ruleset_build(batch, plan, &nft->features, mark);
    for (size_t i = 0; i < standing->inventory.hooked_count && nft->family == NFPROTO_NETDEV; i++) {
        const struct hooked *hooked = &standing->inventory.hooked[i];
        /* The kernel keeps the chain of a device that went; it is not made anew without one. */
        if (if_nametoindex(hooked->device))
            ruleset_hook(batch, hooked->device, hooked->uplink, 0);
    }
    for (size_t i = 0; i < standing->held.count; i++) {
        const struct nft_element *element = &standing->held.items[i].element;
        if (!set_form_find(nft->family, element->deed, element->key))
            continue;
        held_put(batch, nft, &standing->held.items[i], 0);
        carried++;
    }
    return carried;
}

static int install_once(struct nft *nft, const struct nft_plan *plan, bool bound, uint32_t *kept, struct error *error)
{
    struct standing standing CLEANUP(standing_clear) = {0};
    struct batch wanted CLEANUP(batch_clear), batch CLEANUP(batch_clear);
    char mark[RULESET_MARK];
    batch_init(&wanted);
    batch_init(&batch);
    int code = standing_read(nft, nft->family, &standing, error);
    if (code < 0)
        return code;
    ruleset_build(&wanted, plan, &nft->features, mark);
    if (standing.owner == OURS && standing.other_owner != OURS && standing_matches(&standing, &wanted, mark)) {
        *kept = (uint32_t)standing.held.count;
        return 0;
    }
    const struct nlmsghdr *refused = NULL;
    uint32_t carried = replacement_put(nft, plan, &standing, &batch);
    code = batch_commit(&nft->netlink, &batch, bound ? standing.generation : 0, &refused, error);
    /* A device that went between our look and the kernel's: again, without it. */
    if (code == -ENOENT && refused && message_type(refused) == NFT_MSG_NEWCHAIN)
        return -ERESTART;
    if (code == 0)
        *kept = carried;
    return code;
}

static int plan_check(const struct nft_plan *plan, struct error *error)
{
    if (!plan->ports[0])
        return error_set(error, EINVAL, "a plan without mail ports");
    if (plan->throttle_rate == 0 || plan->throttle_burst == 0)
        return error_set(error, EINVAL, "a plan without a rate and burst for throttling");
    return 0;
}

int nft_install(struct nft *nft, const struct nft_plan *plan, uint32_t *kept, struct error *error)
{
    uint8_t family = ruleset_family(plan->role);
    int code = plan_check(plan, error);
    if (code == 0 && !nft->probed) {
        struct nft_features features;
        code = nft_probe(nft, &features, error);
    }
    if (code < 0)
        return code;
    if (family == NFPROTO_NETDEV ? !nft->features.netdev : !nft->features.inet)
        return error_set(error, EOPNOTSUPP, "this kernel has no tables of family %s", family_name(family));
    const struct nft before = *nft;
    nft->family = family;
    nft->throttle_rate = plan->throttle_rate;
    nft->throttle_burst = plan->throttle_burst;
    code = -ERESTART;
    for (int i = 0; i < TRIES && (code == -ERESTART || code == -EINTR || code == -ENOBUFS); i++)
        code = install_once(nft, plan, i < TRIES - 1, kept, error);
    if (code == 0)
        return 0;
    nft->family = before.family;
    nft->throttle_rate = before.throttle_rate;
    nft->throttle_burst = before.throttle_burst;
    return error_wrap(error, "cannot make table %s postern", family_name(family));
}

int nft_remove(struct nft *nft, struct error *error)
{
    static const uint8_t families[] = {NFPROTO_NETDEV, NFPROTO_INET};
    struct batch batch CLEANUP(batch_clear);
    batch_init(&batch);
    for (size_t i = 0; i < sizeof families; i++) {
        enum owner owner = NOBODY;
        char mark[RULESET_MARK];
        int code = owner_read(nft, families[i], &owner, mark, error);
        if (code < 0)
            return error_wrap(error, "cannot look for table %s postern", family_name(families[i]));
        if (owner == OURS)
            delete_table_put(&batch, families[i]);
    }
    int code = batch_commit(&nft->netlink, &batch, 0, NULL, error);
    if (code < 0 && code != -ENOENT)
        return error_wrap(error, "cannot remove our table");
    nft->family = 0;
    return 0;
}

/* Hooks */

static int hook_check(const struct nft *nft, const char *device, struct error *error)
{
    if (nft->family != NFPROTO_NETDEV)
        return error_set(error, EOPNOTSUPP, "no table netdev postern was installed: there is nothing to hook");
    size_t length = strlen(device);
    if (length == 0 || length >= IFNAMSIZ)
        return error_set(error, EINVAL, "a device name has 1 to 15 characters");
    return 0;
}

static int unhook_once(struct nft *nft, const char *device, bool uplink, struct error *error)
{
    struct batch batch CLEANUP(batch_clear);
    batch_init(&batch);
    ruleset_unhook(&batch, device, uplink);
    int code = batch_commit(&nft->netlink, &batch, 0, NULL, error);
    return code == -ENOENT || code == 0 ? 0 : error_wrap(error, "cannot unhook %s", device);
}

int nft_hook(struct nft *nft, const char *device, bool uplink, struct error *error)
{
    struct batch batch CLEANUP(batch_clear);
    batch_init(&batch);
    int code = hook_check(nft, device, error);
    if (code < 0)
        return code;
    /* New kernels would hook the name and wait for a device. */
    if (!if_nametoindex(device))
        return error_set(error, ENOENT, "there is no device %s to hook", device);
    ruleset_hook(&batch, device, uplink, NLM_F_EXCL);
    code = batch_commit(&nft->netlink, &batch, 0, NULL, error);
    if (code < 0 && code != -EEXIST)
        return error_wrap(error, "cannot hook %s", device);
    /* A port that was an uplink, or the other way. */
    return unhook_once(nft, device, !uplink, error);
}

static const struct hooked *find_hooked(const struct inventory *inventory, const char *device, bool uplink)
{
    for (size_t i = 0; i < inventory->hooked_count; i++)
        if (inventory->hooked[i].uplink == uplink && strcmp(inventory->hooked[i].device, device) == 0)
            return &inventory->hooked[i];
    return NULL;
}

static int hook_all_once(struct nft *nft, const struct nft_device *devices, size_t count, struct error *error)
{
    struct inventory inventory CLEANUP(inventory_clear);
    struct batch batch CLEANUP(batch_clear);
    inventory_init(&inventory);
    batch_init(&batch);
    int code = inventory_read(&nft->netlink, nft->family, &inventory, error);
    if (code < 0)
        return code;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const struct nft_device *device = &devices[i];
        bool other = find_hooked(&inventory, device->name, !device->uplink);
        bool here = !find_hooked(&inventory, device->name, device->uplink) && if_nametoindex(device->name);
        if (other)
            ruleset_unhook(&batch, device->name, !device->uplink);
        if (here)
            ruleset_hook(&batch, device->name, device->uplink, NLM_F_EXCL);
        any = any || other || here;
    }
    return any ? batch_commit(&nft->netlink, &batch, 0, NULL, error) : 0;
}

int nft_hook_all(struct nft *nft, const struct nft_device *devices, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        int code = hook_check(nft, devices[i].name, error);
        if (code < 0)
            return code;
    }
    struct error whole = {0};
    if (count == 0 || hook_all_once(nft, devices, count, &whole) == 0)
        return 0;
    /* A device went, or somebody hooked one, while we looked: each for itself then. */
    for (size_t i = 0; i < count; i++) {
        struct error one = {0};
        int code = nft_hook(nft, devices[i].name, devices[i].uplink, &one);
        if (code < 0 && code != -ENODEV && code != -ENOENT) {
            *error = one;
            return code;
        }
    }
    return 0;
}

int nft_unhook(struct nft *nft, const char *device, struct error *error)
{
    int code = hook_check(nft, device, error);
    if (code == 0)
        code = unhook_once(nft, device, false, error);
    if (code == 0)
        code = unhook_once(nft, device, true, error);
    return code;
}
