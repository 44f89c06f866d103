"""Row about nodes that nobody asks: how often their threads wake up."""

import contextlib
import pathlib
import re
import statistics
import time

import catalogue
from row import Row
from rows_cluster import NODES, cluster
from servers import Beckon, BenchFailed

ALONE_MOST = 5     # wake-ups a second of a node on SQLite, over all its threads
MYSQL_MOST = 4     # more with a database server
PEER_MOST = 4      # more for each other node of a cluster
SETTLE_S = 10      # what a node does after its start and its first settings is over then
ROUND_SECONDS = 10  # at least: a timer of a few seconds must be seen more than once


def switches_by_thread(node):
    """Voluntary context switches of each thread since it began. A thread that ends meanwhile is left out."""
    if not node.alive():
        raise BenchFailed(f"{node.name} ended while it was idle\n{node.log()}")
    seen = {}
    for task in pathlib.Path(f"/proc/{node.process.pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            text = (task / "status").read_text()
            seen[task.name] = int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.MULTILINE)[1])
    return seen


def wake_ups_in(nodes, seconds):
    """Wake-ups a second of each node in one window, the same for all, so that they share the machine's mood."""
    began, before = time.monotonic(), [switches_by_thread(node) for node in nodes]
    time.sleep(seconds)
    after, took = [switches_by_thread(node) for node in nodes], time.monotonic() - began
    return [sum(count - old.get(thread, 0) for thread, count in new.items()) / took
            for old, new in zip(before, after)]


def wake_ups(options):
    """One node on SQLite, one on MariaDB and a cluster of three, all idle at the same time. Nobody asks them for
    anything in a window, not even for metrics."""
    row = Row(f"wake-ups a second of idle nodes, all threads: SQLite, MariaDB, {NODES} nodes of a cluster")
    with Beckon(options.directory("sqlite"), name="SQLite") as sqlite, \
            Beckon(options.directory("mariadb"), options.mysql_settings(), "MariaDB") as mysql, \
            cluster(options, NODES) as nodes:
        for node in (sqlite, mysql):
            catalogue.seed(node)
        for number, node in enumerate(nodes):
            node.name = f"cluster, node {number + 1}"
        every = [sqlite, mysql, *nodes]
        time.sleep(2 if options.quick else SETTLE_S)
        seconds = options.seconds if options.quick else max(options.seconds, ROUND_SECONDS)
        rounds = [wake_ups_in(every, seconds) for _ in range(options.rounds)]
    for node, seen in zip(every, zip(*rounds)):
        row.figures[node.name] = {"wake_ups_per_s": statistics.median(seen), "most_in_a_round": max(seen)}
        row.rounds[node.name] = {"wake_ups_per_s": list(seen)}
    figure = {name: one["wake_ups_per_s"] for name, one in row.figures.items()}
    row.target("wake-ups/s, SQLite", figure["SQLite"], most=ALONE_MOST)
    row.target("wake-ups/s, MariaDB", figure["MariaDB"], most=ALONE_MOST + MYSQL_MOST)
    row.target("wake-ups/s, worst node of the cluster", max(figure[node.name] for node in nodes),
               most=ALONE_MOST + MYSQL_MOST + PEER_MOST * (NODES - 1))
    row.notes.append(f"voluntary context switches from /proc; {options.rounds} windows of {seconds} s")
    return row
