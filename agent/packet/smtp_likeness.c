/* Words of the text, and what they leave in the sketch.
 *
 *     header | text: words of three letters and more, without regard to case ... up to 48 of them
 *            | a line "--..." begins the header of the next part (RFC 2046 5.1.1)
 *
 * Digits and punctuation end a word and are no part of one, so numbers leave no trace. Quoted-printable (RFC 2045 6.7)
 * is undone everywhere, base64 (6.8) where a header says so; attachments are passed by. Tags of HTML, and what stands
 * in <style> and <script>, are not read: two customers' mails made with one template would be alike before a word is
 * said. Malformed input is read as text.
 *
 * Each pair of neighbouring words is hashed; four bits of the hash choose a part, which keeps the greatest of the rest.
 *
 * This costs more a byte than all other reading, so few bytes are read: its first words tell a text. Most are
 * read 64 at a time (take_block), with the same result as one by one (take_byte), which tests hold against each
 * other. */
#include "agent/packet/smtp_likeness.h"

#include <string.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

enum tag { TAG_NONE, TAG_MAYBE, TAG_NAME, TAG_REST };
enum escape { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_DIGIT, ESCAPE_LINE };

#define LETTERS_LEAST 3
#define LETTERS_MOST  24 /* longer "words" are random, or encoded */
#define TAG_MOST      1024
#define BLOCK         64

