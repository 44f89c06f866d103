"""The outbox of a running node: waiting events survive kill -9 and are shipped in order; a file that is not an outbox
is renamed; at the limit events are refused; metrics show how much waits and for how long."""

import contextlib
import sqlite3
import time

import pytest

from beckon_node import run_program
from fault_watch import RECOVERY_S, FaultWatch, charged_in_file, checks, eventually, metric
from mariadb_fixture import charged_in
from shop import now_ms, rfc3339, stored_events

KILLS = 3
STAYS_NAMED_S = 1.6  # longer than an idle node takes to look at its files again


class LockedFile:
    """Takes the embedded store away: another program holds its lock."""

    def __init__(self, start_node):
        self.settings = {"durability.events": "outbox", "sqlite.busy-timeout-ms": 100}
        self._node = None
        self._lock = None
        self._start_node = start_node

    def watch(self, more=None):
        self._node = self._start_node({**self.settings, **(more or {})})
        return FaultWatch(self._node, charged_in_file(self._node.data_dir / "beckon.db"))

    def take_away(self):
        self._lock = sqlite3.connect(self._node.data_dir / "beckon.db", isolation_level=None)
        self._lock.execute("BEGIN IMMEDIATE")

    def bring_back(self):
        if self._lock:
            self._lock.close()
            self._lock = None


class AbsentServer:
    """The MySQL server, killed and started again."""

    def __init__(self, start_node, server, settings):
        self.settings = settings
        self._server = server
        self._start_node = start_node

    def watch(self, more=None):
        return FaultWatch(self._start_node({**self.settings, **(more or {})}), charged_in(self._server, self.settings))

    def take_away(self):
        self._server.kill()

    def bring_back(self):
        if not self._server.running():
            self._server.restart()


@pytest.fixture(params=["sqlite", "mysql"])
def store(request, start_node):
    if request.param == "sqlite":
        made = LockedFile(start_node)
    else:
        made = AbsentServer(start_node, request.getfixturevalue("own_server"), request.getfixturevalue("settings"))
    yield made
    made.bring_back()


@pytest.fixture
def embedded(start_node):
    """For tests of the outbox's file only."""
    made = LockedFile(start_node)
    yield made
    made.bring_back()


def wait_until_it_waits(seen, count):
    eventually(lambda: checks(seen.client)["outbox"]["detail"].startswith(f"{count} events wait"), "they wait")


# -- kill -9 ---------------------------------------------------------------------------------------


def test_what_waits_outlives_kill_9(store):
    """All at the same moment by the client's clock, so that the export's order is the order of shipping."""
    seen = store.watch()
    at = rfc3339(now_ms())
    for _ in range(KILLS):
        store.take_away()
        waiting = len(seen.taken)
        for count in (1, 7, 40, 2):
            assert seen.send(count, at=at).status == 202
        wait_until_it_waits(seen, len(seen.taken) - waiting)
        seen.node.kill()
        store.bring_back()
        seen.node.start()
        seen.client = seen.node.client(30)
        eventually(lambda: seen.stored() == seen.taken, "all are shipped, in order", RECOVERY_S)
        eventually(lambda: metric(seen.client, "beckon_outbox_events") == 0, "nothing waits", RECOVERY_S)
    with seen.cooled_down():
        seen.recovers()
    seen.kept_every_promise()
    counted = seen.client.get(f"/v1/popups/{seen.popup}/stats").json()["impressions"]
    assert counted == {"total": len(seen.taken), "users": 1}


def test_a_graceful_stop_keeps_waiting_events(store):
    """SIGTERM while the store is away: exit code 0, and the next start ships."""
    seen = store.watch({"node.grace-ms": 1000})
    store.take_away()
    assert seen.send(count=30).status == 202
    assert seen.node.stop() == 0, seen.node.log_text()
    store.bring_back()
    seen.node.start()
    seen.client = seen.node.client(30)
    seen.recovers()
    seen.kept_every_promise()


# -- a file that is no outbox ----------------------------------------------------------------------


