"""Events in: the meaning of 202, refusals, and effects on the user."""

import json
import uuid

import pytest

from shop import (check_problem, decide, event, now_ms, outcome, popup, rfc3339, save, send_events,
                  stored_events, unique)


def test_events_are_taken_and_kept_as_sent(client):
    user, home = unique("user"), unique("home")
    shown = save(client, popup(home))
    at = now_ms() - 5000
    sent = event(user, shown, "impression", at=rfc3339(at), variant="b", decision_id="d-1",
                 properties={"screen": "home", "n": [1, {"x": None}]})
    assert send_events(client, sent) == {"accepted": 1, "duplicates": 0, "rejected": []}
    stored = stored_events(client, f"user={user}")
    assert len(stored) == 1
    for name, value in sent.items():
        assert stored[0][name] == value, name


def test_duplicates_across_batches_and_inside_one(client):
    user = unique("user")
    shown = save(client, popup(unique("home")))
    one, two, three = (event(user, shown) for _ in range(3))
    assert send_events(client, one, two) == {"accepted": 2, "duplicates": 0, "rejected": []}
    assert send_events(client, two, three, three) == {"accepted": 1, "duplicates": 2, "rejected": []}
    assert send_events(client, one) == {"accepted": 0, "duplicates": 1, "rejected": []}
    assert sorted(row["id"] for row in stored_events(client, f"user={user}")) == sorted(
        e["id"] for e in (one, two, three))


def test_a_custom_event_needs_a_name(client):
    user = unique("user")
    named = event(user, None, "custom", name="video_watched")
    nameless = event(user, None, "custom")
    document = send_events(client, nameless, named)
    assert document["accepted"] == 1
    assert [entry["index"] for entry in document["rejected"]] == [0]
    stored = stored_events(client, f"user={user}")
    assert [row["name"] for row in stored] == ["video_watched"]


REJECTED = [
    ("bad_timestamp", lambda: {"at": rfc3339(now_ms() + 6 * 60_000)}),
    ("bad_timestamp", lambda: {"at": rfc3339(now_ms() - 31 * 86_400_000)}),
    ("bad_timestamp", lambda: {"at": "yesterday"}),
    ("bad_timestamp", lambda: {"at": "2026-02-30T10:00:00Z"}),
    (None, lambda: {"type": "explode"}),
    (None, lambda: {"id": ""}),
    (None, lambda: {"id": "x" * 129}),
    (None, lambda: {"user": ""}),
    (None, lambda: {"user": 7}),
    (None, lambda: {"popup": 7}),
    (None, lambda: {"properties": []}),
    (None, lambda: {"unknown": 1}),
]


@pytest.mark.parametrize("number", range(len(REJECTED)))
def test_one_bad_event_is_rejected_by_index_and_the_others_are_taken(client, number):
    code, change = REJECTED[number]
    user = unique("user")
    shown = save(client, popup(unique("home")))
    good = [event(user, shown) for _ in range(2)]
    bad = {**event(user, shown), **change()}
    document = send_events(client, good[0], bad, good[1])
    assert document["accepted"] == 2 and document["duplicates"] == 0
    assert [entry["index"] for entry in document["rejected"]] == [1]
    entry = document["rejected"][0]
    assert entry["detail"] and entry["code"]
    if code:
        assert entry["code"] == code
    assert sorted(row["id"] for row in stored_events(client, f"user={user}")) == sorted(e["id"] for e in good)


def test_at_within_its_bounds_is_taken(client):
    user = unique("user")
    shown = save(client, popup(unique("home")))
    document = send_events(client, event(user, shown, at=rfc3339(now_ms() + 4 * 60_000)),
                           event(user, shown, at=rfc3339(now_ms() - 29 * 86_400_000)),
                           event(user, shown, at=offset_now()))
    assert document == {"accepted": 3, "duplicates": 0, "rejected": []}


