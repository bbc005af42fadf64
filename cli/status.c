/* postern status: what runs since when, what it saw, whether it enforces. */
#include <stdio.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/question.h"

static void show_watcher(const json_t *record)
{
    char since[CLOCK_TEXT], packets[16], bytes[16];
    printf("watching    %lld interface%s, since %s\n", (long long)field_integer(record, "ports"),
           field_integer(record, "ports") == 1 ? "" : "s", clock_print(field_moment(record, "started"), since));
    printf("packets     %s (%s bytes), %lld dropped, %lld malformed\n",
           amount_print((uint64_t)field_integer(record, "packets"), packets),
           amount_print((uint64_t)field_integer(record, "bytes"), bytes), (long long)field_integer(record, "dropped"),
           (long long)field_integer(record, "malformed"));
    printf("mail        %lld connections, %lld messages, %lld sessions (%lld with gaps), %lld streams open\n",
           (long long)field_integer(record, "connections"), (long long)field_integer(record, "messages"),
           (long long)field_integer(record, "sessions"), (long long)field_integer(record, "sessions_gapped"),
           (long long)field_integer(record, "streams_open"));
    long long files = field_integer(record, "log_files"), lines = field_integer(record, "log_lines");
    if (files + lines > 0)
        printf(
            "logs        %lld file%s, %lld lines (%lld not understood), %lld entries read too late, %lld bytes lost\n",
            files, files == 1 ? "" : "s", lines, (long long)field_integer(record, "log_lines_unparsed"),
            (long long)field_integer(record, "log_entries_late"), (long long)field_integer(record, "log_bytes_lost"));
    long long paired = field_integer(record, "paired"), unpaired = field_integer(record, "unpaired");
    if (paired + unpaired > 0)
        printf(
            "            %lld recipients and logins were on the wire too and count once; of %lld transactions on the "
            "wire no log told all (%lld were not waited for), %lld wait\n",
            paired, unpaired, (long long)field_integer(record, "unpaired_crowded"),
            (long long)field_integer(record, "pairing_waiting"));
    long long kept = (long long)field_integer(record, "samples_kept");
    if (kept > 0)
        printf("samples     %lld of %lld messages that were kept are for the collector's filters (%s bytes), %lld "
               "lost, %lld gave way\n",
               (long long)field_integer(record, "samples_told"), kept,
               amount_print((uint64_t)field_integer(record, "samples_bytes"), bytes),
               (long long)field_integer(record, "samples_lost"), (long long)field_integer(record, "samples_crowded"));
    printf("senders     %lld known (room for all: %.0f MB, taken as needed)\n",
           (long long)field_integer(record, "senders"), (double)field_integer(record, "memory") / 1e6);
    long long let_go = (long long)field_integer(record, "details_let_go");
    if (let_go > 0)
        printf("            %lld times what was known of one gave way to another's: raise [sender] busy\n", let_go);
}

static void show_warden(const struct cli *cli, const json_t *record)
{
    bool on = field_true(record, "enforcing");
    char since[CLOCK_TEXT];
    printf("agent       since %s, %s\n", clock_print(field_moment(record, "started"), since),
           strcmp(field_text(record, "layout"), "host") == 0 ? "on a host" : "on a hypervisor");
    printf("enforcement ");
    paint_begin(cli->colour, on ? 32 : 33);
    printf("%s", on ? "on" : "off");
    paint_end(cli->colour, on ? 32 : 33);
    if (on)
        printf(" (%s, %lld uplinks; cut: %s), %lld orders in force, %lld repairs of our table\n",
               field_text(record, "layout"), (long long)field_integer(record, "uplinks"), field_text(record, "cut"),
               (long long)field_integer(record, "orders"), (long long)field_integer(record, "repairs"));
    else
        printf(": verdicts only, nothing in the kernel; `postern enforce on` changes that\n");
    long long watcher = field_integer(record, "watcher_restarts"), courier = field_integer(record, "courier_restarts");
    if (watcher + courier > 0)
        printf("restarts    watcher %lld, courier %lld\n", watcher, courier);
    if (field_integer(record, "settings") > 0)
        printf("settings    from the collector, revision %lld, under this machine's own file\n",
               (long long)field_integer(record, "settings"));
    if (field_integer(record, "orders_refused") > 0)
        printf("refused     %lld orders that the warden would not carry out\n",
               (long long)field_integer(record, "orders_refused"));
}

static void show_courier(const json_t *record)
{
    const char *trouble = field_text(record, "trouble");
    printf("journal     %lld entries waiting, %lld lost\n", (long long)field_integer(record, "queue"),
           (long long)field_integer(record, "lost"));
    if (trouble[0])
        printf("trouble     %s\n", trouble);
}

