"""A user with many events is erased at once for everybody, and bit by bit in the database."""

import contextlib
import sqlite3
import time

from fault_watch import metric
from shop import event, popup, save, send_events, stored_events

EVENTS = 20_000
BATCH = 500
DEADLINE_S = 120.0


def query(node, sql):
    with contextlib.closing(sqlite3.connect(f"file:{node.data_dir / 'beckon.db'}?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()


def wait_for(condition, what):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)


def totals(client):
    answer = client.get("/v1/popups/p/stats")
    assert answer.status == 200, answer
    return answer.json()


def test_an_erasure_that_was_killed_shows_nothing_again_and_ends_by_itself(start_node):
    node = start_node()
    with node.client(60) as client:
        save(client, popup("home", "p"))
        send_events(client, event("small", "p"))
        wait_for(lambda: query(node, "SELECT COUNT(*) FROM event") == [(1,)], "the first event is stored")
        before = totals(client)
        for first in range(0, EVENTS, BATCH):
            send_events(client, *(event("big", "p", id=f"e-{n}") for n in range(first, first + BATCH)))
        wait_for(lambda: query(node, "SELECT COUNT(*) FROM event") == [(EVENTS + 1,)], "all events are stored")
        assert client.delete("/v1/users/big").status == 204
    node.kill()
    (left,) = query(node, "SELECT COUNT(*) FROM event WHERE user = 'big'")[0]
    assert 0 < left < EVENTS, "the kill did not hit the middle"
    assert query(node, "SELECT user FROM erasure") == [("big",)]

    node.start()
    with node.client(60) as client:
        assert stored_events(client, "user=big") == []
        assert [row["user"] for row in stored_events(client, "popup=p")] == ["small"]
        assert totals(client) == before
        assert client.get("/v1/users/big").status == 404
        send_events(client, event("big", "p", id="new"))
        wait_for(lambda: query(node, "SELECT COUNT(*) FROM erasure") == [(0,)], "the rest is deleted")
        wait_for(lambda: stored_events(client, "user=big"), "the new event is stored")
        assert [row["id"] for row in stored_events(client, "user=big")] == ["new"]
        wait_for(lambda: metric(client, "beckon_erasures_open") == 0, "the eraser is idle")
        assert metric(client, "beckon_erased_events_total") > 0
        assert client.delete("/v1/users/big").status == 204
        assert client.delete("/v1/users/big").status == 404
        assert totals(client) == before
    assert query(node, "SELECT COUNT(*) FROM event WHERE user = 'big'") == [(0,)]
    assert query(node, "PRAGMA integrity_check") == [("ok",)]
