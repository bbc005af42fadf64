/* See report.h. One table says what each is asked and which columns it has. */
#include "cli/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"
#include "common/csv_field.h"

enum cell { CELL_WORDS, CELL_AMOUNT, CELL_NUMBER, CELL_TIME };
struct column {
    const char *heading, *key;
    enum cell cell;
};
#define COLUMNS 10
struct table {
    const char *word, *command;
    struct column columns[COLUMNS];
};

#define SENT                                                                                                           \
    {">MESSAGES", "messages", CELL_AMOUNT}, {">REFUSED", "rejected", CELL_AMOUNT},                                     \
        {">RECIPIENTS", "recipients", CELL_AMOUNT},                                                                    \
    {                                                                                                                  \
        ">BYTES", "bytes", CELL_AMOUNT                                                                                 \
    }
static const struct table tables[] = {
    {"hours",
     "report hours",
     {{"HOUR", "time", CELL_TIME},
      SENT,
      {">LOOKED AT", "samples", CELL_AMOUNT},
      {">SPAM", "spam", CELL_AMOUNT},
      {">VIRUSES", "viruses", CELL_AMOUNT}}},
    {"days",
     "report days",
     {{"DAY", "time", CELL_TIME},
      SENT,
      {">LOOKED AT", "samples", CELL_AMOUNT},
      {">SPAM", "spam", CELL_AMOUNT},
      {">VIRUSES", "viruses", CELL_AMOUNT}}},
    {"rules",
     "report rules",
     {{"FILTER", "filter", CELL_WORDS},
      {"RULE", "name", CELL_WORDS},
      {">HITS", "hits", CELL_AMOUNT},
      {">SPAM", "spam", CELL_AMOUNT},
      {">HAM", "ham", CELL_AMOUNT},
      {">POINTS", "points", CELL_NUMBER}}},
    {"viruses",
     "report viruses",
     {{"FILTER", "filter", CELL_WORDS}, {"VIRUS", "name", CELL_WORDS}, {">MESSAGES", "hits", CELL_AMOUNT}}},
    {"scores",
     "report scores",
     {{">FROM", "from", CELL_NUMBER},
      {">MESSAGES", "messages", CELL_AMOUNT},
      {">HAM", "ham", CELL_AMOUNT},
      {">SPAM", "spam", CELL_AMOUNT},
      {">VIRUSES", "viruses", CELL_AMOUNT},
      {">UNKNOWN", "unknown", CELL_AMOUNT}}},
    {"list",
     "report list",
     {{"KIND", "kind", CELL_WORDS},
      {"PERIOD", "period", CELL_WORDS},
      {"ZONE", "zone", CELL_WORDS},
      {"MADE", "made", CELL_TIME}}},
};
#define TABLES (sizeof tables / sizeof tables[0])

/* Of `top`: whose, and of what it counts. */
static const struct column senders[] = {
    {"SENDER", "name", CELL_WORDS}, {"NODE", "node", CELL_WORDS}, {"CUSTOMER", "customer", CELL_WORDS}, SENT, {0}};
static const struct column others[] = {{"NAME", "name", CELL_WORDS}, SENT, {0}};
static const struct column sampled[] = {{"NAME", "name", CELL_WORDS},
                                        {">MESSAGES", "messages", CELL_AMOUNT},
                                        {">RECIPIENTS", "recipients", CELL_AMOUNT},
                                        {">BYTES", "bytes", CELL_AMOUNT},
                                        {">SPAM", "spam", CELL_AMOUNT},
                                        {0}};
static const struct {
    const char *word;
    const struct column *columns;
} tops[] = {{"senders", senders},    {"customers", others}, {"nodes", others},
            {"relays", others},      {"authors", sampled},  {"author-domains", sampled},
            {"recipients", sampled}, {"domains", sampled},  {"servers", sampled}};
#define TOPS (sizeof tops / sizeof tops[0])

struct showing {
    const struct column *columns;
    struct columns *table; /* NULL: as CSV */
    bool is_cut;
};

/* --- CSV --- */

static void put_words(const char *words)
{
    CLEANUP(buffer_clear) struct buffer field;
    buffer_init(&field, 3 * strlen(words) + 3); /* a byte is doubled, or has one more before it */
    if (!csv_field_put(&field, text_of(words)))
        abort();
    if (field.length > 0)
        fwrite(field.bytes, 1, field.length, stdout);
}

static void put_value(const json_t *value)
{
    if (json_is_integer(value))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        printf("%.2f", json_real_value(value));
    else if (json_is_string(value))
        put_words(json_string_value(value));
}

static void put_line(const struct showing *showing, const json_t *record)
{
    for (const struct column *column = showing->columns; column->key; column++) {
        if (column > showing->columns)
            putchar(',');
        if (record)
            put_value(json_object_get(record, column->key));
        else
            put_words(column->key);
    }
    fputs("\r\n", stdout);
}

/* --- columns --- */

