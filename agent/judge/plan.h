/* A plan: other limits for some customers. `[plan newsletter]` in the configuration names them and whatever of the
 * detectors' options is different for them; everything else is as for everybody. The first plan that names a sender is
 * its plan. */
#ifndef AGENT_JUDGE_PLAN_H
#define AGENT_JUDGE_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include "common/option.h"
#include "common/words/sender.h"
#include "detectors/detector.h"

#define PLANS_MOST 32
#define PLAN_NAME  32 /* with its end */

struct plan {
    char name[PLAN_NAME], section[PLAN_NAME + 8];
    struct plan_customers {
        struct address_list addresses;
        struct option_words senders;
    } customers;
    void *detectors[DETECTORS_MOST]; /* the settings of each, as those of everybody */
    bool loaded[DETECTORS_MOST];
    struct option *options[DETECTORS_MOST + 1]; /* whom it is for, and each detector's with its name before the key */
    char *keys, *presets;                       /* their texts */
    struct option_binding bindings[DETECTORS_MOST + 2];
};

/* What stands in every plan's section, for the example file and the manual page. */
extern const struct option_binding plan_description;

/* The name in "[plan NAME]"; false where the section is none of a plan. The error says what is wrong with the name. */
bool plan_section_name(struct text section, struct text *name);
struct plan *plan_create(struct text name, struct error *);
void plan_destroy(struct plan **); /* unloads what was loaded */
/* What the plan does not say itself is what everybody's settings (`detectors`, in the order of the table) say: they
 * become its presets, and the detectors' checks are held against the whole, when it is read again. */
int plan_inherit(struct plan *, void *const *detectors, struct error *) MUST_CHECK;
bool plan_is_for(const struct plan *, const struct sender *);

#endif
