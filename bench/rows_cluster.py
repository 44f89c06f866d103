"""Rows about several nodes: the cost of a request that another node answers, and three nodes on one machine."""

import concurrent.futures
import contextlib
import json
import statistics

import catalogue
from generator import Load, kept_rounds, medians, run_wrk
from row import Row
from rounds import ratio, take_turns
from servers import Beckon, BenchFailed, ask, wait_until

SHARDS = 256
NODES = 3
CONNECTIONS = 192  # three times 64, what the row of cooled-down decides has
FORM_DEADLINE_S = 60.0


class Group:
    """Several nodes, one of which is asked: a server with the costs of all."""

    def __init__(self, name, asked, nodes):
        self.name = name
        self.port = asked.port
        self.store_pid = 0
        self._nodes = nodes

    def cpu_seconds(self):
        each = [node.cpu_seconds() for node in self._nodes]
        return sum(user for user, _ in each), sum(system for _, system in each)

    def store_cpu_seconds(self):
        return 0.0

    def memory(self, field):
        return sum(node.memory(field) for node in self._nodes)

    def log(self):
        return "".join(node.log() for node in self._nodes)


def shard_of(user):
    """As decision/hash.hpp has it: FNV-1a, then the finalizer of MurmurHash3."""
    mask = 2**64 - 1
    h = 0xcbf29ce484222325
    for byte in user.encode():
        h = ((h ^ byte) * 0x100000001b3) & mask
    h ^= h >> 33
    h = h * 0xff51afd7ed558ccd & mask
    h ^= h >> 33
    h = h * 0xc4ceb9fe1a85ec53 & mask
    return (h ^ (h >> 33)) % SHARDS


def cluster_of(node):
    return json.loads(ask(node.port, "GET", "/v1/cluster?verbose")[1])


def is_settled(nodes):
    """Every node is active, and each has its share."""
    seen = cluster_of(nodes[0])
    active = [one["shards"] for one in seen["nodes"] if one["state"] == "active"]
    return len(active) == len(nodes) and sum(active) == SHARDS and max(active) - min(active) <= 1 and not seen["moves"]


@contextlib.contextmanager
def cluster(options, count):
    """Nodes on one database that have shared out the shards, with the catalogue."""
    store = options.mysql_settings()
    with contextlib.ExitStack() as running:
        nodes = []
        for n in range(count):
            settings = {**store, "node.name": f"node-{n + 1}"}
            nodes.append(running.enter_context(Beckon(options.directory(f"node-{n + 1}"), settings)))
        wait_until(lambda: is_settled(nodes), f"{count} nodes share the shards", FORM_DEADLINE_S, 0.05)
        catalogue.seed(nodes[0])
        versions = [json.loads(ask(node.port, "GET", "/v1/settings")[1]) for node in nodes]
        if any(one != versions[0] for one in versions):
            raise BenchFailed("a change of the settings is not on every node when it is answered")
        yield nodes


def owners_ports(node):
    """Of each shard, the port of its owner."""
    seen = cluster_of(node)
    port = {one["incarnation"]: int(one["http"].rpartition(":")[2]) for one in seen["nodes"]}
    return {one["shard"]: port[one["owner"]] for one in seen["shards"]}


def write_users(directory, name, users):
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text("".join(f"{user}\n" for user in users))
    return str(path)


def crossing(options):
    """Users in cooldown, first all owned by the asked node, then all by the other one."""
    row = Row("every request answered by another node, beside every request answered where it came in; cooled-down decide, "
              "64 connections")
    users = options.scaled(20_000)
    with cluster(options, 2) as nodes:
        catalogue.cool_down(nodes[0], users)
        port_of = owners_ports(nodes[0])
        names = [f"pool-{n:06d}" for n in range(users)]
        here = [name for name in names if port_of[shard_of(name)] == nodes[0].port]
        there = [name for name in names if port_of[shard_of(name)] == nodes[1].port]
        lists = options.directory("users")
        files = {"local": (write_users(lists, "local", here), len(here)),
                 "crossing": (write_users(lists, "crossing", there), len(there))}
        groups = [Group(name, nodes[0], nodes) for name in files]
        before = nodes[0].metric("beckon_cluster_forwarded_total")
        rounds = take_turns(row, options, groups, lambda group, _: list_load(options, 64, *files[group.name]),
                            system_calls=False)
        forwarded = nodes[0].metric("beckon_cluster_forwarded_total") - before
    asked = row.figures["crossing"]["requests"]
    if forwarded < asked:
        raise BenchFailed(f"{forwarded:.0f} requests crossed nodes, {asked} should have")
    row.notes.append("CPU is that of both nodes; frames in one batch depend on how much gathers while one is on its way")
    row.target("CPU per request / local, over both nodes", ratio(rounds, "crossing", "local", "cpu_us"), most=2.0, aim=1.4)
    return row


def list_load(options, connections, path, count, seconds=None):
    return Load(connections, seconds or options.seconds, "list", path, count, marker='"COOLDOWN"')


def three_nodes(options):
    """The same load on one node and on three of a cluster, from three generators each: users at random, so two thirds of
    the requests cross nodes."""
    row = Row(f"{NODES} nodes of a cluster beside one node, on one machine; cooled-down decide, users at random, "
              f"{CONNECTIONS} connections")
    users = options.scaled(20_000)
    names = [f"pool-{n:06d}" for n in range(users)]
    with cluster(options, 1) as alone, cluster(options, NODES) as several:
        for nodes in (alone, several):
            catalogue.cool_down(nodes[0], users)
        path = write_users(options.directory("users"), "all", names)
        served = {"one node": alone * NODES, f"{NODES} nodes": several}
        kept = {name: [] for name in served}
        for number in range(options.rounds + 1):
            for name, nodes in served.items():
                load = list_load(options, CONNECTIONS // NODES, path, users, 1 if number == 0 else None)
                figures = run_together(name, nodes, load)
                if number:
                    kept[name].append(figures)
        for name, nodes in served.items():
            row.figures[name] = medians(kept[name])
            row.figures[name]["peak_rss_mib"] = sum(node.memory("VmHWM") for node in set(nodes)) / 2**20
            row.rounds[name] = kept_rounds(kept[name])
    row.notes.append(f"medians of {options.rounds} rounds of {options.seconds} s in turn; no error and no wrong answer in any")
    many = statistics.median(a["requests_per_s"] / b["requests_per_s"]
                             for a, b in zip(kept[f"{NODES} nodes"], kept["one node"]))
    row.target("requests/s / one node", many, least=0.8)
    return row


def run_together(name, nodes, load):
    """One generator for each entry of `nodes`, at once; their figures as one."""
    distinct = list(dict.fromkeys(nodes))
    before = [node.cpu_seconds() for node in distinct]
    with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
        each = list(pool.map(lambda node: run_wrk(node, load), nodes))
    after = [node.cpu_seconds() for node in distinct]
    requests = sum(one["requests"] for one in each)
    together = {figure: max(one[figure] for one in each) for figure in ("p50_ms", "p99_ms", "p999_ms")}
    user, system = (sum(b[k] - a[k] for a, b in zip(before, after)) / requests * 1e6 for k in (0, 1))
    return {"requests": requests, "requests_per_s": sum(one["requests_per_s"] for one in each), **together,
            "errors": sum(one["errors"] for one in each), "cpu_us": user + system, "cpu_user_us": user,
            "cpu_system_us": system}
