/* The likeness of messages, and what one costs. For likeness_bench.py.
 *
 *     likeness ROUNDS          from standard input: a length in decimal, a line end, so many bytes; again and again
 *
 * Prints the parts of each in hexadecimal, and at last the nanoseconds that a message took. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "agent/packet/smtp_likeness.h"

enum { SEGMENT = 1448 };

static void read_message(const char *bytes, size_t length, struct likeness *result)
{
    struct smtp_likeness reader = {0};
    for (size_t at = 0; at < length && !reader.done; at += SEGMENT)
        smtp_likeness_add(&reader, bytes + at, length - at < SEGMENT ? length - at : SEGMENT);
    smtp_likeness_finish(&reader, result);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int count, char **words)
{
    long rounds = count > 1 ? strtol(words[1], NULL, 10) : 1;
    size_t length, messages = 0;
    double spent = 0;
    while (scanf("%zu", &length) == 1 && getchar() == '\n') {
        char *bytes = malloc(length + 1);
        struct likeness likeness;
        if (bytes == NULL || fread(bytes, 1, length, stdin) != length)
            return 1;
        double begun = now();
        for (long i = 0; i < rounds; i++)
            read_message(bytes, length, &likeness);
        spent += now() - begun;
        for (int i = 0; i < LIKENESS_PARTS; i++)
            printf("%04x%s", likeness.parts[i], i + 1 < LIKENESS_PARTS ? " " : "\n");
        free(bytes);
        messages++;
    }
    printf("%.0f\n", messages > 0 ? spent / (double)messages / (double)rounds : 0.0);
    return 0;
}
