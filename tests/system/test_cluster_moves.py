"""Nodes that join and leave gracefully: no more shards move than necessary, and no client notices."""

import signal
import time

import pytest

from cluster import make_cluster  # noqa: F401  (fixture)
from cluster_load import ClusterLoad
from cluster_view import PATIENT, SHARDS, look, shard_of, wait_until, wait_until_known
from shop import decide, outcome, popup, save, unique

def prepare(node):
    """A popup that users see again and again, so that claims are written all the time."""
    with node.client() as client:
        save(client, popup("home", "p", frequency={"every": "300ms"}))


def check_ledger(load, nodes):
    """All that was acknowledged is in the store, once; no popup was shown too early."""
    with nodes[0].client() as client:
        wait_until(lambda: not load.compare(client), "every event that was acknowledged is stored once", 10)
    print(f"{load.answers} answers, {load.events_confirmed()} events, {dict(load.ledger.counts)}")
    assert load.ledger.counts["MATCH"] > 20 and load.events_confirmed() > 20
    assert not load.ledger.broken, load.ledger.broken[:5]


@pytest.fixture
def users():
    return [unique("u") for _ in range(60)]


def test_a_join_takes_its_share_and_only_the_joiner_gets_shards(make_cluster):  # noqa: F811
    cluster = make_cluster()
    cluster.start(2)
    before = look(cluster.nodes[0])
    joiner = cluster.add()
    after = cluster.wait_until_settled()
    moved = {shard for shard in range(SHARDS) if before.owners[shard] != after.owners[shard]}
    print(f"{len(moved)} shards moved")
    assert {after.owners[shard] for shard in moved} == {look(joiner).self}
    assert len(moved) <= 1.2 * SHARDS / 3
    for shard in range(SHARDS):
        assert after.epochs[shard] == before.epochs[shard] + (shard in moved)


def test_from_one_node_to_five_and_back_under_load(make_cluster, users):  # noqa: F811
    cluster = make_cluster(PATIENT)
    cluster.start(1)
    prepare(cluster.nodes[0])
    with ClusterLoad(cluster.nodes, users) as load:
        load.wait_for(50)
        for count in range(2, 6):
            cluster.add()
            cluster.wait_until_settled()
            load.wait_for(50)
        for node in cluster.nodes[:4]:
            node.signal(signal.SIGTERM)
            assert node.wait() == 0
            cluster.wait_until_settled()
            load.wait_for(50)
    last = cluster.nodes[4]
    assert len(load.asked) == 5 and look(last).shards_of(look(last).self) == set(range(SHARDS))
    check_ledger(load, [last])


def test_a_rolling_restart_under_load(make_cluster, users):  # noqa: F811
    cluster = make_cluster(PATIENT)
    nodes = cluster.start(3)
    prepare(nodes[0])
    with ClusterLoad(nodes, users) as load:
        for node in nodes:
            load.wait_for(50)
            began = time.monotonic()
            node.signal(signal.SIGTERM)
            assert node.wait() == 0
            ended = time.monotonic()
            node.start()
            cluster.wait_until_settled()
            print(f"drained in {ended - began:.1f} s, back in {time.monotonic() - ended:.1f} s")
        load.wait_for(50)
    check_ledger(load, nodes)


def test_a_node_that_drains_says_so_and_leaves_the_list(make_cluster):  # noqa: F811
    cluster = make_cluster()
    one, other = cluster.start(2)
    home = unique("home")
    with one.client() as client:
        shown = save(client, popup(home, frequency={"every": "1h"}))
    wait_until_known((one, other), shown)
    known = cluster.users_of(other)[0]
    with one.client() as client:
        assert outcome(decide(client, known, home), home)[1] == "MATCH"
    gone = look(other).self
    assert other.stop() == 0
    view, _ = wait_until(lambda: (lambda v: gone not in v.nodes and v)(look(one)), "it is off the list", 3)
    assert view.shards_of(view.self) == set(range(SHARDS))
    assert f"{gone}" not in {row[0] for row in cluster.sql("SELECT incarnation FROM cl_node")}
    with one.client() as client:  # what it had charged counts for whoever took its users
        assert outcome(decide(client, known, home), home) == (None, "COOLDOWN")


def test_a_joiner_that_dies_while_it_is_given_shards(make_cluster):  # noqa: F811
    """The shards it was about to get stay where they are and are served."""
    cluster = make_cluster({"cluster.moves-max": 4})
    nodes = cluster.start(2)
    home = unique("home")
    with nodes[0].client() as client:
        save(client, popup(home, frequency={"every": "1h"}))
    joiner = cluster.add()
    number = look(joiner).self
    wait_until(lambda: look(nodes[0]).shards_of(number), "it gets shards")
    joiner.kill()
    assert len(look(nodes[0]).shards_of(number)) < SHARDS // 3 - 4, "it has all of them already"
    cluster.wait_until_settled(nodes)
    for shard in range(SHARDS):
        user = next(user for user in (f"u-{shard}-{n}" for n in range(10**6)) if shard_of(user) == shard)
        with nodes[shard % 2].client() as client:
            wait_until(lambda: outcome(decide(client, user, home), home)[1] in ("MATCH", "COOLDOWN"),  # noqa: B023
                       f"shard {shard} is served", 5)


def test_nodes_that_stop_at_once_do_not_wait_for_each_other(make_cluster):  # noqa: F811
    cluster = make_cluster()
    nodes = cluster.start(3)
    began = time.monotonic()
    for node in nodes:
        node.signal(signal.SIGTERM)
    assert [node.wait() for node in nodes] == [0, 0, 0]
    took = time.monotonic() - began
    print(f"stopped in {took:.2f} s")
    assert took < 5
    assert not cluster.sql("SELECT incarnation FROM cl_node WHERE state <> 3")
