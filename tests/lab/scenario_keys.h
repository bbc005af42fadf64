/* The keys of the scenario language, in tables: where each value stands, how it is read, what is allowed. */
#ifndef TESTS_LAB_SCENARIO_KEYS_H
#define TESTS_LAB_SCENARIO_KEYS_H

#include "tests/lab/scenario.h"

void lab_scenario_preset(struct lab_scenario *);
void lab_actor_preset(struct lab_actor *);
void lab_flow_preset(struct lab_flow *, enum lab_label of_scenario);

/* False: `why` says what is wrong and what is allowed. */
bool lab_set_scenario(struct lab_scenario *, const char *key, const char *value, char *why, size_t size);
bool lab_set_actor(struct lab_actor *, const char *key, const char *value, char *why, size_t size);
bool lab_set_flow(struct lab_flow *, const char *key, const char *value, char *why, size_t size);

#endif
