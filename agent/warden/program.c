/* See program.h. /proc/PID/fd holds a link "socket:[INODE]" for each socket. */
#include "agent/warden/program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROCESSES_MOST 256  /* of that user, the newest */
#define LINKS_MOST     4096 /* that are read, in all */
#define ARGUMENTS_READ 1024 /* bytes of them */
#define PATH_MOST      1400
#define SCRIPT_SHOWN   44

struct search {
    char wanted[32];
    uint32_t links;
    bool denied;
};

/* Numbers mostly grow, so the greatest are the newest. */
static size_t list_processes(uint32_t user, uint32_t result[PROCESSES_MOST])
{
    DIR *directory = opendir("/proc");
    const struct dirent *entry;
    size_t count = 0;
    while (directory && (entry = readdir(directory)) != NULL) {
        char *end;
        unsigned long number = strtoul(entry->d_name, &end, 10);
        struct stat status;
        if (*end || number == 0 || fstatat(dirfd(directory), entry->d_name, &status, 0) != 0 || status.st_uid != user)
            continue;
        size_t at = count < PROCESSES_MOST ? count++ : PROCESSES_MOST - 1;
        if (at == PROCESSES_MOST - 1 && count == PROCESSES_MOST && result[at] > number && result[at] != 0)
            continue;
        for (; at > 0 && result[at - 1] < number; at--)
            result[at] = result[at - 1];
        result[at] = (uint32_t)number;
    }
    if (directory)
        closedir(directory);
    return count;
}

static bool holds_it(struct search *search, uint32_t process)
{
    char path[64], target[64];
    snprintf(path, sizeof path, "/proc/%u/fd", process);
    DIR *directory = opendir(path);
    const struct dirent *entry;
    bool found = false;
    search->denied |= !directory && (errno == EACCES || errno == EPERM);
    while (directory && !found && search->links < LINKS_MOST && (entry = readdir(directory)) != NULL) {
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        search->links++;
        search->denied |= length < 0 && errno == EACCES;
        target[length < 0 ? 0 : length] = '\0';
        found = strcmp(target, search->wanted) == 0;
    }
    if (directory)
        closedir(directory);
    return found;
}

/* What a process says of itself is its own invention: anything that is not plain becomes '?'. */
static void make_plain(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static void read_link(uint32_t process, const char *name, char *result, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/%s", process, name);
    ssize_t length = readlink(path, result, size - 1);
    result[length < 0 ? 0 : length] = '\0';
    make_plain(result);
}

static bool is_interpreter(const char *program)
{
    static const char *const names[] = {"php", "perl", "python", "ruby", "node", "sh", "bash", "dash"};
    const char *name = strrchr(program, '/');
    name = name ? name + 1 : program;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(name, names[i], length) == 0 &&
            strspn(name + length, "0123456789.-cgifpm") == strlen(name + length))
            return true;
    }
    return false;
}

/* Whether the process's script is a file there. A user may have made the file system: only what the kernel has at hand
 * already is looked at, which an interpreter's script is, so that nobody can have us wait. */
static bool is_file(uint32_t process, const char *script)
{
    char path[64];
    const struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_CACHED | RESOLVE_NO_MAGICLINKS};
    struct statx status = {0};
    snprintf(path, sizeof path, "/proc/%u/%s", process, script[0] == '/' ? "root" : "cwd");
    int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (*script == '/')
        script++;
    int file = directory < 0 ? -1 : (int)syscall(SYS_openat2, directory, script, &how, sizeof how);
    bool found = file >= 0 && statx(file, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) == 0 &&
                 S_ISREG(status.stx_mode);
    if (file >= 0)
        close(file);
    if (directory >= 0)
        close(directory);
    return found;
}

/* All arguments as they stand, each ended by a NUL. */
static size_t read_arguments(uint32_t process, char *words, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/cmdline", process);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, words, size - 1);
    if (file >= 0)
        close(file);
    words[length < 0 ? 0 : length] = '\0';
    return length < 0 ? 0 : (size_t)length;
}

/* The first argument that is no option; NULL where the program itself is given as one (-c, -e, -r). */
static const char *find_script(const char *words, size_t length)
{
    for (const char *word = words + strlen(words) + 1; word < words + length; word += strlen(word) + 1) {
        if (strcmp(word, "-d") == 0) /* PHP's, with a setting behind it */
            word += word + 3 < words + length ? 3 : 0;
        else if (word[0] != '-')
            return word;
        else if (strpbrk(word, "cer") && word[1] != '-')
            return NULL;
    }
    return NULL;
}

/* Copied with its end kept, where it is longer. */
static void copy_end(const char *text, char *result, size_t size)
{
    size_t length = strlen(text);
    if (length < size)
        memcpy(result, text, length + 1);
    else
        snprintf(result, size, "...%s", text + length - (size - 4));
}

static void describe_script(uint32_t process, const char *directory, const char *script, char *result, size_t size)
{
    char whole[PATH_MOST], shown[SCRIPT_SHOWN + 1];
    const char *what = is_file(process, script) ? "script" : "said to run";
    while (strncmp(script, "./", 2) == 0)
        script += 2;
    if (script[0] == '/' || strcmp(directory, "/") == 0)
        snprintf(whole, sizeof whole, "%s%s", script[0] == '/' ? "" : "/", script);
    else
        snprintf(whole, sizeof whole, "%s/%s", directory, script);
    make_plain(whole);
    copy_end(whole, shown, sizeof shown);
    snprintf(result, size, ", %s %s", what, shown);
}

/* With a space between arguments. What is cut shows it. */
static void describe_command(char *words, size_t length, char result[PROGRAM_TEXT])
{
    while (length > 0 && words[length - 1] == '\0')
        length--;
    for (size_t i = 0; i < length; i++)
        if (words[i] == '\0')
            words[i] = ' ';
    make_plain(words);
    if (length < PROGRAM_TEXT)
        memcpy(result, words, length + 1);
    else
        snprintf(result, PROGRAM_TEXT, "%.*s...", PROGRAM_TEXT - 4, words);
}

bool program_find(uint32_t user, uint32_t inode, struct program *result, bool *denied)
{
    struct search search = {0};
    uint32_t processes[PROCESSES_MOST] = {0};
    size_t count = list_processes(user, processes), at = 0;
    *result = (struct program){{0}, {0}};
    snprintf(search.wanted, sizeof search.wanted, "socket:[%u]", inode);
    while (at < count && search.links < LINKS_MOST && !holds_it(&search, processes[at]))
        at++;
    *denied = search.denied;
    if (at == count || search.links >= LINKS_MOST)
        return false;
    char path[256], directory[256], words[ARGUMENTS_READ], script[SCRIPT_SHOWN + 20] = "";
    read_link(processes[at], "exe", path, sizeof path);
    read_link(processes[at], "cwd", directory, sizeof directory);
    size_t length = read_arguments(processes[at], words, sizeof words);
    const char *named = is_interpreter(path) ? find_script(words, length) : NULL;
    if (named)
        describe_script(processes[at], directory, named, script, sizeof script);
    snprintf(result->text, sizeof result->text, "%.36s in %.40s%s, process %u", path, directory, script, processes[at]);
    describe_command(words, length, result->command);
    return true;
}
