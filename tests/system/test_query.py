"""Query parameters: what a route does not take is refused and named, and nothing is done."""

import pytest

from shop import check_problem, decide, event, outcome, popup, save, stored_events, unique

TAKES_NONE = [("POST", "/v1/decide"), ("POST", "/v1/events"), ("POST", "/v1/popups"), ("GET", "/v1/popups/{id}"),
              ("PUT", "/v1/popups/{id}"), ("DELETE", "/v1/popups/{id}"), ("GET", "/v1/popups/{id}/stats"),
              ("GET", "/v1/settings"), ("PUT", "/v1/settings"), ("GET", "/v1/users/{id}"), ("PUT", "/v1/users/{id}"),
              ("PATCH", "/v1/users/{id}"), ("DELETE", "/v1/users/{id}")]
TAKES_SOME = [("GET", "/v1/decide", "user=u&placement=p"), ("HEAD", "/v1/decide", "user=u&placement=p"),
              ("GET", "/v1/events", "user=u"), ("GET", "/v1/popups", "status=live"), ("GET", "/v1/cluster", "verbose")]


def refused(answer, *names):
    check_problem(answer, 422)
    assert [one["pointer"] for one in answer.json()["errors"]] == [f"/{name}" for name in names]


@pytest.mark.parametrize("method,path", TAKES_NONE)
def test_a_route_without_parameters_refuses_any(client, method, path):
    path = path.format(id=unique("none"))
    body = None if method in ("GET", "DELETE") else b"{}"
    refused(client.request(method, path + "?dry_run=true&since=2026-01-01T00:00:00Z", body), "dry_run", "since")


@pytest.mark.parametrize("method,path,query", TAKES_SOME)
def test_a_route_refuses_others_and_repetitions(client, method, path, query):
    first = query.split("=")[0]
    assert client.request(method, f"{path}?{query}").status == 200
    other, twice = client.request(method, f"{path}?{query}&other=1"), client.request(method, f"{path}?{query}&{first}=z")
    assert (other.status, twice.status) == (422, 422)
    if method != "HEAD":
        refused(other, "other")
        refused(twice, first)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health", "/metrics", "/readyz?verbose"])
def test_probes_and_scrapers_may_add_what_they_like(client, path):
    mark = "&" if "?" in path else "?"
    assert client.get(f"{path}{mark}from=probe-7&from=probe-8").status == 200


def test_a_refused_decide_charges_nothing(client):
    home, user = unique("home"), unique("user")
    shown = save(client, popup(home, frequency={"max_shows": 1}))
    refused(client.post("/v1/decide?dry_run=true", {"user": user, "placements": [home]}), "dry_run")
    assert outcome(decide(client, user, home), home) == (shown, "MATCH")


def test_a_refused_batch_stores_nothing(client):
    user = unique("user")
    refused(client.post("/v1/events?dry_run=true", {"events": [event(user, unique("popup"))]}), "dry_run")
    assert stored_events(client, f"user={user}") == []
