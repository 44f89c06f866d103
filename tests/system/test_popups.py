"""Popups and settings over the admin API."""

import pytest

from shop import (CONTENT, check_problem, decide, event, outcome, popup, save, send_events, unique)


def test_put_creates_then_replaces_with_a_new_revision(client):
    home = unique("home")
    document = popup(home, name="Welcome", priority=3)
    path = f"/v1/popups/{document['id']}"
    created = client.put(path, document)
    assert created.status == 201, created
    assert created.json()["revision"] == 1
    assert created.headers["etag"].startswith('"')
    replaced = client.put(path, {**document, "priority": 4})
    assert replaced.status == 200, replaced
    assert replaced.json()["revision"] == 2
    assert replaced.headers["etag"] != created.headers["etag"]
    read = client.get(path)
    assert read.status == 200
    assert read.headers["etag"] == replaced.headers["etag"]
    body = read.json()
    assert body["priority"] == 4 and body["revision"] == 2 and body["name"] == "Welcome"
    for name in ("id", "status", "placements", "content"):
        assert body[name] == document[name]


def test_a_read_document_can_be_put_back(client):
    """PUT accepts what GET returns, apart from what the server adds."""
    document = popup(unique("home"), audience={"attribute": "plan", "op": "in", "value": ["free"]},
                     frequency={"every": "24h", "max_shows": 3, "stop_after": ["click", "convert"],
                                "after_dismiss": "7d"},
                     rollout={"percent": 25.0, "salt": "s"},
                     window={"from": "2026-11-01T00:00:00Z", "until": "2096-12-01T00:00:00Z"})
    save(client, document)
    read = client.get(f"/v1/popups/{document['id']}").json()
    again = {name: read[name] for name in document}
    answer = client.put(f"/v1/popups/{document['id']}", again)
    assert answer.status == 200, answer


def test_if_match_guards_against_lost_updates(client):
    document = popup(unique("home"))
    path = f"/v1/popups/{document['id']}"
    first = client.put(path, document).headers["etag"]
    second = client.put(path, document, {"If-Match": first})
    assert second.status == 200
    stale = client.put(path, {**document, "priority": 9}, {"If-Match": first})
    check_problem(stale, 412)
    check_problem(client.delete(path, {"If-Match": first}), 412)
    assert client.get(path).json()["revision"] == 2
    assert client.put(path, document, {"If-Match": "*"}).status == 200
    assert client.delete(path, {"If-Match": client.get(path).headers["etag"]}).status == 204


def test_if_match_on_nothing_is_412(client):
    document = popup(unique("home"))
    path = f"/v1/popups/{document['id']}"
    check_problem(client.put(path, document, {"If-Match": '"1"'}), 412)
    check_problem(client.put(path, document, {"If-Match": "*"}), 412)
    check_problem(client.get(path), 404)


def test_if_none_match_star_creates_only(client):
    document = popup(unique("home"))
    path = f"/v1/popups/{document['id']}"
    assert client.put(path, document, {"If-None-Match": "*"}).status == 201
    check_problem(client.put(path, document, {"If-None-Match": "*"}), 412)


def test_if_none_match_answers_304(client):
    document = popup(unique("home"))
    path = f"/v1/popups/{document['id']}"
    etag = client.put(path, document).headers["etag"]
    unchanged = client.get(path, {"If-None-Match": etag})
    assert unchanged.status == 304 and unchanged.body == b"" and unchanged.headers["etag"] == etag
    assert client.get(path, {"If-None-Match": f'"zzz", {etag}'}).status == 304
    assert client.get(path, {"If-None-Match": f"W/{etag}"}).status == 304
    assert client.get(path, {"If-None-Match": '"zzz"'}).status == 200
    client.put(path, document)
    assert client.get(path, {"If-None-Match": etag}).status == 200


def test_post_creates_once(client):
    document = popup(unique("home"))
    created = client.post("/v1/popups", document)
    assert created.status == 201, created
    assert created.headers["location"].endswith(f"/v1/popups/{document['id']}")
    assert created.json()["revision"] == 1
    check_problem(client.post("/v1/popups", {**document, "priority": 5}), 409)
    assert client.get(f"/v1/popups/{document['id']}").json()["revision"] == 1


def test_delete_takes_it_away(client):
    home = unique("home")
    document = popup(home)
    path = f"/v1/popups/{document['id']}"
    save(client, document)
    user = unique("user")
    assert outcome(decide(client, user, home), home)[1] == "MATCH"
    gone = client.delete(path)
    assert gone.status == 204 and gone.body == b""
    check_problem(client.get(path), 404)
    check_problem(client.delete(path), 404)
    assert outcome(decide(client, user, home), home) == (None, "NO_POPUP")
    assert document["id"] not in [one["id"] for one in client.get("/v1/popups").json()["popups"]]


