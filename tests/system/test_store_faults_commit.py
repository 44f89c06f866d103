"""The connection is lost in the middle of COMMIT: the node cannot know the outcome, shows nothing, and never guesses.
First with certainty, by a proxy that cuts there; then with a server that is killed again and again under load."""

import random
import time

import pytest

from commit_proxy import AFTER, BEFORE, SILENT, CommitProxy
from fault_watch import RECOVERY_S, FaultWatch, eventually, metric
from ledger import Ledger
from load import PLACEMENT, Load
from mariadb_fixture import QUICK_TIMEOUTS, charged_in
from shop import decide, event, outcome, popup, save, stored_events, unique

KILLS = 4


@pytest.fixture
def proxy(server):
    made = CommitProxy(server.port)
    yield made
    made.close()


@pytest.fixture
def watch(proxy, start_node, server, settings):
    """watch({...}) starts a node behind the proxy with more settings and watches it. The node ends before the proxy does:
    without a database it would wait for one until the end of its grace."""
    def start(more=None):
        behind = {**settings, "mysql.port": proxy.port, **QUICK_TIMEOUTS, **(more or {})}
        return FaultWatch(start_node(behind), charged_in(server, settings))
    return start


# -- with certainty --------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", [BEFORE, AFTER, SILENT])
def test_a_claim_whose_outcome_is_unknown(watch, proxy, fate):
    """UNAVAILABLE and nothing shown. The retry with the same request id tells what the store knows, and so does each
    one after it: one showing, charged once."""
    seen = watch()
    failures = seen.failures()
    user, request_id = unique("cut"), unique("request")
    with seen.cooled_down():
        proxy.cut(fate, user)
        assert seen.ask(user, request_id=request_id) in ("UNAVAILABLE", 503)
        assert proxy.hits >= 1
        assert bool(seen.committed({user})) == (fate != BEFORE)
        eventually(lambda: seen.failures() > failures, "the failure is counted")
        proxy.heal()
        healed = time.monotonic()
        eventually(lambda: seen.ask(user, request_id=request_id) == "MATCH", "the retry is answered", RECOVERY_S)
        seen.recovers(healed)
    first = decide(seen.client, user, seen.home, request_id=request_id)
    assert outcome(first, seen.home) == (seen.popup, "MATCH")
    assert decide(seen.client, user, seen.home, request_id=request_id) == first
    assert outcome(decide(seen.client, user, seen.home), seen.home) == (None, "COOLDOWN")
    seen.kept_every_promise(outcomes_unknown=True)
    shows = seen.client.get(f"/v1/popups/{seen.popup}/stats").json()["shows"]
    assert shows == {"total": len(seen.shown), "users": len(seen.shown)}, "a claim is counted twice or not at all"
    seen.node.restart()
    with seen.node.client() as client:
        assert decide(client, user, seen.home, request_id=request_id) == first


@pytest.mark.parametrize("fate", [BEFORE, AFTER, SILENT])
def test_events_whose_shipping_has_an_unknown_outcome(watch, proxy, fate):
    """They are shipped again until the store confirms, and are stored and counted once."""
    seen = watch()
    proxy.cut(fate, seen.known)
    with seen.cooled_down():
        assert seen.send(count=5).status == 202
        eventually(lambda: proxy.hits >= 2, "shipped, cut, and shipped again")
        eventually(lambda: metric(seen.client, "beckon_outbox_events") == 5, "what waits is counted")
        seen.names_fault("outbox", "5 events wait")
        proxy.heal()
        healed = time.monotonic()
        eventually(lambda: metric(seen.client, "beckon_outbox_events") == 0, "they are shipped", RECOVERY_S)
        seen.recovers(healed)
    seen.kept_every_promise()
    counted = seen.client.get(f"/v1/popups/{seen.popup}/stats").json()["impressions"]
    assert counted == {"total": len(seen.taken), "users": 1}


@pytest.mark.parametrize("fate", [BEFORE, AFTER])
def test_events_stored_with_an_unknown_outcome_get_504(watch, proxy, fate):
    """If 202 means the store, a lost COMMIT is neither 202 nor 503, which would mean that nothing was taken."""
    seen = watch({"durability.events": "store"})
    batch = [event(seen.known, seen.popup) for _ in range(3)]
    with seen.cooled_down():
        proxy.cut(fate, batch[0]["id"])
        answer = seen.client.post("/v1/events", {"events": batch})
        assert answer.status == 504, answer
        assert proxy.hits == 1
        proxy.heal()
        again = eventually(lambda: (got := seen.client.post("/v1/events", {"events": batch})).status == 202 and got,
                           "the same batch is taken", RECOVERY_S)
        assert again.json()["duplicates"] == (3 if fate == AFTER else 0), again
        seen.recovers()
    seen.taken[:0] = [one["id"] for one in batch]
    seen.kept_every_promise()
    counted = seen.client.get(f"/v1/popups/{seen.popup}/stats").json()["impressions"]
    assert counted == {"total": len(seen.taken), "users": 1}


# -- under load ------------------------------------------------------------------------------------


def test_the_server_is_killed_again_and_again_under_load(start_node, own_server, settings):
    """Nobody is shown a popup too early, each event that got 202 is there once, each answer can be had again."""
    seen = FaultWatch(start_node({**settings, **QUICK_TIMEOUTS}), charged_in(own_server, settings))
    client, choice = seen.client, random.Random(5)
    save(client, popup(PLACEMENT, "p"))
    assert client.put("/v1/settings", {"min_gap": "1500ms"}).status == 200
    ledger, slowest_s = Ledger(), 0.0
    load = Load(seen.node.port, ledger, [unique("user") for _ in range(200)], unique("kills"), threads=3).start()
    with seen.cooled_down():
        for _ in range(KILLS):
            before, failures = ledger.counts["MATCH"], seen.failures()
            eventually(lambda: ledger.counts["MATCH"] >= before + 100, "the load claims")
            time.sleep(choice.uniform(0.0, 0.2))  # only spreads the moments of the kill; nothing depends on it
            own_server.kill()
            unavailable = ledger.counts["UNAVAILABLE"]
            eventually(lambda: ledger.counts["UNAVAILABLE"] > unavailable + 50, "the load goes on without the server")
            seen.names_fault("store", "see that the server runs")
            assert seen.failures() > failures
            own_server.restart()
            slowest_s = max(slowest_s, seen.recovers())
        eventually(lambda: ledger.counts["checked before the promise"] > 200 and ledger.counts["events 202"] > 200,
                   "enough was asked to tell, however slow the machine is", 60)
    load.stop()
    eventually(lambda: metric(client, "beckon_outbox_events") == 0, "all is shipped", 60)
    faults = ledger.compare([row["id"] for row in stored_events(client, "popup=p")])
    assert not faults, faults[:20]
    for (user, request_id), document in choice.sample(sorted(ledger.answers.items()), 30):
        assert decide(client, user, PLACEMENT, request_id=request_id) == document
    users = {user for user, _ in ledger.answers}
    assert seen.committed(users) == users, "a popup was shown whose claim is not in the store"
    seen.kept_every_promise(outcomes_unknown=True)
    print(f"{KILLS} kills: {dict(ledger.counts)}, slowest recovery {slowest_s:.2f} s")
    assert set(ledger.counts) <= {"MATCH", "COOLDOWN", "UNAVAILABLE", "events 202", "checked before the promise"}
