"""Rows about the R0 stack's own mix and about events. Afterwards the store is checked against the answers."""

import json
import time
import urllib.request

import catalogue
from filling import claim_users
from generator import Load, LoadRun, cpu_figures, kept_rounds, load_figures, medians
from peers.r0_stack import R0Stack
from row import MIB, PLACEMENT, Row
from rounds import check_claims, note_disk, take_turns
from servers import Beckon, BenchFailed, wait_until
from system_calls import count_system_calls

BATCH = 50
WEEK_S = 7 * 86400
SHIPPED_WITHIN_S = 900
EVENTS_MIX = {"users": {"count": 100_000}, "placements": [PLACEMENT], "shares": {"events": 100},
              "events": {"batch_min": BATCH, "batch_max": BATCH, "types": {"impression": 80, "click": 15, "dismiss": 5},
                         "popups": ["popup-000", "popup-001"]}}


def own_mix(options):
    """Nine decides for users in cooldown, one claim, and an event for each claim; 256 connections."""
    row = Row("the R0 stack's own mix: 90 % cooled down, 10 % claims, an event for each claim; 256 connections")
    note_disk(row, options)
    users = options.scaled(20_000)
    with Beckon(options.directory("beckon")) as beckon, R0Stack(options.directory("r0"), options) as r0:
        catalogue.seed(beckon)
        catalogue.cool_down(beckon, users)
        r0.seed(catalogue.popups(), WEEK_S)
        r0.cool_down((f"pool-{n:06d}" for n in range(users)), WEEK_S)
        take_turns(row, options, [beckon, r0],
                   lambda _, number: Load(256, options.seconds, "mix", f"new-{number}", users, PLACEMENT))
        figures = row.figures["beckon"]
        check_claims(beckon, users + figures["claims"])
        stored = count_events(beckon)
        if stored < figures["events"]:
            raise BenchFailed(f"{figures['events']} events got 202 and {stored} are in the store")
        row.notes.append(f"{figures['claims']:,} claims and {figures['events']:,} events were answered in the counted "
                         "rounds; all are in the store, none twice")
        prove_mix(row, options, beckon)
    row.target("requests/s", figures["requests_per_s"], least=40_000, aim=60_000)
    row.target("p99, ms", figures["p99_ms"], most=20)
    return row


def prove_mix(row, options, beckon):
    """The same shares at a steady rate, each request due at its time, with a ledger to check the store against."""
    rate = int(row.figures["beckon"]["requests_per_s"] * 0.5)
    seconds = options.seconds
    # Every user comes once, in turn; nine of ten have had a popup before, so every tenth is a claim.
    count = rate * seconds
    claim_users(beckon.port, (f"turn-{n}" for n in range(count) if n % 10), PLACEMENT)
    mix = {"users": {"count": count, "distribution": "in-turn", "prefix": "turn-"}, "placements": [PLACEMENT],
           "shares": {"decide": 100}, "event_for_each_claim": "impression"}
    before = beckon.cpu_seconds()
    with LoadRun(options.directory("proof"), [beckon.port], mix, options.directory("ledger"), rate=rate,
                 seconds=seconds, connections=256) as load:
        document = load.end()
        after = beckon.cpu_seconds()
        load.verify()
    row.figures[f"beckon, open loop at {rate:,}/s"] = {
        **load_figures(document), **cpu_figures(before, after, document["kinds"]["all"]["answered"]),
        "claims": document["shows"], "events": document["events_accepted"]}
    row.notes.append("open loop: half the rate, latencies from when a request was due; beckon-load verify found "
                     "nothing")


def count_events(node):
    """How many events the store has; one that is there twice ends the run."""
    seen = set()
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port}/v1/events", timeout=60) as answer:
        for line in answer:
            name = json.loads(line)["id"]
            if name in seen:
                raise BenchFailed(f"the event {name} is in the store twice")
            seen.add(name)
    return len(seen)


