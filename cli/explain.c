/* postern explain: what an abuse desk reads to a customer. Plain sentences, times, examples; what was done, until when,
 * and what would lift it. */
#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/customers_fleet.h"
#include "cli/events.h"
#include "cli/explain_fleet.h"
#include "cli/question.h"
#include "common/cleanup.h"

struct explanation {
    const struct cli *cli;
    json_t *sender;             /* the sender's record as it is now */
    json_t *places;             /* of a collector: an array, as each node has it */
    json_t *submission;         /* of an account: what its mail server asked and was told */
    json_t *evidence, *history; /* arrays */
    json_t *orders;             /* an array: what stands on it, and of a customer what is held for it */
    json_t *sentence;           /* of a customer: what its order holds */
};

static void collect(void *context, const json_t *record)
{
    struct explanation *explanation = context;
    const char *kind = field_text(record, "record");
    json_t *copy = json_deep_copy(record);
    if (strcmp(kind, "sender") == 0 && explanation->cli->collector)
        json_array_append_new(explanation->places, copy);
    else if (strcmp(kind, "sender") == 0)
        explanation->sender = copy;
    else if (strcmp(kind, "submission") == 0)
        explanation->submission = copy;
    else if (strcmp(kind, "order") == 0 && !explanation->cli->collector)
        json_array_append_new(explanation->orders, copy);
    else if (strcmp(kind, "done") == 0)
        explanation->sentence = copy;
    else if (strcmp(kind, "evidence") == 0 && !json_object_get(record, "sender"))
        json_array_append_new(explanation->evidence, copy);
    else
        json_array_append_new(explanation->history, copy);
}

static const char *account_sentence(const char *verdict)
{
    if (strcmp(verdict, "block") == 0)
        return "is blocked: mail servers that ask are told to refuse what it submits";
    if (strcmp(verdict, "throttle") == 0)
        return "is slowed down: mail servers that ask are told to take only a few of its messages a minute";
    return NULL;
}

static bool is_kind(const json_t *evidence, const char *kind)
{
    return strcmp(field_text(evidence, "detector"), kind) == 0;
}

/* How its mail came: no evidence. */
static bool is_way(const json_t *evidence)
{
    return is_kind(evidence, "program") || is_kind(evidence, "command") || is_kind(evidence, "submitted");
}

/* The agent and we stand on one machine, so its users are ours. */
static void show_user(const char *sender)
{
    const struct passwd *user = strncmp(sender, "uid:", 4) == 0 ? getpwuid((uid_t)strtoul(sender + 4, NULL, 10)) : NULL;
    if (user)
        printf("That is the user %s.\n", user->pw_name);
}

static void show_owner(const json_t *sender)
{
    const char *customer = field_text(sender, "customer"), *address = field_text(sender, "address");
    bool number = strcmp(field_text(sender, "known_by"), "number") == 0;
    if (*customer)
        printf("The customer is %s, by %s.", customer, number ? "the guest's number in the port's name" : "the map");
    if (*address)
        printf("%sThe address that it used last is %s.", *customer ? " " : "", address);
    if (*customer || *address)
        putchar('\n');
}

static void show_ways(const struct explanation *explanation)
{
    size_t i;
    json_t *evidence;
    char text[CLOCK_TEXT];
    bool any = false;
    json_array_foreach(explanation->evidence, i, evidence)
    {
        if (!is_way(evidence))
            continue;
        printf("%s", any ? "" : "\nHow its mail was sent, the latest first:\n");
        any = true;
        if (is_kind(evidence, "command"))
            printf("      as  %s\n", field_text(evidence, "reason"));
        else
            printf("  %s  %s\n", clock_print(field_moment(evidence, "time"), text), field_text(evidence, "reason"));
    }
}

static void show_state(const struct explanation *explanation)
{
    const json_t *sender = explanation->sender;
    const char *verdict = field_text(sender, "verdict");
    char text[CLOCK_TEXT];
    const char *sentence = explanation->submission ? account_sentence(verdict) : NULL;
    bool colour = explanation->cli->colour;
    paint_begin(colour, verdict_colour(verdict) ? verdict_colour(verdict) : 32);
    printf("%s %s.", field_text(sender, "sender"), sentence ? sentence : verdict_sentence(verdict));
    paint_end(colour, verdict_colour(verdict) ? verdict_colour(verdict) : 32);
    putchar('\n');
    show_user(field_text(sender, "sender"));
    show_owner(sender);
    if (field_moment(sender, "verdict_since"))
        printf("Since %s.", clock_print(field_moment(sender, "verdict_since"), text));
    if (field_moment(sender, "hold_until"))
        printf(" Until %s at the earliest.", clock_print(field_moment(sender, "hold_until"), text));
    if (field_integer(sender, "repeats") > 0)
        printf(" It was stopped %lld time%s before, so it is held longer.", (long long)field_integer(sender, "repeats"),
               field_integer(sender, "repeats") == 1 ? "" : "s");
    if (field_moment(sender, "verdict_since") || field_moment(sender, "hold_until"))
        putchar('\n');
    if (*field_text(sender, "plan"))
        printf("Its plan is \"%s\".\n", field_text(sender, "plan"));
    if (field_true(sender, "allowed"))
        printf("It is on the allow list: whatever its score, it is not stopped.\n");
    if (*field_text(sender, "person_deed") && strcmp(field_text(sender, "person_deed"), "release") != 0)
        printf("A person's order is in force (%s) until %s.\n", field_text(sender, "person_deed"),
               clock_print(field_moment(sender, "person_until"), text));
}