/* The first eight letters of a word, as `word` holds them. */
#define LETTERS(a, b, c, d, e, f, g, h)                                                                                \
    ((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 | (uint64_t)(e) << 32 |            \
     (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56)
#define ENCODING    LETTERS('e', 'n', 'c', 'o', 'd', 'i', 'n', 'g')
#define BASE        LETTERS('b', 'a', 's', 'e', 0, 0, 0, 0)
#define TYPE        LETTERS('t', 'y', 'p', 'e', 0, 0, 0, 0)
#define APPLICATION LETTERS('a', 'p', 'p', 'l', 'i', 'c', 'a', 't')
#define IMAGE       LETTERS('i', 'm', 'a', 'g', 'e', 0, 0, 0)
#define AUDIO       LETTERS('a', 'u', 'd', 'i', 'o', 0, 0, 0)
#define VIDEO       LETTERS('v', 'i', 'd', 'e', 'o', 0, 0, 0)
#define MULTIPART   LETTERS('m', 'u', 'l', 't', 'i', 'p', 'a', 'r')
#define STYLE       LETTERS('s', 't', 'y', 'l', 'e', 0, 0, 0)
#define SCRIPT      LETTERS('s', 'c', 'r', 'i', 'p', 't', 0, 0)

static bool is_letter(uint8_t byte)
{
    return byte >= 0x80 || (uint8_t)((byte | 0x20) - 'a') < 26;
}

/* ---- Words. ---- */

static inline void count_word(struct smtp_likeness *reader, uint64_t word, uint32_t letters)
{
    if (letters < LETTERS_LEAST || letters > LETTERS_MOST || reader->words >= SMTP_LIKENESS_WORDS)
        return;
    uint64_t mixed = (word + letters) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t hash = (uint32_t)(mixed >> 32);
    uint64_t pair = ((uint64_t)reader->hash_before << 32 | hash) * UINT64_C(0xd6e8feb86659fd93);
    pair = (pair ^ pair >> 32) * UINT64_C(0xd6e8feb86659fd93);
    bool first = reader->words++ == 0;
    reader->hash_before = hash;
    uint16_t *part = &reader->likeness.parts[pair >> 60];
    uint16_t value = (uint16_t)(pair >> 44 | 1);
    if (!first && value > *part)
        *part = value;
}

static void end_header_word(struct smtp_likeness *reader)
{
    uint64_t before = reader->word_before, word = reader->word;
    reader->word_before = word;
    if (before == ENCODING && word == BASE)
        reader->base64 = true;
    if (before == TYPE && (word == APPLICATION || word == IMAGE || word == AUDIO || word == VIDEO || word == MULTIPART))
        reader->passed_by = true;
}

static void end_word(struct smtp_likeness *reader)
{
    if (reader->letters == 0)
        return;
    if (!reader->body)
        end_header_word(reader);
    else if (!reader->hidden)
        count_word(reader, reader->word, reader->letters);
    reader->word = 0;
    reader->letters = 0;
}

static void add_letter(struct smtp_likeness *reader, uint8_t byte)
{
    if (reader->letters < 8)
        reader->word |= (uint64_t)(byte | 0x20) << 8 * reader->letters;
    reader->letters += reader->letters < UINT8_MAX;
}

/* ---- Text behind its encoding: words and tags. ---- */

static void end_tag_name(struct smtp_likeness *reader)
{
    if (reader->word == STYLE || reader->word == SCRIPT)
        reader->hidden = !reader->closing;
    reader->word = 0;
    reader->letters = 0;
    reader->tag = TAG_REST;
}

/* True: the byte belongs to a tag. */
static bool take_tag(struct smtp_likeness *reader, uint8_t byte)
{
    if (reader->tag == TAG_MAYBE) {
        reader->closing = byte == '/';
        reader->tag_bytes = 0;
        reader->tag = is_letter(byte) || byte == '/' ? TAG_NAME : byte == '!' ? TAG_REST : TAG_NONE;
        if (reader->tag == TAG_NAME && byte != '/')
            add_letter(reader, byte);
        return reader->tag != TAG_NONE;
    }
    if (reader->tag == TAG_NAME && is_letter(byte)) {
        add_letter(reader, byte);
        return true;
    }
    if (reader->tag == TAG_NAME)
        end_tag_name(reader);
    if (byte == '>' || ++reader->tag_bytes >= TAG_MOST)
        reader->tag = TAG_NONE;
    return true;
}

static void take_text(struct smtp_likeness *reader, uint8_t byte)
{
    if (reader->tag != TAG_NONE && take_tag(reader, byte))
        return;
    if (is_letter(byte)) {
        add_letter(reader, byte);
        return;
    }
    end_word(reader);
    if (byte == '<')
        reader->tag = TAG_MAYBE;
}

/* ---- Encodings. ---- */

static int digit_of(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static void take_quoted(struct smtp_likeness *reader, uint8_t byte)
{
    switch ((enum escape)reader->escape) {
    case ESCAPE_BEGUN:
        reader->escape = byte == '\r' ? ESCAPE_LINE : digit_of(byte) >= 0 ? ESCAPE_DIGIT : ESCAPE_NONE;
        reader->bits = byte;
        if (reader->escape != ESCAPE_NONE || byte == '\n')
            return;
        take_text(reader, '=');
        break;
    case ESCAPE_DIGIT:
        reader->escape = ESCAPE_NONE;
        if (digit_of(byte) >= 0) {
            take_text(reader, (uint8_t)(digit_of((uint8_t)reader->bits) << 4 | digit_of(byte)));
            return;
        }
        take_text(reader, '=');
        take_text(reader, (uint8_t)reader->bits);
        break;
    case ESCAPE_LINE:
        reader->escape = ESCAPE_NONE;
        if (byte == '\n')
            return;
        take_text(reader, '\r');
        break;
    case ESCAPE_NONE:
        break;
    }
    if (byte == '=')
        reader->escape = ESCAPE_BEGUN;
    else
        take_text(reader, byte);
}

static int sextet_of(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

static void take_base64(struct smtp_likeness *reader, uint8_t byte)
{
    int sextet = sextet_of(byte);
    if (sextet < 0)
        return;
    reader->bits = (reader->bits << 6 | (uint32_t)sextet) & 0xffff;
    reader->bit_count += 6;
    if (reader->bit_count < 8)
        return;
    reader->bit_count -= 8;
    take_text(reader, (uint8_t)(reader->bits >> reader->bit_count));
}

/* ---- Lines: headers and parts. ---- */

static void body_begins(struct smtp_likeness *reader)
{
    reader->body = true;
    reader->content_line = false;
    reader->word = reader->letters = 0;
    reader->tag = TAG_NONE;
    reader->escape = ESCAPE_NONE;
    reader->bits = reader->bit_count = 0;
    reader->hidden = false;
}

static void part_begins(struct smtp_likeness *reader)
{
    end_word(reader);
    reader->body = reader->base64 = reader->passed_by = false;
    reader->word_before = 0;
}

static void take_header(struct smtp_likeness *reader, uint8_t byte)
{
    if (byte == '\n' && reader->line == 0) {
        body_begins(reader);
        return;
    }
    if (reader->line == 0 && byte != ' ' && byte != '\t' && byte != '\r')
        reader->content_line = (byte | 0x20) == 'c';
    if (!reader->content_line)
        return;
    if (is_letter(byte))
        add_letter(reader, byte);
    else
        end_word(reader);
}

static void take_byte(struct smtp_likeness *reader, uint8_t byte)
{
    bool boundary = reader->body && reader->dash && reader->line == 1 && byte == '-';
    if (!reader->body)
        take_header(reader, byte);
    else if (boundary)
        part_begins(reader);
    else if (!reader->passed_by && reader->base64)
        take_base64(reader, byte);
    else if (!reader->passed_by)
        take_quoted(reader, byte);
    reader->dash = reader->line == 0 && byte == '-';
    if (byte == '\n')
        reader->line = 0;
    else if (byte != '\r' && reader->line < 2)
        reader->line++;
}

/* ---- Sixty-four at a time. ---- */

#if defined(__x86_64__)
struct block {
    uint64_t letters, ends, dashes, odd, starts; /* a bit for each byte; `odd`: '<' and '=' */
};

static inline struct block look_at(const char *bytes)
{
    struct block block = {0};
    for (int i = 0; i < 4; i++) {
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(bytes + 16 * i));
        __m128i low = _mm_or_si128(b, _mm_set1_epi8(0x20));
        __m128i letter =
            _mm_and_si128(_mm_cmpgt_epi8(low, _mm_set1_epi8('a' - 1)), _mm_cmpgt_epi8(_mm_set1_epi8('z' + 1), low));
        __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(b, _mm_set1_epi8('<')), _mm_cmpeq_epi8(b, _mm_set1_epi8('=')));
#define BITS(vector) ((uint64_t)(uint32_t)_mm_movemask_epi8(vector) << 16 * i)
        block.letters |= BITS(_mm_or_si128(letter, b));
        block.ends |= BITS(_mm_cmpeq_epi8(b, _mm_set1_epi8('\n')));
        block.dashes |= BITS(_mm_cmpeq_epi8(b, _mm_set1_epi8('-')));
        block.odd |= BITS(odd);
        block.starts |= BITS(
            _mm_or_si128(_mm_cmpeq_epi8(low, _mm_set1_epi8('c')), /* CR LF | 0x20 */
                         _mm_or_si128(_mm_cmpeq_epi8(b, _mm_set1_epi8('\r')), _mm_cmpeq_epi8(b, _mm_set1_epi8('\n')))));
    }
    return block;
}

static uint64_t letters_at(const char *bytes, uint32_t count)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    word |= UINT64_C(0x2020202020202020);
    return count < 8 ? word & ((UINT64_C(1) << 8 * count) - 1) : word;
}

/* Words of a block of nothing but text; the last may run on. `bytes` has eight more to read behind it. */
static void take_words(struct smtp_likeness *reader, const char *bytes, uint64_t letters)
{
    uint32_t run = ~letters ? (uint32_t)__builtin_ctzll(~letters) : BLOCK;
    if (reader->letters > 0) {
        for (uint32_t i = 0; i < run; i++)
            add_letter(reader, (uint8_t)bytes[i]);
        if (run == BLOCK)
            return;
        end_word(reader);
        letters &= ~UINT64_C(0) << run;
    }
    while (letters != 0 && reader->words < SMTP_LIKENESS_WORDS) {
        uint32_t start = (uint32_t)__builtin_ctzll(letters);
        uint64_t rest = ~(letters >> start);
        uint32_t count = rest ? (uint32_t)__builtin_ctzll(rest) : BLOCK;
        uint64_t word = letters_at(bytes + start, count);
        if (start + count >= BLOCK) {
            reader->word = word;
            reader->letters = (uint8_t)count;
            return;
        }
        count_word(reader, word, count);
        letters &= ~UINT64_C(0) << (start + count);
    }
}

/* How many bytes of the block are done with; 0: its first bytes are for take_byte(). */
static size_t take_block(struct smtp_likeness *reader, const char *bytes)
{
    struct block block = look_at(bytes);
    uint64_t line_starts = block.ends << 1 | (reader->line == 0);
    if (reader->dash || bytes[BLOCK - 1] == '\r')
        return 0;
    if (!reader->body) {
        uint64_t stop = line_starts & block.starts;
        if (reader->content_line || (stop & 1) != 0)
            return 0;
        if (stop != 0) { /* a line to be read, or the header's end */
            reader->line = 0;
            return (size_t)__builtin_ctzll(stop);
        }
    } else {
        bool plain = reader->tag == TAG_NONE && reader->escape == ESCAPE_NONE && !reader->base64 && !reader->hidden;
        if ((line_starts & block.dashes) != 0 || (!reader->passed_by && (!plain || block.odd != 0)))
            return 0;
        if (!reader->passed_by)
            take_words(reader, bytes, block.letters);
    }
    reader->line = bytes[BLOCK - 1] == '\n' ? 0 : 2;
    return BLOCK;
}
#else
static size_t take_block(struct smtp_likeness *reader, const char *bytes)
{
    (void)reader, (void)bytes;
    return 0;
}
#endif

/* ---- The whole. ---- */

void smtp_likeness_add(struct smtp_likeness *reader, const char *bytes, size_t length)
{
    size_t room = SMTP_LIKENESS_BYTES - reader->bytes;
    if (length > room)
        length = room;
    for (size_t at = 0; at < length && reader->words < SMTP_LIKENESS_WORDS;) {
        size_t taken = length - at >= BLOCK + 8 ? take_block(reader, bytes + at) : 0;
        at += taken;
        if (taken > 0)
            continue;
        size_t end = length - at < BLOCK ? length : at + BLOCK;
        do /* behind a line's end things may be plain again */
            take_byte(reader, (uint8_t)bytes[at]);
        while (bytes[at++] != '\n' && at < end);
    }
    reader->bytes += (uint16_t)length;
    if (reader->words >= SMTP_LIKENESS_WORDS || reader->bytes >= SMTP_LIKENESS_BYTES)
        reader->done = true;
}

void smtp_likeness_stop(struct smtp_likeness *reader)
{
    end_word(reader);
    reader->done = true;
}

void smtp_likeness_finish(struct smtp_likeness *reader, struct likeness *result)
{
    end_word(reader);
    *result = reader->words >= SMTP_LIKENESS_LEAST ? reader->likeness : (struct likeness){0};
}
