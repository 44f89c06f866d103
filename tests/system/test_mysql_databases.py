"""A node whose users are spread over several databases, with replicas; its pools of connections."""

import pathlib
import sys
import time

import pytest

from beckon_node import run_program
from shop import decide, event, outcome, popup, save, send_events, stored_events, unique

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "mariadb"))
from server import Server  # noqa: E402  (its folder is named above)

DEADLINE_S = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("mariadb") / "server")
    made.start("--log-bin", "--server-id=1", "--sync-binlog=1")
    yield made
    made.remove()


@pytest.fixture(scope="module")
def replica(server, tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("mariadb") / "replica")
    made.start("--server-id=2")
    made.sql(f"CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {server.port}, MASTER_USER = 'beckon', "
             "MASTER_PASSWORD = 'beckon', MASTER_USE_GTID = slave_pos; START SLAVE")
    yield made
    made.remove()


def databases(server, count):
    names = [unique("db").replace("-", "_") for _ in range(count)]
    server.sql("".join(f"CREATE DATABASE {name};" for name in names))
    return names


def settings_for(server, catalog):
    return {"storage.backend": "mysql", "mysql.port": server.port, "mysql.user": "beckon", "mysql.password": "beckon",
            "mysql.database": catalog}


def shards_of(server, names):
    return ",".join(f"127.0.0.1:{server.port}/{name}" for name in names)


def eventually(check, what):
    deadline = time.monotonic() + DEADLINE_S
    while not check():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.05)  # between two looks


def metric(client, name, **labels):
    """The value of one time series; None when there is none."""
    for line in client.get("/metrics").body.decode().splitlines():
        if line.startswith(name) and all(f'{key}="{value}"' in line for key, value in labels.items()):
            return float(line.rsplit(" ", 1)[1])
    return None


def test_users_are_spread_over_the_databases(start_node, server):
    catalog, *parts = databases(server, 4)
    settings = {**settings_for(server, catalog), "mysql.shards.databases": shards_of(server, parts)}
    node = start_node(settings)
    users = [unique("user") for _ in range(60)]
    with node.client() as client:
        home = unique("home")
        shown = save(client, popup(home, frequency={"every": "1h"}))
        for user in users:
            assert outcome(decide(client, user, home), home) == (shown, "MATCH")
        clicks = [event(user, shown, "click") for user in users]
        assert send_events(client, *clicks)["accepted"] == len(users)
        eventually(lambda: len(stored_events(client, "")) == len(users), "all clicks are shipped")
        held = [int(server.sql(f"SELECT COUNT(*) FROM {name}.user_state")) for name in parts]
        assert sum(held) == len(users) and all(held), held
        assert sum(int(server.sql(f"SELECT COUNT(*) FROM {name}.event")) for name in parts) == len(users)
        assert server.sql(f"SELECT COUNT(*) FROM {catalog}.user_state").strip() == "0"
        assert client.get(f"/v1/popups/{shown}/stats").json()["clicks"] == {"total": 60, "users": 60}
        assert client.delete(f"/v1/users/{users[0]}").status == 204
        assert client.get(f"/v1/popups/{shown}/stats").json()["clicks"] == {"total": 59, "users": 59}
        assert len(stored_events(client, f"user={users[1]}")) == 1
    node.restart()
    with node.client() as client:
        assert outcome(decide(client, users[1], home), home) == (None, "COOLDOWN")
        assert outcome(decide(client, users[0], home), home) == (shown, "MATCH")


def test_another_order_of_the_databases_is_refused(start_node, server):
    catalog, *parts = databases(server, 3)
    words = {**settings_for(server, catalog), "mysql.shards.databases": shards_of(server, parts)}
    start_node(words).stop()
    for wrong in (shards_of(server, reversed(parts)), shards_of(server, parts[:1]), "127.0.0.1:x/db"):
        arguments = {**words, "mysql.shards.databases": wrong, "http.port": 0}
        done = run_program("serve", *[f"--{key}={value}" for key, value in arguments.items()])
        assert done.returncode == 1, done
        assert b"mysql.shards.databases" in done.stderr, done.stderr


def test_a_database_that_is_away_holds_up_its_own_users_alone(start_node, server, tmp_path):
    other = Server(tmp_path / "other")
    other.start()
    try:
        catalog, near = databases(server, 2)
        other.sql("CREATE DATABASE far")
        settings = {**settings_for(server, catalog),
                    "mysql.shards.databases": f"127.0.0.1:{server.port}/{near},127.0.0.1:{other.port}/far"}
        node = start_node(settings)
        with node.client() as client:
            home = unique("home")
            save(client, popup(home, frequency={"every": "1h"}))
            other.kill()
            reasons = [outcome(decide(client, unique("user"), home), home)[1] for _ in range(40)]
            assert set(reasons) == {"MATCH", "UNAVAILABLE"}, reasons
            assert reasons.count("MATCH") >= 8, reasons
            other.restart()
            eventually(lambda: all(outcome(decide(client, unique("user"), home), home)[1] == "MATCH"
                                   for _ in range(10)), "all users are served again")
    finally:
        other.remove()


def test_lists_are_read_from_a_fresh_replica(start_node, server, replica):
    (catalog,) = databases(server, 1)
    node = start_node({**settings_for(server, catalog), "mysql.replicas": f"127.0.0.1:{replica.port}",
                       "mysql.replica-staleness-ms": 1500, "mysql.replica-check-ms": 100})
    with node.client() as client:
        home = unique("home")
        shown = save(client, popup(home, frequency={"every": "1h"}))
        name = f"127.0.0.1:{replica.port}"
        eventually(lambda: metric(client, "beckon_db_replica_used", replica=name) == 1, "the replica is used")
        assert send_events(client, event("u", shown, "click"))["accepted"] == 1
        eventually(lambda: len(stored_events(client, "")) == 1, "the click is listed")
        assert metric(client, "beckon_db_replica_reads_total", replica=name) >= 1
        assert metric(client, "beckon_db_replica_staleness_seconds", replica=name) < 1.5
        replica.sql("STOP SLAVE SQL_THREAD")
        try:
            eventually(lambda: metric(client, "beckon_db_replica_used", replica=name) == 0, "it is left out")
            checks = {c["name"]: c for c in client.get("/readyz?verbose").json()["checks"]}
            assert f"replica {name} is not read from" in checks["store"]["detail"], checks
            assert send_events(client, event("u", shown, "dismiss"))["accepted"] == 1
            eventually(lambda: len(stored_events(client, "")) == 2, "the primary lists what the replica has not")
        finally:
            replica.sql("START SLAVE SQL_THREAD")
        eventually(lambda: metric(client, "beckon_db_replica_used", replica=name) == 1, "it has caught up")


def test_a_small_pool_is_shared_and_shows_in_the_metrics(start_node, server):
    (catalog,) = databases(server, 1)
    node = start_node({**settings_for(server, catalog), "mysql.pool-size": 1, "mysql.max-overflow": 0,
                       "writers.count": 2, "readers.count": 2})
    with node.client() as client:
        home = unique("home")
        save(client, popup(home, frequency={"every": "1h"}))
        for _ in range(50):
            assert outcome(decide(client, unique("user"), home), home)[1] == "MATCH"
        assert metric(client, "beckon_db_connections", database="primary") == 1
        assert metric(client, "beckon_db_connections_size", database="primary") == 1
        assert metric(client, "beckon_db_connects_total", database="primary") == 1
        assert metric(client, "beckon_db_wait_timeouts_total", database="primary") == 0
        open_there = server.sql(f"SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{catalog}'")
        assert int(open_there) == 1
