"""Rows about claims, and about decides for users not in memory, beside heavy work of another kind on the same node:
events being shipped, the erasure of a user with a million events, a hundred exports."""

import contextlib
import http.client
import sqlite3
import statistics
import subprocess
import threading
import time

import catalogue
from filling import claim_users
from generator import LoadRun, cpu_figures, kept_rounds, load_figures, medians
from row import PLACEMENT, Row
from rounds import note_disk
from rows_writes import EVENTS_MIX, SHIPPED_WITHIN_S
from servers import Beckon, BenchFailed, failing_as, wait_until

RATE = 2000           # claims a second, or cold decides
CONNECTIONS = 64
BACKLOG = 200_000     # events in the outbox when the measuring begins
BIG = "big"           # the user that is erased
BIG_EVENTS = 1_000_000
ERASED_WITHIN_S = 900
EXPORTS = 100
EXPORTED_EVENTS = 200_000


def open_loop(options, node, prefix, seconds, seed, ledger=None):
    """Decides at RATE for users who come once each, `prefix`0 and on, from when each is due."""
    mix = {"users": {"count": RATE * seconds, "distribution": "in-turn", "prefix": prefix}, "placements": [PLACEMENT],
           "shares": {"decide": 100}}
    return LoadRun(options.directory("load"), [node.port], mix, ledger, rate=RATE, seconds=seconds, connections=CONNECTIONS,
                   seed=seed)


def measure(options, node, prefix, seed, ledger=None):
    """One round of claims or cold decides; errors are figures here, which the row judges."""
    before = node.cpu_seconds()
    with open_loop(options, node, prefix, options.seconds, seed, ledger) as load:
        document = load.outcome()
    figures = figures_of(document)
    return {**figures, **cpu_figures(before, node.cpu_seconds(), max(figures["requests"], 1)),
            "claims": document["shows"]}


def figures_of(document):
    figures = load_figures(document)
    figures["errors"] = document["errors"] + document["not_sent"]
    return figures


def note_rounds(row, alone, beside, what):
    for name, seen in (("alone", alone), (what, beside)):
        row.figures[name] = medians(seen)
        row.rounds[name] = kept_rounds(seen)
        row.target(f"errors, {name}", row.figures[name]["errors"], most=0)
    return statistics.median(b["p99_ms"] / a["p99_ms"] for a, b in zip(alone, beside))


# -- while events are shipped --------------------------------------------------------------------


def claims_while_shipping(options):
    """A backlog is put into the outbox first; the load begins when it is complete and shipping goes on."""
    backlog = options.scaled(BACKLOG)
    row = Row(f"open loop at {RATE:,} claims/s on MariaDB while {backlog:,} events are shipped")
    note_disk(row, options)
    alone, beside, shipped = [], [], []
    store = options.mariadb()
    with Beckon(options.directory("beckon"), options.mysql_settings(), store_pid=store.pid) as beckon:
        catalogue.seed(beckon)
        ledger = options.directory("ledger")
        for number in range(options.rounds):
            alone.append(claims_of(measure(options, beckon, f"alone-{number}-", number + 1, ledger)))
            fill_outbox(options, beckon, backlog, ledger, number)
            before = beckon.metric("beckon_outbox_shipped_total")
            beside.append(claims_of(measure(options, beckon, f"beside-{number}-", number + 1, ledger)))
            shipped.append(beckon.metric("beckon_outbox_shipped_total") - before)
            wait_until(lambda: beckon.metric("beckon_outbox_events") == 0, "the outbox is empty", SHIPPED_WITHIN_S, 0.1)
        with LoadRun(options.directory("proof"), [beckon.port], EVENTS_MIX, ledger, rate=1, seconds=1,
                     connections=1) as last:
            last.end()
            proof = last.verify()
    if min(shipped) < backlog / 10:
        raise BenchFailed(f"only {min(shipped):,.0f} events were shipped while claims were measured")
    ratio = note_rounds(row, alone, beside, "while shipping")
    row.target("p99 while shipping / alone", ratio, most=2.0)
    row.notes.append(f"shipped while claims were measured, in each round: {', '.join(f'{n:,.0f}' for n in shipped)}. "
                     f"{proof['events_confirmed']:,} events got 202 in all; none is lost, none is there twice")
    return row


