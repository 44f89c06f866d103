"""Which faults occur when, for how long and on which store: a pure function of the seed."""

import dataclasses
import math
import random

STORES = ("sqlite", "sqlite-outbox", "mysql-outbox", "cluster")
ROUNDS_PER_CAMPAIGN = 10


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of fault. Simultaneous faults never have the same target, because they would undo each other."""
    name: str
    target: str
    least_s: float
    most_s: float
    typical_s: float  # mean of how much longer than the least


KINDS = {kind.name: kind for kind in (
    Kind("kill-node", "node", 0.02, 1.5, 0.3),         # SIGKILL; down for so long
    Kind("kill-starting", "node", 0.01, 0.4, 0.06),    # SIGKILL, and once more so long after it was started
    Kind("restart-node", "node", 0.0, 0.3, 0.1),       # SIGTERM, exit code 0, start
    Kind("pause-node", "node", 0.3, 4.0, 0.9),         # SIGSTOP
    Kind("kill-server", "server", 0.05, 2.5, 0.6),     # SIGKILL
    Kind("pause-server", "server", 0.5, 6.0, 1.2),     # SIGSTOP
    Kind("refuse", "link", 0.3, 3.0, 0.8),             # connections are cut, new ones refused
    Kind("cut-bytes", "link", 0.5, 2.0, 0.5),          # connections are cut after some bytes
    Kind("commit-before", "link", 0.3, 1.5, 0.5),      # cut at each COMMIT; the server does not get it
    Kind("commit-after", "link", 0.3, 1.5, 0.5),       # cut at each COMMIT that the server has carried out
    Kind("disk-full", "disk", 1.0, 3.0, 0.8),          # no space in the node's data directory
    # Clusters only. Leases last 3 s; a node that two others miss is declared dead after 1.2 s of silence.
    Kind("freeze-node", "node", 3.5, 6.0, 0.8),        # SIGSTOP for longer than the lease
    Kind("drain-node", "node", 0.5, 3.0, 0.8),         # SIGTERM, exit code 0, and away for so long
    Kind("rolling-restart", "node", 0.0, 0.3, 0.1),    # each node in turn as with restart-node, with such pauses
    Kind("join-node", "joiner", 0.5, 4.0, 1.0),        # one more node comes, and leaves again
    Kind("part-both", "peers", 1.0, 6.0, 1.5),         # one node and the others do not hear one another
    Kind("part-out", "peers", 1.0, 6.0, 1.5),          # the others do not hear one node
    Kind("part-in", "peers", 1.0, 6.0, 1.5),           # one node does not hear the others
    Kind("part-cut", "peers", 0.5, 4.0, 1.0),          # the links of one node are reset, new ones refused
    Kind("lose-server", "link", 1.0, 6.0, 1.5),        # one node and the server do not hear one another
)}
ON_EVERY_STORE = ("kill-node", "kill-starting", "restart-node", "pause-node")
ON_MYSQL = ("kill-server", "pause-server", "refuse", "cut-bytes", "commit-before", "commit-after")
ON_CLUSTER = ("freeze-node", "drain-node", "rolling-restart", "join-node", "part-both", "part-out", "part-in", "part-cut",
              "lose-server")


@dataclasses.dataclass(frozen=True)
class Fault:
    kind: str
    start_s: float  # after the round's lead
    lasts_s: float
    seed: int       # of what else it draws

    def __str__(self):
        return f"{self.kind} {self.lasts_s:.2f}s" + (f" at +{self.start_s:.2f}s" if self.start_s else "")


@dataclasses.dataclass(frozen=True)
class Round:
    number: int     # from 1, over all campaigns
    lead_s: float   # load without a fault before
    faults: tuple


@dataclasses.dataclass(frozen=True)
class Campaign:
    """Rounds on one running system with one ledger."""
    number: int
    store: str
    small_disk: bool  # the node's data directory has a small file system of its own
    seed: int         # of the load
    every_ms: int     # popups' frequency
    min_gap_ms: int
    users: int
    rounds: tuple

    @property
    def name(self):
        return f"{self.number}-{self.store}" + ("-small-disk" if self.small_disk else "")


def kinds_of(store, small_disk):
    if store == "cluster":
        return ON_EVERY_STORE + ON_MYSQL + ON_CLUSTER
    return (ON_EVERY_STORE + (ON_MYSQL if store.startswith("mysql") else ())
            + (("disk-full",) if small_disk else ()))


def needs_server(store):
    return store == "cluster" or store.startswith("mysql")


class _Bag:
    """Draws without replacement until all have been drawn. `left`: what an earlier campaign of the same kinds has
    left."""

    def __init__(self, choice, kinds, left):
        self._choice = choice
        self._kinds = kinds
        self._left = left

    def draw(self, not_targets=()):
        """The next kind with none of these targets, or None when there is none left."""
        if not self._left:
            self._left.extend(self._kinds)
            self._choice.shuffle(self._left)
        for kind in self._left:
            if KINDS[kind].target not in not_targets:
                self._left.remove(kind)
                return kind
        return None


def _fault(choice, kind, start_s=0.0, lasts_s=None):
    limits = KINDS[kind]
    if lasts_s is None:
        lasts_s = min(limits.most_s, limits.least_s + choice.expovariate(1 / limits.typical_s))
    return Fault(kind, round(start_s, 3), round(lasts_s, 3), choice.randrange(2**32))


def _faults(choice, bag, store):
    first = _fault(choice, bag.draw())
    # With MySQL only the outbox is on the small disk, and it grows only while the server is away.
    disk_needs_refusal = store.startswith("mysql")
    if first.kind == "disk-full" and disk_needs_refusal:
        return (_fault(choice, "refuse", 0.0, first.lasts_s + choice.uniform(-0.2, 0.5)), first)
    target = KINDS[first.kind].target
    taken = (target, "disk") if disk_needs_refusal and target == "link" else (target,)
    second = bag.draw(taken) if choice.random() < 0.45 else None
    if second is None:
        return (first,)
    if second == "disk-full" and disk_needs_refusal:
        return (first, _fault(choice, second), _fault(choice, "refuse", 0.0, KINDS["refuse"].most_s))
    return (first, _fault(choice, second, choice.uniform(0.0, first.lasts_s)))


def _campaign(seed, number, store, on_small_disk, first_round, count, left):
    # Use a text as the seed: random hashes it, so that neighbouring seeds share nothing.
    choice = random.Random(f"{seed}/{number}")
    small_disk = on_small_disk and store != "cluster"
    bag = _Bag(choice, kinds_of(store, small_disk), left.setdefault((store, small_disk), []))
    rounds = tuple(Round(first_round + n, round(choice.uniform(0.4, 1.2), 3), _faults(choice, bag, store))
                   for n in range(count))
    return Campaign(number, store, small_disk, choice.randrange(2**32), choice.randrange(1000, 2001, 100),
                    choice.choice((0, 200, 500, 900)), choice.randrange(250, 600, 50), rounds)


def make_plan(seed, rounds, stores=STORES):
    """The campaigns for this many rounds. With enough rounds every store has its turn."""
    count = max(min(len(stores), rounds), math.ceil(rounds / ROUNDS_PER_CAMPAIGN))
    campaigns, first, left = [], 1, {}
    for n in range(count):
        size = rounds // count + (1 if n < rounds % count else 0)
        turn, store = divmod(n, len(stores))
        on_small_disk = (seed + turn + store) % 2 == 0  # of each store every other campaign
        campaigns.append(_campaign(seed, n + 1, stores[store], on_small_disk, first, size, left))
        first += size
    return campaigns
