"""Other answers of the HTTP front: methods, sizes, slowness, closing, the bound on connections."""

import socket
import time

import pytest

from beckon_node import Node
from shop import check_problem, popup, save, unique

HOST = b"Host: localhost\r\n"


# -- sizes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data, status", [
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    (b"GET /" + b"a" * 200_000, 414),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 17_000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 200_000, 431),
    (b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: a\r\n" % n for n in range(101)) + b"\r\n", 431),
    (b"POST /v1/decide HTTP/1.1\r\n" + HOST + b"Content-Length: 1048577\r\n\r\n", 413),
    (b"POST /v1/decide HTTP/1.1\r\n" + HOST + b"Content-Length: 1048577\r\n\r\n" + b"x" * 1048577, 413),
    (b"POST /v1/decide HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
     + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 17, 413),
    (b"POST /v1/decide HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n", 413),
], ids=["request-line", "request-line-endless", "header", "header-endless", "fields", "body-announced",
        "body-announced-and-sent", "chunks", "chunk-announced"])
def test_too_large_is_answered_and_closed_without_a_reset(node, data, status):
    """The client writes everything before it reads: a reset must not destroy the answer."""
    with node.client() as client:
        client.send(data)
        answer = client.read_response()
        check_problem(answer, status)
        assert answer.headers["connection"].lower() == "close"
        assert client.read_to_end() == b""


@pytest.mark.parametrize("data, status", [
    (b"GET /livez?" + b"a" * 8000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    (b"GET /livez HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 16_000 + b"\r\n\r\n", 200),
    (b"GET /livez HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: a\r\n" % n for n in range(99)) + b"\r\n", 200),
    (b"POST /v1/decide HTTP/1.1\r\n" + HOST + b"Content-Length: 1048576\r\n\r\n" + b" " * 1048576, 400),
], ids=["request-line", "header", "fields", "body"])
def test_just_below_a_bound_is_taken(node, data, status):
    with node.client() as client:
        client.send(data)
        assert client.read_response().status == status


# -- methods -----------------------------------------------------------------------------------------


def test_unknown_method_is_501(node):
    with node.client() as client:
        check_problem(client.request("BREW", "/livez"), 501)
    with node.client() as client:
        check_problem(client.request("get", "/livez"), 501)


@pytest.mark.parametrize("method, path, allowed", [
    ("DELETE", "/v1/decide", {"GET", "POST", "HEAD", "OPTIONS"}), ("POST", "/livez", {"GET", "HEAD", "OPTIONS"}),
    ("PATCH", "/v1/popups/x", {"GET", "PUT", "DELETE", "HEAD", "OPTIONS"}),
    ("TRACE", "/livez", {"GET", "HEAD", "OPTIONS"}),
])
def test_a_method_not_for_this_path_is_405_and_says_which_are(node, method, path, allowed):
    with node.client() as client:
        answer = client.request(method, path)
        check_problem(answer, 405)
        assert {name.strip() for name in answer.headers["allow"].split(",")} == allowed


def test_head_is_get_without_its_body(client):
    shown = save(client, popup(unique("home")))
    for path in ("/livez", f"/v1/popups/{shown}", "/v1/popups/missing", "/metrics"):
        got = client.get(path)
        head = client.request("HEAD", path)
        assert head.status == got.status and head.body == b""
        for name in ("content-type", "etag"):
            assert head.headers.get(name) == got.headers.get(name), (path, name)
        if path != "/metrics":
            assert head.headers["content-length"] == str(len(got.body)), path
    assert client.get("/livez").status == 200, "something was left on the connection"


def test_head_of_a_stream_has_no_body(client):
    assert client.request("HEAD", "/v1/events").status == 200
    assert client.get("/livez").status == 200


def test_options_names_the_methods(client):
    answer = client.request("OPTIONS", "/v1/popups/x")
    assert answer.status == 204
    assert {"GET", "PUT", "DELETE", "OPTIONS"} <= {name.strip() for name in answer.headers["allow"].split(",")}
    assert client.request("OPTIONS", "*").status in (200, 204)
    check_problem(client.request("OPTIONS", "/nowhere"), 404)


# -- Expect ------------------------------------------------------------------------------------------


def expecting(length, value=b"100-continue", version=b"1.1"):
    return (b"POST /v1/decide HTTP/" + version + b"\r\n" + HOST + b"Content-Length: %d\r\nExpect: " % length + value
            + b"\r\n\r\n")


def test_expect_gets_100_when_the_body_will_be_read(client):
    body = b'{"user": "u", "placements": ["p"]}'
    client.send(expecting(len(body)))
    assert client.read_response(interim=True).status == 100
    client.send(body)
    assert client.read_response(interim=True).status == 200
    assert client.get("/livez").status == 200


def test_expect_gets_the_final_status_when_it_will_not(node):
    with node.client() as client:
        client.send(expecting(5_000_000))
        check_problem(client.read_response(interim=True), 413)
        assert client.read_to_end() == b""


def test_expect_with_the_body_already_there(client):
    body = b'{"user": "u", "placements": ["p"]}'
    client.send(expecting(len(body)) + body)
    assert client.read_response().status == 200
    assert client.get("/livez").status == 200


def test_another_expectation_is_417(node):
    with node.client() as client:
        client.send(expecting(2, b"miracles") + b"{}")
        check_problem(client.read_response(interim=True), 417)


# -- slowness ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    made = Node(tmp_path_factory.mktemp("impatient"), {"http.header-timeout-ms": 400, "http.body-timeout-ms": 400,
                                                       "http.idle-timeout-ms": 600}).start()
    yield made
    assert made.stop() == 0


