/* See kin.h. */
#include "agent/judge/kin.h"

#include <stdlib.h>
#include <string.h>
#include "agent/judge/court.h"
#include "common/table.h"

struct kinship {
    struct sender here[KIN_SENDERS]; /* SENDER_NONE: free */
    struct fleet_customer elsewhere;
};

struct kinships {
    struct table *table; /* customer's name -> struct kinship */
};

#define NAME_SIZE sizeof(((struct fleet_customer *)0)->name)

/* The key is no secret: names are the operator's. */
static const struct table_shape shape = {
    .places = KIN_CUSTOMERS, .key_size = NAME_SIZE, .value_size = sizeof(struct kinship), .key = {{3, 4}}};

struct kinships *kinships_create(void)
{
    struct kinships *kinships = calloc(1, sizeof *kinships);
    void *memory = calloc(1, table_memory(&shape));
    if (kinships != NULL && memory != NULL) {
        kinships->table = table_place(memory, &shape);
        return kinships;
    }
    free(kinships);
    free(memory);
    return NULL;
}

void kinships_destroy(struct kinships **owner)
{
    if (*owner != NULL)
        free((*owner)->table);
    free(*owner);
    *owner = NULL;
}

/* Names are keys: zero behind their end. */
static void key_of(const char *customer, char result[NAME_SIZE])
{
    memset(result, 0, NAME_SIZE);
    memcpy(result, customer, strnlen(customer, NAME_SIZE - 1));
}

/* What one of those remembered has now; 0: too little to say anything of others, or it is another customer's now. */
static points weight_of(const struct judge *judge, const struct sender *sender, const char *customer, moment time)
{
    struct sender_record *record = sender->kind != SENDER_NONE ? senders_find(judge->senders, sender) : NULL;
    if (record == NULL || strcmp(record->whose.customer, customer) != 0)
        return 0;
    points firm = judge_firm_score(judge, judgement_of(judge, record), time);
    return firm >= FLEET_POINTS_LEAST ? firm : 0;
}

void kin_note(struct judge *judge, struct sender_record *record, moment time)
{
    char key[NAME_SIZE];
    bool added;
    const char *customer = record->whose.customer;
    if (customer[0] == 0 || weight_of(judge, &record->sender, customer, time) == 0)
        return;
    key_of(customer, key);
    struct kinship *kinship = table_add(judge->kinships->table, key, &added, NULL, NULL);
    struct sender *place = NULL;
    for (uint32_t i = 0; i < KIN_SENDERS; i++) {
        if (sender_equals(&kinship->here[i], &record->sender))
            return;
        if (place == NULL && weight_of(judge, &kinship->here[i], customer, time) == 0)
            place = &kinship->here[i];
    }
    if (place != NULL) /* else eight are known, which is enough */
        *place = record->sender;
}

void kin_tell(struct kinships *kinships, const struct fleet_customer *told, moment now)
{
    char key[NAME_SIZE];
    bool added;
    key_of(told->name, key);
    struct kinship *kinship = table_find(kinships->table, key);
    bool over = told->until <= now || told->senders == 0;
    if (kinship == NULL && over)
        return;
    kinship = table_add(kinships->table, key, &added, NULL, NULL);
    kinship->elsewhere = over ? (struct fleet_customer){0} : *told;
}

bool kin_find(const struct judge *judge, const struct sender_record *record, moment time, struct kin *result)
{
    char key[NAME_SIZE];
    const char *customer = record->whose.customer;
    if (table_count(judge->kinships->table) == 0 || customer[0] == 0)
        return false;
    key_of(customer, key);
    const struct kinship *kinship = table_find(judge->kinships->table, key);
    if (kinship == NULL)
        return false;
    *result = (struct kin){.customer = customer};
    for (uint32_t i = 0; i < KIN_SENDERS; i++) {
        points theirs =
            sender_equals(&kinship->here[i], &record->sender) ? 0 : weight_of(judge, &kinship->here[i], customer, time);
        result->here += theirs > 0;
        result->points += theirs;
    }
    if (kinship->elsewhere.until > time) {
        result->elsewhere = kinship->elsewhere.senders;
        result->nodes = kinship->elsewhere.nodes;
        result->points_elsewhere = kinship->elsewhere.points;
        result->points += result->points_elsewhere;
    }
    return result->here + result->elsewhere > 0;
}
