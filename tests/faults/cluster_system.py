"""A cluster under load that a campaign damages: three nodes, and a fourth that comes and goes, on one database."""

import concurrent.futures
import random
import signal
import threading
import time

from actions import now_us
from cluster_audit import Audit
from cluster_view import QUICK, SHARDS, View, look
from hardy_node import HardyNode
from http_client import Client, Closed
from link import Link
from network import Network
from shop import popup
from system_under_test import START_S, System

MEMBERS = 3
POLL_S = 0.1
LIVE_EVERYWHERE_S = 2.0
SETTLED_S = 20.0
CLOCK_ERROR_MS = 20
CALM_S = 0.4
CALM_WITHIN_S = 5.0  # connections to the database come back one by one, each within a second
# Without the database a node cannot hand over its shards: it waits a little longer than node.grace-ms before it stops.
STOP_S = 40.0


class ClusterNode(HardyNode):
    """A node whose connections to the others and to the server can be broken."""

    def __init__(self, directory, settings, network, link, binary=None):
        super().__init__(directory, settings, binary)
        self.name = settings["node.name"]
        self.network = network
        self.link = link

    def start(self, deadline_s=START_S):
        super().start(deadline_s)
        self.network.introduce(self.name, self.pid)
        return self


class Watcher:
    """Polls one node: within one process neither the catalogue's version nor a shard's epoch may decrease."""

    def __init__(self, node):
        self._node = node
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.broken = []
        self.looks = 0
        self._thread.start()

    def end(self):
        self._stop.set()
        self._thread.join(10)

    def _work(self):
        pid, version, epochs = 0, 0, {}
        while not self._stop.wait(POLL_S):
            node = self._node
            if not node.running():
                continue
            if node.pid != pid:
                pid, version, epochs = node.pid, 0, {}
            try:
                with Client("127.0.0.1", node.port, 2.0) as client:
                    text = client.get("/metrics").body.decode()
                    view = View(client.get("/v1/cluster?verbose").json())
            except (OSError, Closed, ValueError, KeyError):
                continue  # it is down, or was ended meanwhile
            if node.pid != pid:
                continue
            self.looks += 1
            found = next(float(line.split()[1]) for line in text.splitlines()
                         if line.startswith("beckon_catalog_version "))
            if found < version:
                self.broken.append(f"{node.name}: catalogue {found:.0f} after {version:.0f}")
            self.broken += [f"{node.name}: shard {shard} epoch {epoch} after {epochs[shard]}"
                            for shard, epoch in view.epochs.items() if epoch < epochs.get(shard, 0)]
            version, epochs = found, view.epochs


