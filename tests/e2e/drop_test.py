#!/usr/bin/env python3
"""Sessions that are open when their sender is blocked end on both sides, idle ones and those in the middle of a message:
on kernels that can reject where guests' packets come in, and on those that cannot, as Debian's own, where the kernel only
drops and the agent alone sends the resets."""
import os
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import BUILD, Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import LAYOUTS, Testbed, missing  # noqa: E402

CONFIGURATION = "[enforce]\nmode = enforce\nreject = {}\n"
BOT, NEIGHBOUR = "vps1", "vps2"
PATIENCE = 5 if "asan" in BUILD else 2  # the resets come at once, after 0.2 and after 1 s


class Session:
    """A mail session that stays open; a busy one sends its message without end."""

    def __init__(self, bed, place, server, busy=False, source=None):
        self.socket = bed.connect(place, server, 25, 3, source)
        self.socket.settimeout(PATIENCE + 5)
        self.port, self.ended, self.heard = self.socket.getsockname()[1], None, b""
        self.say(b"")
        self.say(b"HELO mx.firm.test\r\n")
        if busy:
            for line in (b"MAIL FROM:<a@firm.test>\r\n", b"RCPT TO:<b@other.test>\r\n", b"DATA\r\n"):
                self.say(line)
        self.thread = threading.Thread(target=self.send if busy else self.listen, daemon=True)
        self.thread.start()

    def say(self, line):
        self.socket.sendall(line)
        return self.socket.recv(1000)

    def listen(self):
        try:
            while True:
                answer = self.socket.recv(1000)
                self.heard += answer
                if not answer:
                    break
        except TimeoutError:
            return
        except OSError:
            pass
        self.ended = time.monotonic()

    def lives(self):
        """An idle one's: whether the server answers."""
        before = len(self.heard)
        self.socket.sendall(b"NOOP\r\n")
        return until(lambda: len(self.heard) > before, 2)

    def send(self):
        try:
            while True:
                self.socket.sendall(b"one line of a long message, of many, as long as the session lasts\r\n" * 20)
                time.sleep(0.001)
        except TimeoutError:
            return
        except OSError:
            self.ended = time.monotonic()


def known_at_server(bed, sessions, place="inet"):
    """How many of the sessions the server's side still holds."""
    listed = bed.run(place, ["ss", "-Htn"]).stdout
    remote = {line.split()[4].rsplit(":", 1)[1] for line in listed.splitlines() if len(line.split()) > 4}
    return [s.port for s in sessions if str(s.port) in remote]


def until(condition, patience):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def check_cut(checks, bed, agent, sender, after, sources=(None, None)):
    """Block the sender; its sessions end on both sides, a neighbour's and one that came in do not."""
    name = f"{bed.layout}, {sender}, {after}"
    sessions = [Session(bed, BOT, bed.SINK4, source=sources[0]), Session(bed, BOT, bed.SINK4, True, sources[0])]
    if sender.startswith("port:"):
        sessions += [Session(bed, BOT, bed.SINK6, source=sources[1]), Session(bed, BOT, bed.SINK6, True, sources[1])]
    others = [Session(bed, NEIGHBOUR, bed.SINK4), Session(bed, NEIGHBOUR, bed.SINK6, True),
              Session(bed, "inet", bed.address4(1))]
    checks.that(f"{name}: the server knows the sessions", len(known_at_server(bed, sessions)) == len(sessions))
    sent = agent.status()["warden"]["resets_sent"]
    begun = time.monotonic()
    done = agent.postern("block", sender, "--for", "10m", "--reason", "a test")
    checks.that(f"{name}: it is blocked", done.returncode == 0, done.stderr)
    checks.that(f"{name}: each client is told within {PATIENCE} s", until(lambda: all(s.ended for s in sessions), PATIENCE),
                [s.ended and s.ended - begun for s in sessions])
    checks.that(f"{name}: the server holds none of them any more",
                until(lambda: not known_at_server(bed, sessions), PATIENCE + begun - time.monotonic() + 0.2),
                known_at_server(bed, sessions))
    # While the agent's rounds of resets last, a new connection may be met by one as well; open it never is.
    outcomes = []

    def settles():
        outcomes.append(bed.outcome(BOT, bed.SINK4, 25, 0.7, sources[0]))
        return outcomes[-1] == after
    checks.that(f"{name}: what a new connection gets", until(settles, 5) and "open" not in outcomes, outcomes)
    checks.that(f"{name}: port 443 is open", bed.can_connect(BOT, bed.SINK4, 443))
    checks.that(f"{name}: others' sessions and one that came in live on", not any(s.ended for s in others) and
                others[0].lives() and others[2].lives(), [s.ended for s in others])
    checks.that(f"{name}: a neighbour connects", bed.can_connect(NEIGHBOUR, bed.SINK4, 25))
    print(f"      after {max(s.ended or 0 for s in sessions) - begun:.2f} s at the latest, with "
          f"{agent.status()['warden']['resets_sent'] - sent} resets")
    for session in sessions + others:
        session.socket.close()
    agent.postern("release", sender, "--reason", "end of the test")
    checks.that(f"{name}: it is free again", until(lambda: bed.can_connect(BOT, bed.SINK4, 25, 0.4), 5))


def check_layout(checks, layout, reject):
    after = "silent" if reject == "never" else "reset"
    with Testbed(f"drop{layout}", layout, guests=2) as bed, Agent(bed, "hv", CONFIGURATION.format(reject)) as agent:
        bed.sink(BOT, 25)
        agent.wait(lambda: agent.status()["watcher"]["ports"] >= 2, 5, "both ports")
        cut = agent.status()["warden"]["cut"]
        if reject == "auto" and cut != "reset by the kernel":
            checks.skip(f"{layout}: resets by the kernel", "this kernel cannot reject where guests' packets come in")
            return
        checks.that(f"{layout}: reject = {reject}", cut == "drop, resets by the agent" or reject == "auto", cut)
        checks.that(f"{layout}: the table agrees", ("reject" in agent.ruleset()) == (reject == "auto"))
        check_cut(checks, bed, agent, "port:vnet1", after, (bed.routed4(1, 7), bed.routed6(1, 7)))
        check_cut(checks, bed, agent, bed.address4(1), after)
        if layout == "bridged":
            check_cut(checks, bed, agent, bed.mac(1), after)
        checks.that(f"{layout}: no order was refused", agent.status()["warden"]["orders_refused"] == 0, agent.log_text())


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("drop", lack)
        return checks.close()
    for layout, reject in [(layout, "never") for layout in LAYOUTS] + [("bridged", "auto"), ("routed", "auto")]:
        with checks.part(layout):
            check_layout(checks, layout, reject)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
