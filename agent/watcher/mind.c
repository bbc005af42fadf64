/* Everything that happens to a frame happens here, in the same order as in replay. */
#include "agent/watcher/mind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/judge/pairing.h"
#include "agent/message/bundle.h"
#include "agent/watcher/filtered.h"
#include "agent/watcher/owners.h"
#include "agent/watcher/seen.h"
#include "common/cleanup.h"

struct mind {
    struct process_settings settings;
    struct judge_settings *policy;
    struct customers *customers;
    struct senders *senders;
    void *memory;
    size_t memory_size;
    struct packet_path *path;
    struct judge *judge;
    struct owners *owners;     /* NULL: nobody can be asked */
    struct pairing *pairing;   /* NULL: no logs are wanted */
    struct sampling *sampling; /* NULL: no messages are kept */
    bool logs_here;            /* there is a log that is read */
    void (*ask)(void *context, const union message *);
    void *ask_context;
    struct ways ways;
    struct seen seen;
    struct filtered_marks filtered;
    bool milter;    /* there is one, and what is on the wire may be told of by it too */
    int64_t ticked; /* the whole second that was handed in last */
    int64_t early;  /* a second that came too early since then; 0: none */
};

static int read_file(void *context, const char *name, struct text *result, struct error *error)
{
    const struct text *bundle = context;
    return bundle_find(*bundle, text_of(name), result)
               ? 0
               : error_set(error, ENOENT, "the configuration was handed over without \"%s\"", name);
}

static int read_policy(struct text bundle, struct judge_settings **result, struct error *error)
{
    CLEANUP(judge_settings_destroy) struct judge_settings *policy = judge_settings_create(error);
    struct text content;
    if (!policy)
        return -ENOMEM;
    if (!bundle_find(bundle, TEXT(BUNDLE_JUDGE), &content))
        return error_set(error, EPROTO, "the configuration has no part for the judge");
    int code = judge_settings_read(policy, NULL, content, BUNDLE_JUDGE, error);
    const struct file_source source = {read_file, &bundle};
    if (code == 0)
        code = judge_settings_load(policy, &source, error);
    if (code == 0)
        *result = TAKE(policy);
    return code;
}

static int read_settings(struct text bundle, struct process_settings *result, struct error *error)
{
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    struct text content;
    if (!bundle_find(bundle, TEXT(BUNDLE_PROCESS), &content))
        return error_set(error, EPROTO, "the configuration has no part for the processes");
    process_settings_bind(result, bindings);
    return options_read(bindings, content, BUNDLE_PROCESS, error);
}

/* As they are now: of the settings, the rest holds from the start. */
static int read_customers(struct text bundle, struct customers **result, struct samples_settings *samples,
                          struct error *error)
{
    struct process_settings settings = {0};
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    int code = read_settings(bundle, &settings, error);
    if (code == 0)
        code = settings_customers(bundle, &settings.customers, result, error);
    *samples = settings.samples;
    process_settings_bind(&settings, bindings);
    options_clear(bindings);
    return code;
}

/* --- the senders' memory -------------------------------------------------------------------------------------------
 */

static int map_memory(struct mind *mind, int descriptor, size_t size, struct error *error)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED)
        return error_set(error, errno, "cannot map the senders' memory: %s", strerror(errno));
    mind->memory = memory;
    mind->memory_size = size;
    return 0;
}

/* What an earlier process left, where it is of the same shape; else a fresh table. */
static int find_senders(struct mind *mind, const struct mind_beginning *beginning, struct mind_memory *said,
                        struct error *error)
{
    struct senders_shape shape = {0};
    struct stat status;
    judge_settings_shape(mind->policy, &shape);
    shape.key = beginning->key;
    size_t size = senders_memory(&shape);
    if (fstat(beginning->memory, &status) != 0)
        return error_set(error, errno, "cannot look at the senders' memory: %s", strerror(errno));
    bool left = !beginning->fresh && (size_t)status.st_size == size;
    if (!left && (ftruncate(beginning->memory, 0) != 0 || ftruncate(beginning->memory, (off_t)size) != 0))
        return error_set(error, errno, "cannot make the senders' memory: %s", strerror(errno));
    int code = map_memory(mind, beginning->memory, size, error);
    if (code != 0)
        return code;
    said->bytes = size;
    mind->senders = left ? senders_adopt(mind->memory, size, &shape, &said->dropped) : NULL;
    said->adopted = mind->senders != NULL;
    if (left && !mind->senders) { /* not sound: it must be zero before it is used again */
        munmap(TAKE(mind->memory), size);
        if (ftruncate(beginning->memory, 0) != 0 || ftruncate(beginning->memory, (off_t)size) != 0)
            return error_set(error, errno, "cannot clear the senders' memory: %s", strerror(errno));
        code = map_memory(mind, beginning->memory, size, error);
    }
    if (code == 0 && !mind->senders)
        mind->senders = senders_place(mind->memory, &shape, error);
    if (code == 0 && !mind->senders)
        code = -ENOMEM;
    said->senders = mind->senders ? senders_number(mind->senders) : 0;
    return code;
}

