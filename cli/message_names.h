/* Names of messages as people give them: "20261123/spam/0DC5B48D4.A739D", as lists show them, or the end of that alone.
 */
#ifndef CLI_MESSAGE_NAMES_H
#define CLI_MESSAGE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define MESSAGE_NAME 16 /* with its end */

/* False: it is none. */
bool message_name_read(const char *word, char result[MESSAGE_NAME]);

struct message_names {
    char (*items)[MESSAGE_NAME];
    size_t count, room;
};
/* The words, and where one is "-" the first word of each line of standard input. False: one is no name, as was said. */
bool message_names_read(const char *verb, const char *const *words, int count, struct message_names *result);
void message_names_free(struct message_names *);

#endif
