/* See report.h. */
#include "collector/report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include "collector/letter/plain.h"
#include "common/cleanup.h"

static const struct {
    const char *name, *title;
} sums[REPORT_SUMS] = {
    [SUM_COMPLAINTS] = {"complaints", "Complaints"},
    [SUM_INCIDENTS] = {"incidents", "Incidents that they tell of"},
    [SUM_UNTIED] = {"untied", "Complaints that are nobody's here"},
    [SUM_CUSTOMERS] = {"customers", "Customers complained of"},
    [SUM_ACTED] = {"acted", "Complaints acted on"},
    [SUM_WAITED] = {"waited", "Time from complaint to action, median"},
    [SUM_OPEN] = {"open", "Complaints still open"},
    [SUM_BLOCKS] = {"blocks", "Blocks"},
    [SUM_THROTTLES] = {"throttles", "Throttles"},
    [SUM_DIVERTS] = {"diverts", "Diversions to the relay"},
    [SUM_HELD] = {"held", "Senders held"},
    [SUM_STOPPED] = {"stopped", "Messages stopped at a relay"},
    [SUM_SENDERS] = {"senders", "Senders"},
    [SUM_CONNECTIONS] = {"connections", "Connections"},
    [SUM_MESSAGES] = {"messages", "Messages accepted"},
    [SUM_REJECTED] = {"rejected", "Messages refused elsewhere"},
    [SUM_RECIPIENTS] = {"recipients", "Recipients"},
    [SUM_BYTES] = {"bytes", "Bytes"},
    [SUM_SAMPLES] = {"samples", "Messages looked at"},
    [SUM_SPAM] = {"spam", "Spam among them"},
    [SUM_VIRUSES] = {"viruses", "Viruses among them"},
    [SUM_DIVERTED] = {"diverted", "Messages held up at a relay"},
    [SUM_OPENED] = {"opened", "Listings opened"},
    [SUM_CLOSED] = {"closed", "Listings closed"},
    [SUM_LISTED] = {"listed", "Listings at the end"},
    [SUM_ALERTS] = {"alerts", "Alerts raised"},
    [SUM_LETTERS] = {"letters", "Letters to customers"},
    [SUM_SENT] = {"sent", "Complaints sent to others"},
};

const char *report_sum_name(enum report_sum sum)
{
    return sums[sum].name;
}

const char *report_sum_title(enum report_sum sum)
{
    return sums[sum].title;
}

static const struct {
    const char *name, *title;
} waits[REPORT_WAITS] = {
    [WAIT_BEFORE] = {"before", "held already"},        [WAIT_HOUR] = {"1h", "within an hour"},
    [WAIT_4_HOURS] = {"4h", "within four hours"},      [WAIT_DAY] = {"1d", "within a day"},
    [WAIT_3_DAYS] = {"3d", "within three days"},       [WAIT_LONGER] = {"longer", "later"},
    [WAIT_NOT_YET] = {"none", "nothing was done yet"},
};

const char *report_wait_name(enum report_wait wait)
{
    return waits[wait].name;
}

const char *report_wait_title(enum report_wait wait)
{
    return waits[wait].title;
}

void report_name(struct text text, char result[REPORT_NAME])
{
    CLEANUP(buffer_clear) struct buffer plain;
    text.length = text.length < (size_t)4 * REPORT_NAME ? text.length : (size_t)4 * REPORT_NAME;
    buffer_init(&plain, 3 * text.length + 1); /* a broken byte becomes three */
    bool is_good = plain_line(text, &plain);
    text_copy_printable(buffer_text(&plain), result, REPORT_NAME);
    if (text.length > 0 && (!is_good || result[0] == '\0'))
        snprintf(result, REPORT_NAME, "?");
}

struct report *numbers_create(void)
{
    return calloc(1, sizeof(struct report));
}

void numbers_destroy(struct report **report)
{
    free(*report);
    *report = NULL;
}
