"""Profiles and state of users, and their erasure."""

import json

import pytest

from shop import check_problem, decide, event, now_ms, outcome, popup, save, send_events, stored_events, to_ms, unique


def profile(client, user):
    answer = client.get(f"/v1/users/{user}")
    assert answer.status == 200, answer
    return answer.json()


def test_put_replaces_the_whole_profile(client):
    path = f"/v1/users/{unique('user')}"
    first = {"plan": "free", "age": 42, "ratio": 0.25, "beta": True, "tags": ["a", 1, False], "名": "ü"}
    assert client.put(path, {"attributes": first}).status == 201
    assert client.get(path).json()["attributes"] == first
    assert client.put(path, {"attributes": {"plan": "paid"}}).status == 200
    assert client.get(path).json()["attributes"] == {"plan": "paid"}


def test_patch_merges(client):
    path = f"/v1/users/{unique('user')}"
    client.put(path, {"attributes": {"a": 1, "b": 2}})
    answer = client.patch(path, {"attributes": {"b": None, "c": [3]}})
    assert answer.status in (200, 204), answer
    assert client.get(path).json()["attributes"] == {"a": 1, "c": [3]}


def test_patch_of_a_user_without_profile_makes_one(client):
    path = f"/v1/users/{unique('user')}"
    assert client.patch(path, {"attributes": {"a": 1, "b": None}}).status in (200, 201, 204)
    assert client.get(path).json()["attributes"] == {"a": 1}


def test_get_shows_the_limits_of_the_user(client):
    home = unique("home")
    shown = save(client, popup(home, frequency={"every": "1h"}))
    user = unique("user")
    before = now_ms()
    decide(client, user, home)
    click = event(user, shown, "click")
    send_events(client, click)
    body = profile(client, user)
    record = body["popups"][shown]
    assert record["shows"] == 1
    assert before <= to_ms(record["last_shown_at"]) <= now_ms()
    assert record["clicked_at"] == click["at"]
    assert record["dismissed_at"] is None and record["converted_at"] is None
    assert "next_eligible_at" in body


def test_an_unknown_user_is_404(client):
    check_problem(client.get(f"/v1/users/{unique('nobody')}"), 404)
    check_problem(client.delete(f"/v1/users/{unique('nobody')}"), 404)


def test_64_attributes_are_taken_and_65_are_not(client):
    path = f"/v1/users/{unique('user')}"
    full = {f"a{n}": n for n in range(64)}
    assert client.put(path, {"attributes": full}).status == 201
    check_problem(client.put(path, {"attributes": {**full, "one": 1}}), 422, "/attributes")
    check_problem(client.patch(path, {"attributes": {"one": 1}}), 422, "/attributes")
    assert client.patch(path, {"attributes": {"a0": None, "one": 1}}).status in (200, 204)
    assert len(client.get(path).json()["attributes"]) == 64


def test_16_kib_are_taken_and_more_are_not(client):
    path = f"/v1/users/{unique('user')}"
    text = "x" * (16384 - len('{"a":""}'))
    assert client.put(path, {"attributes": {"a": text}}).status == 201
    check_problem(client.put(path, {"attributes": {"a": text + "x"}}), 422, "/attributes")
    assert client.get(path).json()["attributes"] == {"a": text}


@pytest.mark.parametrize("body, pointer", [
    ({}, "/attributes"), ({"attributes": []}, "/attributes"), ({"attributes": {"a": {}}}, "/attributes/a"),
    ({"attributes": {"a": [[1]]}}, "/attributes/a/0"), ({"attributes": {"": 1}}, "/attributes/"),
    ({"attributes": {}, "popups": {}}, "/popups"), ([], ""),
])
def test_a_wrong_profile_names_its_place(client, body, pointer):
    path = f"/v1/users/{unique('user')}"
    check_problem(client.put(path, body), 422, pointer)
    check_problem(client.get(path), 404)


def test_a_profile_is_used_by_the_next_decide(node, client):
    home, other = unique("home"), node.client()
    shown = save(client, popup(home, audience={"attribute": "n", "op": "ge", "value": 5}))
    user = unique("user")
    for n in range(10):
        client.put(f"/v1/users/{user}", {"attributes": {"n": n}})
        expected = (shown, "MATCH") if n >= 5 else (None, "NO_MATCH")
        assert outcome(decide(other, user, home), home) == expected


def test_delete_erases_profile_state_answers_and_events(client):
    home = unique("home")
    shown = save(client, popup(home, frequency={"max_shows": 1}))
    user, other = unique("user"), unique("user")
    client.put(f"/v1/users/{user}", {"attributes": {"plan": "free"}})
    first = decide(client, user, home, request_id="r-1")
    kept = event(other, shown, "click")
    send_events(client, event(user, shown), event(user, shown, "click"), kept)
    assert client.delete(f"/v1/users/{user}").status == 204
    check_problem(client.get(f"/v1/users/{user}"), 404)
    assert stored_events(client, f"user={user}") == []
    assert [row["id"] for row in stored_events(client, f"popup={shown}")] == [kept["id"]]
    again = decide(client, user, home, request_id="r-1")
    assert outcome(again, home) == (shown, "MATCH")
    assert again["decision_id"] != first["decision_id"]


def test_ids_are_percent_decoded(client):
    assert client.put("/v1/users/a%20b%3F%E2%98%83", {"attributes": {"x": 1}}).status in (200, 201)
    assert client.get("/v1/users/a%20b%3f%e2%98%83").json()["attributes"] == {"x": 1}
    assert json.loads(client.get("/v1/users/a%20b%3F%E2%98%83").body)["user"] == "a b?☃"
    client.delete("/v1/users/a%20b%3F%E2%98%83")


@pytest.mark.parametrize("path", ["/v1/users/" + "x" * 129, "/v1/users/a%01b", "/v1/users/%ff"])
def test_an_id_that_is_none(client, path):
    answer = client.get(path)
    check_problem(answer, answer.status)
    assert answer.status in (400, 404, 422)
