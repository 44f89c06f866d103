"""Clients of a whole cluster: each asks any node, and moves to another when that one stops."""

import itertools
import json
import random
import threading
import time
import uuid

from http_client import Client, Closed
from ledger import Ledger
from load import fin_arrived
from shop import now_ms, rfc3339

PLACEMENT = "home"
PAUSE_S = 0.01


class ClusterLoad:
    """Threads that ask `nodes` (of which more may come and some may end) until told to stop, and write all into a
    ledger. A node that refuses a connection, or has closed it before a request was sent, was not asked: another one
    is. Everything else that is no answer as it should be is a failure: no or a broken answer, another status than 200
    and 202, and UNAVAILABLE. With `faults` these are counted and no failures; they are when a request was answered
    wrongly."""

    def __init__(self, nodes, users, threads=6, faults=False, seed=1):
        self.nodes = nodes  # a list that may change
        self.users = users
        self.ledger = Ledger()
        self.failures = []
        self.suffered = []  # (when it was sent, when answered, what): with `faults`
        self.answers = 0
        self.asked = {}     # by port
        self._faults = faults
        self._seed = seed
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(20)
        if kind is None:
            assert not any(thread.is_alive() for thread in self._threads), "a client hangs"
            assert not self.failures, f"{len(self.failures)} failures, {self.answers} answers: {self.failures[:5]}"

    def wait_for(self, answers, deadline_s=20.0):
        """Waits for this many more answers."""
        wanted, deadline = self.answers + answers, time.monotonic() + deadline_s
        while self.answers < wanted:
            assert time.monotonic() < deadline and not self.failures, self.failures[:3]
            time.sleep(0.01)  # between two looks

    def compare(self, client):
        """Compares the store with the answers; returns the faults."""
        answer = client.get("/v1/events", timeout_s=60)
        assert answer.status == 200, answer
        return self.ledger.compare(json.loads(line)["id"] for line in answer.body.splitlines())

    def events_confirmed(self):
        return sum(len(self.ledger.batches[number]) for number in self.ledger.confirmed)

    # -- threads ---------------------------------------------------------------------------------

    def _work(self, number):
        choice = random.Random(f"{self._seed}-{number}")
        clients = {}
        for turn in itertools.count():
            if self._stop.wait(PAUSE_S):
                break
            living = [node for node in self.nodes if node.port and node.running()]
            if not living:
                continue
            node = choice.choice(living)
            client = clients.setdefault((node.pid, node.port), Client("127.0.0.1", node.port, 10.0))
            try:
                if client.sock is not None and fin_arrived(client.sock):
                    client.close()
                client.connect()
            except OSError:
                client.close()
                continue
            self._ask(client, choice, turn)
        for client in clients.values():
            client.close()

    def _ask(self, client, choice, turn):
        sent = time.monotonic()
        try:
            wrong = self._decide(client, choice) if turn % 4 else self._send_events(client, choice)
        except (Closed, OSError, ValueError) as gone:
            client.close()
            wrong = f"port {client.port}: no answer: {gone!r}"
        with self._lock:
            self.answers += 1
            self.asked[client.port] = self.asked.get(client.port, 0) + 1
            if wrong and self._faults:
                self.suffered.append((sent, time.monotonic(), wrong))
            elif wrong:
                self.failures.append(wrong)

    def _decide(self, client, choice):
        user = choice.choice(self.users)
        told = self.ledger.promise(user)
        answer = client.post("/v1/decide", {"user": user, "placements": [PLACEMENT]})
        if answer.status != 200:
            return f"port {client.port}: decide: {answer!r}"
        document = answer.json()
        self.ledger.decided(user, told, now_ms(), document)
        reason = document["placements"][PLACEMENT]["reason"]
        return f"port {client.port}: decide: {reason}" if reason == "UNAVAILABLE" else None

    def _send_events(self, client, choice):
        ids = [str(uuid.UUID(int=choice.getrandbits(128))) for _ in range(choice.choice((1, 5, 20)))]
        at = rfc3339(now_ms())
        batch = [{"id": one, "type": choice.choice(("impression", "click")), "popup": "p", "at": at,
                  "user": choice.choice(self.users)} for one in ids]
        number = self.ledger.sending(ids)
        answer = client.post("/v1/events", {"events": batch})
        self.ledger.answered(number, answer.status, answer.json())
        return None if answer.status == 202 else f"port {client.port}: events: {answer!r}"
