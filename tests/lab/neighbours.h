/* The other customers of a node: small honest roles, of which each seed draws some. */
#ifndef TESTS_LAB_NEIGHBOURS_H
#define TESTS_LAB_NEIGHBOURS_H

#include "tests/lab/scenario.h"

const struct lab_actor *lab_neighbour(uint64_t key); /* one of them; each has one flow */

#endif
