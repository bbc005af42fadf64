/* See hash.h. */
#include "collector/picture/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE        32
#define FREQUENCIES 8
#define SIDE_LEAST  40          /* pixels */
#define AREA_LEAST  10000       /* pixels */
#define FLAT        (4 * 4 * 4) /* variance of brightness, in quarter steps squared: below, it is of one colour */

/* cosines[u][x] = 4096 cos((2x + 1) u pi / 64) */
static const int16_t cosines[FREQUENCIES][SIDE] = {
    {4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096,
     4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096},
    {4091, 4052, 3973, 3857,  3703,  3513,  3290,  3035,  2751,  2440,  2106,  1751,  1380,  995,   601,   201,
     -201, -601, -995, -1380, -1751, -2106, -2440, -2751, -3035, -3290, -3513, -3703, -3857, -3973, -4052, -4091},
    {4076,  3920,  3612,  3166,  2598,  1931,  1189,  401,  -401, -1189, -1931, -2598, -3166, -3612, -3920, -4076,
     -4076, -3920, -3612, -3166, -2598, -1931, -1189, -401, 401,  1189,  1931,  2598,  3166,  3612,  3920,  4076},
    {4052, 3703, 3035, 2106, 995,  -201, -1380, -2440, -3290, -3857, -4091, -3973, -3513, -2751, -1751, -601,
     601,  1751, 2751, 3513, 3973, 4091, 3857,  3290,  2440,  1380,  201,   -995,  -2106, -3035, -3703, -4052},
    {4017, 3406, 2276, 799, -799, -2276, -3406, -4017, -4017, -3406, -2276, -799, 799, 2276, 3406, 4017,
     4017, 3406, 2276, 799, -799, -2276, -3406, -4017, -4017, -3406, -2276, -799, 799, 2276, 3406, 4017},
    {3973, 3035,  1380,  -601,  -2440, -3703, -4091, -3513, -2106, -201, 1751, 3290, 4052, 3857,  2751,  995,
     -995, -2751, -3857, -4052, -3290, -1751, 201,   2106,  3513,  4091, 3703, 2440, 601,  -1380, -3035, -3973},
    {3920,  2598,  401,  -1931, -3612, -4076, -3166, -1189, 1189,  3166,  4076,  3612,  1931,  -401, -2598, -3920,
     -3920, -2598, -401, 1931,  3612,  4076,  3166,  1189,  -1189, -3166, -4076, -3612, -1931, 401,  2598,  3920},
    {3857, 2106, -601, -3035, -4091, -3290, -995,  1751,  3703,  3973, 2440, -201, -2751, -4052, -3513, -1380,
     1380, 3513, 4052, 2751,  201,   -2440, -3973, -3703, -1751, 995,  3290, 4091, 3035,  601,   -2106, -3857},
};

/* The share of source pixels [from, to) that falls to each of SIDE cells is exact: pixels on a border count for both,
 * by as much of them as lies in each. Positions are in 1/SIDE of a pixel. */
static uint64_t sum_row(const uint8_t *row, uint32_t width, uint32_t cell)
{
    uint64_t from = (uint64_t)cell * width, to = from + width, sum = 0;
    for (uint64_t x = from / SIDE; x * SIDE < to; x++) {
        uint64_t left = x * SIDE < from ? from : x * SIDE, right = (x + 1) * SIDE > to ? to : (x + 1) * SIDE;
        sum += row[x] * (right - left);
    }
    return sum;
}

/* Means of brightness, in quarters. */
static void shrink(const uint8_t *brightness, uint32_t width, uint32_t height, int32_t result[SIDE][SIDE])
{
    for (uint32_t y = 0; y < SIDE; y++) {
        uint64_t from = (uint64_t)y * height, to = from + height, sums[SIDE] = {0};
        for (uint64_t line = from / SIDE; line * SIDE < to; line++) {
            uint64_t top = line * SIDE < from ? from : line * SIDE;
            uint64_t bottom = (line + 1) * SIDE > to ? to : (line + 1) * SIDE;
            for (uint32_t x = 0; x < SIDE; x++)
                sums[x] += sum_row(brightness + line * width, width, x) * (bottom - top);
        }
        for (uint32_t x = 0; x < SIDE; x++)
            result[y][x] = (int32_t)(sums[x] * 4 / ((uint64_t)width * height));
    }
}

static bool is_flat(int32_t cells[SIDE][SIDE])
{
    int64_t sum = 0, squares = 0, count = (int64_t)SIDE * SIDE;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            sum += cells[y][x];
            squares += (int64_t)cells[y][x] * cells[y][x];
        }
    return squares * count - sum * sum < FLAT * count * count;
}

/* The lowest frequencies, a row of the picture at a time, then a column. */
static void transform(int32_t cells[SIDE][SIDE], int64_t result[FREQUENCIES * FREQUENCIES])
{
    int64_t rows[SIDE][FREQUENCIES];
    for (int y = 0; y < SIDE; y++)
        for (int u = 0; u < FREQUENCIES; u++) {
            rows[y][u] = 0;
            for (int x = 0; x < SIDE; x++)
                rows[y][u] += (int64_t)cells[y][x] * cosines[u][x];
        }
    for (int v = 0; v < FREQUENCIES; v++)
        for (int u = 0; u < FREQUENCIES; u++) {
            int64_t sum = 0;
            for (int y = 0; y < SIDE; y++)
                sum += rows[y][u] * cosines[v][y];
            result[v * FREQUENCIES + u] = sum;
        }
}

static int by_size(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

bool picture_hash(const uint8_t *brightness, uint32_t width, uint32_t height, uint64_t *result)
{
    int32_t cells[SIDE][SIDE];
    int64_t strengths[FREQUENCIES * FREQUENCIES], sorted[FREQUENCIES * FREQUENCIES];
    if (width < SIDE_LEAST || height < SIDE_LEAST || (uint64_t)width * height < AREA_LEAST || width > UINT16_MAX ||
        height > UINT16_MAX)
        return false;
    shrink(brightness, width, height, cells);
    if (is_flat(cells))
        return false;
    transform(cells, strengths);
    strengths[0] = 0; /* the mean: how bright it is does not matter */
    memcpy(sorted, strengths, sizeof sorted);
    qsort(sorted, FREQUENCIES * FREQUENCIES, sizeof *sorted, by_size);
    *result = 0;
    for (int i = 0; i < FREQUENCIES * FREQUENCIES; i++)
        *result |= (uint64_t)(strengths[i] > sorted[FREQUENCIES * FREQUENCIES / 2]) << i;
    return true;
}

uint32_t picture_distance(uint64_t a, uint64_t b)
{
    return (uint32_t)__builtin_popcountll(a ^ b);
}

const char *picture_hash_print(uint64_t hash, char result[PICTURE_HASH_TEXT])
{
    snprintf(result, PICTURE_HASH_TEXT, "%016llx", (unsigned long long)hash);
    return result;
}

bool picture_hash_parse(const char *text, uint64_t *result)
{
    if (strlen(text) != PICTURE_HASH_TEXT - 1 || strspn(text, "0123456789abcdef") != PICTURE_HASH_TEXT - 1)
        return false;
    *result = strtoull(text, NULL, 16);
    return true;
}
