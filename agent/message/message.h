/* What the three processes say to each other: one fixed struct for each kind, over SOCK_SEQPACKET pairs.
 *
 * A message is its struct as it stands: `head` first, then the fields. message_send() and message_receive() know the
 * size of each kind and who may send it to whom. A message of wrong size, kind or direction ends the conversation: an
 * unprivileged receiver ends itself, the warden ends and restarts the sender. Texts in a message are NUL-terminated
 * within their array; the receiver checks. At most one descriptor comes along. */
#ifndef AGENT_MESSAGE_MESSAGE_H
#define AGENT_MESSAGE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/message/report.h"
#include "agent/message/told.h"
#include "common/address.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/words/fleet.h"
#include "common/words/likeness.h"
#include "common/words/order.h"
#include "common/words/sender.h"

enum role { ROLE_WARDEN, ROLE_WATCHER, ROLE_COURIER, ROLE_SCRIBE, ROLE_MILTER, ROLES };

enum message_kind {
    MESSAGE_NONE,
    /* warden to watcher, warden to courier */
    MESSAGE_CONFIGURATION, /* fd: a sealed memfd with the configuration bundle (bundle.h); also on reload */
    MESSAGE_MEMORY,        /* fd: the senders' memory (watcher only) */
    MESSAGE_READY,         /* warden to both: everything was handed over, drop rights and begin */
    MESSAGE_PEER,          /* fd: our end of the channel between watcher and courier; a later one replaces it */
    MESSAGE_PORT_OPENED,   /* fd: packet socket (watcher only) */
    MESSAGE_PORT_CLOSED,   /* watcher only */
    MESSAGE_ENFORCEMENT,   /* to both: on or off */
    MESSAGE_STATUS_WARDEN, /* to courier: answer to MESSAGE_ASK_STATUS, and on change */
    MESSAGE_ORDER_ROW,     /* to courier: an element in the kernel; answer to MESSAGE_ASK_ORDERS */
    MESSAGE_END,           /* from whoever answered a question: no more rows */
    MESSAGE_OWNER,         /* to watcher: answer to MESSAGE_ASK_OWNER, whose ends it repeats */
    MESSAGE_LOG_RECORD,    /* fd: the file in which the watcher keeps where it is in the logs */
    MESSAGE_LOG_FILE,      /* fd: a log file, or one beside it that was rotated */
    MESSAGE_LOG_NEWS,      /* what became of a log file that was handed over */
    MESSAGE_ORDER_TOLD,    /* to courier: an order that was written down, checked; also all that stand at its start;
                              to watcher: a sender that is held for its customer from now on */
    /* watcher to warden */
    MESSAGE_ORDER,     /* carry out; the warden checks it again */
    MESSAGE_RESET,     /* cut one connection with resets to both ends */
    MESSAGE_ASK_OWNER, /* whose is a connection of this machine's own? */
    MESSAGE_LOG_SINCE, /* look for log files, and for rotated ones that were written to since then */
    MESSAGE_ALIVE,     /* watcher, courier to warden: once a second; silence for long means a restart */
    /* courier to warden */
    MESSAGE_ASK_ORDERS,
    MESSAGE_ASK_ENFORCE, /* switch enforcement; by a person */
    MESSAGE_SETTINGS,    /* fd: settings from the collector, sealed; answered by MESSAGE_DONE */
    /* courier to watcher */
    MESSAGE_ASK_SENDERS,   /* the greatest scores; answered by SENDER_ROWs and END */
    MESSAGE_ASK_CUSTOMERS, /* the same of customers; answered by CUSTOMER_ROWs and END */
    MESSAGE_ASK_EXPLAIN,   /* answered by one SENDER_ROW, EVIDENCE_ROWs, END; no SENDER_ROW: not known; to warden as
                              well, which answers by ORDER_ROWs and DONE with a sentence */
    MESSAGE_ASK_STATUS,    /* to both; answered by STATUS_WATCHER / STATUS_WARDEN */
    MESSAGE_COMMAND,       /* a person's order; answered by MESSAGE_DONE; one on a customer to warden */
    MESSAGE_CAMPAIGN,      /* the centre: one body from several nodes */
    MESSAGE_CUSTOMER,      /* the centre: what a customer's senders elsewhere have against them */
    MESSAGE_CONTENT,       /* what our milter says was in a message */
    MESSAGE_FILTERED,      /* the centre: what a content filter says of a message that this node sent in */
    MESSAGE_LISTED,        /* the centre: a blacklist lists a sender's address, or no longer */
    MESSAGE_COMPLAINED,    /* the centre: somebody complained of a sender, or that was found to be wrong */
    /* watcher to courier */
    MESSAGE_SENDER_ROW,
    MESSAGE_CUSTOMER_ROW,
    MESSAGE_EVIDENCE_ROW,
    MESSAGE_STATUS_WATCHER,
    MESSAGE_DONE,     /* the warden's too, to MESSAGE_ASK_ENFORCE and MESSAGE_SETTINGS */
    MESSAGE_VERDICT,  /* news: a verdict changed; followed by its EVIDENCE_ROWs, END */
    MESSAGE_EVIDENCE, /* news: evidence was added */
    MESSAGE_TRAFFIC,  /* news: what a sender did in the last minute */
    MESSAGE_BODY,     /* news, for the centre: a sender sends one body to many */
    MESSAGE_POINTS,   /* news, for the centre: what firm evidence holds against a customer's sender */
    MESSAGE_SAMPLE,   /* fd: a sealed memfd with a message's content: for the centre's filters */
    MESSAGE_EVENT,    /* warden or watcher to courier: something a person should read (restart, drop, repair, port) */
    MESSAGE_KINDS
};

