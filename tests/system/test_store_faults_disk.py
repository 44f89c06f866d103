"""A node's disk is full: claims are UNAVAILABLE, events get 503, users in cooldown are answered, and the node recovers
when there is room. The same for a node with only its outbox on that disk."""

import time

import pytest

from fault_watch import FaultWatch, charged_in_file, checks, eventually, metric
from mariadb_fixture import charged_in
from shop import unique
from small_disk import small_disk  # noqa: F401  (a fixture)

STAYS_NAMED_S = 1.6  # longer than an idle node takes to look at its files again


@pytest.fixture
def data_dir(small_disk):
    return small_disk.path / "data"


def refuse_events(seen):
    """Until the last reserve is used up, an event may still find room."""
    eventually(lambda: seen.send(count=20).status == 503, "events are refused")
    for _ in range(3):
        assert seen.send(count=20).status == 503


def test_a_full_disk_and_the_embedded_store(small_disk, data_dir, start_node):
    seen = FaultWatch(start_node({"node.data-dir": data_dir}), charged_in_file(data_dir / "beckon.db"))
    failures = seen.failures()
    for turn in range(2):
        assert seen.send(count=5).status == 202
        with seen.cooled_down():
            small_disk.fill()
            refuse_events(seen)
            seen.strangers_get_nothing(within_s=3)
            seen.names_fault("store", "disk is full", "free space")
            stays_named_until = time.monotonic() + STAYS_NAMED_S
            while time.monotonic() < stays_named_until:
                assert seen.client.get("/readyz").status == 503
                assert not checks(seen.client)["store"]["ok"]
                seen.strangers_get_nothing(within_s=3)
            assert seen.failures() > failures
            small_disk.free()
            seen.recovers()
        failures = seen.failures()
    seen.kept_every_promise()
    seen.node.kill()
    seen.node.start()
    seen.client = seen.node.client()
    seen.kept_every_promise()


def test_a_start_on_a_full_disk(small_disk, data_dir, start_node):  # noqa: F811
    """A killed node restarts there: cooldowns are known, and nothing is promised until there is room."""
    seen = FaultWatch(start_node({"node.data-dir": data_dir}), charged_in_file(data_dir / "beckon.db"))
    assert seen.send(count=5).status == 202
    seen.node.kill()
    small_disk.fill()
    seen.node.start()
    seen.client = seen.node.client(30)
    with seen.cooled_down():
        refuse_events(seen)
        seen.strangers_get_nothing(within_s=3)
        seen.names_fault("store", "disk is full", "free space")
        small_disk.free()
        seen.recovers()
    seen.kept_every_promise()


def test_a_full_disk_and_the_outbox(small_disk, data_dir, start_node, server, settings):
    """Events are refused, claims go on."""
    seen = FaultWatch(start_node({**settings, "node.data-dir": data_dir}), charged_in(server, settings))
    assert seen.send(count=5).status == 202
    failures = seen.failures("outbox")
    with seen.cooled_down():
        small_disk.fill()
        refuse_events(seen)
        seen.names_fault("outbox", "disk is full", "free space")
        stays_named_until = time.monotonic() + STAYS_NAMED_S
        while time.monotonic() < stays_named_until:
            assert seen.ask(unique("user")) == "MATCH"
            assert seen.client.get("/readyz").status == 503
            outbox = checks(seen.client)["outbox"]
            assert not outbox["ok"] and "disk is full" in outbox["detail"], outbox
        assert seen.failures("outbox") > failures
        small_disk.free()
        seen.recovers()
    seen.kept_every_promise()
    eventually(lambda: metric(seen.client, "beckon_outbox_events") == 0, "all is shipped")


def test_events_wait_on_a_full_disk(small_disk, data_dir, start_node, own_server, settings):
    """What waits in an outbox that is full is shipped when the server is back, although the disk is not yet free."""
    seen = FaultWatch(start_node({**settings, "node.data-dir": data_dir}), charged_in(own_server, settings))
    with seen.cooled_down():
        own_server.stop()
        assert seen.send(count=200).status == 202
        small_disk.fill()
        refuse_events(seen)
        own_server.restart()
        eventually(lambda: seen.stored() == seen.taken, "what was taken is shipped", 10)
        small_disk.free()
        seen.recovers()
    eventually(lambda: metric(seen.client, "beckon_outbox_events") == 0, "nothing waits any more", 10)
    seen.kept_every_promise()
