"""The load generator against a real node: what it sends, what it counts, and what its verification finds."""

import json
import pathlib
import signal
import sqlite3
import time

import pytest

from load_program import (begin_load, call_load, end_load, ledger_lines, load_program, rewrite, run_load, run_words,
                          url_of, verify_load, write_mix)
from shop import popup, save, send_events

GAP_MS = 700


@pytest.fixture(autouse=True)
def built():
    assert pathlib.Path(load_program()).is_file(), f"there is no program at {load_program()}: run script/build --tests"


def prepared(start_node, settings=None):
    node = start_node(settings)
    client = node.client()
    save(client, popup("home", "p", frequency={"every": f"{GAP_MS}ms"}))
    return node


def kinds_of(figures):
    return {name: kind["answered"] for name, kind in figures["kinds"].items()}


def wait_for_lines(directory, count, deadline_s=20.0):
    deadline = time.monotonic() + deadline_s
    while sum(path.read_bytes().count(b"\n") for path in (directory / "ledger").glob("*.jsonl")) < count:
        assert time.monotonic() < deadline, "the ledger does not grow"
        time.sleep(0.02)


def test_a_run_follows_its_mix_and_verifies(start_node, tmp_path):
    node = prepared(start_node)
    write_mix(tmp_path)
    figures = run_load(node, tmp_path)
    assert figures["errors"] == 0, figures
    kinds = kinds_of(figures)
    assert kinds["all"] == 4500 and figures["statuses"].keys() == {"200", "202"}
    assert all(kinds[name] > 50 for name in ("decide", "decide+id", "retry", "events", "claim event")), kinds
    assert figures["kinds"]["all"]["p50_ms"] <= figures["kinds"]["all"]["p99_ms"] <= figures["kinds"]["all"]["max_ms"]
    code, found, document = verify_load(node, tmp_path)
    assert code == 0, document
    assert document["requests"] == 4500 and document["events_confirmed"] == figures["events_accepted"]
    assert document["events_in_store"] == document["events_confirmed"] > 1000
    assert document["shows_answered"] > 300 and document["users_looked_at"] == document["users_shown"] > 100


def test_two_runs_in_one_ledger_and_a_later_one_of_its_own(start_node, tmp_path):
    node = prepared(start_node)
    write_mix(tmp_path)
    run_load(node, tmp_path, seconds=1)
    run_load(node, tmp_path, seconds=1, seed=2)
    code, found, document = verify_load(node, tmp_path)
    assert code == 0 and document["files"] == 4, document
    later = tmp_path / "later"
    later.mkdir()
    write_mix(later)
    run_load(node, later, seconds=1)
    code, found, document = verify_load(node, later)
    assert code == 0, document


@pytest.mark.parametrize("rate", ("500", "max"))
def test_a_connection_for_each_request(start_node, tmp_path, rate):
    node = prepared(start_node)
    write_mix(tmp_path, connection="per-request")
    figures = run_load(node, tmp_path, rate=rate, seconds=1, connections=8)
    assert figures["errors"] == 0, figures
    assert figures["connects"] == figures["kinds"]["all"]["answered"] >= 500
    code, _, document = verify_load(node, tmp_path)
    assert code == 0, document


def test_closed_loop_and_many_connections(start_node, tmp_path):
    node = prepared(start_node)
    write_mix(tmp_path, shares={"decide": 1}, users={"count": 100_000, "distribution": "in-turn", "prefix": "turn-"})
    figures = run_load(node, tmp_path, rate="max", seconds=1, connections=500)
    assert figures["errors"] == 0 and figures["connects"] == 500, figures
    assert figures["shows"] == figures["kinds"]["decide"]["answered"] > 500
    code, _, document = verify_load(node, tmp_path, "--users-max=200")
    assert code == 0 and 150 <= document["users_looked_at"] <= 200, document


def test_it_lives_through_kills_of_the_node_and_nothing_is_lost(start_node, tmp_path):
    node = prepared(start_node)
    node.settings["http.port"] = node.port  # comes back where the generator looks for it
    write_mix(tmp_path)
    running = begin_load(*run_words(node, tmp_path, seconds=6, drain_seconds=20))
    for _ in range(3):
        time.sleep(1.0)  # only spreads the kills over the run
        node.signal(signal.SIGSTOP)
        time.sleep(0.1)  # requests are due all the while: some are in flight now
        node.kill()
        time.sleep(0.3)  # others find nobody
        node.start()
    code, out, err = end_load(running)
    assert code == 0, err
    figures = json.loads(out)
    assert figures["connect_failures"] > 0 and figures["connects"] >= 4 * 32
    assert figures["kinds"]["all"]["errors"]["lost"] > 0, "the kills hit no request: nothing was tested"
    assert figures["batches_unanswered"] == 0, "a batch was not sent again until it was answered"
    assert figures["kinds"]["all"]["answered"] > 8000, figures
    code, _, document = verify_load(node, tmp_path)
    assert code == 0, document


