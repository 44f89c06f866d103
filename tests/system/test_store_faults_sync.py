"""fsync fails with EIO. What the kernel did with the pages is not known then, so the error is final for the process:
no promise after it, a line in the log, exit code 70; the start after it reads what is on the disk."""

import os

import pytest

from failing_sync import fail_syncs  # noqa: F401  (a fixture)
from fault_watch import FaultWatch, charged_in_file, eventually, metric
from http_client import Closed
from ledger import Ledger
from load import PLACEMENT, Load
from mariadb_fixture import charged_in
from shop import popup, save, stored_events, unique

FATAL = 70
END_S = 15


@pytest.fixture(autouse=True)
def no_search_for_leaks(monkeypatch):
    """The sanitizer cannot look for leaks in a process that strace is attached to, and ends it with an error."""
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")


@pytest.fixture(params=["store", "outbox"])
def watch(request, start_node):
    """A node whose one file is the embedded store, and one whose one file is the outbox."""
    def start():
        if request.param == "store":
            node = start_node()
            return FaultWatch(node, charged_in_file(node.data_dir / "beckon.db"))
        server = request.getfixturevalue("server")
        settings = request.getfixturevalue("settings")
        return FaultWatch(start_node(settings), charged_in(server, settings))
    start.kind = request.param
    return start


def ends_with_a_clear_line(seen, file):
    assert seen.node.wait(END_S) == FATAL
    text = seen.node.log_text()
    assert file in text and "disk I/O error" in text and "check the disk" in text, text


def test_events_after_a_failed_sync(watch, fail_syncs):  # noqa: F811
    """The first batch after it gets no 202; the process reports why and ends; earlier 202s are stored once."""
    seen = watch()
    for count in (1, 5, 20):
        assert seen.send(count).status == 202
    if watch.kind == "outbox":  # else its own sync, for the ship position, may be the first
        eventually(lambda: metric(seen.client, "beckon_outbox_events") == 0, "all is shipped")
    syncs = fail_syncs(seen.node.pid)
    try:
        answer = seen.send(count=3)
        assert answer.status in (503, 504), answer
    except (Closed, ConnectionError):
        pass  # no answer is no promise
    ends_with_a_clear_line(seen, "beckon.db" if watch.kind == "store" else "outbox.db")
    syncs.close()
    assert syncs.failed() >= 1
    seen.node.start()
    seen.client = seen.node.client()
    seen.recovers()
    seen.kept_every_promise(outcomes_unknown=True)


def test_a_claim_after_a_failed_sync(start_node, fail_syncs):  # noqa: F811
    """No popup is shown; users in cooldown are answered while the process lives, and stay in cooldown after the
    start."""
    node = start_node()
    seen = FaultWatch(node, charged_in_file(node.data_dir / "beckon.db"))
    assert seen.send().status == 202
    syncs = fail_syncs(node.pid)
    try:
        assert seen.ask(unique("stranger")) in ("UNAVAILABLE", 503)
        assert seen.ask(seen.known) in ("COOLDOWN", 503)
    except (Closed, ConnectionError):
        pass  # no answer is no promise
    ends_with_a_clear_line(seen, "beckon.db")
    syncs.close()
    assert syncs.failed() >= 1
    node.start()
    seen.client = node.client()
    with seen.cooled_down():
        seen.recovers()
    seen.kept_every_promise(outcomes_unknown=True)


def test_a_failed_sync_under_load(watch, fail_syncs):
    """With claims and events on their way from several threads: no promise is broken."""
    seen = watch()
    node, ledger = seen.node, Ledger()
    save(seen.client, popup(PLACEMENT, "p"))
    assert seen.client.put("/v1/settings", {"min_gap": "5s"}).status == 200
    load = Load(node.port, ledger, [unique("user") for _ in range(200)], unique("sync")).start()
    eventually(lambda: ledger.counts["events 202"] >= 50 and ledger.counts["MATCH"] >= 100, "the load works")
    syncs = fail_syncs(node.pid)
    ends_with_a_clear_line(seen, "beckon.db" if watch.kind == "store" else "outbox.db")
    load.stop()
    syncs.close()
    assert syncs.failed() >= 1
    node.start()
    with node.client(30) as client:
        if watch.kind == "outbox":
            eventually(lambda: metric(client, "beckon_outbox_events") == 0, "all is shipped")
        faults = ledger.compare([row["id"] for row in stored_events(client, "popup=p")])
    assert not faults, faults[:20]
    print(f"{dict(ledger.counts)}, {syncs.failed()} calls failed")
