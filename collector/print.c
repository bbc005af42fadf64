/* The texts around what is printed from the tables. */
#include "collector/print.h"

#include <stdio.h>
#include "collector/api/document.h"
#include "collector/settings.h"
#include "common/cleanup.h"

#define TEXT_MOST ((size_t)1024 * 1024)

static const char manual_head[] = ".Dd November 26, 2026\n"
                                  ".Dt POSTERN-COLLECTOR.CONF 5\n"
                                  ".Os\n"
                                  ".Sh NAME\n"
                                  ".Nm postern-collector.conf\n"
                                  ".Nd configuration of the collector that gathers what agents say\n"
                                  ".Sh DESCRIPTION\n"
                                  ".Xr postern-collector 8\n"
                                  "reads this file when it starts.\n"
                                  "Without it, or where it says nothing, what is preset holds; nothing has to be set.\n"
                                  ".Pp\n"
                                  "Its form is that of\n"
                                  ".Xr postern-agent.conf 5 .\n"
                                  ".Ic postern-collector check\n"
                                  "says beforehand what is wrong with it.\n"
                                  ".Sh OPTIONS\n";

static const char manual_tail[] = ".Sh ENVIRONMENT\n"
                                  ".Bl -tag -width Ds\n"
                                  ".It Ev POSTERN_CONFIG\n"
                                  "The file that is read, unless\n"
                                  ".Fl -config\n"
                                  "names another.\n"
                                  ".It Ev POSTERN_LISTEN\n"
                                  "Stands over\n"
                                  ".Ql listen\n"
                                  "in the file.\n"
                                  ".It Ev POSTERN_STATE\n"
                                  "Stands over\n"
                                  ".Ql state\n"
                                  "in the file.\n"
                                  ".El\n"
                                  ".Sh FILES\n"
                                  ".Bl -tag -width Ds\n"
                                  ".It Pa /etc/postern/collector.conf\n"
                                  "Where it is looked for.\n"
                                  ".El\n"
                                  ".Sh SEE ALSO\n"
                                  ".Xr postern-agent.conf 5 ,\n"
                                  ".Xr postern-collector 8\n";

static int put(bool good, const struct buffer *buffer)
{
    if (good && fwrite(buffer->bytes, 1, buffer->length, stdout) == buffer->length && fflush(stdout) == 0)
        return 0;
    fprintf(stderr, "postern-collector: cannot write\n");
    return 1;
}

static int print_with(bool (*print)(const struct option_binding *, struct buffer *), struct text head, struct text tail)
{
    CLEANUP(buffer_clear) struct buffer out;
    struct collector_settings settings = {0};
    struct option_binding bindings[SETTINGS_BINDINGS];
    collector_settings_describe(&settings, bindings);
    buffer_init(&out, TEXT_MOST);
    bool good = buffer_append(&out, head) && print(bindings, &out) && buffer_append(&out, tail);
    return put(good, &out);
}

int print_settings_example(void)
{
    return print_with(options_print_example, TEXT(""), TEXT(""));
}

int print_settings_manual(void)
{
    return print_with(options_print_manual, TEXT(manual_head), TEXT(manual_tail));
}

int print_endpoints(void)
{
    CLEANUP(buffer_clear) struct buffer out;
    buffer_init(&out, TEXT_MOST);
    return put(document_markdown(&out), &out);
}
