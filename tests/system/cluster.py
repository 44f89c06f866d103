"""Nodes that share one database."""

import concurrent.futures
import signal

import pytest

from beckon_node import Node
from cluster_view import QUICK, look, shard_of, wait_until
from conftest import started
from mariadb_fixture import own_database
from server import Server
from shop import unique

FORMED_S = 20.0


class Cluster:
    """Nodes on one database. Not threadsafe, except start()."""

    def __init__(self, directory, server, more=None):
        self.directory = directory
        self.server = server
        self.settings = {**own_database(server), **QUICK, **(more or {})}
        self.nodes = []  # in the order in which they came; those that ended too

    def database(self):
        return self.settings["mysql.database"]

    def sql(self, text):
        """The rows of a query on the cluster's database."""
        return [line.split("\t") for line in self.server.sql(f"USE {self.database()}; {text}").splitlines()]

    # -- life ------------------------------------------------------------------------------------

    def make(self, more=None):
        """A node that is not started yet."""
        name = f"n{len(self.nodes) + 1}"
        node = Node(self.directory / name, {**self.settings, "node.name": name, **(more or {})})
        self.nodes.append(node)
        started.append(node)
        return node

    def add(self, more=None):
        """Starts one more node and returns it."""
        return self.make(more).start()

    def start(self, count):
        """Starts several at once, waits until they share the shards, and returns them."""
        nodes = [self.make() for _ in range(count)]
        with concurrent.futures.ThreadPoolExecutor(count) as threads:
            for each in [threads.submit(node.start) for node in nodes]:
                each.result()
        self.wait_until_settled()
        return nodes

    def running(self):
        return [node for node in self.nodes if node.running()]

    def stop(self):
        """Stops all at once; running ones must exit with 0."""
        living = self.running()
        for node in living:
            node.signal(signal.SIGCONT)
            node.signal(signal.SIGTERM)
        codes = [node.wait() for node in living]
        for node in self.nodes:
            node.kill()
            if node in started:
                started.remove(node)
        assert not any(codes), f"exit codes {codes}"

    # -- looking at it ---------------------------------------------------------------------------

    def settled(self, nodes=None):
        """The common view of `nodes` (default: all running), as a cluster of just them; None while they differ."""
        nodes = nodes or self.running()
        views = [look(node) for node in nodes]
        members = {view.self for view in views}
        first = views[0]
        same = all(view.owners == first.owners and view.living() == members for view in views)
        return first if same and all(view.settled() for view in views) else None

    def wait_until_settled(self, nodes=None, deadline_s=FORMED_S):
        def what():
            return "\n".join(["the nodes share the shards and agree on it", *map(str, map(look, nodes or self.running()))])
        return wait_until(lambda: self.settled(nodes), what, deadline_s)[0]

    def wait_until_owned(self, node, without=(), deadline_s=15.0):
        """Waits until `node` knows a living owner of every shard, none in `without`; returns the seconds."""
        def owned():
            view = look(node)
            return view.owned() and not set(view.owners.values()) & set(without)
        return wait_until(owned, "every shard has an owner", deadline_s)[1]

    def users_of(self, node, count=1):
        """Ids of new users owned by `node`."""
        view, found = look(node), []
        mine = view.shards_of(view.self)
        assert mine, "the node owns nothing"
        while len(found) < count:
            user = unique("user")
            if shard_of(user) in mine:
                found.append(user)
        return found


@pytest.fixture(scope="module")
def module_server(tmp_path_factory):
    """For `server` of mariadb_fixture. Commits do not wait for the disk: a slow one would cost nodes their leases, and
    no test here cuts the power."""
    made = Server(tmp_path_factory.mktemp("mariadb") / "server")
    made.start("--innodb-flush-log-at-trx-commit=2")
    yield made
    made.remove()


@pytest.fixture
def make_cluster(request, tmp_path):
    """make_cluster({...}) gives a cluster without nodes; what runs at the end must end with 0."""
    own = "own_server" in request.fixturenames
    database_server = request.getfixturevalue("own_server" if own else "server")
    made = []

    def make(more=None):
        made.append(Cluster(tmp_path / f"cluster-{len(made)}", database_server, more))
        return made[-1]

    yield make
    for one in made:
        one.stop()
