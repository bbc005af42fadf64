/* Replay: the live agent's own packet path and judge, fed from files, the time taken from the frames. The same files
 * give the same bytes on every machine: keys are fixed, and nothing asks the clock but the progress on a terminal. */
#include "agent/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/judge/pairing.h"
#include "agent/log_formats.h"
#include "agent/record.h"
#include "agent/settings.h"
#include "agent/traces.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define SENDERS      (UINT32_C(1) << 20) /* where memory allows: replay should forget nobody */
#define SKETCHES     (UINT32_C(1) << 20)
#define STREAMS      (UINT32_C(1) << 20)
#define TRANSACTIONS (UINT32_C(1) << 16)            /* queue ids of logs that are open at a time */
#define LATEST       (INT64_C(7258118400) * SECOND) /* the year 2200; later times in a file are damage */
#define LOOK_EVERY   8192                           /* frames between two looks at the clock */
#define PROGRESS_AT  SECOND
#define PROGRESS_GAP (200 * MILLISECOND)

struct memory {
    void *bytes;
    size_t size;
};

struct progress {
    bool wanted, shown;
    duration begun, next;
};

struct replay {
    const struct replay_options *options;
    struct configuration configuration;
    struct memory memory;
    struct senders *senders;
    struct judge *judge;
    struct packet_path *path;
    struct log_path *logs;
    uint32_t *log_sources;   /* of each file, 0 until its first line */
    struct pairing *pairing; /* NULL: no file is a log */
    struct traces *traces;
    struct record_writer writer;
    struct progress progress;
    moment first, last; /* of all frames */
    moment now, ticked;
    uint32_t early; /* frames in a row that are older than that by more than JUDGE_SET_BACK */
    moment judged;  /* the latest observation: what senders that give way are judged at */
    uint64_t messages, connections, senders_left;
};

static bool is_wanted(const struct replay *replay, enum record_kind kind)
{
    return (replay->options->records & UINT32_C(1) << kind) != 0;
}

/* --- what the packet path and the judge say --- */

static void on_paired(void *context, const struct observation *observation)
{
    struct replay *replay = context;
    if (observation->time > replay->judged)
        replay->judged = observation->time;
    if (observation->kind == OBSERVATION_MESSAGE && observation->message.reply.code / 100 == 2)
        replay->messages++;
    else if (observation->kind == OBSERVATION_CONNECTION && observation->connection.outcome == CONNECTION_OPENED)
        replay->connections++;
    judge_hear(replay->judge, observation);
}

/* Replay cannot ask whose a connection is: with a log at hand, all that is not a guest's may be the mail server's. */
static void on_observation(void *context, const struct observation *observation)
{
    struct replay *replay = context;
    if (replay->pairing != NULL && observation->origin.port == 0)
        pairing_hear_packets(replay->pairing, observation);
    else
        on_paired(replay, observation);
}

/* A log tells of mail that comes in as well: with the customers' addresses known, who is none of them and has no login
 * here is no sender of ours. Nor is one of whom nothing is known. */
static void on_log_observation(void *context, const struct observation *observation)
{
    const struct replay *replay = context;
    const struct origin *origin = &observation->origin;
    const struct address_list *local =
        replay->options->local.count > 0 ? &replay->options->local : &replay->configuration.process.capture.local;
    bool here = origin->user_known || origin->account.length > 0;
    if (!here && (origin->address.family == 0 || (local->count > 0 && !address_list_contains(local, &origin->address))))
        return;
    pairing_hear_log(replay->pairing, observation);
}

static void on_session(void *context, const struct session_summary *session)
{
    struct replay *replay = context;
    record_session(&replay->writer, session);
}

static void on_verdict(void *context, const struct verdict_change *change)
{
    struct replay *replay = context;
    record_verdict(&replay->writer, change);
}

static void write_sender(struct replay *replay, struct sender_record *record, moment time)
{
    struct judge_view view;
    judge_look(replay->judge, record, time, &view);
    record_sender(&replay->writer, replay->senders, &view);
}

static void on_leaving(void *context, struct sender_record *record)
{
    struct replay *replay = context;
    replay->senders_left++;
    if (is_wanted(replay, RECORD_SENDER))
        write_sender(replay, record, replay->judged);
}

/* --- making it --- */

