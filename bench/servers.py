"""Servers under measurement: started on free loopback ports, watched through /proc, always stopped."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
START_DEADLINE_S = 20.0


class BenchFailed(Exception):
    """The run is invalid: a peer did not start, or an answer was wrong."""


class Unanswered(BenchFailed):
    """No answer came: nobody listens, the connection broke, or it took too long."""


@contextlib.contextmanager
def failing_as(what, kind=BenchFailed):
    """What the operating system, a program or a connection refuses within ends the run, and says during what."""
    try:
        yield
    except (OSError, subprocess.SubprocessError, http.client.HTTPException) as problem:
        raise kind(f"{what}: {type(problem).__name__}: {problem}") from problem


def of_process(pid, name):
    """A file of /proc/PID."""
    with failing_as(f"process {pid} is gone"):
        return pathlib.Path(f"/proc/{pid}/{name}").read_text()


def cpu_seconds_of(pid):
    """(user, system) of one process and its threads, from the operating system's accounting."""
    fields = of_process(pid, "stat").rpartition(")")[2].split()
    return int(fields[11]) / TICKS_PER_S, int(fields[12]) / TICKS_PER_S


def limited_to(descriptors, words):
    """The words of a program with a limit of open descriptors; 0: the caller's own."""
    return ["prlimit", f"--nofile={descriptors}:{descriptors}", *words] if descriptors else words


def wait_until(condition, what, deadline_s=START_DEADLINE_S, pause_s=0.005):
    deadline = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > deadline:
            raise BenchFailed(f"not within {deadline_s:.0f} s: {what}")
        time.sleep(pause_s)


class Server:
    """A process that listens on `port`. Use it as a context: it is always stopped."""

    name = ""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = 0
        self.process = None
        self.start_ms = 0.0
        self.store_pid = 0

    def __enter__(self):
        began = time.monotonic()
        try:
            self.launch()
        except BaseException:
            self.stop()
            raise
        self.start_ms = (time.monotonic() - began) * 1000
        return self

    def __exit__(self, *_):
        self.stop()

    def spawn(self, words, more_environment=None):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BECKON_")}
        environment.update(more_environment or {})
        with open(self.directory / "stdout.log", "wb") as out, open(self.directory / "stderr.log", "wb") as err:
            try:
                self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                                env=environment, cwd=self.directory)
            except FileNotFoundError:
                raise BenchFailed(f"{words[0]} is not there; script/build makes beckon, script/bootstrap installs "
                                  "the peers") from None
            except OSError as problem:
                raise BenchFailed(f"{words[0]} does not start: {problem}") from problem

    def log(self):
        return "".join((self.directory / f"{name}.log").read_text(errors="replace")[-3000:]
                       for name in ("stdout", "stderr") if (self.directory / f"{name}.log").exists())

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    # -- accounting ------------------------------------------------------------------------------

    def pids(self):
        """The process and its children."""
        pid = self.process.pid
        return [pid] + [int(word) for word in of_process(pid, f"task/{pid}/children").split()]

    def store_cpu_seconds(self):
        """Of a database server beside it, which `store_pid` names; 0 when there is none."""
        return sum(cpu_seconds_of(self.store_pid)) if self.store_pid else 0.0

    def cpu_seconds(self):
        """(user, system) over all of its processes."""
        each = [cpu_seconds_of(pid) for pid in self.pids()]
        return sum(user for user, _ in each), sum(system for _, system in each)

    def memory(self, field):
        """A field of /proc/PID/status in bytes, e.g. VmRSS or VmHWM, summed."""
        return sum(1024 * int(re.search(rf"{field}:\s+(\d+) kB", of_process(pid, "status"))[1]) for pid in self.pids())

    def settled_rss(self):
        """Resident memory once it has stopped moving."""
        last, since = self.memory("VmRSS"), time.monotonic()
        deadline = since + 10
        while time.monotonic() - since < 0.5 and time.monotonic() < deadline:
            time.sleep(0.05)
            now = self.memory("VmRSS")
            if abs(now - last) > 64 * 1024:
                last, since = now, time.monotonic()
        return last


class Beckon(Server):
    """A node. `everywhere` are settings for all of them, which bench/run takes from the command line."""

    everywhere = {}

    def __init__(self, directory, settings=None, name="beckon", store_pid=0, descriptors=0):
        super().__init__(directory)
        self.descriptors = descriptors
        self.name = name
        self.store_pid = store_pid
        self.settings = {"http.port": 0, "node.data-dir": self.directory / "data", **(settings or {}),
                         **self.everywhere}

    def launch(self):
        program = os.environ.get("BECKON_BIN") or str(ROOT / "build" / "bin" / "beckon")
        words = [program, "serve", *(f"--{key}={value}" for key, value in self.settings.items())]
        self.spawn(limited_to(self.descriptors, words))
        out = self.directory / "stdout.log"
        pattern = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")
        wait_until(lambda: not self.alive() or pattern.search(out.read_text()), "beckon listens")
        found = pattern.search(out.read_text())
        if not found or not self.alive():
            raise BenchFailed(f"beckon did not start\n{self.log()}")
        self.port = int(found[1])

    def metric(self, name):
        """Sum of the samples of one name; `name` may hold one label, as in 'x_total{reason="MATCH"'."""
        text = ask(self.port, "GET", "/metrics")[1].decode()
        values = [float(line.split()[-1]) for line in text.splitlines()
                  if line.startswith(name) and line[len(name):len(name) + 1] in (" ", "{", "}", ",")]
        if not values:
            raise BenchFailed(f"/metrics has no {name}")
        return sum(values)


def ask(port, method, path, body=None):
    """One request on a connection of its own: (status, body). Unanswered when no answer comes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection), failing_as(f"{method} {path}", Unanswered):
        connection.request(method, path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json"} if body is not None else {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def must(port, method, path, body=None):
    """As ask(), but anything other than success fails the run; returns the document."""
    status, answer = ask(port, method, path, body)
    if not 200 <= status < 300:
        raise BenchFailed(f"{method} {path} was answered {status} {answer[:300]!r}")
    return json.loads(answer) if answer else None
