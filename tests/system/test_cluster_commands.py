"""The commands on a cluster's tables: `beckon nodes`, `beckon drain`, and `beckon check` in a cluster."""

import concurrent.futures
import json
import os
import signal

import pytest

from beckon_node import NodeFailed, run_program
from cluster import make_cluster  # noqa: F401  (fixture)
from cluster_view import look, wait_until
from worker_load import workers_of


def words_of(settings, **more):
    """The command line of these keys."""
    return [f"--{key}={value}" for key, value in {**settings, **more}.items()]


def run(command, cluster, *words, timeout_s=60.0):
    """A command on a cluster's database: (exit code, lines of standard output, standard error)."""
    keys = {key: value for key, value in cluster.settings.items() if key.startswith(("mysql.", "storage."))}
    done = run_program(*command.split(), *words_of(keys), *words, timeout_s=timeout_s)
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode()


def listed(cluster):
    """What `beckon nodes --json` says."""
    _, lines, complaint = run("nodes --json", cluster)
    assert len(lines) == 1, complaint
    return json.loads(lines[0])


@pytest.fixture
def pair(make_cluster):  # noqa: F811
    """A cluster of two nodes."""
    cluster = make_cluster()
    cluster.start(2)
    return cluster


# -- nodes ---------------------------------------------------------------------------------------


def test_nodes_shows_what_the_tables_say(pair):
    code, lines, complaint = run("nodes", pair)
    assert (code, complaint) == (0, "") and lines[-1] == "all 256 shards have a living owner", lines
    assert lines[0].startswith("cluster 'beckon', ")
    rows = {line.split()[1]: line.split() for line in lines if " active " in line and not line.startswith("nodes:")}
    assert set(rows) == {"n1", "n2"}
    for number, name, address, http in pair.sql("SELECT incarnation, name, address, http FROM cl_node"):
        owned = pair.sql(f"SELECT COUNT(*) FROM cl_shard WHERE owner = {number}")[0][0]
        row = rows[name]
        assert (row[0], row[5], row[6], row[7]) == (number, owned, address, http), row
        assert 0 < float(row[3]) <= 3.0 and row[-1] == "-", row
    assert "nodes: 2 active, 0 joining, 0 draining; 0 dead" in lines and "moving: nothing" in lines


def test_nodes_as_json(pair):
    document = listed(pair)
    view = look(pair.nodes[0])
    assert {one["incarnation"]: one["shards"] for one in document["nodes"]} == \
        {number: len(view.shards_of(number)) for number in view.living()}
    assert (document["shards_without_owner"], document["shards_unknown"], document["moves"]) == (0, 0, [])
    assert document["cluster"] == "beckon" and document["epoch"] >= 1


def test_nodes_needs_no_node_to_answer(pair):
    for node in pair.nodes:
        node.signal(signal.SIGSTOP)
    wait_until(lambda: "256 of 256 shards have no living owner (0-255); " in run("nodes", pair)[1][-1],
               "the leases run out", 15)
    code, lines, _ = run("nodes", pair)
    assert code == 1 and sum(" run out " in line for line in lines) == 2, lines
    for node in pair.nodes:
        node.signal(signal.SIGCONT)
    wait_until(lambda: run("nodes", pair)[0] == 0, "the shards are owned again", 20)


def test_nodes_makes_and_changes_nothing(server, settings):
    database = settings["mysql.database"]
    for command in ("nodes", "nodes --json", "drain n1", "check"):
        done = run_program(*command.split(), *words_of(settings))
        if command != "check":
            assert done.returncode == 1 and done.stdout == b"", done
            assert b"has no tables of this program" in done.stderr, done
        assert server.sql(f"SHOW TABLES IN {database}") == "", command


def test_nodes_refuses_tables_of_another_version(pair):
    for version, part in ((2, "its tables have version 2, and this program works with version"),
                          (99, "its schema has version 99")):
        before = pair.sql("SELECT schema_version FROM beckon_meta")[0][0]
        pair.sql(f"UPDATE beckon_meta SET schema_version = {version}")
        try:
            code, lines, complaint = run("nodes", pair)
        finally:
            pair.sql(f"UPDATE beckon_meta SET schema_version = {before}")
        assert (code, lines) == (1, []) and part in complaint, complaint


