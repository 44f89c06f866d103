"""Nodes that die, stop, or lose their database or each other: who answers, and what must not happen."""

import concurrent.futures
import json
import signal
import time

import pytest

from cluster import make_cluster, module_server  # noqa: F401  (fixture)
from cluster_load import ClusterLoad
from cluster_view import DEFAULT_TIMES, SHARDS, look, wait_until, wait_until_known
from http_client import Client
from network import Network
from shop import decide, event, outcome, popup, save, unique

OWNED_S = 15.0
OWNED_AIM_S = 5.0


@pytest.fixture
def network():
    made = Network()
    yield made
    made.close()


def with_popup(cluster, **more):
    """A placement with a popup that all nodes know."""
    home = unique("home")
    nodes = cluster.running()
    with nodes[0].client() as client:
        shown = save(client, popup(home, **{"frequency": {"every": "1h"}, **more}))
    wait_until_known(nodes, shown)
    return home


def reason_of(node, user, placement, **more):
    with node.client() as client:
        return outcome(decide(client, user, placement, **more), placement)[1]


def cools_down(node, user, placement):
    """The user is in cooldown: soon every node says so, and none shows a popup."""
    def told():
        reason = reason_of(node, user, placement)
        assert reason in ("COOLDOWN", "UNAVAILABLE"), reason
        return reason == "COOLDOWN"
    wait_until(told, "the user who waits is told so", 5)


def send_to(node, user):
    """An event that must be taken; its id."""
    one = event(user, "p")
    with node.client() as client:
        assert client.post("/v1/events", {"events": [one]}).status == 202
    return one["id"]


def wait_until_stored(node, user, ids):
    def stored():
        answer = client.get(f"/v1/events?user={user}")  # 503 until the node has found the database again
        return answer.status == 200 and sorted(json.loads(line)["id"] for line in answer.body.splitlines()) == sorted(ids)
    with node.client() as client:
        wait_until(stored, "each event is stored once", 10)


# -- death -----------------------------------------------------------------------------------------


def test_the_death_of_a_node_under_load(make_cluster):  # noqa: F811
    """With the default times."""
    cluster = make_cluster(DEFAULT_TIMES)
    one, victim, three = cluster.start(3)
    home = with_popup(cluster)
    with one.client() as client:
        save(client, popup("home", "p", frequency={"every": "300ms"}))
    own = cluster.users_of(one, 1)[0]
    dead = look(victim).self
    with ClusterLoad(cluster.nodes, [unique("u") for _ in range(60)], faults=True) as load:
        load.wait_for(100)
        victim.kill()
        killed = time.monotonic()
        assert reason_of(one, own, home) == "MATCH"  # others serve their own users meanwhile
        slowest = 0.0
        while not (view := look(one)).owned() or view.shards_of(dead):
            began = time.monotonic()
            assert reason_of(one, own, home) == "COOLDOWN" == reason_of(three, own, home)
            slowest = max(slowest, time.monotonic() - began)
            assert began < killed + OWNED_S, "shards without an owner"
        took = time.monotonic() - killed
        print(f"all shards owned {took:.2f} s after the kill; others' users answered within {slowest:.3f} s")
        cluster.wait_until_settled([one, three])
        load.wait_for(100)
        suffered = [wrong for sent, _, wrong in load.suffered if sent > time.monotonic() - 0.2]
        assert not suffered, suffered[:3]
        victim.start()
        cluster.wait_until_settled()
        load.wait_for(100)
    assert look(one).nodes[dead]["state"] == "dead"
    with one.client() as client:
        wait_until(lambda: not load.compare(client), "the ledger is right", 10)
    print(f"{load.answers} answers, {len(load.suffered)} suffered, {dict(load.ledger.counts)}")
    assert not load.ledger.broken, load.ledger.broken[:5]
    assert took < OWNED_AIM_S + 1, f"owned only {took:.1f} s after the kill"


