"""A copy of the store made by another program under load: it ends soon and is complete."""

import contextlib
import shutil
import sqlite3
import subprocess
import time
import uuid

import pytest

from ledger import Ledger
from load import PLACEMENT, Load
from shop import popup, rfc3339, now_ms, save, send_events, stored_events, unique

BACKUP_DEADLINE_S = 20.0


def wait_for(condition, what, deadline_s=20.0):
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.005)


def backup_by_shell(source, target):
    """The commands of docs/operating.md."""
    done = subprocess.run(["sqlite3", str(source), f"VACUUM INTO '{target}'"], timeout=BACKUP_DEADLINE_S,
                          capture_output=True, check=False)
    assert done.returncode == 0, done


def backup_by_library(source, target):
    with contextlib.closing(sqlite3.connect(source, isolation_level=None)) as database:
        limit = time.monotonic() + BACKUP_DEADLINE_S
        database.set_progress_handler(lambda: time.monotonic() > limit, 100_000)
        database.execute("VACUUM INTO ?", (str(target),))


def fill(client, batches=40, events_per_batch=250):
    """Makes the copy slow enough for many commits during it."""
    for _ in range(batches):
        at = rfc3339(now_ms())
        send_events(client, *({"id": str(uuid.uuid4()), "type": "impression", "user": unique("old"), "popup": "old",
                               "at": at, "properties": {"filler": "x" * 3000}} for _ in range(events_per_batch)))


def check_whole(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def check_counters(client):
    """Events and counters are written in one transaction: in one snapshot they agree."""
    for kind, name in (("impression", "impressions"), ("click", "clicks")):
        stored = [row for row in stored_events(client, f"popup=p&type={kind}") if row["popup"] == "p"]
        assert stored, f"the backup has no {name}"
        told = client.get("/v1/popups/p/stats").json()[name]
        assert told == {"total": len(stored), "users": len({row["user"] for row in stored})}


@pytest.mark.parametrize("backup", [
    pytest.param(backup_by_shell, marks=pytest.mark.skipif(not shutil.which("sqlite3"), reason="no sqlite3 shell")),
    backup_by_library,
], ids=["shell", "library"])
def test_backup_under_load(start_node, tmp_path, backup):
    # A small log, so that a copy that stopped its writing back and waited for it would be seen at once.
    node = start_node({"sqlite.wal-checkpoint-pages": 100})
    save(node.client(), popup(PLACEMENT, "p"))
    fill(node.client())
    ledger, since = Ledger(), now_ms() - 1
    load = Load(node.port, ledger, [unique("user") for _ in range(100)], "backup").start()
    wait_for(lambda: load.answers >= 300, "300 answers")
    confirmed, answers = set(ledger.confirmed), load.answers
    target = tmp_path / "restored" / "data" / "beckon.db"
    target.parent.mkdir(parents=True)
    began = time.monotonic()
    backup(node.data_dir / "beckon.db", target)
    took, during = time.monotonic() - began, load.answers - answers
    wait_for(lambda: load.answers >= answers + during + 100, "the load goes on")
    load.stop()
    assert not ledger.broken, ledger.broken[:20]
    print(f"{target.stat().st_size} bytes in {took:.2f} s, {during} answers meanwhile")
    assert took < BACKUP_DEADLINE_S and during > 0

    check_whole(target)
    restored = start_node(directory=tmp_path / "restored")
    before = Ledger()
    before.batches, before.confirmed = ledger.batches, confirmed
    with restored.client(60) as client:
        # The copy may end inside what the clients sent at one moment, but each batch is in it whole or not at all.
        faults = before.compare([row["id"] for row in stored_events(client, f"since={rfc3339(since)}&popup=p")])
        assert not faults, faults[:20]
        check_counters(client)
        save(client, popup(PLACEMENT, "another"))


def test_a_backup_replaces_nothing(start_node, tmp_path):
    """An existing file is kept: yesterday's copy, or the store itself."""
    if not shutil.which("sqlite3"):
        pytest.skip("no sqlite3 shell")
    node = start_node()
    target = tmp_path / "beckon.db"
    target.write_bytes(b"yesterday's copy")
    done = subprocess.run(["sqlite3", str(node.data_dir / "beckon.db"), f"VACUUM INTO '{target}'"],
                          timeout=BACKUP_DEADLINE_S, capture_output=True, check=False)
    assert done.returncode != 0
    assert target.read_bytes() == b"yesterday's copy"
