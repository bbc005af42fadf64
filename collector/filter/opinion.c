/* Opinions: what filters say, made fit to be kept and shown. */
#include "collector/filter/opinion.h"

#include <stdio.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool opinion_is_one(const struct opinion *opinion)
{
    return opinion->threshold != 0 || opinion->certain || opinion->virus;
}

bool opinion_is_spam(const struct opinion *opinion)
{
    return opinion->certain || opinion->virus || (opinion->threshold != 0 && opinion->score >= opinion->threshold);
}

static int32_t within(int32_t score)
{
    return score > OPINION_SCORE_MOST ? OPINION_SCORE_MOST : score < -OPINION_SCORE_MOST ? -OPINION_SCORE_MOST : score;
}

void opinion_set_verdict(struct opinion *opinion, int32_t score, int32_t threshold, bool is_spam)
{
    opinion->threshold = threshold > 0 ? within(threshold) : 1;
    opinion->score = within(score);
    if (is_spam && opinion->score < opinion->threshold)
        opinion->score = opinion->threshold;
    if (!is_spam && opinion->score >= opinion->threshold)
        opinion->score = opinion->threshold - 1;
}

void opinion_set_action(struct opinion *opinion, struct text action)
{
    text_copy_printable(text_trim(action), opinion->action, sizeof opinion->action);
}

void opinion_add_symbol(struct opinion *opinion, struct text symbol)
{
    size_t used = strlen(opinion->symbols);
    char name[OPINION_SYMBOL_MOST];
    size_t length = text_copy_printable(text_trim(symbol), name, sizeof name);
    if (length == 0 || used + (used > 0) + length >= sizeof opinion->symbols)
        return;
    for (size_t i = 0; i < length; i++)
        if (name[i] == ' ')
            name[i] = '_';
    snprintf(opinion->symbols + used, sizeof opinion->symbols - used, "%s%s", used ? " " : "", name);
}

bool opinion_parse_score(struct text text, int32_t *result)
{
    bool negative = false;
    int64_t hundredths = 0;
    size_t at = 0, digits = 0;
    text = text_trim(text);
    if (text.length > 0 && (text.bytes[0] == '-' || text.bytes[0] == '+'))
        negative = text.bytes[at++] == '-';
    for (; at < text.length && is_digit(text.bytes[at]); at++, digits++)
        if (hundredths <= OPINION_SCORE_MOST)
            hundredths = hundredths * 10 + (text.bytes[at] - '0');
    hundredths *= 100;
    if (at < text.length && text.bytes[at] == '.') {
        int64_t worth = 100;
        for (at++; at < text.length && is_digit(text.bytes[at]); at++, digits++, worth /= 10)
            hundredths += worth > 1 ? (text.bytes[at] - '0') * (worth / 10) : worth == 1 && text.bytes[at] >= '5';
    }
    if (digits == 0 || at < text.length)
        return false;
    if (hundredths > OPINION_SCORE_MOST)
        hundredths = OPINION_SCORE_MOST;
    *result = (int32_t)(negative ? -hundredths : hundredths);
    return true;
}
