/* A trace through the packet path alone, no judge and no records: what of replay's time is reading, streams and
 * dialogue.
 *
 *     packet_path FILE          prints one line of JSON
 */
#include <stdio.h>
#include <sys/resource.h>
#include "agent/packet/capture_file.h"
#include "agent/packet/session.h"
#include "common/io/input.h"

struct sums {
    unsigned long long packets, observations, sessions, transactions;
};

static void observe(void *context, const struct observation *observation)
{
    (void)observation;
    ((struct sums *)context)->observations++;
}

static void sum_session(void *context, const struct session_summary *session)
{
    struct sums *sums = context;
    sums->sessions++;
    sums->transactions += session->dialogue.transaction_count;
}

static void tick(struct packet_path *path, moment *next, moment now)
{
    if (now >= *next)
        packet_path_tick(path, now);
    *next = now - now % SECOND + SECOND;
}

static int walk(struct input *input, struct capture_file *file, struct packet_path *path, struct sums *sums,
                struct error *error)
{
    struct text window = {NULL, 0};
    size_t used = 0;
    bool last = false;
    moment next = 0, now = 0;
    enum capture_outcome outcome = CAPTURE_MORE;
    while (outcome != CAPTURE_END) {
        if (input_more(input, used, &window, &last, error) < 0)
            return -1;
        used = 0;
        do {
            struct frame frames[PACKETS_AT_ONCE];
            size_t count = 0;
            do {
                outcome = capture_file_next(file, (struct text){window.bytes + used, window.length - used}, last, &used,
                                            &frames[count], error);
            } while (outcome == CAPTURE_FRAME && ++count < PACKETS_AT_ONCE);
            if (count == 0)
                break;
            now = frames[count - 1].time;
            tick(path, &next, now);
            packet_path_add_many(path, frames, count);
            sums->packets += count;
        } while (outcome == CAPTURE_FRAME);
    }
    packet_path_finish(path, now);
    return error->code == 0 ? 0 : -1;
}

int main(int count, char **arguments)
{
    struct packet_settings settings = {
        .streams = {.streams = 200000,
                    .bytes_held = 64 << 20,
                    .bytes_per_stream = 256 << 10,
                    .opening = MINUTE,
                    .idle = HOUR,
                    .ports = {25, 465, 587, 2525},
                    .key = {{1, 2}}},
        .fragmented_datagrams = 64,
    };
    struct sums sums = {0};
    struct error error = {0};
    struct packet_listener listener = {.context = &sums, .observe = observe, .session = sum_session};
    struct packet_path *path = NULL;
    struct capture_file *file = NULL;
    struct input *input = NULL;
    if (count != 2) {
        fprintf(stderr, "usage: packet_path FILE\n");
        return 2;
    }
    path = packet_path_create(&settings, &listener, &error);
    file = capture_file_create(arguments[1]);
    int status = path && file ? input_open(arguments[1], &input, &error) : -1;
    if (status == 0)
        status = walk(input, file, path, &sums, &error);
    if (status < 0)
        fprintf(stderr, "packet_path: %s\n", error.text);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"packets\":%llu,\"observations\":%llu,\"sessions\":%llu,\"transactions\":%llu,\"cpu\":%.6f}\n",
           sums.packets, sums.observations, sums.sessions, sums.transactions,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6);
    input_close(&input);
    capture_file_destroy(&file);
    packet_path_destroy(&path);
    return status < 0;
}
