#!/usr/bin/env python3
"""A private MariaDB server for tests: data in a directory of its own, run by whoever calls this, on a loopback port that
stays its own and a Unix socket. From Python: Server(directory).start(). From elsewhere:

  server.py start DIR [tls] [OPTION...]   starts a server on DIR (made if need be); options of mariadbd such as
                                    --max-connections=10; prints socket=, port= and pid=, also kept in DIR/address;
                                    with tls, clients find the authority that signed its certificate in DIR/ca.pem
  server.py restart DIR             starts the one that was stopped or killed, on its data and its old port
  server.py stop DIR                ends it in good order
  server.py kill DIR                ends it like a power cut
  server.py pause DIR | resume DIR  stops it in its tracks, lets it go on
  server.py remove DIR              stops it, and servers in directories of DIR, and removes DIR

There is one database `beckon` and an account beckon with the password beckon, which may do everything; root has no
password and comes in by the socket alone."""

import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from owned_ports import BLOCK, claim, owned_port

INSTALL_DEADLINE_S = 120.0
START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 60.0

ACCOUNT_SQL = """CREATE DATABASE IF NOT EXISTS beckon;
CREATE USER IF NOT EXISTS beckon@localhost IDENTIFIED BY 'beckon';
CREATE USER IF NOT EXISTS beckon@'127.0.0.1' IDENTIFIED BY 'beckon';
GRANT ALL ON *.* TO beckon@localhost;
GRANT ALL ON *.* TO beckon@'127.0.0.1';
"""


class ServerFailed(Exception):
    """The server did not start or did not stop as it should."""


def _program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin:/usr/local/sbin")
    if not found:
        raise ServerFailed(f"{name} is not installed: run script/bootstrap (Debian's mariadb-server-core)")
    return found


def _as_root():
    """mariadbd refuses to run as root unless it is told to."""
    return ["--user=root"] if os.geteuid() == 0 else []


