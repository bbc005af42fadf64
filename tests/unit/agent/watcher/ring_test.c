/* Packet sockets as the warden opens them and the watcher reads them: real packets on the loopback device of a network
 * namespace of the test's own. Skipped where that cannot be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "agent/warden/capture.h"
#include "agent/warden/filter.h"
#include "agent/watcher/ring.h"

struct seen {
    uint32_t frames, mail, from_us, bytes;
    moment last;
    uint32_t longest;
};

static void look_at(struct seen *seen, const struct frame *frame)
{
    assert_int_equal(frame->port, 42);
    assert_int_equal(frame->link, LINK_ETHERNET);
    assert_true(frame->captured == frame->length && frame->captured >= 54);
    assert_true(frame->time >= seen->last);
    seen->last = frame->time;
    const uint8_t *tcp = frame->bytes + 14 + 20;
    uint16_t source = (uint16_t)(tcp[0] << 8 | tcp[1]), target = (uint16_t)(tcp[2] << 8 | tcp[3]);
    seen->frames++;
    seen->mail += source == 25 || target == 25;
    seen->from_us += frame->direction == FRAME_FROM_GUEST;
    seen->longest = frame->captured > seen->longest ? frame->captured : seen->longest;
}

static void on_frames(void *context, const struct frame *frames, size_t count)
{
    assert_in_range(count, 1, RING_FRAMES);
    for (size_t i = 0; i < count; i++)
        look_at(context, &frames[i]);
}

static bool loopback_up(void)
{
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
    strcpy(request.ifr_name, "lo");
    int any = socket(AF_INET, SOCK_DGRAM, 0);
    bool up = any >= 0 && ioctl(any, SIOCSIFFLAGS, &request) == 0;
    close(any);
    return up;
}

static struct sockaddr_in at(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A connection to that port with so many bytes through it; nothing listens where `bytes` is 0. */
static void talk(uint16_t port, size_t bytes)
{
    struct sockaddr_in address = at(port);
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), server = -1, on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bytes) {
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(listener, 1), 0);
    }
    int connected = connect(client, (struct sockaddr *)&address, sizeof(address));
    assert_int_equal(connected == 0, bytes > 0);
    char *text = calloc(1, bytes + 1);
    if (bytes) {
        server = accept(listener, NULL, NULL);
        assert_int_equal(send(client, text, bytes, 0), bytes);
        assert_int_equal(recv(server, text, bytes, MSG_WAITALL), bytes);
        close(server);
    }
    free(text);
    close(client);
    close(listener);
}

static struct ring *open_ring(bool guest, uint64_t bytes)
{
    static const uint16_t ports[] = {25, 0};
    struct sock_fprog filter;
    struct error error = {0};
    struct ring *ring = NULL;
    int descriptor = -1;
    assert_int_equal(filter_compile(ports, true, &filter, &error), 0);
    struct capture_shape shape = capture_shape_for(1, bytes);
    assert_int_equal(capture_open(1, &filter, &shape, false, &descriptor, &error), 0);
    free(filter.filter);
    struct message_port_opened opened = {.number = 42,
                                         .interface = "lo",
                                         .guest = guest,
                                         .link = LINK_ETHERNET,
                                         .block_size = shape.block_size,
                                         .blocks = shape.blocks};
    assert_int_equal(ring_open(&opened, descriptor, &ring, &error), 0);
    return ring;
}

static uint32_t read_all_within(struct ring *ring, struct seen *seen, int milliseconds)
{
    uint32_t frames = 0, now;
    struct pollfd wait = {.fd = ring_descriptor(ring), .events = POLLIN};
    while (poll(&wait, 1, milliseconds) > 0) {
        while ((now = ring_read(ring, 1, on_frames, seen)) > 0)
            frames += now;
    }
    return frames;
}

static uint32_t read_all(struct ring *ring, struct seen *seen)
{
    return read_all_within(ring, seen, 100);
}

static bool in_own_namespace(void)
{
    static bool tried, fine;
    if (!tried)
        fine = geteuid() == 0 && unshare(CLONE_NEWNET) == 0 && loopback_up();
    tried = true;
    return fine;
}

static void test_mail_is_seen_and_nothing_else(void **state)
{
    (void)state;
    if (!in_own_namespace())
        skip();
    struct ring *ring = open_ring(false, 0);
    struct seen seen = {0};
    talk(25, 1000);
    talk(443, 1000);
    talk(25, 0);
    uint32_t frames = read_all(ring, &seen);
    assert_int_equal(frames, seen.frames);
    assert_true(frames >= 2 * (3 + 1 + 2)); /* each passes the loopback device twice: out and in */
    assert_int_equal(seen.mail, frames);
    assert_int_equal(seen.from_us, frames / 2);
    assert_int_equal(ring_drops(ring), 0);
    ring_close(&ring);
    assert_null(ring);
}

