"""The load generator's program, and the files that it reads and writes."""

import json
import os
import pathlib
import subprocess

from beckon_node import child_environment, program

MIX = {
    "users": {"count": 300, "distribution": "zipf", "exponent": 0.9, "prefix": "load-"},
    "placements": ["home"],
    "shares": {"decide": 50, "decide_with_request_id": 20, "retry": 10, "events": 20},
    "events": {"batch_min": 1, "batch_max": 20, "types": {"impression": 7, "click": 2, "dismiss": 1}, "popups": ["p"]},
    "event_for_each_claim": "impression",
}


def load_program():
    """$BECKON_LOAD_BIN, else the one beside the node's program."""
    return os.environ.get("BECKON_LOAD_BIN") or str(pathlib.Path(program()).with_name("beckon-load"))


def write_mix(directory, **changes):
    path = pathlib.Path(directory) / "mix.json"
    path.write_text(json.dumps({**MIX, **changes}), encoding="utf-8")
    return path


def begin_load(*arguments):
    """Starts the program and returns its subprocess.Popen."""
    return subprocess.Popen([load_program(), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=child_environment())


def end_load(process, timeout_s=60.0):
    """Waits for the end; returns (exit code, standard output, standard error)."""
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, out.decode(), err.decode()


def call_load(*arguments, timeout_s=60.0):
    return end_load(begin_load(*arguments), timeout_s)


def run_load(node, directory, **options):
    """A whole run with the mix in `directory` and its ledger there; returns the figures."""
    code, out, err = call_load(*run_words(node, directory, **options))
    assert code == 0, err
    return json.loads(out)


def run_words(node, directory, **options):
    words = {"rate": 1500, "seconds": 3, "connections": 32, "threads": 2, "seed": 1, **options}
    return ["run", "--url", url_of(node), "--mix", directory / "mix.json", "--ledger", directory / "ledger",
            "--json", "-", *[f"--{name.replace('_', '-')}={value}" for name, value in words.items()]]


def verify_load(node, directory, *more):
    """Returns (exit code, findings that are not zero, the whole document)."""
    code, out, err = call_load("verify", "--url", url_of(node), "--ledger", directory / "ledger", "--json", "-", *more)
    assert code in (0, 1), err
    document = json.loads(out)
    found = {name: row["count"] for name, row in document["findings"].items() if row["count"]}
    assert (code == 0) == (not found), err
    return code, found, document


def url_of(node):
    return f"http://127.0.0.1:{node.port}"


def ledger_lines(directory):
    """(path, lines as documents) of each file, without the remains of a kill."""
    for path in sorted((directory / "ledger").glob("*.jsonl")):
        text = path.read_bytes().rstrip(b"\0").decode()
        yield path, [json.loads(line) for line in text.splitlines() if line.endswith("}")]


def rewrite(path, lines):
    """Rewrites a ledger file and corrects the number in its last line."""
    lines = [dict(one) for one in lines]
    if "end" in lines[-1]:
        lines[-1]["end"] = len(lines)
    path.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
