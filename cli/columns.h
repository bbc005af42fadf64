/* What people see: aligned columns, times in their own zone, colour where it helps. */
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/moment.h"

struct columns; /* rows are collected, so that each column is as wide as its widest cell */

/* Headings end with NULL; one that begins with '>' is aligned to the right (the sign is not shown). */
struct columns *columns_create(const char *const *headings);
void columns_destroy(struct columns **);
/* The next cell of the current row, copied; after the last column a new row begins. */
void columns_add(struct columns *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Paint the whole row that was begun last: 0 plain, else an ANSI colour number. */
void columns_paint(struct columns *, int colour);
void columns_print(const struct columns *, bool colour, bool headings);

/* Of a JSON record; absent fields read as "" and 0. */
const char *field_text(const json_t *record, const char *key);
int64_t field_integer(const json_t *record, const char *key);
double field_number(const json_t *record, const char *key);
bool field_true(const json_t *record, const char *key);
moment field_moment(const json_t *record, const char *key);

/* "14:02:11" where it is today in the local zone, else "2026-11-22 14:02:11"; "-" for never. */
#define CLOCK_TEXT 32
const char *clock_print(moment, char result[CLOCK_TEXT]);
/* 1234567 as "1.2M", for eyes that compare. */
const char *amount_print(uint64_t, char result[16]);

/* What it means for its sender, without a full stop: "is blocked: ...". */
const char *verdict_sentence(const char *verdict);
/* Colours of verdicts, and text in a colour where `colour` is asked for. */
int verdict_colour(const char *verdict);
void paint_begin(bool colour, int number);
void paint_end(bool colour, int number);

#endif
