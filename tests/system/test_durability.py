"""Confirmed data survive kill -9, promises are kept, and a graceful stop loses nothing."""

import collections
import random
import signal
import time

import pytest

from ledger import Ledger
from load import PLACEMENT, Load
from shop import decide, now_ms, outcome, popup, rfc3339, save, send_events, stored_events, unique

ROUNDS = 20
GAP_MS = 2500


def prepare(client, gap_ms=GAP_MS):
    save(client, popup(PLACEMENT, "p"))
    answer = client.put("/v1/settings", {"min_gap": f"{gap_ms}ms"})
    assert answer.status == 200, answer


def wait_for(condition, what, deadline_s=20.0):
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.005)


def ids_since(node, ms):
    with node.client(60) as client:
        return [row["id"] for row in stored_events(client, f"since={rfc3339(ms)}")]


def ask_all_promised(node, ledger):
    """Right after a restart, users in cooldown must not be shown anything."""
    with node.client() as client:
        due = [user for user, ms in ledger.promises.items() if ms > now_ms() + 100][-300:]
        for user in due:
            told = ledger.promise(user)
            document = decide(client, user, PLACEMENT)
            ledger.decided(user, told, now_ms(), document)
    return len(due)


def replay_some(node, ledger, choice):
    """A retry gets exactly the answer from before the kill."""
    kept = list(ledger.answers.items())
    picked = choice.sample(kept, min(20, len(kept)))
    with node.client() as client:
        for (user, request_id), document in picked:
            assert decide(client, user, PLACEMENT, request_id=request_id) == document
    return len(picked)


def retry_unanswered(node, round_ledger, users):
    """A client that got no answer sends its batch again; the store must end with each event once."""
    retried = 0
    with node.client() as client:
        for number, ids in round_ledger.batches.items():
            if number in round_ledger.confirmed or number in round_ledger.refused:
                continue
            events = [{"id": one, "type": "impression", "popup": "p", "at": rfc3339(now_ms()), "user": users[0]}
                      for one in ids]
            answer = client.post("/v1/events", {"events": events})
            round_ledger.answered(number, answer.status, answer.json())
            retried += 1
    return retried


def load_and_kill(node, ledger, users, name, choice):
    """Loads the node from several threads, kills it at a random moment, restarts it."""
    load = Load(node.port, ledger, users, name).start()
    wait_for(lambda: load.answers >= 300, "300 answers")
    time.sleep(choice.uniform(0.0, 0.5))  # only spreads the moments of the kill; nothing depends on it
    node.kill()
    load.stop()
    node.start()


def fresh_ledger(promises):
    """A ledger for one round that goes on with the promises and answers of those before, and a moment from which on
    only its own events count."""
    ledger, since = Ledger(), now_ms() + 1
    ledger.promises, ledger.answers = promises.promises, promises.answers
    wait_for(lambda: now_ms() >= since, "a moment that no earlier round used")
    return ledger, since


def test_kill_9_under_load(start_node):
    choice = random.Random(20)
    node = start_node()
    prepare(node.client())
    users = [unique("user") for _ in range(300)]
    promises = Ledger()
    every_id, began_ms, slowest = [], now_ms(), 0.0
    numbers = collections.Counter()
    for n in range(ROUNDS):
        ledger, since = fresh_ledger(promises)
        load_and_kill(node, ledger, users, f"round{n}", choice)
        slowest = max(slowest, node.start_seconds)
        numbers["users asked at once"] += ask_all_promised(node, ledger)
        faults = ledger.compare(ids_since(node, since))
        assert not faults, faults[:20]
        numbers["answers replayed"] += replay_some(node, ledger, choice)
        numbers["batches retried"] += retry_unanswered(node, ledger, users)
        faults = ledger.compare(ids_since(node, since))
        assert not faults, faults[:20]
        numbers["events"] += sum(len(ledger.batches[one]) for one in ledger.confirmed)
        promises.counts.update(ledger.counts)
        every_id += [one for ids in ledger.batches.values() for one in ids]
    assert sorted(ids_since(node, began_ms - 1)) == sorted(every_id)
    print(f"{ROUNDS} kills: {dict(numbers)}, {dict(promises.counts)}, slowest restart {slowest:.3f} s")
    assert numbers["events"] > 5000 and numbers["users asked at once"] > 1000 and numbers["answers replayed"] > 100
    assert promises.counts["MATCH"] > 1000 and promises.counts["COOLDOWN"] > 1000
    assert promises.counts["checked before the promise"] > 2000


