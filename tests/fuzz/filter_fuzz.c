/* Any bytes at all as a filter's answer: an opinion within its bounds, or none with a sentence. The first byte says
 * whose answer it is. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/filter/appliance.h"
#include "collector/filter/clamd.h"
#include "collector/filter/http.h"
#include "collector/filter/rspamd.h"
#include "collector/filter/spamd.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void hold(bool condition)
{
    if (!condition)
        abort();
}

static void hold_printable(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    hold(length < size);
    for (size_t i = 0; i < length; i++)
        hold((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

static void hold_opinion(const struct opinion *opinion)
{
    hold(opinion->threshold >= 0 && opinion->threshold <= OPINION_SCORE_MOST);
    hold(opinion->score >= -OPINION_SCORE_MOST && opinion->score <= OPINION_SCORE_MOST);
    hold_printable(opinion->action, sizeof opinion->action);
    hold_printable(opinion->symbols, sizeof opinion->symbols);
    hold(!opinion_is_spam(opinion) || opinion_is_one(opinion));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct filter_settings settings = {.address = "filter",
                                                    .controller = "controller",
                                                    .threshold = 600,
                                                    .virus_is_certain = true,
                                                    .certain = {.items = {"GTUBE", "*[A-"}, .count = 2}};
    struct error error = {0};
    struct opinion opinion = {0};
    int32_t score = 0;
    unsigned code = 0;
    struct text body = {0};
    if (length == 0)
        return 0;
    char *copy = malloc(length); /* without a byte behind it */
    if (copy == NULL)
        return 0;
    memcpy(copy, bytes + 1, length - 1);
    struct text answer = {copy, length - 1};
    int status = 0;
    switch (bytes[0] % 8) {
    case 0:
        status = rspamd_read_opinion(&settings, answer, &opinion, &error);
        break;
    case 1:
        status = spamd_read_opinion(&settings, answer, &opinion, &error);
        break;
    case 2:
        status = clamd_read_answer(&settings, answer, &opinion, &error);
        break;
    case 3:
        appliance_read_refusal(&settings, 554, answer, &opinion);
        break;
    case 7:
        status = spamd_read_report_opinion(&settings, answer, &opinion, &error);
        hold(status <= 0 || (opinion_is_one(&opinion) && opinion.symbols[0] == 0 && !opinion.certain));
        break;
    case 6:
        hold(!http_read_answer(answer, &code, &body) || (code >= 200 && code <= 999 && body.length <= answer.length));
        break;
    case 4:
        status = spamd_read_lesson(&settings, answer, &error) < 0 ? -1 : 0;
        break;
    default:
        status = rspamd_read_lesson(&settings, 404, answer, &error) < 0 ? -1 : 0;
        hold(!opinion_parse_score(answer, &score) || (score <= OPINION_SCORE_MOST && score >= -OPINION_SCORE_MOST));
    }
    if (status < 0)
        hold(error.code != 0 && error.text[0]);
    else
        hold_opinion(&opinion);
    free(copy);
    return 0;
}