def offset_now():
    """The present moment written with another offset than Z."""
    return rfc3339(now_ms() + 2 * 3600_000).replace("Z", "+02:00")


def test_all_rejected_is_422_and_takes_nothing(client):
    user = unique("user")
    shown = save(client, popup(unique("home")))
    answer = client.post("/v1/events", {"events": [event(user, shown, at="never"), event(user, shown, "no-type")]})
    check_problem(answer, 422)
    assert stored_events(client, f"user={user}") == []


@pytest.mark.parametrize("body, pointer", [
    ({}, "/events"), ({"events": []}, "/events"), ({"events": {}}, "/events"), ({"event": []}, "/event"), ([], ""),
    ({"events": [{"id": "x", "type": "click", "user": "u", "at": "2026-01-01T00:00:00Z"}], "more": 1}, "/more"),
])
def test_a_wrong_envelope_is_422(client, body, pointer):
    check_problem(client.post("/v1/events", body), 422, pointer)


def test_500_events_are_taken_and_501_are_not(client):
    user = unique("user")
    batch = [event(user, None, "custom", name="n") for _ in range(501)]
    check_problem(client.post("/v1/events", {"events": batch}), 422, "/events")
    assert stored_events(client, f"user={user}") == []
    assert send_events(client, *batch[:500]) == {"accepted": 500, "duplicates": 0, "rejected": []}
    assert len(stored_events(client, f"user={user}")) == 500


def test_over_one_mebibyte_is_413(node):
    user = unique("user")
    padding = {"p": "x" * 30_000}
    batch = [event(user, None, "custom", name="n", properties=padding) for _ in range(40)]
    body = json.dumps({"events": batch}).encode()
    assert len(body) > 1 << 20
    with node.client() as client:
        check_problem(client.post("/v1/events", body, {"Content-Type": "application/json"}), 413)
    with node.client() as client:
        assert stored_events(client, f"user={user}") == []


def test_just_under_one_mebibyte_is_taken(client):
    user = unique("user")
    batch = [event(user, None, "custom", name="n", properties={"p": "x" * 10_000}) for _ in range(100)]
    assert len(json.dumps({"events": batch})) < 1 << 20
    assert send_events(client, *batch)["accepted"] == 100


@pytest.mark.parametrize("kind, member", [("click", "clicked_at"), ("dismiss", "dismissed_at"),
                                          ("convert", "converted_at")])
def test_an_event_moves_the_users_state_forward_only(client, kind, member):
    home = unique("home")
    shown = save(client, popup(home))
    user = unique("user")
    decide(client, user, home)
    later, earlier = now_ms() - 1000, now_ms() - 60_000
    send_events(client, event(user, shown, kind, at=rfc3339(later)))
    send_events(client, event(user, shown, kind, at=rfc3339(earlier)))
    assert client.get(f"/v1/users/{user}").json()["popups"][shown][member] == rfc3339(later)


def test_a_duplicate_moves_nothing(client):
    home = unique("home")
    shown = save(client, popup(home))
    user = unique("user")
    clicked = event(user, shown, "click", at=rfc3339(now_ms() - 60_000))
    send_events(client, clicked)
    before = client.get(f"/v1/users/{user}").json()
    assert send_events(client, {**clicked, "at": rfc3339(now_ms())})["duplicates"] == 1
    assert client.get(f"/v1/users/{user}").json() == before


def test_an_event_counts_although_the_user_was_never_shown_anything(client):
    home = unique("home")
    shown = save(client, popup(home, frequency={"stop_after": ["convert"]}))
    user = unique("user")
    send_events(client, event(user, shown, "convert"))
    assert outcome(decide(client, user, home), home) == (None, "CAPPED")


def test_an_id_of_any_text(client):
    user = unique("user")
    odd = f"é/☃ {uuid.uuid4()}"
    assert send_events(client, event(user, None, "custom", name="ñ", id=odd))["accepted"] == 1
    assert [row["id"] for row in stored_events(client, f"user={user}")] == [odd]
