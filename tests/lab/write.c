/* A run as a capture file (pcap with nanoseconds) and a list of who is what. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "agent/packet/session.h"
#include "common/cleanup.h"
#include "tests/lab/node.h"
#include "tests/lab/traffic.h"

static void close_file(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
    *file = NULL;
}

static void write_head(FILE *file)
{
    const uint32_t head[6] = {UINT32_C(0xa1b23c4d), 2 | 4 << 16, 0, 0, 262144, 1};
    fwrite(head, sizeof head, 1, file);
}

static void write_frame(FILE *file, const struct lab_traffic_frame *frame)
{
    const struct lab_packet *packet = frame->packet;
    const uint32_t head[4] = {(uint32_t)(packet->time / SECOND), (uint32_t)(packet->time % SECOND), packet->length,
                              packet->length};
    fwrite(head, sizeof head, 1, file);
    fwrite(frame->bytes, packet->length, 1, file);
}

static int finish(FILE **file, const char *path, struct error *error)
{
    FILE *ended = *file;
    *file = NULL;
    if (ended == NULL)
        return 0;
    bool bad = ferror(ended) != 0;
    if (fclose(ended) != 0 || bad)
        return error_set(error, EIO, "cannot write %s", path);
    return 0;
}

static void write_labels(FILE *file, struct lab_traffic *traffic)
{
    size_t count;
    const struct lab_customer *customers = lab_traffic_customers(traffic, &count);
    for (size_t i = 0; i < count; i++) {
        bool abuser = false;
        for (size_t k = 0; k < customers[i].actor->flow_count; k++)
            abuser = abuser || customers[i].actor->flows[k].label == LAB_ABUSER;
        for (unsigned k = 0; k < customers[i].address_count; k++) {
            char printed[SENDER_TEXT];
            struct sender sender = sender_from_address(&customers[i].addresses[k]);
            fprintf(file, "%s\t%s\t%s\n", sender_print(&sender, printed), abuser ? "abuser" : "honest",
                    customers[i].actor->name);
        }
    }
}

int lab_write(const struct lab_scenario *scenario, uint64_t seed, const char *pcap_path, const char *labels_path,
              struct error *error)
{
    struct error mine = {0};
    error = error ? error : &mine;
    CLEANUP(lab_traffic_destroy) struct lab_traffic *traffic = lab_traffic_create(scenario, seed, error);
    if (traffic == NULL)
        return error->code ? -error->code : -ENOMEM;
    CLEANUP(close_file) FILE *labels = labels_path ? fopen(labels_path, "w") : NULL;
    CLEANUP(close_file) FILE *pcap = pcap_path ? fopen(pcap_path, "wb") : NULL;
    if (labels_path != NULL && labels == NULL)
        return error_set(error, errno, "cannot write %s: %s", labels_path, strerror(errno));
    if (pcap_path != NULL && pcap == NULL)
        return error_set(error, errno, "cannot write %s: %s", pcap_path, strerror(errno));
    if (labels != NULL)
        write_labels(labels, traffic);
    if (pcap != NULL) {
        struct lab_traffic_frame made[PACKETS_AT_ONCE];
        write_head(pcap);
        for (size_t count; (count = lab_traffic_next(traffic, made, PACKETS_AT_ONCE)) > 0;)
            for (size_t i = 0; i < count; i++)
                write_frame(pcap, &made[i]);
    }
    if (lab_traffic_failed(traffic))
        return error_set(error, ENOMEM, "no memory to write %s", scenario->name);
    int status = finish(&labels, labels_path, error);
    return status < 0 ? status : finish(&pcap, pcap_path, error);
}
