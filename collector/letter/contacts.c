/* See contacts.h. Sorted by name, for a fleet may have a million customers. */
#include "collector/letter/contacts.h"

#include <errno.h>
#include <stdlib.h>
#include "collector/letter/compose.h"
#include "collector/letter/template.h"
#include "common/cleanup.h"

struct contacts {
    char *bytes;
    struct line {
        struct contact contact;
        unsigned number;
    } * lines;
    size_t count, room;
};

static struct text take_word(struct text *rest)
{
    size_t length = 0;
    *rest = text_trim(*rest);
    while (length < rest->length && !strchr(" \t\r", rest->bytes[length]))
        length++;
    struct text word = {rest->bytes, length};
    *rest = text_trim((struct text){rest->bytes + length, rest->length - length});
    return word;
}

static int compare_texts(struct text a, struct text b)
{
    size_t both = a.length < b.length ? a.length : b.length;
    int order = both ? memcmp(a.bytes, b.bytes, both) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_lines(const void *a, const void *b)
{
    const struct line *left = a, *right = b;
    int order = compare_texts(left->contact.customer, right->contact.customer);
    return order ? order : (left->number > right->number) - (left->number < right->number);
}

static int refuse(const char *name, unsigned number, struct text word, const char *wrong, struct error *error)
{
    char shown[60];
    text_copy_printable(word, shown, sizeof shown);
    return error_set(error, EINVAL, "%s:%u: \"%s\": %s", name, number, shown, wrong);
}

static int add_line(struct contacts *contacts, const struct line *line, struct error *error)
{
    if (contacts->count == contacts->room) {
        size_t room = contacts->room ? 2 * contacts->room : 64;
        struct line *grown = realloc(contacts->lines, room * sizeof *grown);
        if (grown == NULL)
            return error_set(error, ENOMEM, "no memory for the customers' addresses");
        contacts->lines = grown;
        contacts->room = room;
    }
    contacts->lines[contacts->count++] = *line;
    return 0;
}

static int read_line(struct contacts *contacts, struct text rest, const char *name, unsigned number,
                     struct error *error)
{
    struct line line = {.number = number};
    struct contact *contact = &line.contact;
    contact->customer = take_word(&rest);
    while (rest.length > 0) {
        struct text word = take_word(&rest);
        if (contact->language.length > 0)
            return refuse(name, number, word, "nothing is allowed behind the language", error);
        bool is_address = memchr(word.bytes, '@', word.length) != NULL;
        if (is_address && !compose_is_address(word))
            return refuse(name, number, word, "no address; local@domain in ASCII is allowed", error);
        if (is_address && contact->count == CONTACT_ADDRESSES)
            return refuse(name, number, word, "a customer has at most four addresses", error);
        if (!is_address && !template_is_language(word))
            return refuse(name, number, word, "no address and no language; local@domain, or a word such as de", error);
        if (is_address)
            contact->addresses[contact->count++] = word;
        else
            contact->language = word;
    }
    if (contact->count == 0)
        return refuse(name, number, contact->customer, "the customer has no address; one to four are allowed", error);
    if (contacts->count == CONTACTS_MOST)
        return refuse(name, number, contact->customer, "too many customers; a million are allowed", error);
    return add_line(contacts, &line, error);
}

/* Comments begin a line, or stand behind a blank: '#' may be part of an address. */
static struct text without_comment(struct text line)
{
    for (size_t i = 0; i < line.length; i++)
        if (line.bytes[i] == '#' && (i == 0 || strchr(" \t", line.bytes[i - 1])))
            return text_trim((struct text){line.bytes, i});
    return text_trim(line);
}

static int read_all(struct contacts *contacts, struct text rest, const char *name, struct error *error)
{
    unsigned number = 0;
    int status = 0;
    while (rest.length > 0 && status == 0) {
        struct text line = without_comment(text_split(&rest, '\n'));
        number++;
        if (memchr(line.bytes, '\0', line.length))
            status = refuse(name, number, line, "a NUL; text is allowed", error);
        else if (line.length > 0)
            status = read_line(contacts, line, name, number, error);
    }
    if (status < 0 || contacts->count == 0)
        return status;
    qsort(contacts->lines, contacts->count, sizeof *contacts->lines, compare_lines);
    for (size_t i = 1; i < contacts->count; i++)
        if (text_equals(contacts->lines[i].contact.customer, contacts->lines[i - 1].contact.customer))
            return refuse(name, contacts->lines[i].number, contacts->lines[i].contact.customer,
                          "it is there before; one line a customer is allowed", error);
    return 0;
}

int contacts_read(char *bytes, size_t length, const char *name, struct contacts **result, struct error *error)
{
    CLEANUP(contacts_destroy) struct contacts *contacts = calloc(1, sizeof *contacts);
    if (contacts == NULL) {
        free(bytes);
        return error_set(error, ENOMEM, "no memory for the customers' addresses");
    }
    contacts->bytes = bytes;
    int status = read_all(contacts, (struct text){bytes ? bytes : "", length}, name, error);
    if (status == 0)
        *result = TAKE(contacts);
    return status;
}

void contacts_destroy(struct contacts **pointer)
{
    struct contacts *contacts = TAKE(*pointer);
    if (contacts == NULL)
        return;
    free(contacts->lines);
    free(contacts->bytes);
    free(contacts);
}

static int compare_name(const void *name, const void *line)
{
    return compare_texts(*(const struct text *)name, ((const struct line *)line)->contact.customer);
}

static const struct contact *find(const struct contacts *contacts, struct text name)
{
    const struct line *line =
        contacts->count ? bsearch(&name, contacts->lines, contacts->count, sizeof *contacts->lines, compare_name)
                        : NULL;
    return line ? &line->contact : NULL;
}

const struct contact *contacts_find(const struct contacts *contacts, struct text customer)
{
    if (contacts == NULL)
        return NULL;
    const struct contact *own = find(contacts, customer);
    return own ? own : find(contacts, TEXT("*"));
}