class ClusterSystem(System):
    RECOVERY_S = 15.0

    def __init__(self, directory, store, server, settings=None, binary=None):
        super().__init__(directory, store, server)
        self.network = Network()
        self.audit = Audit(server, self.database)
        server.sql(f"CREATE DATABASE {self.database}")
        self.nodes = [self._make(n, settings or {}, binary) for n in range(1, MEMBERS + 2)]
        self.joiner = self.nodes.pop()
        self._watchers = []
        self._choice = random.Random(directory.name)

    def _make(self, number, settings, binary):
        name = f"{self.database}_n{number}"
        self.server.sql(f"CREATE USER '{name}'@localhost IDENTIFIED BY 'secret'; "
                        f"GRANT ALL ON {self.database}.* TO '{name}'@localhost")
        link = Link(self.server.socket)
        words = {"storage.backend": "mysql", "mysql.port": link.port, "mysql.user": name, "mysql.password": "secret",
                 "mysql.database": self.database, "node.name": name, **QUICK, **self.network.node_settings(name),
                 **settings}
        return ClusterNode(self.directory / f"n{number}", words, self.network, link, binary)

    # -- life ------------------------------------------------------------------------------------

    def start(self, every_ms, min_gap_ms):
        self.nodes[0].start(START_S)
        self.audit.begin()
        each(self.nodes[1:], lambda node: node.start(START_S))
        self._prepare(self.nodes[0], every_ms, min_gap_ms)
        self.wait_until_settled()
        self._watchers = [Watcher(node) for node in [*self.nodes, self.joiner]]
        return self

    def urls(self):
        return [f"http://127.0.0.1:{node.settings['http.port']}" for node in [*self.nodes, self.joiner]]

    def settle(self):
        self._end_load_in_order()
        if self.joiner.starts > 0:
            self.joiner.bring_up(START_S)  # it may have left without the database, with events on its disk
        for node in self.living():
            self.wait_until_shipped(node)
        self._end_watchers()
        self.stop_node()
        self.nodes[0].start()

    def stop_node(self):
        """All that run, at once."""
        living = self.living()
        for node in living:
            node.signal(signal.SIGTERM)
        for node in living:
            code = node.wait(STOP_S)
            assert code == 0, f"{node.name} ended with {code} on SIGTERM\n{node.log_text()}"

    def remove(self, keep_data=False):
        self._end_load_at_once()
        self._end_watchers()
        for node in [*self.nodes, self.joiner]:
            node.kill()
            node.link.close()
        self.network.close()

    def _end_watchers(self):
        for one in self._watchers:
            one.end()

    # -- looking at it ---------------------------------------------------------------------------

    def verify_node(self):
        return self.nodes[0]

    def verify(self, *more):
        """A node knows the database's time only approximately."""
        return super().verify(f"--clock-error-ms={CLOCK_ERROR_MS}", *more)

    def links(self, choice):
        """One member's as often as all members'."""
        every = [node.link for node in [*self.nodes, self.joiner]]
        return every if choice.random() < 0.5 else [choice.choice(every[:MEMBERS])]

    def living(self):
        return [node for node in [*self.nodes, self.joiner] if node.running()]

    def must_run(self):
        for node in self.nodes:
            node.must_run()

    def failed_starts(self):
        return sum(node.failed_starts for node in [*self.nodes, self.joiner])

    def damage(self):
        return [line for node in [*self.nodes, self.joiner] for line in node.damage()]

    def log_text(self):
        return "\n".join(f"== {node.name}\n{node.log_text()}" for node in [*self.nodes, self.joiner])

    def ready(self):
        """Every node is ready and active, and knows a living owner of each shard."""
        self.must_run()
        try:
            return all(self._is_well(node) for node in self.nodes)
        except (OSError, Closed):
            return False

    def _is_well(self, node):
        with node.client(2.0) as client:
            if client.get("/readyz").status != 200:
                return False
            view = View(client.get("/v1/cluster?verbose").json())
        return view.state == "active" and len(view.owners) == SHARDS and view.owned()

    def wait_until_settled(self):
        """Waits until the members share the shards and agree on it; returns the seconds."""
        began = time.monotonic()
        while True:
            self.must_run()
            views = [look(node) for node in self.nodes]
            if all(view.settled() and view.owners == views[0].owners for view in views):
                return time.monotonic() - began
            assert time.monotonic() < began + SETTLED_S, "\n".join(
                map(str, ["the nodes do not come to share the shards:", *views, self.log_text()]))
            time.sleep(POLL_S)

    # -- what a campaign does besides ------------------------------------------------------------

    def between_rounds(self):
        """At rest: the shards are shared, soon no request is refused, and a catalogue change is live everywhere."""
        self.wait_until_settled()
        deadline = time.monotonic() + CALM_WITHIN_S
        while refused := self._refused_within(CALM_S):
            assert time.monotonic() < deadline, (f"requests are refused although all is well: {refused[:5]}\n"
                                                 + self.log_text())
        self._change_catalog()

    def _refused_within(self, seconds):
        began_us = now_us()
        time.sleep(seconds)
        return [one for one in self.exchanges() if one.sent_us >= began_us and one.got_us
                and (one.unavailable or one.status == 0 or one.status >= 500)]

    def _change_catalog(self):
        with self._choice.choice(self.nodes).client() as client:
            answer = client.put("/v1/popups/z", popup("elsewhere", "z", priority=self._choice.randrange(100)))
        assert answer.status in (200, 201), answer
        revision, deadline = answer.json()["revision"], time.monotonic() + LIVE_EVERYWHERE_S
        for node in self.nodes:
            while self._revision(node) < revision:
                assert time.monotonic() < deadline, f"{node.name} does not know revision {revision} after 2 s"
                time.sleep(0.01)  # between two looks

    @staticmethod
    def _revision(node):
        with node.client() as client:
            answer = client.get("/v1/popups/z")
        return answer.json()["revision"] if answer.status == 200 else 0

    def more_findings(self):
        """The findings in the tables and in the nodes' own views."""
        found = self.audit.findings()
        broken = [line for one in self._watchers for line in one.broken]
        if broken:
            found["went back on a node"] = broken
        return found

    def more_numbers(self):
        return {**self.audit.numbers(), "looks_at_nodes": sum(one.looks for one in self._watchers)}


def each(items, work):
    """Does it for all at once; the first failure is raised."""
    with concurrent.futures.ThreadPoolExecutor(max(1, len(items))) as threads:
        return list(threads.map(work, items))
