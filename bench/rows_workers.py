"""Row about several processes on one port (`serve --workers`), beside one process on the same cores."""

import catalogue
from row import Row
from rounds import fresh_load, pool_load, take_turns
from servers import Beckon, BenchFailed

WORKERS = 2


def workers(options):
    """Users in cooldown, then durable claims, on one process and on WORKERS processes. Reported only: if the generator
    and the database take all cores, more processes gain nothing."""
    row = Row(f"{WORKERS} workers beside one process, MariaDB: cooled-down decide (64 connections), then claims (256)")
    users = options.scaled(20_000)
    with seeded_node(options, "1 process", {}) as one, \
            seeded_node(options, f"{WORKERS} workers", {"workers.count": WORKERS}) as several:
        nodes = {node: node.name for node in (one, several)}
        for node, name in nodes.items():
            catalogue.cool_down(node, users)
            node.name = f"cooled down, {name}"
        take_turns(row, options, list(nodes), pool_load(options, 64, users), system_calls=False)
        for node in (one, several):
            node.name = f"claims, {nodes[node]}"
        take_turns(row, options, [one, several], fresh_load(options, 256), system_calls=False)
        for node in (one, several):
            check_stored_claims(options, node, users + row.figures[node.name]["requests"])
    row.notes.append("workers are nodes of a cluster: what the kernel gives to the worker that is not the user's owner "
                     "crosses to the other one")
    return row


def seeded_node(options, name, settings):
    """A node whose catalogue was there before its processes started, so that no worker has yet to hear of it."""
    store = options.mysql_settings()
    with Beckon(options.directory("seed"), store) as node:
        catalogue.seed(node)
    return Beckon(options.directory("workers"), {**store, **settings}, name, options.mariadb().pid)


def check_stored_claims(options, node, shown):
    """A common port reaches only one worker's metrics, so the database is asked."""
    stored = int(options.mariadb().sql(f"SELECT COUNT(*) FROM {node.settings['mysql.database']}.user_state"))
    if stored < shown:
        raise BenchFailed(f"{node.name}: {shown} users were shown a popup, and {stored} are in the database")
