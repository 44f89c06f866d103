"""A node whose store a test breaks: checks what must hold during and after the fault."""

import concurrent.futures
import contextlib
import json
import sqlite3
import threading
import time

from http_client import Closed
from shop import decide, event, outcome, popup, save, unique

RECOVERY_S = 10.0
COOLED_DOWN_S = 1.0
NAMED_S = 8.0


def eventually(check, what, deadline_s=20.0):
    """Polls until `check` returns something true, and returns it."""
    deadline = time.monotonic() + deadline_s
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {deadline_s} s: {what}"
        time.sleep(0.05)  # between two looks


def checks(client):
    """The checks of /readyz?verbose by name."""
    return {one["name"]: one for one in client.get("/readyz?verbose").json()["checks"]}


def metric(client, name, **labels):
    """The value of one line of /metrics, named with all its labels; it must be there."""
    if labels:
        name += "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"
    for line in client.get("/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.rpartition(" ")[2])
    raise AssertionError(f"/metrics has no {name}")


def charged_in_file(path):
    """Those of some users who are in cooldown according to the embedded store."""
    def charged(users):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            marks = ", ".join("?" * len(users))
            rows = db.execute(f"SELECT user FROM user_state WHERE version > 0 AND user IN ({marks})", list(users))
            return {row[0] for row in rows}
    return charged


class CooledDown:
    """Asks for a user in cooldown again and again in a thread: each answer must be COOLDOWN, from memory, so within a
    second."""

    ANSWERS_MIN = 20

    def __init__(self, client, user, placement):
        self._client, self._user, self._placement = client, user, placement
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.answers = 0
        self.slowest_s = 0.0
        self.wrong = []

    def _work(self):
        try:
            while not self._stop.wait(0.01):
                began = time.monotonic()
                got = outcome(decide(self._client, self._user, self._placement), self._placement)
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                self.answers += 1
                if got != (None, "COOLDOWN"):
                    self.wrong.append(got)
        except (Closed, OSError, AssertionError) as gone:
            self.wrong.append(repr(gone))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:  # else the test has failed already, and for a better reason
                eventually(lambda: self.wrong or self.answers >= self.ANSWERS_MIN, "the user who waits is answered")
                assert not self.wrong, self.wrong[:10]
                assert self.slowest_s < COOLED_DOWN_S, f"the user who waits was answered in {self.slowest_s:.2f} s"
        finally:
            self._stop.set()
            self._thread.join(40)
            assert not self._thread.is_alive(), "the user who waits is not answered"


class FaultWatch:
    """One popup that each user sees once an hour, one user who has just seen it, and all that the node promised.
    `committed` gives those of some users whom the store itself says to have seen something."""

    def __init__(self, node, committed):
        self.node = node
        self.client = node.client(30)
        self.committed = committed
        self.home = unique("home")
        self.popup = save(self.client, popup(self.home, frequency={"every": "1h"}))
        self.shown = []      # users who were shown the popup
        self.not_shown = []  # users who got UNAVAILABLE or 503
        self.taken = []      # ids of events that got 202, in order
        self.refused = []    # ids of events that got 503: none of them may be stored
        self.open = []       # ids of events that got 504: they may be stored
        self.known = unique("known")
        assert self.ask(self.known) == "MATCH"

    # -- asking ----------------------------------------------------------------------------------

    def ask(self, user, client=None, **more):
        """Decides for a user; the reason, or 503."""
        answer = (client or self.client).post("/v1/decide", {"user": user, "placements": [self.home], **more})
        if answer.status == 503:
            self.not_shown.append(user)
            return 503
        assert answer.status == 200, answer
        shown, reason = outcome(answer.json(), self.home)
        assert (shown == self.popup) == (reason == "MATCH"), answer
        if reason == "MATCH":
            self.shown.append(user)
        elif reason == "UNAVAILABLE":
            self.not_shown.append(user)
        return reason

    def send(self, count=1, client=None, **more):
        """Sends one batch of events of the user who waits; returns the answer, whose status is 202, 503 or 504."""
        batch = [event(self.known, self.popup, **more) for _ in range(count)]
        answer = (client or self.client).post("/v1/events", {"events": batch})
        assert answer.status in (202, 503, 504), answer
        ids = [one["id"] for one in batch]
        if answer.status == 202:
            assert answer.json()["accepted"] == count, answer
            self.taken += ids
        elif answer.status == 503:
            assert int(answer.headers["retry-after"]) >= 1, answer
            self.refused += ids
        else:
            self.open += ids
        return answer

    def cooled_down(self):
        return CooledDown(self.node.client(30), self.known, self.home)

    # -- while it is broken ----------------------------------------------------------------------

    def strangers_get_nothing(self, within_s, count=3):
        """Sends several at once, to find those that block others."""
        with concurrent.futures.ThreadPoolExecutor(count) as threads:
            found = list(threads.map(self._stranger, range(count)))
        assert all(reason in ("UNAVAILABLE", 503) and took_s < within_s for reason, took_s in found), found

    def _stranger(self, _):
        with self.node.client(30) as client:
            began = time.monotonic()
            reason = self.ask(unique("stranger"), client)
            return reason, time.monotonic() - began

    def names_fault(self, check, *words):
        """Waits until the check of /readyz?verbose says so; returns its line."""
        def named():
            detail = checks(self.client)[check]["detail"]
            return detail if all(word in detail for word in words) else None
        return eventually(named, f"/readyz?verbose names {words} as {check}", NAMED_S)

    def failures(self, pool="store"):
        return metric(self.client, f'beckon_write_failures_total{{pool="{pool}"}}')

    # -- afterwards ------------------------------------------------------------------------------

    def recovers(self, since=None):
        """Soon after `since` (now) claims and events work and /readyz is 200 without faults; returns the seconds."""
        since = since or time.monotonic()
        left = lambda: max(since + RECOVERY_S - time.monotonic(), 0.05)  # noqa: E731
        eventually(lambda: self.ask(unique("after")) == "MATCH", "claims go on", left())
        eventually(lambda: self.send().status == 202, "events are taken", left())
        eventually(lambda: self.client.get("/readyz").status == 200, "/readyz is 200", left())
        eventually(lambda: checks(self.client)["store"]["detail"].startswith("writable"), "no fault is named", left())
        took_s = time.monotonic() - since
        print(f"recovered within {took_s:.2f} s")
        return took_s

    def stored(self):
        """The ids of the user's events in the store, in order, without those that got 504; None while it is away."""
        answer = self.client.get(f"/v1/events?user={self.known}")
        if answer.status == 503:
            return None
        ids = [json.loads(line)["id"] for line in answer.body.splitlines()]
        assert answer.status == 200 and len(set(ids)) == len(ids), "an event is stored twice"
        return [one for one in ids if one not in self.open]

    def kept_every_promise(self, outcomes_unknown=False):
        """Each event that got 202 is stored once, in order, and no other but those that got 504; each popup that was
        shown is charged in the store; who was told UNAVAILABLE is not, unless a COMMIT's outcome was not known."""
        eventually(lambda: len(self.stored() or []) >= len(self.taken), "every event is in the store", RECOVERY_S)
        assert self.stored() == self.taken
        users = set(self.shown)
        assert len(users) == len(self.shown), "a user was shown the popup twice"
        assert self.committed(users) == users, "a popup was shown whose claim is not in the store"
        refused = set(self.not_shown) - users
        assert outcomes_unknown or not self.committed(refused), "a user who was shown nothing is charged"
