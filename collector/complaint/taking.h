/* How a stranger's words get into a complaint: each into its bounds, and the first that says something stays. */
#ifndef COLLECTOR_COMPLAINT_TAKING_H
#define COLLECTOR_COMPLAINT_TAKING_H

#include "collector/complaint/complaint.h"

#define TAKE_LINE(text, field) take_line((text), (field), sizeof(field))
#define TAKE_MAIL(text, field) take_mail((text), (field), sizeof(field))

/* As one printable line, decoded (RFC 2047), where nothing stands yet. */
void take_line(struct text, char *result, size_t size);
/* The mail address in it, as "Name <a@b>", "a@b (Name)", "<a@b>" hold it; else the line without brackets. */
void take_mail(struct text, char *result, size_t size);
/* "<id>" without brackets; text beside them is left out. */
void take_message_id(struct text, char *result, size_t size);
/* What stands behind the last '@', in small letters. */
void take_domain_of(const char *mail, char *result, size_t size);

/* RFC 5322, RFC 3339, or "2026-11-23 08:00:00" in UTC; 0: none of them, or before 1970. */
moment date_of(struct text);
/* 0 where it is no port. */
uint16_t port_of(struct text);

/* The address that the text begins with, in brackets or not, "IPv6:" before it or a "/prefix" behind it. */
bool address_at(struct text, struct address *result);
/* The first address that stands anywhere in the text; loopback and the like are passed over. `rest`, if not NULL: what
 * stands behind it. */
bool address_in(struct text, struct address *result, struct text *rest);

void complaint_add_address(struct complaint *, const struct address *); /* each once; those too many are left out */
void complaint_add_domain(struct complaint *, struct text);
void complaint_add_link(struct complaint *, struct text); /* "hxxp://a[.]b" as it was before */
/* The first http(s) link in the text, in its disguise or not, as it stands there; empty: none. */
struct text link_in(struct text);

/* Where it stands first, whatever the case of ASCII letters; NULL: nowhere. */
const char *text_find_nocase(struct text whole, struct text part);

/* One more to fill in, zeroed but for `incidents`; NULL: too many, or no memory, and `cut` is set. Pointers to those
 * before are no longer good. */
struct complaint *complaints_add(struct complaints *);
void complaints_say(struct complaints *, const char *trouble); /* FOUND_BROKEN, and why */

/* --- lines of "Name: value", folded as in RFC 5322 --- */

struct field {
    struct text name, value; /* the value with its line ends, trimmed */
};
/* The next one; lines that are none are passed over. False: there is none any more. */
bool field_next(struct text *rest, struct field *result);
/* Of a message the head, and what stands behind its empty line. */
struct text head_of(struct text message, struct text *body);
/* The first of that name; empty: none. */
struct text field_find(struct text head, const char *name);

#endif
