"""The MySQL server refuses, hangs, has no connection left or is locked: what a node does meanwhile, and how soon it
recovers."""

import concurrent.futures
import subprocess
import threading
import time

import pytest

from beckon_node import run_program
from fault_watch import FaultWatch, checks, eventually, metric
from mariadb_fixture import QUICK_TIMEOUTS, Session, charged_in
from shop import decide, outcome, popup, save, unique


@pytest.fixture
def watch(start_node, own_server, settings):
    """watch({...}) starts a node with more settings and watches it."""
    return lambda more=None: FaultWatch(start_node({**settings, **(more or {})}), charged_in(own_server, settings))


# -- the server is away ----------------------------------------------------------------------------


def test_a_server_that_refuses(watch, own_server):
    seen = watch()
    failures = seen.failures()
    with seen.cooled_down():
        own_server.stop()
        try:
            for _ in range(5):
                assert seen.send(count=3).status == 202
                seen.strangers_get_nothing(within_s=3)
            line = seen.names_fault("store", "connect", "see that the server runs")
            assert str(own_server.port) in line, line
            assert seen.client.get("/readyz").status == 200, "events are still taken"
            eventually(lambda: seen.failures() > failures, "the failure is counted")
            assert checks(seen.client)["outbox"]["detail"].startswith("15 events wait")
            eventually(lambda: metric(seen.client, "beckon_outbox_events") == 15, "what waits is counted")
        finally:
            own_server.restart()
        seen.recovers()
    seen.kept_every_promise()


def test_events_are_refused_where_they_go_to_the_store(watch, own_server):
    """Without an outbox a 503 says that nothing was taken, and the node is not ready."""
    seen = watch({"durability.events": "store"})
    assert seen.send().status == 202
    with seen.cooled_down():
        own_server.kill()
        try:
            # What was under way when the server died may have been committed: 504 says so, once per writer.
            eventually(lambda: seen.send().status == 503, "events are refused")
            assert seen.send().status == 503
            seen.strangers_get_nothing(within_s=3)
            seen.names_fault("store", "see that the server runs")
            assert seen.client.get("/readyz").status == 503
        finally:
            own_server.restart()
        seen.recovers()
    assert seen.refused
    seen.kept_every_promise()


def test_a_start_without_the_server_ends_with_a_clear_line(own_server, settings):
    own_server.stop()
    words = [f"--{key}={value}" for key, value in {**settings, "http.port": 0}.items()]
    began = time.monotonic()
    done = run_program("serve", *words)
    assert time.monotonic() - began < 10
    assert done.returncode == 1, done
    assert b"listening" not in done.stdout, done
    for part in (b"the node cannot start", f"127.0.0.1:{own_server.port}".encode(), b"see that the server runs"):
        assert part in done.stderr, done.stderr


def test_a_server_that_hangs(watch, own_server):
    """Paused for longer than every time-out, and with more strangers at once than there are threads."""
    seen = watch(QUICK_TIMEOUTS)
    failures = seen.failures()
    with seen.cooled_down():
        own_server.pause()
        try:
            paused = time.monotonic()
            seen.strangers_get_nothing(within_s=5, count=12)
            assert seen.send(count=2).status == 202
            seen.names_fault("store", "MySQL")
            eventually(lambda: seen.failures() > failures, "the failure is counted")
            while time.monotonic() < paused + 3:
                seen.strangers_get_nothing(within_s=5)
                assert seen.send().status == 202
        finally:
            own_server.resume()
        seen.recovers()
    seen.kept_every_promise(outcomes_unknown=True)


def test_no_read_pays_for_a_lost_connection(watch, own_server, settings):
    """A read is safe to repeat: connections that were lost while nobody used them cost no client an answer."""
    seen = watch()

    def read(_):
        user = unique("nobody")
        with seen.node.client(30) as client:
            return client.get(f"/v1/users/{user}").status, client.get(f"/v1/events?user={user}").status

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        assert set(threads.map(read, range(8))) == {(404, 200)}  # now every reader is connected
        lost = own_server.sql("SELECT id FROM information_schema.processlist "
                          f"WHERE user = '{settings['mysql.user']}'").split()
        assert lost, "the node has no connection"
        own_server.sql("; ".join(f"KILL {one}" for one in lost))
        assert set(threads.map(read, range(16))) == {(404, 200)}
    seen.recovers()


