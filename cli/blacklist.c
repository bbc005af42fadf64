/* postern blacklist: which own address or domain is on which blacklist, since when, how often, and how to get off; and
 * check: lists are asked about some names now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/centre.h"
#include "cli/columns.h"
#include "cli/question.h"
#include "common/cleanup.h"

#define NAMES_MOST  64
#define ANSWER_MOST ((size_t)64 * 1024)
#define LOOKS       600 /* at what came of it, five a second */

struct shown {
    const struct cli *cli;
    struct columns *listings, *lists, *times;
    unsigned listed, once, distrusted, past;
    long long names, asked;
    bool enabled;
    /* Of a name that was asked for. */
    bool is_waiting, is_known;
    long long clean, unknown;
};

static void say_whose(struct columns *columns, const json_t *record)
{
    const char *customer = field_text(record, "customer"), *sender = field_text(record, "sender");
    columns_add(columns, "%s%s%s", customer, *customer && *sender ? ", " : "", sender);
}

static void add_listing(struct shown *shown, const json_t *record)
{
    char since[CLOCK_TEXT];
    const char *state = field_text(record, "state");
    bool is_listed = strcmp(state, "listed") == 0, is_once = strcmp(state, "once") == 0;
    shown->listed += is_listed;
    shown->once += is_once;
    columns_add(shown->listings, "%s", field_text(record, "name"));
    columns_add(shown->listings, "%s", field_text(record, "list"));
    columns_add(shown->listings, "%s",
                is_listed ? clock_print(field_moment(record, "since"), since)
                : is_once ? "to be confirmed"
                          : "over");
    columns_add(shown->listings, "%lld", (long long)field_integer(record, "times"));
    columns_add(shown->listings, "%s", field_text(record, "weight"));
    columns_add(shown->listings, "%s (%s)", field_text(record, "means"), field_text(record, "codes"));
    say_whose(shown->listings, record);
    columns_add(shown->listings, "%s", field_text(record, "link"));
    if (is_listed)
        columns_paint(shown->listings, strcmp(field_text(record, "weight"), "critical") == 0 ? 31 : 33);
}

static void add_time(struct shown *shown, const json_t *record)
{
    char since[CLOCK_TEXT], until[CLOCK_TEXT];
    columns_add(shown->times, "%s", field_text(record, "name"));
    columns_add(shown->times, "%s", field_text(record, "list"));
    columns_add(shown->times, "%s", clock_print(field_moment(record, "since"), since));
    columns_add(shown->times, "%s", clock_print(field_moment(record, "until"), until));
    columns_add(shown->times, "%s", field_text(record, "codes"));
    say_whose(shown->times, record);
    shown->past++;
}

static void add_list(struct shown *shown, const json_t *record)
{
    char since[CLOCK_TEXT];
    if (strcmp(field_text(record, "state"), "good") == 0)
        return;
    columns_add(shown->lists, "%s", field_text(record, "list"));
    columns_add(shown->lists, "%s", clock_print(field_moment(record, "since"), since));
    columns_add(shown->lists, "%s", field_text(record, "why"));
    shown->distrusted++;
}

static void add(void *context, const json_t *record)
{
    struct shown *shown = context;
    const char *kind = field_text(record, "record");
    if (strcmp(kind, "listing") == 0) {
        add_listing(shown, record);
    } else if (strcmp(kind, "time") == 0) {
        add_time(shown, record);
    } else if (strcmp(kind, "list") == 0) {
        add_list(shown, record);
    } else if (strcmp(kind, "watching") == 0) {
        shown->names = field_integer(record, "names");
        shown->asked = field_integer(record, "lists");
        shown->enabled = field_true(record, "enabled");
    } else if (strcmp(kind, "watched") == 0) {
        shown->is_known = true;
        shown->is_waiting = field_true(record, "wanted");
        shown->clean = field_integer(record, "clean");
        shown->unknown = field_integer(record, "unknown");
    }
}

static void open_tables(struct shown *shown, const struct cli *cli)
{
    static const char *const listings[] = {"NAME",  "LIST",  "SINCE",          ">TIMES", "WEIGHT",
                                           "MEANS", "WHOSE", "HOW TO GET OFF", NULL};
    static const char *const lists[] = {"NOT BELIEVED", "SINCE", "WHY", NULL};
    static const char *const times[] = {"NAME", "LIST", "SINCE", "UNTIL", "CODE", "WHOSE", NULL};
    *shown = (struct shown){.cli = cli,
                            .listings = columns_create(listings),
                            .lists = columns_create(lists),
                            .times = columns_create(times)};
}

static void close_tables(struct shown *shown)
{
    columns_destroy(&shown->listings);
    columns_destroy(&shown->lists);
    columns_destroy(&shown->times);
}

/* --- the list --- */

static void print_all(const struct shown *shown)
{
    if (shown->listed + shown->once > 0)
        columns_print(shown->listings, shown->cli->colour, true);
    else
        printf("nothing is listed, as far as is known\n");
    if (shown->past > 0) {
        printf("\n");
        columns_print(shown->times, shown->cli->colour, true);
    }
    if (shown->distrusted > 0) {
        printf("\n");
        columns_print(shown->lists, shown->cli->colour, true);
    }
    if (shown->enabled)
        printf("\n%lld names are watched on %lld lists\n", shown->names, shown->asked);
    else
        printf("\nblacklists are not watched: enabled in [blacklists] of collector.conf\n");
}

