/* Text in pictures, read by Tesseract. */
#ifndef COLLECTOR_READER_PICTURE_TEXT_H
#define COLLECTOR_READER_PICTURE_TEXT_H

#include "collector/picture/decode.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/moment.h"

struct picture_reader;

/* `languages`: "eng", "eng+deu". Reads their files: before files cannot be opened any more. A picture that takes longer
 * than `patience` has no text: the rest of its message shall not be lost with it. */
int picture_reader_create(const char *languages, duration patience, struct picture_reader **,
                          struct error *) MUST_CHECK;
void picture_reader_destroy(struct picture_reader **);
/* Append what stands in it, as far as there is room. The context is a struct picture_reader. */
void picture_reader_read(void *, const struct picture *, struct buffer *result);

#endif
