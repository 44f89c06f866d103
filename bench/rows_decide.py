"""Rows about decide: users in cooldown, durable claims, both stores, and the cost of growth."""

import catalogue
from generator import Load, run_wrk
from peers.nginx import Nginx
from peers.r0_stack import R0Stack
from row import Row
from rounds import check_claims, fresh_load, note_disk, pool_load, ratio, take_turns
from servers import Beckon, BenchFailed

WEEK_S = 7 * 86400
DATABASE_CONNECTIONS_MAX = 16


def cooled_down(options):
    """Users in cooldown: the hot path. nginx's answers are not checked, which favours nginx."""
    row = Row("cooled-down decide, keep-alive, 64 connections")
    users = options.scaled(20_000)
    with Beckon(options.directory("beckon")) as beckon, R0Stack(options.directory("r0"), options) as r0:
        catalogue.seed(beckon)
        body = catalogue.cool_down(beckon, users)
        r0.cool_down((f"pool-{n:06d}" for n in range(users)), WEEK_S)
        theirs = catalogue.sample(r0, "pool-000000", "COOLDOWN")
        with Nginx(options.directory("nginx"), body) as one, Nginx(options.directory("nginx"), body, "auto") as auto:
            rounds = take_turns(row, options, [one, beckon, r0, auto],
                                pool_load(options, 64, users, unchecked=(one, auto)))
    row.notes.append(f"bytes of an answer's body: {len(body)}, of the R0 stack's {len(theirs)}")
    row.target("CPU per request / nginx (1 worker)", ratio(rounds, beckon.name, one.name, "cpu_us"), most=3.0, aim=1.5)
    row.target("requests/s / nginx (1 worker)", ratio(rounds, beckon.name, one.name, "requests_per_s"),
               least=0.45, aim=0.9)
    row.target("requests/s / R0 stack", ratio(rounds, beckon.name, r0.name, "requests_per_s"), least=6, aim=12)
    return row


def claims_sqlite(options):
    """Each request is for a new user and answered only after its claim is on disk."""
    row = Row("decide where each is a durable claim, SQLite, 256 connections")
    note_disk(row, options)
    with Beckon(options.directory("beckon")) as beckon:
        catalogue.seed(beckon)
        body = catalogue.sample(beckon, "sample", "MATCH")
        with Nginx(options.directory("nginx"), body) as nginx:
            fresh = fresh_load(options, 256)
            take_turns(row, options, [nginx, beckon],
                       lambda server, number: without_marker(fresh(server, number), server is nginx))
        check_claims(beckon, row.figures["beckon"]["requests"] + 1)
    row.target("claims/s", row.figures["beckon"]["requests_per_s"], least=20_000, aim=50_000)
    row.target("p99, ms", row.figures["beckon"]["p99_ms"], most=70)
    return row


def without_marker(load, yes):
    if yes:
        load.script[-1] = ""
    return load


def claims_mariadb(options):
    """The same with MariaDB, which flushes its log for each commit, on the same cores and the same disk."""
    row = Row("decide where each is a durable claim, MariaDB on the same cores, 256 connections")
    note_disk(row, options)
    store = options.mariadb()
    flush = store.sql("SELECT @@innodb_flush_log_at_trx_commit").strip()
    if flush != "1":
        raise BenchFailed(f"innodb_flush_log_at_trx_commit is {flush}, not 1: claims would not be durable")
    with Beckon(options.directory("beckon"), options.mysql_settings(), store_pid=store.pid) as beckon, \
            R0Stack(options.directory("r0"), options) as r0:
        catalogue.seed(beckon)
        r0.seed(catalogue.popups(), WEEK_S)
        catalogue.sample(r0, "sample", "MATCH")
        take_turns(row, options, [beckon, r0], fresh_load(options, 256))
        check_claims(beckon, row.figures["beckon"]["requests"])
        connections = most_connections(store, beckon, Load(256, 1, "fresh", "connections", marker='"MATCH"'))
    row.figures["beckon"]["database_connections"] = connections
    row.notes.append("the R0 stack answers before anything is on a disk; its worker writes later")
    row.target("claims/s", row.figures["beckon"]["requests_per_s"], least=12_000, aim=30_000)
    row.target("p99, ms", row.figures["beckon"]["p99_ms"], most=70)
    row.target("database connections of the node", connections, most=DATABASE_CONNECTIONS_MAX)
    return row


def most_connections(store, node, load):
    """The most connections that the node has on the server at any moment of one more round."""
    database = node.settings["mysql.database"]
    others = int(store.sql("FLUSH STATUS; SELECT COUNT(*) FROM information_schema.processlist WHERE user != "
                           f"'system user' AND (db IS NULL OR db != '{database}')"))
    run_wrk(node, load)
    most = int(store.sql("SHOW GLOBAL STATUS LIKE 'Max_used_connections'").split()[1])
    if most <= others:
        raise BenchFailed("the node has no connection to MariaDB; what was measured?")
    return most - others


def cooled_down_mariadb(options):
    """The hot path does not touch the store, so the store must not matter."""
    row = Row("cooled-down decide with MariaDB, compared with SQLite, 64 connections")
    users = options.scaled(20_000)
    store = options.mariadb()
    with Beckon(options.directory("sqlite"), name="beckon (SQLite)") as sqlite, \
            Beckon(options.directory("mariadb"), options.mysql_settings(), "beckon (MariaDB)", store.pid) as mysql:
        for node in (sqlite, mysql):
            catalogue.seed(node)
            catalogue.cool_down(node, users)
        rounds = take_turns(row, options, [sqlite, mysql], pool_load(options, 64, users))
    row.target("requests/s, MariaDB / SQLite", ratio(rounds, mysql.name, sqlite.name, "requests_per_s"), least=0.95)
    return row


def growth_popups(options):
    """A larger catalogue: five popups, all at the placement, against 350, ten of them there."""
    row = Row("growth: catalogue of 5 → 350 popups, 10 at the placement")
    users = options.scaled(20_000)
    with Beckon(options.directory("small"), name="5 popups") as small, \
            Beckon(options.directory("large"), name="350 popups") as large:
        catalogue.seed(small, count=5, at_placement=5)
        catalogue.seed(large, count=350, at_placement=10)
        for node in (small, large):
            catalogue.cool_down(node, users)
        rounds = take_turns(row, options, [small, large], pool_load(options, 64, users))
    row.target("CPU per request, 350 / 5 popups", ratio(rounds, large.name, small.name, "cpu_us"), most=1.2, aim=1.05)
    return row


def growth_users(options):
    """More users in memory, each asked for as often as any other."""
    few, many = options.scaled(10_000), options.scaled(1_000_000)
    row = Row(f"growth: {few:,} → {many:,} cached users")
    settings = {"limits.shard-users-max": many // 200 + 100}  # 256 shards; none is dropped
    with Beckon(options.directory("few"), settings, f"{few:,} users") as small, \
            Beckon(options.directory("many"), settings, f"{many:,} users") as large:
        for node, count in ((small, few), (large, many)):
            catalogue.seed(node)
            catalogue.cool_down(node, count, "pool-{:08d}")
            cached = node.metric("beckon_cached_users")
            if cached < count:
                raise BenchFailed(f"{cached:.0f} of {count} users are cached")
        rounds = take_turns(row, options, [small, large], lambda server, _: Load(
            64, options.seconds, "walk", "pool", few if server is small else many, marker='"COOLDOWN"'))
    row.target(f"CPU per request, {many:,} / {few:,} users", ratio(rounds, large.name, small.name, "cpu_us"),
               most=1.3, aim=1.1)
    return row
