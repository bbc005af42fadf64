/* The warden: the one process that may touch packets and tables, so it does as little as possible with what others say.
 * It reads no packet and parses no mail: it opens sockets and hands them over, carries out orders after checking each
 * again, and keeps watcher and courier running. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include "agent/message/bundle.h"
#include "agent/message/role.h"
#include "agent/message/settings.h"
#include "agent/message/supervise.h"
#include "agent/warden/children.h"
#include "agent/warden/customer_command.h"
#include "agent/warden/cut.h"
#include "agent/warden/enforcement.h"
#include "agent/warden/keeping.h"
#include "agent/warden/links.h"
#include "agent/warden/log_files.h"
#include "agent/warden/looking.h"
#include "agent/warden/owner.h"
#include "agent/warden/positions.h"
#include "agent/warden/sandbox.h"
#include "agent/warden/settling.h"
#include "agent/warden/switch.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/log.h"

#define LOOK_ROUND_EVERY 15   /* ticks: default routes and own addresses have no news that we listen to */
#define EVENTS_KEPT      64   /* for a courier that is not there */
#define ROWS_KEPT        8192 /* rows that wait for the courier; more orders than that are not listed */
#define EXPLAINED_MOST   100  /* rows of what is held for a customer, in an explanation */
#define THROTTLE_RATE    20   /* connections a minute for an order that names none */
#define REFUSALS_SAID    10   /* in a second: a watcher gone mad shall not drown the log and the journal */

struct warden {
    struct log log;
    sd_event *loop;
    int supervisor, exit_status;
    bool configured, ready, own_is_new;
    struct process_settings settings;
    enum capture_role machine;
    struct address_list own;
    struct links *links;
    struct positions *positions;
    struct enforcement *enforcement;
    struct cut *cut;
    struct looking looking;
    struct keeping keeping;
    struct customers *customers; /* who owns what; NULL: nobody is known */
    struct owner *owner;         /* NULL: the kernel cannot be asked */
    struct log_files *logs;
    struct children *children;
    struct enforce_switch switched;
    sd_event_source *guard, *opening;
    int guard_descriptor;
    moment started;
    int64_t settings_revision; /* of the collector's that are in force; 0: none */
    struct settling settling;
    uint32_t ticks, events, refusals_now;
    union message event[EVENTS_KEPT]; /* until the courier can take them */
};

static moment now(void)
{
    return clock_now();
}

/* --- what people should know ---------------------------------------------------------------------------------------
 */

static void on_event(void *context, uint8_t severity, const char *what, const char *text)
{
    struct warden *warden = context;
    union message message;
    log_write(&warden->log, (enum log_level)severity, "%s", text);
    message_prepare(&message, MESSAGE_EVENT, 0);
    message.event.time = now();
    message.event.severity = severity;
    snprintf(message.event.what, sizeof(message.event.what), "%s", what);
    snprintf(message.event.text, sizeof(message.event.text), "%s", text);
    if (warden->children && children_say(warden->children, ROLE_COURIER, &message, -1, TALK_MUST))
        return;
    if (warden->events < EVENTS_KEPT)
        warden->event[warden->events++] = message;
}

static void say_events_kept(struct warden *warden)
{
    for (uint32_t i = 0; i < warden->events; i++)
        (void)children_say(warden->children, ROLE_COURIER, &warden->event[i], -1, TALK_MUST);
    warden->events = 0;
}

