"""Test data and calls that every test makes: unique ids, popups, events."""

import datetime
import json
import time
import uuid

CONTENT = {"title": "Hello", "body": "Ten per cent off"}
JSON = "application/json"
PROBLEM = "application/problem+json"


def unique(prefix):
    """An id that no other test, run or process uses."""
    return f"{prefix}-{uuid.uuid4().hex[:16]}"


def now_ms():
    return time.time_ns() // 1_000_000


def rfc3339(ms):
    moment = datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def to_ms(text):
    """Unix milliseconds of a time in an answer, which must have the documented form."""
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    assert len(text) == 24, text
    return round(moment.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)


def popup(placement, popup_id=None, **more):
    """A live popup at one placement."""
    return {"id": popup_id or unique("popup"), "status": "live", "placements": [placement],
            "content": CONTENT, **more}


def event(user, popup_id=None, kind="impression", **more):
    made = {"id": str(uuid.uuid4()), "type": kind, "user": user, "at": rfc3339(now_ms())}
    if popup_id is not None:
        made["popup"] = popup_id
    return {**made, **more}


def save(client, document):
    """Creates or replaces a popup; returns its id."""
    answer = client.put(f"/v1/popups/{document['id']}", document)
    assert answer.status in (200, 201), answer
    return document["id"]


def decide(client, user, placement, **more):
    """One decide that must be answered 200; returns the answer's document."""
    placements = [placement] if isinstance(placement, str) else placement
    answer = client.post("/v1/decide", {"user": user, "placements": placements, **more})
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith(JSON), answer
    return answer.json()


def outcome(document, placement):
    """(popup id or None, reason) of one placement."""
    part = document["placements"][placement]
    return (part["popup"]["id"] if part["popup"] else None, part["reason"])


def send_events(client, *events):
    """Events that must be taken; returns the answer's document."""
    answer = client.post("/v1/events", {"events": list(events)})
    assert answer.status == 202, answer
    return answer.json()


def stored_events(client, query):
    """All stored events of a filter, in arrival order."""
    answer = client.get(f"/v1/events?{query}", timeout_s=60)
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("application/x-ndjson"), answer
    return [json.loads(line) for line in answer.body.splitlines()]


def check_problem(answer, status, *pointers):
    """An RFC 9457 document with this status, naming these places."""
    assert answer.status == status, answer
    assert answer.headers.get("content-type", "").startswith(PROBLEM), answer
    document = answer.json()
    assert document["status"] == status, document
    assert isinstance(document["title"], str) and document["title"], document
    assert isinstance(document["type"], str) and document["type"], document
    assert isinstance(document["detail"], str) and document["detail"], document
    found = {error["pointer"] for error in document.get("errors", [])}
    for pointer in pointers:
        assert pointer in found, f"{pointer} is not among {sorted(found)}: {document}"
    return document
