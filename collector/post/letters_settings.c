/* [letters]: see letters.h. */
#include <errno.h>
#include "collector/post/letters.h"

#define TEXT_OF(member, preset_, text_)                                                                                \
    {                                                                                                                  \
        .section = "letters", .key = #member, .type = OPTION_TEXT,                                                     \
        .offset = OPTION_OFFSET(char[OPTION_TEXT_SIZE], struct letter_settings, member), .preset = preset_,            \
        .text = text_                                                                                                  \
    }
const struct option letter_options[] = {
    FIXED_OPTION(OPTION_FLAG, bool, "letters", struct letter_settings, automatic, "no",
                 .text = "Whether a customer that is blocked is written to without a person asking for it "
                         "(`postern letter`)."),
    TEXT_OF(contacts, "",
            "The file of customers' addresses: a line each, \"acme admin@acme.example de\"; \"*\" stands for all "
            "others. It is read again when it has changed. Empty: none are known."),
    TEXT_OF(directory, "",
            "A directory of letters of the site's own: it.txt is one in Italian, and en.txt stands in place of the "
            "shipped one. Read when the collector starts. Empty: the shipped ones alone (en, de, fr, es, nl, pl)."),
    TEXT_OF(language, "en", "The language of a letter where the customer's line says none."),
    TEXT_OF(reply, "", "The address to answer letters to. Empty: the one in from of [mail]."),
    TEXT_OF(copy, "", "An address that gets each letter as well, without the customer seeing it. Empty: none."),
    FIXED_OPTION(OPTION_DURATION, duration, "letters", struct letter_settings, after, "5m", .least = "0s", .most = "1d",
                 .text = "A block is written of so long after it began: what is lifted at once needs no letter, and "
                         "what is blocked together is told together."),
    FIXED_OPTION(OPTION_DURATION, duration, "letters", struct letter_settings, again, "1d", .least = "1m",
                 .most = "365d",
                 .text = "A customer is not written to again about the same cause for this long, unless a person wants "
                         "it so."),
    {.key = NULL},
};

bool letter_settings_check(const void *given, struct error *error)
{
    const struct letter_settings *settings = given;
    struct draft_address read;
    if (!template_is_language(text_of(settings->language)))
        error_set(error, EINVAL, "language: \"%.40s\" is none; a word such as de is allowed", settings->language);
    else if (settings->reply[0] && !compose_read_address(text_of(settings->reply), &read))
        error_set(error, EINVAL, "reply: \"%.80s\" is no address; abuse@example.com is allowed", settings->reply);
    else if (settings->copy[0] && !compose_is_address(text_of(settings->copy)))
        error_set(error, EINVAL, "copy: \"%.80s\" is no address; abuse@example.com is allowed", settings->copy);
    else
        return true;
    return false;
}