/* --- the flow ------------------------------------------------------------------------------------------------------
 */

static void mind_ask(void *context, const union message *question)
{
    struct mind *mind = context;
    mind->ask(mind->ask_context, question);
}

/* Whose a message that is kept turned out to be. NULL: nobody's. */
static void settle_sample(struct mind *mind, const struct observation *observation, const struct origin *origin)
{
    if (!mind->sampling || observation->kind != OBSERVATION_MESSAGE || observation->message.sample == 0)
        return;
    struct sender sender = origin ? senders_attribute(mind->senders, origin) : (struct sender){0};
    sampling_settle(mind->sampling, observation->message.sample, origin ? &sender : NULL);
}

static void hear(struct mind *mind, const struct observation *observation)
{
    settle_sample(mind, observation, &observation->origin);
    judge_hear(mind->judge, observation);
}

static void catch_up(struct mind *mind)
{
    judge_catch_up(mind->judge);
    if (mind->sampling)
        sampling_flush(mind->sampling);
}

/* On loopback whoever has no account and no user is a mail server that talks with itself: its filters, its relays.
 * There is nobody to judge. */
static bool is_nobody(const struct origin *origin)
{
    return origin->account.length == 0 && !origin->user_known && address_is_special(&origin->address);
}

static void note_way(struct mind *mind, const struct sender *sender, moment time, const char *text)
{
    struct way way = {.sender = *sender, .time = time, .kind = WAY_SUBMITTED};
    text_copy_printable(text_of(text), way.text, sizeof way.text);
    ways_add(&mind->ways, &way, sizeof way.text);
}

static void note_login(struct mind *mind, const struct origin *origin, moment time)
{
    struct sender sender = senders_attribute(mind->senders, origin);
    char text[WAY_TEXT], address[ADDRESS_TEXT];
    if (sender.kind != SENDER_ACCOUNT || origin->address.family == 0)
        return;
    snprintf(text, sizeof text, "logged in to the mail server from %s", address_print(&origin->address, address));
    note_way(mind, &sender, time, text);
}

/* What has been through the pairing comes late, and log files know whole seconds: the judge's time does not go back. */
static void on_paired(void *context, const struct observation *observation)
{
    struct mind *mind = context;
    struct observation copy = *observation;
    if (copy.time < mind->ticked * SECOND)
        copy.time = mind->ticked * SECOND;
    hear(mind, &copy);
}

static void on_paired_sample(void *context, uint32_t sample, const struct origin *origin)
{
    struct mind *mind = context;
    if (!mind->sampling)
        return;
    struct sender sender = senders_attribute(mind->senders, origin);
    sampling_settle(mind->sampling, sample, &sender);
}

/* A log may tell of it: it is a mail server's of this machine, or nobody could say whose it is; or it was handed in to
 * one behind a login, and the account's whoever's program did it. */
static bool may_be_logged(const struct mind *mind, const struct origin *origin, enum owned owned)
{
    return mind->logs_here && (owned != OWNED_BY_USER || origin->account.length > 0);
}

static void on_attributed(void *context, const struct observation *observation, enum owned owned)
{
    struct mind *mind = context;
    if (observation->kind == OBSERVATION_AUTH && observation->auth.outcome == AUTH_ACCEPTED)
        note_login(mind, &observation->origin, observation->time);
    if (is_nobody(&observation->origin)) {
        settle_sample(mind, observation, NULL);
        return;
    }
    if (may_be_logged(mind, &observation->origin, owned))
        pairing_hear_packets(mind->pairing, observation);
    else
        hear(mind, observation);
}

/* A guest's connection is its port's, whoever of its users made it. */
static bool is_our_own(const struct mind *mind, const struct origin *origin)
{
    return mind->owners && senders_attribute(mind->senders, origin).kind != SENDER_PORT;
}

static void on_observation(void *context, const struct observation *observation)
{
    struct mind *mind = context;
    if (mind->milter && observation->kind == OBSERVATION_MESSAGE && observation->message.complete)
        seen_note(&mind->seen, observation);
    if (is_our_own(mind, &observation->origin))
        owners_hear(mind->owners, observation);
    else
        hear(mind, observation);
}

