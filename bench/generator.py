"""wrk, and what one round of it says about a server."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess

from servers import BenchFailed

SCRIPT = pathlib.Path(__file__).with_name("decide.lua")
# One thread: on two cores a second one takes the core that the server needs (nginx: 145,000 requests/s with one
# thread, 100,000 with two), and one thread drives more than any row here reaches.
THREADS = 1


def run_wrk(server, connections, seconds, how, prefix, count, placement, marker):
    """One round. Wrong answers and errors of any kind fail the run. Returns the figures of the round."""
    program = shutil.which("wrk")
    if program is None:
        raise BenchFailed("wrk is not installed; script/bootstrap installs it")
    words = [program, f"-t{THREADS}", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT),
             f"http://127.0.0.1:{server.port}", "--", how, prefix, str(count), placement, marker]
    user, system = server.cpu_seconds()
    result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds + 60,
                            env=dict(os.environ), check=False)
    user_after, system_after = server.cpu_seconds()
    lines = [line for line in result.stdout.decode(errors="replace").splitlines() if line.startswith("{")]
    if result.returncode != 0 or len(lines) != 1:
        raise BenchFailed(f"wrk failed against {server.name}: {result.stdout.decode(errors='replace')} "
                          f"{result.stderr.decode(errors='replace')}")
    figures = json.loads(lines[0])
    errors = sum(figures[name] for name in ("connect", "read", "write", "status", "timeout", "wrong"))
    if errors or not figures["requests"]:
        raise BenchFailed(f"{server.name}: {errors} errors or wrong answers in {figures['requests']} requests: "
                          f"{figures}\n{server.log()}")
    requests = figures["requests"]
    return {
        "requests": requests,
        "requests_per_s": requests / (figures["duration_us"] / 1e6),
        "p50_ms": figures["p50_us"] / 1000,
        "p99_ms": figures["p99_us"] / 1000,
        "p999_ms": figures["p999_us"] / 1000,
        "errors": errors,
        "cpu_user_us": (user_after - user) / requests * 1e6,
        "cpu_system_us": (system_after - system) / requests * 1e6,
        "cpu_us": (user_after - user + system_after - system) / requests * 1e6,
    }


def medians(rounds):
    """The median of each figure over rounds; counts are summed."""
    merged = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    for name in ("requests", "errors"):
        merged[name] = sum(one[name] for one in rounds)
    return merged
