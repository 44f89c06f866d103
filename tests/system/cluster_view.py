"""A node's view of its cluster, and the shards of users."""

import time

SHARDS = 256
# Short times, so that leases run out soon; long enough for a heartbeat on busy cores.
QUICK = {"cluster.heartbeat-ms": 300, "cluster.lease-ms": 3000, "cluster.own-lease-ms": 2000, "cluster.silent-ms": 1200,
         "cluster.suspect-after-ms": 300, "cluster.database-timeout-ms": 2000, "cluster.retry-ms": 100,
         "cluster.redial-ms": 100, "cluster.link-silence-ms": 1500, "cluster.moves-max": 64}
# For loads of which no request may be refused: that a busy machine is slow is no failure.
PATIENT = {"http.request-deadline-ms": 20000, "writers.queue-wait-ms": 10000, "cluster.forward-timeout-ms": 10000,
           **{f"mysql.{name}-timeout-ms": 10000 for name in ("connect", "read", "write", "pool")}}
DEFAULT_TIMES = {"cluster.heartbeat-ms": 2000, "cluster.lease-ms": 10000, "cluster.own-lease-ms": 7000,
                 "cluster.silent-ms": 3500, "cluster.suspect-after-ms": 1000, "cluster.database-timeout-ms": 2000,
                 "cluster.retry-ms": 500, "cluster.redial-ms": 500, "cluster.link-silence-ms": 3000}
FNV_OFFSET, FNV_PRIME, MASK = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


def wait_until(check, what, deadline_s=20.0):
    """Polls until `check` returns something true, and returns it with the seconds. `what`: a text, or a function
    returning one."""
    began = time.monotonic()
    while True:
        found = check()
        if found:
            return found, time.monotonic() - began
        assert time.monotonic() < began + deadline_s, (f"not within {deadline_s} s: "
                                                       + (what if isinstance(what, str) else what()))
        time.sleep(0.02)  # between two looks


def wait_until_known(nodes, popup, deadline_s=5.0):
    """Waits until each node decides on that popup."""
    for node in nodes:
        with node.client() as client:
            wait_until(lambda: client.get(f"/v1/popups/{popup}").status == 200, "the popup is known",  # noqa: B023
                       deadline_s)


def shard_of(user):
    """64-bit FNV-1a with the finalizer of MurmurHash3, modulo the number of shards."""
    h = FNV_OFFSET
    for byte in user.encode():
        h = (h ^ byte) * FNV_PRIME & MASK
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h = (h ^ h >> 33) * factor & MASK
    return (h ^ h >> 33) % SHARDS


class View:
    """The cluster as one node reports it."""

    def __init__(self, document):
        self.document = document
        self.self = document["self"]["incarnation"]
        self.state = document["self"]["state"]
        self.nodes = {one["incarnation"]: one for one in document["nodes"]}
        self.owners = {one["shard"]: one["owner"] for one in document["shards"]}
        self.epochs = {one["shard"]: one["epoch"] for one in document["shards"]}

    def __str__(self):
        nodes = ", ".join(f"{one['name']} ({number}) {one['state']}, link {one['link']}, {one['shards']} shards, "
                          f"suspects {one['suspects']}" for number, one in self.nodes.items())
        return f"{self.document['self']}: {nodes}; moves {self.document['moves']}, as of {self.document['as_of']}"

    def living(self):
        return {number for number, one in self.nodes.items() if one["state"] != "dead"}

    def shards_of(self, incarnation):
        return {shard for shard, owner in self.owners.items() if owner == incarnation}

    def owned(self):
        """Whether every shard has a living owner."""
        return set(self.owners.values()) <= self.living()

    def settled(self):
        """Whether all living nodes are active and reached, with even shares and no moves."""
        others = [one for number, one in self.nodes.items() if number in self.living() - {self.self}]
        counts = [len(self.shards_of(number)) for number in self.living()]
        return (self.state == "active" and all(one["state"] == "active" and one["link"] == "up" for one in others)
                and self.owned() and max(counts) - min(counts) <= 1 and not self.document["moves"])


def look(node):
    """The node's view of the cluster."""
    with node.client() as client:
        answer = client.get("/v1/cluster?verbose")
    assert answer.status == 200, answer
    return View(answer.json())