# -- no connection left ----------------------------------------------------------------------------


class Slots:
    """Takes every connection of a server with few slots."""

    COUNT = 10  # the least that the server allows
    HOLDING = "SELECT SLEEP(600)"

    def __init__(self, server, settings):
        self._account = settings["mysql.user"]
        self._root = Session(server)  # for later there is no slot
        words = ["mariadb", "--no-defaults", "--host=127.0.0.1", f"--port={server.port}", "--protocol=tcp",
                 f"--user={self._account}", "--password=secret", f"--execute={self.HOLDING}"]
        self._held = [subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL) for _ in range(self.COUNT)]
        eventually(lambda: len(self._connections(f"info = '{self.HOLDING}'")) == self.COUNT, "the slots are taken")

    def _connections(self, which):
        return self._root.run(f"SELECT id FROM information_schema.processlist WHERE user = '{self._account}' "
                              f"AND {which}")

    def cut_others(self):
        """From now on there are no slots, and the node's connections are gone."""
        self._root.run(f"SET GLOBAL max_connections = {self.COUNT}")
        others = self._connections(f"(info IS NULL OR info <> '{self.HOLDING}')")
        assert others, "the node has no connection"
        for one in others:
            self._root.run(f"KILL {one}")

    def refused(self):
        return int(self._root.run("SHOW GLOBAL STATUS LIKE 'Connection_errors_max_connections'")[0].split()[1])

    def free(self):
        for one in self._held:
            one.kill()
            one.wait()
        self._held = []

    def close(self):
        self.free()
        self._root.run("SET GLOBAL max_connections = DEFAULT")
        self._root.close()


def test_no_connection_left(watch, own_server, settings):
    """The fault is named with its remedy, the node does not hammer at the server, and goes on when there is room."""
    seen = watch()
    failures = seen.failures()
    slots = Slots(own_server, settings)
    span_s = 3
    try:
        with seen.cooled_down():
            slots.cut_others()
            seen.names_fault("store", "max_connections", "raise max_connections")
            refused, began = slots.refused(), time.monotonic()
            while time.monotonic() < began + span_s:
                seen.strangers_get_nothing(within_s=3, count=8)
                assert seen.send().status == 202
            attempts = slots.refused() - refused
            print(f"{attempts} attempts to connect in {span_s} s, {len(seen.not_shown)} strangers")
            assert len(seen.not_shown) > 10 * span_s, "too few calls to tell attempts from calls"
            assert 0 < attempts <= 5 * span_s, "the node hammers at the server"
            eventually(lambda: seen.failures() > failures, "the failure is counted")
            assert "max_connections" in seen.node.log_text()
            slots.free()
            seen.recovers()
        seen.kept_every_promise()
    finally:
        slots.close()


# -- locks -----------------------------------------------------------------------------------------


def test_a_row_that_is_locked_for_too_long(watch, own_server, settings):
    """1205: the claim is given up in bounded time, others are not held up for ever, and it goes on after the lock."""
    seen = watch(QUICK_TIMEOUTS)
    often = unique("often")
    save(seen.client, popup(often))
    user = unique("locked")
    body = {"user": user, "placements": [often]}
    assert '"MATCH"' in seen.client.post("/v1/decide", body).body.decode()
    failures = seen.failures()
    session = Session(own_server, settings["mysql.database"])
    try:
        with seen.cooled_down():
            session.run(f"START TRANSACTION; SELECT user FROM user_state WHERE user = '{user}' FOR UPDATE")
            began = time.monotonic()
            answer = seen.client.post("/v1/decide", body)
            assert answer.status == 503 or '"UNAVAILABLE"' in answer.body.decode(), answer
            assert time.monotonic() - began < 5
            assert seen.failures() > failures
            assert seen.send().status == 202
            session.run("COMMIT")
            eventually(lambda: '"MATCH"' in seen.client.post("/v1/decide", body).body.decode(), "claims go on", 10)
            seen.recovers()
    finally:
        session.close()
    shows = seen.client.get(f"/v1/users/{user}").json()["popups"]
    assert [one["shows"] for one in shows.values()] == [2], "the claim that was given up is charged"
    seen.kept_every_promise()


