"""`serve --workers`: several processes on one port and one database, replaced and restarted without losing anything."""

import concurrent.futures
import os
import select
import signal
import subprocess
import time

import pytest

from beckon_node import child_environment, program, run_program
from cluster_view import QUICK
from cluster_view import PATIENT
from fault_watch import eventually, metric
from http_client import Client
from load import Load
from ledger import Ledger
from owned_ports import owned_port
from shop import decide, event, outcome, popup, save, send_events, stored_events, to_ms, unique
from worker_load import UnbrokenLoad, alive, reload_and_catch, seats_of, workers_of

WORKERS = 3
SEEN_S = 10  # within 2 s on an idle machine; this one may be busy


@pytest.fixture
def own_ports():
    """The number before the first port of a worker's own; it and WORKERS more are the test's."""
    return owned_port(WORKERS + 1)


@pytest.fixture
def start_workers(start_node, settings):
    """start_workers({...}) starts a node of WORKERS workers with more settings."""
    def start(more=None):
        node = start_node({**settings, "workers.count": WORKERS, **(more or {})})
        assert len(workers_of(node.pid)) >= WORKERS
        return node
    return start


def ask(port, timeout_s=10.0):
    return Client("127.0.0.1", port, timeout_s)


def write_ini(path, settings):
    """A configuration file, for what is to change at a reload."""
    lines = []
    for key, value in settings.items():
        section, _, name = key.rpartition(".")
        text = value if isinstance(value, int) else f"'{value}'"
        lines.append(f"[{section}]\n{name} = {text}\n")
    path.write_text("".join(lines))
    return path


def reload_and_wait(node, message):
    node.signal(signal.SIGHUP)
    eventually(lambda: message in node.log_text(), f"the log says: {message}", 30)


# -- one service ---------------------------------------------------------------------------------


def test_requests_are_spread_over_the_workers(start_workers, own_ports):
    node = start_workers({"workers.port-base": own_ports})
    for _ in range(40):
        with ask(node.port) as client:
            assert client.get("/readyz").status == 200
    for number in range(1, WORKERS + 1):
        with ask(own_ports + number) as client:
            eventually(lambda: metric(client, "beckon_http_connections_total") > 0,  # noqa: B023
                       f"worker {number} gets connections")


def test_the_own_port_takes_a_few_connections(start_workers, own_ports):
    node = start_workers({"workers.port-base": own_ports})
    few = [ask(own_ports + 1) for _ in range(64)]
    for client in few:
        assert client.get("/readyz").status == 200
    with ask(own_ports + 1).connect() as late:
        late.send(late.encode("GET", "/readyz"))
        assert not select.select([late.sock], [], [], 0.5)[0], "one connection too many is served"
        for _ in range(2 * WORKERS):
            with ask(node.port) as client:
                assert client.get("/readyz").status == 200
        few.pop().close()
        assert late.read_response().status == 200
    for client in few:
        client.close()


@pytest.mark.parametrize("claims", ("store", "queued"))
def test_one_user_is_shown_a_popup_once_per_wait(start_workers, claims):
    node = start_workers({"durability.claims": claims})
    with node.client() as client:
        save(client, popup("home", "p", frequency={"every": "1s"}))
    eventually(lambda: all(outcome(decide(node.client(), unique("u"), "home"), "home")[1] == "MATCH"
                           for _ in range(12)), "all workers know the popup")
    shown, failures, until = [], [], time.monotonic() + 4

    def work():
        with ask(node.port) as client:
            while time.monotonic() < until:
                answer = decide(client, "one", "home")
                popup_id, reason = outcome(answer, "home")
                if popup_id:
                    shown.append(to_ms(answer["next_eligible_at"]))
                elif reason != "COOLDOWN":
                    failures.append(answer)
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        for done in [threads.submit(work) for _ in range(16)]:
            done.result(30)  # raises what the thread raised
    assert not failures, failures[:3]
    shown.sort()
    gaps = [after - before for before, after in zip(shown, shown[1:])]
    assert len(shown) >= 3 and all(gap >= 1000 for gap in gaps), gaps


