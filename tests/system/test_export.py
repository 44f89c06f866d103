"""GET /v1/events: filters, order, and constant memory whatever the size and the speed of the reader."""

import json
import threading
import time
import uuid

import pytest

from beckon_node import Node
from http_client import Closed
from shop import check_problem, event, now_ms, popup, rfc3339, save, send_events, stored_events, unique

EXPORT_EVENTS = 200_000
GROWTH_BYTES_MAX = 24 << 20


def test_filters_and_order(client):
    one, two = unique("user"), unique("user")
    first, second = save(client, popup(unique("h"))), save(client, popup(unique("h")))
    base = now_ms() - 100_000
    sent = [event(one, first, "click", at=rfc3339(base + 3000)),
            event(two, first, "dismiss", at=rfc3339(base + 1000)),
            event(one, second, "click", at=rfc3339(base + 2000)),
            event(two, second, "convert", at=rfc3339(base + 2000))]
    send_events(client, *sent)

    def found(query):
        return [sent.index(next(e for e in sent if e["id"] == row["id"])) for row in stored_events(client, query)]

    assert found(f"user={one}") == [2, 0]
    assert found(f"user={two}") == [1, 3]
    assert found(f"popup={first}") == [1, 0]
    assert found(f"popup={first}&user={one}") == [0]
    assert found(f"user={one}&type=click") == [2, 0]
    assert found(f"user={one}&type=dismiss") == []
    assert found(f"user={two}&since={rfc3339(base + 1001)}") == [3]
    assert found(f"user={two}&since={rfc3339(base + 1000)}&until={rfc3339(base + 2000)}") == [1]
    assert found(f"user={two}&until={rfc3339(base + 1000)}") == []


@pytest.mark.parametrize("query", ["since=yesterday", "type=explode", "user=", "until=1", "nonsense=1", "user=%ff",
                                   "user=a&user=b"])
def test_a_wrong_filter_is_a_problem(client, query):
    answer = client.get(f"/v1/events?{query}")
    check_problem(answer, answer.status)
    assert answer.status in (400, 422)


def test_no_events_is_an_empty_answer(client):
    assert stored_events(client, f"user={unique('nobody')}") == []


def fill(node, count, threads=4):
    """Stores events with ids 0 … count-1 in their batches; returns when all are answered 202."""
    home = rfc3339(now_ms())
    failures = []

    def work(offset):
        try:
            with node.client(30) as client:
                for start in range(offset * 500, count, threads * 500):
                    batch = [{"id": f"{n}-{'x' * 60}", "type": "custom", "name": "fill", "user": f"u{n % 1000}",
                              "at": home, "properties": {"pad": "p" * 40}}
                             for n in range(start, min(start + 500, count))]
                    assert client.post("/v1/events", {"events": batch}).json()["accepted"] == len(batch)
        except Exception as error:  # handed to the test's own thread
            failures.append(error)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures, failures


@pytest.fixture(scope="module")
def full_node(tmp_path_factory):
    made = Node(tmp_path_factory.mktemp("full"), {"sqlite.cache-kib": 4096, "http.write-timeout-ms": 60000}).start()
    fill(made, EXPORT_EVENTS)
    yield made
    assert made.stop() == 0


def test_a_large_export_streams_in_constant_memory(full_node):
    with full_node.client(120) as client:
        client.get("/livez")
        before = peak = full_node.rss_bytes()
        client.send(client.encode("GET", "/v1/events"))
        head = client.read_head()
        assert head.status == 200 and head.headers["transfer-encoding"] == "chunked"
        seen, rest, total = [], b"", 0
        for piece in client.body_pieces(head):
            total += len(piece)
            lines = (rest + piece).split(b"\n")
            rest = lines.pop()
            seen.extend(int(json.loads(line)["id"].partition("-")[0]) for line in lines)
            peak = max(peak, full_node.rss_bytes())
    assert rest == b""
    assert sorted(seen) == list(range(EXPORT_EVENTS)), "each event once"
    assert total > 1.5 * GROWTH_BYTES_MAX, f"only {total} bytes: the bound below would say nothing"
    print(f"export of {EXPORT_EVENTS} events, {total >> 20} MiB: resident memory grew by {(peak - before) >> 10} KiB")
    assert peak - before < GROWTH_BYTES_MAX


def test_slow_readers_hold_back_the_stream_and_nothing_else(full_node):
    before = full_node.rss_bytes()
    readers = [full_node.client(60).connect() for _ in range(10)]
    for reader in readers:
        reader.send(reader.encode("GET", "/v1/events"))
    with full_node.client() as other:
        deadline = time.monotonic() + 2
        peak, asked = before, 0
        while time.monotonic() < deadline:
            began = time.monotonic()
            assert other.get("/v1/decide?user=u&placement=p").status == 200
            assert time.monotonic() - began < 2, "a slow reader holds up others"
            peak = max(peak, full_node.rss_bytes())
            asked += 1
    assert asked > 50
    assert peak - before < 10 * (3 << 20) + GROWTH_BYTES_MAX, f"grew by {(peak - before) >> 10} KiB"
    head = readers[0].read_head()
    count = sum(piece.count(b"\n") for piece in readers[0].body_pieces(head, time.monotonic() + 60))
    assert count == EXPORT_EVENTS, "a reader that was slow for a while gets everything all the same"
    for reader in readers:
        reader.close()


def test_a_reader_that_takes_nothing_is_reset(start_node):
    node = start_node({"http.write-timeout-ms": 300, "limits.output-bytes-max": 65536,
                       "limits.stream-piece-bytes-max": 32768})
    with node.client(20) as client:
        for _ in range(60):
            pad = {"pad": "x" * 1500}
            send_events(client, *[{"id": str(uuid.uuid4()), "type": "custom", "name": "n", "user": "u",
                                   "at": rfc3339(now_ms()), "properties": pad} for _ in range(500)])
        with node.client(20) as idle:
            idle.send(idle.encode("GET", "/v1/events"))
            # The gauge follows a moment later; so first it must have seen this connection.
            wait_for(lambda: connections(client) > 1, "the connection is counted")
            wait_for(lambda: connections(client) == 1, "the connection of a client that takes nothing is closed")
            # The bytes that the kernel holds for us stay readable; the end of them must be a cut, not a whole answer.
            try:
                head = idle.read_head()
                pieces = list(idle.body_pieces(head))
            except (ConnectionResetError, Closed):  # reset, or the stream ends without its last chunk
                return
            raise AssertionError(f"a whole answer of {sum(map(len, pieces))} bytes: the test did not fill the buffers")


def wait_for(condition, what, deadline_s=15):
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)


def connections(client):
    text = client.get("/metrics").body.decode()
    values = [line.split()[-1] for line in text.splitlines() if line.startswith("beckon_http_connections ")]
    assert values, "no gauge of the open connections"
    return float(values[0])


def test_many_exports_at_once_give_each_event_once(start_node):
    """Pages and pieces follow one another whatever the timing between the node's parts."""
    node = start_node({"limits.stream-piece-bytes-max": 32768})
    fill(node, 3000)
    clients = [node.client(30).connect() for _ in range(8)]
    for _ in range(10):
        for client in clients:
            client.send(client.encode("GET", "/v1/events"))
        for client in clients:
            ids = [json.loads(line)["id"] for line in client.read_response().body.splitlines()]
            assert len(ids) == len(set(ids)) == 3000
