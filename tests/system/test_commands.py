"""The program as operators see it: commands, flags, configuration, invalid files."""

import json
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

import beckon_node
from beckon_node import ROOT, Node, child_environment, program, run_program

DEMO = ROOT / "deploy" / "demo-catalog.json"


def run_in(directory, *words, environment=None):
    """Runs a command with `directory` as the working directory."""
    return subprocess.run([program(), *map(str, words)], cwd=directory, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30, check=False,
                          env={**child_environment(), **(environment or {})})


def check(data_dir, *more):
    return run_program("check", f"--node.data-dir={data_dir}", "--http.port=0", *more)


# -- words ---------------------------------------------------------------------------------------


def test_help_names_every_command():
    done = run_program("--help")
    assert done.returncode == 0
    for name in ("serve", "check", "import", "export", "nodes", "drain", "version"):
        assert f"beckon {name}".encode() in done.stdout
        about = run_program(name, "--help")
        assert about.returncode == 0 and f"beckon {name}".encode() in about.stdout


def test_version_names_the_libraries():
    done = run_program("version")
    assert done.returncode == 0
    assert done.stdout.startswith(b"beckon ") and b"\nCAF 0.17.6\n" in done.stdout and b"\nSQLite 3" in done.stdout


@pytest.mark.parametrize("words, remedy", [
    (["srve"], b"did you mean serve?"),
    (["serve", "--confg=x"], b"did you mean --config?"),
    (["serve", "--http.prot=1"], b"did you mean http.port?"),
    (["serve", "--http.port=70000"], b"0 to 65535"),
    (["serve", "extra"], b"unexpected word extra"),
    (["serve", "--storage.backend=mysq"], b"did you mean mysql?"),
    (["serve", "--storage.backend=mysql", "--mysql.password=x", "--mysql.password-file=y"], b"keep the file"),
    (["serve", "--config=/nowhere.ini"], b"/nowhere.ini: cannot be read"),
    (["import"], b"beckon import FILE"),
    (["help", "imprt"], b"did you mean import?"),
    (["drain"], b"beckon drain NODE"),
    (["drain", "n1", "--timeout-s=1h"], b"from 0 to 86400"),
    (["nodes", "--last"], b"belong to drain"),
    ([], b"beckon serve"),
])
def test_a_wrong_call_ends_with_2_and_says_what_is_meant(words, remedy):
    done = run_program(*words)
    assert done.returncode == 2, done
    assert remedy in done.stderr, done.stderr
    assert done.stdout == b""


def test_the_committed_references_are_what_the_program_says():
    assert run_program("help", "ini").stdout == (ROOT / "cluster.ini").read_bytes()
    assert run_program("help", "markdown").stdout == (ROOT / "docs" / "configuration.md").read_bytes()


# -- configuration -------------------------------------------------------------------------------


def test_cluster_ini_of_the_working_directory_is_read(tmp_path):
    (tmp_path / "cluster.ini").write_text("[http]\nprot = 1\n")
    done = run_in(tmp_path, "serve")
    assert done.returncode == 2
    assert b"cluster.ini:2: unknown key http.prot; did you mean http.port?" in done.stderr


def test_an_unknown_environment_variable_is_refused(tmp_path):
    done = run_in(tmp_path, "serve", environment={"BECKON_HTTP_PROT": "1"})
    assert done.returncode == 2 and b"did you mean BECKON_HTTP_PORT?" in done.stderr


# -- serve ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "::", "localhost"])
def test_only_loopback_is_listened_on_without_tokens(tmp_path, address):
    done = run_in(tmp_path, "serve", f"--http.address={address}", "--http.port=0")
    assert done.returncode == 1
    assert b"127.0.0.1" in done.stderr and done.stdout == b""
    assert not (tmp_path / "data").exists()


def test_a_port_in_use_is_an_error_with_its_address(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_in(tmp_path, "serve", f"--http.port={port}")
    assert done.returncode == 1
    assert str(port).encode() in done.stderr


def test_a_data_directory_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "data").write_text("")
    done = run_in(tmp_path, "serve", "--http.port=0")
    assert done.returncode == 1 and b"data: is no directory" in done.stderr


def test_a_store_that_is_none_is_an_error_and_left_alone(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "beckon.db").write_text("not a database, whatever it is " * 100)
    before = (tmp_path / "data" / "beckon.db").read_bytes()
    done = run_in(tmp_path, "serve", "--http.port=0")
    assert done.returncode == 1 and b"beckon.db" in done.stderr
    assert (tmp_path / "data" / "beckon.db").read_bytes() == before


