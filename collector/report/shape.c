/* See shape.h. */
#include "collector/report/shape.h"

#define NUMBER(row, member)                                                                                            \
    {                                                                                                                  \
#member, SHAPE_NUMBER, offsetof(struct row, member), 0                                                         \
    }
#define MOMENT(row, member)                                                                                            \
    {                                                                                                                  \
#member, SHAPE_MOMENT, offsetof(struct row, member), 0                                                         \
    }
#define WORDS(row, member)                                                                                             \
    {                                                                                                                  \
#member, SHAPE_WORDS, offsetof(struct row, member), sizeof(((struct row *)0)->member)                          \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        NULL, SHAPE_NUMBER, 0, 0                                                                                       \
    }

static const struct shape_column steps[] = {
    MOMENT(report_step, begin),      NUMBER(report_step, complaints), NUMBER(report_step, blocks),
    NUMBER(report_step, throttles),  NUMBER(report_step, messages),   NUMBER(report_step, rejected),
    NUMBER(report_step, recipients), NUMBER(report_step, opened),     END};
static const struct shape_column customers[] = {
    WORDS(report_customer, name),      NUMBER(report_customer, complaints), NUMBER(report_customer, before),
    NUMBER(report_customer, total),    NUMBER(report_customer, periods),    NUMBER(report_customer, incidents),
    NUMBER(report_customer, acted),    NUMBER(report_customer, open),       NUMBER(report_customer, waited),
    NUMBER(report_customer, blocks),   NUMBER(report_customer, throttles),  NUMBER(report_customer, messages),
    NUMBER(report_customer, rejected), NUMBER(report_customer, recipients), END};
static const struct shape_column counts[] = {WORDS(report_count, name), NUMBER(report_count, count),
                                             NUMBER(report_count, before), END};
static const struct shape_column listings[] = {WORDS(report_listing, name),
                                               WORDS(report_listing, zone),
                                               WORDS(report_listing, sender),
                                               WORDS(report_listing, customer),
                                               MOMENT(report_listing, since),
                                               MOMENT(report_listing, until),
                                               END};
static const struct shape_column senders[] = {
    WORDS(report_sender, node),      WORDS(report_sender, sender),       WORDS(report_sender, customer),
    NUMBER(report_sender, messages), NUMBER(report_sender, rejected),    NUMBER(report_sender, recipients),
    NUMBER(report_sender, bytes),    NUMBER(report_sender, connections), END};
static const struct shape_column nodes[] = {WORDS(report_node, name),        NUMBER(report_node, senders),
                                            NUMBER(report_node, messages),   NUMBER(report_node, rejected),
                                            NUMBER(report_node, recipients), NUMBER(report_node, blocks),
                                            NUMBER(report_node, throttles),  NUMBER(report_node, complaints),
                                            MOMENT(report_node, seen),       END};

#define LIST(name_, count_, columns_)                                                                                  \
    {                                                                                                                  \
#name_, offsetof(struct report, name_), offsetof(struct report, count_),                                       \
            sizeof(((struct report *)0)->name_) / sizeof(((struct report *)0)->name_[0]),                              \
            sizeof(((struct report *)0)->name_[0]), columns_                                                           \
    }
const struct shape_list shape_lists[] = {
    LIST(steps, step_count, steps),
    LIST(customers, customer_count, customers),
    LIST(repeaters, repeater_count, customers),
    LIST(sources, source_count, counts),
    LIST(types, type_count, counts),
    LIST(reporters, reporter_count, counts),
    LIST(listings, listing_count, listings),
    LIST(by_messages, by_messages_count, senders),
    LIST(by_bytes, by_bytes_count, senders),
    LIST(detectors, detector_count, counts),
    LIST(symbols, symbol_count, counts),
    LIST(viruses, virus_count, counts),
    LIST(nodes, node_count, nodes),
};
const size_t shape_list_count = sizeof shape_lists / sizeof shape_lists[0];