/* What a relay does beyond, where it does. */
static void show_relay(const json_t *record)
{
    if (field_integer(record, "greylist_known") > 0 || field_integer(record, "greylisted") > 0)
        printf("greylist    %lld recipients put off; %lld senders and nets known\n",
               (long long)field_integer(record, "greylisted"), (long long)field_integer(record, "greylist_known"));
    if (field_integer(record, "fleet") > 0)
        printf("relay       %lld senders stand in the fleet's list\n", (long long)field_integer(record, "fleet"));
    if (field_integer(record, "diverted") > 0)
        printf("            %lld messages diverted\n", (long long)field_integer(record, "diverted"));
    if (field_integer(record, "withheld") > 0)
        printf("            %lld more would have been refused or put off; we only observe\n",
               (long long)field_integer(record, "withheld"));
    if (field_integer(record, "strangers") > 0)
        printf("            %lld came over TCP that may not ask ([relay] clients)\n",
               (long long)field_integer(record, "strangers"));
}

static void show_policy(const json_t *record)
{
    char last[CLOCK_TEXT];
    if (!field_true(record, "open"))
        printf("accounts    mail servers have no place to ask: [agent] policy is none\n");
    else if (field_moment(record, "asked_last") == 0)
        printf("accounts    no mail server has asked, so orders on accounts stop nothing: postern-agent(8), MAIL "
               "SERVERS\n");
    else
        printf("accounts    mail servers asked %lld times, the last at %s; %lld messages refused, %lld put off\n",
               (long long)field_integer(record, "asked"), clock_print(field_moment(record, "asked_last"), last),
               (long long)field_integer(record, "refused"), (long long)field_integer(record, "deferred"));
    show_relay(record);
    if (field_integer(record, "malformed") > 0)
        printf("            %lld that asked there did not speak Postfix's policy protocol\n",
               (long long)field_integer(record, "malformed"));
}

/* Messages for the collector's filters, and what came of them; nothing where there were none. */
static void show_messages(const json_t *record)
{
    char bytes[16];
    if (field_integer(record, "messages_taken") + field_integer(record, "messages_waiting") +
            field_integer(record, "opinions") >
        0)
        printf("messages    %lld for the collector's filters: %lld sent, %lld wait (%s bytes), %lld dropped, %lld set "
               "aside; %lld opinions came back\n",
               (long long)field_integer(record, "messages_taken"), (long long)field_integer(record, "messages_sent"),
               (long long)field_integer(record, "messages_waiting"),
               amount_print((uint64_t)field_integer(record, "messages_bytes"), bytes),
               (long long)field_integer(record, "messages_dropped"),
               (long long)field_integer(record, "messages_set_aside"), (long long)field_integer(record, "opinions"));
    if (field_text(record, "messages_trouble")[0])
        printf("trouble     %s\n", field_text(record, "messages_trouble"));
}

static void show_collector(const json_t *record)
{
    char since[CLOCK_TEXT], bytes[16];
    const char *state = field_text(record, "state");
    printf("collector   %s, ", field_text(record, "address"));
    if (strcmp(state, "connected") == 0)
        printf("connected since %s\n", clock_print(field_moment(record, "connected_since"), since));
    else
        printf("%s\n", strcmp(state, "refused") == 0 ? "which refuses this node" : "not connected");
    long long spooled = (long long)field_integer(record, "spooled");
    printf("spool       %lld record%s (%s bytes)", spooled, spooled == 1 ? "" : "s",
           amount_print((uint64_t)field_integer(record, "spooled_bytes"), bytes));
    if (field_moment(record, "oldest"))
        printf(", the oldest of %s", clock_print(field_moment(record, "oldest"), since));
    printf("; %lld dropped, %lld set aside\n", (long long)field_integer(record, "dropped"),
           (long long)field_integer(record, "set_aside"));
    if (field_text(record, "trouble")[0])
        printf("trouble     %s\n", field_text(record, "trouble"));
    if (field_text(record, "spool_trouble")[0])
        printf("trouble     %s\n", field_text(record, "spool_trouble"));
    show_messages(record);
}

static void show(void *context, const json_t *record)
{
    const char *kind = field_text(record, "record");
    if (strcmp(kind, "watcher") == 0)
        show_watcher(record);
    else if (strcmp(kind, "warden") == 0)
        show_warden(context, record);
    else if (strcmp(kind, "courier") == 0)
        show_courier(record);
    else if (strcmp(kind, "policy") == 0)
        show_policy(record);
    else if (strcmp(kind, "collector") == 0)
        show_collector(record);
}

int command_status(const struct cli *cli, int count, char **arguments)
{
    const struct command_option options[] = {{NULL, NULL, NULL}};
    if (command_read(count, arguments, options, NULL, 0) < 0)
        return EXIT_USAGE;
    return question_ask(cli, json_pack("{ss}", "command", "status"), show, (void *)cli);
}