def test_a_node_that_comes_back_with_its_directory_has_its_shards_at_once(make_cluster):  # noqa: F811
    """With long times, of which none must run out: the directory tells that its old process is gone."""
    cluster = make_cluster({**DEFAULT_TIMES, "cluster.lease-ms": 30000, "cluster.own-lease-ms": 20000,
                            "cluster.silent-ms": 12000})
    one, victim = cluster.start(2)
    home = with_popup(cluster)
    user = cluster.users_of(victim)[0]
    assert reason_of(victim, user, home) == "MATCH"
    before = look(victim).self
    victim.kill()
    began = time.monotonic()
    victim.start()
    cluster.wait_until_owned(one, without={before})
    took = time.monotonic() - began
    print(f"all shards owned {took:.2f} s after the start")
    assert took < 10
    assert look(victim).self != before and reason_of(victim, user, home) == "COOLDOWN"


# -- stopped for a while ---------------------------------------------------------------------------


def test_a_node_that_is_stopped_beyond_its_lease(make_cluster):  # noqa: F811
    cluster = make_cluster()
    one, stopped, three = cluster.start(3)
    home = with_popup(cluster)
    before = look(stopped).self
    shown_there = cluster.users_of(stopped, 5)
    shown_elsewhere = cluster.users_of(stopped, 20)
    for user in shown_there:
        assert reason_of(stopped, user, home) == "MATCH"
    for user in shown_elsewhere:  # it has them in memory, as users who may be shown something
        assert reason_of(stopped, user, home, dry_run=True) == "MATCH"
    waiting = [Client("127.0.0.1", stopped.port).connect() for _ in shown_elsewhere]
    stopped.signal(signal.SIGSTOP)
    try:
        cluster.wait_until_owned(one, without={before})
        for user in shown_there:
            cools_down(three, user, home)
        for user in shown_elsewhere:
            wait_until(lambda: reason_of(one, user, home) != "UNAVAILABLE", "others answer for it", 5)  # noqa: B023
            cools_down(three, user, home)
        for client, user in zip(waiting, shown_elsewhere):  # the first that it finds when it goes on
            client.send(client.encode("POST", "/v1/decide", {"user": user, "placements": [home]}))
    finally:
        stopped.signal(signal.SIGCONT)
    reasons = []
    for client in waiting:
        answer = client.read_response()
        assert answer.status in (200, 503), answer
        reasons.append(outcome(answer.json(), home)[1] if answer.status == 200 else 503)
        client.close()
    print(f"asked at once: { {reason: reasons.count(reason) for reason in set(reasons)} }")
    assert set(reasons) <= {"COOLDOWN", "UNAVAILABLE", 503}, "a popup was shown early"
    after = cluster.wait_until_settled()
    assert look(stopped).self > before and after.nodes[before]["state"] == "dead"
    for user in shown_there + shown_elsewhere:
        cools_down(stopped, user, home)
    assert "was taken for dead" in stopped.log_text(1 << 20)


# -- the database ----------------------------------------------------------------------------------


def test_no_node_dies_of_a_database_outage(make_cluster, own_server):  # noqa: F811
    """Away for longer than a lease lasts, and killed."""
    cluster = make_cluster()
    nodes = cluster.start(3)
    home = with_popup(cluster)
    known = [cluster.users_of(node)[0] for node in nodes]
    for user in known:
        assert reason_of(nodes[0], user, home) == "MATCH"
    before = [look(node).self for node in nodes]
    owners = look(nodes[0]).owners
    sent, sender = [], unique("sender")
    own_server.kill()
    try:
        until = time.monotonic() + 1.5 * cluster.settings["cluster.lease-ms"] / 1000
        while time.monotonic() < until:
            for node in nodes:
                for user in known:
                    assert reason_of(node, user, home) == "COOLDOWN"
                with node.client() as client:
                    answer = client.post("/v1/decide", {"user": unique("stranger"), "placements": [home]})
                    assert answer.status in (200, 503), answer
                    assert answer.status == 503 or outcome(answer.json(), home)[1] == "UNAVAILABLE"
                sent.append(send_to(node, sender))
    finally:
        own_server.restart()
    began = time.monotonic()
    for node in nodes:
        wait_until(lambda: reason_of(node, unique("after"), home) == "MATCH", "claims go on", 10)  # noqa: B023
    print(f"claims on all nodes {time.monotonic() - began:.2f} s after the start of the server")
    wait_until_stored(nodes[0], sender, sent)
    assert [look(node).self for node in nodes] == before and look(nodes[1]).owners == owners
    assert all(node.running() for node in nodes)


