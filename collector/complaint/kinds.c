/* See kinds.h. */
#include "collector/complaint/kinds.h"

#include "collector/complaint/taking.h"

static const struct feedback {
    const char *name;
    enum complaint_type type;
    const char *category, *kind;
} feedbacks[] = {
    {"abuse", COMPLAINT_ABUSE, "messaging", "spam"},
    {"complaint", COMPLAINT_ABUSE, "messaging", "spam"},
    {"spam", COMPLAINT_ABUSE, "messaging", "spam"},
    {"fraud", COMPLAINT_FRAUD, "content", "fraud"},
    {"phishing", COMPLAINT_FRAUD, "content", "phishing"},
    {"virus", COMPLAINT_VIRUS, "content", "malware"},
    {"not-spam", COMPLAINT_NOT_SPAM, "messaging", "not_spam"},
    {"auth-failure", COMPLAINT_AUTH_FAILURE, "messaging", "auth_failure"},
    {"dkim", COMPLAINT_AUTH_FAILURE, "messaging", "auth_failure"},
    {"opt-out", COMPLAINT_OTHER, "messaging", "opt_out"},
    {"opt-out-list", COMPLAINT_OTHER, "messaging", "opt_out"},
};

/* The names without what is no letter, in small letters. */
static const struct feedback legacies[] = {
    {"spam", COMPLAINT_ABUSE, "messaging", "spam"},
    {"spamvertised", COMPLAINT_ABUSE, "messaging", "spam"},
    {"harassment", COMPLAINT_OTHER, "messaging", "harassment"},
    {"phishing", COMPLAINT_FRAUD, "content", "phishing"},
    {"fraud", COMPLAINT_FRAUD, "content", "fraud"},
    {"malware", COMPLAINT_VIRUS, "content", "malware"},
    {"malwareattack", COMPLAINT_VIRUS, "content", "malware"},
    {"virus", COMPLAINT_VIRUS, "content", "malware"},
    {"botnet", COMPLAINT_VIRUS, "infrastructure", "botnet"},
    {"infectedclient", COMPLAINT_VIRUS, "infrastructure", "botnet"},
    {"potentiallycompromisedaccount", COMPLAINT_OTHER, "infrastructure", "compromised_account"},
    {"potentiallycompromised", COMPLAINT_OTHER, "infrastructure", "compromised_server"},
    {"compromisedserver", COMPLAINT_OTHER, "infrastructure", "compromised_server"},
    {"compromisedwebsite", COMPLAINT_OTHER, "infrastructure", "compromised_website"},
    {"childabuse", COMPLAINT_OTHER, "content", "csam"},
    {"childsexualabusematerial", COMPLAINT_OTHER, "content", "csam"},
    {"copyright", COMPLAINT_OTHER, "copyright", "copyright"},
    {"trademark", COMPLAINT_OTHER, "copyright", "trademark"},
    {"dos", COMPLAINT_OTHER, "connection", "ddos"},
    {"ddos", COMPLAINT_OTHER, "connection", "ddos"},
    {"loginattack", COMPLAINT_OTHER, "connection", "login_attack"},
    {"portscan", COMPLAINT_OTHER, "connection", "reconnaissance"},
    {"exploit", COMPLAINT_OTHER, "connection", "vulnerability_scan"},
    {"hackattack", COMPLAINT_OTHER, "connection", "vulnerability_scan"},
    {"openservice", COMPLAINT_OTHER, "vulnerability", "open_service"},
};

static void apply(struct complaint *complaint, const struct feedback *kind)
{
    complaint->type = kind->type;
    TAKE_LINE(text_of(kind->category), complaint->category);
    TAKE_LINE(text_of(kind->kind), complaint->kind);
}

void kind_take_feedback(struct complaint *complaint, struct text type)
{
    complaint->type = COMPLAINT_OTHER;
    for (size_t i = 0; i < sizeof feedbacks / sizeof feedbacks[0]; i++)
        if (text_equals_nocase(type, text_of(feedbacks[i].name)))
            apply(complaint, &feedbacks[i]);
}

bool kind_take_legacy(struct complaint *complaint, struct text kind)
{
    char letters[48];
    size_t length = 0;
    for (size_t i = 0; i < kind.length && length + 1 < sizeof letters; i++) {
        char c = kind.bytes[i] | 0x20;
        if (c >= 'a' && c <= 'z')
            letters[length++] = c;
    }
    complaint->type = COMPLAINT_OTHER;
    for (size_t i = 0; i < sizeof legacies / sizeof legacies[0]; i++)
        if (text_equals((struct text){letters, length}, text_of(legacies[i].name))) {
            apply(complaint, &legacies[i]);
            return true;
        }
    return false;
}

static enum complaint_type weigh(struct text category, struct text kind)
{
    if (text_equals_nocase(category, TEXT("messaging")))
        return COMPLAINT_ABUSE;
    if (text_equals_nocase(kind, TEXT("phishing")) || text_equals_nocase(kind, TEXT("fraud")))
        return COMPLAINT_FRAUD;
    if (text_equals_nocase(kind, TEXT("malware")) || text_equals_nocase(kind, TEXT("botnet")))
        return COMPLAINT_VIRUS;
    return COMPLAINT_OTHER;
}

bool kind_take(struct complaint *complaint, struct text category, struct text kind)
{
    static const char *const categories[] = {"messaging", "connection",    "content",   "infrastructure",
                                             "copyright", "vulnerability", "reputation"};
    bool is_known = false;
    for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++)
        is_known = is_known || text_equals_nocase(category, text_of(categories[i]));
    TAKE_LINE(category, complaint->category);
    TAKE_LINE(kind, complaint->kind);
    complaint->type = weigh(category, kind);
    return is_known;
}
