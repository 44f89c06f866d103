"""Framing that leaves room for two readings is refused: answered once, then the connection is closed cleanly.

One line a case: its name, the bytes, the statuses that are right. Every case runs twice, alone and after a good
request on the same connection, because a parser's second request is another path than its first.
"""

import pytest

from shop import check_problem

HOST = b"Host: localhost\r\n"


def get(head=b"", line=b"GET /livez HTTP/1.1", host=HOST):
    return line + b"\r\n" + host + head + b"\r\n"


def post(head, body):
    return b"POST /v1/decide HTTP/1.1\r\n" + HOST + head + b"\r\n" + body


def chunked(body):
    return post(b"Transfer-Encoding: chunked\r\n", body)


def length(*values):
    return post(b"".join(b"Content-Length:" + value + b"\r\n" for value in values), b"12345")


CASES = [
    # fields
    ("space-before-colon", get(b"X-A : b\r\n"), {400}),
    ("tab-before-colon", get(b"X-A\t: b\r\n"), {400}),
    ("space-before-colon-of-content-length", post(b"Content-Length : 5\r\n", b"12345"), {400}),
    ("space-before-colon-of-transfer-encoding", post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"), {400}),
    ("obs-fold-space", get(b"X-A: b\r\n c\r\n"), {400}),
    ("obs-fold-tab", get(b"X-A: b\r\n\tc\r\n"), {400}),
    ("obs-fold-of-transfer-encoding", post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"), {400}),
    ("space-before-first-field", b"GET /livez HTTP/1.1\r\n " + HOST + b"\r\n", {400}),
    ("tab-before-first-field", b"GET /livez HTTP/1.1\r\n\t" + HOST + b"\r\n", {400}),
    ("blank-line-of-spaces", b"GET /livez HTTP/1.1\r\n" + HOST + b"  \r\n\r\n", {400}),
    ("bare-cr-in-value", get(b"X-A: b\rc\r\n"), {400}),
    ("bare-cr-ends-field", get(b"X-A: b\rX-B: c\r\n"), {400}),
    ("bare-cr-before-crlf", get(b"X-A: b\r\r\n"), {400}),
    ("bare-lf-in-value", get(b"X-A: b\nX-B: c\r\n"), {400}),
    ("bare-lf-everywhere", b"GET /livez HTTP/1.1\nHost: localhost\n\n", {400}),
    ("bare-lf-after-request-line", b"GET /livez HTTP/1.1\nHost: localhost\r\n\r\n", {400}),
    ("bare-lf-ends-header", b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\n", {400}),
    ("bare-cr-in-request-line", b"GET /livez\r HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    ("nul-in-value", get(b"X-A: b\x00c\r\n"), {400}),
    ("control-in-value", get(b"X-A: b\x01c\r\n"), {400}),
    ("escape-in-value", get(b"X-A: \x1b[0m\r\n"), {400}),
    ("delete-in-value", get(b"X-A: b\x7fc\r\n"), {400}),
    ("nul-in-name", get(b"X\x00A: b\r\n"), {400}),
    ("name-with-space", get(b"X A: b\r\n"), {400}),
    ("name-with-parenthesis", get(b"X(A: b\r\n"), {400}),
    ("name-with-slash", get(b"X/A: b\r\n"), {400}),
    ("name-non-ascii", get("X-Ä: b\r\n".encode()), {400}),
    ("name-empty", get(b": b\r\n"), {400}),
    ("no-colon", get(b"X-A\r\n"), {400}),
    # Host
    ("host-missing", get(host=b""), {400}),
    ("host-twice", get(host=HOST + b"Host: other\r\n"), {400}),
    ("host-twice-the-same", get(host=HOST + HOST), {400}),
    ("host-with-space", get(host=b"Host: local host\r\n"), {400}),
    ("host-with-slash", get(host=b"Host: local/host\r\n"), {400}),
    ("host-with-userinfo", get(host=b"Host: user@localhost\r\n"), {400}),
    ("host-with-password", get(host=b"Host: u:p@localhost\r\n"), {400}),
    ("host-port-text", get(host=b"Host: localhost:http\r\n"), {400}),
    ("host-port-large", get(host=b"Host: localhost:99999\r\n"), {400}),
    ("host-two-ports", get(host=b"Host: localhost:80:80\r\n"), {400}),
    ("host-list", get(host=b"Host: a, b\r\n"), {400}),
    ("host-open-bracket", get(host=b"Host: [::1\r\n"), {400}),
    ("host-non-ascii", get(host="Host: höst\r\n".encode()), {400}),
    ("absolute-form-with-userinfo", get(line=b"GET http://user@localhost/livez HTTP/1.1"), {400}),
    # Content-Length and Transfer-Encoding
    ("length-with-chunked", post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), {400}),
    ("chunked-with-length", post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"), {400}),
    ("length-twice", length(b" 5", b" 6"), {400}),
    ("length-twice-the-same", length(b" 5", b" 5"), {400}),
    ("length-list", length(b" 5, 5"), {400}),
    ("length-plus", length(b" +5"), {400}),
    ("length-minus", length(b" -5"), {400}),
    ("length-hex", length(b" 0x5"), {400}),
    ("length-fraction", length(b" 5.0"), {400}),
    ("length-inner-space", length(b" 5 5"), {400}),
    ("length-underscore", length(b" 5_0"), {400}),
    ("length-empty", length(b""), {400}),
    ("length-text", length(b" five"), {400}),
    ("length-overflow", length(b" 99999999999999999999999"), {400, 413}),
    ("length-wraps-to-5", length(b" 18446744073709551621"), {400, 413}),
    ("chunked-in-1.0", b"POST /v1/decide HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    ("coding-twice", post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), {400}),
    ("coding-list-twice", post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"), {400}),
    ("coding-unknown", post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), {501}),
    ("coding-gzip", post(b"Transfer-Encoding: gzip\r\n", b"0\r\n\r\n"), {400, 501}),
    ("coding-gzip-chunked", post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), {400, 501}),
    ("coding-chunked-gzip", post(b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n"), {400, 501}),
    ("coding-identity", post(b"Transfer-Encoding: identity\r\n", b"12345"), {400, 501}),
    ("coding-quoted", post(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n"), {400, 501}),
    ("coding-with-parameter", post(b"Transfer-Encoding: chunked;q=1\r\n", b"0\r\n\r\n"), {400, 501}),
    ("coding-vertical-tab", post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"), {400}),
    ("coding-empty", post(b"Transfer-Encoding:\r\n", b"0\r\n\r\n"), {400, 501}),
    # chunks
    ("chunk-size-0x", chunked(b"0x5\r\n12345\r\n0\r\n\r\n"), {400}),
    ("chunk-size-plus", chunked(b"+5\r\n12345\r\n0\r\n\r\n"), {400}),
    ("chunk-size-minus", chunked(b"-5\r\n12345\r\n0\r\n\r\n"), {400}),
    ("chunk-size-underscore", chunked(b"0_5\r\n12345\r\n0\r\n\r\n"), {400}),
    ("chunk-size-leading-blank", chunked(b" 5\r\n12345\r\n0\r\n\r\n"), {400}),
    ("chunk-size-trailing-blank", chunked(b"5 \r\n12345\r\n0\r\n\r\n"), {400}),
    ("chunk-size-empty", chunked(b"\r\n12345\r\n0\r\n\r\n"), {400}),
    ("chunk-size-text", chunked(b"five\r\n12345\r\n0\r\n\r\n"), {400}),
    ("chunk-size-overflow", chunked(b"FFFFFFFFFFFFFFFFF\r\n12345\r\n0\r\n\r\n"), {400, 413}),
    ("chunk-size-wraps-to-5", chunked(b"10000000000000005\r\n12345\r\n0\r\n\r\n"), {400, 413}),
    ("chunk-without-crlf", chunked(b"5\r\n123450\r\n\r\n"), {400}),
    ("chunk-with-bare-lf-after-data", chunked(b"5\r\n12345\n0\r\n\r\n"), {400}),
    ("chunk-size-with-bare-lf", chunked(b"5\n12345\r\n0\r\n\r\n"), {400}),
    ("chunk-extension-with-bare-lf", chunked(b"5;a\nb\r\n12345\r\n0\r\n\r\n"), {400}),
    ("chunk-extension-flood", chunked(b"5;" + b"a" * 5000 + b"\r\n12345\r\n0\r\n\r\n"), {400}),
    ("last-chunk-with-bare-lf", chunked(b"5\r\n12345\r\n0\n\n"), {400}),
    # the request line
    ("target-with-blank", get(line=b"GET /li vez HTTP/1.1"), {400}),
    ("target-with-tab", get(line=b"GET /li\tvez HTTP/1.1"), {400}),
    ("target-with-control", get(line=b"GET /li\x01vez HTTP/1.1"), {400}),
    ("target-with-delete", get(line=b"GET /li\x7fvez HTTP/1.1"), {400}),
    ("target-non-ascii", get(line="GET /lïvez HTTP/1.1".encode()), {400}),
    ("target-empty", get(line=b"GET  HTTP/1.1"), {400}),
    ("target-relative", get(line=b"GET livez HTTP/1.1"), {400}),
    ("two-blanks", get(line=b"GET  /livez HTTP/1.1"), {400}),
    ("trailing-blank", get(line=b"GET /livez HTTP/1.1 "), {400}),
    ("tab-as-separator", get(line=b"GET\t/livez\tHTTP/1.1"), {400}),
    ("leading-blank", get(line=b" GET /livez HTTP/1.1"), {400}),
    ("star-with-get", get(line=b"GET * HTTP/1.1"), {400}),
    ("star-with-post", get(line=b"POST * HTTP/1.1"), {400}),
    ("method-no-token", get(line=b"G(T /livez HTTP/1.1"), {400}),
    ("version-lower-case", get(line=b"GET /livez http/1.1"), {400}),
    ("version-two-digits", get(line=b"GET /livez HTTP/1.10"), {400}),
    ("version-leading-zero", get(line=b"GET /livez HTTP/01.1"), {400}),
    ("version-one-number", get(line=b"GET /livez HTTP/1"), {400}),
    ("version-missing", b"GET /livez\r\n" + HOST + b"\r\n", {400}),
    ("version-2", get(line=b"GET /livez HTTP/2.0"), {505}),
    ("version-3", get(line=b"GET /livez HTTP/3.0"), {505}),
    ("version-0.9", get(line=b"GET /livez HTTP/0.9"), {400, 505}),
    ("http2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    ("tls-hello", bytes.fromhex("16030100c8010000c40303") + b"\x00" * 64 + b"\r\n\r\n", {400}),
    ("no-http-at-all", b"hello\r\n\r\n", {400}),
]
IDS = [name for name, _, _ in CASES]


def refused(client, statuses):
    """One problem document that says close, then FIN and not a byte more."""
    answer = client.read_response()
    assert answer.status in statuses, answer
    check_problem(answer, answer.status)
    assert answer.headers["connection"].lower() == "close", answer.headers
    assert client.read_to_end() == b""


@pytest.mark.parametrize("data, statuses", [case[1:] for case in CASES], ids=IDS)
def test_refused(node, data, statuses):
    with node.client() as client:
        client.send(data)
        refused(client, statuses)
    with node.client() as other:
        assert other.get("/livez").status == 200


@pytest.mark.parametrize("data, statuses", [case[1:] for case in CASES], ids=IDS)
def test_refused_as_second_request_after_the_first_was_answered(node, data, statuses):
    with node.client() as client:
        client.send(get() + data)
        assert client.read_response().status == 200
        refused(client, statuses)


@pytest.mark.parametrize("name", ["space-before-colon", "length-with-chunked", "chunk-size-0x", "target-with-blank",
                                  "host-twice", "bare-lf-in-value", "obs-fold-space"])
def test_refused_byte_by_byte(node, name):
    """Splitting the bytes into packets does not matter."""
    data, statuses = next(case[1:] for case in CASES if case[0] == name)
    with node.client() as client:
        try:
            for n in range(len(data)):
                client.send(data[n:n + 1])
        except (BrokenPipeError, ConnectionResetError):
            pass  # it is refused as soon as it can be known
        refused(client, statuses)


GOOD = [
    ("plain", get(), 200),
    ("tab-in-value", get(b"X-A: b\tc\r\n"), 200),
    ("latin-in-value", get(b"X-A: \xe9\r\n"), 200),
    ("empty-value", get(b"X-A:\r\n"), 200),
    ("blanks-around-value", get(b"X-A: \t b \t \r\n"), 200),
    ("name-with-underscore", get(b"X_A: b\r\n"), 200),
    ("empty-line-before", b"\r\n" + get(), 200),
    ("host-with-port", get(host=b"Host: localhost:8080\r\n"), 200),
    ("host-ipv6", get(host=b"Host: [::1]:8080\r\n"), 200),
    ("absolute-form", get(line=b"GET http://example.test/livez HTTP/1.1"), 200),
    ("chunked-any-case", b"POST /livez HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
     b"5;a=b\r\n12345\r\nA\r\n1234567890\r\n0\r\nTrailer: x\r\n\r\n", 405),
    ("version-1.0-without-host", b"GET /livez HTTP/1.0\r\n\r\n", 200),
]


@pytest.mark.parametrize("data, status", [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
def test_valid_requests_are_accepted(node, data, status):
    """Counterpart of the rows above: unusual but valid requests are answered."""
    with node.client() as client:
        client.send(data)
        assert client.read_response().status == status
