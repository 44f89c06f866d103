"""Deciding, as a client of the API sees it."""

import time
from urllib.parse import quote

import pytest

from shop import (check_problem, decide, event, now_ms, outcome, popup, rfc3339, save, send_events,
                  stored_events, to_ms, unique)


def test_a_live_popup_is_shown_with_its_content(client):
    home = unique("home")
    shown = save(client, popup(home, content={"title": "Grüße ☃", "n": 1.5, "deep": {"list": [1, None, True]}}))
    user = unique("user")
    document = decide(client, user, home)
    assert document["user"] == user
    assert document["catalog_version"] >= 1
    assert document["decision_id"]
    part = document["placements"][home]
    assert part["reason"] == "MATCH"
    assert part["popup"]["id"] == shown
    assert part["popup"]["revision"] == 1
    assert part["popup"]["content"] == {"title": "Grüße ☃", "n": 1.5, "deep": {"list": [1, None, True]}}


def test_get_is_the_short_form(client):
    home = unique("home")
    shown = save(client, popup(home))
    answer = client.get(f"/v1/decide?user={unique('user')}&placement={home}")
    assert answer.status == 200
    assert outcome(answer.json(), home) == (shown, "MATCH")


@pytest.mark.parametrize("query", ["", "user=u", "placement=p", "user=&placement=p", "user=a&user=b&placement=p",
                                   "user=%zz&placement=p", "user=%ff&placement=p", "user=u&placement=p&extra=1"])
def test_get_with_a_wrong_query_is_a_problem(client, query):
    answer = client.get(f"/v1/decide?{query}")
    check_problem(answer, answer.status)
    assert answer.status in (400, 422)


def test_nothing_live_is_no_popup(client):
    home = unique("home")
    for status in ("draft", "paused", "archived"):
        save(client, popup(home, status=status))
    document = decide(client, unique("user"), home)
    assert outcome(document, home) == (None, "NO_POPUP")
    assert document["next_eligible_at"] is None


def test_status_draft_is_the_default(client):
    home = unique("home")
    document = popup(home)
    del document["status"]
    save(client, document)
    assert outcome(decide(client, unique("user"), home), home) == (None, "NO_POPUP")


def test_a_window_opens_and_closes(client):
    past, now, ahead = unique("past"), unique("now"), unique("ahead")
    save(client, popup(past, window={"until": "2020-01-01T00:00:00Z"}))
    shown = save(client, popup(now, window={"from": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}))
    save(client, popup(ahead, window={"from": "2099-01-01T00:00:00Z"}))
    document = decide(client, unique("user"), [past, now, ahead])
    assert outcome(document, past) == (None, "NO_POPUP")
    assert outcome(document, now) == (shown, "MATCH")
    assert outcome(document, ahead) == (None, "NO_POPUP")


def test_a_trigger_must_fit(client):
    home = unique("home")
    shown = save(client, popup(home, trigger={"event": "checkout_started"}))
    user = unique("user")
    assert outcome(decide(client, user, home), home) == (None, "NO_POPUP")
    assert outcome(decide(client, user, home, trigger={"event": "other"}), home) == (None, "NO_POPUP")
    assert outcome(decide(client, user, home, trigger={"event": "checkout_started"}), home) == (shown, "MATCH")


def test_highest_priority_wins_and_ties_go_by_id(client):
    home, stem = unique("home"), unique("p")
    save(client, popup(home, f"{stem}-b", priority=5, frequency={"max_shows": 1}))
    save(client, popup(home, f"{stem}-a", priority=5, frequency={"max_shows": 1}))
    save(client, popup(home, f"{stem}-z", priority=9, frequency={"max_shows": 1}))
    user = unique("user")
    order = [outcome(decide(client, user, home), home)[0] for _ in range(3)]
    assert order == [f"{stem}-z", f"{stem}-a", f"{stem}-b"]