def test_latency_counts_from_the_due_time(start_node, tmp_path):
    """A stopped node delays every request due meanwhile, not only those in flight."""
    node = prepared(start_node)
    write_mix(tmp_path, shares={"decide": 1})
    running = begin_load(*run_words(node, tmp_path, seconds=3, rate=1000, connections=4))
    time.sleep(1.0)
    node.signal(signal.SIGSTOP)
    time.sleep(1.0)
    node.signal(signal.SIGCONT)
    code, out, err = end_load(running)
    assert code == 0, err
    decide = json.loads(out)["kinds"]["all"]
    assert decide["answered"] == 3000
    assert decide["max_ms"] > 900 and decide["p90_ms"] > 300, decide  # 1,000 of 3,000 waited, evenly up to 1 s


def test_a_killed_generator_leaves_a_ledger_that_verifies(start_node, tmp_path):
    node = prepared(start_node)
    write_mix(tmp_path)
    running = begin_load(*run_words(node, tmp_path, seconds=60))
    wait_for_lines(tmp_path, 2000)
    running.kill()
    end_load(running)
    code, _, document = verify_load(node, tmp_path)
    assert code == 0, document
    assert document["files_of_killed_runs"] == 2 and document["events_confirmed"] > 500


def test_sigterm_ends_a_run_in_order(start_node, tmp_path):
    node = prepared(start_node)
    write_mix(tmp_path)
    running = begin_load(*run_words(node, tmp_path, seconds=600))
    wait_for_lines(tmp_path, 500)
    running.terminate()
    code, out, err = end_load(running, 20)
    assert code == 0 and json.loads(out)["seconds"] < 100, err
    code, _, document = verify_load(node, tmp_path)
    assert code == 0 and document["files_of_killed_runs"] == 0, document


def test_answers_that_do_not_wait_for_the_disk_are_found_out(start_node, tmp_path):
    """Negative control: a node that shows first and charges later must fail the verification."""
    node = prepared(start_node, {"durability.claims": "queued"})
    node.settings["http.port"] = node.port
    write_mix(tmp_path, shares={"decide": 1}, users={"count": 10**6, "distribution": "in-turn", "prefix": "queued-"})
    for n in range(20):
        running = begin_load(*run_words(node, tmp_path, seconds=2, rate=8000, seed=n, drain_seconds=0))
        wait_for_lines(tmp_path, 2000 * (n + 1))
        node.kill()
        running.terminate()
        end_load(running)
        node.start()
        _, found, _ = verify_load(node, tmp_path, "--users-max=0")
        if found:
            assert found.keys() <= {"undercharged", "too early"}, found
            print(f"found after {n + 1} kills: {found}")
            return
    raise AssertionError("claims that were lost go unnoticed")


# -- what must be found ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A place for the one run that the tests below tamper with, each with a copy of its ledger."""
    return {"directory": tmp_path_factory.mktemp("told"), "ran": False}


@pytest.fixture
def tampered(node, told, tmp_path):
    """(node, directory with a copy of the ledger of a run that verifies)"""
    if not told["ran"]:
        save(node.client(), popup("home", "p", frequency={"every": f"{GAP_MS}ms"}))
        write_mix(told["directory"])
        run_load(node, told["directory"], seconds=2, threads=1)
        code, _, document = verify_load(node, told["directory"])
        assert code == 0, document
        told["ran"] = True
    (tmp_path / "ledger").mkdir()
    for path in (told["directory"] / "ledger").iterdir():
        (tmp_path / "ledger" / path.name).write_bytes(path.read_bytes())
    return node, tmp_path


def outcome_of(lines, want):
    """Index of the first outcome that fits."""
    return next(i for i, one in enumerate(lines) if "got" in one and want(one))


def test_an_event_that_was_never_stored_is_lost(tampered):
    node, directory = tampered
    (path, lines), = ledger_lines(directory)
    number = 1 + max(one.get("send", 0) for one in lines)
    lines[-1:-1] = [{"send": number, "kind": "events", "at_us": 1, "first": 1_000_000, "count": 3},
                    {"got": number, "at_us": 2, "status": 202, "accepted": 3, "duplicates": 0}]
    rewrite(path, lines)
    assert verify_load(node, directory, "--wait-seconds=0")[1] == {"lost": 3}


def test_stored_events_that_the_ledger_does_not_know_are_unexpected(tampered):
    node, directory = tampered
    (path, lines), = ledger_lines(directory)
    batch = next(one for one in lines if one.get("kind") == "events")
    rewrite(path, [one for one in lines if batch["send"] not in (one.get("send"), one.get("got"))])
    assert verify_load(node, directory)[1] == {"unexpected": batch["count"]}


def test_refused_events_that_are_stored_are_unexpected(tampered):
    node, directory = tampered
    (path, lines), = ledger_lines(directory)
    i = outcome_of(lines, lambda one: one["status"] == 202)
    count = lines[i]["accepted"]
    lines[i] = {"got": lines[i]["got"], "at_us": lines[i]["at_us"], "status": 422}
    rewrite(path, lines)
    assert verify_load(node, directory)[1] == {"unexpected": count}


