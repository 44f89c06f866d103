"""Values as they came in: numbers that nothing may round, texts in any case, versions, times, and what is refused."""

import json

import pytest

from shop import JSON, check_problem, decide, event, outcome, popup, save, stored_events, unique

LARGE = ["9223372036854775808", "-9223372036854775808", "18446744073709551615", "-18446744073709551616", "1" + "0" * 40]
EXACT = '{"a":1e2,"b":[18446744073709551616,1.50,-0.0,0.1e-7],"c":{"d":100000000000000000000000,"e":1E+2}}'


def put(client, path, text):
    return client.request("PUT", path, text.encode(), {"Content-Type": JSON})


def shows(client, rule, attributes):
    home = unique("home")
    shown = save(client, popup(home, audience=rule))
    return outcome(decide(client, unique("user"), home, attributes=attributes, dry_run=True), home)[0] == shown


@pytest.mark.parametrize("number", LARGE)
def test_integers_that_would_be_rounded_are_refused(client, number):
    name, user = unique("popup"), unique("user")
    rule = f'{{"any":[{{"attribute":"acct","op":"in","value":[1,{number}]}}]}}'
    answer = put(client, f"/v1/popups/{name}", f'{{"placements":["h"],"content":{{}},"audience":{rule}}}')
    check_problem(answer, 422, "/audience/any/0/value/1")
    assert client.get(f"/v1/popups/{name}").status == 404
    for method in ("PUT", "PATCH"):
        answer = client.request(method, f"/v1/users/{user}", f'{{"attributes":{{"acct":[{number}]}}}}'.encode())
        check_problem(answer, 422, "/attributes/acct/0")
    for part in ("attributes", "context"):
        body = f'{{"user":"{user}","placements":["h"],"{part}":{{"acct":{number}}}}}'
        check_problem(client.request("POST", "/v1/decide", body.encode()), 422, f"/{part}/acct")


def test_the_largest_integers_are_exact(client):
    for number in (2**63 - 1, 1 - 2**63):
        rule = {"attribute": "acct", "op": "eq", "value": number}
        assert shows(client, rule, {"acct": number})
        assert not shows(client, rule, {"acct": number - (1 if number > 0 else -1)})


def test_contents_leave_with_the_numbers_that_came(client):
    home, name = unique("home"), unique("popup")
    text = f'{{"placements":["{home}"],"status":"live", "content": {EXACT.replace(",", " , ")}}}'
    assert put(client, f"/v1/popups/{name}", text).status == 201
    needle = f'"content":{EXACT}'.encode()
    assert needle in client.get(f"/v1/popups/{name}").body
    assert needle in client.get("/v1/popups").body
    assert needle in client.get(f"/v1/decide?user={unique('user')}&placement={home}").body
    again = client.get(f"/v1/popups/{name}").body  # what was read can be written back
    assert put(client, f"/v1/popups/{name}", again.decode()).status == 200
    assert needle in client.get(f"/v1/popups/{name}").body
    assert client.get(f"/v1/popups/{name}").json()["revision"] == 2


def test_properties_leave_with_the_numbers_that_came(client):
    user = unique("user")
    one = json.dumps(event(user, kind="custom", name="n", properties="HERE"))
    body = '{"events": [%s]}' % one.replace('"HERE"', EXACT.replace(":", " :\n"))
    assert client.request("POST", "/v1/events", body.encode(), {"Content-Type": JSON}).status == 202
    stored_events(client, f"user={user}")
    assert f'"properties":{EXACT}'.encode() in client.get(f"/v1/events?user={user}").body


def test_shares_finer_than_a_bucket_are_refused(client):
    name = unique("popup")
    for percent in ("0.005", "33.333", "1e-3"):
        answer = put(client, f"/v1/popups/{name}",
                     f'{{"placements":["h"],"content":{{}},"rollout":{{"percent":{percent}}}}}')
        check_problem(answer, 422, "/rollout/percent")
        check_problem(put(client, "/v1/settings", f'{{"holdout_percent":{percent}}}'), 422, "/holdout_percent")
    for percent in ("0.07", "12.340", "100"):
        answer = put(client, f"/v1/popups/{name}",
                     f'{{"placements":["h"],"content":{{}},"rollout":{{"percent":{percent}}}}}')
        assert answer.status in (200, 201)


@pytest.mark.parametrize("op,value,text,holds", [
    ("contains_ci", "münchen", "Oper MÜNCHEN Ost", True), ("contains_ci", "MÜNCHEN", "münchen", True),
    ("starts_with_ci", "ÀÉ", "àéî", True), ("ends_with_ci", "σίσυφος", "Ο ΣΊΣΥΦΟΣ", True),
    ("contains_ci", "straße", "STRAẞE", True), ("contains_ci", "straße", "STRASSE", False),
    ("contains_ci", "ı", "I", False), ("contains", "münchen", "MÜNCHEN", False)])
def test_case_is_folded_in_every_script(client, op, value, text, holds):
    assert shows(client, {"attribute": "city", "op": op, "value": value}, {"city": text}) == holds


@pytest.mark.parametrize("op,value,version", [
    ("semver_eq", "v1.0.0", "1.0.0"), ("semver_ge", "1.0.0", "v1.2.0"),
    ("semver_gt", "1.0.0-beta.20260101120000000000", "1.0.0-beta.20260101120000000001"),
    ("semver_lt", "20260101120000000000.0.0", "v9.0.0")])
def test_versions_as_people_have_them(client, op, value, version):
    assert shows(client, {"attribute": "v", "op": op, "value": value}, {"v": version})


def test_zero_is_zero(client):
    home = unique("home")
    save(client, popup(home, audience={"attribute": "n", "op": "eq", "value": 0}))
    body = f'{{"user":"u","placements":["{home}"],"dry_run":true,"attributes":{{"n":0e999}}}}'
    assert client.request("POST", "/v1/decide", body.encode()).json()["placements"][home]["reason"] == "MATCH"


def test_a_byte_order_mark_does_no_harm(client):
    body = b"\xef\xbb\xbf" + json.dumps({"user": "u", "placements": ["p"], "dry_run": True}).encode()
    assert client.request("POST", "/v1/decide", body).status == 200


def test_a_user_known_by_events_alone(client):
    user = unique("user")
    assert client.post("/v1/events", {"events": [event(user, kind="custom", name="n")]}).status == 202
    answer = client.get(f"/v1/users/{user}")
    check_problem(answer, 404)
    assert "nothing is known" not in answer.json()["detail"] and "/v1/events?user=" in answer.json()["detail"]
    assert client.request("DELETE", f"/v1/users/{user}").status == 204
