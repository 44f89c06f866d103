"""The connection between a node and its MySQL server: a TCP proxy that refuses, cuts, delays, and recognises COMMIT."""

import random
import socket
import threading

from network import reset

CHUNK = 65536
COMMIT = b"\x07\x00\x00\x00\x03COMMIT"  # the whole packet: its length, number 0, COM_QUERY and the text
CUT_AFTER_BYTES_MAX = 30_000


class _Pair:
    """One connection through the proxy; a thread for each direction."""

    def __init__(self, link, client):
        self._link = link
        self._client = client
        self._server = socket.socket(socket.AF_UNIX)
        self._server.settimeout(5)
        self._server.connect(link.server_socket)
        self._server.settimeout(None)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answer_withheld = False  # the server carries out a COMMIT, and nobody is told
        self._left = None  # bytes until the cut
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self._up, self._down)]
        for thread in self.threads:
            thread.start()

    def _up(self):
        try:
            while data := self._client.recv(CHUNK):
                fault = self._link.fault
                if data == COMMIT and fault == "commit-before":
                    self._link.hit()
                    break
                self._answer_withheld = data == COMMIT and fault == "commit-after"
                if not self._send(self._server, data, fault):
                    break
        except OSError:
            pass  # a cut connection is what this is for
        self.cut()

    def _down(self):
        try:
            while data := self._server.recv(CHUNK):
                if self._answer_withheld:
                    self._link.hit()
                    break
                if not self._send(self._client, data, self._link.fault):
                    break
        except OSError:
            pass  # as above
        self.cut()

    def _send(self, to, data, fault):
        """Whether the connection is still open."""
        if fault == "hold":
            self._link.wait_until_free()
        if fault != "cut-bytes":
            self._left = None
        elif self._left is None:
            self._left = self._link.bytes_until_cut()
        if self._left is None or self._left > len(data):
            to.sendall(data)
            self._left = self._left and self._left - len(data)
            return True
        to.sendall(data[:self._left])
        self._link.hit()
        return False

    def cut(self):
        for sock in (self._client, self._server):
            reset(sock)


class Link:
    """Listens on `port`. `fault` is None or one of refuse, cut-bytes, commit-before, commit-after, hold; `hits` counts
    what it did since the fault was set. What is held arrives when the fault is over, as with a cable that was pulled for
    a while."""

    def __init__(self, server_socket):
        self.server_socket = server_socket
        self.port = 0
        self.fault = None
        self.hits = 0
        self._choice = random.Random(0)  # until a fault begins
        self._lock = threading.Lock()
        self._free = threading.Event()
        self._free.set()
        self._pairs = []
        self._listener = None
        self._acceptor = None
        self._listen()

    def begin(self, fault, seed):
        self._choice = random.Random(seed)
        self.hits = 0
        if fault == "hold":
            self._free.clear()
        self.fault = fault
        if fault == "refuse":
            self._close_listener()
            self.hits += self.cut_all()

    def end(self):
        refused = self.fault == "refuse"
        self.fault = None
        self._free.set()
        if refused:
            self._listen()

    def close(self):
        self.fault = None
        self._free.set()
        self._close_listener()
        self.cut_all()

    def hit(self):
        with self._lock:
            self.hits += 1

    def wait_until_free(self):
        self.hit()
        self._free.wait()

    def bytes_until_cut(self):
        with self._lock:
            return self._choice.randrange(1, CUT_AFTER_BYTES_MAX)

    def cut_all(self):
        """Cuts every connection; returns how many were open."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        alive = [pair for pair in pairs if any(thread.is_alive() for thread in pair.threads)]
        for pair in alive:
            pair.cut()
        for pair in alive:
            for thread in pair.threads:
                thread.join(5)
        return len(alive)

    def _listen(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._acceptor.start()

    def _close_listener(self):
        if self._listener is None:
            return
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the acceptor
        self._listener.close()
        self._acceptor.join(5)
        self._listener = None

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # closed
            try:
                pair = _Pair(self, client)
            except OSError:
                reset(client)  # the server is away
                continue
            with self._lock:
                self._pairs = [one for one in self._pairs if any(t.is_alive() for t in one.threads)] + [pair]