def fill_outbox(options, node, backlog, ledger, number):
    """As fast as the node takes them, until so many wait."""
    waiting = node.metric("beckon_outbox_events")
    seed = 1000 + 100 * number
    while waiting < backlog:
        seed += 1
        with LoadRun(options.directory("fill"), [node.port], EVENTS_MIX, ledger, rate="max", seconds=1,
                     connections=64, seed=seed) as load:
            load.end()
        now = node.metric("beckon_outbox_events")
        if now <= waiting:
            raise BenchFailed("events are shipped as fast as they come; there is no backlog to measure beside")
        waiting = now


def claims_of(figures):
    if figures["claims"] != figures["requests"]:
        raise BenchFailed(f"{figures['requests']} decides for new users showed {figures['claims']} popups")
    return figures


# -- while a user is erased ----------------------------------------------------------------------


def claims_while_erasing(options):
    """On SQLite and on MariaDB: the load begins, a second later the user is erased, and the load goes on."""
    count = options.scaled(BIG_EVENTS)
    row = Row(f"open loop at {RATE:,} claims/s while a user with {count:,} events is erased")
    note_disk(row, options)
    data = options.directory("sqlite")
    database = options.mysql_settings()
    # Each is started once to make its tables, and filled while it is down.
    stores = {"SQLite": (data, {}, SqliteEvents(data / "data" / "beckon.db")),
              "MariaDB": (options.directory("mariadb"), database, MysqlEvents(options, database["mysql.database"]))}
    for name, (directory, settings, events) in stores.items():
        with Beckon(directory, settings, name) as beckon:
            catalogue.seed(beckon)
        events.fill(count)
        with Beckon(directory, settings, name) as beckon:
            row.figures[name] = one_erasure(options, beckon, events)
        row.target(f"p99.9, ms, {name}", row.figures[name]["p999_ms"], most=200)
        row.target(f"status of the erasure, {name}", row.figures[name]["erase_status"], most=204)
        row.target(f"claims refused or unanswered, {name}", row.figures[name]["errors"], most=0)
    row.notes.append("'erase answered' is how long the DELETE took; 'events gone' how long until the last of the user's "
                     "events had left the table")
    return row


def one_erasure(options, node, events):
    seconds = max(options.seconds, 3 if options.quick else 10)
    before = node.cpu_seconds()
    with open_loop(options, node, "claim-", seconds, 1) as load:
        time.sleep(1)
        began = time.monotonic()
        status = erase(node, timeout_s=ERASED_WITHIN_S)
        answered = time.monotonic() - began
        document = load.outcome()
    figures = figures_of(document)
    figures.update(cpu_figures(before, node.cpu_seconds(), max(figures["requests"], 1)))
    figures.update(erase_status=status, erase_answered_s=answered)
    if status == 204:
        wait_until(lambda: events.count() == 0, "the events of the erased user are gone", ERASED_WITHIN_S, 0.5)
        figures["events_gone_s"] = time.monotonic() - began
    return figures


def erase(node, timeout_s):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=timeout_s)
    with contextlib.closing(connection), failing_as("the erasure"):
        connection.request("DELETE", f"/v1/users/{BIG}")
        answer = connection.getresponse()
        answer.read()
        return answer.status


# An impression each, as the node stores it. Numbers of types and counters are those of the stored format.
class SqliteEvents:
    def __init__(self, path):
        self.path = path

    def fill(self, count):
        with contextlib.closing(sqlite3.connect(self.path)) as db, db:
            db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
                       "INSERT INTO event(id, at, received_at, type, name, user, popup, variant, decision_id, properties)"
                       " SELECT 'big-' || i, 1700000000000 + i, 1700000000000 + i, 0, '', ?, 'popup-000', '', '', ''"
                       " FROM n", (count, BIG))
            db.execute("INSERT INTO stat_user VALUES(?, 'popup-000', '', 0, ?)", (BIG, count))
            db.execute("INSERT INTO stat VALUES('popup-000', '', 0, ?, 1)", (count,))

    def count(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=30)) as db:
            return db.execute("SELECT COUNT(*) FROM event WHERE user = ?", (BIG,)).fetchone()[0]


