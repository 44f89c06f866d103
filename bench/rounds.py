"""Rounds in turn, so that a noisy minute of the machine hits all servers alike."""

import os
import statistics
import time

from generator import Load, kept_rounds, medians, run_wrk
from row import MIB
from servers import BenchFailed
from system_calls import count_system_calls

CALLS_PASS_S = 1


def take_turns(row, options, servers, load_of, system_calls=True):
    """Runs `load_of(server, round)` against each server in turn and fills the row with medians of the rounds. The
    first round is short and does not count."""
    rounds = {server.name: [] for server in servers}
    for number in range(options.rounds + 1):
        for server in servers:
            load = load_of(server, number)
            if number:
                rounds[server.name].append(run_wrk(server, load))
            else:
                load.seconds = 1
                run_wrk(server, load)
    for server in servers:
        figures = medians(rounds[server.name])
        if system_calls:
            load = load_of(server, options.rounds + 1)
            load.seconds = CALLS_PASS_S
            figures["system_calls"], counter = count_system_calls(
                server, lambda words, one=server, with_load=load: run_wrk(one, with_load, words)["requests"])
        figures["peak_rss_mib"] = server.memory("VmHWM") / MIB
        row.figures[server.name] = figures
        row.rounds[server.name] = kept_rounds(rounds[server.name])
    said = f"medians of {options.rounds} rounds of {options.seconds} s in turn; no error and no wrong answer in any"
    if said not in row.notes:
        row.notes.append(said)
    if system_calls:
        row.notes.append(f"system calls counted by {counter} in a round of {CALLS_PASS_S} s of its own")
    return rounds


def ratio(rounds, one, other, figure):
    """The median of the ratios of each round."""
    return statistics.median(a[figure] / b[figure] for a, b in zip(rounds[one], rounds[other]))


def fresh_load(options, connections, marker='"MATCH"'):
    """Each request is for a user who was never seen, in any round."""
    return lambda server, number: Load(connections, options.seconds, "fresh", f"round-{number}", marker=marker)


def pool_load(options, connections, count, marker='"COOLDOWN"', how="pool", unchecked=()):
    """Requests for users in cooldown. Answers of `unchecked` servers are not checked."""
    return lambda server, _: Load(connections, options.seconds, how, "pool", count,
                                  marker="" if server in unchecked else marker)


def fsync_ms(directory):
    """The time of a durable 4 KiB write on the disk below `directory`."""
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


def note_disk(row, options):
    row.notes.append(f"one append of 4 KiB with fsync takes {fsync_ms(options.root):.2f} ms on this disk (median)")


def check_claims(node, shown):
    """The node has charged every showing that was answered; more is right: warm-up, and what was in flight."""
    claims = node.metric("beckon_claims_total")
    if claims < shown:
        raise BenchFailed(f"{shown} popups were shown and {claims:.0f} claims were made")