def test_a_deleted_id_goes_on_counting_revisions(client):
    document = popup(unique("home"))
    path = f"/v1/popups/{document['id']}"
    old = client.put(path, document).headers["etag"]
    client.delete(path)
    again = client.put(path, document)
    assert again.status == 201
    assert again.headers["etag"] != old, "an old If-Match would fit another document"


def test_the_list_has_them_all_in_order(client):
    ids = sorted(save(client, popup(unique("home"), status=status)) for status in
                 ("draft", "live", "paused", "archived"))
    listed = [one["id"] for one in client.get("/v1/popups").json()["popups"]]
    assert [one for one in listed if one in ids] == ids
    assert listed == sorted(listed)


def test_a_change_is_live_before_its_answer(node, client):
    """Every change is seen by the very next decide, on another connection."""
    home, other = unique("home"), node.client()
    document = popup(home)
    for n in range(30):
        document["content"] = {"n": n}
        save(client, document)
        shown = decide(other, unique("user"), home)
        assert shown["placements"][home]["popup"]["content"] == {"n": n}
        assert shown["placements"][home]["popup"]["revision"] == n + 1
    save(client, {**document, "status": "paused"})
    assert outcome(decide(other, unique("user"), home), home) == (None, "NO_POPUP")


def changed(**members):
    return {**popup("p", "fixed-id"), **members}


def without(*names):
    return {name: value for name, value in popup("p", "fixed-id").items() if name not in names}


LEAF = {"attribute": "a", "op": "eq", "value": 1}
INVALID = [
    ("no-placements", without("placements"), "/placements"),
    ("no-content", without("content"), "/content"),
    ("empty-placements", changed(placements=[]), "/placements"),
    ("21-placements", changed(placements=[f"p{n}" for n in range(21)]), "/placements"),
    ("repeated-placement", changed(placements=["a", "a"]), "/placements/1"),
    ("wrong-status", changed(status="alive"), "/status"),
    ("wrong-priority", changed(priority="high"), "/priority"),
    ("fraction-priority", changed(priority=1.5), "/priority"),
    ("unknown-member", changed(contents={}), "/contents"),
    ("content-no-object", changed(content="text"), "/content"),
    ("content-too-large", changed(content={"x": "y" * 32768}), "/content"),
    ("window-order", changed(window={"from": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}),
     "/window/until"),
    ("window-time", changed(window={"from": "tomorrow"}), "/window/from"),
    ("rollout-percent", changed(rollout={"percent": 101}), "/rollout/percent"),
    ("every-unit", changed(frequency={"every": "24"}), "/frequency/every"),
    ("every-negative", changed(frequency={"every": "-5h"}), "/frequency/every"),
    ("max-shows-zero", changed(frequency={"max_shows": 0}), "/frequency/max_shows"),
    ("stop-after-unknown", changed(frequency={"stop_after": ["click", "sneeze"]}), "/frequency/stop_after/1"),
    ("frequency-unknown", changed(frequency={"evry": "1h"}), "/frequency/evry"),
    ("operator-unknown", changed(audience={"attribute": "a", "op": "equals", "value": 1}), "/audience/op"),
    ("operator-value", changed(audience={"attribute": "a", "op": "in", "value": 1}), "/audience/value"),
    ("operator-order", changed(audience={"attribute": "a", "op": "lt", "value": []}), "/audience/value"),
    ("audience-deep", changed(audience={"all": [LEAF, {"not": {"attribute": "a", "op": "?", "value": 1}}]}),
     "/audience/all/1/not/op"),
    ("variant-id-twice", changed(variants=[{"id": "a", "content": {}}, {"id": "a", "content": {}}]),
     "/variants/1/id"),
    ("variant-weight", changed(variants=[{"id": "a", "weight": -1, "content": {}}]), "/variants/0/weight"),
    ("other-id", changed(id="another"), "/id"),
    ("no-object", [1], ""),
]


@pytest.mark.parametrize("document, pointer", [row[1:] for row in INVALID], ids=[row[0] for row in INVALID])
def test_a_wrong_popup_names_its_place_and_changes_nothing(client, document, pointer):
    before = client.get("/v1/popups").body
    check_problem(client.put("/v1/popups/fixed-id", document), 422, pointer)
    assert client.get("/v1/popups").body == before


def test_an_unknown_member_names_the_nearest(client):
    document = check_problem(client.put("/v1/popups/fixed-id", changed(frequency={"evry": "1h"})), 422)
    assert "every" in str(document["errors"])


def test_unknown_ids_are_404(client):
    missing = unique("missing")
    for method, path in (("GET", f"/v1/popups/{missing}"), ("DELETE", f"/v1/popups/{missing}"),
                         ("GET", f"/v1/popups/{missing}/stats"), ("GET", f"/v1/nothing/{missing}")):
        check_problem(client.request(method, path), 404)