static void say_status(struct warden *warden, uint32_t question)
{
    union message message;
    struct message_status_warden *status = &message.status_warden;
    struct enforcement_counters counters = enforcement_counters(warden->enforcement);
    size_t count;
    const struct position *positions = positions_all(warden->positions, &count);
    message_prepare(&message, MESSAGE_STATUS_WARDEN, question);
    status->started = warden->started;
    status->settings = warden->settings_revision;
    status->enforcing = enforcement_is_on(warden->enforcement);
    status->role = warden->machine == CAPTURE_HOST ? NFT_HOST : NFT_HYPERVISOR;
    status->reject = counters.reject;
    status->table = counters.table;
    status->layout = warden->machine == CAPTURE_HOST ? 0 : positions_are_bridged(warden->positions) ? 1 : 2;
    for (size_t i = 0; i < count; i++)
        *(positions[i].place == PLACE_UPLINK ? &status->uplinks : &status->ports) += 1;
    status->watcher_restarts = children_restarts(warden->children, ROLE_WATCHER);
    status->courier_restarts = children_restarts(warden->children, ROLE_COURIER);
    status->orders = counters.orders;
    memcpy(status->in_force, counters.in_force, sizeof(status->in_force));
    status->repairs = counters.repairs;
    status->resets_sent = cut_sent(warden->cut);
    status->refused_orders = counters.refused;
    (void)children_say(warden->children, ROLE_COURIER, &message, -1, TALK_MUST);
}

/* --- enforcement ---------------------------------------------------------------------------------------------------
 */

static int on_guard(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    struct warden *warden = context;
    (void)source;
    (void)descriptor;
    (void)events;
    enforcement_mend(warden->enforcement, now());
    return 0;
}

static void watch_guard(struct warden *warden)
{
    int descriptor = enforcement_guard(warden->enforcement);
    warden->guard = sd_event_source_disable_unref(warden->guard);
    if (descriptor >= 0 && sd_event_add_io(warden->loop, &warden->guard, descriptor, EPOLLIN, on_guard, warden) < 0)
        on_event(warden, 2, "repair", "cannot watch what others do to our table");
    if (warden->guard) /* before packets and orders: a hole in the wall is mended first */
        sd_event_source_set_priority(warden->guard, SD_EVENT_PRIORITY_IMPORTANT);
}

static void say_enforcement(struct warden *warden, enum role role)
{
    union message message;
    message_prepare(&message, MESSAGE_ENFORCEMENT, 0);
    message.enforcement.on = enforcement_is_on(warden->enforcement);
    (void)children_say(warden->children, role, &message, -1, TALK_MUST);
}

static int switch_enforcement(struct warden *warden, bool on, struct error *error)
{
    bool was = enforcement_is_on(warden->enforcement);
    sd_event_source_disable_unref(TAKE(warden->guard));
    int code = enforcement_switch(warden->enforcement, on, now(), error);
    watch_guard(warden);
    if (was != enforcement_is_on(warden->enforcement) && warden->children) {
        say_enforcement(warden, ROLE_WATCHER);
        say_enforcement(warden, ROLE_COURIER);
    }
    return code;
}

static int plan_enforcement(struct warden *warden, struct error *error)
{
    struct nft_plan plan = {.role = warden->machine == CAPTURE_HOST ? NFT_HOST : NFT_HYPERVISOR,
                            .always_open = warden->settings.enforce.always_open,
                            .reject = warden->settings.enforce.reject != REJECT_NEVER,
                            .throttle_rate = THROTTLE_RATE,
                            .throttle_burst = warden->settings.enforce.throttle_burst};
    settings_ports(&warden->settings.capture, plan.ports);
    return enforcement_plan(warden->enforcement, &plan, &warden->own, error);
}

static void on_ask_enforce(struct warden *warden, const struct message_ask_enforce *ask)
{
    union message message;
    struct error error = {0};
    char text[240];
    int code = switch_enforcement(warden, ask->on, &error);
    if (code == 0)
        code = switch_keep(&warden->switched, ask->on, warden->settings.enforce.mode == ENFORCE_ENFORCE, &error);
    snprintf(text, sizeof(text), "enforcement was switched %s by %.64s%s%.100s", ask->on ? "on" : "off", ask->person,
             code ? ": " : "", code ? error.text : "");
    on_event(warden, code ? 2 : 1, "enforce", text);
    message_prepare(&message, MESSAGE_DONE, ask->head.question);
    message.done.code = code;
    snprintf(message.done.text, sizeof(message.done.text), "%s", code ? error.text : "");
    (void)children_say(warden->children, ROLE_COURIER, &message, -1, TALK_MUST);
    say_status(warden, 0);
}