def test_max_shows_caps_for_ever(client):
    home = unique("home")
    save(client, popup(home, frequency={"max_shows": 2}))
    user = unique("user")
    reasons = [outcome(decide(client, user, home), home)[1] for _ in range(4)]
    assert reasons == ["MATCH", "MATCH", "CAPPED", "CAPPED"]
    assert outcome(decide(client, unique("user"), home), home)[1] == "MATCH"


def test_every_cools_down_and_tells_until_when(client):
    home = unique("home")
    shown = save(client, popup(home, frequency={"every": "24h"}))
    user = unique("user")
    before = now_ms()
    first = decide(client, user, home)
    after = now_ms()
    assert outcome(first, home) == (shown, "MATCH")
    day = 24 * 3600 * 1000
    assert before + day <= to_ms(first["next_eligible_at"]) <= after + day
    second = decide(client, user, home)
    assert outcome(second, home) == (None, "COOLDOWN")
    assert second["next_eligible_at"] == first["next_eligible_at"]


@pytest.mark.parametrize("kind", ["click", "dismiss", "convert"])
def test_stop_after(client, kind):
    home = unique("home")
    shown = save(client, popup(home, frequency={"stop_after": [kind]}))
    user, other = unique("user"), unique("user")
    assert outcome(decide(client, user, home), home) == (shown, "MATCH")
    assert outcome(decide(client, user, home), home) == (shown, "MATCH")
    send_events(client, event(user, shown, kind))
    assert outcome(decide(client, user, home), home) == (None, "CAPPED")
    assert outcome(decide(client, other, home), home) == (shown, "MATCH")


def test_after_dismiss_waits_from_the_dismissal(client):
    home = unique("home")
    shown = save(client, popup(home, frequency={"after_dismiss": "7d"}))
    user = unique("user")
    assert outcome(decide(client, user, home), home) == (shown, "MATCH")
    at = now_ms() - 1000
    send_events(client, event(user, shown, "dismiss", at=rfc3339(at)))
    document = decide(client, user, home)
    assert outcome(document, home) == (None, "COOLDOWN")
    assert to_ms(document["next_eligible_at"]) == at + 7 * 24 * 3600 * 1000


AUDIENCES = [
    ({"attribute": "plan", "op": "eq", "value": "free"}, {"plan": "free"}, True),
    ({"attribute": "plan", "op": "eq", "value": "free"}, {"plan": "paid"}, False),
    ({"attribute": "plan", "op": "eq", "value": "free"}, {}, False),
    ({"attribute": "plan", "op": "ne", "value": "free"}, {}, True),
    ({"attribute": "plan", "op": "in", "value": ["free", "trial"]}, {"plan": "trial"}, True),
    ({"attribute": "plan", "op": "not_in", "value": ["free", "trial"]}, {"plan": "trial"}, False),
    ({"attribute": "plan", "op": "not_in", "value": ["free", "trial"]}, {}, True),
    ({"attribute": "plan", "op": "exists"}, {"plan": False}, True),
    ({"attribute": "plan", "op": "exists"}, {}, False),
    ({"attribute": "plan", "op": "not_exists"}, {}, True),
    ({"attribute": "age", "op": "lt", "value": 18}, {"age": 17.5}, True),
    ({"attribute": "age", "op": "lt", "value": 18}, {"age": 18}, False),
    ({"attribute": "age", "op": "le", "value": 18}, {"age": 18}, True),
    ({"attribute": "age", "op": "gt", "value": 18}, {"age": 18}, False),
    ({"attribute": "age", "op": "ge", "value": 18}, {"age": 18}, True),
    ({"attribute": "age", "op": "ge", "value": 18}, {"age": "18"}, False),
    ({"all": [{"attribute": "a", "op": "eq", "value": 1}, {"attribute": "b", "op": "eq", "value": 2}]},
     {"a": 1, "b": 2}, True),
    ({"all": [{"attribute": "a", "op": "eq", "value": 1}, {"attribute": "b", "op": "eq", "value": 2}]},
     {"a": 1}, False),
    ({"any": [{"attribute": "a", "op": "eq", "value": 1}, {"attribute": "b", "op": "eq", "value": 2}]},
     {"b": 2}, True),
    ({"not": {"attribute": "country", "op": "eq", "value": "CH"}}, {"country": "CH"}, False),
    ({"not": {"attribute": "country", "op": "eq", "value": "CH"}}, {}, True),
]


