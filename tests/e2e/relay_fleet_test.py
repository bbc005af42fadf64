#!/usr/bin/env python3
"""A relay that follows the fleet refuses whom a node has blocked, and goes on by it when the collector and its own agent
were away; its own people's word stands over it. What is ordered on a customer holds whoever the relay's map says is that
customer's."""
import os
import signal
import socket
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import BUILD, Agent  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

CENTRE, PORT = "203.0.113.1", 8031
RELAY, BAD, GOOD, ACCOUNT = "vps1", "203.0.113.99", "203.0.113.98", "mallory@shared.test"
OWNED, OTHERS = "203.0.113.66", "203.0.113.68"
ADDRESSES = "203.0.113.64/30 acme\n203.0.113.68 baker\n"
ACCOUNTS = "account:@acme.test acme\naccount:eve@acme.test baker\n"
LONG = "a-name-of-more-characters-than-are-kept-of-one@acme.test"


def ask(client, account=""):
    """Within the relay's namespace."""
    with socket.create_connection(("127.0.0.1", 10040), 5) as stream:
        stream.settimeout(5)
        stream.sendall(f"request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address={client}\nsasl_username={account}\n"
                       "sender=a@firm.postern\nrecipient=b@other.postern\n\n".encode())
        return stream.recv(1000).decode()


class Relay:
    def __init__(self, bed, agent):
        self.bed, self.agent, self.refused, self.lost = bed, agent, 0, 0

    def asks(self, client, account=""):
        try:
            answer = self.bed.within(RELAY, lambda: ask(client, account))
            self.refused += answer.startswith("action=554 ")
            return answer
        except OSError as trouble:
            return repr(trouble)

    def refuses(self, client, account=""):
        return self.asks(client, account).startswith("action=554 ")

    def passes(self, client, account=""):
        return self.asks(client, account) == "action=DUNNO\n\n"


def order(agent, *words):
    done = agent.postern(*words, "--reason", "phishing, ticket 4711")
    if done.returncode:
        raise AssertionError(done.stderr)


def check_follows(checks, node, relay):
    checks.that("nothing stands, all pass", relay.passes(BAD) and relay.passes(GOOD))
    order(node, "block", BAD, "--for", "1h")
    order(node, "block", f"account:{ACCOUNT}", "--for", "1h")
    node.wait(lambda: relay.refuses(BAD), 20, "the refusal at the relay")
    checks.that("whom a node blocks the relay refuses", True)
    node.wait(lambda: relay.refuses(GOOD, ACCOUNT), 20, "the account's refusal")
    checks.that("an account too", relay.passes(GOOD))
    said = relay.agent.postern("explain", BAD).stdout
    checks.that("explain says whose word it is", "In the fleet: block" in said and "on node" in said, said)
    status = relay.agent.status()["policy"]
    checks.that("so does the status", status["fleet"] == 2, status)


def check_alone(checks, node, relay, collector):
    collector.stop()
    pid = relay.agent.processes()["courier"]
    os.kill(pid, 9)
    relay.lost = relay.refused  # what it had not told yet
    relay.agent.wait(lambda: relay.agent.processes().get("courier", pid) != pid, 15, "another courier")
    relay.agent.wait(lambda: relay.refuses(BAD), 10, "the refusal by another courier")
    checks.that("cut off, another courier goes on by what was told", relay.refuses(GOOD, ACCOUNT) and relay.passes(GOOD))
    relay.agent.stop()
    relay.agent.start()
    relay.agent.wait(lambda: relay.refuses(BAD), 10, "the refusal by another agent")
    checks.that("so does another agent", relay.refuses(GOOD, ACCOUNT))
    order(relay.agent, "allow", BAD, "--for", "10m")
    relay.agent.wait(lambda: relay.passes(BAD), 5, "the allowance")
    checks.that("the relay's own word stands over it", relay.refuses(GOOD, ACCOUNT))
    order(relay.agent, "release", BAD)
    relay.agent.wait(lambda: relay.refuses(BAD), 5, "its end")


def check_customer(checks, relay, everywhere):
    """`everywhere` orders as a person at the collector: on this relay too."""
    everywhere("block", "customer:acme", "--for", "1h")
    relay.agent.wait(lambda: relay.refuses(OWNED), 20, "the customer's refusal")
    checks.that("the answer names the customer", "under customer:acme" in relay.asks(OWNED), relay.asks(OWNED))
    checks.that("an account of his domain is refused from anywhere", relay.refuses(GOOD, "dave@acme.test"))
    checks.that("however long its name is", relay.refuses(GOOD, LONG), relay.asks(GOOD, LONG))
    checks.that("an account that is another's is not, from his address too",
                relay.passes(GOOD, "eve@acme.test") and relay.passes(OWNED, "eve@acme.test"))
    checks.that("nor others", relay.passes(OTHERS) and relay.passes(GOOD) and relay.passes(GOOD, "dave@shared.test"))
    order(relay.agent, "allow", "account:dave@acme.test", "--for", "10m")
    relay.agent.wait(lambda: relay.passes(GOOD, "dave@acme.test"), 5, "the account's allowance")
    checks.that("one that is allowed stands over it, for itself alone", relay.refuses(OWNED) and relay.refuses(GOOD, "ann@acme.test"))
    order(relay.agent, "block", "customer:baker", "--for", "10m")
    relay.agent.wait(lambda: relay.refuses(OTHERS), 5, "the relay's own order on a customer")
    order(relay.agent, "release", "customer:baker")
    relay.agent.wait(lambda: relay.passes(OTHERS), 5, "its end")