struct message_configuration {
    struct message_head head;
    uint64_t size;
};
struct message_memory {
    struct message_head head;
    uint64_t size;
    uint8_t fresh;
    uint8_t reserved[7];
    uint64_t key[2];
};
struct message_ready {
    struct message_head head;
};
struct message_port_opened {
    struct message_head head;
    uint32_t number; /* of the capture position, 1 and up; never used again */
    uint32_t interface_index;
    char interface[16];
    uint8_t guest; /* a guest's port: the port is the sender; else the machine's own interface */
    uint8_t mac_known;
    uint8_t mac[6];
    uint16_t link;       /* enum link_type of what the socket gives */
    uint8_t other_guest; /* the name stood for another guest before: what is known of that one is not this one's */
    uint8_t taken_over;  /* another watcher read from this ring before: go on where it is */
    uint32_t block_size, blocks; /* of its TPACKET_V3 ring, to be mapped by the receiver with one page behind it */
};
struct message_port_closed {
    struct message_head head;
    uint32_t number;
    uint32_t reserved;
};
struct message_enforcement {
    struct message_head head;
    uint8_t on;
    uint8_t reserved[7];
};
struct message_ask_enforce {
    struct message_head head;
    uint8_t on;
    uint8_t reserved[7];
    char person[64];
};
struct message_settings {
    struct message_head head;
    int64_t revision;
};
struct message_order { /* ORDER, ORDER_TOLD */
    struct message_head head;
    struct order order;
};
struct message_order_row {
    struct message_head head;
    struct order order;
    struct sender held_for; /* the customer for whose order it stands; kind SENDER_NONE: it is the target's own */
    uint64_t packets, bytes;
};
struct message_reset {
    struct message_head head;
    uint32_t port;                                             /* capture position */
    uint8_t family, client_mac_known, server_mac_known, again; /* again: the repeat after silence */
    uint8_t client[16], server[16];
    uint16_t client_port, server_port, vlan;
    uint8_t client_mac[6], server_mac[6];
    uint16_t reserved;
    uint32_t to_client_sequence, to_server_sequence; /* what each side waits for next (RFC 5961) */
};
/* Who holds a connection of this machine's own, as far as it is known. */
enum owned {
    OWNED_UNKNOWN,    /* it is not ours, or nobody held it any more when the kernel was asked */
    OWNED_BY_USER,    /* whose mail it is */
    OWNED_BY_CARRIER, /* a mail server's user (`[capture] mta_users`), who carries what others send */
    OWNED_KINDS
};
struct message_owner { /* ASK_OWNER, OWNER */
    struct message_head head;
    uint8_t family; /* 4 or 6 */
    uint8_t owned;  /* enum owned */
    uint16_t client_port, server_port, reserved;
    uint32_t user; /* OWNED_BY_USER: of the program that holds it */
    uint8_t client[16], server[16];
    uint32_t inode;    /* of its socket */
    char program[160]; /* who holds it, for people; empty: not looked for, or not found */
    char command[160]; /* its command line, for people */
};
struct message_log_since {
    struct message_head head;
    moment since;
};
struct message_log { /* LOG_FILE, LOG_NEWS: struct tail_found (common/io/tail.h) */
    struct message_head head;
    uint64_t device, inode;
    moment changed, born;
    uint8_t news, initial, reserved[6];
    char source[256], sentence[240];
};
struct message_plain {
    struct message_head head;
};                           /* READY, PEER, END, LOG_RECORD, ALIVE, ASK_STATUS, ASK_ORDERS */
struct message_ask_senders { /* ASK_SENDERS, ASK_CUSTOMERS */
    struct message_head head;
    uint32_t most;
    uint32_t reserved;
};
struct message_ask_explain {
    struct message_head head;
    struct sender sender;
};
struct message_command {
    struct message_head head;
    struct sender sender;
    uint8_t deed;
    uint8_t reserved[7];
    duration length;
    uint32_t rate, reserved2;
    char person[64], why[160];
};
struct message_campaign {
    struct message_head head;
    struct fleet_campaign campaign;
};
struct message_customer {
    struct message_head head;
    struct fleet_customer customer;
};

