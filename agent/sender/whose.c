/* Whose a sender is: asked of the map when the sender is new, when it uses another address and when the map is another,
 * and kept in its record, so that nobody else has to ask.
 *
 * An address counts once somebody answered to it. A guest can write any other's into its packets, but it does not get
 * the answers, so it cannot have its mail put down to whoever owns that address. */
#include <string.h>
#include "agent/sender/block.h"

/* Whether the other end has answered, so that the address is the sender's own. */
static bool is_answered(const struct observation *observation)
{
    switch (observation->kind) {
    case OBSERVATION_CONNECTION:
        return observation->connection.outcome == CONNECTION_OPENED;
    case OBSERVATION_TRANSACTION:
        return observation->transaction.reply.code != 0;
    case OBSERVATION_MESSAGE:
        return observation->message.reply.code != 0;
    default:
        return false;
    }
}

void senders_note_whose(const struct senders *senders, struct sender_record *record,
                        const struct observation *observation)
{
    const struct origin *origin = &observation->origin;
    struct whose *whose = &record->whose;
    if (!is_answered(observation) || (memcmp(&whose->address, &origin->address, sizeof whose->address) == 0 &&
                                      memcmp(whose->mac, origin->mac, sizeof whose->mac) == 0))
        return;
    if (origin->address.family == 0 || address_is_special(&origin->address))
        return; /* a log that does not say; the machine with itself */
    whose->address = origin->address;
    memcpy(whose->mac, origin->mac, sizeof whose->mac);
    whose_find(whose, senders->customers, &record->sender);
}

void senders_set_customers(struct senders *senders, const struct customers *customers)
{
    senders->customers = customers;
    for (struct sender_record *r = senders_oldest(senders); r != NULL; r = senders_younger(senders, r)) {
        sender_record_open(r);
        whose_find(&r->whose, customers, &r->sender);
        sender_record_close(r);
    }
}