def foreign_database(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript("CREATE TABLE recipe(name TEXT); INSERT INTO recipe VALUES('bread');")


def garbage(path):
    path.write_bytes(b"these bytes are of no database at all\n" * 300)


def torn(path):
    """An outbox with events in it, cut in its middle."""
    data = path.read_bytes()
    assert len(data) > 8 * 4096, "the outbox is too small to be cut"
    path.write_bytes(data[:len(data) // 2])


@pytest.mark.parametrize("damage", [foreign_database, garbage, torn])
def test_a_file_that_is_no_outbox_is_kept_aside(embedded, damage):
    """It is renamed, never changed or deleted; the node reports it and works."""
    seen = embedded.watch({"node.grace-ms": 1000})
    outbox = seen.node.data_dir / "outbox.db"
    embedded.take_away()
    assert seen.send(count=400).status == 202
    acknowledged = seen.taken
    assert seen.node.stop() == 0  # writes the log back, so that the file itself holds the events
    embedded.bring_back()
    assert not outbox.with_name("outbox.db-wal").exists()
    if damage is not torn:
        outbox.unlink()
    damage(outbox)
    bytes_before = outbox.read_bytes()
    seen.node.start()
    aside = list(seen.node.data_dir.glob("outbox.db.refused-*"))
    kept = [one for one in aside if not one.name.endswith(("-wal", "-shm"))]
    assert len(kept) == 1 and kept[0].read_bytes() == bytes_before, aside
    log = seen.node.log_text()
    assert str(kept[0]) in log and "a new one was created" in log and "acknowledged" in log, log
    seen.client, seen.taken = seen.node.client(30), []
    with seen.cooled_down():
        seen.recovers()
    assert seen.stored() == seen.taken, "what was in the damaged file came back in part"
    seen.node.restart()
    assert kept[0].read_bytes() == bytes_before
    assert len(acknowledged) == 400
    with seen.node.client(30) as client:
        assert [one["id"] for one in stored_events(client, f"user={seen.known}")] == seen.taken


def test_a_newer_outbox_stops_the_start(embedded):
    """A newer program may have stored what this one would lose."""
    seen = embedded.watch()
    assert seen.node.stop() == 0
    path = seen.node.data_dir / "outbox.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    done = run_program("serve", "--http.port=0", f"--node.data-dir={seen.node.data_dir}", "--durability.events=outbox")
    assert done.returncode == 1, done
    assert str(path).encode() in done.stderr and b"newer" in done.stderr, done.stderr
    assert not list(seen.node.data_dir.glob("outbox.db.refused-*"))


# -- its limit, and looking at it ------------------------------------------------------------------


def test_at_its_limit_events_are_refused(store):
    """503 with Retry-After and a reported fault, while claims still work; 202 when the store is back."""
    bytes_max = 1024 * 1024
    seen = store.watch({"outbox.bytes-max": bytes_max, "outbox.ship-events-max": 1000})
    failures = seen.failures("outbox")
    large = {"properties": {"text": "x" * 1000}}
    with seen.cooled_down():
        store.take_away()
        eventually(lambda: seen.send(count=100, **large).status == 503, "the outbox is full")
        assert seen.send(count=100, **large).status == 503  # see send() for Retry-After
        seen.strangers_get_nothing(within_s=5)
        seen.names_fault("outbox", "the outbox is full", "outbox.bytes-max")
        named_until = time.monotonic() + STAYS_NAMED_S
        while time.monotonic() < named_until:
            assert seen.client.get("/readyz").status == 503
            health = seen.client.get("/health")
            assert health.status == 503 and b"the outbox is full" in health.body
            time.sleep(0.1)  # between two looks
        assert 0.8 * bytes_max < metric(seen.client, "beckon_outbox_bytes") <= bytes_max
        assert seen.failures("outbox") > failures
        store.bring_back()
        began = time.monotonic()
        eventually(lambda: seen.send(count=100, **large).status == 202, "events are taken again", RECOVERY_S)
        seen.recovers(began)
    assert len(seen.refused) >= 200
    seen.kept_every_promise()


def test_how_much_waits_and_for_how_long(store):
    seen = store.watch()
    for name in ("events", "bytes", "age_seconds"):
        assert metric(seen.client, f"beckon_outbox_{name}") == 0
    assert checks(seen.client)["outbox"] == {
        "name": "outbox", "ok": True, "detail": "0 events wait (0 bytes), the oldest for 0 s"}
    store.take_away()
    began = time.monotonic()
    assert seen.send(count=3).status == 202
    assert seen.send(count=4).status == 202
    wait_until_it_waits(seen, 7)
    eventually(lambda: metric(seen.client, "beckon_outbox_events") == 7, "they are counted")
    size = metric(seen.client, "beckon_outbox_bytes")
    eventually(lambda: metric(seen.client, "beckon_outbox_age_seconds") >= 1.5, "the age grows", 5)
    assert metric(seen.client, "beckon_outbox_age_seconds") <= time.monotonic() - began + 0.1
    detail = checks(seen.client)["outbox"]["detail"]
    assert detail.startswith(f"7 events wait ({size:.0f} bytes), the oldest for "), detail
    assert int(detail.split()[-2]) >= 1, detail
    shipped = metric(seen.client, "beckon_outbox_shipped_total")
    store.bring_back()
    eventually(lambda: metric(seen.client, "beckon_outbox_events") == 0, "they are shipped", RECOVERY_S)
    for name in ("bytes", "age_seconds"):
        assert metric(seen.client, f"beckon_outbox_{name}") == 0
    assert metric(seen.client, "beckon_outbox_shipped_total") == shipped + 7
    seen.recovers()
    seen.kept_every_promise()