/* What a relay that follows the fleet refuses by. */
static void show_standing(const json_t *standing)
{
    char until[CLOCK_TEXT];
    if (!standing)
        return;
    printf("\nIn the fleet: %s until %s, by %s on %s: %s\n", field_text(standing, "deed"),
           clock_print(field_moment(standing, "until"), until), field_text(standing, "by"),
           field_text(standing, "node"), field_text(standing, "reason"));
}

/* An order that nobody asks about stops nothing: say so. */
static void show_submission(const struct explanation *explanation)
{
    const json_t *record = explanation->submission;
    char since[CLOCK_TEXT], last[CLOCK_TEXT];
    if (record)
        show_standing(json_object_get(record, "standing"));
    if (!record || field_moment(record, "ordered") == 0)
        return;
    printf("\nWhat it submits, since %s:\n  ", clock_print(field_moment(record, "ordered"), since));
    if (field_integer(record, "asked") > 0) {
        printf("%lld messages refused, %lld put off; mail servers asked %lld times, the last at %s\n",
               (long long)field_integer(record, "refused"), (long long)field_integer(record, "deferred"),
               (long long)field_integer(record, "asked"), clock_print(field_moment(record, "asked_last"), last));
        if (field_integer(record, "greylisted") > 0 || field_integer(record, "diverted") > 0)
            printf("  %lld recipients greylisted, %lld messages diverted\n",
                   (long long)field_integer(record, "greylisted"), (long long)field_integer(record, "diverted"));
    } else if (field_moment(record, "any_asked_last"))
        printf("no mail server has asked about this account, so nothing stops it; about others one asked at %s\n",
               clock_print(field_moment(record, "any_asked_last"), last));
    else
        printf("no mail server has asked, so nothing stops it: see postern-agent(8), MAIL SERVERS\n");
}

/* Of a sender: that it is held for its customer. Its own order is told with its state. */
static void show_holder(const struct explanation *explanation)
{
    size_t i;
    json_t *order;
    char until[CLOCK_TEXT];
    json_array_foreach(explanation->orders, i, order)
    {
        if (*field_text(order, "held_for"))
            printf("\nIt is held for its customer: an order on %s (%s) stands until %s.\n",
                   field_text(order, "held_for"), field_text(order, "deed"),
                   clock_print(field_moment(order, "until"), until));
    }
}

/* A customer is no sender: no counts and no verdict, but an order and all that is held by it. */
static void show_customers_order(const struct explanation *explanation, const char *customer)
{
    const char *sentence = field_text(explanation->sentence, "text");
    size_t i, number = 0;
    json_t *order;
    char until[CLOCK_TEXT];
    json_array_foreach(explanation->orders, i, order)
    {
        if (!*field_text(order, "held_for"))
            printf("An order is in force on %s (%s) until %s, by a %s.\n", customer, field_text(order, "deed"),
                   clock_print(field_moment(order, "until"), until), field_text(order, "by"));
        else
            printf("%s%s", number++ ? ", " : "Held with it: ", field_text(order, "sender"));
    }
    if (number)
        putchar('\n');
    if (json_array_size(explanation->orders) == 0)
        printf("No order is in force on %s.\n", customer);
    if (strncmp(sentence, "holds", 5) == 0)
        printf("It %s.\n", sentence);
    else if (*sentence)
        printf("%c%s.\n", toupper((unsigned char)sentence[0]), sentence + 1);
}

static void show_mail(const json_t *sender)
{
    char first[CLOCK_TEXT], last[CLOCK_TEXT], bytes[16];
    printf("\nIts mail so far, first seen %s, last %s:\n", clock_print(field_moment(sender, "first_seen"), first),
           clock_print(field_moment(sender, "last_seen"), last));
    printf("  %lld connections to %lld servers (%lld more failed)", (long long)field_integer(sender, "connections"),
           (long long)field_integer(sender, "distinct_servers"), (long long)field_integer(sender, "connect_failed"));
    printf(", greeting as %lld name%s\n", (long long)field_integer(sender, "distinct_helos"),
           field_integer(sender, "distinct_helos") == 1 ? "" : "s");
    printf("  %lld messages accepted, %lld refused, %s bytes, from %lld sender addresses\n",
           (long long)field_integer(sender, "messages"), (long long)field_integer(sender, "messages_rejected"),
           amount_print((uint64_t)field_integer(sender, "bytes"), bytes),
           (long long)field_integer(sender, "distinct_senders"));
    printf("  %lld recipients accepted, %lld refused, %lld deferred; %lld different addresses\n",
           (long long)field_integer(sender, "recipients"), (long long)field_integer(sender, "recipients_rejected"),
           (long long)field_integer(sender, "recipients_deferred"),
           (long long)field_integer(sender, "distinct_recipients"));
    if (field_integer(sender, "tls_sessions") > 0)
        printf("  %lld connections were encrypted; what was said in them was not seen\n",
               (long long)field_integer(sender, "tls_sessions"));
    if (field_integer(sender, "clean_days") >= 7)
        printf("  clean for %lld days with mail; so that it only sends more than others is held against it less\n",
               (long long)field_integer(sender, "clean_days"));
}