def lock_in_conflicting_order(server, settings, users, stop, victims):
    """Locks the users one after the other against the order of the node's groups, in transactions that weigh more than
    a group: the server ends the lighter one. Adds how often it was this side all the same."""
    session = Session(server, settings["mysql.database"])
    locks = "; DO SLEEP(0.003); ".join(f"SELECT user FROM user_state WHERE user = '{user}' FOR UPDATE"
                                       for user in sorted(users, reverse=True))
    while not stop.is_set():
        session.run("START TRANSACTION; INSERT INTO weight SELECT NULL, REPEAT('x', 50) FROM weight_seed; "
                    f"{locks}; ROLLBACK; DO SLEEP(0.2)")  # in the pause the next try gets through
    victims.append(session.close().count("1213"))


def test_deadlocks_are_tried_again(watch, own_server, settings):
    """1213: the node's transaction is the one that the server ends; nobody who asks notices more than a delay."""
    seen = watch()
    often = unique("often")
    shown = save(seen.client, popup(often))
    users = sorted(unique("user") for _ in range(12))
    claims = {user: 0 for user in users}
    own_server.sql(f"USE {settings['mysql.database']}; CREATE TABLE weight(n INT AUTO_INCREMENT PRIMARY KEY, t TEXT); "
               "CREATE TABLE weight_seed AS WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s "
               "WHERE n < 200) SELECT n FROM s")
    stop, failed = threading.Event(), []

    def claim(user):
        with seen.node.client(30) as client:
            while not stop.is_set():
                answer = client.post("/v1/decide", {"user": user, "placements": [often]})
                if answer.status == 200 and '"MATCH"' in answer.body.decode():
                    claims[user] += 1
                else:
                    failed.append(answer)

    def deadlocks():
        return int(own_server.sql("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'").split()[1])

    before, victims = deadlocks(), []
    threads = [threading.Thread(target=claim, args=(user,)) for user in users]
    threads.append(threading.Thread(target=lock_in_conflicting_order,
                                    args=(own_server, settings, users, stop, victims)))
    with seen.cooled_down():
        for thread in threads:
            thread.start()
        try:
            eventually(lambda: deadlocks() - before >= 10, "ten deadlocks")
            assert seen.send(count=4).status == 202
        finally:
            stop.set()
            for thread in threads:
                thread.join(40)
        seen.recovers()
    ended = deadlocks() - before - victims[0]
    print(f"{ended} transactions of the node were ended, {sum(claims.values())} claims, {len(failed)} unavailable")
    assert ended >= 5, "the node was not hit"
    assert not failed, failed[:5]
    stats = seen.client.get(f"/v1/popups/{shown}/stats").json()["shows"]
    assert stats == {"total": sum(claims.values()), "users": len(users)}
    for user in users:
        assert seen.client.get(f"/v1/users/{user}").json()["popups"][shown]["shows"] == claims[user]
    seen.kept_every_promise()


def test_a_user_whose_row_is_locked_fails_alone(start_node, server, settings):  # noqa: F811
    """Somebody holds one user's row. Claims for others that share the transaction are made, and the node stays ready."""
    node = start_node({**settings, "mysql.read-timeout-ms": 1000, "writers.count": 1,
                       "writers.queue-wait-ms": 20000, "http.request-deadline-ms": 30000})
    users = [f"u-{n}" for n in range(24)]
    with node.client(60) as client:
        home = unique("home")
        save(client, popup(home))
        for user in users:
            assert outcome(decide(client, user, home), home)[1] == "MATCH"
        holder = Session(server, settings["mysql.database"])
        try:
            holder.run("BEGIN; SELECT user FROM user_state WHERE user = 'u-7' FOR UPDATE")

            def ask(user):
                with node.client(60) as own:
                    return outcome(decide(own, user, home), home)[1]

            with concurrent.futures.ThreadPoolExecutor(len(users)) as pool:
                reasons = dict(zip(users, pool.map(ask, users)))
            assert client.get("/readyz").status == 200
        finally:
            holder.close()
        assert reasons.pop("u-7") == "UNAVAILABLE"
        assert set(reasons.values()) == {"MATCH"}, reasons
        eventually(lambda: outcome(decide(client, "u-7", home), home)[1] == "MATCH", "the user is served again")
