"""Servers under measurement: started on free loopback ports, watched through /proc, always stopped."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
START_DEADLINE_S = 20.0


class BenchFailed(Exception):
    """The run is worth nothing: a peer did not start, or an answer was wrong."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, deadline_s=START_DEADLINE_S):
    deadline = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > deadline:
            raise BenchFailed(f"not within {deadline_s:.0f} s: {what}")
        time.sleep(0.005)


class Server:
    """A process that listens on `port`. Use as a context: it is stopped whatever happens."""

    name = ""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = 0
        self.process = None
        self.start_ms = 0.0

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

    def spawn(self, words):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BECKON_")}
        with open(self.directory / "stdout.log", "wb") as out, open(self.directory / "stderr.log", "wb") as err:
            try:
                self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                                env=environment, cwd=self.directory)
            except FileNotFoundError:
                raise BenchFailed(f"{words[0]} is not there; script/build makes beckon, script/bootstrap installs "
                                  "the peers") from None

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
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [self.process.pid] + [int(word) for word in pathlib.Path(path).read_text().split()]

    def cpu_seconds(self):
        """(user, system) over all of its processes."""
        user = system = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            user += int(fields[11])
            system += int(fields[12])
        return user / TICKS_PER_S, system / TICKS_PER_S

    def memory(self, field):
        """A field of /proc/PID/status in bytes, e.g. VmRSS or VmHWM, summed."""
        return sum(1024 * int(re.search(rf"{field}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1])
                   for pid in self.pids())

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


class Nginx(Server):
    """`return 200` with a body that is given: what the kernel and a socket cost at least."""

    def __init__(self, directory, body, workers="1"):
        super().__init__(directory)
        self.name = f"nginx ({workers} worker{'' if workers == '1' else 's'})"
        self.body = body
        self.workers = workers

    def launch(self):
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.port = free_port()
        if "'" in self.body or "\\" in self.body or "$" in self.body:
            raise BenchFailed(f"nginx cannot be given this body: {self.body}")
        (self.directory / "nginx.conf").write_text(f"""
daemon off;
worker_processes {self.workers};
worker_rlimit_nofile 16384;
pid {self.directory}/nginx.pid;
error_log {self.directory}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  client_body_temp_path {self.directory}/body;
  proxy_temp_path {self.directory}/proxy;
  fastcgi_temp_path {self.directory}/fastcgi;
  uwsgi_temp_path {self.directory}/uwsgi;
  scgi_temp_path {self.directory}/scgi;
  server {{
    listen 127.0.0.1:{self.port} backlog=4096;
    location / {{ return 200 '{self.body}'; }}
  }}
}}
""")
        self.spawn([program, "-p", str(self.directory), "-c", str(self.directory / "nginx.conf")])
        wait_until(lambda: not self.alive() or self.answers(), f"{self.name} answers")
        if not self.alive():
            raise BenchFailed(f"{self.name} did not start\n{self.log()}")

    def answers(self):
        try:
            return ask(self.port, "POST", "/v1/decide", {"user": "u"})[1].decode() == self.body
        except OSError:
            return False


class Beckon(Server):
    name = "beckon"

    def __init__(self, directory, settings=None):
        super().__init__(directory)
        self.settings = {"http.port": 0, "node.data-dir": self.directory / "data", **(settings or {})}

    def launch(self):
        program = os.environ.get("BECKON_BIN") or str(ROOT / "build" / "bin" / "beckon")
        self.spawn([program, "serve", *(f"--{key}={value}" for key, value in self.settings.items())])
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
    """One request on a connection of its own: (status, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json"} if body is not None else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def must(port, method, path, body=None):
    """As ask(), but anything other than success fails the run; returns the document."""
    status, answer = ask(port, method, path, body)
    if not 200 <= status < 300:
        raise BenchFailed(f"{method} {path} was answered {status} {answer[:300]!r}")
    return json.loads(answer) if answer else None