static int list(const struct cli *cli, int count, char **arguments)
{
    static const char *const keys[] = {"name", "customer", "since", "top"};
    const char *values[4] = {NULL};
    bool all = false;
    const struct command_option options[] = {{"--customer", &values[1], NULL},
                                             {"--since", &values[2], NULL},
                                             {"--top", &values[3], NULL},
                                             {"--all", NULL, &all},
                                             {NULL, NULL, NULL}};
    if (command_read(count, arguments, options, &values[0], 1) < 0)
        return EXIT_USAGE;
    json_t *question = json_pack("{ss}", "command", "blacklist");
    for (size_t i = 0; question && i < sizeof keys / sizeof keys[0]; i++)
        if (values[i])
            json_object_set_new(question, keys[i], json_string(values[i]));
    if (question && all)
        json_object_set_new(question, "all", json_string("yes"));
    CLEANUP(close_tables) struct shown shown;
    open_tables(&shown, cli);
    int status = question_ask(cli, question, add, &shown);
    if (status == EXIT_DONE && !cli->json)
        print_all(&shown);
    return status;
}

/* --- check --- */

static void drop(json_t **value)
{
    json_decref(*value);
}

static int ask_for(const struct cli *cli, const char *const *names, int count)
{
    CLEANUP(centre_close) struct centre *centre = NULL;
    CLEANUP(buffer_clear) struct buffer answer;
    CLEANUP(drop) json_t *body = json_pack("{s[]}", "names");
    struct error error = {0};
    buffer_init(&answer, ANSWER_MOST);
    for (int i = 0; i < count; i++)
        json_array_append_new(json_object_get(body, "names"), json_string(names[i]));
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    const struct centre_request request = {
        .method = "POST", .path = "/v1/blacklist/check", .type = "application/json", .body = text_of(text ? text : "")};
    int status = centre_open(cli, &centre, &error);
    if (status == 0)
        status = centre_call(centre, &request, &answer, &error);
    free(text);
    if (status < 0)
        fprintf(stderr, "postern blacklist check: %s\n", error.text);
    return status < 0 ? EXIT_FAILED : EXIT_DONE;
}

static json_t *question_of(const char *name)
{
    return json_pack("{ss ss ss}", "command", "blacklist", "name", name, "all", "yes");
}

/* Until lists were asked; as tables, for the records would come as often as it is looked. */
static int wait_for(const struct cli *cli, const char *name, struct shown *shown)
{
    struct cli quiet = *cli;
    int status = EXIT_DONE;
    quiet.json = false;
    for (int i = 0; i < LOOKS; i++) {
        close_tables(shown);
        open_tables(shown, cli);
        status = question_ask(&quiet, question_of(name), add, shown);
        if (status != EXIT_DONE || (shown->is_known && !shown->is_waiting))
            return status;
        nanosleep(&(const struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
    }
    fprintf(stderr,
            "postern blacklist check: %s: lists are still being asked; `postern blacklist %s` says more later\n", name,
            name);
    return EXIT_FAILED;
}

static int show_one(const struct cli *cli, const char *name, bool *is_good)
{
    CLEANUP(close_tables) struct shown shown;
    open_tables(&shown, cli);
    int status = wait_for(cli, name, &shown);
    if (status != EXIT_DONE)
        return status;
    unsigned listed = shown.listed + shown.once;
    *is_good = *is_good && listed == 0 && shown.clean > 0;
    if (cli->json)
        return question_ask(cli, question_of(name), NULL, NULL);
    if (listed > 0)
        columns_print(shown.listings, cli->colour, true);
    printf("%s: %u lists have it, %lld do not, of %lld it is not known\n", name, listed, shown.clean, shown.unknown);
    return status;
}

static int check(const struct cli *cli, int count, char **arguments)
{
    const char *names[NAMES_MOST];
    const struct command_option options[] = {{NULL, NULL, NULL}};
    int found = command_read(count, arguments, options, names, NAMES_MOST);
    bool is_good = true;
    if (found < 0)
        return EXIT_USAGE;
    if (found == 0) {
        fprintf(stderr, "postern blacklist check: which addresses and domains? up to %d\n", NAMES_MOST);
        return EXIT_USAGE;
    }
    int status = ask_for(cli, names, found);
    for (int i = 0; i < found && status == EXIT_DONE; i++)
        status = show_one(cli, names[i], &is_good);
    return status == EXIT_DONE && !is_good ? EXIT_FAILED : status;
}

int command_blacklist(const struct cli *cli, int count, char **arguments)
{
    if (!cli->collector) {
        fprintf(stderr, "postern blacklist: a collector watches them: --collector URL, or POSTERN_COLLECTOR\n");
        return EXIT_USAGE;
    }
    if (count > 1 && strcmp(arguments[1], "check") == 0)
        return check(cli, count - 1, arguments + 1);
    return list(cli, count, arguments);
}
