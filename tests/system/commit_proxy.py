"""A TCP proxy between a node and its MySQL server that cuts a connection at the COMMIT of a chosen transaction, so that
the node certainly, not just likely, loses it there."""

import socket
import struct
import threading

COM_QUERY = 3
COMMIT = bytes([COM_QUERY]) + b"COMMIT"

# The fate of the chosen COMMIT.
BEFORE = "before"  # the server never gets it
AFTER = "after"    # the server carries it out, and the connection ends before the reply
SILENT = "silent"  # the server carries it out, and the reply does not come


class Packets:
    """Splits a client's bytes into packets: three bytes of length, one of sequence, then the payload."""

    def __init__(self):
        self._buffer = b""

    def feed(self, data):
        """The complete packets, as they were sent."""
        self._buffer += data
        while len(self._buffer) >= 4:
            size = 4 + int.from_bytes(self._buffer[:3], "little")
            if len(self._buffer) < size:
                return
            packet, self._buffer = self._buffer[:size], self._buffer[size:]
            yield packet


class Link:
    """One connection through the proxy. It is cut with a reset, as by a dying server's kernel."""

    def __init__(self, proxy, client, port):
        self._proxy = proxy
        self._client = client
        self._server = socket.create_connection(("127.0.0.1", port))
        for side in (client, self._server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._marked = False  # the transaction has said the chosen word
        self._fate = None     # of the COMMIT whose reply is due
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._requests, self._replies)]
        for thread in self.threads:
            thread.start()

    def _requests(self):
        packets = Packets()
        try:
            while data := self._client.recv(65536):
                for packet in packets.feed(data):
                    if not self._pass_on(packet):
                        return
        except OSError:
            pass  # the other direction cut it, or a side went away
        finally:
            self.cut()

    def _pass_on(self, packet):
        fate, word = self._proxy.chosen()
        if fate and word in packet:
            self._marked = True
        if packet[4:] == COMMIT:
            if self._marked:
                self._fate = fate
                if fate == BEFORE:
                    self._proxy.hit()
                    return False
            self._marked = False
        self._server.sendall(packet)
        return True

    def _replies(self):
        try:
            while data := self._server.recv(65536):
                if not self._fate:
                    self._client.sendall(data)
                    continue
                fate, self._fate = self._fate, None
                self._proxy.hit()
                if fate == AFTER:
                    return
        except OSError:
            pass  # as above
        finally:
            self.cut()

    def cut(self):
        for side in (self._client, self._server):
            try:
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed already
            side.close()


class CommitProxy:
    """Listens on a free port; forwards everything until cut() chooses a transaction."""

    def __init__(self, server_port):
        self._server_port = server_port
        self._lock = threading.Lock()
        self._chosen = (None, b"")
        self._links = []
        self.hits = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut(self, fate, word):
        """The COMMIT of each transaction with this word in one of its packets has this fate, until heal()."""
        with self._lock:
            self._chosen = (fate, word.encode())

    def heal(self):
        with self._lock:
            self._chosen = (None, b"")

    def chosen(self):
        with self._lock:
            return self._chosen

    def hit(self):
        with self._lock:
            self.hits += 1

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            try:
                self._links.append(Link(self, client, self._server_port))
            except OSError:
                client.close()  # the server is away

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        for link in self._links:
            link.cut()
        for thread in (one for link in self._links for one in link.threads):
            thread.join(10)
            assert not thread.is_alive(), "a thread of the proxy hangs"