@pytest.mark.parametrize("audience, attributes, fits", AUDIENCES)
def test_audience(client, audience, attributes, fits):
    home = unique("home")
    shown = save(client, popup(home, audience=audience))
    expected = (shown, "MATCH") if fits else (None, "NO_MATCH")
    assert outcome(decide(client, unique("user"), home, attributes=attributes), home) == expected


def test_context_is_visible_to_the_audience(client):
    home = unique("home")
    shown = save(client, popup(home, audience={"attribute": "context.platform", "op": "eq", "value": "ios"}))
    user = unique("user")
    assert outcome(decide(client, user, home, attributes={"platform": "ios"}), home) == (None, "NO_MATCH")
    assert outcome(decide(client, user, home, context={"platform": "android"}), home) == (None, "NO_MATCH")
    assert outcome(decide(client, user, home, context={"platform": "ios"}), home) == (shown, "MATCH")


def test_attributes_lie_over_the_profile_for_one_call(client):
    home = unique("home")
    shown = save(client, popup(home, audience={"attribute": "plan", "op": "eq", "value": "free"}))
    user = unique("user")
    assert client.put(f"/v1/users/{user}", {"attributes": {"plan": "paid"}}).status in (200, 201, 204)
    assert outcome(decide(client, user, home), home) == (None, "NO_MATCH")
    assert outcome(decide(client, user, home, attributes={"plan": "free"}), home) == (shown, "MATCH")
    assert outcome(decide(client, user, home), home) == (None, "NO_MATCH")
    assert client.get(f"/v1/users/{user}").json()["attributes"] == {"plan": "paid"}


def test_rollout_takes_a_stable_share(client):
    home = unique("home")
    save(client, popup(home, rollout={"percent": 30.0, "salt": "fixed-salt"}))
    users = [f"roll-{n}" for n in range(600)]
    taken = []
    for user in users:
        reason = outcome(decide(client, user, home, dry_run=True), home)[1]
        assert reason in ("MATCH", "ROLLOUT")
        taken.append(reason == "MATCH")
    assert 120 <= sum(taken) <= 240, sum(taken)
    wider = unique("wider")
    save(client, popup(wider, rollout={"percent": 60.0, "salt": "fixed-salt"}))
    for user, was_in in zip(users[:100], taken):
        if was_in:
            assert outcome(decide(client, user, wider, dry_run=True), wider)[1] == "MATCH"


@pytest.mark.parametrize("percent, reason", [(0, "ROLLOUT"), (100, "MATCH")])
def test_rollout_at_its_ends(client, percent, reason):
    home = unique("home")
    save(client, popup(home, rollout={"percent": percent}))
    for _ in range(20):
        assert outcome(decide(client, unique("user"), home), home)[1] == reason


def test_variants_are_stable_and_weighted(client):
    home = unique("home")
    document = popup(home, variants=[{"id": "a", "weight": 90, "content": {"v": "a"}},
                                     {"id": "b", "weight": 10, "content": {"v": "b"}}])
    del document["content"]
    save(client, document)
    counts = {"a": 0, "b": 0}
    for n in range(300):
        first = decide(client, f"var-{n}", home)["placements"][home]["popup"]
        assert first["content"] == {"v": first["variant"]}
        counts[first["variant"]] += 1
        if n < 20:
            again = decide(client, f"var-{n}", home)["placements"][home]["popup"]
            assert again["variant"] == first["variant"]
    assert 10 <= counts["b"] <= 60, counts


def test_one_popup_is_never_in_two_placements(client):
    home, cart = unique("home"), unique("cart")
    shown = popup(home)
    shown["placements"] = [home, cart]
    save(client, shown)
    document = decide(client, unique("user"), [home, cart])
    shown_in = [name for name in (home, cart) if document["placements"][name]["popup"]]
    assert shown_in == [home]


