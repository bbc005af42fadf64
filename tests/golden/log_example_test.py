#!/usr/bin/env python3
"""The example of docs/logs.md, carried out as it stands there: the files that it shows are written, its commands are run
one after the other, and what they print must be what the page says.

A block is what is indented. One that begins with "$ " is a command and its output; one behind a paragraph that ends with
`NAME`: is that file, or more of it.

POSTERN_BUILD: build or build/asan.
"""
import os
import re
import subprocess
import sys
import tempfile


TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"))
PAGE = os.path.join(TOP, "docs", "logs.md")


def blocks():
    """(the paragraph before, the block without its indent)"""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    for match in re.finditer(r"([^\n]+)\n\n((?:    [^\n]*\n|\n(?=    ))+)", page):
        yield match[1], "".join(line[4:] if line.strip() else line for line in match[2].splitlines(True))


def carry_out(command, directory):
    path = BUILD + os.pathsep + os.environ["PATH"]
    done = subprocess.run(["sh", "-c", command], cwd=directory, env={**os.environ, "PATH": path}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout


def trimmed(text):
    return [line.rstrip() for line in text.splitlines()]


def main():
    commands = failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for before, block in blocks():
            name = re.search(r"`([\w.]+)`:$", before)
            if block.startswith("$ "):
                command, _, want = block[2:].partition("\n")
                has = carry_out(command, directory)
                good = trimmed(has) == trimmed(want)
                print(f"{'ok  ' if good else 'FAIL'} {command}" + ("" if good else f"\n{has}--- not\n{want}"))
                commands, failed = commands + 1, failed + (not good)
            elif name:
                with open(os.path.join(directory, name[1]), "a", encoding="utf-8") as file:
                    file.write(("\n" if file.tell() else "") + block)
    if commands < 4:
        print(f"FAIL the page has {commands} commands")
        failed += 1
    print(f"{commands - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
