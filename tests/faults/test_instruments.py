"""What the campaigns look with: the reader of a growing ledger, the proxy, and the check that something happened."""

import collections
import json
import os
import socket
import threading

import pytest

from campaign import Outcome, check_that_something_happened
from ledger_tail import SLOW_US, LedgerTail
from link import COMMIT, CUT_AFTER_BYTES_MAX, Link
from network import Network

# -- the ledger ------------------------------------------------------------------------------------


def lines(*documents):
    return b"".join(json.dumps(one).encode() + b"\n" for one in documents)


def tail_of(tmp_path, *documents):
    (tmp_path / "run-0.jsonl").write_bytes(lines({"ledger": 1}, *documents))
    return LedgerTail(tmp_path).look()


def test_a_ledger_is_read_on_while_it_grows(tmp_path):
    path = tmp_path / "run-0.jsonl"
    first = lines({"ledger": 1}, {"send": 1, "kind": "decide", "at_us": 10})
    half = lines({"got": 1, "at_us": 30, "status": 200, "shown": [["home", "p", 1]]})
    path.write_bytes(first + half[:9] + bytes(100))
    tail = LedgerTail(tmp_path)
    assert tail.look().exchanges[0].got_us == 0
    path.write_bytes(first + half + bytes(100))
    assert tail.look().exchanges[0].got_us == 30 and len(tail.exchanges) == 1
    assert tail.first_claim_after(10) == 30 and tail.first_claim_after(11) is None


@pytest.mark.parametrize("outcome, suffered", (
    ({"status": 200}, False),
    ({"status": 202, "accepted": 3}, False),
    ({"status": 422}, False),
    ({"status": 503}, True),
    ({"status": 0, "lost": "reset"}, True),
    ({"status": 200, "unavailable": True}, True),
))
def test_which_requests_suffer(tmp_path, outcome, suffered):
    tail = tail_of(tmp_path, {"send": 1, "kind": "decide", "at_us": 10}, {"got": 1, "at_us": 20, **outcome})
    assert tail.exchanges[0].suffered() == suffered


def test_late_requests_suffer_and_pending_ones_do_not(tmp_path):
    tail = tail_of(tmp_path, {"send": 1, "kind": "events", "at_us": 10}, {"send": 2, "kind": "events", "at_us": 10},
                   {"got": 1, "at_us": 11 + SLOW_US, "status": 202})
    assert [one.suffered() for one in tail.exchanges] == [True, False]


def test_a_popup_in_a_repeated_answer_is_no_sign_of_recovery(tmp_path):
    tail = tail_of(tmp_path, {"send": 1, "kind": "retry", "at_us": 10},
                   {"got": 1, "at_us": 20, "status": 200, "shown": [["home", "p", 1]]})
    assert tail.first_claim_after(0) is None


# -- the proxy -------------------------------------------------------------------------------------


class EchoServer:
    """Answers what it gets with the same, in capitals; remembers all of it."""

    def __init__(self, path):
        self.got = b""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with peer:
            try:
                while data := peer.recv(65536):
                    self.got += data
                    peer.sendall(data.upper())
            except ConnectionError:
                return  # cut by the proxy

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def echo(tmp_path):
    made = EchoServer(tmp_path / "s")
    yield made
    made.close()


@pytest.fixture
def link(echo, tmp_path):
    made = Link(str(tmp_path / "s"))
    yield made
    made.close()


def connect(link):
    made = socket.create_connection(("127.0.0.1", link.port), 5)
    made.sendall(b"hello")
    assert made.recv(100) == b"HELLO"
    return made


def ended(sock):
    """Whether the connection is over, with nothing more to read."""
    try:
        return sock.recv(100) == b""
    except ConnectionError:
        return True


def test_a_refusing_link_cuts_old_refuses_new_connections_and_heals(link):
    client = connect(link)
    link.begin("refuse", 1)
    assert ended(client) and link.hits == 1
    with pytest.raises(ConnectionRefusedError):
        connect(link)
    link.end()
    connect(link).close()