class Server:
    """One server on one directory. Everything about it stands in files there, so that another process can go on."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory).resolve()
        self.data = self.directory / "data"
        self.log = self.directory / "error.log"
        self.socket = ""
        self.port = 0
        self.pid = 0
        self.held_by_server = False
        self._block = ()
        self._read_address()

    # -- life ------------------------------------------------------------------------------------

    def start(self, *options):
        """Starts the server on a port of its own, installing its tables first; what still runs there is stopped before."""
        self.stop()
        self.directory.mkdir(parents=True, exist_ok=True)
        if not (self.data / "mysql").is_dir():
            self._install()
        if "tls" in options:
            options = [o for o in options if o != "tls"] + self._make_certificates()
        (self.directory / "options").write_text("\n".join(options))
        # The path of a socket has at most 107 bytes; a build directory may be deeper.
        if not self.socket or not os.path.isdir(os.path.dirname(self.socket)):
            self.socket = tempfile.mkdtemp(prefix="beckon-db-") + "/s"
        self.port = self._own_port()
        return self._run()

    def restart(self):
        """Starts it on its old port."""
        self.stop()
        return self._run()

    def stop(self):
        """Ends it in good order; nothing happens when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def pause(self):
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def remove(self):
        for inner in self.directory.glob("*/address"):
            Server(inner.parent).remove()
        self.stop()
        if self.socket:
            shutil.rmtree(os.path.dirname(self.socket), ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def running(self):
        """Whether the process that was started is still that server."""
        if not self.pid:
            return False
        try:
            words = pathlib.Path(f"/proc/{self.pid}/cmdline").read_bytes().split(b"\0")
            state = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return False
        return f"--datadir={self.data}".encode() in words and state != "Z"

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def sql(self, text):
        """Runs statements as root and returns what they print, columns parted by tabs."""
        done = subprocess.run([_program("mariadb"), "--no-defaults", f"--socket={self.socket}", "--user=root",
                               "--batch", "--skip-column-names"], input=text.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False)
        if done.returncode != 0:
            raise ServerFailed(done.stderr.decode(errors="replace"))
        return done.stdout.decode(errors="replace")

    # -- how -------------------------------------------------------------------------------------

    def _own_port(self):
        """One that nobody takes while this server is down. Called from the shell, this process ends at once: the server
        holds a block instead, and those in directories of its directory take theirs from it."""
        around = self.directory.parent / "ports"
        if around.exists():
            with open(around, "r+", encoding="ascii") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                first, given = map(int, file.read().split())
                if given == BLOCK:
                    raise ServerFailed(f"more than {BLOCK} servers were started below {around.parent}")
                file.seek(0)
                file.write(f"{first} {given + 1:3}")
                return first + given
        if not self.held_by_server:
            return owned_port()
        block = claim()
        self._block = (block.lock,)
        (self.directory / "ports").write_text(f"{block.first}   1", encoding="ascii")
        return block.first

    def _environment(self):
        """With a directory for temporary tables of its own: a server that starts deletes those of all others."""
        own = self.directory / "tmp"
        own.mkdir(exist_ok=True)
        return {**os.environ, "TMPDIR": str(own)}

    def _install(self):
        done = subprocess.run([_program("mariadb-install-db"), "--no-defaults", f"--datadir={self.data}",
                               "--auth-root-authentication-method=normal", "--skip-test-db",
                               "--innodb-log-file-size=64M", *_as_root()],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=INSTALL_DEADLINE_S, check=False,
                              env=self._environment())
        if done.returncode != 0:
            raise ServerFailed(f"mariadb-install-db failed:\n{done.stdout.decode(errors='replace')}")

    def _make_certificates(self):
        """An authority, and a certificate of it for the names by which tests reach the server."""
        ca, key, request, cert = (str(self.directory / name) for name in ("ca.pem", "key.pem", "request.pem", "cert.pem"))
        extension = self.directory / "names.ext"
        extension.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        for words in (
                ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", ca + ".key", "-out", ca, "-days", "2",
                 "-subj", "/CN=test authority"),
                ("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=localhost"),
                ("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca + ".key", "-CAcreateserial", "-out", cert,
                 "-days", "2", "-extfile", str(extension))):
            done = subprocess.run([_program("openssl"), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=60, check=False)
            if done.returncode != 0:
                raise ServerFailed(f"openssl {words[0]} failed:\n{done.stdout.decode(errors='replace')}")
        return [f"--ssl-ca={ca}", f"--ssl-cert={cert}", f"--ssl-key={key}"]

    def _run(self):
        init = self.directory / "init.sql"
        init.write_text(ACCOUNT_SQL)
        options = (self.directory / "options").read_text().split("\n")
        self.log.unlink(missing_ok=True)
        command = [_program("mariadbd"), "--no-defaults", f"--datadir={self.data}", f"--socket={self.socket}",
                   f"--port={self.port}", "--bind-address=127.0.0.1", f"--pid-file={self.directory}/pid",
                   f"--log-error={self.log}", f"--init-file={init}", "--skip-name-resolve", "--skip-log-bin",
                   "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=256M",
                   "--innodb-log-file-size=64M", *_as_root(), *[o for o in options if o]]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, cwd=self.directory, start_new_session=True,
                                   env=self._environment(), pass_fds=self._block)
        self.pid = process.pid
        self._write_address()
        self._wait_until_ready(process)
        return self

    def _wait_until_ready(self, process):
        deadline = time.monotonic() + START_DEADLINE_S
        while not self._greets():
            if process.poll() is not None:
                raise ServerFailed(f"mariadbd ended with {process.returncode}:\n{self.log_text()}")
            if time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(f"mariadbd was not ready after {START_DEADLINE_S:.0f} s:\n{self.log_text()}")
            time.sleep(0.05)

    def _greets(self):
        """Whether it takes connections: the first packet is its greeting, or an error while it still starts."""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(2)
                s.connect(self.socket)
                packet = s.recv(5)
                return len(packet) == 5 and packet[4] == 10
        except OSError:
            return False

    def _end(self, number):
        if not self.running():
            return
        try:
            os.kill(self.pid, number)
            os.kill(self.pid, signal.SIGCONT)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + STOP_DEADLINE_S
        while self.running():
            try:
                os.waitpid(self.pid, os.WNOHANG)  # a child of ours would stay as a zombie
            except ChildProcessError:
                pass
            if time.monotonic() > deadline:
                raise ServerFailed(f"mariadbd, pid {self.pid}, did not end:\n{self.log_text()}")
            time.sleep(0.02)

    def _write_address(self):
        lines = (f"socket={self.socket}", f"port={self.port}", f"pid={self.pid}", f"control={__file__}")
        (self.directory / "address").write_text("\n".join(lines) + "\n")

    def _read_address(self):
        try:
            pairs = dict(line.split("=", 1) for line in (self.directory / "address").read_text().splitlines())
            self.socket, self.port, self.pid = pairs["socket"], int(pairs["port"]), int(pairs["pid"])
        except (OSError, KeyError, ValueError):
            pass  # never started


def main(words):
    commands = ("start", "restart", "stop", "kill", "pause", "resume", "remove")
    if len(words) < 2 or words[0] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    server = Server(words[1])
    server.held_by_server = True
    try:
        getattr(server, words[0])(*words[2:])
    except ServerFailed as failed:
        print(f"server.py {words[0]}: {failed}", file=sys.stderr)
        return 1
    if words[0] in ("start", "restart"):
        print(f"socket={server.socket}\nport={server.port}\npid={server.pid}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
