/* See owner.h. One question, one answer, on a socket of its own; the kernel answers before sendto() returns. */
#include "agent/warden/owner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include "common/text.h"

#define CARRIERS_MOST 64
#define ANSWER        8192

struct owner {
    struct mnl_socket *socket;
    uint32_t carriers[CARRIERS_MOST];
    size_t carrier_count;
    uint32_t sequence;
};

int owner_open(struct owner **result, struct error *error)
{
    struct owner *owner = calloc(1, sizeof *owner);
    if (!owner)
        return error_set(error, ENOMEM, "no memory for asking whose a connection is");
    owner->socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!owner->socket || mnl_socket_bind(owner->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        int code = errno;
        owner_close(&owner);
        return error_set(error, code, "cannot ask the kernel whose a connection is: %s", strerror(code));
    }
    *result = owner;
    return 0;
}

void owner_close(struct owner **owner)
{
    if (*owner && (*owner)->socket)
        mnl_socket_close((*owner)->socket);
    free(*owner);
    *owner = NULL;
}

static void add_carrier(struct owner *owner, uint32_t user)
{
    if (owner->carrier_count < CARRIERS_MOST)
        owner->carriers[owner->carrier_count++] = user;
}

void owner_set_carriers(struct owner *owner, const struct option_words *words)
{
    uint64_t number;
    owner->carrier_count = 0;
    for (uint32_t i = 0; i < words->count; i++)
        if (text_number(text_of(words->items[i]), &number) && number <= UINT32_MAX)
            add_carrier(owner, (uint32_t)number);
    /* The file itself: a name service would want sockets and libraries that this process must not open. */
    FILE *file = fopen("/etc/passwd", "re");
    const struct passwd *user;
    while (file && (user = fgetpwent(file)) != NULL)
        for (uint32_t i = 0; i < words->count; i++)
            if (strcmp(words->items[i], user->pw_name) == 0)
                add_carrier(owner, user->pw_uid);
    if (file)
        fclose(file);
}

static bool is_carrier(const struct owner *owner, uint32_t user)
{
    for (size_t i = 0; i < owner->carrier_count; i++)
        if (owner->carriers[i] == user)
            return true;
    return false;
}

static struct nlmsghdr *make_question(char *room, const struct message_owner *ends, uint32_t sequence)
{
    struct nlmsghdr *head = mnl_nlmsg_put_header(room);
    head->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    head->nlmsg_flags = NLM_F_REQUEST;
    head->nlmsg_seq = sequence;
    struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(head, sizeof *request);
    request->sdiag_family = ends->family == 4 ? AF_INET : AF_INET6;
    request->sdiag_protocol = IPPROTO_TCP;
    request->idiag_states = UINT32_MAX;
    request->id.idiag_sport = htons(ends->client_port);
    request->id.idiag_dport = htons(ends->server_port);
    memcpy(request->id.idiag_src, ends->client, ends->family == 4 ? 4 : 16);
    memcpy(request->id.idiag_dst, ends->server, ends->family == 4 ? 4 : 16);
    request->id.idiag_cookie[0] = request->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return head;
}

/* Whether that is the answer to our question; what is left of an earlier one is passed over. */
static bool read_answer(const struct nlmsghdr *head, int length, uint32_t sequence, struct inet_diag_msg *result)
{
    if (!mnl_nlmsg_ok(head, length) || head->nlmsg_seq != sequence)
        return false;
    *result = (struct inet_diag_msg){0};
    if (head->nlmsg_type == SOCK_DIAG_BY_FAMILY && mnl_nlmsg_get_payload_len(head) >= sizeof *result)
        memcpy(result, mnl_nlmsg_get_payload(head), sizeof *result);
    return true;
}

void owner_find(struct owner *owner, struct message_owner *ends)
{
    union {
        struct nlmsghdr aligned;
        char bytes[ANSWER];
    } room;
    struct inet_diag_msg answer = {0};
    ends->owned = OWNED_UNKNOWN;
    ends->user = ends->inode = 0;
    struct nlmsghdr *question = make_question(room.bytes, ends, ++owner->sequence);
    if (mnl_socket_sendto(owner->socket, question, question->nlmsg_len) < 0)
        return;
    bool read = false;
    while (!read) {
        ssize_t length = mnl_socket_recvfrom(owner->socket, room.bytes, sizeof room);
        if (length < 0 && errno != EINTR)
            return;
        read = length > 0 && read_answer(&room.aligned, (int)length, owner->sequence, &answer);
    }
    if (answer.idiag_inode == 0)
        return;
    ends->owned = is_carrier(owner, answer.idiag_uid) ? OWNED_BY_CARRIER : OWNED_BY_USER;
    if (ends->owned == OWNED_BY_CARRIER)
        return;
    ends->user = answer.idiag_uid;
    ends->inode = answer.idiag_inode;
}