/* --- the machine's links -------------------------------------------------------------------------------------------
 */

static void on_port_opened(void *context, const struct message_port_opened *opened, int descriptor)
{
    struct warden *warden = context;
    union message message = {.port_opened = *opened};
    (void)children_say(warden->children, ROLE_WATCHER, &message, descriptor, TALK_MUST);
}

static void on_port_closed(void *context, const struct position *position)
{
    struct warden *warden = context;
    enforcement_device_gone(warden->enforcement, position->link.name);
    if (!position->number || !warden->children)
        return;
    union message message;
    char text[100];
    message_prepare(&message, MESSAGE_PORT_CLOSED, 0);
    message.port_closed.number = position->number;
    (void)children_say(warden->children, ROLE_WATCHER, &message, -1, TALK_MUST);
    snprintf(text, sizeof(text), "%s is gone", position->link.name);
    on_event(warden, 0, "port", text);
}

static void on_device(void *context, const struct position *position)
{
    struct warden *warden = context;
    struct error error = {0};
    char text[300];
    bool uplink = position->place == PLACE_UPLINK;
    int code = enforcement_device(warden->enforcement, position->link.name, uplink,
                                  position->link.mac_known ? position->link.mac : NULL, now(), &error);
    if (code == -ENODEV || code == -ENOENT) /* gone meanwhile: its news is on the way */
        return;
    if (code != 0) {
        snprintf(text, sizeof(text), "cannot hook %s: %s", position->link.name, error.text);
        on_event(warden, 2, "port", text);
    }
    if (warden->ready) {
        snprintf(text, sizeof(text), "%s is here as %s", position->link.name, uplink ? "an uplink" : "a guest's port");
        on_event(warden, 0, "port", text);
    }
}