def test_users_spread_over_databases(make_cluster, server):  # noqa: F811
    cluster = make_cluster()
    parts = [f"{cluster.database()}_{n}" for n in range(2)]
    server.sql("".join(f"CREATE DATABASE {part}; GRANT ALL ON {part}.* TO '{cluster.settings['mysql.user']}'@'%';"
                       for part in parts))
    places = [f"127.0.0.1:{server.port}/{part}" for part in parts]
    cluster.settings["mysql.shards.databases"] = ",".join(places)
    cluster.start(2)
    assert {row[0] for row in cluster.sql("SELECT DISTINCT owner FROM cl_shard")} == {"0"}  # theirs are elsewhere
    code, lines, complaint = run("nodes", cluster)
    assert code == 0 and sum(" 128  127.0.0.1:" in line for line in lines) == 2, (lines, complaint)
    # If a database is down, only its shards are unknown.
    code, lines, complaint = run("nodes", cluster, f"--mysql.shards.databases={places[0]},127.0.0.1:1/{parts[1]}")
    assert code == 1 and lines[-1].startswith("the owners of 128 shards are unknown: mysql "), (lines, complaint)
    with cluster.nodes[0].client() as client:
        for n in range(20):
            assert client.put(f"/v1/users/u{n}", {"attributes": {"plan": "free"}}).status == 201
    code, _, complaint = run("nodes", cluster, f"--mysql.shards.databases={places[1]},{places[0]}")
    assert code == 1 and "Put mysql.shards.databases back" in complaint, complaint
    code, lines, complaint = run("drain n1", cluster)
    assert code == 0 and cluster.nodes[0].wait() == 0, (lines, complaint)


def test_commands_on_a_cluster_need_a_server(tmp_path):
    for command in (["nodes"], ["drain", "n1"]):
        done = run_program(*command, f"--node.data-dir={tmp_path / 'data'}")
        assert done.returncode == 2 and b"--storage.backend=mysql" in done.stderr, done
    assert not (tmp_path / "data").exists()
    done = run_program("nodes", "--storage.backend=mysql", "--mysql.port=1", "--mysql.connect-timeout-ms=1000")
    assert done.returncode == 1 and b"127.0.0.1:1" in done.stderr, done


# -- drain ---------------------------------------------------------------------------------------


def test_drain_gives_everything_away_and_ends_the_node(pair):
    code, lines, complaint = run("drain n1", pair)
    assert (code, complaint) == (0, ""), lines
    number = look(pair.nodes[1]).self
    assert pair.sql("SELECT incarnation FROM cl_node") == [[str(number)]]
    assert pair.sql("SELECT DISTINCT owner FROM cl_shard") == [[str(number)]]
    assert pair.nodes[0].wait() == 0
    first = lines[0].partition(" hands over its shards")[0]
    assert first.startswith("n1 (incarnation ") and lines[-1] == f"{first} has left; its process has ended", lines
    assert any(line.startswith(f"{first}: ") and "shards left" in line for line in lines), lines
    assert "an operator drains this node" in pair.nodes[0].log_text()


def test_the_last_node_is_drained_only_when_that_is_meant(make_cluster):  # noqa: F811
    alone = make_cluster()
    alone.start(1)
    code, lines, complaint = run("drain n1", alone)
    assert (code, lines) == (1, []) and "is the last active node" in complaint and "--last" in complaint
    assert listed(alone)["nodes"][0]["state"] == "active"
    code, lines, complaint = run("drain n1 --last", alone)
    assert code == 0 and lines[-1].endswith("has left; its process has ended"), (lines, complaint)
    assert alone.nodes[0].wait() == 0
    code, lines, _ = run("nodes", alone)
    assert code == 1 and lines[-1].startswith("there are no nodes"), lines