def test_a_node_that_loses_the_database_alone(network, make_cluster):  # noqa: F811
    cluster = make_cluster()
    port = network.open_door("db", ("127.0.0.1", cluster.settings["mysql.port"]))
    one, two = cluster.start(2)
    alone = cluster.add({"mysql.port": port})
    network.introduce("alone", alone.pid)
    cluster.wait_until_settled()
    home = with_popup(cluster)
    before = look(alone).self
    mine = cluster.users_of(alone, 3)
    assert reason_of(alone, mine[0], home) == "MATCH"
    network.hold_both("alone", "db")
    sent, sender = [], unique("sender")
    took = cluster.wait_until_owned(one, without={before})
    print(f"its shards have other owners after {took:.2f} s")
    for user in mine:
        wait_until(lambda: reason_of(two, user, home) in ("MATCH", "COOLDOWN"), "others answer for it", 5)  # noqa: B023
        cools_down(one, user, home)
        with alone.client() as client:
            answer = client.post("/v1/decide", {"user": user, "placements": [home]})
        assert answer.status == 503 or outcome(answer.json(), home)[1] in ("UNAVAILABLE", "COOLDOWN"), answer
    assert reason_of(alone, unique("stranger"), home) == "UNAVAILABLE"
    sent.append(send_to(alone, sender))
    network.heal()
    cluster.wait_until_settled()
    assert look(alone).self > before
    for user in mine:
        cools_down(alone, user, home)
    wait_until_stored(one, sender, sent)


# -- links between nodes ---------------------------------------------------------------------------


def separate(network, way):
    """Parts n3 from the others."""
    for other in ("n1", "n2"):
        network.hold("n3", other)
        if way == "both ways":
            network.hold(other, "n3")


@pytest.mark.parametrize("way", ("both ways", "from it"))
def test_a_node_that_the_others_cannot_reach_keeps_its_shards(network, make_cluster, way):  # noqa: F811
    cluster = make_cluster()
    nodes = [cluster.make(network.node_settings(f"n{n}")) for n in (1, 2, 3)]
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda node: node.start(), nodes))
    for n, node in enumerate(nodes, 1):
        network.introduce(f"n{n}", node.pid)
    before = cluster.wait_until_settled()
    home = with_popup(cluster)
    one, two, apart = nodes
    theirs, its = cluster.users_of(one, 2), cluster.users_of(apart, 2)
    sender, sent = unique("sender"), []
    separate(network, way)
    for user, through in ((theirs[0], apart), (its[0], one)):  # the owner is beyond the gap
        wait_until(lambda: reason_of(through, user, home) == "UNAVAILABLE", "nobody answers for it", 10)  # noqa: B023
    assert reason_of(one, theirs[1], home) == "MATCH" and reason_of(apart, its[1], home) == "MATCH"
    assert reason_of(two, theirs[1], home) == "COOLDOWN"
    until = time.monotonic() + 1.2 * cluster.settings["cluster.lease-ms"] / 1000
    while time.monotonic() < until:
        sent += [send_to(node, sender) for node in nodes]
        assert all(look(node).owners == before.owners for node in nodes), "somebody took over"
        time.sleep(0.1)  # between two looks
    network.heal()
    healed = time.monotonic()
    for user, through in ((theirs[0], apart), (its[0], one)):
        wait_until(lambda: reason_of(through, user, home) != "UNAVAILABLE", "the owner is reached", 10)  # noqa: B023
    print(f"answered {time.monotonic() - healed:.2f} s after healing")
    wait_until_stored(two, sender, sent)
    after = cluster.wait_until_settled()
    assert after.owners == before.owners and after.epochs == before.epochs and len(after.owners) == SHARDS
