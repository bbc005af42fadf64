/* Whose a connection is, as this kernel says it; and which program holds it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "agent/warden/owner.h"
#include "agent/warden/program.h"

struct connection {
    int listener, client, server;
    struct message_owner ends;
};

/* Over loopback; `mapped`: IPv4 by a socket of IPv6, as many programs do it. */
static struct connection connect_to_us(bool mapped)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, there;
    socklen_t size = sizeof here;
    struct connection c = {.listener = socket(AF_INET, SOCK_STREAM, 0),
                           .client = socket(mapped ? AF_INET6 : AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(c.listener, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(c.listener, 1), 0);
    assert_int_equal(getsockname(c.listener, (struct sockaddr *)&here, &size), 0);
    if (mapped) {
        struct sockaddr_in6 wide = {.sin6_family = AF_INET6, .sin6_port = here.sin_port};
        assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &wide.sin6_addr), 1);
        assert_int_equal(connect(c.client, (struct sockaddr *)&wide, sizeof wide), 0);
    } else {
        assert_int_equal(connect(c.client, (struct sockaddr *)&here, sizeof here), 0);
    }
    c.server = accept(c.listener, (struct sockaddr *)&there, &size);
    assert_true(c.server >= 0);
    c.ends =
        (struct message_owner){.family = 4, .client_port = ntohs(there.sin_port), .server_port = ntohs(here.sin_port)};
    memcpy(c.ends.client, &there.sin_addr, 4);
    memcpy(c.ends.server, &here.sin_addr, 4);
    return c;
}

static void end(struct connection *c)
{
    close(c->listener);
    close(c->server);
}

static struct owner *open_owner(void)
{
    struct owner *owner = NULL;
    struct error error = {0};
    assert_int_equal(owner_open(&owner, &error), 0);
    return owner;
}

static void the_user_of_an_open_connection(void **state)
{
    (void)state;
    struct owner *owner = open_owner();
    for (int mapped = 0; mapped < 2; mapped++) {
        struct connection c = connect_to_us(mapped);
        owner_find(owner, &c.ends);
        assert_true(c.ends.known);
        assert_int_equal(c.ends.user, getuid());
        assert_true(c.ends.inode > 0);
        close(c.client); /* nobody holds it any more: the kernel would say 0 */
        owner_find(owner, &c.ends);
        assert_false(c.ends.known);
        assert_int_equal(c.ends.inode, 0);
        c.ends.client_port ^= 1; /* no such connection */
        owner_find(owner, &c.ends);
        assert_false(c.ends.known);
        end(&c);
    }
    owner_close(&owner);
    assert_null(owner);
}

static void carriers_are_nobody(void **state)
{
    (void)state;
    struct owner *owner = open_owner();
    struct connection c = connect_to_us(false);
    struct option_words words = {.count = 2};
    snprintf(words.items[0], sizeof words.items[0], "no-such-user-here");
    snprintf(words.items[1], sizeof words.items[1], "%u", (unsigned)getuid());
    owner_set_carriers(owner, &words);
    owner_find(owner, &c.ends);
    assert_false(c.ends.known);
    words.count = 1;
    owner_set_carriers(owner, &words);
    owner_find(owner, &c.ends);
    assert_true(c.ends.known);
    snprintf(words.items[0], sizeof words.items[0], "root");
    owner_set_carriers(owner, &words);
    owner_find(owner, &c.ends);
    assert_int_equal(c.ends.known, getuid() != 0);
    close(c.client);
    end(&c);
    owner_close(&owner);
}

static void the_program_that_holds_it(void **state)
{
    (void)state;
    struct owner *owner = open_owner();
    struct connection c = connect_to_us(false);
    char text[PROGRAM_TEXT], wanted[32], directory[200];
    bool denied;
    owner_find(owner, &c.ends);
    assert_true(program_find(c.ends.user, c.ends.inode, text, &denied));
    snprintf(wanted, sizeof wanted, "process %d", (int)getpid());
    assert_non_null(strstr(text, wanted));
    assert_non_null(getcwd(directory, sizeof directory));
    directory[strlen(directory) < 40 ? strlen(directory) : 40] = '\0'; /* it is cut for people */
    assert_non_null(strstr(text, directory));
    assert_false(program_find(c.ends.user, UINT32_MAX, text, &denied)); /* nobody's socket */
    close(c.client);
    end(&c);
    owner_close(&owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_user_of_an_open_connection),
        cmocka_unit_test(carriers_are_nobody),
        cmocka_unit_test(the_program_that_holds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
