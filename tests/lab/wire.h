/* One TCP connection as a list of frames in order of time: handshake, what both ends say, in the clear or as TLS
 * records of the right length, and its end. Everything a guest's port shows, with right checksums. */
#ifndef TESTS_LAB_WIRE_H
#define TESTS_LAB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/address.h"
#include "common/moment.h"
#include "tests/lab/random.h"

struct lab_packet {
    moment time;
    size_t offset; /* of the frame among the wire's bytes */
    uint32_t length;
    uint32_t port; /* the guest port that shows it */
    bool from_guest;
    uint32_t messages, recipients; /* with this frame so many have got out */
};

struct lab_wire {
    struct address client, server;
    uint8_t client_mac[6];
    uint16_t client_port, server_port;
    uint32_t port, reply_port;         /* guest ports: of what the client sends, and of what it is sent */
    uint32_t client_next, server_next; /* sequence numbers */
    uint8_t ttl;
    moment time;  /* of the frame added last */
    duration way; /* to the server and back */
    struct lab_random random;
    bool encrypted;
    unsigned overhead; /* bytes that a record adds, its head included */
    enum lab_trick trick;
    uint8_t *bytes;
    size_t used, room;
    struct lab_packet *packets;
    size_t count, packet_room;
    bool failed; /* memory */
};

void lab_wire_clear(struct lab_wire *);

enum { WIRE_FIN = 1, WIRE_SYN = 2, WIRE_RST = 4, WIRE_PUSH = 8, WIRE_ACK = 16 };
/* One frame as given, at wire->time; sequence numbers stay. */
void lab_wire_frame(struct lab_wire *, bool from_client, uint8_t flags, uint32_t sequence, const void *payload,
                    size_t length);

void lab_wire_open(struct lab_wire *);       /* all three frames */
void lab_wire_refused(struct lab_wire *);    /* SYN and RST */
void lab_wire_unanswered(struct lab_wire *); /* SYN, three times */
/* The client says it after `pause`; the server after the way and `pause`. Segments of at most 1448 bytes. */
void lab_wire_client(struct lab_wire *, duration pause, const void *bytes, size_t length);
void lab_wire_server(struct lab_wire *, duration pause, const void *bytes, size_t length);
/* A TLS handshake; from here on what is said goes into records. `software` stands for the client's library. */
void lab_wire_encrypt(struct lab_wire *, const char *server_name, uint64_t software);
void lab_wire_close(struct lab_wire *); /* FIN, FIN, ACK */
/* The last frame lets so much out. */
void lab_wire_out(struct lab_wire *, uint32_t messages, uint32_t recipients);

#endif
