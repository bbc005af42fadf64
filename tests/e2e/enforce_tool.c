/* The kernel's table from the command line, for tests of what it does to real connections.
 *
 *     enforce_tool hypervisor|host [drop] [open=ADDRESS]... WORD...
 *
 * Installs the table, then does word by word: port=DEVICE uplink=DEVICE unhook=DEVICE, DEED:KEY=VALUE[,SECONDS[,RATE]],
 * -DEED:KEY=VALUE, list, flush, remove, watch=SECONDS. `list` prints one element a line: deed key value seconds rate
 * packets. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/text.h"
#include "nft/nft.h"

static const char *const deeds[NFT_DEEDS] = {"block", "throttle", "divert", "allow"};
static const char *const keys[NFT_KEYS] = {"port", "mac", "4", "6", "uid"};

static int report(const struct error *error)
{
    fprintf(stderr, "enforce_tool: %s\n", error->text);
    return 1;
}

static int find(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static bool read_key(enum nft_key key, const char *value, uint8_t bytes[16])
{
    uint32_t user = (uint32_t)strtoul(value, NULL, 10);
    switch (key) {
    case NFT_PORT:
        snprintf((char *)bytes, 16, "%s", value);
        return true;
    case NFT_MAC:
        return sscanf(value, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4],
                      &bytes[5]) == 6;
    case NFT_IPV4:
        return inet_pton(AF_INET, value, bytes) == 1;
    case NFT_IPV6:
        return inet_pton(AF_INET6, value, bytes) == 1;
    default:
        memcpy(bytes, &user, sizeof user);
        return true;
    }
}

static void print_element(void *context, const struct nft_element *element)
{
    char value[INET6_ADDRSTRLEN] = "";
    const uint8_t *b = element->bytes;
    uint32_t user;
    (void)context;
    memcpy(&user, b, sizeof user);
    switch (element->key) {
    case NFT_PORT:
        snprintf(value, sizeof value, "%.15s", (const char *)b);
        break;
    case NFT_MAC:
        snprintf(value, sizeof value, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
        break;
    case NFT_IPV4:
    case NFT_IPV6:
        inet_ntop(element->key == NFT_IPV4 ? AF_INET : AF_INET6, b, value, sizeof value);
        break;
    default:
        snprintf(value, sizeof value, "%u", user);
    }
    printf("%s %s %s %.3f %u %llu\n", deeds[element->deed], keys[element->key], value,
           (double)element->timeout / (double)SECOND, element->rate, (unsigned long long)element->packets);
}

static int change(struct nft *nft, const char *word, struct error *error)
{
    char deed[16], key[8], value[64];
    double seconds = 3600;
    struct nft_element element = {0};
    bool remove = *word == '-';
    if (sscanf(word + remove, "%15[^:]:%7[^=]=%63[^,],%lf,%u", deed, key, value, &seconds, &element.rate) < 3)
        return error_set(error, EINVAL, "no such word: %s", word);
    int d = find(deeds, NFT_DEEDS, deed), k = find(keys, NFT_KEYS, key);
    if (d < 0 || k < 0 || !read_key((enum nft_key)k, value, element.bytes))
        return error_set(error, EINVAL, "no such element: %s", word);
    element.deed = (enum nft_deed)d;
    element.key = (enum nft_key)k;
    element.timeout = (duration)(seconds * (double)SECOND);
    return remove ? nft_delete(nft, element.deed, element.key, element.bytes, error) : nft_add(nft, &element, error);
}

static int watch(const struct nft *nft, int seconds, struct error *error)
{
    static const char *const news[] = {"quiet", "gone", "changed", "overrun"};
    struct nft_guard *guard = NULL;
    int code = nft_guard_open(nft, &guard, error);
    if (code < 0)
        return code;
    struct pollfd wait = {nft_guard_descriptor(guard), POLLIN, 0};
    puts("watching");
    fflush(stdout);
    while (poll(&wait, 1, seconds * 1000) > 0) {
        char culprit[32];
        printf("%s", news[nft_guard_read(guard, culprit)]);
        printf(" %s\n", culprit);
        fflush(stdout);
    }
    nft_guard_close(&guard);
    return 0;
}

static int obey(struct nft *nft, const char *word, struct error *error)
{
    const char *value = strchr(word, '=');
    value = value ? value + 1 : "";
    if (strncmp(word, "port=", 5) == 0 || strncmp(word, "uplink=", 7) == 0)
        return nft_hook(nft, value, *word == 'u', error);
    if (strncmp(word, "unhook=", 7) == 0)
        return nft_unhook(nft, value, error);
    if (strncmp(word, "watch=", 6) == 0)
        return watch(nft, atoi(value), error);
    if (strcmp(word, "list") == 0)
        return nft_list(nft, print_element, NULL, error);
    if (strcmp(word, "flush") == 0)
        return nft_flush(nft, error);
    if (strcmp(word, "remove") == 0)
        return nft_remove(nft, error);
    return change(nft, word, error);
}

int main(int count, char **words)
{
    struct nft_plan plan = {.ports = {25, 465, 587, 2525}, .reject = true, .throttle_rate = 20, .throttle_burst = 5};
    struct error error = {0};
    struct nft *nft = NULL;
    uint32_t kept = 0;
    int at = 2;
    if (count < 2)
        return 2;
    plan.role = strcmp(words[1], "host") == 0 ? NFT_HOST : NFT_HYPERVISOR;
    for (; at < count && (strcmp(words[at], "drop") == 0 || strncmp(words[at], "open=", 5) == 0); at++) {
        struct address address;
        if (*words[at] == 'd')
            plan.reject = false;
        else if (!address_parse(text_of(words[at] + 5), &address) || !address_list_add(&plan.always_open, &address))
            return 2;
    }
    int code = nft_open(&nft, &error);
    if (code == 0)
        code = nft_install(nft, &plan, &kept, &error);
    for (; at < count && code == 0; at++)
        code = obey(nft, words[at], &error);
    nft_close(&nft);
    address_list_clear(&plan.always_open);
    return code < 0 ? report(&error) : 0;
}
