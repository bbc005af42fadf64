"""What is written twice says the same: run by generated.sh from the top, after a build.

Each rule is a function that yields one line for each thing that breaks it. A rule that nothing breaks prints "ok".
"""
import glob
import os
import re
import shutil
import subprocess
import sys

BUILD = sys.argv[1] if len(sys.argv) > 1 else "build"
AGENT, COMMAND = os.path.join(BUILD, "postern-agent"), os.path.join(BUILD, "postern")
COLLECTOR = os.path.join(BUILD, "postern-collector")
# The example of how to add a detector; a name for any schema step.
NOT_THERE = {"detectors/quit.c", "tests/unit/detectors/quit_test.c", "collector/store/schema/NNN"}
PAGES = sorted(glob.glob("docs/*.[1-9]"))
DOCUMENTS = ["README.md"] + sorted(glob.glob("docs/*.md"))
FOLDERS = r"(?:agent|cli|collector|common|conf|detectors|docs|nft|tests)"


def text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def said(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


# --- what the program knows ---


def commands(daemon):
    return set(re.findall(r"^  ([a-z][a-z-]*) ", said(daemon, "--help"), re.M))


def options(daemon):
    helps = [said(daemon, "--help")] + [said(daemon, command, "--help") for command in commands(daemon)]
    return set(re.findall(r"^  --([a-z-]+)", "\n".join(helps), re.M))


def verbs():
    return set(re.findall(r"^  postern ([a-z]+)", said(COMMAND, "--help"), re.M))


def verb_options():
    helps = [said(COMMAND, "--help")] + [said(COMMAND, verb, "--help") for verb in verbs()]
    return set(re.findall(r"--([a-z-]+)", "\n".join(helps)))


# --- what the pages say ---


def page_options(path):
    return set(re.findall(r"(?:\bFl|\|) -([a-z-]+)", text(path)))


def page_commands(path, macro):
    """The commands that a page describes, each under such a macro; "a | b" are two."""
    found = set()
    for line in re.findall(rf"^\.{macro} (.*)$", text(path), re.M):
        words = line.split()
        while words and re.fullmatch(r"[a-z-]+", words[0]):
            found.add(words[0])
            words = words[2:] if words[1:2] == ["|"] else []
    return found


def both(name, ours, theirs):
    for word in sorted(ours - theirs):
        yield f"{word} is in the help, not in {name}"
    for word in sorted(theirs - ours):
        yield f"{word} is in {name}, not in the help"


# --- the rules ---


def printed():
    """Example files, the configurations' manual pages and docs/api.md are what the programs print."""
    for daemon, command, path in [(AGENT, "print-example", "conf/agent.conf.example"),
                                  (AGENT, "print-manual", "docs/postern-agent.conf.5"),
                                  (COLLECTOR, "print-example", "conf/collector.conf.example"),
                                  (COLLECTOR, "print-manual", "docs/postern-collector.conf.5"),
                                  (COLLECTOR, "print-api", "docs/api.md")]:
        if said(daemon, command) != text(path):
            yield f"{path}: print it afresh"


def pages():
    """mandoc has nothing to say about the manual pages."""
    if not shutil.which("mandoc"):
        yield "mandoc is not installed"
        return
    for path in PAGES:
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path], capture_output=True, text=True, check=False)
        # References to others' pages, and to ours before they are installed, are no fault.
        yield from (line for line in done.stdout.splitlines() + done.stderr.splitlines() if "referenced manual" not in line)


def command_pages():
    """Every verb, command and option is in its manual page, and every one there in the help."""
    yield from both("docs/postern.1", verbs(), page_commands("docs/postern.1", "It Cm"))
    yield from both("docs/postern.1", verb_options() | {"help", "version"}, page_options("docs/postern.1"))
    for daemon, page in (AGENT, "docs/postern-agent.8"), (COLLECTOR, "docs/postern-collector.8"):
        yield from both(page, commands(daemon), page_commands(page, "Ss"))
        yield from both(page, options(daemon), page_options(page))


def references():
    """Our manual pages refer to none of ours that is not there."""
    there = {os.path.basename(path) for path in PAGES}
    for path in PAGES:
        for name, section in re.findall(r"^\.Xr (postern[\w.-]*) (\d)", text(path), re.M):
            if f"{name}.{section}" not in there:
                yield f"{path}: no page {name}({section})"


