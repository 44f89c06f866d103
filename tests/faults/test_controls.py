"""Negative controls: nodes that break a promise in a known way. The same load, faults and verification that pass the
product must find each of them, and must name what it broke."""

import pathlib
import time

import pytest

from actions import ACTIONS, now_us
from beckon_node import program
from plan import Fault
from system_under_test import System

LATE_MS = 300
CALM_S = 1.0  # load before each fault
EVERY_MS = 1500
USERS = 200
SHOWN_TOO_SOON = {"too early", "limit broken", "undercharged"}
# Impressions change no user's state, so a store that commits late contradicts nothing until a crash.
MIX = {"events": {"batch_min": 1, "batch_max": 12, "types": {"impression": 1}, "popups": ["p", "q"]}}


@pytest.fixture
def unsafe(monkeypatch):
    """The program with the named store."""
    binary = str(pathlib.Path(program()).with_name("beckon-unsafe"))
    assert pathlib.Path(binary).is_file(), f"there is no program at {binary}: run script/build --tests"

    def named(store, delay_ms=LATE_MS):
        monkeypatch.setenv("UNSAFE_STORE", store)
        monkeypatch.setenv("UNSAFE_DELAY_MS", str(delay_ms))
        return binary
    return named


def findings(directory, store, kinds, prepare=None, **how):
    """The findings of the verification after faults of these kinds, in turn, under load."""
    system = System(directory, store, **how)
    try:
        system.start(EVERY_MS, 0)
        if prepare:
            prepare(system)
        system.begin_load(1, USERS, **MIX)
        system.wait_until_recovered(now_us())
        for n, kind in enumerate(kinds):
            time.sleep(CALM_S)
            action = ACTIONS[kind](system, Fault(kind, 0.0, 0.2, n))
            action.run()
            system.wait_until_recovered(action.ended_us)
            action.count()
            assert action.hits > 0, f"{kind} hit nobody"
        time.sleep(2 * CALM_S)
        system.settle()
        found, document = system.verify("--wait-seconds=1")
        assert document["events_confirmed"] > 100 and document["shows_answered"] > 100, document
        system.stop_node()
        print(f"{store}, {' '.join(kinds) or 'no fault'}: { {name: row['count'] for name, row in found.items()} }")
        return found
    finally:
        system.remove()


KILLS = ("kill-node", "kill-node")


def test_a_store_that_acknowledges_before_it_commits_is_found(tmp_path, unsafe):
    found = findings(tmp_path / "late", "sqlite", KILLS, binary=unsafe("acknowledge-first"))
    assert "lost" in found and SHOWN_TOO_SOON & found.keys(), found


def test_without_a_crash_it_does_no_harm(tmp_path, unsafe):
    """Shows that the crash causes the finding, not another difference of that program."""
    assert not findings(tmp_path / "late", "sqlite", (), binary=unsafe("acknowledge-first"))


def test_the_product_passes_the_same(tmp_path):
    assert not findings(tmp_path / "right", "sqlite", KILLS)


RESENDS = ("commit-after", "kill-node", "commit-after")


def without_unique_key(system):
    """Looking up ids needs an index of that name, but it is no longer unique."""
    system.server.sql(f"ALTER TABLE {system.database}.event DROP INDEX event_by_id, ADD INDEX event_by_id(id)")


def test_events_without_a_unique_key_are_found_twice(tmp_path, server):
    found = findings(tmp_path / "control_key", "mysql-outbox", RESENDS, without_unique_key, server=server)
    assert found.keys() == {"duplicated"}, found


def test_with_the_key_the_same_resends_are_stored_once(tmp_path, server):
    assert not findings(tmp_path / "control_right", "mysql-outbox", RESENDS, server=server)


def test_answers_that_leave_before_the_claim_is_stored_are_found(tmp_path, unsafe):
    found = findings(tmp_path / "queued", "sqlite", KILLS, binary=unsafe("slow-commit"),
                     settings={"durability.claims": "queued"})
    assert SHOWN_TOO_SOON & found.keys() and not {"lost", "duplicated"} & found.keys(), found


def test_a_slow_store_alone_breaks_nothing(tmp_path, unsafe):
    assert not findings(tmp_path / "slow", "sqlite", KILLS, binary=unsafe("slow-commit"))
