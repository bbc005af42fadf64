/* Columns on a terminal: a cell that is too long ends with a whole character. */
#include "cli/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/text.h"

static char *printed(const char *cell)
{
    static const char *const headings[] = {"NAME", NULL};
    struct columns *columns = columns_create(headings);
    FILE *terminal = stdout;
    char *text = NULL;
    size_t length;
    columns_add(columns, "%s", cell);
    stdout = open_memstream(&text, &length);
    columns_print(columns, false, false);
    fclose(stdout);
    stdout = terminal;
    columns_destroy(&columns);
    return text;
}

static void a_long_cell_ends_with_a_whole_character(void **unused)
{
    (void)unused;
    static const char *const letters[] = {"a", "\u00e9", "\u65e5", "\U0001f600"};
    for (size_t i = 0; i < 4; i++)
        for (size_t before = 0; before < 4; before++) {
            char cell[800] = "";
            memset(cell, '.', before);
            while (strlen(cell) < 600)
                strcat(cell, letters[i]);
            char *text = printed(cell);
            struct text rest = {text, strcspn(text, "\n")};
            assert_in_range(rest.length, 90, 96);
            while (rest.length > 0) {
                size_t sequence = text_utf8_sequence(rest);
                assert_true(sequence > 0);
                rest.bytes += sequence;
                rest.length -= sequence;
            }
            free(text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_long_cell_ends_with_a_whole_character)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