def test_the_data_directory_is_made_for_this_user_alone(start_node):
    node = start_node()
    assert node.data_dir.stat().st_mode & 0o777 == 0o700


def test_the_first_lines_say_address_store_and_directory(start_node):
    node = start_node()
    text = node.log_text()
    assert f"address=http://127.0.0.1:{node.port}" in text
    assert f"data_dir={node.data_dir}" in text and "store=" in text and "config=none" in text


def test_the_first_lines_name_the_configuration_file(tmp_path, start_node):
    (tmp_path / "cluster.ini").write_text("[log]\nlevel = 'info'\n")
    node = start_node(directory=tmp_path)
    assert f"config={tmp_path / 'cluster.ini'}" in node.log_text()


def test_stored_files_are_private_to_the_user(tmp_path, start_node):
    import_into(tmp_path / "imported", str(DEMO))
    node = start_node()
    for directory in (tmp_path / "imported", node.data_dir):
        files = list(directory.iterdir())
        assert any(file.name == "beckon.db" for file in files)
        for file in files:
            assert file.stat().st_mode & 0o077 == 0, file


def test_log_lines_as_json(start_node):
    node = start_node({"log.format": "json"})
    node.stop()
    lines = node._log_path("stderr").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert any(entry.get("address") == f"http://127.0.0.1:{node.port}" for entry in entries)
    assert all({"time", "level", "message"} <= entry.keys() for entry in entries)
    assert any(entry.get("pid") == node.pid for entry in entries)
    assert isinstance(entries[-1]["took_ms"], int) and entries[-1]["exit_code"] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_node_with_0(start_node, number):
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # these tests may themselves run under nohup
    try:
        node = start_node()
    finally:
        signal.signal(signal.SIGHUP, before)
    node.signal(number)
    assert node.wait() == 0
    assert f"signal={signal.Signals(number).name}" in node.log_text()
    assert ("SIGHUP acts like SIGTERM" in node.log_text()) == (number == signal.SIGHUP)


def test_a_closed_terminal_does_not_end_a_node_under_nohup(start_node, monkeypatch):
    monkeypatch.setattr(beckon_node, "HEEDING_SIGHUP", [])
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited, as from nohup
    try:
        node = start_node()
    finally:
        signal.signal(signal.SIGHUP, before)
    node.signal(signal.SIGHUP)
    with node.client() as client:
        assert client.get("/livez").status == 200
    assert node.stop() == 0
    assert "signal=SIGTERM" in node.log_text()