def examples_in_pages():
    """What pages and documents give as configuration is accepted by one of the daemons."""
    for path in PAGES + DOCUMENTS:
        literal = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text(path), re.M | re.S)
        fenced = re.findall(r"^```\w*\n(.*?)^```", text(path), re.M | re.S)
        indented = re.findall(r"(?:^    .*\n)+", text(path), re.M)
        for block in literal + fenced + indented:
            block = re.sub(r"^    ", "", block, flags=re.M)
            # Pattern files look alike: tests/golden/log_example_test.py reads those.
            if not re.match(r"\[[a-z]+\]\n", block) or re.search(r"^means = ", block, re.M):
                continue
            done = [subprocess.run([daemon, "check", "--config", "/dev/stdin"], input=block, capture_output=True, text=True,
                                   check=False) for daemon in (AGENT, COLLECTOR)]
            if all(one.returncode for one in done):
                yield f"{path}: {' or '.join(one.stderr.strip() for one in done)}"


def named_things():
    """README and documents name only files, make targets, verbs and variables that exist."""
    targets = set(re.findall(r"^([a-z][\w-]*):", text("Makefile"), re.M))
    sources = "\n".join(text(path) for path in glob.glob("agent/**/*.[ch]", recursive=True) + glob.glob("collector/*.c") + glob.glob("cli/*.c")
                        + glob.glob("common/io/*.c") + glob.glob("tests/**/*.py", recursive=True))
    known_verbs = verbs()
    known_commands = {"agent": commands(AGENT), "collector": commands(COLLECTOR)}
    for path in DOCUMENTS + PAGES:
        code = text(path) if path in PAGES else "\n".join(
            re.findall(r"`([^`\n]+)`", text(path)) + re.findall(r"^    .*$", text(path), re.M))
        for name in re.findall(rf"(?<![\w./-]){FOLDERS}/[\w./-]*\w", code if path in DOCUMENTS else ""):
            if name not in NOT_THERE and not (os.path.exists(name) or glob.glob(name + ".*") or glob.glob(name + "*")):
                yield f"{path}: no {name}"
        if path in DOCUMENTS:
            for target in re.findall(r"(?:^|\$ |`|    )make ([a-z][\w-]*)", code, re.M):
                if target not in targets:
                    yield f"{path}: no `make {target}`"
            for verb in re.findall(r"(?:^|\$ |    )postern ([a-z]+)", code, re.M):
                if verb not in known_verbs:
                    yield f"{path}: no `postern {verb}`"
            for daemon, verb in re.findall(r"(?:^|\$ |    )postern-(agent|collector) ([a-z-]+)", code, re.M):
                if verb not in known_commands[daemon]:
                    yield f"{path}: no `postern-{daemon} {verb}`"
        for variable in set(re.findall(r"\b(POSTERN_[A-Z]+)\b", text(path))):
            if variable not in sources:
                yield f"{path}: nothing reads {variable}"


def installed():
    """`make install` finds every file that it names."""
    for line in text("Makefile").splitlines():
        for name in re.findall(rf"(?<![\w./$(]){FOLDERS}/[\w./-]+\w", line if re.match(r"\t(install|sed)", line) else ""):
            if not os.path.exists(name):
                yield f"Makefile: no {name}"


def dashboard():
    """The dashboard asks for nothing that neither daemon counts (tests/e2e/metrics_test.py reads the daemons' own pages)."""
    counted = set()
    for path in "agent/courier/metrics_page.c", "collector/api/metrics.c":
        source = text(path)
        prefix = re.search(r'#define PREFIX +"(\w+)"', source).group(1)
        counted |= {prefix + name for name in re.findall(r'(?:PREFIX |\b(?:OF|COUNTER|GAUGE)\([\w.]+, (?:[\w.]+, )?)"([a-z_]+)"',
                                                         source)}
    for name in sorted(set(re.findall(r"\bpostern_(?:agent|collector)_\w+", text("conf/grafana/postern.json"))) - counted):
        yield f"conf/grafana/postern.json: no metric {name}"


RULES = [printed, pages, command_pages, references, examples_in_pages, named_things, installed, dashboard]


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