def test_workers_see_each_others_changes(start_workers, own_ports):
    start_workers({"workers.port-base": own_ports})
    one, other = ask(own_ports + 1), ask(own_ports + 2)
    home = unique("home")
    shown = save(one, popup(home, audience={"attribute": "plan", "op": "eq", "value": "free"}))
    began = time.monotonic()
    eventually(lambda: other.get(f"/v1/popups/{shown}").status == 200, "the popup is known to another worker")
    eventually(lambda: outcome(decide(other, "u", home), home)[1] == "NO_MATCH", "and is decided on")
    assert time.monotonic() - began < SEEN_S
    assert one.put("/v1/users/u", {"attributes": {"plan": "free"}}).status == 201
    began = time.monotonic()
    eventually(lambda: outcome(decide(other, "u", home, dry_run=True), home)[1] == "MATCH", "the profile is seen")
    assert time.monotonic() - began < SEEN_S
    # A patch builds on what is stored, not on what this worker remembers.
    assert other.patch("/v1/users/u", {"attributes": {"age": 30}}).status == 200
    assert one.patch("/v1/users/u", {"attributes": {"city": "Rome"}}).status == 200
    assert other.get("/v1/users/u").json()["attributes"] == {"plan": "free", "age": 30, "city": "Rome"}
    one.close()
    other.close()


# -- a worker dies -------------------------------------------------------------------------------


def test_a_killed_worker_is_started_again_and_the_others_go_on(start_workers, own_ports):
    node = start_workers({"workers.port-base": own_ports, "supervisor.backoff-ms": 300})
    eventually(lambda: len(workers_of(node.pid)) == WORKERS, "only the workers are left")
    before = seats_of(node.pid)
    untouched = [ask(own_ports + number).connect() for number in (2, 3)]
    os.kill(before[1], signal.SIGKILL)
    waiting = ask(own_ports + 1).connect()
    waiting.send(waiting.encode("GET", "/readyz"))  # stands in the queue of nobody's socket
    for client in untouched * 20:
        assert client.get("/readyz").status == 200
    assert waiting.read_response().status == 200
    eventually(lambda: len(workers_of(node.pid)) == WORKERS, "there are as many workers as before")
    after = seats_of(node.pid)
    assert after[1] != before[1] and (after[2], after[3]) == (before[2], before[3])
    for client in [*untouched, waiting]:
        client.close()


def test_too_many_restarts_end_all(start_workers):
    node = start_workers({"supervisor.restarts-max": 2, "supervisor.backoff-ms": 10})
    seen = set()

    def kill_one():
        for pid in workers_of(node.pid):
            if pid not in seen:
                seen.add(pid)
                os.kill(pid, signal.SIGKILL)
                return len(seen) == 3
        return False
    eventually(kill_one, "three workers were killed")
    assert node.wait() == 70
    assert "workers keep dying" in node.log_text()
    assert not any(alive(pid) for pid in seen)


def test_a_worker_that_dies_while_the_database_is_down_ends_no_other(start_workers, own_server):
    node = start_workers({"supervisor.restarts-max": 2, "supervisor.backoff-ms": 10, "mysql.connect-timeout-ms": 1000})
    eventually(lambda: len(workers_of(node.pid)) == WORKERS, "only the workers are left")
    before = seats_of(node.pid)
    own_server.kill()
    os.kill(before[1], signal.SIGKILL)
    eventually(lambda: node.log_text(1 << 20).count("a worker cannot start; trying again") >= 5, "five starts in vain")
    assert alive(node.pid) and alive(before[2]) and alive(before[3])
    own_server.restart()
    eventually(lambda: node.log_text(1 << 20).count(" is ready") == WORKERS + 1, "worker 1 is back")
    assert seats_of(node.pid)[2] == before[2]


def test_the_death_of_the_parent_ends_the_workers(start_workers):
    node = start_workers()
    before = workers_of(node.pid)
    node.kill()
    eventually(lambda: not any(alive(pid) for pid in before), "the workers have ended", 15)


def test_a_start_after_the_death_of_the_parent_waits_for_its_workers(start_workers, own_ports):
    port = own_ports + WORKERS
    node = start_workers({"http.port": port, "workers.port-base": own_ports - 1})
    before = workers_of(node.pid)
    stuck = before[:2]
    for pid in stuck:
        os.kill(pid, signal.SIGSTOP)  # as if it still had a slow request to answer
    try:
        node.kill()
        with concurrent.futures.ThreadPoolExecutor(1) as threads:
            started = threads.submit(node.start)
            eventually(lambda: node.starts == 2 and "workers of an earlier run" in node.log_text(), "the start waits")
            for pid in stuck:
                os.kill(pid, signal.SIGCONT)
            assert started.result(30).port == port
    finally:
        for pid in stuck:
            if alive(pid):
                os.kill(pid, signal.SIGCONT)
    assert not set(before) & set(workers_of(node.pid))
    with node.client() as client:
        assert client.get("/readyz").status == 200


