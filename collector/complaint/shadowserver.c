/* Shadowserver's reports: a CSV (RFC 4180) with a line of names and one row an event. Its many kinds of report have
 * most columns in common; what kind it is stands in the file's name, or in the columns "tag", "type" and "infection".
 * See forms.h. */
#include "collector/complaint/forms.h"
#include "collector/complaint/kinds.h"
#include "collector/complaint/taking.h"
#include "common/buffer.h"
#include "common/text.h"

#define COLUMNS 128
#define CELLS   16384 /* bytes of one row */

struct row {
    struct buffer cells;
    size_t begins[COLUMNS + 1];
    size_t count;
};

/* One row; those columns too many and what is too long are left out. False: there is none any more. */
static bool next_row(struct text *rest, struct row *row)
{
    bool is_quoted = false, is_any = false;
    row->cells.length = 0;
    row->count = 0;
    row->begins[0] = 0;
    while (rest->length > 0) {
        char c = *rest->bytes;
        rest->bytes++, rest->length--;
        is_any = true;
        if (is_quoted && c == '"' && rest->length > 0 && *rest->bytes == '"') {
            rest->bytes++, rest->length--;
        } else if (c == '"') {
            is_quoted = !is_quoted;
            continue;
        } else if (!is_quoted && c == ',') {
            if (row->count < COLUMNS - 1)
                row->begins[++row->count] = row->cells.length;
            continue;
        } else if (!is_quoted && c == '\n') {
            break;
        }
        if (row->count < COLUMNS - 1 && c != '\r' && !buffer_append_byte(&row->cells, c))
            continue;
    }
    row->begins[++row->count] = row->cells.length;
    return is_any;
}

static struct text cell(const struct row *row, size_t column)
{
    if (column >= row->count || row->cells.length == 0)
        return TEXT("");
    return text_trim(
        (struct text){row->cells.bytes + row->begins[column], row->begins[column + 1] - row->begins[column]});
}

static struct text named(const struct row *names, const struct row *row, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (text_equals_nocase(cell(names, i), text_of(name)))
            return cell(row, i);
    return TEXT("");
}

static struct text either(const struct row *names, const struct row *row, const char *name, const char *other)
{
    struct text text = named(names, row, name);
    return text.length > 0 ? text : named(names, row, other);
}

/* "2026-11-23-scan_http-example-asn.csv" is of kind "scan_http". */
static struct text kind_of_file(struct text name)
{
    for (int i = 0; i < 3 && name.length > 0 && name.bytes[0] >= '0' && name.bytes[0] <= '9'; i++)
        text_split(&name, '-');
    struct text kind = text_split(&name, '-');
    return text_ends_nocase(kind, TEXT(".csv")) ? (struct text){kind.bytes, kind.length - 4} : kind;
}

static void take_kind(struct complaint *complaint, struct text kind, struct text infection)
{
    TAKE_LINE(kind.length > 0 ? kind : TEXT("report"), complaint->native);
    bool is_bot = infection.length > 0 || text_find_nocase(kind, TEXT("drone")) ||
                  text_find_nocase(kind, TEXT("sinkhole")) || text_find_nocase(kind, TEXT("botnet"));
    if (is_bot)
        kind_take_legacy(complaint, TEXT("botnet"));
    else if (text_find_nocase(kind, TEXT("spam")))
        kind_take_legacy(complaint, TEXT("spam"));
    else if (text_find_nocase(kind, TEXT("brute")) || text_find_nocase(kind, TEXT("honeypot")))
        kind_take_legacy(complaint, TEXT("login-attack"));
    else if (text_find_nocase(kind, TEXT("ddos")))
        kind_take_legacy(complaint, TEXT("ddos"));
    else
        kind_take_legacy(complaint, TEXT("open-service"));
}

static void take_row(struct complaint *complaint, const struct row *names, const struct row *row, struct text kind)
{
    struct text source = either(names, row, "ip", "src_ip"), tag = either(names, row, "tag", "type");
    complaint->format = COMPLAINT_FORMAT_SHADOWSERVER;
    complaint->is_redacted = 1;
    TAKE_LINE(source, complaint->source_text);
    address_at(source, &complaint->source);
    complaint->source_port = port_of(either(names, row, "port", "src_port"));
    address_at(either(names, row, "dst_ip", "cc_ip"), &complaint->destination);
    complaint->destination_port = port_of(either(names, row, "dst_port", "cc_port"));
    complaint->time = date_of(named(names, row, "timestamp"));
    complaint_add_domain(complaint, either(names, row, "hostname", "src_hostname"));
    take_kind(complaint, kind.length > 0 ? kind : tag, named(names, row, "infection"));
    TAKE_LINE(TEXT("shadowserver.org"), complaint->reporter);
}

bool shadowserver_read(struct text content, struct text name, struct complaints *complaints)
{
    struct row names = {0}, row = {0};
    uint32_t before = complaints->count;
    buffer_init(&names.cells, CELLS);
    buffer_init(&row.cells, CELLS);
    bool is_one =
        (text_starts_nocase(content, TEXT("\"timestamp\",")) || text_starts_nocase(content, TEXT("timestamp,"))) &&
        next_row(&content, &names);
    bool has_source = false;
    for (size_t i = 0; is_one && i < names.count; i++)
        has_source = has_source || text_equals_nocase(cell(&names, i), TEXT("ip")) ||
                     text_equals_nocase(cell(&names, i), TEXT("src_ip"));
    while (has_source && next_row(&content, &row)) {
        struct complaint *complaint = row.count > 1 ? complaints_add(complaints) : NULL;
        if (complaint)
            take_row(complaint, &names, &row, kind_of_file(name));
        else if (complaints->cut)
            break;
    }
    if (has_source && complaints->count > before)
        complaints->found = FOUND_COMPLAINTS;
    else if (has_source)
        complaints_say(complaints, "a CSV without a row");
    buffer_clear(&names.cells);
    buffer_clear(&row.cells);
    return has_source;
}

bool shadowserver_read_mail(const struct mail *mail, struct complaints *complaints)
{
    bool is_any = false;
    for (size_t i = 0; i < mail->count; i++)
        is_any = shadowserver_read(mail->parts[i].bytes, text_of(mail->parts[i].name), complaints) || is_any;
    for (uint32_t i = 0; is_any && i < complaints->count; i++)
        envelope_take(mail, &complaints->items[i]);
    return is_any;
}