def test_a_popup_within_a_promise_is_too_early(tampered):
    node, directory = tampered
    (path, lines), = ledger_lines(directory)
    sent = {one["send"]: one for one in lines if "send" in one}
    shows = {}
    for one in lines:
        if "shown" in one and not sent[one["got"]].get("request_id"):
            shows.setdefault(sent[one["got"]]["user"], []).append(one)
    first = next(rows for rows in shows.values() if len(rows) > 1)[0]
    first["next_ms"] += 3_600_000
    rewrite(path, lines)
    assert verify_load(node, directory)[1].keys() == {"too early"}


def test_a_showing_that_was_not_charged_is_found(tampered):
    node, directory = tampered
    (path, lines), = ledger_lines(directory)
    i = outcome_of(lines, lambda one: "shown" in one)
    number = 1 + max(one.get("send", 0) for one in lines)
    lines[-1:-1] = [{"send": number, "kind": "decide", "at_us": 1, "user": "load-never-seen", "placements": ["home"]},
                    {**lines[i], "got": number, "at_us": 2_000, "decision": "made-up"}]
    rewrite(path, lines)
    assert verify_load(node, directory)[1] == {"undercharged": 2}  # for the popup and for the user


def test_a_charge_without_a_showing_is_found(tampered):
    node, directory = tampered
    (path, lines), = ledger_lines(directory)
    plain = {one["send"] for one in lines if one.get("kind") == "decide"}
    i = outcome_of(lines, lambda one: "shown" in one and one["got"] in plain)
    del lines[i]["shown"]
    rewrite(path, lines)
    assert verify_load(node, directory)[1].keys() == {"overcharged"}


def test_another_answer_to_the_same_request_is_found(tampered):
    node, directory = tampered
    (path, lines), = ledger_lines(directory)
    retries = {one["send"] for one in lines if one.get("kind") == "retry"}
    i = outcome_of(lines, lambda one: "shown" in one and one["got"] in retries)
    lines[i]["digest"] = "1"
    rewrite(path, lines)
    assert verify_load(node, directory)[1].keys() == {"answer changed"}


def test_a_ledger_with_a_missing_line_proves_nothing(tampered):
    node, directory = tampered
    (path, lines), = ledger_lines(directory)
    path.write_text("".join(json.dumps(one) + "\n" for one in lines[:5] + lines[6:]), encoding="utf-8")
    code, _, err = call_load("verify", "--url", url_of(node), "--ledger", directory / "ledger")
    assert code == 3 and path.name in err, err


def test_events_deleted_from_the_store_are_lost(start_node, tmp_path):
    node = prepared(start_node)
    write_mix(tmp_path)
    run_load(node, tmp_path, seconds=1)
    assert node.stop() == 0
    with sqlite3.connect(node.data_dir / "beckon.db") as store:
        deleted = store.execute("delete from event where rowid in (select rowid from event limit 4)").rowcount
    store.close()
    node.start()
    assert deleted == 4
    assert verify_load(node, tmp_path, "--wait-seconds=0")[1] == {"lost": 4}


def test_events_of_others_are_findings_unless_allowed(start_node, tmp_path):
    node = prepared(start_node)
    write_mix(tmp_path)
    run_load(node, tmp_path, seconds=1)
    send_events(node.client(), {"id": "of-somebody-else", "type": "custom", "name": "n", "user": "x"})
    assert verify_load(node, tmp_path)[1] == {"unexpected": 1}
    code, found, document = verify_load(node, tmp_path, "--others=allow")
    assert code == 0 and document["events_of_others"] == 1, found


# -- calls -------------------------------------------------------------------------------------------


def test_wrong_calls_are_refused(tmp_path):
    for words in (["run", "--url", "http://10.1.2.3:80"], ["run", "--url", "http://example.org"]):
        code, _, err = call_load(*words)
        assert code == 2 and "loopback" in err, err
    (tmp_path / "mix.json").write_text('{"shares": {"decode": 1}}', encoding="utf-8")
    code, _, err = call_load("run", "--url", "http://127.0.0.1:1", "--mix", tmp_path / "mix.json")
    assert code == 2 and "/shares/decode" in err, err
    code, out, _ = call_load("help")
    assert code == 0 and "--ledger" in out


def test_without_a_node_errors_are_counted_and_the_end_comes(tmp_path):
    write_mix(tmp_path)
    code, out, err = call_load("run", "--url", "http://127.0.0.1:1", "--mix", tmp_path / "mix.json", "--seconds=1",
                               "--rate=100", "--drain-seconds=0", "--ledger", tmp_path / "ledger", "--json=-")
    assert code == 0, err
    figures = json.loads(out)
    assert figures["not_sent"] == 100 and figures["connect_failures"] > 0, figures
    code, _, err = call_load("verify", "--url", "http://127.0.0.1:1", "--ledger", tmp_path / "ledger")
    assert code == 3 and "cannot verify" in err, err