def test_a_commit_is_cut_before_the_server_has_it(link, echo):
    client = connect(link)
    link.begin("commit-before", 1)
    client.sendall(COMMIT)
    assert ended(client) and link.hits == 1 and echo.got == b"hello"
    link.end()
    connect(link).close()


def test_a_commit_is_cut_after_the_server_has_answered(link, echo):
    client = connect(link)
    link.begin("commit-after", 1)
    client.sendall(COMMIT)
    assert ended(client) and link.hits == 1 and echo.got == b"hello" + COMMIT


def test_other_packets_pass_while_commits_are_cut(link):
    for fault in ("commit-before", "commit-after"):
        link.begin(fault, 1)
        connect(link).close()
        assert link.hits == 0
        link.end()


def test_held_bytes_arrive_when_the_link_is_free_again(link, echo):
    client = connect(link)
    link.begin("hold", 1)
    client.sendall(b"late")
    late = socket.create_connection(("127.0.0.1", link.port), 5)
    late.sendall(b"too")
    client.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.recv(100)
    assert link.hits >= 1 and echo.got == b"hello"
    link.end()
    for sock, want in ((client, b"LATE"), (late, b"TOO")):
        sock.settimeout(5)
        assert sock.recv(100) == want


def test_a_connection_is_cut_within_so_many_bytes(link):
    client = connect(link)
    link.begin("cut-bytes", 1)
    sent = 0
    while sent < 2 * CUT_AFTER_BYTES_MAX:
        try:
            client.sendall(bytes(1000))
        except ConnectionError:
            break
        sent += 1000
        if ended(client):
            break
    assert sent <= CUT_AFTER_BYTES_MAX and link.hits >= 1  # either direction may meet its limit first


# -- the network between nodes ---------------------------------------------------------------------


@pytest.fixture
def network():
    made = Network()
    yield made
    made.close()


@pytest.fixture
def way_to(echo, tmp_path, network):
    """Connects this process, called a, with b, where the echo is."""
    port = network.open_door("b", str(tmp_path / "s"))

    def open_one():
        made = socket.create_connection(("127.0.0.1", port), 5)
        made.sendall(b"hello")
        assert made.recv(100) == b"HELLO"
        return made
    return open_one


def silent(sock):
    sock.settimeout(0.2)
    try:
        sock.recv(100)
    except TimeoutError:
        return True
    return False


def test_one_way_is_held_and_the_other_is_free(network, way_to, echo):
    before = way_to()
    network.introduce("a", os.getpid())  # what it has is found as well
    network.hold("b", "a")
    before.sendall(b"one")
    assert silent(before) and echo.got == b"helloone"
    network.heal()
    before.settimeout(5)
    assert before.recv(100) == b"ONE"
    network.hold("a", "b")
    before.sendall(b"two")
    assert silent(before) and echo.got == b"helloone"
    network.heal()
    before.settimeout(5)
    assert before.recv(100) == b"TWO"


def test_only_named_nodes_are_separated(network, way_to):
    network.introduce("a", os.getpid())
    network.hold_both("x", "b")
    network.cut("y", "b")
    way_to().close()


def test_a_cut_direction_resets_existing_and_new_connections(network, way_to):
    network.introduce("a", os.getpid())
    there = way_to()
    network.cut("b", "a")
    assert ended(there)
    with pytest.raises((ConnectionError, AssertionError)):
        way_to()
    network.heal()
    way_to().close()


# -- whether anything happened -----------------------------------------------------------------------


def test_a_campaign_in_which_nothing_happened_is_a_failure():
    def outcome(events, popups, hits, met_node=2):
        return Outcome(met_node=collections.Counter({"refuse": met_node}), hits=collections.Counter({"refuse": hits}),
                       numbers=collections.Counter({"events_confirmed": events, "shows_answered": popups}))
    check_that_something_happened(outcome(5, 5, 5))
    check_that_something_happened(outcome(5, 5, 0, met_node=0))  # nobody was there
    for nothing in (outcome(0, 5, 5), outcome(5, 0, 5), outcome(5, 5, 0)):
        with pytest.raises(AssertionError):
            check_that_something_happened(nothing)
