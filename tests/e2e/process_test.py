#!/usr/bin/env python3
"""The processes: what survives which death, who holds which right, what a reload and an end look like."""
import os
import re
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import BUILD, Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

ENFORCE = "[enforce]\nmode = enforce\n"
NET_ADMIN, NET_RAW = 1 << 12, 1 << 13
SANITIZED = "asan" in BUILD


def rights(pid):
    """{"CapEff": n, "Uid": n, "NoNewPrivs": n, "Seccomp": n} of a process."""
    with open(f"/proc/{pid}/status") as file:
        text = file.read()
    found = {key: int(re.search(rf"^{key}:\s+(\w+)", text, re.M).group(1), 16 if key.startswith("Cap") else 10)
             for key in ("CapEff", "CapPrm", "Uid", "NoNewPrivs", "Seccomp")}
    return found


def names_port(ruleset, port):
    """Whether the table's rules name the port; counters and remaining times, which change, may hold any digits."""
    rules = re.sub(r"(packets|bytes|handle) \d+|expires \S+", "", ruleset)
    return re.search(rf"\b{port}\b", rules) is not None


def mail(bed, place="vps2", count=3):
    bed.run(place, ["smtp-source", "-c", "-m", str(count), "-M", "mx.firm.postern", "-f", "anna@firm.postern", "-t",
                    "ben@other.postern", f"{bed.SINK4}:25"])


def check_rights(checks, agent):
    processes = agent.processes()
    checks.that("supervisor, warden, watcher and courier run",
                {"warden", "watcher", "courier"} <= set(processes), processes)
    found = {role: rights(pid) for role, pid in processes.items()}
    checks.that("the watcher has no capability", found["watcher"]["CapPrm"] == 0, found["watcher"])
    checks.that("the courier has no capability", found["courier"]["CapPrm"] == 0, found["courier"])
    checks.that("the watcher is not root", found["watcher"]["Uid"] != 0, found["watcher"])
    checks.that("the courier is not root", found["courier"]["Uid"] != 0, found["courier"])
    checks.that("they are different users", found["courier"]["Uid"] != found["watcher"]["Uid"])
    checks.that("the warden has the rights of the network and no other",
                found["warden"]["CapEff"] & ~(NET_ADMIN | NET_RAW) == 0, hex(found["warden"]["CapEff"]))
    for role in ("warden", "watcher", "courier"):
        checks.that(f"the {role} can gain no rights", found[role]["NoNewPrivs"] == 1)
        checks.that(f"the {role} has a system call filter", found[role]["Seccomp"] == 2)


def kill_and_wait(agent, role):
    """Kill a role; how long until another process has it."""
    old = agent.processes()[role]
    begun = time.monotonic()
    os.kill(old, signal.SIGKILL)
    agent.wait(lambda: agent.processes().get(role, old) != old, 10, f"a new {role}")
    agent.wait(lambda: agent.ask_quietly("status") is not None, 10, "an answer")
    return time.monotonic() - begun


def check_deaths(checks, bed, agent):
    mail(bed)
    agent.wait(lambda: agent.sender("port:vnet2").get("messages", 0) >= 3, 10, "the mail")
    done = agent.postern("block", "port:vnet1", "--for", "10m", "--reason", "a test")
    checks.that("a person can block", done.returncode == 0, done.stderr)
    done = agent.postern("block", "port:vnet77", "--for", "10m", "--reason", "a test")
    checks.that("but no port that is not here", done.returncode == 1 and "vnet77 is no guest's port here" in done.stderr,
                done.stderr)
    checks.that("which is not held against it either", agent.verdict("port:vnet77") == "unknown")
    agent.wait(lambda: not bed.can_connect("vps1", bed.SINK4, 25, 0.4), 5, "the block")
    patience = 4 if SANITIZED else 1.5  # "within a second", and the time that asking takes
    took = kill_and_wait(agent, "watcher")
    checks.that("a killed watcher is back", took < patience, took)
    before = agent.wait(lambda: agent.sender("port:vnet2"), 5, "the sender")
    checks.that("what it knew survives it", before.get("messages", 0) >= 3, before)
    mail(bed)
    agent.wait(lambda: agent.sender("port:vnet2").get("messages", 0) >= 6, 10, "more mail")
    checks.that("the new watcher counts on", True)
    took = kill_and_wait(agent, "courier")
    checks.that("a killed courier is back", took < patience, took)
    for role in ("watcher", "courier"):
        agent.wait(lambda: any(f"the {role} was killed" in e["text"] for e in agent.events("restart")), 10,
                   f"the {role}'s restart in the journal")
        checks.that(f"the {role}'s restart is said", True)
    checks.that("the person's order is still on record", any(e["why"] == "a test" for e in agent.events("command")))
    checks.that("the block stands", not bed.can_connect("vps1", bed.SINK4, 25, 0.4))


def check_dead_warden(checks, bed, agent):
    old = agent.processes()
    os.kill(old["warden"], signal.SIGKILL)
    leaked = 0
    end = time.monotonic() + 2
    while time.monotonic() < end:
        leaked += bed.can_connect("vps1", bed.SINK4, 25, 0.1)
    checks.that("the block stands while the warden is dead", leaked == 0, leaked)
    agent.wait(lambda: agent.processes().get("warden", old["warden"]) != old["warden"], 15, "a new warden")
    agent.wait(lambda: agent.ask_quietly("status") is not None, 15, "an answer")
    new = agent.processes()
    checks.that("a killed warden ends all, and all begin anew",
                all(new[r] != old[r] for r in ("warden", "watcher", "courier")), (old, new))
    checks.that("the block stands after it", not bed.can_connect("vps1", bed.SINK4, 25, 0.4))


