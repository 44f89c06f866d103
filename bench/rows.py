"""The rows of the benchmark. Each takes an Options and returns a Row; a wrong answer ends the run."""

import os
import resource
import socket
import statistics
import time

from filling import claim_users
from generator import medians, run_wrk
from servers import Beckon, BenchFailed, Nginx, ask, must, wait_until

PLACEMENT = "home"
KIB = 1024


class Options:
    """How long and how much. `quick` is for a look, not for a statement."""

    def __init__(self, root, seconds, rounds, quick):
        self.root = root        # a directory on the disk that is to be measured
        self.seconds = seconds  # of one round of one server
        self.rounds = rounds
        self.quick = quick
        self.count = 0

    def directory(self, name):
        self.count += 1
        return self.root / f"{self.count:02d}-{name}"

    def scaled(self, number):
        return number // 10 if self.quick else number


class Row:
    """One row: figures for each server, and what must be reached."""

    def __init__(self, name):
        self.name = name
        self.figures = {}  # server -> {figure: value}
        self.targets = []  # {"what", "value", "bound", "reached"}
        self.notes = []

    def target(self, what, value, least=None, most=None):
        reached = (least is None or value >= least) and (most is None or value <= most)
        bound = f"≥ {least:g}" if least is not None else f"≤ {most:g}"
        self.targets.append({"what": what, "value": value, "bound": bound, "reached": reached})

    def document(self):
        return {"row": self.name, "figures": self.figures, "targets": self.targets, "notes": self.notes}


def seed(port, min_gap=None, popups=12):
    """A catalogue like a shop's: some popups at the placement, more elsewhere."""
    if min_gap:
        must(port, "PUT", "/v1/settings", {"min_gap": min_gap})
    for n in range(popups):
        place = PLACEMENT if n % 3 == 0 else f"place-{n}"
        must(port, "PUT", f"/v1/popups/popup-{n:02d}", {
            "id": f"popup-{n:02d}", "status": "live", "placements": [place], "priority": 100 - n,
            "frequency": {"every": "24h", "after_dismiss": "7d", "stop_after": ["convert"]},
            "content": {"title": "Ten per cent off", "body": "For your first order today", "image": "/i/offer.webp",
                        "cta": {"label": "Show me", "url": "https://shop.example/offer"}}})


def cooled_down_decide(options):
    """Users that must wait: the hot path. Beckon's answers are all looked at, nginx's are not, which favours nginx."""
    row = Row("cooled-down decide")
    users = options.scaled(20_000)
    with Beckon(options.directory("beckon")) as beckon:
        seed(beckon.port, "7d")
        claim_users(beckon.port, (f"pool-{n:06d}" for n in range(users)), PLACEMENT)
        body = ask(beckon.port, "POST", "/v1/decide", {"user": "pool-000000", "placements": [PLACEMENT]})[1].decode()
        if '"COOLDOWN"' not in body:
            raise BenchFailed(f"a cooled-down user got {body}")
        with Nginx(options.directory("nginx"), body) as one, Nginx(options.directory("nginx"), body, "auto") as auto:
            rounds = alternate([one, beckon, auto], options, 64, "pool", lambda _: "pool", users, '"COOLDOWN"')
            finish_comparison(row, rounds, [one, beckon, auto])
    ratios = [b["requests_per_s"] / n["requests_per_s"] for b, n in zip(rounds["beckon"], rounds[one.name])]
    costs = [b["cpu_us"] / n["cpu_us"] for b, n in zip(rounds["beckon"], rounds[one.name])]
    row.target("requests/s, ratio to nginx with one worker", statistics.median(ratios), least=0.4)
    row.target("CPU per request, ratio to nginx with one worker", statistics.median(costs), most=3.5)
    return row


def claiming_decide(options):
    """Each request is for a new user and answered only after its claim is on disk."""
    row = Row("claiming decide")
    row.notes.append(f"one append of 4 KiB with fsync takes {fsync_ms(options.root):.2f} ms on this disk (median)")
    with Beckon(options.directory("beckon")) as beckon:
        seed(beckon.port, "7d")
        body = ask(beckon.port, "POST", "/v1/decide", {"user": "sample", "placements": [PLACEMENT]})[1].decode()
        with Nginx(options.directory("nginx"), body) as one:
            rounds = alternate([one, beckon], options, 256, "fresh", lambda n: f"round-{n}", 0, '"MATCH"')
            finish_comparison(row, rounds, [one, beckon])
            claims = beckon.metric("beckon_claims_total")
            answered = row.figures["beckon"]["requests"] + 1
            if claims < answered:  # more is right: the warm-up, and what is in flight when a round ends
                raise BenchFailed(f"{answered} popups were shown and {claims:.0f} claims were made")
    row.target("claims/s", row.figures["beckon"]["requests_per_s"], least=12_000)
    row.target("p99, ms", row.figures["beckon"]["p99_ms"], most=70)
    return row