static void test_super_segments_whole(void **state)
{
    (void)state;
    if (!in_own_namespace())
        skip();
    struct ring *ring = open_ring(true, 0);
    struct seen seen = {0};
    talk(25, 200000);
    read_all(ring, &seen);
    assert_true(seen.longest > 30000); /* the loopback device carries segments of up to 64 kB */
    assert_int_equal(ring_drops(ring), 0);
    ring_close(&ring);
}

static void test_what_is_lost_is_counted(void **state)
{
    (void)state;
    if (!in_own_namespace())
        skip();
    struct ring *ring = open_ring(false, 1); /* the smallest */
    struct seen seen = {0};
    for (int i = 0; i < 10; i++)
        talk(25, 100000);
    read_all(ring, &seen);
    assert_true(ring_drops(ring) > 0);
    assert_int_equal(ring_drops(ring), 0); /* said once */
    talk(25, 10);                          /* and it goes on */
    assert_true(read_all(ring, &seen) > 0);
    ring_close(&ring);
}

/* A reader that dies: the next one goes on, without the block that killed the first, and says how many that cost. */
static void test_another_reader_goes_on(void **state)
{
    (void)state;
    if (!in_own_namespace())
        skip();
    for (int blocks = 0; blocks <= 69; blocks += 23) { /* wherever in the ring of 64 it happens */
        struct ring *ring = open_ring(false, 0), *heir = NULL;
        struct seen first = {0}, lost = {0}, second = {0};
        struct error error = {0};
        struct message_port_opened again = {.number = 42,
                                            .interface = "lo",
                                            .link = LINK_ETHERNET,
                                            .block_size = 131072,
                                            .blocks = 64,
                                            .taken_over = 1};
        for (int i = 0; i < blocks; i++) {
            talk(25, 0);
            read_all_within(ring, &first, 15);
        }
        assert_int_equal(first.frames, 4 * blocks); /* SYN and RST, each out and in */
        talk(25, 0);
        usleep(20000);
        talk(25, 100);
        usleep(20000);
        assert_int_equal(ring_open(&again, dup(ring_descriptor(ring)), &heir, &error), 0);
        read_all(heir, &second);
        assert_int_equal(ring_drops(heir), 4); /* the first connection's block */
        assert_true(second.frames >= 2 * 6);
        talk(25, 0);
        read_all(heir, &lost);
        assert_int_equal(lost.frames, 4);
        ring_close(&heir);
        ring_close(&ring);
    }
}

static void test_the_filter_is_locked(void **state)
{
    (void)state;
    if (!in_own_namespace())
        skip();
    struct ring *ring = open_ring(false, 0);
    struct sock_filter all = {6, 0, 0, 0xffffffff};
    struct sock_fprog program = {1, &all};
    assert_int_not_equal(setsockopt(ring_descriptor(ring), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
    assert_int_not_equal(setsockopt(ring_descriptor(ring), SOL_SOCKET, SO_DETACH_FILTER, &program, sizeof(program)), 0);
    ring_close(&ring);
}

/* A frame that the filter would show, were it sent; the loopback device brings back what goes out of it. */
static const uint8_t forged[54] = {[12] = 8, [14] = 0x45, [17] = 40, [23] = IPPROTO_TCP, [37] = 25};

/* The reader may be taken over by what it reads: the socket must not let it speak on the guests' wires. */
static void test_nothing_can_be_sent(void **state)
{
    (void)state;
    struct ring *ring = open_ring(true, 0);
    struct seen seen = {0};
    int descriptor = ring_descriptor(ring);
    const struct capture_shape shape = capture_shape_for(1, 0);
    const size_t before = (size_t)shape.block_size * shape.blocks, page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *memory = mmap(NULL, before + page, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    assert_true(memory != MAP_FAILED);
    (void)!write(descriptor, forged, sizeof(forged));
    (void)!send(descriptor, forged, sizeof(forged), 0);
    struct tpacket3_hdr *first = (void *)(memory + before);
    *first = (struct tpacket3_hdr){.tp_len = sizeof(forged), .tp_status = TP_STATUS_SEND_REQUEST};
    assert_int_equal(send(descriptor, NULL, 0, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EMSGSIZE);
    assert_int_equal(read_all_within(ring, &seen, 100), 0);
    munmap(memory, before + page);
    ring_close(&ring);
}

static void test_unsound_rings_are_refused(void **state)
{
    static const struct {
        uint32_t block_size, blocks;
    } rows[] = {{0, 1}, {131072, 0}, {1, 1}, {131072, UINT32_MAX}, {UINT32_MAX, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct message_port_opened opened = {.block_size = rows[i].block_size, .blocks = rows[i].blocks};
        struct ring *ring = NULL;
        struct error error = {0};
        assert_int_equal(ring_open(&opened, dup(0), &ring, &error), -EINVAL);
        assert_null(ring);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail_is_seen_and_nothing_else), cmocka_unit_test(test_super_segments_whole),
        cmocka_unit_test(test_what_is_lost_is_counted),       cmocka_unit_test(test_the_filter_is_locked),
        cmocka_unit_test(test_another_reader_goes_on),        cmocka_unit_test(test_unsound_rings_are_refused),
        cmocka_unit_test(test_nothing_can_be_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