static int make_senders(struct replay *replay, struct error *error)
{
    struct senders_shape shape = {.key = {{UINT64_C(0x706f737465726e21), UINT64_C(0x7265706c61792121)}}};
    judge_settings_shape(replay->configuration.judge, &shape);
    uint32_t least = shape.senders;
    shape.senders = shape.senders > SENDERS ? shape.senders : SENDERS;
    shape.sketches = shape.sketches > SKETCHES ? shape.sketches : SKETCHES;
    shape.details = shape.senders;
    for (;;) {
        replay->memory.size = senders_memory(&shape);
        void *bytes =
            mmap(NULL, replay->memory.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (bytes != MAP_FAILED) {
            replay->memory.bytes = bytes;
            /* A wish. Senders are met in no order, each in ten places: with small pages a quarter of the time that
             * trace A of the benchmarks takes behind the packet path is spent on finding pages. */
            (void)madvise(bytes, replay->memory.size, MADV_HUGEPAGE);
            break;
        }
        if (shape.senders / 2 < least)
            return error_set(error, errno, "no memory for a table of %u senders: %s", shape.senders, strerror(errno));
        shape.senders /= 2;
        shape.sketches /= 2;
        shape.details /= 2;
    }
    replay->senders = senders_place(replay->memory.bytes, &shape, error);
    if (replay->senders == NULL)
        return -ENOMEM;
    senders_set_customers(replay->senders, replay->configuration.customers);
    senders_on_leaving(replay->senders, on_leaving, replay);
    return 0;
}

static int make_path(struct replay *replay, struct error *error)
{
    const struct capture_settings *capture = &replay->configuration.process.capture;
    struct packet_settings settings = {
        .streams = {.streams = capture->streams > STREAMS ? capture->streams : STREAMS,
                    .bytes_held = capture->held,
                    .bytes_per_stream = (uint32_t)capture->held_per_stream,
                    .opening = capture->opening,
                    .idle = capture->idle,
                    .key = {{UINT64_C(0x706f737465726e21), UINT64_C(0x73747265616d7321)}}},
        .fragmented_datagrams = capture->fragmented,
        .local = replay->options->local.count > 0 ? replay->options->local : capture->local,
    };
    const struct packet_listener listener = {
        .context = replay, .observe = on_observation, .session = is_wanted(replay, RECORD_SESSION) ? on_session : NULL};
    settings_ports(capture, settings.streams.ports);
    replay->path = packet_path_create(&settings, &listener, error);
    return replay->path ? 0 : -ENOMEM;
}

static int make_logs(struct replay *replay, struct error *error)
{
    CLEANUP(log_formats_clear) struct log_formats formats = {0};
    int status = log_formats_load(replay->options->patterns, replay->options->pattern_count, &formats, error);
    if (status < 0)
        return status;
    const struct log_settings settings = {
        .transactions = TRANSACTIONS,
        .idle = DAY,
        .key = {{UINT64_C(0x706f737465726e21), UINT64_C(0x6d61696c6c6f6721)}},
        .files = formats.files,
    };
    const struct log_listener listener = {replay, on_log_observation, NULL, NULL};
    replay->logs = log_path_create(&settings, &listener, error);
    replay->log_sources = calloc(replay->options->path_count + 1, sizeof *replay->log_sources);
    if (replay->logs != NULL && replay->log_sources == NULL)
        return error_set(error, ENOMEM, "no memory for %zu files", replay->options->path_count);
    return replay->logs ? 0 : -ENOMEM;
}

static int make_pairing(struct replay *replay, struct error *error)
{
    const struct pairing_settings settings = {
        .key = {{UINT64_C(0x706f737465726e21), UINT64_C(0x70616972696e6721)}},
        .always = true, /* nobody waits for an order, and logs may be as sparse as they like */
        .context = replay,
        .observe = on_paired,
    };
    replay->pairing = pairing_create(&settings, error);
    return replay->pairing != NULL ? 0 : -ENOMEM;
}

static int make(struct replay *replay, struct error *error)
{
    int status = make_senders(replay, error);
    if (status < 0)
        return status;
    const struct judge_listener listener = {
        .context = replay,
        .verdict = is_wanted(replay, RECORD_VERDICT) ? on_verdict : NULL,
    };
    replay->judge = judge_create(replay->configuration.judge, replay->senders, &listener, error);
    if (replay->judge == NULL)
        return -ENOMEM;
    status = make_path(replay, error);
    if (status == 0)
        status = make_logs(replay, error);
    if (status == 0)
        status = traces_open(replay->options->paths, replay->options->path_count, &replay->traces, error);
    if (status == 0 && traces_hold_log(replay->traces))
        status = make_pairing(replay, error);
    return status;
}

static void unmake(struct replay *replay)
{
    traces_close(&replay->traces);
    packet_path_destroy(&replay->path);
    log_path_destroy(&replay->logs);
    free(replay->log_sources);
    pairing_destroy(&replay->pairing);
    judge_destroy(&replay->judge);
    senders_release(&replay->senders);
    if (replay->memory.bytes != NULL)
        munmap(replay->memory.bytes, replay->memory.size);
    record_writer_clear(&replay->writer);
    configuration_clear(&replay->configuration);
}

/* --- running it --- */

static void show_progress(struct replay *replay)
{
    struct progress *progress = &replay->progress;
    duration now = clock_steady();
    if (now - progress->begun < PROGRESS_AT || now < progress->next)
        return;
    progress->next = now + PROGRESS_GAP;
    progress->shown = true;
    uint64_t read = traces_bytes_read(replay->traces), total = traces_bytes_total(replay->traces);
    if (total > 0)
        fprintf(stderr, "\r%3" PRIu64 " %%  %" PRIu64 " of %" PRIu64 " MB\033[K", read * 100 / total, read >> 20,
                total >> 20);
    else
        fprintf(stderr, "\r%" PRIu64 " MB\033[K", read >> 20);
}

static void clear_progress(struct progress *progress)
{
    if (progress->shown)
        fprintf(stderr, "\r\033[K");
    progress->shown = false;
}

/* Each whole second up to `time`, as the live agent has it from its clock. Behind the time after which no connection
 * can be open any more, seconds without packets say nothing new, and one stands for all. */
static void tick(struct replay *replay, moment time)
{
    moment last = time / SECOND * SECOND;
    if (replay->ticked == 0)
        replay->ticked = last;
    const struct capture_settings *capture = &replay->configuration.process.capture;
    moment quiet = replay->ticked + capture->opening + capture->idle + MINUTE;
    while (replay->ticked < last) {
        replay->ticked = replay->ticked < quiet ? replay->ticked + SECOND : last;
        packet_path_tick(replay->path, replay->ticked);
        log_path_tick(replay->logs, replay->ticked);
        if (replay->pairing != NULL)
            pairing_tick(replay->pairing, replay->ticked);
        judge_tick(replay->judge, replay->ticked);
    }
}

/* The clock of whoever wrote the trace was set back: so is time here, as the live agent has it. Two frames in a row
 * must say so: one alone is an odd time stamp. */
static void set_back(struct replay *replay, moment time)
{
    replay->now = replay->judged = time;
    replay->ticked = time / SECOND * SECOND;
    packet_path_tick(replay->path, replay->ticked);
    if (replay->pairing != NULL)
        pairing_tick(replay->pairing, replay->ticked);
    judge_tick(replay->judge, replay->ticked);
    replay->early = 0;
}

static void feed_line(struct replay *replay, const struct frame *frame)
{
    uint32_t *source = &replay->log_sources[frame->port - 1];
    if (*source == 0) {
        const char *path = replay->options->paths[frame->port - 1];
        struct stat about;
        moment hint = stat(path, &about) == 0 ? (moment)about.st_mtim.tv_sec * SECOND : 0;
        *source = log_path_open_source(replay->logs, path, hint);
    }
    log_path_add(replay->logs, *source, (struct text){(const char *)frame->bytes, frame->captured}, true);
}

/* Frames go into the packet path several at once, but none before the second that begins with it. */
static void feed_some(struct replay *replay, struct frame *frames, size_t count)
{
    size_t fed = 0;
    for (size_t i = 0; i < count; i++) {
        struct frame *frame = &frames[i];
        frame->time = frame->time < 0 ? 0 : frame->time > LATEST ? LATEST : frame->time;
        if (replay->first == 0 || frame->time < replay->first)
            replay->first = frame->time;
        if (frame->time > replay->last)
            replay->last = frame->time;
        replay->early = frame->time < replay->ticked - JUDGE_SET_BACK ? replay->early + 1 : 0;
        bool line = frame->link == TRACE_LOG;
        if (frame->time >= replay->ticked + SECOND || replay->early > 1 || line) {
            packet_path_add_many(replay->path, frames + fed, i - fed);
            fed = i;
        }
        if (replay->early > 1)
            set_back(replay, frame->time);
        if (frame->time > replay->now)
            replay->now = frame->time;
        if (frame->time >= replay->ticked + SECOND)
            tick(replay, frame->time);
        if (line) {
            feed_line(replay, frame);
            fed = i + 1;
        }
    }
    packet_path_add_many(replay->path, frames + fed, count - fed);
}

static void feed(struct replay *replay)
{
    struct frame frames[PACKETS_AT_ONCE];
    size_t count, fed = 0;
    while ((count = traces_next(replay->traces, frames, PACKETS_AT_ONCE)) > 0 && !replay->writer.reader_gone) {
        feed_some(replay, frames, count);
        fed += count;
        if (replay->progress.wanted && fed >= LOOK_EVERY) {
            fed = 0;
            show_progress(replay);
        }
    }
    packet_path_finish(replay->path, replay->now);
    if (replay->pairing != NULL)
        pairing_finish(replay->pairing);
    judge_tick(replay->judge, replay->now);
}

static int by_first_seen(const void *a, const void *b)
{
    const struct sender_record *x = *(struct sender_record *const *)a, *y = *(struct sender_record *const *)b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return memcmp(&x->sender, &y->sender, sizeof x->sender);
}

static int write_senders(struct replay *replay, struct error *error)
{
    uint32_t count = senders_number(replay->senders), number = 0;
    struct sender_record **records = calloc(count + 1, sizeof(struct sender_record *));
    if (records == NULL)
        return error_set(error, ENOMEM, "no memory to sort %u senders", count);
    for (struct sender_record *r = senders_oldest(replay->senders); r != NULL && number < count;
         r = senders_younger(replay->senders, r))
        records[number++] = r;
    qsort(records, number, sizeof(struct sender_record *), by_first_seen);
    for (uint32_t i = 0; i < number && !replay->writer.reader_gone; i++)
        write_sender(replay, records[i], replay->now);
    free(records);
    return 0;
}

static void write_summary(struct replay *replay)
{
    struct packet_counters counters = packet_path_counters(replay->path);
    struct log_counters logs = log_path_counters(replay->logs);
    const struct record_summary summary = {
        .files = replay->options->path_count,
        .packets = counters.frames,
        .bytes = counters.bytes,
        .connections = replay->connections,
        .messages = replay->messages,
        .senders = senders_number(replay->senders) + replay->senders_left,
        .lines = logs.lines,
        .lines_unparsed = logs.unparsed,
        .streams_gapped = counters.sessions_gapped,
        .observations = judge_observations(replay->judge),
        .span = replay->last - replay->first,
    };
    record_summary(&replay->writer, &summary);
}

/* Everything that went wrong on the way, in one line behind all records; the exit status. */
static int report(const struct replay *replay)
{
    const struct error *trouble;
    int status = 0;
    for (size_t i = 0; (trouble = traces_trouble(replay->traces, i)) != NULL; i++) {
        fprintf(stderr, "%s%s", status ? "; " : "postern-agent: ", trouble->text);
        status = 1;
    }
    if (replay->writer.failed != 0) {
        fprintf(stderr, "%scannot write the records: %s",
                status ? "; " : "postern-agent: ", strerror(replay->writer.failed));
        status = 1;
    }
    if (status != 0)
        fputc('\n', stderr);
    return status;
}

int replay_run(const struct replay_options *options)
{
    CLEANUP(unmake) struct replay replay = {.options = options};
    struct error error = {0};
    bool terminal = isatty(STDOUT_FILENO), colour = terminal && !options->json && getenv("NO_COLOR") == NULL;
    record_writer_init(&replay.writer, STDOUT_FILENO, options->json, colour);
    signal(SIGPIPE, SIG_IGN); /* a reader that has seen enough is no failure of ours */

    if (configuration_read(options->config, &replay.configuration, &error) < 0) {
        fprintf(stderr, "%s\n", error.text); /* FILE:LINE: first, as compilers do */
        return 2;
    }
    replay.writer.customers = customers_count(replay.configuration.customers) > 0;
    if (make(&replay, &error) < 0) {
        fprintf(stderr, "postern-agent: %s\n", error.text);
        return 1;
    }
    replay.progress = (struct progress){.wanted = isatty(STDERR_FILENO), .begun = clock_steady()};
    feed(&replay);
    clear_progress(&replay.progress);
    if (is_wanted(&replay, RECORD_SENDER) && write_senders(&replay, &error) < 0) {
        fprintf(stderr, "postern-agent: %s\n", error.text);
        return 1;
    }
    if (is_wanted(&replay, RECORD_SUMMARY))
        write_summary(&replay);
    record_flush(&replay.writer);
    return report(&replay);
}
