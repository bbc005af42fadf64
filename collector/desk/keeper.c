/* See keeper.h. */
#include "collector/desk/keeper.h"

#include <errno.h>
#include "collector/store/arrivals.h"
#include "common/io/clock.h"

void keeper_init(struct keeper *keeper, const char *where, const struct packing_keys *keys)
{
    *keeper = (struct keeper){.where = where, .keys = keys};
    buffer_init(&keeper->packed, PACKING_MOST);
}

void keeper_clear(struct keeper *keeper)
{
    store_close(&keeper->store);
    buffer_clear(&keeper->packed);
}

int keeper_open(struct keeper *keeper, struct error *error)
{
    return keeper->store ? 0 : store_open(keeper->where, &keeper->store, error);
}

int keeper_begin(struct keeper *keeper, moment *now, struct error *error)
{
    int status = keeper_open(keeper, error);
    if (status >= 0)
        status = store_begin(keeper->store, error);
    return status < 0 ? status : store_now(keeper->store, clock_now(), now, error);
}

int keeper_end(struct keeper *keeper, int status, struct error *error)
{
    if (status >= 0 && store_commit(keeper->store, error) < 0)
        status = -error->code;
    if (status < 0 && keeper->store)
        store_rollback(keeper->store);
    if (status == -ENOTCONN)
        store_close(&keeper->store);
    return status;
}

int keeper_keep(struct keeper *keeper, const char *source, const struct brought *brought, struct error *error)
{
    char id[STORE_COMPLAINT_ID];
    enum store_packing packing;
    moment now = 0;
    store_complaint_id(brought->content, 0, id);
    buffer_clear(&keeper->packed);
    int status = packing_pack(keeper->keys, id, brought->content, &keeper->packed, &packing, error);
    if (status < 0)
        return status;
    status = keeper_begin(keeper, &now, error);
    if (status >= 0)
        status = store_arrival_keep(keeper->store, id, source, now, packing, buffer_text(&keeper->packed), error);
    if (status >= 0 && brought->place)
        status = store_source_note(keeper->store, source, brought->place, NULL, now, error);
    status = keeper_end(keeper, status, error);
    buffer_clear(&keeper->packed);
    return status < 0 ? status : 0;
}

int keeper_place(struct keeper *keeper, const char *source, const char *place, struct error *error)
{
    moment now = 0;
    int status = keeper_begin(keeper, &now, error);
    if (status >= 0)
        status = store_source_note(keeper->store, source, place, NULL, now, error);
    return keeper_end(keeper, status, error);
}