/* Whose it is, as far as that is known before the warden has answered and the log has spoken. */
static struct sender sender_so_far(struct mind *mind, struct origin *origin, const struct address *server,
                                   uint16_t server_port)
{
    if (is_our_own(mind, origin))
        owners_fill(mind->owners, origin, server, server_port);
    return senders_attribute(mind->senders, origin);
}

static uint32_t on_sample_wanted(void *context, struct origin *origin, const struct address *server,
                                 uint16_t server_port, moment time, uint8_t *note)
{
    struct mind *mind = context;
    if (!sampling_may_ask(mind->sampling, time))
        return 0;
    struct sender sender = sender_so_far(mind, origin, server, server_port);
    return sampling_wanted(mind->sampling, &sender, time, note);
}

static uint32_t on_sample_taken(void *context, const struct smtp_sampled *sampled, const struct observation *message)
{
    struct mind *mind = context;
    struct origin origin = message->origin;
    struct sender sender = sender_so_far(mind, &origin, &message->server, message->server_port);
    return sampling_take(mind->sampling, sampled, message, &sender);
}

static void on_begun(void *context, const struct origin *origin, const struct address *server, uint16_t server_port)
{
    struct mind *mind = context;
    if (is_our_own(mind, origin))
        owners_begin(mind->owners, origin, server, server_port);
}

static int make_owners(struct mind *mind, const struct mind_beginning *beginning, struct error *error)
{
    const struct owners_listener listener = {mind, mind_ask, on_attributed};
    if (!beginning->ask)
        return 0;
    mind->ask = beginning->ask;
    mind->ask_context = beginning->listener.context;
    mind->owners = owners_create(&listener, &beginning->key, error);
    return mind->owners ? 0 : -ENOMEM;
}

/* Where nobody can be asked whose a connection is, no packets wait (on_observation). */
static int make_pairing(struct mind *mind, const struct siphash_key *key, struct error *error)
{
    const struct pairing_settings settings = {
        .key = *key, .always = false, .context = mind, .observe = on_paired, .sampled = on_paired_sample};
    if (!settings_reads_logs(&mind->settings.logs))
        return 0;
    mind->pairing = pairing_create(&settings, error);
    return mind->pairing ? 0 : -ENOMEM;
}

static int make_sampling(struct mind *mind, const struct mind_beginning *beginning, struct error *error)
{
    const struct sampling_listener listener = {beginning->listener.context, beginning->sample};
    if (!beginning->sample || mind->settings.samples.enabled != SAMPLES_YES)
        return 0;
    return sampling_create(&mind->settings.samples, &listener, &beginning->key, &mind->sampling, error);
}

static int make_path(struct mind *mind, struct error *error)
{
    const struct capture_settings *capture = &mind->settings.capture;
    struct packet_settings settings = {
        .streams = {.streams = capture->streams,
                    .bytes_held = capture->held,
                    .bytes_per_stream = (uint32_t)capture->held_per_stream,
                    .opening = capture->opening,
                    .idle = capture->idle},
        .fragmented_datagrams = capture->fragmented,
        .local = capture->local,
        .samples_memory = mind->sampling ? mind->settings.samples.memory : 0,
    };
    const struct packet_listener listener = {
        .context = mind,
        .observe = on_observation,
        .begun = mind->owners ? on_begun : NULL,
        .sample_wanted = mind->sampling ? on_sample_wanted : NULL,
        .sample_taken = mind->sampling ? on_sample_taken : NULL,
    };
    settings_ports(capture, settings.streams.ports);
    if (getrandom(&settings.streams.key, sizeof(settings.streams.key), 0) != sizeof(settings.streams.key))
        return error_set(error, errno, "cannot get random bytes: %s", strerror(errno));
    mind->path = packet_path_create(&settings, &listener, error);
    if (!mind->path)
        return -ENOMEM;
    if (mind->sampling)
        sampling_set_house(mind->sampling,
                           &(struct sampling_house){mind->judge, mind->senders, packet_path_samples(mind->path)});
    return 0;
}

