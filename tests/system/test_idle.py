"""What a node costs that has nothing to do: how often its threads wake up.

A thread that wakes up ends with a voluntary switch when it sleeps again, and a machine that is busy adds none, so these
are counted. What happens now and then (a checkpoint, a look at the catalogue) is left out by taking the quietest of
several windows."""

import collections
import pathlib
import time

from beckon_node import Node
from shop import decide, popup, save

WINDOW_S = 3.0
DEADLINE_S = 45.0
ONE_NODE_MAX = 5.0  # wake-ups a second of all threads together


def switches(pid):
    """{(thread id, its name): voluntary switches so far}"""
    counts = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            lines = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines() if ":" in line)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        counts[task.name, lines["Name"].strip()] = int(lines["voluntary_ctxt_switches"])
    return counts


def wake_ups(pid, seconds=WINDOW_S):
    """{thread's name: wake-ups a second} over one window, the busiest first."""
    began, before = time.monotonic(), switches(pid)
    time.sleep(seconds)  # the window itself
    lasted, after = time.monotonic() - began, switches(pid)
    rates = collections.Counter()
    for task, count in after.items():
        rates[task[1]] += (count - before.get(task, 0)) / lasted
    return {name: round(rate, 2) for name, rate in rates.most_common() if rate > 0}


def quietest(pid, rate_max):
    """The first window with at most that many wake-ups a second, else the quietest one before the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    best = None
    while best is None or (sum(best.values()) > rate_max and time.monotonic() < deadline):
        seen = wake_ups(pid)
        if best is None or sum(seen.values()) < sum(best.values()):
            best = seen
    return best


def test_a_node_that_has_nothing_to_do_sleeps(tmp_path):
    node = Node(tmp_path).start()
    try:
        seen = quietest(node.pid, ONE_NODE_MAX)
        assert sum(seen.values()) <= ONE_NODE_MAX, f"wake-ups a second: {seen}"
    finally:
        assert node.stop() == 0, node.log_text()


def test_a_node_sleeps_again_after_work(tmp_path):
    node = Node(tmp_path).start()
    try:
        with node.client() as client:
            save(client, popup("home"))
            for i in range(50):
                decide(client, f"u{i}", "home")
        seen = quietest(node.pid, ONE_NODE_MAX)
        assert sum(seen.values()) <= ONE_NODE_MAX, f"wake-ups a second: {seen}"
    finally:
        assert node.stop() == 0, node.log_text()
