/* Lists of words, and ways to put them together. */
#include "tests/lab/words.h"

#include <stdio.h>
#include <string.h>

static const char *const firsts[] = {
    "anna",  "peter", "maria", "john",   "lukas", "emma",  "paul",   "julia", "david",  "sara",  "thomas", "laura",
    "simon", "nina",  "mark",  "eva",    "felix", "clara", "jan",    "lisa",  "robert", "olga",  "daniel", "ines",
    "karl",  "marta", "leo",   "sophie", "erik",  "rosa",  "viktor", "lena",  "james",  "alice", "henry",  "grace"};
static const char *const lasts[] = {"meyer",  "smith",  "rossi",   "novak",    "keller", "brown",  "larsen", "dubois",
                                    "weber",  "jones",  "silva",   "kowalski", "martin", "schulz", "garcia", "nielsen",
                                    "moreau", "taylor", "fischer", "wilson",   "horvat", "ricci",  "bauer",  "clark",
                                    "jansen", "lopez",  "berg",    "walker",   "vogel",  "costa",  "lind",   "young",
                                    "wolf",   "perez",  "frank",   "hill"};
static const char *const syllables[] = {"bor", "fel", "min",  "tar", "lo",  "ves", "kan", "di",  "mar", "sol", "pen",
                                        "ri",  "gal", "tu",   "nor", "be",  "lin", "dor", "ka",  "wes", "ter", "hal",
                                        "mon", "vi",  "stra", "el",  "ran", "so",  "fin", "gor", "ma",  "zen"};
static const char *const endings[] = {"com", "net", "org", "de", "fr", "nl", "it", "eu", "co.uk", "pl", "at", "ch"};
static const char *const words[] = {
    "the",     "a",        "we",       "you",      "meeting",  "report",  "tomorrow", "house",   "garden",  "because",
    "only",    "little",   "thanks",   "please",   "letter",   "project", "morning",  "see",     "send",    "bring",
    "photo",   "table",    "number",   "question", "answer",   "never",   "always",   "with",    "without", "about",
    "after",   "before",   "between",  "window",   "river",    "city",    "train",    "ticket",  "week",    "month",
    "price",   "offer",    "customer", "order",    "contract", "manual",  "machine",  "paper",   "summer",  "winter",
    "holiday", "doctor",   "school",   "teacher",  "music",    "concert", "dinner",   "lunch",   "coffee",  "bread",
    "kitchen", "plan",     "draft",    "version",  "change",   "problem", "solution", "server",  "update",  "backup",
    "printer", "phone",    "call",     "write",    "read",     "think",   "believe",  "perhaps", "already", "still",
    "again",   "together", "friend",   "family",   "mother",   "brother", "office",   "street",  "north",   "south",
    "green",   "blue",     "quick",    "slow",     "heavy",    "light",   "open",     "closed",  "first",   "second",
    "last",    "next",     "good",     "better",   "old",      "new",     "long",     "short",   "is",      "are",
    "was",     "will",     "can",      "must",     "and",      "or",      "but",      "if",      "when",    "where",
    "from"};
static const char *const common[] = {"info",      "sales",   "admin",   "office",   "contact", "support",
                                     "mail",      "post",    "service", "team",     "hello",   "jobs",
                                     "webmaster", "billing", "hr",      "marketing"};

#define COUNT(list)     (sizeof(list) / sizeof(list)[0])
#define PICK(list, key) ((list)[(key) % COUNT(list)])

const char *lab_domain(uint64_t key, char result[LAB_NAME])
{
    uint64_t a = lab_mix(key, 1), b = lab_mix(key, 2);
    snprintf(result, LAB_NAME, "%s%s%s%s.%s", PICK(syllables, a), PICK(syllables, a >> 16), PICK(syllables, a >> 32),
             b & 1 ? PICK(syllables, b >> 24) : "", PICK(endings, b >> 8));
    return result;
}

static char capital(char letter)
{
    return (char)(letter - 'a' + 'A');
}

const char *lab_person(uint64_t key, char result[LAB_NAME])
{
    uint64_t a = lab_mix(key, 3);
    const char *first = PICK(firsts, a), *last = PICK(lasts, a >> 20);
    snprintf(result, LAB_NAME, "%c%s %c%s", capital(first[0]), first + 1, capital(last[0]), last + 1);
    return result;
}

const char *lab_mailbox(uint64_t key, char result[LAB_NAME])
{
    uint64_t a = lab_mix(key, 3), b = lab_mix(key, 4);
    const char *first = PICK(firsts, a), *last = PICK(lasts, a >> 20);
    unsigned number = (unsigned)(b >> 8) % 10000;
    switch (b % 5) {
    case 0:
        snprintf(result, LAB_NAME, "%s.%s", first, last);
        break;
    case 1:
        snprintf(result, LAB_NAME, "%c%s%u", first[0], last, number % 100);
        break;
    case 2:
        snprintf(result, LAB_NAME, "%s%u", first, number);
        break;
    case 3:
        snprintf(result, LAB_NAME, "%s_%s%u", last, first, number % 100);
        break;
    default:
        snprintf(result, LAB_NAME, "%s%s%u", first, last, number % 1000);
        break;
    }
    return result;
}

const char *lab_common_mailbox(uint64_t number, char result[LAB_NAME])
{
    const char *first = PICK(firsts, number), *last = PICK(lasts, number / COUNT(firsts));
    if (number < COUNT(common))
        snprintf(result, LAB_NAME, "%s", common[number]);
    else if (number < COUNT(common) + COUNT(firsts))
        snprintf(result, LAB_NAME, "%s", first);
    else if (number & 1)
        snprintf(result, LAB_NAME, "%c%s", first[0], last);
    else
        snprintf(result, LAB_NAME, "%s.%s", first, last);
    return result;
}

const char *lab_word(struct lab_random *random)
{
    return words[lab_below(random, COUNT(words))];
}

const char *lab_subject(uint64_t key, char result[LAB_NAME])
{
    struct lab_random random = {lab_mix(key, 5)};
    const char *first = lab_word(&random);
    const char *second = lab_word(&random), *third = lab_word(&random);
    snprintf(result, LAB_NAME, "%c%s %s %s", capital(first[0]), first + 1, second, third);
    return result;
}

size_t lab_prose(struct lab_random *random, size_t about, char *result, size_t size)
{
    size_t used = 0, line = 0;
    while (used < about && used + 24 < size) {
        const char *word = lab_word(random);
        size_t length = strlen(word);
        memcpy(result + used, word, length);
        used += length;
        line += length + 1;
        if (line > 64) {
            memcpy(result + used, ".\r\n", 3);
            used += 3;
            line = 0;
        } else {
            result[used++] = ' ';
        }
    }
    memcpy(result + used, ".\r\n", 3);
    return used + 3;
}