int mind_create(const struct mind_beginning *beginning, struct mind **result, struct mind_memory *said,
                struct error *error)
{
    CLEANUP(mind_destroy) struct mind *mind = calloc(1, sizeof(*mind));
    if (!mind)
        return error_set(error, ENOMEM, "no memory for the watcher's mind");
    *said = (struct mind_memory){0};
    int code = bundle_check(beginning->bundle, error);
    if (code == 0)
        code = read_settings(beginning->bundle, &mind->settings, error);
    if (code == 0)
        code = read_policy(beginning->bundle, &mind->policy, error);
    if (code == 0)
        code = find_senders(mind, beginning, said, error);
    if (code == 0)
        code = settings_customers(beginning->bundle, &mind->settings.customers, &mind->customers, error);
    if (code != 0)
        return code;
    senders_set_customers(mind->senders, mind->customers);
    mind->milter = mind->settings.milter.listen[0] != 0;
    mind->judge = judge_create(mind->policy, mind->senders, &beginning->listener, error);
    if (!mind->judge)
        return -ENOMEM;
    code = make_owners(mind, beginning, error);
    if (code == 0)
        code = make_pairing(mind, &beginning->key, error);
    if (code == 0)
        code = make_sampling(mind, beginning, error);
    if (code == 0)
        code = make_path(mind, error);
    if (code == 0)
        *result = TAKE(mind);
    return code;
}

void mind_destroy(struct mind **owner)
{
    struct mind *mind = *owner;
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    *owner = NULL;
    if (!mind)
        return;
    packet_path_destroy(&mind->path);
    sampling_destroy(&mind->sampling);
    owners_destroy(&mind->owners);
    pairing_destroy(&mind->pairing);
    judge_destroy(&mind->judge);
    senders_release(&mind->senders);
    if (mind->memory)
        munmap(mind->memory, mind->memory_size);
    judge_settings_destroy(&mind->policy);
    customers_destroy(&mind->customers);
    process_settings_bind(&mind->settings, bindings);
    options_clear(bindings);
    free(mind);
}

int mind_reload(struct mind *mind, struct text bundle, struct error *error)
{
    CLEANUP(judge_settings_destroy) struct judge_settings *policy = NULL;
    CLEANUP(customers_destroy) struct customers *customers = NULL;
    struct samples_settings samples;
    int code = bundle_check(bundle, error);
    if (code == 0)
        code = read_policy(bundle, &policy, error);
    if (code == 0)
        code = read_customers(bundle, &customers, &samples, error);
    if (code != 0)
        return code;
    senders_set_customers(mind->senders, customers);
    struct customers *others = mind->customers;
    mind->customers = TAKE(customers);
    customers = others;
    judge_reload(mind->judge, policy);
    if (mind->sampling)
        sampling_reload(mind->sampling, &samples);
    struct judge_settings *before = mind->policy;
    mind->policy = TAKE(policy);
    policy = before;
    return 0;
}

/* Whether the clock was set back: only when it says so a second time. Until then frames of before may still lie in the
 * rings, and would take time forward again. */
static bool is_set_back(struct mind *mind, int64_t second)
{
    if (mind->ticked - second <= JUDGE_SET_BACK / SECOND)
        return false;
    bool again = mind->early != 0 && second > mind->early;
    mind->early = second;
    return again;
}

void mind_tick(struct mind *mind, moment now)
{
    int64_t second = now / SECOND;
    if (second <= mind->ticked && !is_set_back(mind, second))
        return;
    mind->ticked = second;
    mind->early = 0;
    packet_path_tick(mind->path, mind->ticked * SECOND);
    if (mind->pairing)
        pairing_tick(mind->pairing, mind->ticked * SECOND);
    judge_tick(mind->judge, mind->ticked * SECOND);
    if (mind->sampling) {
        sampling_tick(mind->sampling, mind->ticked * SECOND);
        sampling_flush(mind->sampling);
    }
}

void mind_frames(struct mind *mind, const struct frame *frames, size_t count)
{
    size_t begin = 0;
    for (size_t i = 0; i < count; i++) {
        if (frames[i].time / SECOND > mind->ticked) {
            packet_path_add_many(mind->path, frames + begin, i - begin);
            mind_tick(mind, frames[i].time);
            begin = i;
        }
    }
    packet_path_add_many(mind->path, frames + begin, count - begin);
    catch_up(mind);
}

bool mind_wait(struct mind *mind, duration steady)
{
    bool waits = mind->owners && owners_tick(mind->owners, steady);
    catch_up(mind);
    return waits;
}

/* The same program once: the process's number stands behind the last comma. */
static void note_program(struct mind *mind, const struct message_owner *answer)
{
    const char *behind = strrchr(answer->program, ',');
    struct way way = {.sender = sender_from_user(answer->user), .time = mind->ticked * SECOND, .kind = WAY_PROGRAM};
    text_copy_printable(text_of(answer->program), way.text, sizeof way.text);
    text_copy_printable(text_of(answer->command), way.command, sizeof way.command);
    ways_add(&mind->ways, &way, behind ? (size_t)(behind - answer->program) + 1 : sizeof way.text);
}

