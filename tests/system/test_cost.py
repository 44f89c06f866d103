"""What one decide costs in system calls, which no noise of the machine changes.

One connection asks, waits, asks again: each call that is made for a request is then made for every request. Clocks and
idle threads of the node make calls by time, so two nodes live equally long and differ only in how much they are asked:
their difference is what requests cost, however slow the machine is."""

import os
import re
import shutil
import stat
import time

from beckon_node import Node, program
from shop import decide, outcome, popup, save

FEW, MANY = 200, 1700
DEPENDS_ON_TIMING = ("rt_sigtimedwait", "restart_syscall", "sched_yield", "clock_nanosleep")
# Calls for each decide that finds its user waiting, as counted when this was last changed. Lower a figure when the
# node does better; raise one only for a reason that is worth it.
RECORDED = {"recvfrom": 1, "sendto": 1, "epoll_wait": 2}
MARGIN = 0.15  # a clock may tick a few times more in one of two lives; seen were 0.02
# A decide that wakes another thread makes at least two: one wakes, one waits. Threads that meet at the start and
# the stop make some, in the shorter run too: seen were -0.15 to 0.15.
FUTEX_MAX = 0.5
WRITTEN_DEADLINE_S = 20
LINE = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", re.MULTILINE)


def calls_of(directory, requests, monkeypatch, settings=None, seconds=0.0):
    """({name: count}, seconds) over the whole life of a node that answers that many decides, and then does nothing
    until it has lived for `seconds`."""
    assert shutil.which("strace"), "strace is not installed: run script/bootstrap"
    directory.mkdir()
    counts = directory / "calls"
    traced = directory / "traced"
    # With -D the node stays a child of the test and strace watches from aside. Leaks cannot be looked for meanwhile.
    traced.write_text('#!/bin/sh\nexport ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"\n'
                      f'exec strace -D -f -c -qq -o "{counts}" "{program()}" "$@"\n')
    traced.chmod(traced.stat().st_mode | stat.S_IXUSR)
    with monkeypatch.context() as patched:
        patched.setenv("BECKON_BIN", os.fspath(traced))
        began = time.monotonic()
        node = Node(directory / "node", settings).start()
    try:
        with node.client() as client:
            shown = save(client, popup("home", frequency={"every": "24h"}))
            assert outcome(decide(client, "u", "home"), "home") == (shown, "MATCH")
            for _ in range(requests):
                assert outcome(decide(client, "u", "home"), "home") == (None, "COOLDOWN")
            lived = time.monotonic() - began
            time.sleep(max(0.0, seconds - lived))  # what an idle node does meanwhile is what is to be counted
    finally:
        code = node.stop()
    assert code == 0, node.log_text()
    return read_counts(counts), lived


def read_counts(path):
    """What strace wrote, which it does when the node has ended."""
    deadline = time.monotonic() + WRITTEN_DEADLINE_S
    while True:
        counted = {name: int(count) for count, name in LINE.findall(path.read_text() if path.exists() else "")}
        if counted.pop("total", 0):
            return counted
        assert time.monotonic() < deadline, f"strace wrote no table to {path}"
        time.sleep(0.01)  # between two looks


def calls_for_each(tmp_path, monkeypatch, settings=None):
    """{name: calls} that one decide makes, and all that were counted with many of them."""
    many, seconds = calls_of(tmp_path / "many", MANY, monkeypatch, settings)
    few, _ = calls_of(tmp_path / "few", FEW, monkeypatch, settings, seconds)
    each = {name: (count - few.get(name, 0)) / (MANY - FEW) for name, count in many.items()
            if name not in DEPENDS_ON_TIMING}
    assert each.get("recvfrom", 0) > 0.9, f"strace did not count what it should: {many}"
    return each, many


def test_a_decide_makes_no_more_system_calls_than_it_did(tmp_path, monkeypatch):
    each, many = calls_for_each(tmp_path, monkeypatch)
    assert each.pop("futex", 0) <= FUTEX_MAX, f"a decide wakes other threads: {many}"
    dearer = {name: round(value, 3) for name, value in each.items() if value > RECORDED.get(name, 0) + MARGIN}
    assert not dearer, f"calls for each request: {dearer}; recorded are {RECORDED}"
    # Some counts come out below 0, which must not hide a call that is new.
    assert sum(max(0, value) for value in each.values()) <= sum(RECORDED.values()) + MARGIN, each


def test_a_decide_that_wakes_another_thread_would_be_seen(tmp_path, monkeypatch):
    each, many = calls_for_each(tmp_path, monkeypatch, {"http.inline-requests-max": 0})
    assert each["futex"] > 2 * FUTEX_MAX, f"decides on other threads are not told from those on one: {many}"
