"""Clients that must not lose an answer when workers are replaced, and the processes of a node."""

import itertools
import pathlib
import signal
import threading
import time

from http_client import Client
from load import fin_arrived
from shop import event

PLACEMENT = "home"


def workers_of(pid):
    """The living children of a process."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(entry.name))
    return sorted(found)


def seats_of(pid):
    """A parent's workers by number, without processes that only ship. Of two in one seat, the younger."""
    found = {}
    for child in workers_of(pid):
        try:
            words = pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        for word in words:
            if word.startswith(b"--worker-seat=") and not word.startswith(b"--worker-seat=0,"):
                number = int(word.partition(b"=")[2].split(b",")[0])
                found[number] = max(found.get(number, child), child, key=_started_at)
    return found


def _started_at(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def reload_and_catch(node):
    """The first successor's pid, in the first moments of its life."""
    children = pathlib.Path(f"/proc/{node.pid}/task/{node.pid}/children")
    before, deadline = set(children.read_text().split()), time.monotonic() + 10
    node.signal(signal.SIGHUP)
    while not (new := set(children.read_text().split()) - before):  # without a pause, or the moments are over
        assert time.monotonic() < deadline, "no successor starts"
    return int(new.pop())


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


class UnbrokenLoad:
    """Threads that ask without a pause: half of them on a connection that they keep, half on a new one for each
    request. Every request must be answered 200 or 202. A kept connection may be closed by the server between two
    requests, and is then opened anew; nothing else is forgiven."""

    def __init__(self, port, threads=8):
        self.port = port
        self.failures = []
        self.answers = 0
        self.sent = set()  # ids of events that were acknowledged
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive(), "a client hangs"

    def wait_for(self, answers, deadline_s=20.0):
        """Waits for this many more answers."""
        wanted = self.answers + answers
        deadline = time.monotonic() + deadline_s
        while self.answers < wanted:
            assert time.monotonic() < deadline and not self.failures, self.failures[:3]
            time.sleep(0.01)  # between two looks

    def _work(self, number):
        client = Client("127.0.0.1", self.port, 10.0)
        for turn in itertools.count():
            if self._stop.is_set():
                break
            try:
                self._ask(client, number, turn)
            except Exception as error:
                with self._lock:
                    self.failures.append(f"thread {number}, request {turn}: {error!r}")
                client.close()
            if number % 2:
                client.close()
        client.close()

    def _ask(self, client, number, turn):
        if client.sock is not None and fin_arrived(client.sock):
            client.close()
        if turn % 4:
            answer = client.post("/v1/decide", {"user": f"u{number}-{turn % 50}", "placements": [PLACEMENT]})
        else:
            one = event(f"u{number}", "p")
            answer = client.post("/v1/events", {"events": [one]})
        with self._lock:
            self.answers += 1
            if answer.status not in (200, 202):
                self.failures.append(f"thread {number}, request {turn}: {answer}")
            elif answer.status == 202:
                self.sent.add(one["id"])