def events_as_deployed(options):
    """A node as it is deployed for many events. 202 when they are on its disk; shipped to MariaDB meanwhile and
    afterwards, which takes much longer, so that the rounds are few and short."""
    row = Row(f"events in batches of {BATCH}, durable in the node's outbox before the 202, then shipped to MariaDB")
    store = options.mariadb()
    with Beckon(options.directory("beckon"), options.mysql_settings(), store_pid=store.pid) as beckon:
        measure_events(row, options, beckon, min(options.rounds, 3), 1, 2_200 if options.quick else "max")
    row.target("events/s", row.figures["beckon"]["events_per_s"], least=100_000, aim=300_000)
    return row


def events_sqlite(options):
    """Reported only: one writer, and pages of four indexes for each event, are the limit, whatever the node does."""
    row = Row(f"events in batches of {BATCH}, durable in SQLite itself before the 202")
    with Beckon(options.directory("beckon"), {"durability.events": "store"}) as beckon:
        measure_events(row, options, beckon, options.rounds, options.seconds, "max")
    return row


def measure_events(row, options, beckon, rounds, seconds, rate):
    """Closed loop with a ledger; afterwards every event that got 202 must be in the store exactly once."""
    note_disk(row, options)
    catalogue.seed(beckon)
    ledger = options.directory("ledger")
    seen = []

    def begin(**more):
        return LoadRun(options.directory("load"), [beckon.port], EVENTS_MIX, ledger, rate=rate, connections=64,
                       **more)

    def counted(words):
        with begin(seconds=1, seed=rounds + 1, wrapped_in=words) as load:
            return one_round_of_events(beckon, load)["requests"]

    for number in range(rounds):
        with begin(seconds=seconds, seed=number + 1) as load:
            seen.append(one_round_of_events(beckon, load))
    system_calls, counter = count_system_calls(beckon, counted)
    shipping = ship_the_rest(row, beckon)
    total = sum(one["events"] for one in seen)
    proof = load.verify()
    if not total <= proof["events_confirmed"] <= proof["events_in_store"]:
        raise BenchFailed(f"{total} events got 202 in the counted rounds, and after all rounds {proof}")
    row.notes.append(f"system calls counted by {counter} in a round of its own")
    row.figures["beckon"] = {**medians(seen), **shipping, "system_calls": system_calls,
                             "peak_rss_mib": beckon.memory("VmHWM") / MIB}
    row.rounds["beckon"] = kept_rounds(seen)
    row.notes.append(f"medians of {rounds} rounds of {seconds} s, 64 connections. Verified afterwards: "
                     f"{proof['events_confirmed']:,} events got 202, {proof['events_in_store']:,} are in the store, "
                     "none lost, none twice")


def ship_the_rest(row, beckon):
    """Waits until the outbox is empty; how fast it is shipped when no more comes. Nothing waits without an outbox."""
    began = time.monotonic()
    waiting = beckon.metric("beckon_outbox_events")
    if not waiting:
        return {}
    wait_until(lambda: beckon.metric("beckon_outbox_events") == 0, "the outbox is empty", SHIPPED_WITHIN_S, 0.1)
    took = time.monotonic() - began
    row.notes.append(f"{waiting:,.0f} events were in the outbox at the end, which was empty {took:.1f} s later. A node "
                     "that takes more than it ships for long fills its outbox (outbox.bytes-max), then answers 503")
    return {"shipped_alone_per_s": waiting / took}


def one_round_of_events(beckon, load):
    began, shipped = time.monotonic(), beckon.metric("beckon_outbox_shipped_total")
    before, store_before = beckon.cpu_seconds(), beckon.store_cpu_seconds()
    document = load.end()
    figures = load_figures(document)
    accepted = document["events_accepted"]
    if accepted != figures["requests"] * BATCH:
        raise BenchFailed(f"{figures['requests']} batches of {BATCH} got 202, and {accepted} events were accepted")
    figures.update(events=accepted, events_per_s=figures["requests_per_s"] * BATCH,
                   **cpu_figures(before, beckon.cpu_seconds(), figures["requests"]))
    if beckon.store_pid:
        shipped = beckon.metric("beckon_outbox_shipped_total") - shipped
        figures["shipped_per_s"] = shipped / (time.monotonic() - began)
        figures["store_cpu_us"] = (beckon.store_cpu_seconds() - store_before) / figures["requests"] * 1e6
    return figures
