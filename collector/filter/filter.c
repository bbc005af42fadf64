/* The list of kinds, and what all of them do alike. */
#include "collector/filter/filter.h"

#include <fnmatch.h>
#include <stddef.h>
#include "collector/filter/conversation.h"

#define ROW(name) &filter_##name,
const struct filter_kind *const filter_kinds[] = {FILTER_KINDS(ROW) NULL};

#define NAME(name) #name,
const char *const filter_kind_names[] = {FILTER_KINDS(NAME) NULL};

bool filter_is_address(const char *address)
{
    return conversation_is_address(address);
}

void filter_add_symbol(const struct filter_settings *settings, struct text symbol, struct opinion *opinion)
{
    char name[OPINION_SYMBOL_MOST];
    if (symbol.length == 0)
        return;
    opinion_add_symbol(opinion, symbol);
    text_copy_printable(symbol, name, sizeof name);
    for (uint32_t i = 0; i < settings->certain.count && !opinion->certain; i++)
        opinion->certain = fnmatch(settings->certain.items[i], name, 0) == 0;
}

void filter_add_virus(const struct filter_settings *settings, struct text name, struct opinion *opinion)
{
    opinion->virus = true;
    opinion->certain = opinion->certain || settings->virus_is_certain;
    filter_add_symbol(settings, name, opinion);
}
