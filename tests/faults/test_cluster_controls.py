"""Negative controls on a cluster: nodes without a fence, and other broken promises. The same load, faults and checks that
pass the product must find each of them, and must name what it broke."""

import time

import pytest

from actions import now_us
from cluster_actions import CLUSTER_ACTIONS
from cluster_audit import FINDINGS, Audit
from cluster_system import ClusterSystem
from plan import Fault
from test_controls import CALM_S, EVERY_MS, MIX, SHOWN_TOO_SOON, USERS, unsafe  # noqa: F401  (a fixture)

FREEZE_S = 4.0   # longer than a lease
IN_WORK_MS = 800  # so long a claim is on its way, so that some are when a node is stopped


def findings(directory, server, faults, prepare=None, **how):
    """The findings of the verification, the tables and the nodes' own views after these faults in turn."""
    system = ClusterSystem(directory, "cluster", server, **how)
    try:
        system.start(EVERY_MS, 0)
        if prepare:
            prepare(system)
        system.begin_load(1, USERS, **MIX)
        system.wait_until_recovered(now_us())
        for n, (kind, lasts_s) in enumerate(faults):
            time.sleep(CALM_S)
            action = CLUSTER_ACTIONS[kind](system, Fault(kind, 0.0, lasts_s, n))
            action.run()
            system.wait_until_recovered(action.ended_us)
            action.count()
            assert action.hits > 0, f"{kind} hit nobody"
        time.sleep(CALM_S)
        system.settle()
        found, document = system.verify("--wait-seconds=1")
        assert document["events_confirmed"] > 100 and document["shows_answered"] > 100, document
        found = {**{name: row["count"] for name, row in found.items()},
                 **{name: len(rows) for name, rows in system.more_findings().items()}}
        system.stop_node()
        print(f"{faults}: {found}, {system.more_numbers()}")
        return found
    finally:
        system.remove()


FREEZES = (("freeze-node", FREEZE_S),)


def test_a_stopped_node_without_a_fence_is_found(tmp_path, server, unsafe):  # noqa: F811
    """A stopped node finishes its write when it continues, and overwrites its successor's."""
    found = findings(tmp_path / "no_fence", server, FREEZES, binary=unsafe("no-fence", IN_WORK_MS))
    assert "stale commit" in found, found
    assert found.keys() <= {"stale commit", "state overwritten"} | SHOWN_TOO_SOON, found


def test_with_the_fence_the_same_node_writes_nothing(tmp_path, server, unsafe):  # noqa: F811
    assert not findings(tmp_path / "fence", server, FREEZES, binary=unsafe("slow-commit", IN_WORK_MS))


def test_answers_that_leave_before_the_claim_is_stored_are_found(tmp_path, server, unsafe):  # noqa: F811
    found = findings(tmp_path / "queued_cluster", server, (("kill-node", 0.2),) * 2, binary=unsafe("slow-commit"),
                     settings={"durability.claims": "queued"})
    assert SHOWN_TOO_SOON & found.keys() and not {"lost", "duplicated", "stale commit"} & found.keys(), found


def without_unique_key(system):
    """Looking up ids needs an index of that name, but it is no longer unique."""
    system.server.sql(f"ALTER TABLE {system.database}.event DROP INDEX event_by_id, ADD INDEX event_by_id(id)")


def test_events_without_a_unique_key_are_found_twice(tmp_path, server):
    found = findings(tmp_path / "key_cluster", server, (("commit-after", 0.5), ("kill-node", 0.2), ("commit-after", 0.5)),
                     without_unique_key)
    assert found.keys() == {"duplicated"}, found


# -- the audit itself ------------------------------------------------------------------------------

MADE_UP = """CREATE TABLE cl_node(incarnation BIGINT PRIMARY KEY, name VARBINARY(255));
CREATE TABLE cl_shard(shard SMALLINT PRIMARY KEY, owner BIGINT, epoch BIGINT);
CREATE TABLE user_state(user VARBINARY(255) PRIMARY KEY, shard SMALLINT, version BIGINT);
CREATE TABLE stat_user(user VARBINARY(255), kind TINYINT, n BIGINT, PRIMARY KEY(user, kind));
INSERT INTO cl_node VALUES(1, 'root'); INSERT INTO cl_shard VALUES(7, 1, 3);
INSERT INTO user_state VALUES('u', 7, 5); INSERT INTO stat_user VALUES('u', 5, 1);"""
CLAIM = "UPDATE user_state SET version = version + 1; UPDATE stat_user SET n = n + 1;"


@pytest.mark.parametrize("sql, name", (
    (CLAIM, None),
    ("UPDATE cl_shard SET owner = 2, epoch = 4; INSERT INTO cl_node VALUES(2, 'root');" + CLAIM, None),
    ("INSERT INTO cl_node VALUES(2, 'other'); UPDATE cl_shard SET owner = 2, epoch = 4; "
     "UPDATE user_state SET version = 6; INSERT INTO stat_user VALUES('u', 1, 1)", None),  # an event
    ("INSERT INTO cl_node VALUES(2, 'other'); UPDATE cl_shard SET owner = 2, epoch = 4;" + CLAIM, "stale commit"),
    ("UPDATE cl_shard SET owner = 0, epoch = 4; UPDATE user_state SET version = 6; DELETE FROM stat_user; "
     "INSERT INTO stat_user VALUES('u', 5, 1)", "stale commit"),
    ("UPDATE user_state SET version = 4", "state overwritten"),
    ("UPDATE cl_shard SET epoch = 2", "epoch went back"),
    ("UPDATE cl_shard SET owner = 2", "two owners in an epoch"),
), ids=range(8))
def test_the_audit_finds_each_fault(server, sql, name):
    database = f"made_up_{now_us()}"
    server.sql(f"CREATE DATABASE {database}; USE {database}; {MADE_UP}")
    audit = Audit(server, database)
    audit.begin()
    server.sql(f"USE {database}; {sql}")
    assert set(audit.findings()) == ({name} if name else set())
    assert name is None or name in FINDINGS
