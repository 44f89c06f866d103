"""JSON in: invalid JSON is 400, the wrong shape is 422, and the connection stays open."""

import pytest

from shop import check_problem, decide

HOST = b"Host: localhost\r\n"


def nested(depth):
    return b'{"user": "u", "placements": ["p"], "x": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


BAD_JSON = [
    ("empty", b""), ("blank", b"  "), ("text", b"hello"), ("cut", b'{"user": "u"'), ("trailing", b'{"user":"u"} x'),
    ("two-values", b"{}{}"), ("trailing-nul", b'{"user":"u","placements":["p"]}\x00'), ("comment", b"{/* */}"),
    ("trailing-comma", b'{"user":"u",}'), ("single-quotes", b"{'user':'u'}"),
    ("invalid-utf8", b'{"user": "\xff"}'), ("overlong-utf8", b'{"user": "\xc0\xaf"}'),
    ("surrogate-utf8", b'{"user": "\xed\xa0\x80"}'), ("lone-surrogate-escape", b'{"user": "\\ud800"}'),
    ("control-in-string", b'{"user": "a\x01b"}'), ("raw-newline-in-string", b'{"user": "a\nb"}'),
    ("invalid-utf8-in-key", b'{"us\xffer": 1}'),
    ("duplicate-key", b'{"user": "u", "user": "v", "placements": ["p"]}'),
    ("duplicate-key-escaped", b'{"user": "u", "us\\u0065r": "v", "placements": ["p"]}'),
    ("duplicate-key-deep", b'{"user": "u", "placements": ["p"], "attributes": {"a": 1, "a": 2}}'),
    ("nan", b'{"user": "u", "placements": ["p"], "attributes": {"a": NaN}}'),
    ("infinity", b'{"user": "u", "placements": ["p"], "attributes": {"a": Infinity}}'),
    ("out-of-range", b'{"user": "u", "placements": ["p"], "attributes": {"a": 1e400}}'),
    ("leading-zero", b'{"user": "u", "placements": ["p"], "attributes": {"a": 01}}'),
    ("plus", b'{"user": "u", "placements": ["p"], "attributes": {"a": +1}}'),
    ("bare-point", b'{"user": "u", "placements": ["p"], "attributes": {"a": 1.}}'),
    ("depth-33", nested(33)), ("depth-200000", nested(200_000)), ("byte-order-marks", b"\xef\xbb\xbf\xef\xbb\xbf{}"),
    ("utf-16", '{"user": "u"}'.encode("utf-16")),
]


@pytest.mark.parametrize("method, path", [("POST", "/v1/decide"), ("POST", "/v1/events"), ("PUT", "/v1/popups/x"),
                                          ("POST", "/v1/popups"), ("PUT", "/v1/settings"), ("PUT", "/v1/users/x"),
                                          ("PATCH", "/v1/users/x")])
@pytest.mark.parametrize("body", [body for _, body in BAD_JSON], ids=[name for name, _ in BAD_JSON])
def test_bad_json_is_400_and_the_connection_is_kept(node, method, path, body):
    with node.client() as client:
        client.send(client.encode(method, path, body, {"Content-Type": "application/json"}))
        answer = client.read_response()
        check_problem(answer, 400)
        assert answer.headers.get("connection", "keep-alive").lower() != "close"
        client.send(client.encode("GET", "/livez"))
        assert client.read_response().status == 200


def test_depth_32_is_only_an_unknown_field(client):
    check_problem(client.post("/v1/decide", nested(32), {"Content-Type": "application/json"}), 422, "/x")


def test_pointers_are_escaped(client):
    body = {"user": "u", "placements": ["p"], "a/b~c": 1}
    check_problem(client.post("/v1/decide", body), 422, "/a~1b~0c")


def test_a_problem_echoes_little_of_the_request(client):
    answer = client.post("/v1/decide", {"user": "u" * 100_000, "placements": ["p"], "k" * 100_000: 1})
    check_problem(answer, 422)
    assert len(answer.body) < 4000


def test_a_chunked_body_is_read_like_any_other(client):
    body = b'{"user":"u","placements":["p"]}'
    client.send(b"POST /v1/decide HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
    for n in range(0, len(body), 7):
        part = body[n:n + 7]
        client.send(b"%x\r\n" % len(part) + part + b"\r\n")
    client.send(b"0\r\nX-User: trailer\r\n\r\n")
    assert client.read_response().json()["user"] == "u"
    assert decide(client, "u2", "p")["user"] == "u2"