def alternate(servers, options, connections, how, prefix, count, marker):
    """Short rounds in turn, so that a noisy minute of the machine hits all alike. The first round warms up."""
    rounds = {server.name: [] for server in servers}
    for number in range(options.rounds + 1):
        for server in servers:
            seconds = options.seconds if number else 1
            checked = marker if server.name == "beckon" else ""
            one = run_wrk(server, connections, seconds, how, prefix(number), count or 1, PLACEMENT, checked)
            if number:
                rounds[server.name].append(one)
    return rounds


def finish_comparison(row, rounds, servers):
    for server in servers:
        row.figures[server.name] = {**medians(rounds[server.name]), "peak_rss_mib": server.memory("VmHWM") / KIB / KIB}
    row.notes.append(f"medians of {len(rounds['beckon'])} rounds in turn; no error and no wrong answer in any")


def fsync_ms(directory):
    times = []
    path = directory / "fsync.probe"
    with open(path, "wb", buffering=0) as file:
        for _ in range(40):
            began = time.monotonic()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            times.append((time.monotonic() - began) * 1000)
    path.unlink()
    return statistics.median(times)


def open_connections(port, count):
    """Open keep-alive connections, each of which has had one answer."""
    request = b"GET /v1/decide?user=idle&placement=nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"
    made = []
    for _ in range(count):
        sock = socket.create_connection(("127.0.0.1", port), 10)
        made.append(sock)
        sock.sendall(request)
    for sock in made:
        data = sock.recv(65536)
        if not data.startswith(b"HTTP/1.1 200"):
            raise BenchFailed(f"an idle connection was answered {data[:200]!r}")
    return made


def idle_connections(options):
    """Resident memory for each open connection that has had one answer and now waits."""
    row = Row("idle connections")
    count = options.scaled(5000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 1000), hard))
    per_connection = []
    with Beckon(options.directory("beckon"), {"limits.connections-max": count + 100,
                                              "http.idle-timeout-ms": 600_000}) as beckon:
        for sock in open_connections(beckon.port, 50):
            sock.close()
        base = beckon.settled_rss()
        for _ in range(3):
            made = open_connections(beckon.port, count)
            per_connection.append((beckon.settled_rss() - base) / count / KIB)
            open_now = beckon.metric("beckon_http_connections")
            if open_now < count:
                raise BenchFailed(f"only {open_now:.0f} of {count} connections are open")
            for sock in made:
                sock.close()
            wait_until(lambda: beckon.metric("beckon_http_connections") < 20, "the connections are closed")
        after = beckon.settled_rss()
    row.figures["beckon"] = {"connections": count, **{f"kib_each_time_{n + 1}": value
                                                      for n, value in enumerate(per_connection)},
                             "rss_before_mib": base / KIB / KIB, "rss_after_closing_mib": after / KIB / KIB}
    row.target("KiB per idle connection, the worst of three times", max(per_connection), most=10)
    return row


def rss_with_users(options, users, shard_users_max):
    """Resident memory after claims for that many users, and the number of users in the cache."""
    settings = {"limits.shard-users-max": shard_users_max, "sqlite.cache-kib": 4096}
    with Beckon(options.directory("beckon"), settings) as beckon:
        seed(beckon.port, "7d")
        before = beckon.settled_rss()
        answered = claim_users(beckon.port, (f"cached-{n:08d}" for n in range(users)), PLACEMENT)
        if answered != users:
            raise BenchFailed(f"{answered} of {users} users were claimed")
        return before, beckon.settled_rss(), beckon.metric("beckon_cached_users")


def cached_users(options):
    """Memory per cached user: the same claims on a node that keeps all users and on one that keeps next to none, so
    that the store's own memory is in both and drops out."""
    row = Row("cached users")
    users = options.scaled(100_000)
    _, without, few = rss_with_users(options, users, 1)
    before, with_all, many = rss_with_users(options, users, users)
    if many < users or few > users / 10:
        raise BenchFailed(f"{many:.0f} and {few:.0f} users are cached, not {users} and next to none")
    each = (with_all - without) / (many - few)
    row.figures["beckon"] = {"users": users, "bytes_each": each, "rss_before_mib": before / KIB / KIB,
                             "rss_all_cached_mib": with_all / KIB / KIB, "rss_none_cached_mib": without / KIB / KIB}
    row.target("bytes per cached user", each, most=1024)
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


ROWS = {
    "cooled-down": cooled_down_decide,
    "claiming": claiming_decide,
    "idle": idle_connections,
    "cached": cached_users,
    "start": empty_start,
}
