"""Rows about connections: one per request, very many open at once, very many new ones, and what each costs."""

import contextlib
import resource
import socket

import catalogue
from generator import Load, LoadRun, cpu_figures, load_figures
from peers.nginx import Nginx
from row import KIB, MIB, PLACEMENT, Row
from rounds import ratio, take_turns
from servers import Beckon, BenchFailed, wait_until
from system_calls import count_system_calls

DESCRIPTORS = 20_000  # of each process
NODES = 3
OPEN_EACH = 17_000
OPEN_RATE = 5_000
STORM_RATE = 20_000


def per_request(options):
    """Each request on a connection of its own."""
    row = Row("a connection per request, 64 at a time")
    users = options.scaled(20_000)
    with Beckon(options.directory("beckon")) as beckon:
        catalogue.seed(beckon)
        body = catalogue.cool_down(beckon, users)
        with Nginx(options.directory("nginx"), body) as one, Nginx(options.directory("nginx"), body, "auto") as auto:
            rounds = take_turns(row, options, [one, beckon, auto], lambda server, _: Load(
                64, options.seconds, "close", "pool", users, marker='"COOLDOWN"' if server is beckon else ""))
    row.target("requests/s / nginx (1 worker)", ratio(rounds, beckon.name, one.name, "requests_per_s"),
               least=0.5, aim=0.9)
    return row


def open_connections(options):
    """Three nodes, each a process with its own limit of descriptors, and a generator for each. Every connection has
    an answer again and again: the next request takes the one that has waited for longest."""
    each, rate = options.scaled(OPEN_EACH), OPEN_RATE
    row = Row(f"open connections: {NODES * each:,} on {NODES} nodes, all answered, at {rate:,} requests/s")
    seconds = max(options.seconds, 2 * NODES * each // rate + 1)  # each connection is used twice at least
    settings = {"limits.connections-max": each + 200, "http.idle-timeout-ms": 600_000}
    with contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(Beckon(options.directory("node"), settings, f"beckon {n + 1}",
                                            descriptors=DESCRIPTORS)) for n in range(NODES)]
        for node in nodes:
            catalogue.seed(node)
            catalogue.cool_down(node, 1000)
        mix = {"users": {"count": 1000, "prefix": "idle-"}, "placements": [PLACEMENT]}
        before = [node.cpu_seconds() for node in nodes]
        loads = [stack.enter_context(LoadRun(options.directory("load"), [node.port], mix, rate=rate // NODES,
                                             seconds=seconds, connections=each, seed=n + 1, descriptors=DESCRIPTORS))
                 for n, node in enumerate(nodes)]
        wait_until(lambda: sum(node.metric("beckon_http_connections") for node in nodes) >= NODES * each,
                   "all connections are open", seconds, 0.1)
        documents = [load.end() for load in loads]
        after = [node.cpu_seconds() for node in nodes]
        total = 0
        for node, document, start, end in zip(nodes, documents, before, after):
            check_each_answered(node, document, each)
            figures = load_figures(document)
            row.figures[node.name] = {**figures, **cpu_figures(start, end, figures["requests"]),
                                      "connections": each, "peak_rss_mib": node.memory("VmHWM") / MIB}
            total += each
    row.notes.append(f"{DESCRIPTORS:,} descriptors for each process; connections are used in turn, each about twice or "
                     f"more; latencies from when a request was due; {seconds} s. The nodes do not know of each other")
    row.target("connections open and answered", total, least=NODES * each)
    row.target("p99, ms, the worst node", max(one["p99_ms"] for one in row.figures.values()), most=500)
    return row


def check_each_answered(node, document, each):
    """Connections are used in turn, so with twice as many answers as connections each had one at least."""
    if document["connects"] != each or document["connect_failures"]:
        raise BenchFailed(f"{node.name}: {document['connects']} connects for {each} connections, "
                          f"{document['connect_failures']} failed: some were closed meanwhile")
    if document["kinds"]["all"]["answered"] < 2 * each:
        raise BenchFailed(f"{node.name}: only {document['kinds']['all']['answered']} answers on {each} connections")


def storm(options):
    """New connections at a steady rate, one request on each, whatever happened to earlier ones."""
    rate = STORM_RATE // 4 if options.quick else STORM_RATE
    row = Row(f"a storm of {rate:,} new connections/s, one request on each")
    with Beckon(options.directory("beckon")) as beckon:
        catalogue.seed(beckon)
        catalogue.cool_down(beckon, 1000)
        mix = {"users": {"count": 1000, "prefix": "storm-"}, "placements": [PLACEMENT], "connection": "per-request"}

        def run(seconds, wrapped_in=()):
            with LoadRun(options.directory("load"), [beckon.port], mix, rate=rate, seconds=seconds, connections=2048,
                         wrapped_in=wrapped_in) as load:
                return load.end()

        before = beckon.cpu_seconds()
        document = run(options.seconds)
        figures = load_figures(document)
        row.figures["beckon"] = {**figures, **cpu_figures(before, beckon.cpu_seconds(), figures["requests"]),
                                 "connections": document["connects"], "peak_rss_mib": beckon.memory("VmHWM") / MIB}
        row.figures["beckon"]["system_calls"], counter = count_system_calls(
            beckon, lambda words: load_figures(run(1, words))["requests"])
    row.notes.append(f"system calls counted by {counter} in a round of its own")
    row.notes.append("open loop: latencies from when a connection was due; every one was answered")
    row.target("new connections/s", figures["requests_per_s"], least=0.95 * rate)
    return row


def hold_open(port, count):
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


def idle_memory(options):
    """Resident memory for each open connection that has had one answer and now waits."""
    row = Row("memory per idle connection")
    count = options.scaled(10_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 1000), hard))
    per_connection = []
    with Beckon(options.directory("beckon"), {"limits.connections-max": count + 100,
                                              "http.idle-timeout-ms": 600_000}) as beckon:
        for sock in hold_open(beckon.port, 50):
            sock.close()
        base = beckon.settled_rss()
        for _ in range(3):
            made = hold_open(beckon.port, count)
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
                             "rss_before_mib": base / MIB, "rss_after_closing_mib": after / MIB}
    row.target("KiB per idle connection, the worst of three times", max(per_connection), most=8, aim=3)
    return row