def test_placements_are_answered_each_on_its_own(client):
    names = [unique("place") for _ in range(20)]
    ids = {name: save(client, popup(name)) for name in names[:19]}
    document = decide(client, unique("user"), names)
    assert list(document["placements"]) == names
    for name in names[:19]:
        assert outcome(document, name) == (ids[name], "MATCH")
    assert outcome(document, names[19]) == (None, "NO_POPUP")


def test_next_eligible_is_the_earliest_that_a_candidate_allows(client):
    home = unique("home")
    soon = save(client, popup(home, priority=1, frequency={"every": "1h"}))
    late = save(client, popup(home, priority=2, frequency={"every": "5h"}))
    user = unique("user")
    assert outcome(decide(client, user, home), home) == (late, "MATCH")
    second = decide(client, user, home)
    assert outcome(second, home) == (soon, "MATCH")
    third = decide(client, user, home)
    assert outcome(third, home) == (None, "COOLDOWN")
    left = to_ms(third["next_eligible_at"]) - now_ms()
    assert 3500_000 < left <= 3600_000


def test_the_promise_is_kept_to_the_moment(client):
    """Before next_eligible_at never a popup, at it one."""
    home = unique("home")
    shown = save(client, popup(home, frequency={"every": "700ms"}))
    user = unique("user")
    first = decide(client, user, home)
    promised = to_ms(first["next_eligible_at"])
    refused = 0
    deadline = time.monotonic() + 10
    while True:
        document = decide(client, user, home)
        answered = now_ms()
        if document["placements"][home]["popup"]:
            assert answered >= promised, f"shown {promised - answered} ms before the moment promised"
            break
        assert outcome(document, home) == (None, "COOLDOWN")
        assert to_ms(document["next_eligible_at"]) == promised
        refused += 1
        assert time.monotonic() < deadline
    assert outcome(document, home) == (shown, "MATCH")
    assert refused >= 20, "the waiting was not watched"
    assert answered - promised < 500, "shown much later than promised"


def test_a_request_id_is_answered_again_and_charged_once(client):
    home = unique("home")
    shown = save(client, popup(home, frequency={"max_shows": 2}))
    user, request_id = unique("user"), unique("r")
    first = decide(client, user, home, request_id=request_id)
    assert outcome(first, home) == (shown, "MATCH")
    for _ in range(5):
        assert decide(client, user, home, request_id=request_id) == first
    assert outcome(decide(client, user, home, request_id=unique("r")), home) == (shown, "MATCH")
    assert outcome(decide(client, user, home, request_id=unique("r")), home) == (None, "CAPPED")
    assert decide(client, user, home, request_id=request_id) == first


def test_a_request_id_belongs_to_its_user(client):
    home = unique("home")
    save(client, popup(home))
    request_id = unique("r")
    one = decide(client, unique("user"), home, request_id=request_id)
    two = decide(client, unique("user"), home, request_id=request_id)
    assert one["decision_id"] != two["decision_id"]


def test_many_request_ids_of_one_user_are_all_kept(client):
    home = unique("home")
    save(client, popup(home))
    user = unique("user")
    answers = [decide(client, user, home, request_id=f"many-{n}") for n in range(150)]
    for n in (0, 1, 60, 100, 149):
        assert decide(client, user, home, request_id=f"many-{n}") == answers[n]
    assert client.get(f"/v1/users/{user}").json()["popups"][answers[0]["placements"][home]["popup"]["id"]][
        "shows"] == 150


def test_dry_run_charges_nothing(client):
    home = unique("home")
    shown = save(client, popup(home, frequency={"max_shows": 1}))
    user = unique("user")
    for _ in range(3):
        assert outcome(decide(client, user, home, dry_run=True), home) == (shown, "MATCH")
    stats = client.get(f"/v1/popups/{shown}/stats").json()
    assert stats["shows"]["total"] == 0
    assert outcome(decide(client, user, home), home) == (shown, "MATCH")
    assert outcome(decide(client, user, home, dry_run=True), home) == (None, "CAPPED")


