/* See exposition.h. */
#include "common/exposition.h"

#include <inttypes.h>

static const char *const types[] = {[METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge"};
static const size_t sizes[] = {[METRIC_U64] = sizeof(uint64_t),
                               [METRIC_U32] = sizeof(uint32_t),
                               [METRIC_U8] = sizeof(uint8_t),
                               [METRIC_REAL] = sizeof(double),
                               [METRIC_ONE] = 0};

static bool write_value(enum metric_kind kind, const void *place, struct buffer *out)
{
    switch (kind) {
    case METRIC_U64:
        return buffer_printf(out, " %" PRIu64 "\n", *(const uint64_t *)place);
    case METRIC_U32:
        return buffer_printf(out, " %" PRIu32 "\n", *(const uint32_t *)place);
    case METRIC_U8:
        return buffer_printf(out, " %" PRIu8 "\n", *(const uint8_t *)place);
    case METRIC_REAL:
        return buffer_printf(out, " %.3f\n", *(const double *)place);
    case METRIC_ONE:
        break;
    }
    return buffer_printf(out, " 1\n");
}

static bool write_metric(const struct metric *metric, const char *place, struct buffer *out)
{
    bool good = buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                              types[metric->type]);
    if (!metric->label)
        return good && buffer_printf(out, "%s", metric->name) && write_value(metric->kind, place, out);
    for (size_t i = 0; metric->label_values[i]; i++)
        good = good && buffer_printf(out, "%s{%s=\"%s\"}", metric->name, metric->label, metric->label_values[i]) &&
               write_value(metric->kind, place + i * sizes[metric->kind], out);
    return good;
}

bool exposition_write(const struct metric *table, const void *counts, struct buffer *out)
{
    for (const struct metric *metric = table; metric->name; metric++)
        if (!write_metric(metric, (const char *)counts + metric->offset, out))
            return false;
    return true;
}