class MysqlEvents:
    PART = 100_000  # rows in one statement; one of all would take longer than a statement may

    def __init__(self, options, database):
        self.server = options.mariadb()
        self.database = database

    def fill(self, count):
        columns = "id, at, received_at, type, name, user, popup, variant, decision_id, properties"
        for first in range(1, count + 1, self.PART):
            last = min(count, first + self.PART - 1)
            self.server.sql(f"INSERT INTO {self.database}.event({columns}) SELECT CONCAT('big-', seq), "
                            f"1700000000000 + seq, 1700000000000 + seq, 0, '', '{BIG}', 'popup-000', '', '', '' "
                            f"FROM {self.database}.seq_{first}_to_{last}")
        self.server.sql(f"INSERT INTO {self.database}.stat_user VALUES('{BIG}', 'popup-000', '', 0, {count}); "
                        f"INSERT INTO {self.database}.stat VALUES('popup-000', '', 0, 0, {count}, 1)")

    def count(self):
        return int(self.server.sql(f"SELECT COUNT(*) FROM {self.database}.event WHERE user = '{BIG}'"))


# -- while everything is exported ----------------------------------------------------------------


def cold_while_exporting(options):
    """Users who are in the store and not in memory, each asked once: beside exports of all events, and without."""
    row = Row(f"open loop at {RATE:,} decides/s for users not in memory, on MariaDB, while {EXPORTS} exports run")
    note_disk(row, options)
    users = RATE * options.seconds
    prefixes = [f"{kind}-{number}-" for number in range(options.rounds) for kind in ("alone", "beside")]
    settings = options.mysql_settings()
    directory = options.directory("beckon")
    with Beckon(directory, settings) as beckon:
        catalogue.seed(beckon)
        for prefix in prefixes:
            claim_users(beckon.port, (f"{prefix}{n}" for n in range(users)), PLACEMENT)
        MysqlEvents(options, settings["mysql.database"]).fill(options.scaled(EXPORTED_EVENTS))
    alone, beside = [], []
    with Beckon(directory, settings) as beckon:
        for number in range(options.rounds):
            alone.append(cold_of(measure(options, beckon, f"alone-{number}-", 1)))
            with exports_of(beckon):
                beside.append(cold_of(measure(options, beckon, f"beside-{number}-", 1)))
    row.target("p99 while exporting / alone", note_rounds(row, alone, beside, "while exporting"), most=3.0)
    row.notes.append(f"{users:,} users in each round; each export is of {options.scaled(EXPORTED_EVENTS):,} events, and "
                     "begins anew when it has ended")
    return row


def cold_of(figures):
    """Every decide must have been for a user that was loaded, and has to wait."""
    if figures["claims"]:
        raise BenchFailed(f"{figures['claims']} users who must wait were shown a popup")
    return figures


class Reader(threading.Thread):
    """Reads all events again and again by a program of its own, until it is stopped."""

    def __init__(self, node):
        super().__init__()
        self.words = ["curl", "--silent", "--show-error", "--fail", "--output", "/dev/null",
                      f"http://127.0.0.1:{node.port}/v1/events"]
        self.stopping = False
        self.process = None
        self.lock = threading.Lock()
        self.problem = ""

    def run(self):
        while not self.problem:
            with self.lock:
                if self.stopping:
                    return
                self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                                stderr=subprocess.PIPE)
            said = self.process.communicate()[1].decode()
            if self.process.returncode != 0 and not self.stopping:
                self.problem = said or f"curl ended with {self.process.returncode}"

    def stop(self):
        with self.lock:
            self.stopping = True
            if self.process is not None:
                self.process.terminate()
        self.join()


@contextlib.contextmanager
def exports_of(node):
    """EXPORTS readers of everything at the same time."""
    readers = [Reader(node) for _ in range(EXPORTS)]
    for reader in readers:
        reader.start()
    try:
        yield
    finally:
        for reader in readers:
            reader.stop()
    problems = [reader.problem for reader in readers if reader.problem]
    if problems:
        raise BenchFailed(f"{len(problems)} exports failed: {problems[0]}")