def test_the_load_finds_promises_that_a_kill_breaks(start_node):
    """Negative control: if answers do not wait for the disk, the test above must fail."""
    choice = random.Random(21)
    node = start_node({"durability.claims": "queued"})
    prepare(node.client())
    users = [unique("user") for _ in range(300)]
    promises = Ledger()
    for n in range(ROUNDS):
        ledger, _ = fresh_ledger(promises)
        load_and_kill(node, ledger, users, f"queued{n}", choice)
        ask_all_promised(node, ledger)
        if ledger.broken:
            print(f"{len(ledger.broken)} broken promises found after {n + 1} kills, as they must be")
            assert all("too early" in one for one in ledger.broken), ledger.broken[:20]
            return
    raise AssertionError("a claim that is not durable goes unnoticed: the load or its checks do not do their work")


def test_the_ledger_detects_every_fault():
    """The check of the test above, given every fault that it must detect."""
    ledger = Ledger()
    first, second, third = (ledger.sending([f"{n}-{k}" for k in range(3)]) for n in range(3))
    ledger.answered(first, 202, {"accepted": 3, "duplicates": 0, "rejected": []})
    ledger.answered(second, 503, {})
    good = ["0-0", "0-1", "0-2"]
    assert ledger.compare(good) == []
    assert ledger.compare(good + ["2-0", "2-1", "2-2"]) == []
    assert third not in ledger.confirmed
    for bad in (good[:2], good + ["0-1"], good + ["1-0", "1-1", "1-2"], good + ["2-0"], good + ["9-9"]):
        assert len(ledger.compare(bad)) == 1, bad
    ledger.promises["u"] = 1_000_000
    shown = {"placements": {"p": {"popup": {"id": "x"}, "reason": "MATCH"}}, "next_eligible_at": None}
    ledger.decided("u", 1_000_000, 1_000_000, shown)
    assert not ledger.broken
    ledger.decided("u", 1_000_000, 999_999, shown)
    assert len(ledger.broken) == 1
    ledger.answered(third, 202, {"accepted": 2, "duplicates": 0, "rejected": []})
    assert len(ledger.broken) == 2


@pytest.mark.parametrize("turn", range(5))
def test_sigterm_under_load_loses_no_request(start_node, turn):
    """Every client that could connect and send is answered: see Load for the rule."""
    node = start_node()
    prepare(node.client())
    ledger, since = Ledger(), now_ms() - 1
    users = [unique("user") for _ in range(100)]
    load = Load(node.port, ledger, users, f"term{turn}", threads=16, orderly=True,
                one_shot_threads=16).start()
    wait_for(lambda: load.answers >= 500, "500 answers")
    node.signal(signal.SIGTERM)
    code = node.wait(15)
    load.stop()
    assert code == 0, node.log_text()
    node.start()
    faults = ledger.compare(ids_since(node, since))
    assert not faults, faults[:20]
    asked = ask_all_promised(node, ledger)
    assert not ledger.broken, ledger.broken[:20]
    print(f"SIGTERM: {load.answers} answers, {dict(ledger.counts)}, {asked} users asked again")
    assert ledger.counts["events 202"] > 50 and asked > 50


