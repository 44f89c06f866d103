"""Refused requests change nothing: everything readable is the same before and after."""

import json

import pytest

from shop import decide, event, now_ms, popup, rfc3339, save, send_events

HOST = b"Host: localhost\r\n"


def snapshot(client, users, popups):
    """Everything that a client can read, as bytes."""
    paths = ["/v1/popups", "/v1/settings", "/v1/events"]
    paths += [f"/v1/users/{user}" for user in users]
    for one in popups:
        paths += [f"/v1/popups/{one}", f"/v1/popups/{one}/stats"]
    seen = {}
    for path in paths:
        answer = client.get(path)
        seen[path] = (answer.status, answer.headers.get("etag"), answer.body)
    dry = client.post("/v1/decide", {"user": "new", "placements": ["home", "cart"], "dry_run": True}).json()
    del dry["decision_id"], dry["next_eligible_at"]  # these two follow the clock
    seen["dry run"] = dry
    return seen


@pytest.fixture(scope="module")
def filled(shared_node):
    client = shared_node.client()
    save(client, popup("home", "p1", frequency={"every": "24h"}))
    save(client, popup("cart", "p2", status="draft"))
    client.put("/v1/settings", {"min_gap": "10m"})
    client.put("/v1/users/known", {"attributes": {"plan": "free"}})
    decide(client, "known", "home", request_id="r")
    send_events(client, event("known", "p1", "click"), event("known", None, "custom", name="n"))
    client.close()
    return shared_node


def json_request(method, path, body, headers=b""):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (f"{method} {path} HTTP/1.1\r\n".encode() + HOST + headers + b"Content-Length: %d\r\n\r\n" % len(data)
            + data)


GOOD_DECIDE = {"user": "known", "placements": ["home", "cart"]}
GOOD_POPUP = popup("home", "p1", priority=99)
GOOD_EVENT = {"id": "evil", "type": "convert", "user": "known", "popup": "p1", "at": rfc3339(now_ms())}

REQUESTS = {
    "decide-cut-json": json_request("POST", "/v1/decide", b'{"user": "victim", "placements": ["home"]'),
    "decide-unknown-field": json_request("POST", "/v1/decide", {**GOOD_DECIDE, "user": "victim", "force": True}),
    "decide-wrong-type": json_request("POST", "/v1/decide", {"user": "victim", "placements": "home"}),
    "decide-half-bad-placements": json_request("POST", "/v1/decide", {"user": "victim", "placements": ["home", ""]}),
    "decide-too-large": json_request("POST", "/v1/decide", {**GOOD_DECIDE, "user": "victim", "x": "y" * 1_100_000}),
    "decide-wrong-query": b"GET /v1/decide?user=victim HTTP/1.1\r\n" + HOST + b"\r\n",
    "decide-smuggled": b"POST /v1/decide HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"
                       b"\r\n0\r\n\r\n"
                       + json_request("POST", "/v1/decide", {"user": "victim", "placements": ["home"]}),
    "decide-head-with-body": json_request("PUT", "/v1/decide", GOOD_DECIDE),
    "events-one-bad-envelope": json_request("POST", "/v1/events", {"events": [GOOD_EVENT], "more": 1}),
    "events-all-rejected": json_request("POST", "/v1/events", {"events": [{**GOOD_EVENT, "at": "never"}]}),
    "events-too-many": json_request("POST", "/v1/events", {"events": [{**GOOD_EVENT, "id": str(n)}
                                                                      for n in range(501)]}),
    "events-too-large": json_request("POST", "/v1/events", {"events": [{**GOOD_EVENT, "properties": {
        "x": "y" * 1_100_000}}]}),
    "events-trailing-bytes": json_request("POST", "/v1/events", json.dumps({"events": [GOOD_EVENT]}).encode() + b"]"),
    "events-duplicate-key": json_request("POST", "/v1/events", json.dumps(
        {"events": [GOOD_EVENT]}).replace('"user"', '"user": "x", "user"').encode()),
    "popup-unknown-field": json_request("PUT", "/v1/popups/p1", {**GOOD_POPUP, "x": 1}),
    "popup-stale": json_request("PUT", "/v1/popups/p1", GOOD_POPUP, b'If-Match: "999"\r\n'),
    "popup-other-id": json_request("PUT", "/v1/popups/p2", GOOD_POPUP),
    "popup-exists": json_request("POST", "/v1/popups", GOOD_POPUP),
    "popup-create-invalid": json_request("POST", "/v1/popups", {"id": "p3", "placements": ["home"]}),
    "popup-delete-stale": b'DELETE /v1/popups/p1 HTTP/1.1\r\nIf-Match: "999"\r\n' + HOST + b"\r\n",
    "popup-delete-unknown": b"DELETE /v1/popups/p9 HTTP/1.1\r\n" + HOST + b"\r\n",
    "popup-delete-encoded-slash": b"DELETE /v1/popups/x%2F..%2Fp1 HTTP/1.1\r\n" + HOST + b"\r\n",
    "settings-wrong": json_request("PUT", "/v1/settings", {"min_gap": "1m", "x": 1}),
    "settings-wrong-method": json_request("POST", "/v1/settings", {"min_gap": "1m"}),
    "settings-stale": json_request("PUT", "/v1/settings", {"min_gap": "1m"}, b'If-Match: "999"\r\n'),
    "user-too-many": json_request("PUT", "/v1/users/known", {"attributes": {f"a{n}": 1 for n in range(65)}}),
    "user-too-large": json_request("PUT", "/v1/users/known", {"attributes": {"a": "x" * 17000}}),
    "user-patch-wrong": json_request("PATCH", "/v1/users/known", {"attributes": {"plan": None, "b": {"c": 1}}}),
    "user-delete-unknown": b"DELETE /v1/users/nobody HTTP/1.1\r\n" + HOST + b"\r\n",
    "user-delete-bad-framing": b"DELETE /v1/users/known HTTP/1.1\r\nX : y\r\n" + HOST + b"\r\n",
    "user-delete-without-host": b"DELETE /v1/users/known HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("data", REQUESTS.values(), ids=REQUESTS.keys())
def test_refused_and_nothing_changed(filled, data):
    users, popups = ("known", "victim", "new"), ("p1", "p2", "p3")
    with filled.client() as client:
        before = snapshot(client, users, popups)
    with filled.client() as client:
        client.send(data)
        answer = client.read_response()
        assert 400 <= answer.status < 500, answer
        assert answer.headers["content-type"].startswith("application/problem+json")
    with filled.client() as client:
        assert snapshot(client, users, popups) == before


def test_the_snapshot_sees_a_change(filled):
    """Otherwise the comparison above could be of things that never change."""
    with filled.client() as client:
        before = snapshot(client, ("known",), ("p1",))
        send_events(client, event("known", "p1", "dismiss"))
        assert snapshot(client, ("known",), ("p1",)) != before


def test_everything_refused_at_once_changes_nothing(filled):
    users, popups = ("known", "victim", "new"), ("p1", "p2", "p3")
    with filled.client() as client:
        before = snapshot(client, users, popups)
        for _ in range(3):
            for data in REQUESTS.values():
                with filled.client() as other:
                    other.send(data)
                    assert other.read_response().status >= 400
        assert snapshot(client, users, popups) == before
