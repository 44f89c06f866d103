"""Clients that load a node from several threads until told to stop, and record everything in a ledger."""

import itertools
import json
import random
import socket
import threading
import uuid

from http_client import Client, Closed
from shop import now_ms, rfc3339

PLACEMENT = "home"


class Over(Exception):
    """The server had closed the connection before the request was sent: nothing was asked."""


class Lost(Exception):
    """A request was sent on an open connection and did not get a whole answer."""


def fin_arrived(sock):
    """Whether the server's FIN is here already. Nothing else can be: no request is open."""
    sock.settimeout(0)
    try:
        return sock.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False


class Load:
    """`threads` keep-alive connections and `one_shot_threads` that connect anew for each request; each sends decides
    and event batches in turn. The node may vanish at any moment; what then happens to a request in flight goes into
    the ledger as unknown.

    `orderly` is the rule for a stop by signal, the strictest that TCP allows: once connect() has returned, a request
    gets its whole answer, whether or not the node had accepted the connection or read a byte. Only two ends are right:
    connect() is refused, or the server's FIN was here before the first byte of the request was sent. A reset, a FIN
    without an answer and a cut answer are a lost request. What the rule cannot see is a FIN that crosses the request on
    the wire; the node waits before it closes a connection at rest, so that this cannot meet a client that is busy."""

    def __init__(self, port, ledger, users, round_name, threads=6, orderly=False, one_shot_threads=0):
        self.port = port
        self.ledger = ledger
        self.users = users
        self.round_name = round_name
        self.orderly = orderly
        self.keep_alive_threads = threads
        self.failures = []
        self.answers = 0
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True)
                         for n in range(threads + one_shot_threads)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def stop(self, deadline_s=15.0):
        """Ends the load; a failure in one of its threads is raised here."""
        self._stop.set()
        for thread in self._threads:
            thread.join(deadline_s)
            assert not thread.is_alive(), "a client hangs: a request was neither answered nor refused"
        assert not self.failures, self.failures

    def _work(self, number):
        choice = random.Random(f"{self.round_name}-{number}")
        client = Client("127.0.0.1", self.port, 10.0)
        try:
            client.connect()
            while not self._stop.is_set():
                if choice.random() < 0.3:
                    self._send_events(client, choice)
                else:
                    self._send_decide(client, choice)
                with self._lock:
                    self.answers += 1
                if number >= self.keep_alive_threads:
                    client.close()
        except (Closed, Over):
            pass
        except OSError as gone:  # refused, reset or timed out; only the last is wrong whatever happened
            if isinstance(gone, TimeoutError):
                self.failures.append(f"no answer in time: {gone!r}")
        except Exception as error:
            self.failures.append(repr(error))
        finally:
            client.close()

    def _post(self, client, target, body):
        client.connect()
        if not self.orderly:
            return client.post(target, body)
        if fin_arrived(client.sock):
            raise Over
        try:
            return client.post(target, body)
        except (Closed, ConnectionError) as gone:
            raise Lost(f"{target} was sent on an open connection and got no answer: {gone!r}") from gone

    def _send_events(self, client, choice):
        ids = [str(uuid.UUID(int=choice.getrandbits(128))) for _ in range(choice.choice((1, 5, 40)))]
        at = rfc3339(now_ms())
        events = [{"id": one, "type": choice.choice(("impression", "click")), "popup": "p", "at": at,
                   "user": choice.choice(self.users), "properties": {"round": self.round_name}} for one in ids]
        number = self.ledger.sending(ids)
        answer = self._post(client, "/v1/events", {"events": events})
        self.ledger.answered(number, answer.status, answer.json())

    def _send_decide(self, client, choice):
        fresh = choice.random() < 0.3
        user = f"{self.round_name}-{next(self._numbers)}" if fresh else choice.choice(self.users)
        body = {"user": user, "placements": [PLACEMENT]}
        request_id = None
        if choice.random() < 0.2:
            request_id = body["request_id"] = f"{self.round_name}-{choice.getrandbits(60)}"
        told = self.ledger.promise(user)
        answer = self._post(client, "/v1/decide", body)
        if answer.status == 200:
            self.ledger.decided(user, told, now_ms(), json.loads(answer.body), request_id)
        elif answer.status != 503:
            raise AssertionError(f"decide was answered {answer!r}")
