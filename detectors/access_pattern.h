/* Maps of patterns, as pcre_table(5) describes them. The inside of access_map.h. */
#ifndef DETECTORS_ACCESS_PATTERN_H
#define DETECTORS_ACCESS_PATTERN_H

#include "detectors/access_text.h"

struct access_patterns;
struct access_patterns *access_patterns_create(struct access_lines *, struct error *);
void access_patterns_destroy(struct access_patterns **);
bool access_patterns_find(struct access_patterns *, struct text, struct access_answer *result);
uint32_t access_patterns_count(const struct access_patterns *);
uint64_t access_patterns_given_up(const struct access_patterns *);

#endif