def test_explain_names_every_candidate_in_order(client):
    home = unique("home")
    stem = unique("p")
    save(client, popup(home, f"{stem}-1", priority=9, audience={"attribute": "plan", "op": "eq", "value": "x"}))
    save(client, popup(home, f"{stem}-2", priority=8, frequency={"max_shows": 1}))
    save(client, popup(home, f"{stem}-3", priority=7))
    save(client, popup(home, f"{stem}-4", priority=6))
    user = unique("user")
    decide(client, user, home)
    part = decide(client, user, home, explain=True, dry_run=True)["placements"][home]
    assert part["popup"]["id"] == f"{stem}-3"
    listed = [(one["popup"], one["gate"]) for one in part["candidates"]]
    assert listed == [(f"{stem}-1", "audience"), (f"{stem}-2", "max_shows"), (f"{stem}-3", "match"),
                      (f"{stem}-4", "outranked")]
    assert part["candidates"][1]["facts"]["shows"] == 1
    assert "candidates" not in decide(client, user, home, dry_run=True)["placements"][home]


BAD = [
    ({"placements": ["p"]}, "/user"),
    ({"user": "u"}, "/placements"),
    ({"user": "u", "placements": []}, "/placements"),
    ({"user": "u", "placements": ["p"] * 2}, "/placements/1"),
    ({"user": "u", "placements": [f"p{n}" for n in range(21)]}, "/placements"),
    ({"user": "u", "placements": "p"}, "/placements"),
    ({"user": "u", "placements": [7]}, "/placements/0"),
    ({"user": 7, "placements": ["p"]}, "/user"),
    ({"user": "", "placements": ["p"]}, "/user"),
    ({"user": "x" * 129, "placements": ["p"]}, "/user"),
    ({"user": "a\u0007b", "placements": ["p"]}, "/user"),
    ({"user": "u", "placements": ["p"], "dry_run": "yes"}, "/dry_run"),
    ({"user": "u", "placements": ["p"], "explain": 1}, "/explain"),
    ({"user": "u", "placements": ["p"], "attributes": []}, "/attributes"),
    ({"user": "u", "placements": ["p"], "attributes": {"a": {"b": 1}}}, "/attributes/a"),
    ({"user": "u", "placements": ["p"], "attributes": {f"a{n}": n for n in range(65)}}, "/attributes"),
    ({"user": "u", "placements": ["p"], "context": 1}, "/context"),
    ({"user": "u", "placements": ["p"], "trigger": {"evnt": "x"}}, "/trigger/evnt"),
    ({"user": "u", "placements": ["p"], "placement": "p"}, "/placement"),
    ({"user": "u", "placements": ["p"], "request_id": ""}, "/request_id"),
    ([], ""),
]


@pytest.mark.parametrize("body, pointer", BAD, ids=[f"{n}-{pointer}" for n, (_, pointer) in enumerate(BAD)])
def test_a_wrong_document_names_its_place(client, body, pointer):
    check_problem(client.post("/v1/decide", body), 422, pointer)


def test_all_errors_come_in_one_answer(client):
    check_problem(client.post("/v1/decide", {"user": 1, "placements": [""], "nonsense": 1}), 422, "/user",
                  "/placements/0", "/nonsense")


def test_ids_may_be_any_text(client):
    home = unique("ホーム / 100% ?&=#")
    shown = save(client, popup(home, unique("p")))
    user = unique("ü ☃ \U0001f600 /%+&?#")
    assert outcome(decide(client, user, home), home) == (shown, "MATCH")
    answer = client.get(f"/v1/decide?user={quote(user, safe='')}&placement={quote(home, safe='')}")
    assert answer.status == 200 and answer.json()["user"] == user
    assert stored_events(client, f"user={quote(user, safe='')}") == []