static void add_cell(struct columns *table, const struct column *column, const json_t *record)
{
    const json_t *value = json_object_get(record, column->key);
    char text[CLOCK_TEXT], amount[16];
    if (value == NULL || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0))
        columns_add(table, "-");
    else if (column->cell == CELL_TIME)
        columns_add(table, "%s", clock_print(field_moment(record, column->key), text));
    else if (column->cell == CELL_AMOUNT)
        columns_add(table, "%s", amount_print((uint64_t)field_integer(record, column->key), amount));
    else if (column->cell == CELL_NUMBER)
        columns_add(table, "%.2f", field_number(record, column->key));
    else
        columns_add(table, "%s", field_text(record, column->key));
}

static void show(void *context, const json_t *record)
{
    struct showing *showing = context;
    if (strcmp(field_text(record, "record"), "cut") == 0) {
        showing->is_cut = true;
        return;
    }
    if (showing->table == NULL)
        put_line(showing, record);
    for (const struct column *column = showing->columns; column->key && showing->table; column++)
        add_cell(showing->table, column, record);
}

static int ask(const struct cli *cli, json_t *question, const struct column *columns, const char *form)
{
    const char *headings[COLUMNS + 1] = {NULL};
    for (size_t i = 0; i < COLUMNS && columns[i].key; i++)
        headings[i] = columns[i].heading;
    CLEANUP(columns_destroy) struct columns *table = columns_create(headings);
    bool is_csv = form && strcmp(form, "csv") == 0;
    struct cli own = *cli;
    struct showing showing = {columns, is_csv ? NULL : table, false};
    own.json |= form && strcmp(form, "json") == 0;
    if (is_csv && !own.json)
        put_line(&showing, NULL);
    int status = question_ask(&own, question, show, &showing);
    if (status == EXIT_DONE && !own.json && !is_csv)
        columns_print(table, cli->colour, true);
    if (showing.is_cut)
        fprintf(stderr, "postern report: there was more than is looked at; the newest of it is counted\n");
    return status;
}

/* --- what is asked --- */

bool report_is_table(const char *word)
{
    bool found = strcmp(word, "top") == 0;
    for (size_t i = 0; i < TABLES; i++)
        found |= strcmp(word, tables[i].word) == 0;
    return found;
}

static const struct column *columns_of(const char *word, const char *what)
{
    for (size_t i = 0; i < TABLES; i++)
        if (strcmp(word, tables[i].word) == 0)
            return tables[i].columns;
    for (size_t i = 0; i < TOPS; i++)
        if (what && strcmp(what, tops[i].word) == 0)
            return tops[i].columns;
    fprintf(stderr, "postern report top: of what? senders, customers, nodes, relays, authors, author-domains, "
                    "recipients, domains or servers\n");
    return NULL;
}

/* As a collector takes it; NULL stays NULL. */
static bool read_time(const char **word, char result[MOMENT_TEXT])
{
    if (*word && !question_time(*word, result))
        return false;
    *word = *word ? result : NULL;
    return true;
}

int report_table(const struct cli *cli, int count, char **arguments)
{
    static const char *const keys[] = {"since", "before", "by", "top", "filter"};
    const char *values[sizeof keys / sizeof keys[0]] = {NULL}, *form = NULL, *what = NULL;
    const struct command_option options[] = {{"--since", &values[0], NULL},
                                             {"--until", &values[1], NULL},
                                             {"--by", &values[2], NULL},
                                             {"--top", &values[3], NULL},
                                             {"--filter", &values[4], NULL},
                                             {"--format", &form, NULL},
                                             {NULL, NULL, NULL}};
    bool is_top = strcmp(arguments[0], "top") == 0;
    char command[32], since[MOMENT_TEXT], until[MOMENT_TEXT];
    if (command_read(count, arguments, options, &what, is_top ? 1 : 0) < 0)
        return EXIT_USAGE;
    if (form && strcmp(form, "text") != 0 && strcmp(form, "csv") != 0 && strcmp(form, "json") != 0) {
        fprintf(stderr, "postern report %s: --format text, csv or json\n", arguments[0]);
        return EXIT_USAGE;
    }
    if (!read_time(&values[0], since) || !read_time(&values[1], until)) {
        fprintf(stderr, "postern report %s: --since, --until: a time such as 2026-11-23T08:00:00Z, or 7d\n",
                arguments[0]);
        return EXIT_USAGE;
    }
    const struct column *columns = columns_of(arguments[0], what);
    if (columns == NULL)
        return EXIT_USAGE;
    snprintf(command, sizeof command, "report %s", arguments[0]);
    json_t *question = json_pack("{ss}", "command", command);
    if (question && is_top)
        json_object_set_new(question, "sender", json_string(what)); /* it stands behind the path */
    for (size_t i = 0; question && i < sizeof keys / sizeof keys[0]; i++)
        if (values[i])
            json_object_set_new(question, keys[i], json_string(values[i]));
    return ask(cli, question, columns, form);
}