static void show_evidence(const struct explanation *explanation)
{
    const json_t *sender = explanation->sender, *thresholds = json_object_get(sender, "thresholds");
    printf("\nWhy: %.1f points", field_number(sender, "score"));
    printf(
        " (alert from %.0f, throttle from %.0f, block from %.0f; 10 points mean that an abuser is ten times as likely"
        " to be seen doing this)\n",
        field_number(thresholds, "alert"), field_number(thresholds, "throttle"), field_number(thresholds, "block"));
    size_t i;
    json_t *evidence;
    char text[CLOCK_TEXT];
    bool any = false;
    json_array_foreach(explanation->evidence, i, evidence)
    {
        if (is_way(evidence))
            continue;
        any = true;
        printf("  %s  %-10s %5.1f  %s\n", clock_print(field_moment(evidence, "time"), text),
               field_text(evidence, "detector"), field_number(evidence, "points"), field_text(evidence, "reason"));
    }
    if (!any)
        printf("  nothing is held against it\n");
}

static void show_history(const struct explanation *explanation)
{
    if (json_array_size(explanation->history) == 0)
        return;
    printf("\nWhat happened, in order:\n");
    size_t i;
    json_t *record;
    json_array_foreach(explanation->history, i, record)
    {
        printf("  ");
        event_print(record, explanation->cli->colour);
    }
}

static void show_remedy(const json_t *sender)
{
    char text[CLOCK_TEXT];
    const char *verdict = field_text(sender, "verdict"), *name = field_text(sender, "sender");
    if (strcmp(verdict, "clear") == 0)
        return;
    printf("\nWhat lifts it: points fade by themselves");
    if (field_moment(sender, "clear_at"))
        printf("; if nothing new is seen it is clear at %s", clock_print(field_moment(sender, "clear_at"), text));
    printf(".\n  At once, and kept on record:  postern release %s --reason \"...\"\n", name);
    printf("  Never stop it again for a week:  postern allow %s --for 7d --reason \"...\"\n", name);
}

int command_explain(const struct cli *cli, int count, char **arguments)
{
    const char *sender = NULL;
    const struct command_option options[] = {{NULL, NULL, NULL}};
    int words = command_read(count, arguments, options, &sender, 1);
    if (words < 0)
        return EXIT_USAGE;
    if (words == 0) {
        fprintf(stderr, "postern explain: whom? an address, a /64, a MAC, uid:NUMBER, account:NAME, customer:NAME or a "
                        "port's name\n");
        return EXIT_USAGE;
    }
    if (cli->collector && strncmp(sender, "customer:", 9) == 0)
        return customers_fleet_explain(cli, sender + 9);
    struct explanation explanation = {
        .cli = cli, .places = json_array(), .evidence = json_array(), .history = json_array(), .orders = json_array()};
    int status = question_ask(cli, json_pack("{ss ss}", "command", "explain", "sender", sender), collect, &explanation);
    if (status == EXIT_DONE && !cli->json && json_array_size(explanation.places) > 0) {
        explain_fleet(explanation.places, cli->colour);
        show_history(&explanation);
        explain_fleet_remedy(explanation.places);
    } else if (status == EXIT_DONE && !cli->json && explanation.sender) {
        show_state(&explanation);
        show_holder(&explanation);
        show_evidence(&explanation);
        show_ways(&explanation);
        show_submission(&explanation);
        show_mail(explanation.sender);
        show_history(&explanation);
        show_remedy(explanation.sender);
    } else if (status == EXIT_DONE && !cli->json && strncmp(sender, "customer:", 9) == 0) {
        show_customers_order(&explanation, sender);
        show_submission(&explanation);
        show_history(&explanation);
    } else if (status == EXIT_DONE && !cli->json) {
        printf("%s has sent no mail that was seen here and remembered.\n", sender);
        show_holder(&explanation);
        show_submission(&explanation);
        show_history(&explanation);
    }
    json_decref(explanation.sender);
    json_decref(explanation.places);
    json_decref(explanation.submission);
    json_decref(explanation.evidence);
    json_decref(explanation.orders);
    json_decref(explanation.sentence);
    json_decref(explanation.history);
    return status;
}
