/* See letter_files.h. */
#include "collector/post/letter_files.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "collector/letter/contacts.h"
#include "common/cleanup.h"
#include "common/io/file.h"

#define LANGUAGES 64

struct letter_files {
    struct {
        char name[TEMPLATE_LANGUAGE];
        struct template *template;
    } languages[LANGUAGES];
    size_t count;
    char names[LANGUAGES * (TEMPLATE_LANGUAGE + 2)];
    char path[256]; /* of the addresses; empty: none */
    pthread_mutex_t lock;
    struct contacts *contacts; /* under the lock, as all below */
    struct stat seen;          /* of the file that was read last, well or not */
    bool is_troubled;
    char trouble[240];
};

/* --- templates --- */

static int add_template(struct letter_files *files, struct text language, struct text content, const char *path,
                        struct error *error)
{
    size_t at = 0;
    struct template *template = NULL;
    while (at < files->count && !text_equals(language, text_of(files->languages[at].name)))
        at++;
    if (at == LANGUAGES)
        return error_set(error, EINVAL, "%s: too many languages; %d are allowed", path, LANGUAGES);
    int status = template_read(content, path, &template, error);
    if (status < 0)
        return status;
    template_destroy(&files->languages[at].template);
    files->languages[at].template = template;
    text_copy_printable(language, files->languages[at].name, TEMPLATE_LANGUAGE);
    files->count += at == files->count;
    return 0;
}

static int read_shipped(struct letter_files *files, struct error *error)
{
    int status = 0;
    struct text content;
    const char *language;
    for (unsigned i = 0; (language = template_builtin_language(i)) && status == 0; i++)
        if (template_builtin(text_of(language), &content))
            status = add_template(files, text_of(language), content, language, error);
    return status;
}

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

/* Files that end in ".txt"; another name is a mistake that would be found when a letter is missing. */
static int read_own(struct letter_files *files, const char *directory, struct error *error)
{
    CLEANUP(close_folder) DIR *folder = opendir(directory);
    const struct dirent *entry;
    int status = folder ? 0 : error_set(error, errno, "[letters] directory: %s: %s", directory, strerror(errno));
    while (status == 0 && (entry = readdir(folder))) {
        char path[512];
        struct text name = text_of(entry->d_name);
        size_t length;
        char *bytes;
        if (name.bytes[0] == '.' || !text_ends_nocase(name, TEXT(".txt")))
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        name.length -= 4;
        if (!template_is_language(name))
            return error_set(error, EINVAL, "%s: a file of letters is called by its language: de.txt, pt-br.txt", path);
        status = file_read(path, TEMPLATE_MOST, &bytes, &length, error);
        if (status < 0)
            return error_wrap(error, "[letters] directory");
        status = add_template(files, name, (struct text){bytes, length}, path, error);
        free(bytes);
    }
    return status;
}

const struct template *letter_files_template(const struct letter_files *files, const char *language)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->languages[i].name, language) == 0)
            return files->languages[i].template;
    return NULL;
}

const char *letter_files_languages(const struct letter_files *files)
{
    return files->names;
}

/* --- addresses --- */

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int read_contacts(struct letter_files *files, struct error *error)
{
    struct contacts *contacts = NULL;
    char *bytes = NULL;
    size_t length = 0;
    int status = file_read(files->path, CONTACTS_BYTES, &bytes, &length, error);
    if (status < 0)
        return error_wrap(error, "[letters] contacts");
    status = contacts_read(bytes, length, files->path, &contacts, error);
    if (status < 0)
        return status;
    contacts_destroy(&files->contacts);
    files->contacts = contacts;
    return 0;
}

int letter_files_look(struct letter_files *files)
{
    struct stat now = {0};
    struct error error = {0};
    if (files->path[0] == '\0')
        return 0;
    pthread_mutex_lock(&files->lock);
    bool is_there = stat(files->path, &now) == 0;
    if (!is_there || !is_same(&now, &files->seen)) {
        files->is_troubled = read_contacts(files, &error) < 0;
        snprintf(files->trouble, sizeof files->trouble, "%s", error.text);
        files->seen = now;
    }
    pthread_mutex_unlock(&files->lock);
    return 0;
}

bool letter_files_trouble(struct letter_files *files, char *result, size_t size)
{
    pthread_mutex_lock(&files->lock);
    bool is_troubled = files->is_troubled;
    snprintf(result, size, "%s", files->trouble);
    pthread_mutex_unlock(&files->lock);
    return is_troubled;
}

bool letter_files_contact(struct letter_files *files, struct text customer, char *recipients, size_t size,
                          char language[TEMPLATE_LANGUAGE])
{
    size_t used = 0;
    recipients[0] = language[0] = '\0';
    pthread_mutex_lock(&files->lock);
    const struct contact *contact = contacts_find(files->contacts, customer);
    for (size_t i = 0; contact && i < contact->count && used < size; i++)
        used += (size_t)snprintf(recipients + used, size - used, "%s%.*s", i ? " " : "",
                                 (int)contact->addresses[i].length, contact->addresses[i].bytes);
    if (contact)
        text_copy_printable(contact->language, language, TEMPLATE_LANGUAGE);
    pthread_mutex_unlock(&files->lock);
    return contact != NULL;
}

/* --- its life --- */

int letter_files_create(const char *directory, const char *contacts, const char *language, struct letter_files **result,
                        struct error *error)
{
    struct letter_files *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ENOMEM, "no memory for letters");
    pthread_mutex_init(&made->lock, NULL);
    CLEANUP(letter_files_destroy) struct letter_files *files = made;
    snprintf(files->path, sizeof files->path, "%s", contacts);
    int status = read_shipped(files, error);
    if (status == 0 && directory[0])
        status = read_own(files, directory, error);
    if (status == 0 && contacts[0]) {
        if (stat(contacts, &files->seen) < 0)
            files->seen = (struct stat){0};
        status = read_contacts(files, error);
    }
    for (size_t i = 0, used = 0; i < files->count; i++)
        used += (size_t)snprintf(files->names + used, sizeof files->names - used, "%s%s", i ? ", " : "",
                                 files->languages[i].name);
    if (status == 0 && !letter_files_template(files, language))
        status = error_set(error, EINVAL, "[letters] language: there is no letter in \"%s\"; allowed: %s", language,
                           files->names);
    if (status == 0)
        *result = TAKE(files);
    return status;
}

void letter_files_destroy(struct letter_files **pointer)
{
    struct letter_files *files = TAKE(*pointer);
    if (files == NULL)
        return;
    for (size_t i = 0; i < files->count; i++)
        template_destroy(&files->languages[i].template);
    contacts_destroy(&files->contacts);
    pthread_mutex_destroy(&files->lock);
    free(files);
}
