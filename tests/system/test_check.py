"""`beckon check` on a database server, and on what a configuration with workers needs."""

import os
import pathlib

import pytest

from beckon_node import run_program


def check(tmp_path, words):
    """(exit code, the lines)."""
    words = {"http.port": 0, "node.data-dir": tmp_path / "data", **words}
    done = run_program("check", *[f"--{key}={value}" for key, value in words.items()])
    return done.returncode, done.stdout.decode().splitlines()


def line_with(lines, part):
    found = [line for line in lines if part in line]
    assert len(found) == 1, f"{part!r} is in {len(found)} of {lines}"
    return found[0]


def test_a_sound_server(settings, own_server, tmp_path):
    code, lines = check(tmp_path, settings)
    assert code == 0, lines
    for part in ("has no tables yet", "version 10.", "syncs every commit", "max_connections is", "the clocks agree"):
        assert line_with(lines, part).startswith("ok"), lines


def test_what_the_server_should_be_set_to(settings, own_server, tmp_path):
    before = own_server.sql("SELECT @@max_connections").strip()
    own_server.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 2; SET GLOBAL max_connections = 12")
    try:
        code, lines = check(tmp_path, {**settings, "mysql.pool-size": 11})
    finally:
        own_server.sql(f"SET GLOBAL innodb_flush_log_at_trx_commit = 1; SET GLOBAL max_connections = {before}")
    assert code == 0, lines
    assert line_with(lines, "SET GLOBAL innodb_flush_log_at_trx_commit = 1").startswith("warn")
    assert line_with(lines, "max_connections is 12, 14 connections").startswith("warn")


def test_a_server_that_does_not_answer_is_a_problem(settings, own_server, tmp_path):
    own_server.stop()
    code, lines = check(tmp_path, {**settings, "mysql.connect-timeout-ms": 1000})
    assert code == 1 and any(line.startswith("fail  store: ") for line in lines), lines


def test_workers_without_a_server(tmp_path):
    code, lines = check(tmp_path, {"workers.count": 2})
    assert code == 1 and line_with(lines, "storage.backend is sqlite").startswith("fail"), lines


def test_ports_of_running_workers(start_node, settings, tmp_path):
    node = start_node({**settings, "workers.count": 2})
    code, lines = check(tmp_path, {**settings, "workers.count": 2, "http.port": node.port,
                                  "node.data-dir": node.data_dir})
    assert code == 0, lines
    assert line_with(lines, "port is in use, by a node that is alive").startswith("ok")
    assert line_with(lines, "-2 (incarnation ").startswith("ok")  # neither is somebody else's
    code, lines = check(tmp_path, {**settings, "http.port": node.port})
    assert code == 1 and line_with(lines, "cannot listen on").startswith("fail"), lines


def test_a_directory_in_memory():
    memory = pathlib.Path("/dev/shm")
    if not os.path.ismount(memory):
        pytest.skip("there is no file system in memory here")
    code, lines = check(memory / "beckon-check", {})
    assert code == 0 and line_with(lines, "tmpfs").startswith("warn"), lines


def test_a_directory_with_a_store(start_node, tmp_path):
    node = start_node()
    code, lines = check(tmp_path, {"node.data-dir": node.data_dir, "http.port": node.port})
    assert code == 0 and line_with(lines, "the store's file is in WAL mode").startswith("ok"), lines