def test_a_node_that_is_not_clearly_named_is_not_drained(pair):
    third = pair.add({"node.name": "n2"})
    pair.wait_until_settled()
    numbers = sorted(one["incarnation"] for one in listed(pair)["nodes"] if one["name"] == "n2")
    code, lines, complaint = run("drain n2", pair)
    assert (code, lines) == (1, []) and "more than one node is called n2" in complaint
    assert all(f"n2 (incarnation {number})" in complaint for number in numbers), complaint
    code, _, complaint = run("drain nn1", pair)
    assert code == 1 and "no node nn1 is there; did you mean n1?" in complaint
    assert all(one["state"] == "active" for one in listed(pair)["nodes"])
    # A number names one node only.
    code, lines, complaint = run(f"drain {look(third).self}", pair)
    assert code == 0, (lines, complaint)
    assert third.wait() == 0
    third.start()
    third.kill()
    wait_until(lambda: any(one["state"] == "dead" for one in listed(pair)["nodes"]), "it is declared dead", 20)
    dead = next(one for one in listed(pair)["nodes"] if one["state"] == "dead")
    code, _, complaint = run(f"drain {dead['incarnation']}", pair)
    assert code == 1 and "is dead" in complaint and "nothing to drain" in complaint


def test_a_drain_that_takes_too_long_goes_on(pair):
    node = pair.nodes[0]
    node.signal(signal.SIGSTOP)
    code, lines, complaint = run("drain n1 --timeout-s=0", pair)
    assert code == 1 and "has not left within 0 s: 128 shards left. It goes on draining" in complaint, (lines, complaint)
    state = next(one["state"] for one in listed(pair)["nodes"] if one["name"] == "n1")
    assert state in ("draining", "dead")
    # Its lease runs out, and the waiting command reports it.
    code, lines, complaint = run("drain n1", pair)
    assert code == 1 and ("has died during the drain" in complaint or "is dead" in complaint), (lines, complaint)
    node.kill()


def test_a_database_of_another_cluster_is_not_drained(pair):
    code, lines, complaint = run("drain n1", pair, "--cluster.name=shop")
    assert (code, lines) == (1, [])
    assert "belongs to the cluster 'beckon', and cluster.name is 'shop'; nothing was done" in complaint
    code, lines, complaint = run("nodes", pair, "--cluster.name=shop")
    assert code == 0 and "belongs to the cluster 'beckon'" in complaint and lines[-1].startswith("all 256"), lines


def test_a_drained_worker_is_replaced(start_node, settings):
    node = start_node({**settings, "workers.count": 2, "node.name": "w", "supervisor.restarts-max": 0})
    before = workers_of(node.pid)
    done = run_program("drain", "w-1", *words_of(settings), timeout_s=60)
    text = done.stdout.decode()
    assert done.returncode == 0, done
    assert f"it shares http://127.0.0.1:{node.port} with w-2 (incarnation " in text and "send the parent SIGTERM" in text
    wait_until(lambda: len(workers_of(node.pid)) == 2 and workers_of(node.pid) != before, "another worker is there")
    wait_until(lambda: run_program("nodes", *words_of(settings)).stdout.count(b" active ") == 2, "and is active")
    assert "a worker was drained; another one takes its place" in node.log_text()
    with node.client() as client:
        assert client.get("/readyz").status == 200


# -- check ---------------------------------------------------------------------------------------


def check(cluster, tmp_path, **more):
    """(exit code, the lines) of a check of one more node."""
    words = {**cluster.settings, "http.port": 0, "node.data-dir": tmp_path / "data", "node.name": "more", **more}
    done = run_program("check", *words_of(words))
    return done.returncode, done.stdout.decode().splitlines()


def starts(lines, part):
    """The verdict of the only line with that part."""
    found = [line for line in lines if part in line]
    assert len(found) == 1, f"{part!r} is in {len(found)} of {lines}"
    return found[0].split()[0]


def test_check_looks_at_the_cluster(pair, tmp_path):
    code, lines = check(pair, tmp_path)
    assert code == 0, lines
    assert starts(lines, "cluster 'beckon': n") == "ok"
    assert starts(lines, "2 other nodes are reached by TCP") == "ok"
    assert starts(lines, "which is this program's") == "ok"
    assert starts(lines, "other nodes use any free port") == "ok"
    assert len(listed(pair)["nodes"]) == 2


