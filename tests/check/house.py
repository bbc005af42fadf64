"""The rules of the house, held against the tree: run by house.sh from the top, after a build.

Each rule is a function that yields one line for each thing that breaks it. A rule that nothing breaks prints "ok".
"""
import os
import re
import shlex
import shutil
import subprocess
import sys

BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"
CC = os.environ.get("CC", "gcc")
FORMAT = os.environ.get("CLANG_FORMAT", "clang-format")

FILE_LINES, HEADER_LINES, FUNCTION_LINES = 900, 300, 120
LONG_FUNCTION, LONG_SHARE = 60, 0.10  # not more than one function in ten is longer than sixty lines

PURE = ["common", "common/words", "detectors", "agent/packet", "agent/log", "agent/sender", "agent/judge", "agent/relay",
        "agent/sample", "collector/picture", "collector/mime", "collector/blacklist", "collector/alert", "collector/report"]

# What a pure folder cannot call: it would open something, ask the time, or depend on where it runs.
FORBIDDEN = set("""
    open open64 openat openat64 creat close read write pread pwrite readv writev lseek dup dup2 pipe pipe2 fcntl ioctl
    stat lstat fstat access unlink rename mkdir rmdir opendir readdir fopen fopen64 fdopen freopen fread fwrite fgets
    fgetc getc fputs fputc putc fprintf vfprintf fclose fflush tmpfile mkstemp mmap mmap64 shm_open memfd_create
    __open_2 __open64_2 __openat_2 __openat64_2 __read_chk __pread_chk __fread_chk __fgets_chk ini_parse ini_parse_file
    stdin stdout stderr printf vprintf puts putchar perror dprintf __printf_chk __vprintf_chk __fprintf_chk
    __vfprintf_chk __dprintf_chk syslog vsyslog openlog
    socket socketpair bind listen accept accept4 connect send sendto sendmsg recv recvfrom recvmsg shutdown
    getaddrinfo gethostbyname getnameinfo if_nametoindex if_indextoname
    select pselect poll ppoll epoll_create epoll_create1 epoll_ctl epoll_wait eventfd timerfd_create signalfd inotify_init
    time clock clock_gettime clock_getres gettimeofday times nanosleep clock_nanosleep sleep usleep alarm setitimer
    localtime localtime_r mktime tzset strftime ctime
    getenv secure_getenv setenv putenv environ setlocale
    rand srand rand_r random srandom drand48 lrand48 getrandom getentropy arc4random
    fork vfork clone execve execv execvp execl execlp posix_spawn system popen waitpid wait kill raise signal sigaction
    pthread_create pthread_mutex_lock thrd_create syscall prctl getpid getuid geteuid setuid
    pcap_open_live pcap_open_offline pcap_create sqlite3_open sqlite3_open_v2 sd_notify sd_event_new mnl_socket_open
""".split())


def files(*endings):
    """All files of the tree with such an ending, without what was built."""
    for folder, folders, names in os.walk("."):
        folders[:] = sorted(f for f in folders if f not in (".git", "build"))
        for name in sorted(set(names) - {".git"}):  # a worktree has a file of that name
            path = os.path.relpath(os.path.join(folder, name), ".")
            if (not endings or name.endswith(endings)) and not os.path.islink(path):
                yield path


def text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def is_test(path):
    return path.startswith("tests/")


def read_floors():
    floors = {}
    for line in text("tests/floors.txt").splitlines():
        if line.strip() and not line.startswith("#"):
            folder, allowed = line.split(":")
            floors[folder.strip()] = allowed.split()
    return floors


def floors():
    """A folder includes only what tests/floors.txt lets it."""
    allowed = read_floors()
    for path in files(".c", ".h"):
        if is_test(path):
            continue
        folder = os.path.dirname(path)
        if folder not in allowed:
            yield f"{path}: its folder has no line in tests/floors.txt"
            continue
        for number, line in enumerate(text(path).splitlines(), 1):
            found = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if not found:
                continue
            header = found.group(1)
            target = os.path.dirname(header)
            if not os.path.exists(header):
                yield f"{path}:{number}: no \"{header}\" from the top of the tree"
            elif target != folder and target not in allowed[folder] and "*" not in allowed[folder]:
                yield f"{path}:{number}: {folder} must not include {target}"