struct message_content {
    struct message_head head;
    struct address client; /* family 0: not known */
    uint32_t recipients;   /* accepted ones */
    uint64_t bytes;        /* as on the wire */
    uint64_t digest[2];
    struct likeness likeness;
    char queue[64]; /* the mail server's queue id */
    char account[129], sender[321], helo[257];
    uint8_t reserved[5];
};

/* One end of a conversation. */
struct channel {
    int descriptor;
    enum role self, peer;
};

/* The union of all kinds: room for whatever comes. */
union message {
    struct message_head head;
    struct message_configuration configuration;
    struct message_memory memory;
    struct message_port_opened port_opened;
    struct message_port_closed port_closed;
    struct message_enforcement enforcement;
    struct message_ask_enforce ask_enforce;
    struct message_settings settings;
    struct message_order order;
    struct message_order_row order_row;
    struct message_reset reset;
    struct message_owner owner;
    struct message_log_since log_since;
    struct message_log log;
    struct message_plain plain;
    struct message_ask_senders ask_senders;
    struct message_ask_explain ask_explain;
    struct message_command command;
    struct message_campaign campaign;
    struct message_customer customer;
    struct message_content content;
    struct message_filtered filtered;
    struct message_listed listed;
    struct message_complained complained;
    struct message_sample sample;
    struct message_done done;
    struct message_sender_row sender_row;
    struct message_customer_row customer_row;
    struct message_evidence_row evidence_row;
    struct message_evidence evidence;
    struct message_traffic traffic;
    struct message_body body;
    struct message_points points;
    struct message_verdict verdict;
    struct message_event event;
    struct message_status_watcher status_watcher;
    struct message_status_warden status_warden;
};

/* The struct's size for a kind and whether `from` may say it to `to`: the table that both sides go by. */
uint16_t message_size(enum message_kind);
bool message_brings_descriptor(enum message_kind);
bool message_is_allowed(enum message_kind, enum role from, enum role to);
const char *message_kind_name(enum message_kind);
void message_prepare(union message *, enum message_kind, uint32_t question); /* zeroes and fills the head */

/* Send; `descriptor` -1: none goes along. -EAGAIN where the receiver is behind (the caller decides what may be lost).
 */
int message_send(const struct channel *, const union message *, int descriptor, struct error *) MUST_CHECK;
/* 1: a message (and *descriptor, -1 where none came; the caller owns it); 0: none waits; -ECONNRESET: the peer is gone;
 * -EPROTO: the peer broke the rules. */
int message_receive(const struct channel *, union message *result, int *descriptor, struct error *) MUST_CHECK;
/* Whether every text in it ends within its array, enums are known and senders sound; message_receive() has asked. */
bool message_is_sound(const union message *);

#endif