def test_check_says_what_would_keep_a_node_from_joining(pair, tmp_path):
    code, lines = check(pair, tmp_path, **{"cluster.name": "shop"})
    assert code == 1 and starts(lines, "belongs to the cluster 'beckon'") == "fail", lines
    code, lines = check(pair, tmp_path, **{"cluster.own-lease-ms": 4000})
    assert code == 1 and starts(lines, "cluster.own-lease-ms is 4000 ms") == "fail", lines
    code, lines = check(pair, tmp_path, **{"cluster.tls-cert": "/nowhere.pem"})
    assert code == 1 and starts(lines, "set all three or none") == "fail", lines
    one = listed(pair)["nodes"][0]
    code, lines = check(pair, tmp_path, **{"cluster.port": one["address"].rpartition(":")[2]})
    assert code == 1 and starts(lines, f"(incarnation {one['incarnation']}) has it") == "fail", lines
    code, lines = check(pair, tmp_path, **{"cluster.lease-ms": 5000})
    assert code == 0 and all(line.startswith("warn") for line in lines if "here it is 5000" in line), lines
    code, lines = check(pair, tmp_path, **{"node.name": "n2"})
    assert code == 0 and starts(lines, "another node is called n2") == "warn", lines
    incarnation = {one["name"]: one["incarnation"] for one in listed(pair)["nodes"]}["n2"]
    pair.nodes[1].kill()
    code, lines = check(pair, tmp_path)
    assert code == 1 and starts(lines, f"n2 (incarnation {incarnation}) cannot be reached") == "fail", lines
    wait_until(lambda: check(pair, tmp_path)[0] == 0, "the dead node is in nobody's way", 20)


def test_check_beside_the_node_itself(pair):
    node = pair.nodes[0]
    own = next(one for one in listed(pair)["nodes"] if one["name"] == node.settings["node.name"])
    words = {**node.settings, "http.port": node.port, "node.data-dir": node.data_dir,
             "cluster.port": own["address"].rpartition(":")[2]}
    done = run_program("check", *words_of(words))
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0 and starts(lines, "in use by this node, which is running") == "ok", lines
    assert not any("another node is called" in line for line in lines), lines


# -- a start that waits --------------------------------------------------------------------------


def test_a_node_that_waits_for_another_can_be_stopped(make_cluster):  # noqa: F811
    cluster = make_cluster()
    cluster.start(1)[0].signal(signal.SIGSTOP)
    late = cluster.make()
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        started = threads.submit(late.start)
        wait_until(lambda: "joining in 'beckon'" in late.log_text(), "it wants to join")
        late.signal(signal.SIGTERM)
        with pytest.raises(NodeFailed, match="ended with code 0 before it listened"):
            started.result(10)
    assert "stopped before it was ready" in late.log_text()
    assert all(one["name"] != late.settings["node.name"] for one in listed(cluster)["nodes"])


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("words, part", [
    (["--cluster.own-lease-ms=20000"], b"must be less than cluster.lease-ms"),
    (["--cluster.address=0.0.0.0"], b"set cluster.tls-cert"),
    (["--cluster.tls-cert=/nowhere.pem", "--cluster.tls-key=/nowhere.key", "--cluster.tls-ca=/nowhere.ca"],
     b"cannot read /nowhere.pem"),
    (["--cluster.advertise=here"], b"write HOST:PORT"),
    (["--workers=2", "--cluster.port=7400"], b"leave it 0"),
    (["--workers=2", "--cluster.advertise=here:1"], b"cluster.advertise is here:1"),
    (["--workers=2", "--cluster.own-lease-ms=20000"], b"must be less than cluster.lease-ms"),
])
def test_a_wrong_cluster_configuration_is_not_tried_again(tmp_path, words, part):
    done = run_program("serve", "--storage.backend=mysql", "--mysql.port=1", f"--node.data-dir={tmp_path / 'data'}",
                       "--http.port=0", *words)
    assert done.returncode == 2 and part in done.stderr, done
    assert not os.path.exists(tmp_path / "data")
