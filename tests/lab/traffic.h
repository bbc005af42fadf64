/* All that a node's customers send, frame by frame in order of time, made while it is asked for. */
#ifndef TESTS_LAB_TRAFFIC_H
#define TESTS_LAB_TRAFFIC_H

#include "common/words/sender.h"
#include "tests/lab/sending.h"

#define LAB_NODE_SENDERS 512

/* One who is judged: a guest's port, or with attribution by address one of a customer's addresses. */
struct lab_party {
    const struct lab_customer *customer;
    struct sender sender;
    bool abuser;
    bool visible;
    moment seen, begun; /* its first connection; that of its abuse: 0 before it */
};

struct lab_traffic;
struct lab_traffic *lab_traffic_create(const struct lab_scenario *, uint64_t seed, struct error *);
void lab_traffic_destroy(struct lab_traffic **);
/* Frames are borrowed until the next call. `party` is whom the frame is from or to, also where it lies about that. 0 at
 * the end. */
struct lab_traffic_frame {
    const struct lab_packet *packet;
    const uint8_t *bytes;
    uint32_t party;
};
size_t lab_traffic_next(struct lab_traffic *, struct lab_traffic_frame *result, size_t most);
bool lab_traffic_failed(const struct lab_traffic *); /* for want of memory */
struct lab_party *lab_traffic_parties(struct lab_traffic *, size_t *count);
struct lab_customer *lab_traffic_customers(struct lab_traffic *, size_t *count);
moment lab_traffic_begin(const struct lab_traffic *);
moment lab_traffic_end(const struct lab_traffic *);
uint64_t lab_traffic_connections(const struct lab_traffic *);

#endif
