/* See mark.h. */
#include "agent/relay/mark.h"

#define PART_MOST 1024 /* an envelope's address has 320 at most (RFC 5321 4.5.3.1) */

/* Each part's own mark goes into the whole's, so lengths need not be told. */
static uint64_t mark_part(const struct siphash_key *key, struct text part)
{
    char folded[PART_MOST];
    if (part.length > sizeof folded)
        part.length = sizeof folded;
    text_fold(part, folded);
    return siphash(key, folded, part.length);
}

uint64_t mark_parts(const struct siphash_key *key, enum mark_kind kind, uint64_t mark, const struct text *parts,
                    size_t count)
{
    uint64_t words[6] = {(uint64_t)kind + 1, mark};
    for (size_t i = 0; i < count && i < 4; i++)
        words[i + 2] = mark_part(key, parts[i]);
    return siphash(key, words, sizeof words);
}

uint64_t mark_text(const struct siphash_key *key, enum mark_kind kind, struct text name)
{
    return mark_parts(key, kind, 0, &name, 1);
}

uint64_t mark_sender(const struct siphash_key *key, enum mark_kind kind, const struct sender *sender)
{
    unsigned char bytes[1 + sizeof *sender];
    bytes[0] = (unsigned char)kind;
    memcpy(bytes + 1, sender, sizeof *sender);
    return siphash(key, bytes, sizeof bytes);
}
