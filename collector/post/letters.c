/* See letters.h: one letter, from a wish to what goes out, and the round that has wishes of its own. */
#include "collector/post/letters.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "collector/post/letter_files.h"
#include "collector/post/letter_ground.h"
#include "collector/store/alerts.h"
#include "collector/store/letters.h"
#include "common/cleanup.h"
#include "common/io/log.h"

#define NOTE_MOST  2000 /* bytes */
#define ROUND      (3 * SECOND)
#define ROUND_MOST 20            /* letters in one */
#define NEWS       DAY           /* a block that began before this is no news */
#define TROUBLE    (10 * MINUTE) /* how often it is said again that the contacts cannot be read */
#define CUSTOMER   300           /* bytes; store_letters_wanted() has none longer */

struct letters {
    const struct letter_settings *settings;
    const struct mail_settings *mail;
    const struct zones *zones;
    struct letter_files *files;
    moment due;  /* when the round is; for its thread alone */
    moment told; /* when it was said last that the contacts cannot be read; the same */
};

int letters_create(const struct letter_settings *settings, const struct mail_settings *mail, const struct zones *zones,
                   struct letters **result, struct error *error)
{
    CLEANUP(letters_destroy) struct letters *letters = calloc(1, sizeof *letters);
    if (letters == NULL)
        return error_set(error, ENOMEM, "no memory for letters");
    if (settings->automatic && (mail->server[0] == '\0' || settings->contacts[0] == '\0'))
        return error_set(error, EINVAL, "[letters] automatic: %s; set it, or say no",
                         mail->server[0] ? "contacts names no file" : "[mail] names no server");
    struct draft_address from;
    if (mail->server[0] && !compose_read_address(text_of(mail->from), &from))
        return error_set(error, EINVAL,
                         "[mail] from: letters cannot be written by \"%.80s\"; \"Name <local@domain>\", "
                         "in ASCII but for the name, is allowed",
                         mail->from);
    letters->settings = settings;
    letters->mail = mail;
    letters->zones = zones;
    int status =
        letter_files_create(settings->directory, settings->contacts, settings->language, &letters->files, error);
    if (status == 0)
        *result = TAKE(letters);
    return status;
}

void letters_destroy(struct letters **pointer)
{
    struct letters *letters = TAKE(*pointer);
    if (letters == NULL)
        return;
    letter_files_destroy(&letters->files);
    free(letters);
}

void letter_result_init(struct letter_result *result)
{
    *result = (struct letter_result){.outcome = LETTER_WRONG};
    buffer_init(&result->subject, LETTER_SUBJECT_MOST);
    buffer_init(&result->text, LETTER_TEXT_MOST);
}

void letter_result_clear(struct letter_result *result)
{
    buffer_clear(&result->subject);
    buffer_clear(&result->text);
}

/* --- one letter --- */

struct writing {
    struct letters *letters;
    const struct letter_wish *wish;
    struct letter_result *result;
    char customer[CUSTOMER];
    struct draft_address from, reply, to[CONTACT_ADDRESSES];
    size_t to_count;
    struct letter_ground *ground;
};