@pytest.mark.parametrize("heard", (True, False))
def test_supervision_with_inherited_signals_and_output(settings, tmp_path, heard):  # noqa: F811
    """Neither an unread log nor an ignored SIGCHLD stops it."""
    words = {**settings, "workers.count": 2, "http.port": 0, "node.data-dir": tmp_path / "data"}
    command = [program(), "serve", *[f"--{key}={value}" for key, value in words.items()]]
    if not heard:
        command = ["env", "--ignore-signal=CHLD", *command]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=child_environment())
    try:
        assert process.stdout.readline().startswith(b"listening on")
        process.stderr.close()
        killed = seats_of(process.pid)[1]
        os.kill(killed, signal.SIGKILL)  # which the parent writes into its log
        eventually(lambda: seats_of(process.pid).get(1) not in (None, killed), "worker 1 is started again")
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# -- reload --------------------------------------------------------------------------------------


def test_a_reload_under_load_costs_no_answer(start_workers, tmp_path):
    ini = write_ini(tmp_path / "cluster.ini", {"limits.body-bytes-max": 100000})
    node = start_workers({**PATIENT, "config": ini})
    with node.client() as client:
        save(client, popup("home", "p", frequency={"every": "1h"}))
    with UnbrokenLoad(node.port) as load:
        load.wait_for(200)
        for limit in (2000, 1000):
            eventually(lambda: len(workers_of(node.pid)) == WORKERS, "nothing but the workers runs")
            before = workers_of(node.pid)
            write_ini(ini, {"limits.body-bytes-max": limit})
            node.signal(signal.SIGHUP)
            eventually(lambda: len(workers_of(node.pid)) == WORKERS
                       and not set(workers_of(node.pid)) & set(before), "all workers are replaced", 60)
            load.wait_for(200)
    assert not load.failures, load.failures[:5]
    for _ in range(12):
        with ask(node.port) as client:
            assert client.put("/v1/users/u", {"attributes": {"text": "x" * 1500}}).status == 413
    with node.client(60) as client:
        eventually(lambda: load.sent <= {row["id"] for row in stored_events(client, "")}, "every event is stored")


def test_a_wrong_configuration_changes_nothing(start_workers, tmp_path):
    ini = write_ini(tmp_path / "cluster.ini", {"limits.body-bytes-max": 100000})
    node = start_workers({"config": ini})
    eventually(lambda: len(workers_of(node.pid)) == WORKERS, "only the workers are left")
    before = workers_of(node.pid)
    write_ini(ini, {"limits.body-bites-max": 1000})
    reload_and_wait(node, "limits.body-bytes-max?")
    assert str(ini) in node.log_text()
    # A restarted worker does not read the refused configuration either.
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: node.log_text(1 << 20).count(" is ready") == WORKERS + 1, "the worker is back")
    assert set(before[1:]) < set(workers_of(node.pid))
    with node.client() as client:
        assert client.get("/readyz").status == 200


def test_successors_that_cannot_start_leave_the_workers_as_they_are(start_workers, settings, tmp_path):
    secret = tmp_path / "password"
    secret.write_text(settings.pop("mysql.password"))
    node = start_workers({"mysql.password-file": secret})
    eventually(lambda: len(workers_of(node.pid)) == WORKERS, "only the workers are left")
    before = workers_of(node.pid)
    secret.write_text("wrong")
    reload_and_wait(node, "a worker could not start with the new configuration")
    eventually(lambda: workers_of(node.pid) == before, "the workers are those of before")
    with node.client() as client:
        assert client.get("/readyz").status == 200


def test_a_restart_does_not_use_a_failed_reload(start_workers, settings, tmp_path):  # noqa: F811
    password = settings.pop("mysql.password")
    ini = write_ini(tmp_path / "cluster.ini", {"mysql.password": password})
    node = start_workers({"config": ini})
    eventually(lambda: len(workers_of(node.pid)) == WORKERS, "only the workers are left")
    before = seats_of(node.pid)
    write_ini(ini, {"mysql.password": "wrong"})
    reload_and_wait(node, "a worker could not start with the new configuration")
    os.kill(before[1], signal.SIGKILL)
    eventually(lambda: node.log_text(1 << 20).count(" is ready") == WORKERS + 1, "worker 1 is back")
    after = seats_of(node.pid)
    assert after[1] != before[1] and (after[2], after[3]) == (before[2], before[3])
    for _ in range(12):
        with ask(node.port) as client:
            assert client.get("/readyz").status == 200
    # A valid configuration is applied afterwards.
    write_ini(ini, {"mysql.password": password, "limits.body-bytes-max": 1000})
    reload_and_wait(node, "all workers have the new configuration")