def purity():
    """The objects of the pure folders call nothing that opens, asks the time or draws by chance."""
    for folder in PURE:
        sources = [f for f in sorted(os.listdir(folder)) if f.endswith(".c")] if os.path.isdir(folder) else []
        for source in sources:
            path = f"{BUILD}/obj/{folder}/{source[:-2]}.o"
            if not os.path.exists(path):
                yield f"{path}: not built, so not checked"
                continue
            # Not nm: of an object that is to be optimised with others it tells the compiler's view, without library calls.
            found = subprocess.run(["readelf", "-Ws", path], capture_output=True, text=True, check=True).stdout
            rows = [line.split() for line in found.splitlines()]
            used = {row[7].split("@")[0] for row in rows if len(row) > 7 and row[6] == "UND"}
            if not rows:
                yield f"{path}: no symbols could be read"
            for name in sorted(used & FORBIDDEN):
                yield f"{folder}/{source}: calls {name}"


def headers():
    """Each header compiles alone, and twice."""
    libraries = re.search(r"^LIBRARIES := ((?:.*\\\n)*.*)", text("Makefile"), re.M).group(1).replace("\\\n", " ")
    flags = "-std=c17 -D_GNU_SOURCE -I. -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wundef -fsyntax-only -x c - "
    flags += subprocess.check_output(["pkgconf", "--cflags", *libraries.split()], text=True)
    for path in files(".h"):
        given = f'#include "{path}"\n#include "{path}"\n'
        made = subprocess.run([CC] + shlex.split(flags), input=given, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            first = next((line for line in made.stderr.splitlines() if "error" in line), "does not compile")
            yield f"{path}: {first}"


def functions(path):
    """(name, first line, lines from brace to brace): the layout puts a function's braces, and no others, at column 0."""
    lines = text(path).splitlines()
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            head = start - 1
            while head > 0 and lines[head].startswith((" ", "\t")):
                head -= 1
            name = re.search(r"(\w+)\s*\(", " ".join(lines[head:start]))
            yield name.group(1) if name else "?", head + 1, number - start + 1
            start = None


def sizes():
    """Files, headers and functions stay small enough to be read."""
    total, long = 0, []
    for path in files(".c", ".h"):
        lines = text(path).count("\n")
        most = HEADER_LINES if path.endswith(".h") else FILE_LINES
        if lines > most:
            yield f"{path}: {lines} lines, at most {most}"
        for name, line, length in functions(path):
            if length > FUNCTION_LINES:
                yield f"{path}:{line}: {name} has {length} lines, at most {FUNCTION_LINES}"
            if not is_test(path):
                total += 1
                if length > LONG_FUNCTION:
                    long.append(f"{path}:{line}: {name} has {length} lines")
    share = len(long) / total if total else 0
    print(f"     {len(long)} of {total} functions ({share:.1%}) have more than {LONG_FUNCTION} lines")
    if share > LONG_SHARE:
        yield f"more than {LONG_SHARE:.0%} of all functions have more than {LONG_FUNCTION} lines:"
        yield from long


def layout():
    """clang-format has nothing to change."""
    if not shutil.which(FORMAT):
        yield f"{FORMAT} is not installed"
        return
    made = subprocess.run([FORMAT, "--dry-run", "--Werror", *files(".c", ".h")], capture_output=True, text=True, check=False)
    wrong = {line.split(":")[0]: line for line in reversed(made.stderr.splitlines()) if ": error:" in line}
    for path in sorted(wrong):
        yield ":".join(wrong[path].split(":")[:2]) + ": not laid out as .clang-format says"
    if made.returncode != 0 and not wrong:
        yield made.stderr.strip()


def words():
    """Nothing unfinished, nothing of one person's machine."""
    # Put together here, so that this file does not break its own rule.
    unwanted = re.compile(r"\b(" + "TO" + r"DO|" + "FIX" + r"ME)\b|(?<![\w.])/" + r"(work|root)/")
    for path in files():
        with open(path, "rb") as file:
            if b"\0" in file.read(8192):
                continue
        if path.startswith("tests/fuzz/seeds/"):
            continue
        for number, line in enumerate(text(path).splitlines(), 1):
            found = unwanted.search(line)
            if found:
                yield f"{path}:{number}: {found.group(0)}"


RULES = [floors, purity, headers, sizes, layout, words]


def main():
    failed = 0
    for rule in RULES:
        broken = list(rule())
        failed += bool(broken)
        print(f"{'FAIL' if broken else 'ok  '} {rule.__name__}: {rule.__doc__}")
        for line in broken:
            print(f"     {line}")
    print(f"{len(RULES) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
