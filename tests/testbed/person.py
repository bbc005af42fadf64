"""A person at the command line, who asks a collector.

    anna = Person(centre, "anna", "read,content")
    anna.say("quarantine", "list")             # what `postern` printed, or an exception with what it complained of
    anna.records("quarantine", "list")         # the same as records
    status, out, err = anna.run("quarantine", "show", name)
"""
import json
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
POSTERN = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern")


class Person:
    def __init__(self, centre, name, may):
        self.centre, self.name = centre, name
        self.secret = centre.person(name, may)

    def environment(self):
        return {**os.environ, "POSTERN_COLLECTOR": f"http://127.0.0.1:{self.centre.port}", "POSTERN_KEY": self.secret, "TZ": "UTC"}

    def run(self, *words, given=None, raw=False):
        done = subprocess.run([POSTERN, *words], env=self.environment(), input=given, capture_output=True, check=False, timeout=120)
        return done.returncode, done.stdout if raw else done.stdout.decode(), done.stderr.decode()

    def say(self, *words, given=None):
        status, out, err = self.run(*words, given=given)
        if status != 0:
            raise RuntimeError(f"postern {' '.join(words)}: {status}: {err}{out}")
        return out

    def records(self, *words, given=None):
        return [json.loads(line) for line in self.say("--json", *words, given=given).splitlines()]