void mind_owner(struct mind *mind, const struct message_owner *answer)
{
    if (mind->owners)
        owners_answer(mind->owners, answer);
    if (answer->owned == OWNED_BY_USER && answer->program[0])
        note_program(mind, answer);
    catch_up(mind);
}

void mind_fill_owner(struct mind *mind, struct origin *origin, const struct address *server, uint16_t server_port)
{
    if (is_our_own(mind, origin))
        owners_fill(mind->owners, origin, server, server_port);
}

/* Root's mail is the machine's own: of its mail servers, its cron. */
static bool is_ours(const struct mind *mind, const struct origin *origin)
{
    return origin->account.length > 0 || (origin->user_known && origin->user != 0) ||
           address_list_contains(&mind->settings.capture.local, &origin->address);
}

void mind_hear_log(struct mind *mind, const struct observation *observation)
{
    if (!is_ours(mind, &observation->origin))
        return;
    if (mind->pairing)
        pairing_hear_log(mind->pairing, observation);
    else
        on_paired(mind, observation);
}

bool mind_saw(struct mind *mind, const struct observation *message)
{
    return seen_take(&mind->seen, message);
}

static void hear_once(struct mind *mind, uint64_t mark, const struct sender *sender,
                      const struct observation *observation, moment now)
{
    if (!filtered_is_new(&mind->filtered, mark))
        return;
    mind_tick(mind, now);
    judge_observe_of(mind->judge, sender, observation);
}

void mind_hear_told(struct mind *mind, const union message *message, moment now)
{
    struct observation seen;
    switch (message->head.kind) {
    case MESSAGE_FILTERED:
        seen = filtered_observation(&message->filtered, now);
        hear_once(mind, message->filtered.mark, &message->filtered.sender, &seen, now);
        break;
    case MESSAGE_LISTED:
        seen = listed_observation(&message->listed, now);
        hear_once(mind, message->listed.mark, &message->listed.sender, &seen, now);
        break;
    case MESSAGE_COMPLAINED:
        seen = complained_observation(&message->complained, now);
        hear_once(mind, message->complained.mark, &message->complained.sender, &seen, now);
        break;
    default:
        break;
    }
}

void mind_follow_logs(struct mind *mind, bool here)
{
    if (!mind->pairing || mind->logs_here == here)
        return;
    mind->logs_here = here;
    if (!here)
        mind_finish(mind);
}

void mind_finish(struct mind *mind)
{
    if (mind->pairing)
        pairing_finish(mind->pairing);
    catch_up(mind);
}

struct pairing_counters mind_pairing(const struct mind *mind)
{
    return mind->pairing ? pairing_counters(mind->pairing) : (struct pairing_counters){0};
}

/* The ends of paths say most; what is longer lost its beginning. */
static struct text end_of(struct text path, size_t most)
{
    size_t cut = path.length > most ? path.length - most : 0;
    return (struct text){path.bytes + cut, path.length - cut};
}

void mind_hear_trace(struct mind *mind, const struct log_trace *trace)
{
    char text[WAY_TEXT], script[60], directory[45];
    if (!is_ours(mind, &trace->origin))
        return;
    struct sender sender = senders_attribute(mind->senders, &trace->origin);
    text_copy_printable(end_of(trace->script, sizeof script - 1), script, sizeof script);
    text_copy_printable(end_of(trace->directory, sizeof directory - 1), directory, sizeof directory);
    if (!script[0] && !directory[0] && sender.kind == SENDER_ACCOUNT) {
        note_login(mind, &trace->origin, trace->time);
        return;
    }
    snprintf(text, sizeof text, "through the mail server%s%s%s%s", directory[0] ? ", in " : "", directory,
             script[0] ? ", said to be of the script " : "", script);
    note_way(mind, &sender, trace->time, text);
}

void mind_settle(struct mind *mind)
{
    catch_up(mind);
}

struct sampling_counters mind_sampling(const struct mind *mind)
{
    return mind->sampling ? sampling_counters(mind->sampling) : (struct sampling_counters){0};
}

const struct process_settings *mind_settings(const struct mind *mind)
{
    return &mind->settings;
}

const struct way *mind_way(const struct mind *mind, const struct sender *sender, uint32_t number)
{
    return ways_of(&mind->ways, sender, number);
}

struct judge *mind_judge(struct mind *mind)
{
    return mind->judge;
}

struct senders *mind_senders(struct mind *mind)
{
    return mind->senders;
}

struct packet_path *mind_path(struct mind *mind)
{
    return mind->path;
}
