/* Secrets made on the machine itself, by whoever may write the store. Each is in the audit. */
#include "collector/manage.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "collector/api/secret.h"
#include "collector/store/store.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define TRIES 50 /* a tenth of a second apart: the collector may be writing */

struct wish {
    const char *hash, *name;
    moment now, until; /* until: a token's */
    unsigned may;
    struct store_person person;
};

static int note(struct store *store, struct wish *wish, struct error *error)
{
    const char *user = getlogin();
    const struct store_deed deed = {
        .time = wish->now,
        .person = text_of(user ? user : "console"),
        .deed = wish->may ? TEXT("person") : TEXT("token"),
        .target = text_of(wish->name),
        .reason = TEXT(""),
        .from = TEXT("console"),
    };
    int status = wish->may ? store_person_add(store, wish->hash, wish->name, wish->may, wish->now, &wish->person, error)
                           : store_token_add(store, wish->hash, wish->name, wish->until, error);
    return status < 0 ? status : store_audit_add(store, &deed, error);
}

static int carry_out(const char *where, struct wish *wish, struct error *error)
{
    CLEANUP(store_close) struct store *store = NULL;
    int status = store_open(where, &store, error);
    if (status < 0)
        return status;
    status = -EAGAIN;
    for (int try = 0; try < TRIES && status == -EAGAIN; try++) {
        if (try > 0)
            usleep(100 * 1000);
        status = store_begin(store, error);
        if (status >= 0)
            status = note(store, wish, error);
        if (status >= 0)
            status = store_commit(store, error);
        if (status < 0)
            store_rollback(store);
    }
    return status;
}

static int prepare(const struct collector_settings *settings, struct wish *wish, char word[SECRET_WORD + 1],
                   char hash[STORE_HASH])
{
    struct error error = {0};
    if (sodium_init() < 0) {
        fprintf(stderr, "postern-collector: there are no random numbers\n");
        return -1;
    }
    secret_make(word, hash);
    wish->hash = hash;
    wish->now = clock_now();
    char where[2 * OPTION_TEXT_SIZE];
    collector_settings_store(settings, where);
    if (collector_settings_make_state(settings, &error) < 0 || carry_out(where, wish, &error) < 0) {
        fprintf(stderr, "postern-collector: %s\n", error.text);
        return -1;
    }
    return 0;
}

int manage_token(const struct collector_settings *settings, const char *name, duration good_for)
{
    char word[SECRET_WORD + 1], hash[STORE_HASH];
    struct wish wish = {.name = name, .until = clock_now() + good_for};
    if (prepare(settings, &wish, word, hash) < 0)
        return 1;
    printf("token.%s\n", word);
    return fflush(stdout) == 0 ? 0 : 1;
}

int manage_person(const struct collector_settings *settings, const char *name, unsigned may)
{
    char word[SECRET_WORD + 1], hash[STORE_HASH], id[SECRET_ID];
    struct wish wish = {.name = name, .may = may};
    if (prepare(settings, &wish, word, hash) < 0)
        return 1;
    printf("person.%s.%s\n", secret_print_id(wish.person.id, id), word);
    return fflush(stdout) == 0 ? 0 : 1;
}
