"""Rows about the process: memory per cached user, and how soon it listens."""

import statistics

import catalogue
from row import MIB, Row
from servers import Beckon, BenchFailed, ask


def rss_with_users(options, users, shard_users_max):
    """Resident memory after claims for that many users, and the number of users in the cache."""
    settings = {"limits.shard-users-max": shard_users_max, "sqlite.cache-kib": 4096}
    with Beckon(options.directory("beckon"), settings) as beckon:
        catalogue.seed(beckon)
        before = beckon.settled_rss()
        catalogue.cool_down(beckon, users, "cached-{:08d}")
        return before, beckon.settled_rss(), beckon.metric("beckon_cached_users")


def cached_users(options):
    """Memory per cached user: the same claims on a node that keeps all users and on one that keeps next to none, so
    that the store's own memory is in both and drops out."""
    row = Row("memory per cached user")
    users = options.scaled(100_000)
    _, without, few = rss_with_users(options, users, 1)
    before, with_all, many = rss_with_users(options, users, users)
    if many < users or few > users / 10:
        raise BenchFailed(f"{many:.0f} and {few:.0f} users are cached, not {users} and next to none")
    each = (with_all - without) / (many - few)
    row.figures["beckon"] = {"users": users, "bytes_each": each, "rss_before_mib": before / MIB,
                             "rss_all_cached_mib": with_all / MIB, "rss_none_cached_mib": without / MIB}
    row.target("bytes per cached user", each, most=1024, aim=400)
    row.notes.append(f"all growth of the process put on the users: {(with_all - before) / users:.0f} bytes each")
    return row


def empty_start(options):
    """From the start of the process to its first answer, on a directory that does not exist."""
    row = Row("start on an empty directory")
    times = []
    for _ in range(3 if options.quick else 10):
        with Beckon(options.directory("beckon")) as beckon:
            if ask(beckon.port, "GET", "/readyz")[0] != 200:
                raise BenchFailed(f"listening and not ready\n{beckon.log()}")
            times.append(beckon.start_ms)
    row.figures["beckon"] = {"median_ms": statistics.median(times), "slowest_ms": max(times), "starts": len(times)}
    row.target("slowest start, ms", max(times), most=1000)
    return row