def test_a_stop_that_cannot_flush_is_no_success(tmp_path):
    node = Node(tmp_path, {"node.grace-ms": 0, "sqlite.busy-timeout-ms": 600000}).start()
    holder = sqlite3.connect(node.data_dir / "beckon.db", isolation_level=None)
    waiting = []
    try:
        holder.execute("BEGIN IMMEDIATE")
        with node.client() as client:
            deadline = time.monotonic() + 10
            # One batch is in the writer's hands and one waits when the queue is no longer empty.
            while b'beckon_write_queue_jobs{class="events",pool="store"} 0\n' in client.get("/metrics").body:
                assert time.monotonic() < deadline
                waiting.append(socket.create_connection(("127.0.0.1", node.port)))
                body = b'{"events":[{"id":"e-%d","type":"custom","name":"n","user":"u"}]}' % len(waiting)
                waiting[-1].sendall(b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b"
                                    % (len(body), body))
        node.signal(signal.SIGTERM)
        assert node.wait(deadline_s=60) == 70
        assert "the stop was not clean" in node.log_text() and "data is on disk" not in node.log_text()
    finally:
        holder.close()
        for connection in waiting:
            connection.close()
        node.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_node_at_once(tmp_path, number):
    node = Node(tmp_path, {"node.grace-ms": 60000, "http.body-timeout-ms": 60000}).start()
    try:
        with socket.create_connection(("127.0.0.1", node.port)) as slow:
            slow.sendall(b"POST /v1/decide HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
            with node.client() as client:
                assert client.get("/livez").status == 200  # the slow request was read before this one
            node.signal(signal.SIGTERM)
            deadline = time.monotonic() + 10
            while "stopping" not in node.log_text():
                assert time.monotonic() < deadline, node.log_text()
                time.sleep(0.005)
            node.signal(number)
            assert node.wait(deadline_s=10) == 128 + number
    finally:
        node.kill()


# -- check ---------------------------------------------------------------------------------------


def test_check_makes_nothing(tmp_path):
    done = check(tmp_path / "data")
    assert done.returncode == 0, done
    assert not (tmp_path / "data").exists()


def test_check_prints_a_verdict_a_line(tmp_path):
    for line in check(tmp_path / "data").stdout.decode().splitlines():
        assert line.split()[0] in ("ok", "warn", "fail")


def test_check_ends_with_1_when_something_fails(tmp_path):
    (tmp_path / "data").write_text("")
    done = check(tmp_path / "data")
    assert done.returncode == 1 and b"fail  data directory" in done.stdout
    done = check(tmp_path / "other", "--http.prot=1")
    assert done.returncode == 1 and b"fail  configuration --http.prot" in done.stdout


def test_check_beside_a_running_node(start_node):
    node = start_node()
    done = run_program("check", f"--node.data-dir={node.data_dir}", f"--http.port={node.port}")
    assert done.returncode == 0, done
    assert f"store is in use by the running node, process {node.pid} at http://127.0.0.1:{node.port}" in \
        done.stdout.decode()
    assert b"port is in use, by that node" in done.stdout


def test_check_names_a_holder_that_is_not_the_configured_node(start_node):
    node = start_node()
    other = start_node()
    done = run_program("check", f"--node.data-dir={node.data_dir}", f"--http.port={other.port}")
    assert done.returncode == 1, done
    line = next(line for line in done.stdout.decode().splitlines() if " store: " in line)
    assert line.startswith("fail") and str(node.pid) in line and f"http://127.0.0.1:{node.port}" in line


# -- import and export ---------------------------------------------------------------------------


def import_into(directory, file, *more, stdin=b""):
    return run_program("import", file, f"--node.data-dir={directory}", *more, stdin=stdin)


def export_from(directory):
    done = run_program("export", f"--node.data-dir={directory}")
    assert done.returncode == 0, done
    return done.stdout


def test_the_demonstration_goes_in_and_comes_out(tmp_path):
    wanted = json.loads(DEMO.read_text())
    assert len(wanted["popups"]) >= 12
    done = import_into(tmp_path, str(DEMO))
    assert (done.returncode, done.stdout) == \
        (0, f"imported {len(wanted['popups'])} popups and the settings, 0 unchanged\n".encode())
    exported = json.loads(export_from(tmp_path))
    assert exported["settings"] == wanted["settings"]
    assert exported["popups"] == sorted(wanted["popups"], key=lambda p: p["id"])


def test_export_and_import_round_trip(tmp_path):
    import_into(tmp_path / "a", str(DEMO))
    text = export_from(tmp_path / "a")
    done = import_into(tmp_path / "b", "-", stdin=text)
    assert done.returncode == 0, done
    assert export_from(tmp_path / "b") == text
    done = import_into(tmp_path / "a", "-", stdin=text)
    assert done.stdout.startswith(b"imported nothing, ")


def test_only_what_differs_gets_a_new_revision(tmp_path, start_node):
    import_into(tmp_path / "data", str(DEMO))
    document = json.loads(DEMO.read_text())
    document["popups"][0]["priority"] = 7
    done = import_into(tmp_path / "data", "-", stdin=json.dumps(document, indent=3).encode())
    assert done.stdout == \
        f"imported 1 popup, {len(document['popups']) - 1} popups and the settings unchanged\n".encode(), done
    node = start_node(directory=tmp_path)
    with node.client() as client:
        for popup in document["popups"]:
            answer = client.get(f"/v1/popups/{popup['id']}").json()
            assert answer["revision"] == (2 if popup is document["popups"][0] else 1), answer


def test_an_array_of_popups_leaves_the_settings_alone(tmp_path):
    import_into(tmp_path, str(DEMO))
    popups = [{"id": "p", "placements": ["home"], "content": {}}]
    done = import_into(tmp_path, "-", stdin=json.dumps(popups).encode())
    assert done.stdout == b"imported 1 popup, 0 unchanged\n", done
    exported = json.loads(export_from(tmp_path))
    assert exported["settings"]["min_gap"] == "30m"
    assert {"p", "welcome-offer"} <= {p["id"] for p in exported["popups"]}


def test_one_wrong_popup_stops_the_whole_import(tmp_path):
    good = {"id": "good", "placements": ["home"], "content": {}}
    document = {"setings": {}, "settings": {"min_gap": "soon"},
                "popups": [good, {"id": "bad", "placements": [], "content": {}, "frequency": {"evry": "1d"}}, good, 7]}
    done = import_into(tmp_path, "-", stdin=json.dumps(document).encode())
    assert done.returncode == 1 and done.stdout == b""
    text = done.stderr.decode()
    for part in ("/setings", "/settings/min_gap", "/popups/1/placements (popup bad)",
                 "/popups/1/frequency/evry (popup bad)", "/popups/2/id (popup good): stands also in /popups/0",
                 "/popups/3:"):
        assert part in text, (part, text)
    assert json.loads(export_from(tmp_path))["popups"] == []


@pytest.mark.parametrize("text", [b"", b"{", b"7", b'{"popups": 7}', b'{"popups": [], "popups": []}', b"[]\xff"])
def test_an_invalid_catalogue_is_refused(tmp_path, text):
    done = import_into(tmp_path, "-", stdin=text)
    assert done.returncode == 1 and b"nothing was imported" in done.stderr, done


def test_errors_are_counted_and_placed(tmp_path):
    done = import_into(tmp_path, "-", stdin=b'{"popups": [],\n  "settings": }')
    assert b"line 2, column 15 (byte 29): " in done.stderr and b": 1 error in -" in done.stderr, done


def test_settings_that_a_file_leaves_out_stay(tmp_path):
    import_into(tmp_path, str(DEMO))
    done = import_into(tmp_path, "-", stdin=b'{"settings": {"holdout_percent": 5}, "popups": []}')
    assert done.stdout == b"imported the settings, 0 unchanged\n", done
    settings = json.loads(export_from(tmp_path))["settings"]
    assert (settings["min_gap"], settings["holdout_percent"]) == ("30m", 5)


def test_the_demonstration_does_not_run_out():
    for popup in json.loads(DEMO.read_text())["popups"]:
        assert popup.get("window", {}).get("until", "2036") >= "2036", popup["id"]


def test_a_missing_file_is_an_error(tmp_path):
    done = import_into(tmp_path, str(tmp_path / "none.json"))
    assert done.returncode == 1 and b"none.json cannot be read" in done.stderr


def test_if_empty_leaves_a_used_catalogue_alone(tmp_path):
    popups = [{"id": "mine", "placements": ["home"], "content": {}}]
    import_into(tmp_path, "-", stdin=json.dumps(popups).encode())
    done = import_into(tmp_path, str(DEMO), "--if-empty")
    assert (done.returncode, done.stdout) == \
        (0, b"nothing done: the catalogue is not empty (version 1, 1 popup), and --if-empty leaves such a one alone\n")
    assert [p["id"] for p in json.loads(export_from(tmp_path))["popups"]] == ["mine"]


def test_the_bound_on_popups_holds_for_imports(tmp_path):
    done = import_into(tmp_path, str(DEMO), "--limits.popups-max=3")
    assert done.returncode == 1 and b"limits.popups-max (3)" in done.stderr
    assert json.loads(export_from(tmp_path))["popups"] == []


# -- script/server --------------------------------------------------------------------------------


@pytest.mark.parametrize("words, code, part", [
    (["--help"], 0, "script/server --http.port=8081"),
    (["foo"], 2, "unexpected word foo"),
    (["--port=1"], 2, "unknown option --port=1"),
])
def test_script_server_reports_mistakes_before_it_builds(words, code, part):
    done = subprocess.run([ROOT / "script" / "server", *words], capture_output=True, timeout=30, check=False)
    assert done.returncode == code and part in (done.stdout if code == 0 else done.stderr).decode(), done


# -- through a running node ----------------------------------------------------------------------


def test_a_running_node_is_reached_through_its_api(start_node):
    node = start_node()
    url = f"http://127.0.0.1:{node.port}"
    refused = import_into(node.data_dir, str(DEMO), "--http.port=1")
    assert refused.returncode == 1 and f"--url {url}".encode() in refused.stderr, refused
    assert str(node.pid).encode() in refused.stderr
    done = run_program("import", str(DEMO), "--url", url)
    count = len(json.loads(DEMO.read_text())["popups"])
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0 and lines[-1] == f"imported {count} popups and the settings, 0 unchanged", done
    assert lines[0] == "wrote the settings" and "wrote popup welcome-offer" in lines and len(lines) == count + 2
    done = run_program("import", str(DEMO), "--if-empty", "--url", url)
    assert done.returncode == 0 and done.stdout.startswith(b"nothing done: the catalogue is not empty"), done
    done = run_program("import", str(DEMO), "--url", url)
    assert done.stdout == f"imported nothing, {count} popups and the settings unchanged\n".encode(), done
    through_api = run_program("export", "--url", url)
    assert through_api.returncode == 0, through_api
    assert node.stop() == 0
    assert through_api.stdout == export_from(node.data_dir)


def test_a_node_that_is_not_there_is_an_error():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = run_program("export", "--url", f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert done.returncode == 1 and b"is the node running" in done.stderr