def test_sigterm_answers_requests_already_read(start_node):
    """Claims in work when the signal comes: each is answered, and each answer is in the store."""
    node = start_node()
    prepare(node.client(), 3_600_000)
    clients = [node.client().connect() for _ in range(100)]
    for client in clients:  # a first answer proves that the connection is accepted
        client.send(client.encode("GET", "/livez"))
        assert client.read_response().status == 200
    for n, client in enumerate(clients):
        client.send(client.encode("POST", "/v1/decide", {"user": f"last-{n}", "placements": [PLACEMENT]}))
    node.signal(signal.SIGTERM)
    shown = []
    for n, client in enumerate(clients):
        data = client.read_to_end()  # a reset is an error here
        head, _, body = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200") or head.startswith(b"HTTP/1.1 503"), head
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        assert len(body) == length, "an answer was cut"
        if b'"MATCH"' in body:
            shown.append(f"last-{n}")
    assert node.wait(15) == 0
    node.start()
    with node.client() as client:
        for user in shown:
            assert outcome(decide(client, user, PLACEMENT), PLACEMENT)[1] == "COOLDOWN", user
        unknown = [f"last-{n}" for n in range(100) if f"last-{n}" not in shown]
        for user in unknown:  # refused means without effect
            assert client.get(f"/v1/users/{user}").status == 404, f"{user} got no popup and is charged"
    print(f"{len(shown)} claims answered during the stop")


def test_sigterm_without_load_is_quick(start_node):
    node = start_node()
    idle = [node.client().connect() for _ in range(50)]
    for client in idle:
        client.send(client.encode("GET", "/livez"))
        assert client.read_response().status == 200
    began = time.monotonic()
    assert node.stop() == 0
    assert time.monotonic() - began < 3, "idle connections delay the stop"


def test_sigint_stops_as_well(start_node):
    node = start_node()
    node.signal(signal.SIGINT)
    assert node.wait() == 0


def test_64_parallel_decides_give_one_popup(start_node):
    node = start_node()
    save(node.client(), popup(PLACEMENT, "p", frequency={"every": "24h"}))
    clients = [node.client().connect() for _ in range(64)]
    for turn in range(25):
        for n, client in enumerate(clients):
            body = {"user": f"u{turn}", "placements": [PLACEMENT], "request_id": f"r{n}"}
            client.prepared = client.encode("POST", "/v1/decide", body)
        for client in clients:
            client.send(client.prepared)
        reasons = [client.read_response().json()["placements"][PLACEMENT]["reason"] for client in clients]
        assert sorted(reasons) == ["COOLDOWN"] * 63 + ["MATCH"], reasons
        user = clients[0].get(f"/v1/users/u{turn}").json()
        assert user["popups"]["p"]["shows"] == 1
    stats = clients[0].get("/v1/popups/p/stats").json()
    assert stats["shows"] == {"total": 25, "users": 25}


def test_64_parallel_retries_of_one_request_give_one_answer(start_node):
    node = start_node()
    save(node.client(), popup(PLACEMENT, "p"))
    clients = [node.client().connect() for _ in range(64)]
    for turn in range(10):
        body = {"user": f"u{turn}", "placements": [PLACEMENT], "request_id": "same"}
        for client in clients:
            client.send(client.encode("POST", "/v1/decide", body))
        answers = {client.read_response().body for client in clients}
        assert len(answers) == 1, answers
    assert clients[0].get("/v1/popups/p/stats").json()["shows"]["total"] == 10


def test_the_same_batch_from_many_at_once_is_stored_once(start_node):
    node = start_node()
    clients = [node.client().connect() for _ in range(16)]
    at = rfc3339(now_ms())
    batch = [{"id": f"e{n}", "type": "custom", "name": "n", "user": f"u{n}", "at": at} for n in range(100)]
    for client in clients:
        client.send(client.encode("POST", "/v1/events", {"events": batch}))
    documents = [client.read_response().json() for client in clients]
    assert sum(one["accepted"] for one in documents) == 100
    assert sum(one["duplicates"] for one in documents) == 1500
    assert len(stored_events(clients[0], "")) == 100
    assert send_events(clients[0], *batch)["duplicates"] == 100
