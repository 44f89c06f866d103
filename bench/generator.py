"""wrk and beckon-load, and what one round of them says about a server. A wrong answer or an error ends the run."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess

from servers import ROOT, BenchFailed, failing_as, limited_to

SCRIPT = pathlib.Path(__file__).with_name("decide.lua")
# One thread: on two cores a second one takes the core that the server needs (nginx: 145,000 requests/s with one
# thread, 100,000 with two), and one thread drives more than any row here reaches.
THREADS = 1
SUMMED = ("requests", "errors", "claims", "events")
ROUNDS_KEPT = ("requests_per_s", "cpu_us", "p99_ms")


class Load:
    """One round of wrk: the requests, and the text in every correct answer (empty: unchecked)."""

    def __init__(self, connections, seconds, how, prefix, count=1, placement="home", marker=""):
        self.connections = connections
        self.seconds = seconds
        self.script = [how, prefix, str(count), placement, marker]

    def words(self, port):
        program = shutil.which("wrk")
        if program is None:
            raise BenchFailed("wrk is not installed; script/bootstrap --bench installs it")
        return [program, f"-t{THREADS}", f"-c{self.connections}", f"-d{self.seconds}s", "-s", str(SCRIPT),
                f"http://127.0.0.1:{port}", "--", *self.script]


def run_wrk(server, load, wrapped_in=()):
    """One round against `server`; `wrapped_in` are the words of a program that runs wrk. Returns its figures."""
    before, store_before = server.cpu_seconds(), server.store_cpu_seconds()
    words = [*wrapped_in, *load.words(server.port)]
    with failing_as(f"wrk against {server.name}"):
        result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=load.seconds + 60,
                                check=False)
    after, store_after = server.cpu_seconds(), server.store_cpu_seconds()
    out, err = result.stdout.decode(errors="replace"), result.stderr.decode(errors="replace")
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if result.returncode != 0 or len(lines) != 1:
        raise BenchFailed(f"wrk failed against {server.name}: {out} {err}\n{server.log()}")
    seen = json.loads(lines[0])
    errors = sum(seen[name] for name in ("connect", "read", "write", "status", "timeout", "wrong"))
    if errors or not seen["requests"]:
        raise BenchFailed(f"{server.name}: {errors} errors or wrong answers in {seen['requests']} requests: "
                          f"{seen}\n{server.log()}")
    figures = {
        "requests": seen["requests"],
        "requests_per_s": seen["requests"] / (seen["duration_us"] / 1e6),
        "p50_ms": seen["p50_us"] / 1000,
        "p99_ms": seen["p99_us"] / 1000,
        "p999_ms": seen["p999_us"] / 1000,
        "errors": errors,
        **cpu_figures(before, after, seen["requests"]),
    }
    if server.store_pid:
        figures["store_cpu_us"] = (store_after - store_before) / seen["requests"] * 1e6
    if load.script[0] == "mix":
        figures.update(claims=seen["claims"], events=seen["events"])
    return figures


def cpu_figures(before, after, requests):
    """CPU for each request in microseconds, which is milliseconds for 1,000 requests."""
    user, system = ((end - start) / requests * 1e6 for start, end in zip(before, after))
    return {"cpu_us": user + system, "cpu_user_us": user, "cpu_system_us": system}


def medians(rounds):
    """The median of each figure over rounds; counts are summed."""
    merged = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    merged.update((name, sum(one[name] for one in rounds)) for name in SUMMED if name in rounds[0])
    return merged


def kept_rounds(rounds):
    return {name: [one[name] for one in rounds] for name in ROUNDS_KEPT}


# -- beckon-load ---------------------------------------------------------------------------------


def load_program():
    """$BECKON_LOAD_BIN, else the one beside the node's program."""
    node = os.environ.get("BECKON_BIN") or str(ROOT / "build" / "bin" / "beckon")
    program = os.environ.get("BECKON_LOAD_BIN") or str(pathlib.Path(node).with_name("beckon-load"))
    if not os.access(program, os.X_OK):
        raise BenchFailed(f"{program} is not there; script/build --tests makes it")
    return program


class LoadRun:
    """A background run of beckon-load, with its own mix and directory; several may share a ledger."""

    def __init__(self, directory, ports, mix, ledger=None, descriptors=0, wrapped_in=(), **options):
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "mix.json").write_text(json.dumps(mix))
        self.directory = directory
        self.ports = ports
        self.ledger = ledger
        options["ledger"] = ledger
        words = [load_program(), "run", *self.urls(), "--mix", directory / "mix.json", "--json", "-"]
        words += [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not None]
        self.log = open(directory / "load.log", "w+b")
        words = limited_to(descriptors, [*wrapped_in, *(str(word) for word in words)])
        with failing_as("beckon-load does not start"):
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)

    def urls(self):
        return [word for port in self.ports for word in ("--url", f"http://127.0.0.1:{port}")]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def outcome(self, timeout_s=300):
        """Waits for the end; the document of figures, whatever became of the requests."""
        try:
            out, _ = self.process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise BenchFailed(f"beckon-load did not end within {timeout_s} s: {self.said()}") from None
        if self.process.returncode != 0:
            raise BenchFailed(f"beckon-load ended with {self.process.returncode}: {self.said()}")
        return json.loads(out)

    def end(self):
        """Waits for the end; the document of figures. Errors of any kind fail the run."""
        document = self.outcome()
        total = document["kinds"]["all"]
        errors = document["errors"] + document["not_sent"] + document["batches_unanswered"]
        if errors or not total["answered"]:
            raise BenchFailed(f"beckon-load: {errors} errors in {total['answered']} answers: {total['errors']}, "
                              f"{document['not_sent']} not sent, {document['connect_failures']} connects failed")
        return document

    def said(self):
        self.log.flush()
        return (self.directory / "load.log").read_text(errors="replace")[-1500:]

    def verify(self, wait_s=60):
        """Checks the store against the ledger; returns the document, which has no finding."""
        words = [load_program(), "verify", *self.urls()[:2], "--ledger", self.ledger, "--json", "-",
                 f"--wait-seconds={wait_s}", "--users-max=1000"]
        with failing_as("beckon-load verify"):
            result = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    timeout=600, check=False)
        if result.returncode != 0:
            raise BenchFailed(f"the store does not hold what was answered: {result.stdout.decode()[-3000:]} "
                              f"{result.stderr.decode()[-1000:]}")
        return json.loads(result.stdout)


def load_figures(document):
    """The same names as a round of wrk has. Latencies count from when a request was due."""
    total = document["kinds"]["all"]
    return {"requests": total["answered"], "requests_per_s": total["per_second"], "p50_ms": total["p50_ms"],
            "p99_ms": total["p99_ms"], "p999_ms": total["p999_ms"], "errors": document["errors"],
            "generator_lag_p99_ms": document["generator"]["lag_p99_ms"]}