def test_a_hung_worker_does_not_end_reloading(start_workers):
    # A successor joins once the others have expelled the hung worker, so allow that time.
    node = start_workers({**QUICK, "node.grace-ms": 100, "workers.start-timeout-ms": 6000})
    eventually(lambda: len(workers_of(node.pid)) == WORKERS, "only the workers are left")
    before = workers_of(node.pid)
    os.kill(reload_and_catch(node), signal.SIGSTOP)
    eventually(lambda: "was not ready in workers.start-timeout-ms" in node.log_text(), "the successor is ended", 15)
    eventually(lambda: workers_of(node.pid) == before, "the workers are those of before")
    hanging = seats_of(node.pid)[1]
    os.kill(hanging, signal.SIGSTOP)
    reload_and_wait(node, "a replaced worker did not end in time")
    eventually(lambda: not set(workers_of(node.pid)) & set(before), "all workers are replaced", 60)
    assert node.stop() == 0


# -- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_s", (0.0, 0.005, 0.01, 0.1, 0.3))
def test_sigterm_during_a_reload_is_a_clean_end(start_workers, after_s):
    node = start_workers()
    eventually(lambda: len(workers_of(node.pid)) == WORKERS, "only the workers are left")
    reload_and_catch(node)
    time.sleep(after_s)  # into another moment of its start, each of which must do
    node.signal(signal.SIGTERM)
    assert node.wait() == 0, node.log_text()


def test_sigterm_under_load_loses_nothing(start_workers):
    node = start_workers()
    with node.client() as client:
        save(client, popup("home", "p", frequency={"every": "1h"}))
    ledger = Ledger()
    load = Load(node.port, ledger, [f"u{n}" for n in range(40)], "stop", threads=6, orderly=True,
                one_shot_threads=2).start()
    eventually(lambda: load.answers > 300, "there is load")
    began = time.monotonic()
    node.signal(signal.SIGTERM)
    assert node.wait() == 0
    assert time.monotonic() - began < 10
    load.stop()
    node.start()
    with node.client(60) as client:
        eventually(lambda: not ledger.compare([row["id"] for row in stored_events(client, "")]),
                   "every acknowledged event is stored once")


def test_outboxes_of_an_earlier_run_are_shipped(start_workers, own_server, own_ports):
    node = start_workers({"workers.port-base": own_ports, "node.grace-ms": 2000})
    own_server.kill()
    try:
        sent = []
        for number in range(1, WORKERS + 1):
            with ask(own_ports + number) as client:
                sent.append(event("late", "p"))
                assert send_events(client, sent[-1])["accepted"] == 1
        assert node.stop() in (0, 70)
    finally:
        own_server.restart()
    node.settings["workers.count"] = 1
    node.start()
    with node.client() as client:
        eventually(lambda: {row["id"] for row in stored_events(client, "user=late")} == {one["id"] for one in sent},
                   "the events of all workers are in the store")


# -- refusals ------------------------------------------------------------------------------------


def test_workers_need_a_server_as_the_store(tmp_path):
    done = run_program("serve", "--workers", "2", "--http.port=0", f"--node.data-dir={tmp_path / 'data'}")
    assert done.returncode == 1, done
    assert b"storage.backend is sqlite" in done.stderr and b"--workers 0" in done.stderr, done.stderr
    done = run_program("serve", "--workers", "65", "--http.port=0")
    assert done.returncode == 2 and b"from 0 to 64" in done.stderr, done.stderr


def test_a_port_in_use_is_refused(start_workers, settings, tmp_path):
    node = start_workers()
    words = {**settings, "workers.count": 2, "http.port": node.port, "node.data-dir": tmp_path / "other",
             "node.grace-ms": 500}
    done = run_program("serve", *[f"--{key}={value}" for key, value in words.items()])
    assert done.returncode == 1 and b"another process listens there" in done.stderr, done.stderr


def test_a_start_that_fails_is_not_repeated(settings, tmp_path):
    words = {**settings, "mysql.password": "wrong", "workers.count": 2, "http.port": 0,
             "node.data-dir": tmp_path / "data"}
    done = run_program("serve", *[f"--{key}={value}" for key, value in words.items()])
    assert done.returncode == 1, done
    assert b"Access denied" in done.stderr and b"a worker could not start" in done.stderr, done.stderr
