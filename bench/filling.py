"""Fills a node with users: pipelined claims over a few connections, with each answer checked."""

import selectors
import socket
import time

from servers import BenchFailed, failing_as

CONNECTIONS = 32
DEPTH = 16  # requests in flight per connection


class _Lane:
    """One connection with DEPTH requests in flight at most."""

    def __init__(self, port, requests):
        self.sock = socket.create_connection(("127.0.0.1", port), 10)
        self.requests = requests
        self.open = 0
        self.received = b""
        self.ended = False

    def send_next(self):
        batch = []
        while self.open < DEPTH and not self.ended:
            request = next(self.requests, None)
            if request is None:
                self.ended = True
                break
            batch.append(request)
            self.open += 1
        if batch:
            self.sock.sendall(b"".join(batch))

    def take(self, marker):
        """Reads available input; returns the number of correct answers."""
        data = self.sock.recv(262144)
        if not data:
            raise BenchFailed("the node closed a connection while it was filled")
        self.received += data
        count = 0
        while True:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return count
            head = self.received[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15:].split(b"\r\n", 1)[0])
            if len(self.received) < end + 4 + length:
                return count
            answer = self.received[end + 4:end + 4 + length]
            if not head.startswith(b"http/1.1 200") or marker not in answer:
                raise BenchFailed(f"while filling: {self.received[:end + 4 + length]!r}")
            self.received = self.received[end + 4 + length:]
            self.open -= 1
            count += 1


def claim_users(port, users, placement, marker=b'"MATCH"', deadline_s=300):
    """Decides once for each user id; every answer must hold `marker`. Returns how many were answered."""
    def encode(user):
        body = f'{{"user":"{user}","placements":["{placement}"]}}'.encode()
        return (b"POST /v1/decide HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body) + body)

    requests = map(encode, users)
    deadline = time.monotonic() + deadline_s
    done = 0
    with failing_as("while filling"), selectors.DefaultSelector() as selector:
        for _ in range(CONNECTIONS):
            lane = _Lane(port, requests)
            selector.register(lane.sock, selectors.EVENT_READ, lane)
            lane.send_next()
        while selector.get_map():
            if time.monotonic() > deadline:
                raise BenchFailed(f"only {done} users were claimed in {deadline_s} s")
            for key, _ in selector.select(1):
                lane = key.data
                done += lane.take(marker)
                lane.send_next()
                if lane.ended and lane.open == 0:
                    selector.unregister(lane.sock)
                    lane.sock.close()
    return done
