"""A handful of named checks and the closing line that the test run counts.

    checks = Checks()
    checks.that("the bot is blocked", verdict == "block", verdict)
    sys.exit(checks.close())
"""
import contextlib
import traceback


class Checks:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def that(self, name, condition, seen=None):
        if condition:
            self.passed += 1
            print(f"ok    {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {name}" + (f": {seen!r}" if seen is not None else ""), flush=True)
        return bool(condition)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skip  {name}: {why}", flush=True)

    @contextlib.contextmanager
    def part(self, name):
        """A part of a test; what goes wrong in it is one failure and does not end the rest."""
        try:
            yield
        except Exception:  # whatever it is, it belongs in the log
            self.failed += 1
            print(f"FAIL  {name}\n{traceback.format_exc()}", flush=True)

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else ""))
        return 1 if self.failed else 0
