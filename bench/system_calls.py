"""How many system calls a server makes for each request, counted in a pass of its own because counting costs.

With perf (the tracepoint raw_syscalls:sys_enter) the server hardly slows down. Where perf or its tracepoint is missing,
strace counts; it slows the server down so much that it finds more to do at each wake-up, and fewer calls are made."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

from servers import BenchFailed, failing_as, of_process, wait_until

TRACEPOINT = "raw_syscalls:sys_enter"


def perf_can_count():
    """Whether perf is there and this user may use the tracepoint."""
    program = shutil.which("perf")
    if program is None:
        return False
    tried = subprocess.run([program, "stat", "-x,", "-e", TRACEPOINT, "--", "true"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, check=False)
    return tried.returncode == 0 and re.match(rb"\d+,", tried.stderr.strip()) is not None


def count_system_calls(server, run):
    """One round under the counter: (calls for each request, which program counted). `run` takes words of a program
    that the generator is to be run by, and returns how many requests there were."""
    if perf_can_count():
        return _by_perf(server, run), "perf"
    if shutil.which("strace"):
        return _by_strace(server, run), "strace"
    raise BenchFailed("neither perf nor strace can count system calls; script/bootstrap --bench installs both")


def _by_perf(server, run):
    with tempfile.NamedTemporaryFile(prefix="beckon-perf-") as out:
        pids = ",".join(str(pid) for pid in server.pids())
        requests = run(["perf", "stat", "-x,", "-o", out.name, "-e", TRACEPOINT, "-p", pids, "--"])
        found = re.search(rf"^(\d+),.*{TRACEPOINT}", pathlib.Path(out.name).read_text(), re.MULTILINE)
        if not found:
            raise BenchFailed(f"perf counted nothing: {pathlib.Path(out.name).read_text()}")
        return int(found[1]) / requests


def _traced(pid):
    return "TracerPid:\t0" not in of_process(pid, "status")


def _by_strace(server, run):
    with tempfile.NamedTemporaryFile(prefix="beckon-strace-") as out:
        watched = [word for pid in server.pids() for word in ("-p", str(pid))]
        tracer = subprocess.Popen(["strace", "-f", "-c", "-qq", "-o", out.name, *watched], stdin=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: all(_traced(pid) for pid in server.pids()), "strace watches the server")
            requests = run([])
            with failing_as("strace does not end"):
                os.kill(tracer.pid, signal.SIGINT)
                tracer.wait(20)
        finally:
            if tracer.poll() is None:
                tracer.kill()
                tracer.wait()
        total = re.search(r"^100\.00\s+\S+\s+\S*\s+(\d+).*total$", pathlib.Path(out.name).read_text(), re.MULTILINE)
        if not total:
            raise BenchFailed(f"strace counted nothing: {pathlib.Path(out.name).read_text()}")
        return int(total[1]) / requests
