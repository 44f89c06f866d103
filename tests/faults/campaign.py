"""Runs one campaign of a plan and reports the result."""

import collections
import concurrent.futures
import dataclasses
import time

from actions import ACTIONS, now_us
from cluster_actions import CLUSTER_ACTIONS
from cluster_system import ClusterSystem
from plan import KINDS
from system_under_test import System

CALM_S = 0.8


@dataclasses.dataclass
class Outcome:
    """The actions and findings of one campaign or all."""
    rounds: int = 0
    faults: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    hits: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    met_node: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # that found a node at work
    left_out: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    numbers: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    findings: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    slowest: dict = dataclasses.field(default_factory=dict)  # recovery in seconds by kind
    seconds: float = 0.0

    def add(self, other):
        for name in ("faults", "hits", "met_node", "left_out", "numbers", "findings"):
            getattr(self, name).update(getattr(other, name))
        for kind, seconds in other.slowest.items():
            self.slowest[kind] = max(seconds, self.slowest.get(kind, 0.0))
        self.rounds += other.rounds
        self.seconds += other.seconds


def check_that_something_happened(outcome):
    """A campaign that tested nothing has not passed."""
    assert outcome.numbers["events_confirmed"] > 0, "no event was acknowledged: nothing was tested"
    assert outcome.numbers["shows_answered"] > 0, "no popup was shown: nothing was tested"
    idle = [kind for kind, times in outcome.met_node.items() if times > 0 and outcome.hits[kind] == 0]
    assert not idle, f"faults that hit nobody: {', '.join(idle)}"


class CampaignRun:
    def __init__(self, plan, directory, server, with_disk, say):
        self.plan = plan
        self.with_disk = with_disk
        self.say = say
        self.outcome = Outcome()
        self.actions = CLUSTER_ACTIONS if plan.store == "cluster" else ACTIONS
        if plan.store == "cluster":
            self.system = ClusterSystem(directory, plan.store, server)
        else:
            self.system = System(directory, plan.store, server, plan.small_disk and with_disk)

    def run(self):
        began = time.monotonic()
        system = self.system
        passed = False
        try:
            system.start(self.plan.every_ms, self.plan.min_gap_ms)
            system.begin_load(self.plan.seed, self.plan.users)
            system.wait_until_recovered(now_us())
            for one in self.plan.rounds:
                self._round(one)
            self._finish()
            passed = True
        finally:
            self.outcome.seconds = time.monotonic() - began
            system.remove(keep_data=not passed)
        return self.outcome

    def _round(self, one):
        began_us = now_us()
        time.sleep(one.lead_s)
        faults = [f for f in one.faults if self.with_disk or f.kind != "disk-full"]
        self.outcome.left_out.update(f.kind for f in one.faults if f not in faults)
        actions = [self.actions[f.kind](self.system, f) for f in faults]
        with concurrent.futures.ThreadPoolExecutor(max_workers=len(actions) or 1) as threads:
            running = [threads.submit(action.run) for action in actions]
        for each in running:
            each.result()
        self.system.must_run()
        healed_us = max((action.ended_us for action in actions), default=now_us())
        recovery_s = self.system.wait_until_recovered(healed_us)
        time.sleep(CALM_S)
        for action in actions:
            action.count()
        self.system.between_rounds()
        self._note(one, actions, recovery_s, began_us)

    def _note(self, one, actions, recovery_s, began_us):
        outcome = self.outcome
        outcome.rounds += 1
        for action in actions:
            kind = action.fault.kind
            outcome.faults[kind] += 1
            outcome.hits[kind] += action.hits
            # While the node itself is down, other faults may hit nothing.
            others = [KINDS[other.fault.kind].target for other in actions if other is not action]
            outcome.met_node[kind] += "node" not in others
            outcome.slowest[kind] = max(recovery_s, outcome.slowest.get(kind, 0.0))
        sent = self.system.exchanges()
        sent = [x for x in sent if x.sent_us >= began_us]
        seconds = (now_us() - began_us) / 1e6
        what = " + ".join(f"{action.fault} hit {action.hits}" for action in actions) or "nothing"
        self.say(f"round {one.number} {self.plan.store}: {what} | {len(sent) / seconds:.0f} requests/s, "
                 f"{sum(x.claimed for x in sent) / seconds:.0f} popups/s, "
                 f"{sum(x.events for x in sent) / seconds:.0f} events/s, "
                 f"{sum(x.suffered() for x in sent)} suffered | recovered in {recovery_s:.2f} s")
        assert recovery_s < self.system.RECOVERY_S, f"recovered only after {recovery_s:.1f} s"

    def _finish(self):
        system, outcome = self.system, self.outcome
        system.settle()
        found, document = system.verify("--wait-seconds=20", "--users-max=1000")
        system.stop_node()
        outcome.findings.update({name: row["count"] for name, row in found.items()})
        more = system.more_findings()
        outcome.findings.update({name: len(rows) for name, rows in more.items()})
        for name in ("requests", "events_confirmed", "events_unknown", "shows_answered", "promises", "request_ids",
                     "decides_unknown"):
            outcome.numbers[name] += document[name]
        outcome.numbers["failed_starts"] += system.failed_starts()
        outcome.numbers.update(system.more_numbers())
        self.say(f"campaign {self.plan.name}: {document['requests']} requests, {document['events_confirmed']} events "
                 f"acknowledged, {document['shows_answered']} popups, "
                 + (f"FOUND {dict(outcome.findings)}" if found or more else "nothing found"))
        assert not more, "\n".join(f"{name}: {len(rows)}, e.g. {rows[:5]}" for name, rows in more.items())
        assert not found, "\n".join(f"{name}: {row['count']}, e.g. {row['examples'][:5]}"
                                    for name, row in found.items())
        damage = system.damage()
        assert not damage, "\n".join(damage[:10])
        check_that_something_happened(outcome)
