/* How the site's filters do, as this collector sees them, and how much waits for each in the store. */
#include "collector/api/endpoint.h"
#include "collector/api/lines.h"
#include "collector/api/means.h"
#include "collector/sorter/sorter.h"
#include "collector/store/sorting.h"

static int add_sorting(struct store *store, struct lines *lines, struct error *error)
{
    int64_t waiting;
    int status = store_sorting_waiting(store, NULL, &waiting, error);
    struct json json = lines_record(lines, "sorting");
    json_integer(&json, "new", waiting);
    lines_add(lines, &json);
    return status;
}

static int add_filter(struct store *store, struct lines *lines, struct sorter *sorter, size_t index,
                      struct error *error)
{
    const struct filter_settings *settings = sorter_filter(sorter, index);
    struct asker_report report;
    int64_t waiting;
    int status = store_sorting_waiting(store, settings->name, &waiting, error);
    sorter_report(sorter, index, &report);
    const struct health *health = &report.health;
    struct json json = lines_record(lines, "filter");
    json_string(&json, "name", settings->name);
    json_string(&json, "kind", filter_kinds[settings->kind]->name);
    json_string(&json, "address", settings->address);
    json_unsigned(&json, "order", settings->order);
    json_bool(&json, "learns", settings->learns);
    json_bool(&json, "up", !health->down);
    json_moment(&json, "since", health->since);
    json_string(&json, "trouble", health->trouble);
    json_integer(&json, "waiting", waiting);
    json_unsigned(&json, "busy", report.busy);
    json_unsigned(&json, "asked", health->asked);
    json_unsigned(&json, "answered", health->answered + health->returned);
    json_unsigned(&json, "failed", health->failed);
    json_unsigned(&json, "lost", health->lost);
    json_unsigned(&json, "spam", health->spam);
    json_unsigned(&json, "virus", health->virus);
    json_integer(&json, "half_within_ms", health_speed(health, 50) / MILLISECOND);
    json_integer(&json, "most_within_ms", health_speed(health, 95) / MILLISECOND);
    lines_add(lines, &json);
    return status;
}

int filters_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    struct sorter *sorter = exchange->means->sorter;
    struct lines lines = lines_begin(exchange);
    int status = add_sorting(store, &lines, error);
    for (size_t i = 0; sorter && i < sorter_filters(sorter) && status == 0; i++)
        status = add_filter(store, &lines, sorter, i, error);
    return status < 0 ? status : lines_end(&lines, NULL);
}
