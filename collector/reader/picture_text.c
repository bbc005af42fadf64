/* See picture_text.h. */
#include "collector/reader/picture_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <tesseract/capi.h>

#define PIXELS_MOST 6000000 /* a scanned page; what is larger is a photograph, and takes a minute */
#define RESOLUTION  150     /* dots an inch, as pictures in mail say nothing that is true of it */

struct picture_reader {
    TessBaseAPI *engine;
    duration patience;
};

int picture_reader_create(const char *languages, duration patience, struct picture_reader **result, struct error *error)
{
    struct picture_reader *reader = calloc(1, sizeof *reader);
    TessBaseAPI *engine = reader ? TessBaseAPICreate() : NULL;
    if (engine == NULL) {
        free(reader);
        return error_set(error, ENOMEM, "no memory for Tesseract");
    }
    TessBaseAPISetVariable(engine, "debug_file", "/dev/null");
    reader->engine = engine;
    reader->patience = patience;
    if (TessBaseAPIInit2(engine, NULL, languages, OEM_LSTM_ONLY) != 0) {
        picture_reader_destroy(&reader);
        return error_set(error, ENOENT, "Tesseract does not have the languages \"%s\": see `tesseract --list-langs`",
                         languages);
    }
    TessBaseAPISetPageSegMode(engine, PSM_AUTO);
    *result = reader;
    return 0;
}

void picture_reader_destroy(struct picture_reader **reader)
{
    if (*reader == NULL)
        return;
    TessBaseAPIEnd((*reader)->engine);
    TessBaseAPIDelete((*reader)->engine);
    free(*reader);
    *reader = NULL;
}

/* False: not within its time. */
static bool recognise(struct picture_reader *reader)
{
    ETEXT_DESC *monitor = TessMonitorCreate();
    if (monitor == NULL)
        return false;
    TessMonitorSetDeadlineMSecs(monitor, (int)(reader->patience / MILLISECOND));
    bool done = TessBaseAPIRecognize(reader->engine, monitor) == 0;
    TessMonitorDelete(monitor);
    return done;
}

void picture_reader_read(void *context, const struct picture *picture, struct buffer *result)
{
    struct picture_reader *reader = context;
    if ((uint64_t)picture->width * picture->height > PIXELS_MOST || result->length + 1 >= result->most)
        return;
    TessBaseAPISetImage(reader->engine, picture->brightness, (int)picture->width, (int)picture->height, 1,
                        (int)picture->width);
    TessBaseAPISetSourceResolution(reader->engine, RESOLUTION);
    char *found = recognise(reader) ? TessBaseAPIGetUTF8Text(reader->engine) : NULL;
    struct text text = text_of(found ? found : "");
    if (text.length > result->most - result->length - 1)
        text.length = result->most - result->length - 1;
    bool fits = buffer_append(result, text) && buffer_append_byte(result, ' ');
    (void)fits; /* cut to what fits */
    TessBaseAPIClear(reader->engine);
    if (found)
        TessDeleteText(found);
}
