"""A node on a real MariaDB server: the main job, and what holds while the server is down."""

import time

from fault_watch import eventually
from shop import decide, event, outcome, popup, save, send_events, stored_events, unique


def test_the_main_job_and_a_restart(start_node, settings):
    node = start_node(settings)
    with node.client() as client:
        home = unique("home")
        shown = save(client, popup(home, frequency={"every": "1h"}))
        first = decide(client, "u", home, request_id="r-1")
        assert outcome(first, home) == (shown, "MATCH")
        assert outcome(decide(client, "u", home), home) == (None, "COOLDOWN")
        click = event("u", shown, "click")
        assert send_events(client, click)["accepted"] == 1
        eventually(lambda: [e["id"] for e in stored_events(client, "user=u")] == [click["id"]], "the click is shipped")
        assert send_events(client, click)["accepted"] == 1  # whether it is a duplicate is known when it is shipped
    node.restart()
    with node.client() as client:
        assert decide(client, "u", home, request_id="r-1") == first
        assert outcome(decide(client, "u", home), home) == (None, "COOLDOWN")
        assert [e["id"] for e in stored_events(client, "user=u")] == [click["id"]]
        assert client.get(f"/v1/popups/{shown}/stats").json()["clicks"] == {"total": 1, "users": 1}


def test_while_the_server_is_down_events_are_accepted_and_nothing_is_shown(start_node, own_server, settings):
    node = start_node(settings)
    with node.client() as client:
        home = unique("home")
        shown = save(client, popup(home, frequency={"every": "1h"}))
        assert outcome(decide(client, "known", home), home) == (shown, "MATCH")
        own_server.kill()
        try:
            assert outcome(decide(client, "known", home), home) == (None, "COOLDOWN")
            assert outcome(decide(client, "stranger", home), home) == (None, "UNAVAILABLE")
            sent = [event("known", shown) for _ in range(5)]
            for one in sent:
                assert send_events(client, one)["accepted"] == 1
            checks = {c["name"]: c for c in client.get("/readyz?verbose").json()["checks"]}
            assert checks["outbox"]["ok"], checks
        finally:
            own_server.restart()
        eventually(lambda: outcome(decide(client, unique("user"), home), home)[1] == "MATCH", "claims go on")
        eventually(lambda: len(stored_events(client, "user=known")) == 5, "the events are shipped")
        assert [e["id"] for e in stored_events(client, "user=known")] == [e["id"] for e in sent]


def test_a_hanging_server_blocks_no_client_for_long(start_node, own_server, settings):
    node = start_node({**settings, "mysql.read-timeout-ms": 1000, "mysql.connect-timeout-ms": 1000})
    with node.client(30) as client:
        home = unique("home")
        shown = save(client, popup(home, frequency={"every": "1h"}))
        assert outcome(decide(client, "known", home), home) == (shown, "MATCH")
        own_server.pause()
        try:
            took = []
            for _ in range(5):
                began = time.monotonic()
                assert outcome(decide(client, "known", home), home) == (None, "COOLDOWN")
                took.append(time.monotonic() - began)
            # The store would have taken its time-out each time.
            assert min(took) < 1, "a cooled-down user is answered from memory"
            answer = client.post("/v1/decide", {"user": "stranger", "placements": [home]})
            assert answer.status == 503 or outcome(answer.json(), home) == (None, "UNAVAILABLE")
            assert send_events(client, event("known", shown))["accepted"] == 1
        finally:
            own_server.resume()
        eventually(lambda: outcome(decide(client, unique("user"), home), home)[1] == "MATCH", "claims go on")
        eventually(lambda: len(stored_events(client, "user=known")) == 1, "the event is shipped")


def test_a_wrong_password_is_named(settings, tmp_path):
    from beckon_node import run_program
    words = {**settings, "mysql.password": "wrong", "http.port": 0, "node.data-dir": tmp_path}
    done = run_program("serve", *[f"--{key}={value}" for key, value in words.items()])
    assert done.returncode == 1, done
    assert b"Access denied" in done.stderr or b"password" in done.stderr, done.stderr
