"""The agent under test: started in a place of a testbed, asked through its own command, ended with the test.

    with Testbed("x") as bed, Agent(bed, "hv", "[enforce]\\nmode = enforce\\n") as agent:
        agent.wait(lambda: agent.verdict("port:vnet1") == "block")
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"))


class AgentError(Exception):
    """The agent did not do what the test stands on."""


class Agent:
    def __init__(self, bed, place="hv", configuration="", options=()):
        self.bed, self.place, self.configuration, self.options = bed, place, configuration, list(options)
        self.directory = tempfile.mkdtemp(prefix=f"postern-{bed.name}-agent-")
        os.chmod(self.directory, 0o755)
        self.socket = os.path.join(self.directory, "agent.sock")
        self.state = os.path.join(self.directory, "state")
        self.file = os.path.join(self.directory, "agent.conf")
        self.log = os.path.join(self.directory, "log")
        self.process = None

    # Beginning and end

    def __enter__(self):
        self.configure(self.configuration)
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind and os.path.exists(self.log):
            print("--- the agent's log ---")
            with open(self.log, errors="replace") as file:
                print(file.read()[-4000:])
        shutil.rmtree(self.directory, ignore_errors=True)

    def configure(self, text):
        with open(self.file, "w") as file:
            file.write(text)

    def environment(self):
        return {**os.environ, "POSTERN_SOCKET": self.socket, "POSTERN_STATE": self.state, "NO_COLOR": "1"}

    def start(self, wait=True):
        with open(self.log, "ab") as log:
            self.process = self.bed.popen(
                self.place, [f"{BUILD}/postern-agent", "run", "--config", self.file, *self.options],
                env=self.environment(), stdout=log, stderr=log)
        if wait:
            self.wait(lambda: self.ask_quietly("status") is not None, 20, "the agent's first answer")

    def stop(self, number=signal.SIGTERM, patience=8):
        """How many seconds it took to end."""
        if not self.process or self.process.poll() is not None:
            return 0.0
        begun = time.monotonic()
        self.process.send_signal(number)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired as late:
            self.process.kill()
            self.process.wait()
            raise AgentError(f"the agent did not end within {patience} s") from late
        return time.monotonic() - begun

    def log_text(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def processes(self):
        """{"supervisor": pid, "warden": pid, "watcher": pid, "courier": pid} of those that run."""
        found = {}
        pids = [self.process.pid]
        while pids:
            pid = pids.pop()
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().decode(errors="replace").split("\0")
                with open(f"/proc/{pid}/task/{pid}/children") as file:
                    pids += [int(p) for p in file.read().split()]
            except OSError:
                continue
            if any("postern-agent" in w for w in words):
                role = words[words.index("--role") + 1] if "--role" in words else "supervisor"
                found[role] = pid
        return found

    # Asking

    def postern(self, *words, timeout=20):
        """Run `postern` and give the finished process."""
        return subprocess.run([f"{BUILD}/postern", *words], env=self.environment(), capture_output=True, text=True,
                              timeout=timeout, check=False)

    def ask(self, *words):
        """The records that `postern WORDS --json` prints, without the closing one."""
        done = self.postern(*words, "--json")
        if done.returncode:
            raise AgentError(f"postern {' '.join(words)}: {done.stderr.strip()}")
        records = [json.loads(line) for line in done.stdout.splitlines()]
        return [r for r in records if r.get("record") != "end"]

    def ask_quietly(self, *words):
        try:
            return self.ask(*words)
        except (AgentError, subprocess.TimeoutExpired, ValueError):
            return None

    def senders(self):
        return {r["sender"]: r for r in self.ask_quietly("senders", "--top", "1000") or []}

    def sender(self, name):
        return self.senders().get(name, {})

    def verdict(self, name):
        return self.sender(name).get("verdict", "unknown")

    def events(self, kind=None):
        return [r for r in self.ask_quietly("events") or [] if kind in (None, r["record"], r.get("what"))]

    def status(self):
        return {r["record"]: r for r in self.ask("status")}

    def orders(self):
        return {r["sender"]: r for r in self.ask_quietly("orders") or []}

    def wait(self, condition, patience=15, what="the condition"):
        """Until condition() is true; gives its value."""
        end = time.monotonic() + patience
        while True:
            value = condition()
            if value:
                return value
            if self.process and self.process.poll() is not None:
                raise AgentError(f"the agent ended with status {self.process.returncode}: {self.log_text()[-2000:]}")
            if time.monotonic() > end:
                raise AgentError(f"{what} did not come within {patience} s")
            time.sleep(0.05)

    def ruleset(self):
        return self.bed.run(self.place, ["nft", "list", "ruleset"]).stdout
