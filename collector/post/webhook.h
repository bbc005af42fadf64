/* A webhook: JSON by POST, signed as https://www.standardwebhooks.com says, so that its receiver knows that it is ours,
 * fresh, and whether it came before. */
#ifndef COLLECTOR_POST_WEBHOOK_H
#define COLLECTOR_POST_WEBHOOK_H

#include "collector/alert/settings.h"
#include "collector/post/delivery.h"

#define WEBHOOK_SIGNATURE 64 /* "v1," and 32 bytes in base64, with the end */

/* HMAC-SHA256 of "ID.SECONDS.BODY". A key "whsec_..." is base64 behind that; any other is taken as its bytes are.
 * False: such a key is not base64. */
bool webhook_sign(struct text key, const char *id, int64_t seconds, struct text body, char result[WEBHOOK_SIGNATURE]);
/* `now`: the signature's moment. */
enum delivered webhook_deliver(const struct channel *, moment now, struct delivery *);

#endif
