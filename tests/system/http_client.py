"""A small HTTP/1.1 client over a raw socket: keeps its connection, sends exact bytes, never waits for ever."""

import json
import socket
import time

END = b"\r\n\r\n"


class Closed(Exception):
    """The server closed before the answer was complete; `received` holds the part received."""

    def __init__(self, received=b""):
        super().__init__(f"connection closed after {len(received)} bytes: {received[:200]!r}")
        self.received = received


class Response:
    """One answer. Header names are lower-case; a repeated one is joined with ', '."""

    def __init__(self, status, version, headers, body=b""):
        self.status = status
        self.version = version
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers.get('content-type', '')} {self.body[:400]!r}>"


def parse_head(block):
    """Splits a header block without its empty line into (status, version, headers). Refuses anything but HTTP."""
    lines = block.decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0") or not rest[:3].isdigit():
        raise AssertionError(f"no HTTP status line: {lines[0]!r}")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        assert colon and name and name == name.strip(), f"malformed header line {line!r}"
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return int(rest[:3]), version, headers


class Client:
    """Not threadsafe. Connects on first use and again after the server closed."""

    def __init__(self, host, port, timeout_s=10.0):
        self.host = host
        self.port = port
        self.timeout_s = timeout_s
        self.sock = None
        self._buffer = b""

    # -- bytes -----------------------------------------------------------------------------------

    def connect(self):
        if self.sock is None:
            self.sock = socket.create_connection((self.host, self.port), self.timeout_s)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._buffer = b""
        return self

    def close(self):
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def __enter__(self):
        return self.connect()

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        """Sends exactly these bytes."""
        self.connect()
        self.sock.settimeout(self.timeout_s)
        self.sock.sendall(data)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def _fill(self, deadline, bytes_max=65536):
        """Receives something into the buffer; False at the end of the stream."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no whole answer in {self.timeout_s} s; so far {self._buffer[:200]!r}")
        self.sock.settimeout(left)
        data = self.sock.recv(bytes_max)
        self._buffer += data
        return bool(data)

    def _take(self, count):
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _read_exactly(self, count, deadline):
        parts, have = [], 0
        while have < count:
            if not self._buffer and not self._fill(deadline):
                raise Closed(b"".join(parts))
            parts.append(self._take(count - have))
            have += len(parts[-1])
        return b"".join(parts)

    def _read_until(self, mark, deadline):
        while mark not in self._buffer:
            if not self._fill(deadline):
                raise Closed(self._buffer)
        return self._take(self._buffer.index(mark) + len(mark))[:-len(mark)]

    # -- answers ---------------------------------------------------------------------------------

    def read_head(self, deadline=None):
        """Reads one header block; the body is left unread."""
        deadline = deadline or time.monotonic() + self.timeout_s
        return Response(*parse_head(self._read_until(END, deadline)))

    def body_pieces(self, head, deadline=None):
        """Yields the body after read_head(), piece by piece as it is framed."""
        deadline = deadline or time.monotonic() + self.timeout_s
        if head.headers.get("transfer-encoding") == "chunked":
            assert "content-length" not in head.headers, "both Content-Length and Transfer-Encoding"
            while True:
                size = int(self._read_until(b"\r\n", deadline), 16)
                piece = self._read_exactly(size, deadline)
                assert self._read_exactly(2, deadline) == b"\r\n", "chunk without its CRLF"
                if size == 0:
                    return
                yield piece
        elif "content-length" in head.headers:
            yield self._read_exactly(int(head.headers["content-length"]), deadline)
        else:
            while self._buffer or self._fill(deadline):
                yield self._take(len(self._buffer))
            self.close()

    def read_response(self, head_only=False, interim=False, timeout_s=None):
        """Reads one whole answer. 1xx are skipped unless `interim`. `head_only` for answers to HEAD."""
        deadline = time.monotonic() + (timeout_s or self.timeout_s)
        answer = self.read_head(deadline)
        while 100 <= answer.status < 200 and not interim:
            answer = self.read_head(deadline)
        if not head_only and answer.status not in (204, 304) and answer.status >= 200:
            answer.body = b"".join(self.body_pieces(answer, deadline))
        return answer

    def read_to_end(self, timeout_s=None):
        """Everything until the server's FIN. A reset raises ConnectionResetError."""
        deadline = time.monotonic() + (timeout_s or self.timeout_s)
        while self._fill(deadline):
            pass
        return self._take(len(self._buffer))

    # -- requests --------------------------------------------------------------------------------

    def encode(self, method, target, body=None, headers=None):
        """The bytes of a request. A body that is not bytes is sent as JSON."""
        fields = {"Host": f"{self.host}:{self.port}"}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields["Content-Type"] = "application/json"
        if body is not None:
            fields["Content-Length"] = str(len(body))
        fields.update(headers or {})
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join(lines).encode() + END + (body or b"")

    def request(self, method, target, body=None, headers=None, timeout_s=None):
        """One exchange. Closes this side too if the server announced a close."""
        self.send(self.encode(method, target, body, headers))
        answer = self.read_response(head_only=method == "HEAD", timeout_s=timeout_s)
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def get(self, target, headers=None, **more):
        return self.request("GET", target, None, headers, **more)

    def post(self, target, body, headers=None, **more):
        return self.request("POST", target, body, headers, **more)

    def put(self, target, body, headers=None, **more):
        return self.request("PUT", target, body, headers, **more)

    def patch(self, target, body, headers=None, **more):
        return self.request("PATCH", target, body, headers, **more)

    def delete(self, target, headers=None, **more):
        return self.request("DELETE", target, None, headers, **more)