static int end(struct writing *writing, enum letter_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int end(struct writing *writing, enum letter_outcome outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    writing->result->outcome = outcome;
    vsnprintf(writing->result->sentence, sizeof writing->result->sentence, format, arguments);
    va_end(arguments);
    return 0;
}

/* Whom it goes to, and in which language. 1: known. */
static int find_recipients(struct writing *writing)
{
    const struct letter_wish *wish = writing->wish;
    struct letter_result *result = writing->result;
    const struct letter_settings *settings = writing->letters->settings;
    char language[TEMPLATE_LANGUAGE] = "";
    bool is_known = letter_files_contact(writing->letters->files, wish->customer, result->recipients,
                                         sizeof result->recipients, language);
    if (wish->to)
        snprintf(result->recipients, sizeof result->recipients, "%s", wish->to);
    if (wish->to && !compose_is_address(text_of(wish->to)))
        return end(writing, LETTER_WRONG, "to: no address; local@domain is allowed");
    /* Better another language than none, where the contact's is one that nobody has written. */
    bool has_own = language[0] && letter_files_template(writing->letters->files, language);
    const char *wanted = wish->language ? wish->language : has_own ? language : settings->language;
    text_copy_printable(text_of(wanted), result->language, sizeof result->language);
    if (!letter_files_template(writing->letters->files, result->language))
        return end(writing, LETTER_WRONG, "language: there is no letter in that; allowed: %s",
                   letter_files_languages(writing->letters->files));
    if (!is_known && !wish->to && !wish->preview)
        return end(writing, LETTER_NOBODY, "no address of this customer is known: %s%s, or say to whom (to)",
                   settings->contacts[0] ? "write it into " : "set contacts in [letters]", settings->contacts);
    struct text rest = text_of(result->recipients);
    while (rest.length > 0 && writing->to_count < CONTACT_ADDRESSES)
        writing->to[writing->to_count++].address = text_split(&rest, ' ');
    return 1;
}

static void find_sender(struct writing *writing)
{
    const struct letters *letters = writing->letters;
    if (!compose_read_address(text_of(letters->mail->from), &writing->from))
        writing->from = (struct draft_address){.name = TEXT(""), .address = text_of(letters->mail->from)};
    if (!letters->settings->reply[0] || !compose_read_address(text_of(letters->settings->reply), &writing->reply))
        writing->reply = (struct draft_address){0};
}

static bool set_text(struct writing *writing, moment now)
{
    struct letter_result *result = writing->result;
    char date[GROUND_TIME];
    struct letter_facts facts = {0};
    const struct draft_address *answer = writing->reply.address.length ? &writing->reply : &writing->from;
    letter_ground_tell(writing->ground, &facts);
    letter_time(now, date);
    facts.values[VALUE_CUSTOMER] = text_of(writing->customer);
    facts.values[VALUE_DESK] = writing->from.name;
    facts.values[VALUE_REPLY] = answer->address;
    facts.values[VALUE_DATE] = text_of(date);
    facts.values[VALUE_REFERENCE] = (struct text){result->id, strlen(result->id) < 12 ? strlen(result->id) : 12};
    facts.values[VALUE_NOTE] = writing->wish->note ? text_of(writing->wish->note) : TEXT("");
    return template_write(letter_files_template(writing->letters->files, result->language),
                          letter_files_template(writing->letters->files, "en"), &facts, &result->subject,
                          &result->text);
}

static int compose(struct writing *writing, moment now, struct buffer *mail, struct error *error)
{
    static const struct draft_header headers[] = {{.name = "Auto-Submitted", .value = TEXT("auto-generated")}};
    struct letter_result *result = writing->result;
    char id[STORE_SENDING_ID + COMPOSE_ADDRESS_MOST + 2];
    const char *at = memrchr(writing->from.address.bytes, '@', writing->from.address.length);
    int domain = at ? (int)(writing->from.address.bytes + writing->from.address.length - at) : 0;
    snprintf(id, sizeof id, "%s%.*s", result->id, domain, at ? at : "");
    const struct draft draft = {.from = writing->from,
                                .reply_to = writing->reply,
                                .to = writing->to,
                                .to_count = writing->to_count,
                                .subject = buffer_text(&result->subject),
                                .date = now,
                                .message_id = text_of(id),
                                .headers = headers,
                                .header_count = sizeof headers / sizeof headers[0],
                                .text = buffer_text(&result->text)};
    return compose_message(&draft, mail, error);
}

static int send(struct writing *writing, struct store *store, moment now, struct error *error)
{
    CLEANUP(buffer_clear) struct buffer mail;
    const struct letters *letters = writing->letters;
    struct letter_result *result = writing->result;
    char recipients[sizeof result->recipients + OPTION_TEXT_SIZE];
    buffer_init(&mail, STORE_SENDING_MOST);
    int status = compose(writing, now, &mail, error);
    if (status < 0)
        return status;
    snprintf(recipients, sizeof recipients, "%s%s%s", result->recipients, letters->settings->copy[0] ? " " : "",
             letters->settings->copy);
    const struct store_sending sending = {.id = result->id,
                                          .channel = STORE_SENDING_MAIL,
                                          .purpose = "letter",
                                          .recipients = text_of(recipients),
                                          .subject = buffer_text(&result->subject),
                                          .customer = text_of(writing->customer),
                                          .bytes = buffer_text(&mail)};
    status = store_sending_make(store, &sending, now, now, error);
    if (status >= 0)
        status = store_alert_resolve(store, "letter", writing->customer, now, error);
    return status < 0 ? status : end(writing, LETTER_MADE, "%s", "");
}

/* The id says which letter it is: to whom, of what, and when. */
static void name_letter(struct writing *writing, moment now)
{
    char what[CUSTOMER + 100], time[24];
    snprintf(time, sizeof time, "%lld", (long long)now);
    snprintf(what, sizeof what, "%s %s %.70s", writing->customer, writing->result->cause,
             writing->wish->name ? writing->wish->name : time);
    store_sending_id("letter", STORE_SENDING_MAIL, text_of(what), writing->result->id);
}

/* 1: it may go out. */
static int take(struct writing *writing, struct store *store, moment now, const char *sending, struct error *error)
{
    const struct letter_settings *settings = writing->letters->settings;
    moment before = writing->wish->again ? INT64_MAX : now - settings->again, last = 0;
    const struct store_letter letter = {.customer = text_of(writing->customer),
                                        .cause = writing->result->cause,
                                        .sending = sending,
                                        .language = writing->result->language,
                                        .person = writing->wish->person};
    char time[GROUND_TIME];
    int status = store_letter_take(store, &letter, now, before, &last, error);
    if (status != 0)
        return status;
    letter_time(last, time);
    return end(writing, LETTER_TOO_SOON, "a letter about the same (%s) was written at %s; again: yes writes another",
               writing->result->cause, time);
}

static int write_letter(struct writing *writing, struct store *store, moment now, struct error *error)
{
    const struct letter_wish *wish = writing->wish;
    struct letter_result *result = writing->result;
    bool has_note = wish->note && *wish->note;
    int status = letter_ground_find(store, writing->customer, writing->letters->zones, now, &writing->ground, error);
    if (status < 0)
        return status;
    result->cause = letter_ground_cause(writing->ground);
    if (result->cause == NULL && !has_note)
        return end(writing, LETTER_NOTHING,
                   "nothing stands against this customer that a letter could tell; a note can");
    result->cause = result->cause ? result->cause : "note";
    status = find_recipients(writing);
    if (status <= 0)
        return status;
    if (!wish->preview && writing->letters->mail->server[0] == '\0')
        return end(writing, LETTER_NO_SERVER, "[mail] names no server: nothing can be sent");
    if (!wish->preview)
        name_letter(writing, now);
    find_sender(writing);
    if (!set_text(writing, now))
        return error_set(error, ENOMEM, "no memory for a letter, or it is longer than %zu KB", LETTER_TEXT_MOST / 1024);
    if (wish->preview)
        return end(writing, LETTER_SHOWN, "%s", "");
    status = take(writing, store, now, result->id, error);
    return status <= 0 ? status : send(writing, store, now, error);
}

int letters_write(struct letters *letters, struct store *store, const struct letter_wish *wish, moment now,
                  struct letter_result *result, struct error *error)
{
    struct writing writing = {.letters = letters, .wish = wish, .result = result};
    if (wish->customer.length >= CUSTOMER || memchr(wish->customer.bytes, '\0', wish->customer.length))
        return end(&writing, LETTER_WRONG, "no customer is called so");
    snprintf(writing.customer, sizeof writing.customer, "%.*s", (int)wish->customer.length, wish->customer.bytes);
    if (wish->note && strlen(wish->note) > NOTE_MOST)
        return end(&writing, LETTER_WRONG, "note: too long; %d bytes are allowed", NOTE_MOST);
    letter_files_look(letters->files);
    if (!letter_files_trouble(letters->files, result->trouble, sizeof result->trouble))
        result->trouble[0] = '\0';
    int status = write_letter(&writing, store, now, error);
    free(writing.ground);
    return status;
}

/* --- by itself --- */

struct wanted {
    char customers[ROUND_MOST][CUSTOMER];
    size_t count;
};

static void take_wanted(void *context, struct text customer)
{
    struct wanted *wanted = context;
    if (wanted->count < ROUND_MOST && customer.length < CUSTOMER)
        snprintf(wanted->customers[wanted->count++], CUSTOMER, "%.*s", (int)customer.length, customer.bytes);
}

bool letters_are_due(struct letters *letters, moment now)
{
    return letters->settings->automatic && (now >= letters->due || letters->due - now > ROUND);
}

/* What cannot be read now was read before: letters go on as then, and a person is told. */
static int tell_trouble(struct letters *letters, struct store *store, moment now, struct error *error)
{
    char trouble[240];
    bool is_troubled = letter_files_trouble(letters->files, trouble, sizeof trouble);
    letters->told = is_troubled ? letters->told : 0;
    if (!is_troubled)
        return store_alert_resolve(store, "letter", "contacts", now, error);
    if (now - letters->told < TROUBLE && now >= letters->told)
        return 0;
    const struct store_alert alert = {.kind = "letter",
                                      .name = "contacts",
                                      .severity = SEVERITY_WARNING,
                                      .sender = TEXT(""),
                                      .customer = TEXT(""),
                                      .subject = TEXT("The file of customers' addresses cannot be read"),
                                      .text = text_of(trouble)};
    letters->told = now;
    return store_alert_raise(store, &alert, now, error);
}

/* There is nobody to write to: a person is told, once until it is time for the next letter. */
static int tell_nobody(struct letters *letters, struct store *store, const char *customer,
                       const struct letter_result *result, moment now, struct error *error)
{
    const struct store_letter letter = {
        .customer = text_of(customer), .cause = "block", .sending = "", .language = result->language, .person = ""};
    char subject[CUSTOMER + 80];
    moment last;
    snprintf(subject, sizeof subject, "Customer %s is blocked, and could not be written to", customer);
    const struct store_alert alert = {.kind = "letter",
                                      .name = customer,
                                      .severity = SEVERITY_NEWS,
                                      .sender = TEXT(""),
                                      .customer = text_of(customer),
                                      .subject = text_of(subject),
                                      .text = text_of(result->sentence)};
    int status = store_letter_take(store, &letter, now, now - letters->settings->again, &last, error);
    return status < 0 ? status : store_alert_raise(store, &alert, now, error);
}

static int write_one(struct letters *letters, struct store *store, const char *customer, moment now,
                     struct error *error)
{
    CLEANUP(letter_result_clear) struct letter_result result;
    const struct letter_wish wish = {.customer = text_of(customer), .person = ""};
    letter_result_init(&result);
    int status = letters_write(letters, store, &wish, now, &result, error);
    if (status < 0 || result.outcome == LETTER_MADE)
        return status < 0 ? status : 1;
    if (result.outcome != LETTER_TOO_SOON)
        status = tell_nobody(letters, store, customer, &result, now, error);
    return status < 0 ? status : 0;
}

int letters_round(struct letters *letters, struct store *store, moment now, struct error *error)
{
    const struct letter_settings *settings = letters->settings;
    struct wanted wanted = {.count = 0};
    int made = 0, status = letter_files_look(letters->files);
    if (status >= 0)
        status = tell_trouble(letters, store, now, error);
    if (status >= 0)
        status = store_letters_wanted(store, now, now - NEWS, now - settings->after, now - settings->again, ROUND_MOST,
                                      take_wanted, &wanted, error);
    for (size_t i = 0; i < wanted.count && status >= 0; i++) {
        status = write_one(letters, store, wanted.customers[i], now, error);
        made += status > 0;
    }
    if (status >= 0)
        status = store_letters_settle(store, now, error);
    if (status >= 0)
        status = store_letters_tidy(store, now - 2 * settings->again - 30 * DAY, error);
    if (status < 0)
        return status;
    letters->due = wanted.count == ROUND_MOST ? now : now + ROUND;
    return made;
}