@pytest.mark.parametrize("start", [
    b"GET /livez HTT", b"GET /livez HTTP/1.1\r\nHost: lo", b"G",
    b"POST /v1/decide HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\n{",
    b"POST /v1/decide HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12",
], ids=["request-line", "header", "first-byte", "body", "chunks"])
def test_an_unfinished_request_is_408_then_closed(impatient, start):
    with impatient.client() as client:
        client.send(start)
        began = time.monotonic()
        answer = client.read_response(timeout_s=8)
        check_problem(answer, 408)
        assert 0.3 < time.monotonic() - began < 5
        assert answer.headers["connection"].lower() == "close"
        assert client.read_to_end() == b""


@pytest.mark.parametrize("start, drop", [
    (b"GET /livez HTTP/1.1\r\nX-A: ", b"a"),
    (b"POST /v1/decide HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n", b" "),
], ids=["header", "body"])
def test_a_trickle_does_not_win_time(impatient, start, drop):
    """The deadline is absolute: bytes that come one by one do not move it."""
    with impatient.client() as client:
        client.send(start)
        began = time.monotonic()
        client.sock.settimeout(0.05)
        while time.monotonic() - began < 6:
            try:
                client.sock.sendall(drop)
                if client.sock.recv(1, socket.MSG_PEEK):
                    break
            except TimeoutError:
                continue
        check_problem(client.read_response(), 408)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("first", [b"", b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n"], ids=["new", "used"])
def test_an_idle_connection_is_closed_in_silence(impatient, first):
    with impatient.client() as client:
        if first:
            client.send(first)
            assert client.read_response().status == 200
        began = time.monotonic()
        assert client.read_to_end() == b""
        assert 0.3 < time.monotonic() - began < 6


def test_a_connection_in_use_is_not_idle(impatient):
    with impatient.client() as client:
        began = time.monotonic()
        while time.monotonic() - began < 1.5:
            client.send(client.encode("GET", "/livez"))
            assert client.read_response().status == 200


# -- many requests on one connection -------------------------------------------------------------------


def test_pipelined_requests_are_answered_in_order(client):
    """Far more than the bound on requests in work; some need the store, some do not."""
    home = unique("home")
    save(client, popup(home, frequency={"max_shows": 1}))
    users = [unique("user") for _ in range(150)]
    data = b""
    for user in users:
        data += client.encode("POST", "/v1/decide", {"user": user, "placements": [home]})
        data += client.encode("GET", f"/v1/decide?user=cold-{user}&placement=empty")
        data += client.encode("GET", f"/v1/users/none-{user}")
    client.send(data)
    for user in users:
        assert client.read_response().json()["user"] == user
        assert client.read_response().json()["user"] == f"cold-{user}"
        assert client.read_response().status == 404


def test_pipelining_stops_at_close(node):
    with node.client() as client:
        data = client.encode("GET", "/livez") + client.encode("GET", "/livez", headers={"Connection": "close"})
        client.send(data + client.encode("GET", "/livez") * 3)
        assert client.read_response().status == 200
        assert client.read_response().headers["connection"].lower() == "close"
        assert client.read_to_end() == b""


def test_http_1_0_closes_unless_asked_to_keep(node):
    with node.client() as client:
        client.send(b"GET /livez HTTP/1.0\r\n\r\n")
        assert client.read_response().status == 200
        assert client.read_to_end() == b""
    with node.client() as client:
        for _ in range(2):
            client.send(b"GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = client.read_response()
            assert answer.status == 200 and answer.headers["connection"].lower() == "keep-alive"


def test_http_1_0_gets_a_stream_without_chunks(node):
    with node.client() as client:
        client.send(b"GET /v1/events HTTP/1.0\r\n\r\n")
        answer = client.read_response()
        assert answer.status == 200 and "transfer-encoding" not in answer.headers


def test_a_half_closed_client_gets_its_whole_answer(node):
    with node.client() as client:
        client.send(client.encode("GET", "/metrics") * 3)
        client.half_close()
        for _ in range(3):
            answer = client.read_response()
            assert answer.status == 200 and answer.body
        assert client.read_to_end() == b""


def test_a_half_closed_client_gets_the_answer_to_a_claim(node, client):
    home = unique("home")
    save(client, popup(home))
    with node.client() as other:
        other.send(other.encode("POST", "/v1/decide", {"user": unique("user"), "placements": [home]}))
        other.half_close()
        assert other.read_response().json()["placements"][home]["reason"] == "MATCH"
        assert other.read_to_end() == b""


def test_a_client_that_leaves_in_the_middle_harms_no_other(node, client):
    for part in (b"GET /livez HT", b"POST /v1/decide HTTP/1.1\r\n" + HOST + b"Content-Length: 50\r\n\r\n{"):
        with node.client() as other:
            other.send(part)
            other.half_close()
            try:
                rest = other.read_to_end()
                assert rest == b"" or rest.startswith(b"HTTP/1.1 400"), rest
            except ConnectionResetError:
                pass
    assert client.get("/livez").status == 200


def test_every_answer_has_date_and_request_id(client):
    for answer in (client.get("/livez"), client.get("/nowhere"), client.get("/v1/decide?user=u&placement=p")):
        assert answer.headers["date"].endswith(" GMT")
        assert "server" in answer.headers
    answer = client.get("/livez", {"X-Request-Id": "abc-123"})
    assert answer.headers["x-request-id"] == "abc-123"


# -- the bound on connections ---------------------------------------------------------------------------


def test_too_many_connections_wait_and_are_served_when_one_closes(start_node):
    node = start_node({"limits.connections-max": 8})
    held = [node.client() for _ in range(8)]
    for client in held:
        assert client.get("/livez").status == 200
    waiting = [node.client(10).connect() for _ in range(3)]
    for client in waiting:
        client.send(client.encode("GET", "/livez"))
    cpu = node.cpu_seconds()
    for client in waiting:
        with pytest.raises(TimeoutError):
            client.read_response(timeout_s=0.4)
    assert node.cpu_seconds() - cpu < 0.4, "it spins while it does not accept"
    for client in held:
        assert client.get("/livez").status == 200, "the connections within the bound are served on"
    for gone, client in zip(held, waiting):
        gone.close()
        assert client.read_response().status == 200
    for client in waiting:
        client.close()
    for _ in range(20):
        with node.client() as client:
            assert client.get("/livez").status == 200


def test_many_short_connections(node):
    for _ in range(500):
        with node.client() as client:
            client.send(client.encode("GET", "/livez", headers={"Connection": "close"}))
            assert client.read_response().status == 200


# -- paths -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/popups/a%00b", "/v1/popups/a%2Fb", "/v1/popups/a%2fb", "/../livez",
                                  "/v1/../../livez", "/%2e%2e/livez", "/v1/%2E./%2e%2e/livez", "/%c0%af", "/%c0%ae",
                                  "/%ed%a0%80", "/%zz", "/%", "/%4", "/v1/popups/%ff"])
def test_a_path_that_could_be_read_otherwise_is_400(node, path):
    with node.client() as client:
        check_problem(client.get(path), 400)


@pytest.mark.parametrize("path, status", [("/v1/../livez", 200), ("/./livez", 200), ("/%6civez", 200),
                                          ("/LIVEZ", 404), ("/livez/", 404), ("/livez//", 404), ("//livez", 404),
                                          ("/v1/popups/", 404)])
def test_paths_that_have_one_reading(node, path, status):
    with node.client() as client:
        assert client.get(path).status == status


def test_no_header_can_be_injected(node):
    """What a client sends comes back in headers at most with its control characters refused."""
    with node.client() as client:
        for data in (b"GET /livez HTTP/1.1\r\n" + HOST + b"X-Request-Id: a%0d%0aX-Evil: 1\r\n\r\n",
                     b"GET /v1/popups/x%0d%0aX-Evil:%201 HTTP/1.1\r\n" + HOST + b"\r\n"):
            client.send(data)
            assert "x-evil" not in client.read_response().headers
