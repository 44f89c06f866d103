"""Decides and events for Locust (https://locust.io), for those who know it; it is no part of our own tests.

    pip install locust
    locust -f bench/locustfile.py --host http://127.0.0.1:8080 --users 200 --spawn-rate 50 --run-time 1m --headless

Needs a live popup at the placement "home". Every answer is looked at: a 200 that is not what the API promises is a
failure. Locust is closed-loop: while a user waits for an answer it sends nothing, so a slow node sees less load. For
figures take beckon-load (docs/load.md)."""

import datetime
import random
import uuid

from locust import FastHttpUser, between, task

PLACEMENT = "home"
USERS = 100_000
EVENT_TYPES = ("impression", "impression", "impression", "click", "dismiss")


def rfc3339_now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Visitor(FastHttpUser):
    """Asks for popups, reports each one that it was shown, and now and then sends a batch of events."""

    wait_time = between(0.01, 0.1)

    def on_start(self):
        self.last_request = None

    @task(8)
    def decide(self):
        self.ask({"user": self.some_user(), "placements": [PLACEMENT]}, "decide")

    @task(2)
    def decide_with_request_id(self):
        body = {"user": self.some_user(), "placements": [PLACEMENT], "request_id": str(uuid.uuid4())}
        self.last_request = (body, self.ask(body, "decide+id"))

    @task(1)
    def retry(self):
        """The same request once more must get the same answer when that had a popup."""
        if self.last_request is None:
            return
        body, before = self.last_request
        with self.post("/v1/decide", body, "retry") as answer:
            if answer.status_code == 200 and before and shown(before) and answer.json() != before:
                answer.failure("the same request id got another answer")

    @task(1)
    def events(self):
        count = random.randint(1, 50)
        self.report([self.event(self.some_user(), "p", random.choice(EVENT_TYPES)) for _ in range(count)], "events")

    def ask(self, body, name):
        with self.post("/v1/decide", body, name) as answer:
            if answer.status_code != 200:
                answer.failure(f"status {answer.status_code}")
                return None
            document = answer.json()
            if document.get("user") != body["user"] or PLACEMENT not in document.get("placements", {}):
                answer.failure("not what was asked for")
                return None
        popup = shown(document)
        if popup:
            one = self.event(body["user"], popup["id"], "impression")
            self.report([{**one, "decision_id": document["decision_id"]}], "claim event")
        return document

    def report(self, events, name):
        with self.post("/v1/events", {"events": events}, name) as answer:
            if answer.status_code != 202:
                answer.failure(f"status {answer.status_code}")
                return
            document = answer.json()
            if document["accepted"] + document["duplicates"] != len(events) or document["rejected"]:
                answer.failure(f"not every event was taken: {document}")

    def post(self, path, body, name):
        return self.client.post(path, json=body, name=name, catch_response=True)

    @staticmethod
    def some_user():
        return f"locust-{random.randrange(USERS)}"

    @staticmethod
    def event(user, popup, kind):
        return {"id": str(uuid.uuid4()), "type": kind, "user": user, "popup": popup, "at": rfc3339_now()}


def shown(document):
    return document["placements"][PLACEMENT]["popup"]
