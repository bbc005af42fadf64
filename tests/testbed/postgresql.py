"""A PostgreSQL of a test's own, in a folder of its own and reached by a socket there. It ends with the test, whatever
the test ends of.

    with Postgresql() as database:
        database.stop(); database.start()
        database.ask("SELECT ...")
        standby = database.standby(); standby.promote()
"""
import ctypes
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1


def die_with_me():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


class Postgresql:
    """`secret`: the collector's role has to say it, with characters that a URI has to spell. `settings`: of the server;
    those of tests do without the disk."""

    def __init__(self, secret=None, first=None, settings=("fsync=off", "shared_buffers=16MB")):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not found:
            raise RuntimeError("there is no PostgreSQL in /usr/lib/postgresql")
        self.programs, self.process, self.settings = found[-1], None, settings
        self.folder = tempfile.mkdtemp(prefix="postgresql.")
        self.data = os.path.join(self.folder, "data")
        self.rights = {}
        if os.geteuid() == 0:  # which it refuses to be run by
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self.rights = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        if first:
            self.run("pg_basebackup", "-D", self.data, "-h", first.folder, "-U", "postgres", "-R", "--no-sync", "-c", "fast")
            self.uri = f"postgresql://postern@/postern?host={self.folder}"
            self.start()
            return
        self.run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8")
        said = f":{secret}" if secret else ""
        self.uri = f"postgresql://postern{said}@/postern?host={self.folder}"
        if secret:
            with open(os.path.join(self.data, "pg_hba.conf"), "r+", encoding="utf-8") as file:
                rules = file.read()
                file.seek(0)
                file.write("local all postern scram-sha-256\n" + rules)
        self.start()
        self.ask("CREATE ROLE postern LOGIN" + (f" PASSWORD '{secret}'" if secret else ""), "postgres")
        self.ask("CREATE DATABASE postern OWNER postern", "postgres")

    def run(self, program, *arguments):
        return subprocess.run([os.path.join(self.programs, program), *arguments], check=True, capture_output=True, text=True,
                              cwd="/", **self.rights).stdout

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(self.programs, "postgres"), "-D", self.data, "-k", self.folder, "-c", "listen_addresses=",
                 *(word for setting in self.settings for word in ("-c", setting))], stdout=log, stderr=log, cwd="/", preexec_fn=die_with_me, **self.rights)
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            if subprocess.run([os.path.join(self.programs, "pg_isready"), "-q", "-h", self.folder], check=False).returncode == 0:
                return
            time.sleep(0.05)
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
            raise RuntimeError(f"PostgreSQL did not start: {log.read()[-1000:]}")

    def stop(self, how=signal.SIGQUIT):
        """SIGQUIT: at once; SIGINT: who is connected is told."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=60)

    def standby(self):
        """A second server that follows this one, and is waited for by each commit from now on."""
        second = Postgresql(first=self)
        self.wait_for("*")
        return second

    def wait_for(self, standbys):
        self.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{standbys}'", "postgres")
        self.ask("SELECT pg_reload_conf()", "postgres")

    def promote(self):
        """From now on it takes writes, and waits for nobody."""
        self.wait_for("")
        self.ask("SELECT pg_promote()", "postgres")

    def ask(self, sql, database="postern"):
        """The rows, as lines."""
        return self.run("psql", "-XAtq", "-h", self.folder, "-U", "postgres", "-d", database, "-c", sql).splitlines()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