def test_content_of_32_kib_is_taken(client):
    document = popup(unique("home"), content={"x": "y" * (32768 - 8)})
    save(client, document)
    assert client.get(f"/v1/popups/{document['id']}").json()["content"] == document["content"]


def test_stats_count_totals_and_distinct_users_per_variant(client):
    home = unique("home")
    document = popup(home, variants=[{"id": "only", "weight": 1, "content": CONTENT}])
    del document["content"]
    shown = save(client, document)
    one, two = unique("user"), unique("user")
    for user in (one, one, two):
        assert decide(client, user, home)["placements"][home]["popup"]["variant"] == "only"
    click = event(one, shown, "click", variant="only")
    send_events(client, event(one, shown, variant="only"), event(one, shown, variant="only"),
                event(two, shown, variant="only"), click, event(one, shown, "dismiss", variant="only"),
                event(two, shown, "convert", variant="only"))
    send_events(client, click)
    stats = client.get(f"/v1/popups/{shown}/stats").json()
    expected = {"shows": (3, 2), "impressions": (3, 2), "clicks": (1, 1), "dismissals": (1, 1),
                "conversions": (1, 1)}
    for name, (total, users) in expected.items():
        assert stats[name] == {"total": total, "users": users}, name
        assert stats["variants"]["only"][name] == {"total": total, "users": users}, name


def test_stats_of_a_popup_never_shown_are_zero(client):
    shown = save(client, popup(unique("home")))
    stats = client.get(f"/v1/popups/{shown}/stats").json()
    assert stats["shows"] == {"total": 0, "users": 0}


# -- settings: each test has a node of its own, because they hold for all popups ---------------------


def test_settings_default_and_change(start_node):
    client = start_node().client()
    assert client.get("/v1/settings").json()["min_gap"] in (None, "0s")
    changed_settings = {"min_gap": "30m", "quiet_hours": None, "holdout_percent": 0}
    answer = client.put("/v1/settings", changed_settings)
    assert answer.status == 200, answer
    read = client.get("/v1/settings")
    assert read.json()["min_gap"] == "30m"
    assert read.headers["etag"] == answer.headers["etag"]
    assert client.put("/v1/settings", changed_settings, {"If-Match": read.headers["etag"]}).status == 200
    check_problem(client.put("/v1/settings", changed_settings, {"If-Match": read.headers["etag"]}), 412)


def test_min_gap_separates_two_decides_not_placements_of_one(start_node):
    client = start_node().client()
    assert client.put("/v1/settings", {"min_gap": "30m"}).status == 200
    for name in ("home", "cart", "search"):
        save(client, popup(name))
    both = decide(client, "u", ["home", "cart"])
    assert outcome(both, "home")[1] == outcome(both, "cart")[1] == "MATCH"
    later = decide(client, "u", "search")
    assert outcome(later, "search") == (None, "COOLDOWN")
    assert later["next_eligible_at"] == both["next_eligible_at"]
    assert client.get("/v1/users/u").json()["next_eligible_at"] == both["next_eligible_at"]


def test_holdout_sees_nothing(start_node):
    client = start_node().client()
    save(client, popup("home"))
    assert client.put("/v1/settings", {"holdout_percent": 100}).status == 200
    assert outcome(decide(client, "u", "home"), "home") == (None, "HOLDOUT")
    assert client.put("/v1/settings", {"holdout_percent": 0}).status == 200
    assert outcome(decide(client, "u", "home"), "home")[1] == "MATCH"


@pytest.mark.parametrize("document, pointer", [
    ({"min_gap": 30}, "/min_gap"), ({"min_gap": "soon"}, "/min_gap"), ({"holdout_percent": 101}, "/holdout_percent"),
    ({"holdout": 1}, "/holdout"), ([], ""),
])
def test_wrong_settings_name_their_place(client, document, pointer):
    before = client.get("/v1/settings").body
    check_problem(client.put("/v1/settings", document), 422, pointer)
    assert client.get("/v1/settings").body == before


def test_a_catalogue_larger_than_a_piece_is_listed_whole(start_node):
    """It is streamed; one popup alone is larger than a piece."""
    node = start_node({"limits.stream-piece-bytes-max": 32768})
    with node.client(30) as client:
        ids = [f"p{n:02d}" for n in range(12)]
        for popup_id in ids:
            save(client, {"id": popup_id, "placements": ["home"], "content": {"t": "x" * 30000}})
        save(client, {"id": ids[7], "placements": ["home"],
                      "variants": [{"id": f"v{n}", "content": {"t": "y" * 30000}} for n in range(10)]})
        answer = client.get("/v1/popups", timeout_s=30)
        assert answer.status == 200 and len(answer.body) > 600_000, answer.status
        assert answer.headers.get("transfer-encoding") == "chunked", answer.headers
        assert [popup["id"] for popup in answer.json()["popups"]] == ids
        assert len(answer.json()["popups"][7]["variants"]) == 10