static int on_opening(sd_event_source *source, void *context)
{
    struct warden *warden = context;
    return positions_open_some(warden->positions) ? 0 : sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

/* The ports that are not open yet are opened when there is nothing else to do. */
static void open_the_rest(struct warden *warden)
{
    sd_event_source_set_enabled(warden->opening, SD_EVENT_ON);
}

/* Where links, routes or addresses may have changed: hold everything against them anew. */
static void look_round(struct warden *warden)
{
    struct error error = {0};
    struct address_list own = {0};
    enum capture_role machine = positions_update(warden->positions, warden->links);
    open_the_rest(warden);
    int code = links_own_addresses(&own, &error);
    if (code == 0) {
        address_list_clear(&warden->own);
        warden->own = own;
    }
    if (code == 0 && machine != warden->machine) {
        warden->machine = machine;
        code = plan_enforcement(warden, &error);
        if (code == 0) /* what is held on a host is not the same */
            code = enforcement_customers(warden->enforcement, warden->customers, now(), &error);
        enforcement_tick(warden->enforcement, now()); /* a guest may be here that is held: its table is made now */
        log_write(&warden->log, LOG_NEWS, "this machine is a %s",
                  machine == CAPTURE_HOST ? "host: its own interfaces are watched" : "hypervisor");
    }
    if (code != 0)
        on_event(warden, 2, "port", error.text);
}

static int on_links(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    struct warden *warden = context;
    struct error error = {0};
    bool changed = false;
    (void)source;
    (void)descriptor;
    (void)events;
    if (links_read(warden->links, &changed, &error) != 0) {
        on_event(warden, 2, "port", error.text);
        return sd_event_exit(warden->loop, 1); /* blind for changes: a new warden sees the whole again */
    }
    if (changed)
        look_round(warden);
    return 0;
}

/* --- watcher and courier -------------------------------------------------------------------------------------------
 */

static void say_order(void *context, const struct order *order)
{
    struct warden *warden = context;
    union message message;
    message_prepare(&message, MESSAGE_ORDER_TOLD, 0);
    message.order.order = *order;
    (void)children_say(warden->children, ROLE_COURIER, &message, -1, TALK_MUST);
}

static void keep_orders(struct warden *warden, bool at_once)
{
    struct error error = {0};
    if (keeping_write(&warden->keeping, warden->enforcement, at_once, &error) != 0)
        on_event(warden, 2, "order", error.text);
}

/* Its connections are cut like those of a sender that is blocked itself. */
static void on_held(void *context, const struct order *order)
{
    struct warden *warden = context;
    union message message;
    message_prepare(&message, MESSAGE_ORDER_TOLD, 0);
    message.order.order = *order;
    (void)children_say(warden->children, ROLE_WATCHER, &message, -1, TALK_NEWS);
}

static void on_child_started(void *context, enum role role)
{
    struct warden *warden = context;
    say_enforcement(warden, role);
    if (role == ROLE_WATCHER) {
        positions_hand_over(warden->positions);
        open_the_rest(warden);
        log_files_welcome(warden->logs);
    } else {
        settling_forget(&warden->settling);
        enforcement_each(warden->enforcement, say_order, warden);
        say_events_kept(warden);
    }
}

struct rows {
    struct warden *warden;
    uint32_t question, number;
};

static void say_row(void *context, const struct enforcement_row *row)
{
    struct rows *rows = context;
    union message message;
    if (rows->number++ >= ROWS_KEPT)
        return;
    message_prepare(&message, MESSAGE_ORDER_ROW, rows->question);
    message.order_row.order = row->order;
    if (row->customer)
        message.order_row.held_for = *row->customer;
    message.order_row.packets = row->packets;
    message.order_row.bytes = row->bytes;
    (void)children_say(rows->warden->children, ROLE_COURIER, &message, -1, TALK_MUST);
}

static void on_ask_orders(struct warden *warden, uint32_t question)
{
    struct rows rows = {warden, question, 0};
    struct error error = {0};
    union message message;
    if (children_waiting(warden->children, ROLE_COURIER) > ROWS_KEPT)
        log_write(&warden->log, LOG_TROUBLE_AHEAD,
                  "the courier does not take its answers; it gets no more of them now");
    else if (enforcement_list(warden->enforcement, say_row, &rows, now(), &error) != 0)
        on_event(warden, 2, "enforce", error.text);
    message_prepare(&message, MESSAGE_END, question);
    (void)children_say(warden->children, ROLE_COURIER, &message, -1, TALK_MUST);
}

static void on_order(struct warden *warden, const struct order *order)
{
    struct error error = {0};
    char text[300], name[SENDER_TEXT];
    if (order->target.kind == SENDER_CUSTOMER) /* people's, who come another way: on_command() */
        return;
    if (enforcement_order(warden->enforcement, order, now(), &error) == 0) {
        const struct order *standing = enforcement_standing(warden->enforcement, &order->target);
        say_order(warden, standing ? standing : order); /* a stronger one may have stayed */
        keeping_note(&warden->keeping, warden->enforcement, &order->target);
        /* A person's on a member of a held customer: there are few, and nothing else would know it. */
        keep_orders(warden,
                    order->author == ORDER_BY_PERSON && enforcement_holder(warden->enforcement, &order->target));
        return;
    }
    if (++warden->refusals_now > REFUSALS_SAID)
        return;
    snprintf(text, sizeof(text), "cannot %s %s: %s", deed_name((enum deed)order->deed),
             sender_print(&order->target, name), error.text);
    on_event(warden, 1, "order", text);
}

/* Written to its file before it is answered, for that is what the person relies on. */
static void on_command(struct warden *warden, const struct message_command *command)
{
    union message message;
    struct order order;
    struct error error = {0};
    message_prepare(&message, MESSAGE_DONE, command->head.question);
    message.done.code = customer_command(warden->enforcement, command, now(), &order, message.done.text, &error);
    if (message.done.code != 0) {
        snprintf(message.done.text, sizeof(message.done.text), "%.200s", error.text);
    } else {
        say_order(warden, &order);
        keeping_note(&warden->keeping, warden->enforcement, &order.target);
        keep_orders(warden, true);
    }
    (void)children_say(warden->children, ROLE_COURIER, &message, -1, TALK_MUST);
}

struct explaining {
    struct rows rows;
    const struct sender *sender;
};

/* Of a customer all that is held for it. */
static void explain_row(void *context, const struct enforcement_row *row)
{
    struct explaining *explaining = context;
    if (row->customer && sender_equals(row->customer, explaining->sender) && explaining->rows.number < EXPLAINED_MOST)
        say_row(&explaining->rows, row);
}

/* What stands on a sender: its own order, its customer's; the watcher answers the same question with what it knows. */
static void on_ask_explain(struct warden *warden, uint32_t question, const struct sender *sender)
{
    struct explaining explaining = {{warden, question, 0}, sender};
    struct error error = {0};
    union message message;
    const struct order *own = enforcement_standing(warden->enforcement, sender);
    if (own)
        say_row(&explaining.rows, &(struct enforcement_row){.order = *own});
    const struct sender *customer = enforcement_holder(warden->enforcement, sender);
    const struct order *customers = customer ? enforcement_standing(warden->enforcement, customer) : NULL;
    if (customers) {
        struct enforcement_row row = {.order = *customers, .customer = customer};
        row.order.target = *sender;
        say_row(&explaining.rows, &row);
    }
    if (sender->kind == SENDER_CUSTOMER && own &&
        enforcement_list(warden->enforcement, explain_row, &explaining, now(), &error) != 0)
        log_write(&warden->log, LOG_TROUBLE, "%s", error.text);
    message_prepare(&message, MESSAGE_DONE, question);
    customer_explain(warden->enforcement, sender, now(), message.done.text);
    (void)children_say(warden->children, ROLE_COURIER, &message, -1, TALK_MUST);
}

static void on_log_file(void *context, const union message *message, int descriptor)
{
    struct warden *warden = context;
    (void)children_say(warden->children, ROLE_WATCHER, message, descriptor, TALK_MUST);
}

/* On a hypervisor what is not a guest's is none of our business, and users mean nothing in its table. */
static void on_ask_owner(struct warden *warden, const struct message_owner *ends)
{
    union message answer;
    message_prepare(&answer, MESSAGE_OWNER, 0);
    struct message_head head = answer.head;
    answer.owner = *ends;
    answer.owner.head = head;
    answer.owner.owned = OWNED_UNKNOWN;
    if (warden->owner && warden->machine == CAPTURE_HOST)
        owner_find(warden->owner, &answer.owner);
    memset(answer.owner.program, 0, sizeof(answer.owner.program));
    memset(answer.owner.command, 0, sizeof(answer.owner.command));
    (void)children_say(warden->children, ROLE_WATCHER, &answer, -1, TALK_NEWS);
    bool denied;
    if (!warden->settings.capture.programs)
        return;
    if (looking_find(&warden->looking, &answer.owner, now(),
                     &denied)) /* the answer is on its way; this comes after it */
        (void)children_say(warden->children, ROLE_WATCHER, &answer, -1, TALK_NEWS);
    if (denied)
        log_write(&warden->log, LOG_NEWS,
                  "which programs users send with cannot be seen without CAP_SYS_PTRACE and "
                  "CAP_DAC_READ_SEARCH");
}

static void on_settings(struct warden *warden, const struct message_settings *settings, int descriptor)
{
    union message answer;
    if (!settling_begin(&warden->settling, warden->supervisor, settings, descriptor, clock_steady(), &answer))
        (void)children_say(warden->children, ROLE_COURIER, &answer, -1, TALK_MUST);
}

static void on_settled(struct warden *warden, const struct supervise *news)
{
    union message answer;
    char text[300];
    bool asked = settling_end(&warden->settling, news, &answer, text);
    on_event(warden, news->status == 0 ? 0 : 1, "settings", text);
    if (asked)
        (void)children_say(warden->children, ROLE_COURIER, &answer, -1, TALK_MUST);
}

static void on_message(void *context, enum role role, const union message *message, int descriptor)
{
    struct warden *warden = context;
    struct error error = {0};
    (void)role;
    switch (message->head.kind) {
    case MESSAGE_ORDER:
        on_order(warden, &message->order.order);
        break;
    case MESSAGE_RESET:
        if (cut_connection(warden->cut, &message->reset, &error) != 0 && error.code != EAGAIN && error.code != ENODEV &&
            ++warden->refusals_now <= REFUSALS_SAID)
            log_write(&warden->log, LOG_TROUBLE_AHEAD, "%s", error.text);
        break;
    case MESSAGE_ASK_OWNER:
        on_ask_owner(warden, &message->owner);
        break;
    case MESSAGE_LOG_SINCE:
        if (log_files_begin(warden->logs, &warden->settings.logs, message->log_since.since, &error) != 0)
            on_event(warden, 2, "logs", error.text);
        break;
    case MESSAGE_ASK_STATUS:
        say_status(warden, message->head.question);
        break;
    case MESSAGE_ASK_ORDERS:
        on_ask_orders(warden, message->head.question);
        break;
    case MESSAGE_ASK_EXPLAIN:
        on_ask_explain(warden, message->head.question, &message->ask_explain.sender);
        break;
    case MESSAGE_COMMAND:
        on_command(warden, &message->command);
        break;
    case MESSAGE_ASK_ENFORCE:
        on_ask_enforce(warden, &message->ask_enforce);
        break;
    case MESSAGE_SETTINGS:
        on_settings(warden, &message->settings, descriptor);
        break;
    default:
        break;
    }
    if (descriptor >= 0)
        close(descriptor);
}

/* --- configuration -------------------------------------------------------------------------------------------------
 */

static int first_configuration(struct warden *warden, struct error *error)
{
    int code = positions_configure(warden->positions, &warden->settings.capture, error);
    if (code != 0)
        return code;
    uint16_t ports[16];
    settings_ports(&warden->settings.capture, ports);
    cut_ports(warden->cut, ports);
    look_round(warden);
    struct error why = {0};
    if (keeping_adopt(&warden->keeping, warden->enforcement, now(), &why) != 0)
        on_event(warden, 2, "order", why.text);
    bool asked = warden->settings.enforce.mode == ENFORCE_ENFORCE;
    bool on = switch_read(&warden->switched, asked);
    /* Switching off takes away what an earlier run left. Where the kernel has no nftables at all, we can still watch.
     */
    if (switch_enforcement(warden, on, &why) != 0)
        on_event(warden, on ? 2 : 1, "enforce", why.text);
    children_start(warden->children, ROLE_WATCHER);
    children_start(warden->children, ROLE_COURIER);
    return 0;
}

static int next_configuration(struct warden *warden, int mode_before, struct error *error)
{
    int code = positions_configure(warden->positions, &warden->settings.capture, error);
    if (code == 0)
        code = plan_enforcement(warden, error);
    if (code != 0)
        return code;
    look_round(warden);
    if (warden->settings.enforce.mode != mode_before)
        code = switch_enforcement(warden, warden->settings.enforce.mode == ENFORCE_ENFORCE, error);
    on_event(warden, 0, "reload", "the configuration was read anew");
    return code;
}

/* What is held follows the new map; the one before is let go of behind it. */
static void know_customers(struct warden *warden, struct customers *customers)
{
    struct error error = {0};
    if (enforcement_customers(warden->enforcement, customers, now(), &error) != 0)
        on_event(warden, 2, "order", error.text);
    customers_destroy(&warden->customers);
    warden->customers = customers;
}

static void on_configuration(struct warden *warden, int bundle)
{
    struct error error = {0};
    struct stat status = {0};
    struct process_settings settings = {0}, before = warden->settings;
    struct customers *customers = NULL;
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    int code = fstat(bundle, &status) == 0 ? 0 : -errno;
    if (code == 0)
        code = process_settings_read(bundle, &settings, &error);
    if (code == 0)
        code = settings_customers_read(bundle, &customers, &error);
    if (code != 0) {
        process_settings_bind(&settings, bindings);
        options_clear(bindings);
        close(bundle);
        on_event(warden, 2, "reload", error.text);
        if (!warden->configured)
            sd_event_exit(warden->loop, 1);
        return;
    }
    warden->settings = settings;
    if (warden->owner)
        owner_set_carriers(warden->owner, &settings.capture.mta_users);
    children_configure(warden->children, bundle, (uint64_t)status.st_size);
    know_customers(warden, customers);
    bool first = !warden->configured;
    warden->configured = true;
    code = first ? first_configuration(warden, &error) : next_configuration(warden, before.enforce.mode, &error);
    process_settings_bind(&before, bindings);
    if (!first && code == 0) /* else the plan in force may still be the one before */
        options_clear(bindings);
    if (code != 0)
        on_event(warden, 2, "reload", error.text);
    if (code != 0 && first)
        sd_event_exit(warden->loop, 1);
}

/* --- the supervisor ------------------------------------------------------------------------------------------------
 */

static void say_supervisor(struct warden *warden, enum supervise_kind kind)
{
    struct supervise message = {.kind = kind};
    struct error error = {0};
    if (supervise_send(warden->supervisor, &message, -1, &error) == -ECONNRESET)
        sd_event_exit(warden->loop, 0);
}

static int on_supervisor(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    struct warden *warden = context;
    struct supervise news;
    struct error error = {0};
    int along = -1, code;
    (void)source;
    (void)events;
    while ((code = supervise_receive(descriptor, &news, &along, &error)) == 1) {
        switch (news.kind) {
        case SUPERVISE_CONFIGURATION:
            warden->settings_revision = news.revision;
            on_configuration(warden, along);
            if (news.text[0])
                on_event(warden, 2, "restart", news.text);
            break;
        case SUPERVISE_UNCHANGED:
            on_event(warden, 2, "reload", news.text);
            break;
        case SUPERVISE_SETTLED:
            on_settled(warden, &news);
            break;
        case SUPERVISE_FINISH:
            return sd_event_exit(warden->loop, 0);
        default:
            children_supervised(warden->children, &news, along);
            break;
        }
    }
    return code < 0 ? sd_event_exit(warden->loop, code == -ECONNRESET ? 0 : 1) : 0;
}

static int on_second(sd_event_source *source, uint64_t when, void *context)
{
    struct warden *warden = context;
    (void)when;
    say_supervisor(warden, SUPERVISE_ALIVE);
    if (warden->configured) {
        if (++warden->ticks % LOOK_ROUND_EVERY == 0)
            look_round(warden);
        children_tick(warden->children);
        enforcement_tick(warden->enforcement, now());
        cut_tick(warden->cut);
        log_files_tick(warden->logs);
        warden->refusals_now = 0;
        keeping_tick(&warden->keeping);
        keep_orders(warden, false);
        if (!warden->ready)
            say_supervisor(warden, SUPERVISE_READY);
        warden->ready = true;
    }
    sd_event_source_set_time_relative(source, SECOND / MICROSECOND);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* --- beginning and end ---------------------------------------------------------------------------------------------
 */

static int open_parts(struct warden *warden, const struct role_start *start, struct error *error)
{
    const struct positions_listener ports = {warden, on_port_opened, on_port_closed, on_device, on_event};
    const struct children_listener children = {warden, on_child_started, on_message, on_event};
    const struct enforcement_listener repairs = {warden, on_event, on_held};
    const struct log_files_listener logs = {warden, on_log_file};
    const struct nft_plan none = {.role = NFT_HOST};
    int code = switch_open(&warden->switched, start->state, error);
    warden->keeping.directory = warden->switched.directory;
    if (code == 0)
        code = links_open(&warden->links, error);
    if (code == 0)
        code = positions_create(&ports, &warden->positions, error);
    if (code == 0)
        code = enforcement_open(&none, &repairs, &warden->enforcement, error);
    const struct cut_means means = {warden->positions, warden->links, warden->enforcement, &warden->own};
    if (code == 0)
        code = cut_open(&means, &warden->cut, error);
    if (code == 0)
        code = log_files_open(warden->loop, start->state, warden->switched.directory, &logs, &warden->logs, error);
    struct error why = {0};
    if (code == 0 && owner_open(&warden->owner, &why) != 0)
        log_write(&warden->log, LOG_TROUBLE_AHEAD, "%s; the users of this machine are not told apart", why.text);
    if (code == 0)
        code = children_open(warden->loop, warden->supervisor, &children, &warden->children, error);
    return code;
}

static int enter(struct warden *warden, const struct role_start *start, struct error *error)
{
    int code = sd_event_new(&warden->loop);
    if (code >= 0)
        code = sd_event_add_io(warden->loop, NULL, warden->supervisor, EPOLLIN, on_supervisor, warden);
    if (code >= 0)
        code = sd_event_add_time_relative(warden->loop, NULL, CLOCK_MONOTONIC, 100000, 1000, on_second, warden);
    if (code >= 0)
        code = sd_event_add_defer(warden->loop, &warden->opening, on_opening, warden);
    if (code >= 0)
        code = sd_event_source_set_priority(warden->opening, SD_EVENT_PRIORITY_IDLE);
    if (code >= 0)
        code = sd_event_source_set_enabled(warden->opening, SD_EVENT_OFF);
    if (code < 0)
        return error_set(error, -code, "cannot make an event loop: %s", strerror(-code));
    code = open_parts(warden, start, error);
    if (code != 0)
        return code;
    code = sd_event_add_io(warden->loop, NULL, links_descriptor(warden->links), EPOLLIN, on_links, warden);
    if (code < 0)
        return error_set(error, -code, "cannot watch the network links: %s", strerror(-code));
    return warden_sandbox(error);
}

static void leave(struct warden *warden)
{
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    sd_event_source_disable_unref(warden->guard);
    sd_event_source_disable_unref(warden->opening);
    if (warden->configured)
        keep_orders(warden, true);
    children_close(&warden->children);
    cut_close(&warden->cut);
    owner_close(&warden->owner);
    log_files_close(&warden->logs);
    enforcement_close(&warden->enforcement); /* blocks stay in the kernel and expire there */
    positions_destroy(&warden->positions);
    links_close(&warden->links);
    address_list_clear(&warden->own);
    customers_destroy(&warden->customers);
    process_settings_bind(&warden->settings, bindings);
    options_clear(bindings);
    switch_close(&warden->switched);
    sd_event_unref(warden->loop);
}

int warden_main(const struct role_start *start)
{
    struct error error = {0};
    struct warden *warden = calloc(1, sizeof(*warden));
    if (!warden)
        return 1;
    warden->log = log_open("warden");
    warden->supervisor = start->channel;
    warden->started = now();
    int code = enter(warden, start, &error);
    if (code == 0)
        code = sd_event_loop(warden->loop);
    else
        log_write(&warden->log, LOG_TROUBLE, "%s", error.text);
    leave(warden);
    free(warden);
    return code == 0 ? 0 : 1;
}