def check_followed_customer(checks, relay, everywhere, follows):
    """Released at the relay alone, he is refused by the fleet's word. `follows` settles whether the fleet is followed, and by
    which map."""
    def word():
        return relay.agent.postern("explain", "customer:acme").stdout
    relay.agent.wait(lambda: "In the fleet: block" in word(), 20, "the fleet's word on the customer")
    checks.that("explain says what was refused", "messages refused" in word(), word())
    order(relay.agent, "release", "customer:acme")
    relay.agent.wait(lambda: "customer:acme" not in relay.agent.orders(), 5, "the release at the relay")
    checks.that("the fleet's word holds him still", relay.refuses(OWNED) and relay.refuses(GOOD, "ann@acme.test"), word())
    follows(False, ADDRESSES + ACCOUNTS)
    relay.agent.wait(lambda: relay.passes(OWNED), 10, "nobody is followed")
    follows(True, ADDRESSES + ACCOUNTS)
    relay.agent.wait(lambda: relay.refuses(OWNED), 10, "the fleet is followed again")
    follows(True, ACCOUNTS)
    relay.agent.wait(lambda: relay.passes(OWNED), 10, "another map")
    checks.that("an address that is his no more is let through", relay.refuses(GOOD, "ann@acme.test"))
    everywhere("release", "customer:acme")
    relay.agent.wait(lambda: relay.passes(GOOD, "ann@acme.test"), 40, "the customer's release")


def check_again(checks, node, relay, collector):
    collector.start()
    order(node, "release", BAD)
    relay.agent.wait(lambda: relay.passes(BAD), 40, "the release at the relay")
    checks.that("what a node releases the relay lets through", relay.refuses(GOOD, ACCOUNT))
    relay.agent.stop()
    relay.agent.start()

    def stopped():
        return sum(record["refused"] for record in collector.records() if record["record"] == "stopped")
    relay.agent.wait(lambda: stopped() >= relay.refused - relay.lost, 40, "what was stopped")
    checks.that("the collector knows how many messages were stopped", relay.refused - relay.lost <= stopped() <= relay.refused,
                (stopped(), relay.refused, relay.lost))


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("a relay that follows the fleet", lack)
        return checks.close()
    with Testbed("relayf", guests=1) as bed:
        unused = Agent(bed, "hv", "")
        folder = os.path.join(unused.directory, "centre")
        os.mkdir(folder)
        collector = Collector(folder, "", f"{CENTRE}:{PORT}", lambda command, **more: bed.popen("inet", command, **more)).start()
        try:
            joins = [f"[enforce]\nmode = enforce\n[collector]\nurls = http://{CENTRE}:{PORT}\n"
                     f"token = {collector.token('--name', name)}\n" for name in ("node", "relay")]
            owners = os.path.join(folder, "customers.map")

            def settings(follow, text):
                with open(owners, "w", encoding="utf-8") as file:
                    file.write(text)
                return (f"{joins[1]}[logs]\nfiles =\n[customers]\nmap = {owners}\n"
                        f"[relay]\nfollow = {follow}\nlisten = 127.0.0.1:10040\n")

            key = os.path.join(folder, "anna")
            with open(key, "w", encoding="utf-8") as file:
                file.write(collector.person("anna", "read,order"))

            def everywhere(*words):
                done = bed.run("inet", [f"{BUILD}/postern", "--collector", f"http://{CENTRE}:{PORT}", "--key", key, *words,
                                        "--everywhere", "--reason", "unpaid, ticket 4712"])
                if done.returncode:
                    raise AssertionError(done.stderr)

            def follows(flag, text):
                agent.configure(settings("yes" if flag else "no", text))
                agent.process.send_signal(signal.SIGHUP)

            with Agent(bed, "hv", joins[0]) as node, Agent(bed, RELAY, settings("yes", ADDRESSES + ACCOUNTS)) as agent:
                relay = Relay(bed, agent)
                for each in (node, agent):
                    each.wait(lambda each=each: each.status()["collector"]["state"] == "connected", 20, "the connection")
                for name, part in (("follows", lambda: check_follows(checks, node, relay)),
                                   ("a customer", lambda: check_customer(checks, relay, everywhere)),
                                   ("by the fleet's word", lambda: check_followed_customer(checks, relay, everywhere, follows)),
                                   ("alone", lambda: check_alone(checks, node, relay, collector)),
                                   ("again", lambda: check_again(checks, node, relay, collector))):
                    with checks.part(name):
                        part()
                if checks.failed:
                    print(agent.log_text()[-3000:])
                    print(node.log_text()[-2000:])
        finally:
            collector.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