def check_flush(checks, bed, agent):
    bed.run("hv", ["nft", "flush", "ruleset"])
    agent.wait(lambda: not bed.can_connect("vps1", bed.SINK4, 25, 0.3), 5, "the repair")
    checks.that("our table is put back after a foreign flush", "table netdev postern" in agent.ruleset())
    events = agent.wait(lambda: agent.events("repair"), 5, "the event")
    checks.that("it names who did it", any("nft" in event["text"] for event in events), events)


def check_reload(checks, bed, agent):
    agent.configure(ENFORCE + "[policy]\nblok = 7\n")
    agent.process.send_signal(signal.SIGHUP)
    agent.wait(lambda: "blok" in agent.log_text(), 5, "the refusal of a bad configuration")
    checks.that("a bad configuration is refused with its line", re.search(r"agent\.conf:4: \[policy\] blok:", agent.log_text()),
                agent.log_text()[-500:])
    before = agent.processes()
    agent.configure(ENFORCE + "[policy]\nalert = 9\n")
    agent.process.send_signal(signal.SIGHUP)
    agent.wait(lambda: agent.sender("port:vnet2").get("thresholds", {}).get("alert") == 9, 5, "the new threshold")
    checks.that("a good one takes effect", True)
    checks.that("no process was started anew for it", agent.processes() == before)
    checks.that("what was known is known", agent.sender("port:vnet2").get("messages", 0) >= 6)
    agent.configure("[capture]\nports = 25 2526\n" + ENFORCE)
    agent.process.send_signal(signal.SIGHUP)
    agent.wait(lambda: "a restart is needed for [capture] ports" in agent.log_text(), 5, "that a restart is needed")
    checks.that("other mail ports wait for a restart, with the kernel's table as well", not names_port(agent.ruleset(), 2526)
                and names_port(agent.ruleset(), 587), agent.ruleset())
    agent.configure(ENFORCE)
    agent.process.send_signal(signal.SIGHUP)


def check_switch(checks, bed, agent):
    done = agent.postern("enforce", "off")
    checks.that("enforcement can be switched off", done.returncode == 0, done.stderr)
    checks.that("nothing of ours is left in the kernel", "postern" not in agent.ruleset(), agent.ruleset())
    checks.that("the blocked sender is free", bed.can_connect("vps1", bed.SINK4, 25))
    checks.that("and on again", agent.postern("enforce", "on").returncode == 0)
    agent.wait(lambda: not bed.can_connect("vps1", bed.SINK4, 25, 0.4), 5, "the block")
    checks.that("the order in force is carried out again", True)
    done = agent.postern("release", "port:vnet1", "--reason", "end of the test")
    checks.that("a person can release", done.returncode == 0, done.stderr)
    agent.wait(lambda: bed.can_connect("vps1", bed.SINK4, 25, 0.4), 5, "the release")
    checks.that("the released sender is free", True)


def check_end_and_takeover(checks, bed, agent):
    agent.postern("block", "port:vnet1", "--for", "10m", "--reason", "to be taken over")
    agent.wait(lambda: not bed.can_connect("vps1", bed.SINK4, 25, 0.4), 5, "the block")
    took = agent.stop()
    checks.that("SIGTERM ends within 5 s", took < 5, took)
    checks.that("stopping leaves the block to expire", "timeout" in agent.ruleset() and
                not bed.can_connect("vps1", bed.SINK4, 25, 0.4))
    agent.start()
    checks.that("a new start takes the block over", not bed.can_connect("vps1", bed.SINK4, 25, 0.4))
    checks.that("and knows of it", "port:vnet1" in agent.orders(), agent.orders())


def check_one_in_each_namespace(checks, bed, agent):
    """Two agents would take turns in making the table, whatever their sockets and directories are called."""
    environment = {**agent.environment(), "POSTERN_STATE": agent.state + "-2", "POSTERN_SOCKET": agent.socket + "-2"}
    done = bed.run("hv", [f"{BUILD}/postern-agent", "run", "--config", agent.file], env=environment, timeout=20)
    checks.that("a second agent does not start",
                done.returncode == 1 and "another agent runs in this network namespace" in done.stderr,
                (done.returncode, done.stderr))
    precious = os.path.join(agent.directory, "precious")
    with open(precious, "w") as file:
        file.write("not a socket")
    done = bed.run("inet", [f"{BUILD}/postern-agent", "run"], env={**environment, "POSTERN_SOCKET": precious},
                   timeout=20)
    checks.that("what is no socket is not taken away",
                done.returncode == 1 and os.path.isfile(precious) and "no socket" in done.stderr, done.stderr)


def check_no_rights(checks, agent):
    command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set=-all",
               f"{BUILD}/postern-agent", "run"]
    environment = {**os.environ, "POSTERN_STATE": "/tmp/postern-none", "POSTERN_SOCKET": "/tmp/postern-none.sock"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, env=environment, check=False)
    checks.that("without rights it says which it misses and ends",
                done.returncode == 1 and "CAP_NET_RAW" in done.stderr, (done.returncode, done.stderr))


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("processes", lack)
        return checks.close()
    with Testbed("proc") as bed, Agent(bed, "hv", ENFORCE) as agent:
        for part in (lambda: check_rights(checks, agent), lambda: check_deaths(checks, bed, agent),
                     lambda: check_reload(checks, bed, agent), lambda: check_flush(checks, bed, agent),
                     lambda: check_dead_warden(checks, bed, agent), lambda: check_switch(checks, bed, agent),
                     lambda: check_end_and_takeover(checks, bed, agent), lambda: check_one_in_each_namespace(checks, bed, agent),
                     lambda: check_no_rights(checks, agent)):
            with checks.part("part"):
                part()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
