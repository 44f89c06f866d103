"""A node with its store under load, which a campaign damages: its parts and how to observe it."""

import json
import shutil
import threading
import time

from actions import now_us
from hardy_node import HardyNode
from http_client import Closed
from ledger_tail import LedgerTail
from link import Link
from load_program import begin_load, call_load, end_load, write_mix
from shop import popup, save
from small_disk import SmallDisk

START_S = 20.0
OUTBOX_S = 30.0
LOAD_END_S = 60.0
POLL_S = 0.02
RATE = 500
DISK_SIZE = "192m"
MIX = {
    "placements": ["home"],
    "shares": {"decide": 45, "decide_with_request_id": 20, "retry": 10, "events": 25},
    "events": {"batch_min": 1, "batch_max": 12, "types": {"impression": 6, "click": 2, "dismiss": 2},
               "popups": ["p", "q"]},
    "event_for_each_claim": "impression",
}


def metric(client, name):
    """The sum of a metric over its labels."""
    lines = client.get("/metrics").body.decode().splitlines()
    found = [float(line.rpartition(" ")[2]) for line in lines if line.split("{")[0].split(" ")[0] == name]
    assert found, f"/metrics has no {name}"
    return sum(found)


class System:
    """`server` is a running MariaDB server, needed for the stores that begin with mysql."""

    RECOVERY_S = 10.0

    def __init__(self, directory, store, server=None, small_disk=False, settings=None, binary=None):
        self.directory = directory
        self.store = store
        self.server = server
        self.disk = self.link = None
        self._load = None
        self._lock = threading.Lock()
        (directory / "ledger").mkdir(parents=True)
        self.tail = LedgerTail(directory / "ledger")
        self.database = directory.name.replace("-", "_")
        if store == "cluster":
            return  # it has nodes of its own
        words = {**self._store_settings(), **(settings or {})}
        if small_disk:
            self.disk = SmallDisk(directory / "disk", DISK_SIZE)  # last, for whoever fails here leaves it mounted
            words["node.data-dir"] = self.disk.path
            # A log file that is reused before it grows would long survive a full disk.
            words["sqlite.wal-checkpoint-pages"] = 100
        self.node = HardyNode(directory / "node", words, binary)

    def _store_settings(self):
        found = {"durability.events": "store" if self.store == "sqlite" else "outbox"}
        if self.store.startswith("mysql"):
            self.server.sql(f"CREATE DATABASE {self.database}")
            self.link = Link(self.server.socket)
            found.update({"storage.backend": "mysql", "mysql.port": self.link.port, "mysql.user": "beckon",
                          "mysql.password": "beckon", "mysql.database": self.database})
        return found

    # -- life ------------------------------------------------------------------------------------

    def start(self, every_ms, min_gap_ms):
        self.node.start(START_S)
        self._prepare(self.node, every_ms, min_gap_ms)
        return self

    @staticmethod
    def _prepare(node, every_ms, min_gap_ms):
        with node.client() as client:
            save(client, popup("home", "p", frequency={"every": f"{every_ms}ms"}))
            save(client, popup("home", "q", priority=200, frequency={"every": f"{2 * every_ms}ms", "max_shows": 3}))
            answer = client.put("/v1/settings", {"min_gap": f"{min_gap_ms}ms" if min_gap_ms else None})
            assert answer.status == 200, answer

    def begin_load(self, seed, users, **more):
        write_mix(self.directory, users={"count": users, "distribution": "zipf", "exponent": 0.5, "prefix": "u-"},
                  **{**MIX, **more})
        self._load = begin_load("run", *[f"--url={url}" for url in self.urls()], "--mix", self.directory / "mix.json",
                                "--ledger", self.directory / "ledger", "--json=-", f"--rate={RATE}", "--seconds=86400",
                                "--connections=48", "--timeout-ms=2500", "--drain-seconds=20", f"--seed={seed}")

    def end_load(self):
        """Ends the load gracefully; returns its figures."""
        self._load.terminate()
        load, self._load = self._load, None
        code, out, err = end_load(load, LOAD_END_S)
        assert code == 0, err
        return json.loads(out)

    def settle(self):
        """Ends the load, lets all events reach the store, and restarts the node, so that checks read the store and not
        memory."""
        self._end_load_in_order()
        if self.store != "sqlite":
            self.wait_until_shipped(self.node)
        self.stop_node()
        self.node.start()

    def _end_load_in_order(self):
        figures = self.end_load()
        assert figures["batches_unanswered"] == 0, f"batches that nobody takes: {figures}"

    def _end_load_at_once(self):
        if self._load:
            self._load.kill()
            self._load.communicate()

    def stop_node(self):
        code = self.node.stop()
        assert code == 0, f"the node ended with {code} on SIGTERM\n{self.node.log_text()}"

    def remove(self, keep_data=False):
        """Ends everything still running, in any state. `keep_data`: copies the small disk's content into the
        directory."""
        self._end_load_at_once()
        self.node.kill()
        if self.link:
            self.link.close()
        if self.disk:
            if keep_data:
                shutil.copytree(self.disk.path, self.directory / "disk-kept", ignore=shutil.ignore_patterns("filler"))
            self.disk.close()

    # -- looking at it ---------------------------------------------------------------------------

    def urls(self):
        return [f"http://127.0.0.1:{self.node.port}"]

    def verify_node(self):
        """The nodes that the verification asks."""
        return self.node

    def must_run(self):
        self.node.must_run()

    def failed_starts(self):
        return self.node.failed_starts

    def damage(self):
        return self.node.damage()

    def log_text(self):
        return self.node.log_text()

    def links(self, choice):  # noqa: ARG002
        """The connections to the server that a fault breaks."""
        return [self.link]

    def between_rounds(self):
        """Checks of a system at rest."""

    def more_findings(self):
        """Findings besides those of the verification: rows by name."""
        return {}

    def more_numbers(self):
        return {}

    def exchanges(self):
        with self._lock:
            return list(self.tail.look().exchanges)

    def suffered(self, from_us, to_us):
        """How many requests in that time got no answer, a refusal, no decision, or a late answer."""
        return sum(one.suffered() for one in self.exchanges()
                   if one.sent_us < to_us and (one.got_us == 0 or one.got_us >= from_us))

    def answered(self, from_us, to_us):
        return sum(one.status in (200, 202) for one in self.exchanges() if from_us <= one.got_us <= to_us)

    def ready(self):
        self.must_run()
        try:
            with self.node.client(2.0) as client:
                return client.get("/readyz").status == 200
        except (OSError, Closed):
            return False

    def wait_until_recovered(self, since_us):
        """Seconds until the node is ready and a popup requested after the moment has arrived."""
        deadline = time.monotonic() + self.RECOVERY_S + 0.5
        ready_us = 0
        while True:
            if not ready_us and self.ready():
                ready_us = now_us()
            claim_us = self._first_claim(since_us)
            if ready_us and claim_us:
                return (max(ready_us, claim_us) - since_us) / 1e6
            if time.monotonic() > deadline:
                what = ("it is not ready" if not ready_us else "") + (" no popup is shown" if not claim_us else "")
                raise AssertionError(f"{self.RECOVERY_S:.0f} s after the fault: {what}\n{self.log_text()}")
            time.sleep(POLL_S)

    def _first_claim(self, since_us):
        with self._lock:
            return self.tail.look().first_claim_after(since_us)

    def wait_until_shipped(self, node):
        deadline = time.monotonic() + OUTBOX_S
        while True:
            with node.client() as client:
                left = metric(client, "beckon_outbox_events")
            if left == 0:
                return
            assert time.monotonic() < deadline, f"{left:.0f} events are still in the outbox after {OUTBOX_S:.0f} s"
            time.sleep(POLL_S)

    def verify(self, *more):
        """Checks the store against the ledger; returns (non-zero findings, the whole document)."""
        url = f"http://127.0.0.1:{self.verify_node().port}"
        code, out, err = call_load("verify", "--url", url, "--ledger", self.directory / "ledger", "--json=-",
                                   *more, timeout_s=180)
        assert code in (0, 1), err
        document = json.loads(out)
        found = {name: row for name, row in document["findings"].items() if row["count"]}
        assert (code == 0) == (not found), err
        return found, document
