/* What happened on all nodes, in the order in which it came here. The cursor is the place of the last record: its
 * moment of arrival, node and sequence. Who waits is told as soon as something comes. */
#include <inttypes.h>
#include <stdio.h>
#include "collector/api/endpoint.h"
#include "collector/api/lines.h"

#define WAIT_MOST 60
#define CURSOR    64

struct reading {
    struct lines lines;
    struct store_event_filter filter;
    size_t count;
};

/* "MOMENT.NODE.SEQUENCE" */
static bool read_cursor(const char *value, struct store_event_filter *filter)
{
    struct text rest = text_of(value);
    uint64_t received, sequence;
    return text_number(text_split(&rest, '.'), &received) && received <= INT64_MAX &&
           secret_parse_id(text_split(&rest, '.'), &filter->node_after) && text_number(rest, &sequence) &&
           sequence <= INT64_MAX &&
           (filter->received = (moment)received, filter->sequence_after = (int64_t)sequence, true);
}

static void add_event(void *context, const struct store_event *event)
{
    struct reading *reading = context;
    struct buffer *out = &reading->lines.exchange->answer;
    char id[SECRET_ID] = "";
    if (event->node != 0) /* else it is the collector's own, and no node's */
        secret_print_id(event->node, id);
    /* The line was checked to be an object when it came. */
    const struct text rest = {event->line.bytes + 1, event->line.length - 1};
    reading->lines.failed |=
        !buffer_printf(out, "{\"node\":\"%s\",", id) || !buffer_append(out, rest) || !buffer_append_byte(out, '\n');
    reading->filter.received = event->received;
    reading->filter.node_after = event->node;
    reading->filter.sequence_after = event->sequence;
    reading->count++;
}

static bool read_filter(const struct exchange *exchange, struct store_event_filter *filter, int64_t *wait)
{
    const char *after = exchange_parameter(exchange, "after");
    filter->most = 1000;
    filter->kind = exchange_parameter(exchange, "kind");
    filter->sender = exchange_parameter(exchange, "sender");
    return (!after || !*after || read_cursor(after, filter)) && lines_most(exchange, "limit", &filter->most) &&
           lines_node(exchange, &filter->node) && lines_since(exchange, &filter->since) &&
           exchange_number(exchange, "wait", wait) && *wait <= WAIT_MOST;
}

int events_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    struct reading reading = {.lines = lines_begin(exchange)};
    int64_t wait = 0;
    char next[CURSOR], id[SECRET_ID];
    if (!read_filter(exchange, &reading.filter, &wait))
        return exchange_refuse(exchange, 400,
                               "after: the cursor of an answer before; limit: 1 to %d; wait: up to %d seconds; node: "
                               "sixteen hexadecimal digits; since: a time as in RFC 3339",
                               LINES_MOST, WAIT_MOST);
    reading.filter.before = store_settled(store);
    const struct store_event_filter filter = reading.filter;
    int code = store_events(store, &filter, add_event, &reading, error);
    if (code < 0)
        return code;
    snprintf(next, sizeof next, "%" PRId64 ".%s.%" PRId64, reading.filter.received,
             secret_print_id(reading.filter.node_after, id), reading.filter.sequence_after);
    exchange->nothing = reading.count == 0;
    exchange->patience = wait * SECOND;
    return lines_end(&reading.lines, next);
}
