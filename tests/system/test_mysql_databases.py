"""A node whose users are spread over several databases, with replicas; its pools of connections."""

import concurrent.futures
import contextlib
import itertools
import pathlib
import sys
import threading
import time

import pytest

from beckon_node import run_program
from fault_watch import eventually, metric
from shop import decide, event, outcome, popup, save, send_events, stored_events, unique

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "mariadb"))
from server import Server  # noqa: E402  (its folder is named above)


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


def test_another_order_of_the_databases_is_refused(start_node, server, tmp_path):
    catalog, *parts = databases(server, 3)
    words = {**settings_for(server, catalog), "mysql.shards.databases": shards_of(server, parts)}
    node = start_node(words)
    with node.client() as client:
        home = unique("home")
        save(client, popup(home))
        for _ in range(30):  # so that there are users in both
            assert outcome(decide(client, unique("user"), home), home)[1] == "MATCH"
    node.stop()
    for wrong in (shards_of(server, reversed(parts)), shards_of(server, parts[:1]), "", "127.0.0.1:x/db"):
        arguments = {**words, "mysql.shards.databases": wrong, "http.port": 0, "node.data-dir": tmp_path}
        done = run_program("serve", *[f"--{key}={value}" for key, value in arguments.items()])
        assert done.returncode == 1, done
        assert b"mysql.shards.databases" in done.stderr, done.stderr


PAUSES_S = 6.0  # several pauses of a pool end in it, and the far server is tried again after each


class TwoServers:
    """A node whose users are in a database on the server of this file and in one on another server, which goes away."""

    def __init__(self, node, near_users, far_users):
        self.node = node
        self.near = near_users
        self.far = far_users

    def ask(self, user, placement):
        """(reason or 503, seconds)."""
        with self.node.client(30) as client:
            began = time.monotonic()
            answer = client.post("/v1/decide", {"user": user, "placements": [placement]})
            took_s = time.monotonic() - began
        assert answer.status in (200, 503), answer
        return (503 if answer.status == 503 else outcome(answer.json(), placement)[1]), took_s

    def ask_all(self, users, placement, at_once):
        """Several users at a time; the answers by user."""
        with concurrent.futures.ThreadPoolExecutor(at_once) as threads:
            return dict(zip(users, threads.map(lambda user: self.ask(user, placement), users)))

    @contextlib.contextmanager
    def far_users_ask(self, placement):
        """Far users keep asking meanwhile and may delay near ones; none may be shown anything."""
        done = threading.Event()

        def work():
            answers = []
            for user in itertools.cycle(self.far):
                if done.is_set():
                    return answers
                answers.append(self.ask(user, placement))

        with concurrent.futures.ThreadPoolExecutor(2) as executor:
            asking = [executor.submit(work) for _ in range(2)]
            try:
                yield
            finally:
                done.set()
            answers = [one for each in asking for one in each.result()]
        assert answers, "no far user asked"
        refused(answers)


def refused(answers):
    assert all(reason in ("UNAVAILABLE", 503) for reason, _ in answers), answers


def shown_within(answers, seconds):
    late = {user: found for user, found in answers.items() if found[0] != "MATCH" or found[1] >= seconds}
    assert not late, f"{len(late)} of {len(answers)} were not shown a popup within {seconds} s: {late}"


@pytest.fixture
def far_server(tmp_path):
    made = Server(tmp_path / "far")
    made.start()
    made.sql("CREATE DATABASE far")
    yield made
    made.resume()
    made.remove()


@pytest.fixture
def two_servers(start_node, server, far_server):
    """After a first decide of each user, which shows where it is; the node has forgotten them since."""
    catalog, near = databases(server, 2)
    node = start_node({**settings_for(server, catalog), "mysql.shards.databases":
                       f"127.0.0.1:{server.port}/{near},127.0.0.1:{far_server.port}/far"})
    users = [unique("user") for _ in range(60)]
    with node.client() as client:
        first = unique("first")
        save(client, popup(first))
        for user in users:
            assert outcome(decide(client, user, first), first)[1] == "MATCH"
    found = TwoServers(node, server.sql(f"SELECT user FROM {near}.user_state").split(),
                       far_server.sql("SELECT user FROM far.user_state").split())
    assert sorted(found.near + found.far) == sorted(users) and len(found.near) >= 12 and len(found.far) >= 12
    node.restart()
    return found


def new_placement(node):
    with node.client() as client:
        home = unique("home")
        save(client, popup(home))
    return home


def test_a_database_that_is_gone_holds_up_its_own_users_alone(two_servers, far_server):
    home = new_placement(two_servers.node)
    far_server.kill()
    answers = two_servers.ask_all(sorted(two_servers.near + two_servers.far), home, at_once=4)
    shown_within({user: answers[user] for user in two_servers.near}, 1)
    refused([answers[user] for user in two_servers.far])
    far_server.restart()
    eventually(lambda: two_servers.ask(two_servers.far[0], home)[0] == "MATCH", "far users are served")
    shown_within(two_servers.ask_all(two_servers.far[1:], home, at_once=4), 5)


def test_a_database_that_hangs_holds_up_its_own_users_alone(two_servers, far_server):
    home = new_placement(two_servers.node)
    far_server.pause()
    with two_servers.far_users_ask(home):
        shown_within(two_servers.ask_all(two_servers.near[:4], home, at_once=4), 5)
        refused([two_servers.ask(two_servers.far[0], home)])  # so the pool's pause has taken over
        end = time.monotonic() + PAUSES_S
        while time.monotonic() < end:
            shown_within(two_servers.ask_all(two_servers.near, home, at_once=2), 1)
    far_server.resume()
    eventually(lambda: two_servers.ask(two_servers.far[0], home)[0] == "MATCH", "far users are served")


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
            assert f"replica {name} of {catalog} is not read from" in checks["store"]["detail"], checks
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
        assert int(open_there) == 2  # and the one that the lease is renewed on
