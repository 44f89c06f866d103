"""What is asked for (rounds, seed, one campaign), the things that campaigns share, and the table at the end.

FAULT_ROUNDS, FAULT_SEED, FAULT_CAMPAIGN and FAULT_STORE say it; script/test --faults N --seed S --campaign K --store X
sets them."""

import os
import pathlib
import random
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "system"), str(HERE.parent / "mariadb")]

from beckon_node import program  # noqa: E402  (its folder is named above)
from campaign import Outcome  # noqa: E402
from plan import KINDS, STORES, make_plan  # noqa: E402
from server import Server  # noqa: E402

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "20"))
SEED = int(os.environ.get("FAULT_SEED") or random.SystemRandom().randrange(10**6))
ONLY = int(os.environ.get("FAULT_CAMPAIGN") or 0)
STORE = os.environ.get("FAULT_STORE") or ""
REPLAY = f"script/test --faults {ROUNDS} --seed {SEED}" + (f" --store {STORE}" if STORE else "")
total = Outcome()


def say(line):
    """Prints at once, despite pytest's capture."""
    print(line, file=sys.__stderr__, flush=True)


def pytest_sessionstart(session):
    for path in (program(), str(pathlib.Path(program()).with_name("beckon-load"))):
        if not pathlib.Path(path).is_file():
            pytest.exit(f"there is no program at {path}: run script/build --tests", returncode=2)


def pytest_generate_tests(metafunc):
    if "campaign_plan" not in metafunc.fixturenames:
        return
    stores = (STORE,) if STORE else STORES
    plans = [one for one in make_plan(SEED, ROUNDS, stores) if ONLY in (0, one.number)]
    metafunc.parametrize("campaign_plan", plans, ids=[one.name for one in plans])


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The MariaDB server of all campaigns; each has its own database."""
    made = Server(tmp_path_factory.mktemp("mariadb") / "server")
    made.start("--skip-networking")  # its socket is enough for the proxy, and nobody can take that while it is down
    yield made
    made.remove()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    plan = getattr(item, "callspec", None) and item.callspec.params.get("campaign_plan")
    if report.failed and plan:
        rounds = "\n".join(f"round {one.number}: " + " + ".join(map(str, one.faults)) for one in plan.rounds)
        report.sections.append(("replay", f"seed {SEED}; {REPLAY} --campaign {plan.number}\n{rounds}"))


def table():
    lines = [f"{'fault':<16}{'times':>7}{'hits':>9}{'slowest recovery':>20}"]
    for kind in KINDS:
        if total.faults[kind] or total.left_out[kind]:
            left_out = f"  ({total.left_out[kind]} left out: needs root)" if total.left_out[kind] else ""
            lines.append(f"{kind:<16}{total.faults[kind]:>7}{total.hits[kind]:>9}"
                         f"{total.slowest.get(kind, 0.0):>18.2f} s{left_out}")
    numbers = {"rounds": total.rounds, "faults": sum(total.faults.values()), "requests": total.numbers["requests"],
               "events acknowledged": total.numbers["events_confirmed"],
               "popups shown": total.numbers["shows_answered"], "waits promised": total.numbers["promises"],
               "starts in vain": total.numbers["failed_starts"]}
    if total.numbers["incarnations"]:
        numbers.update({"incarnations": total.numbers["incarnations"], "owners changed": total.numbers["owners_changed"],
                        "claims audited": total.numbers["claims_audited"],
                        "looks at nodes": total.numbers["looks_at_nodes"]})
    lines += [f"{name:<24}{value:>12}" for name, value in numbers.items()]
    findings = {"lost", "duplicated", "too early"} | set(total.findings)
    lines += [f"{name:<24}{total.findings[name]:>12}" for name in sorted(findings)]
    slowest = max(total.slowest.values(), default=0.0)
    return lines + [f"{'slowest recovery':<24}{slowest:>10.2f} s", f"{'duration':<24}{total.seconds:>10.0f} s"]


def pytest_terminal_summary(terminalreporter):
    if not total.rounds:
        return
    terminalreporter.section(f"faults, seed {SEED}")
    for line in table():
        terminalreporter.line(line)
    if total.left_out:
        terminalreporter.line("disk-full was left out: a small file system can be mounted by root alone")
    if terminalreporter.stats.get("failed"):
        terminalreporter.line(f"seed {SEED}; again: {REPLAY}")


@pytest.fixture(scope="session")
def with_disk():
    """Whether a small file system can be mounted."""
    return os.geteuid() == 0
