/* Any bytes as a template, as contacts, and as what stands in a letter: what is made of them is a mail whose head has
 * the lines that it should have and no others, without a control character, and the same each time. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/letter/compose.h"
#include "collector/letter/contacts.h"
#include "collector/letter/html.h"
#include "collector/letter/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MOST (4U * 1024 * 1024)

static void must(bool is_so)
{
    if (!is_so)
        abort();
}

/* Lines end with CRLF and are no longer than 998 bytes; nothing in them is a control character. Which of the head begin
 * a header is counted. */
static void look_at(struct text mail)
{
    size_t line = 0, headers = 0;
    bool is_head = true, is_begin = true;
    for (size_t i = 0; i < mail.length; i++) {
        unsigned char byte = (unsigned char)mail.bytes[i];
        if (is_begin && is_head && byte != '\r' && byte != ' ')
            headers++;
        is_begin = byte == '\n';
        is_head = is_head && !(i > 3 && memcmp(mail.bytes + i - 3, "\r\n\r\n", 4) == 0);
        must(byte >= 32 || byte == '\t' || byte == '\r' || byte == '\n');
        must(byte != 0x7f && byte < 0x80);
        must(byte != '\r' || (i + 1 < mail.length && mail.bytes[i + 1] == '\n'));
        must(byte != '\n' || (i > 0 && mail.bytes[i - 1] == '\r'));
        line = byte == '\n' ? 0 : line + 1;
        must(line <= 999);
    }
    must(headers == 8);
}

static void compose(struct text text)
{
    struct text rest = text, first = text_split(&rest, '\n'), second = text_split(&rest, '\n');
    const struct draft_address to = {.name = second, .address = TEXT("a@example.net")};
    const struct draft_header header = {.name = "X-Node", .value = first};
    const struct draft_part part = {.type = "text/csv", .name = second, .content = rest};
    const struct draft draft = {.from = {.name = first, .address = TEXT("abuse@example.net")},
                                .to = &to,
                                .to_count = 1,
                                .subject = text,
                                .message_id = TEXT("one@example.net"),
                                .headers = &header,
                                .header_count = 1,
                                .text = rest,
                                .html = first,
                                .attachments = &part,
                                .attachment_count = 1};
    struct buffer mail, again;
    struct error error = {0};
    buffer_init(&mail, MOST);
    buffer_init(&again, MOST);
    if (compose_message(&draft, &mail, &error) == 0) {
        must(compose_message(&draft, &again, &error) == 0);
        must(text_equals(buffer_text(&mail), buffer_text(&again)));
        look_at(buffer_text(&mail));
    }
    buffer_clear(&mail);
    buffer_clear(&again);
}

static void write_letter(const struct template *template, struct text text)
{
    const struct letter_row row = {{text, text, text, text}};
    struct letter_facts facts = {0};
    struct buffer subject, letter;
    buffer_init(&subject, 4096);
    buffer_init(&letter, 65536);
    for (int i = 0; i < VALUES; i++)
        facts.values[i] = text;
    for (int i = 1; i < LISTS; i++) {
        facts.lists[i].rows = &row;
        facts.lists[i].count = 1;
    }
    if (template_write(template, NULL, &facts, &subject, &letter)) {
        must(subject.length == 0 || !memchr(subject.bytes, '\n', subject.length));
        for (size_t i = 0; i < letter.length; i++)
            must((unsigned char)letter.bytes[i] >= 32 || letter.bytes[i] == '\n' || letter.bytes[i] == '\t');
    }
    buffer_clear(&subject);
    buffer_clear(&letter);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct text text = {(const char *)bytes, length};
    struct template *template = NULL;
    struct contacts *contacts = NULL;
    struct error error = {0};
    struct draft_address address;
    struct buffer escaped;
    char *copy = malloc(length + 1);
    if (template_read(text, "fuzz", &template, &error) == 0)
        write_letter(template, text);
    else
        must(strncmp(error.text, "fuzz:", 5) == 0);
    template_destroy(&template);
    if (copy && length > 0)
        memcpy(copy, bytes, length);
    if (contacts_read(copy, length, "fuzz", &contacts, &error) == 0)
        contacts_find(contacts, text);
    contacts_destroy(&contacts);
    if (compose_read_address(text, &address))
        must(compose_is_address(address.address));
    buffer_init(&escaped, MOST);
    if (html_escape(text, &escaped) && escaped.length > 0)
        must(!memchr(escaped.bytes, '<', escaped.length) && !memchr(escaped.bytes, '"', escaped.length) &&
             !memchr(escaped.bytes, '\'', escaped.length));
    buffer_clear(&escaped);
    compose(text);
    return 0;
}
