"""One beckon process under test: started on a free loopback port, always stopped by its process id."""

import os
import pathlib
import re
import signal
import subprocess
import time

from http_client import Client

ROOT = pathlib.Path(__file__).resolve().parents[2]
LISTENING = re.compile(rb"listening on http://127\.0\.0\.1:(\d+)")
START_DEADLINE_S = 20.0
# Under nohup the tests themselves ignore SIGHUP, and a program would inherit that.
HEEDING_SIGHUP = ["env", "--default-signal=HUP"]
STOP_DEADLINE_S = 20.0


class NodeFailed(Exception):
    """The program did not start or stop as expected."""


def program():
    """The binary under test: $BECKON_BIN, else the one from script/build."""
    return os.environ.get("BECKON_BIN") or str(ROOT / "build" / "bin" / "beckon")


def child_environment():
    """The environment without BECKON_*: the program reads these as configuration and refuses unknown ones."""
    return {name: value for name, value in os.environ.items() if not name.startswith("BECKON_")}


def run_program(*arguments, timeout_s=30.0, stdin=b""):
    """Runs a command of the program to its end; returns subprocess.CompletedProcess with bytes."""
    return subprocess.run([program(), *arguments], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout_s, env=child_environment(), check=False)


class Node:
    """A serving node. `settings` are configuration keys by full name, e.g. {"limits.connections-max": 8}."""

    def __init__(self, directory, settings=None):
        self.directory = pathlib.Path(directory)
        self.data_dir = self.directory / "data"
        self.settings = dict(settings or {})
        self.binary = None  # of another program than the one under test
        self.port = 0
        self.pid = 0
        self.start_seconds = 0.0
        self.starts = 0
        self._process = None
        self._clients = []

    # -- life ------------------------------------------------------------------------------------

    def start(self, deadline_s=START_DEADLINE_S):
        """Starts the process and waits for the line that names its address."""
        assert self._process is None, "the node runs already"
        self.directory.mkdir(parents=True, exist_ok=True)
        self.starts += 1
        words = {"http.port": 0, "node.data-dir": self.data_dir, **self.settings}
        arguments = [f"--{key}={value}" for key, value in words.items()]
        out_path = self._log_path("stdout")
        began = time.monotonic()
        with open(out_path, "wb") as out, open(self._log_path("stderr"), "wb") as err:
            self._process = subprocess.Popen([*HEEDING_SIGHUP, self.binary or program(), "serve", *arguments],
                                             stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=child_environment(),
                                             cwd=self.directory)
        self.pid = self._process.pid
        self.port = self._wait_for_port(out_path, began + deadline_s)
        self.start_seconds = time.monotonic() - began
        return self

    def _wait_for_port(self, out_path, deadline):
        while True:
            # Check for the exit before reading the output, so that no last line is missed.
            code = self._process.poll()
            found = LISTENING.search(out_path.read_bytes())
            if found:
                return int(found.group(1))
            if code is not None:
                self._process = None
                raise NodeFailed(f"beckon ended with code {code} before it listened\n{self.log_text()}")
            if time.monotonic() > deadline:
                self.kill()
                raise NodeFailed(f"no line 'listening on http://127.0.0.1:PORT' in time\n{self.log_text()}")
            time.sleep(0.002)

    def running(self):
        return self._process is not None and self._process.poll() is None

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self, deadline_s=STOP_DEADLINE_S):
        """Waits for the end of the process and returns its exit code."""
        try:
            code = self._process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise NodeFailed(f"beckon did not stop within {deadline_s} s\n{self.log_text()}") from None
        self._process = None
        self._close_clients()
        return code

    def stop(self, deadline_s=STOP_DEADLINE_S):
        """SIGTERM; returns the exit code. After the deadline SIGKILL and an error."""
        if self._process is None:
            return None
        self._process.send_signal(signal.SIGTERM)
        return self.wait(deadline_s)

    def kill(self):
        """SIGKILL in any state."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._close_clients()

    def restart(self):
        code = self.stop()
        assert code == 0, f"exit code {code} on SIGTERM\n{self.log_text()}"
        return self.start()

    # -- looking at it ---------------------------------------------------------------------------

    def _log_path(self, name):
        return self.directory / f"{name}-{self.starts}.log"

    def log_text(self, bytes_max=8000):
        """What the current (or last) process wrote."""
        parts = []
        for name in ("stdout", "stderr"):
            path = self._log_path(name)
            if path.exists():
                parts.append(f"--- {path.name}\n" + path.read_bytes()[-bytes_max:].decode("utf-8", "replace"))
        return "\n".join(parts)

    def rss_bytes(self):
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # -- talking to it ---------------------------------------------------------------------------

    def client(self, timeout_s=10.0):
        """A new keep-alive client with a connection of its own; closed with the node."""
        made = Client("127.0.0.1", self.port, timeout_s)
        self._clients.append(made)
        return made

    def _close_clients(self):
        for made in self._clients:
            made.close()
        self._clients.clear()
