"""A spam bot and the world that it mails: thirty mail exchangers, half of which do not know the recipients, as a bought
list of addresses finds them. The bot is Postfix's smtp-source, run against all of them at once."""

EXCHANGERS4 = [f"198.51.100.{n}" for n in range(100, 130)]
EXCHANGERS6 = [f"2001:db8:25::{n}" for n in range(100, 130)]
UNKNOWN_PORT = 2626  # where the exchangers that know nobody really listen

RULES = f"""
table inet exchangers {{
	chain pre {{
		type nat hook prerouting priority dstnat; policy accept;
		ip daddr 198.51.100.115-198.51.100.129 tcp dport 25 redirect to :{UNKNOWN_PORT}
		ip6 daddr 2001:db8:25::115-2001:db8:25::129 tcp dport 25 redirect to :{UNKNOWN_PORT}
	}}
}}
"""


def add_exchangers(bed):
    """Put them into the testbed's outside world."""
    lines = [f"addr add {a}/32 dev lo" for a in EXCHANGERS4] + [f"addr add {a}/128 dev lo nodad" for a in EXCHANGERS6]
    done = bed.run("inet", ["ip", "-batch", "-"], input="\n".join(lines) + "\n")
    assert done.returncode == 0, done.stderr
    bed.sink("inet", UNKNOWN_PORT, "-f", "RCPT", "-B", "550 5.1.1 User unknown")
    done = bed.run("inet", ["nft", "-f", "-"], input=RULES)
    assert done.returncode == 0, done.stderr


def bot_command(family=4, messages=2, helo="localhost"):
    """One round of the bot, for the shell: straight to every exchanger, a placeholder as sender."""
    servers = EXCHANGERS4 if family == 4 else [f"[{a}]" for a in EXCHANGERS6]
    one = "smtp-source {} -c -m {} -M {} -f you@example.com -t victim{}@mx{}.postern '{}:25'"
    return " & ".join(one.format(f"-{family}", messages, helo, n, n, server) for n, server in enumerate(servers)) + " & wait"
