"""Who may join a cluster, and what two workers are in it."""

import glob
import time

import pytest

from beckon_node import run_program
from cluster import make_cluster  # noqa: F401  (fixture)
from cluster_view import look, wait_until, wait_until_known
from shop import decide, outcome, popup, save, to_ms, unique


@pytest.fixture
def shifted(monkeypatch):
    """shifted(1.5) gives processes started from now on a clock that is 1.5 s ahead."""
    def shift(seconds):
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        assert found, "faketime is not installed: run script/bootstrap"
        if not seconds:
            monkeypatch.delenv("LD_PRELOAD")
            return
        monkeypatch.setenv("LD_PRELOAD", found[0])
        monkeypatch.setenv("FAKETIME", f"{seconds:+}s")
        for name in ("FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC"):
            monkeypatch.setenv(name, "1")
    return shift


def join_in_vain(cluster, tmp_path, **more):
    """Standard error of a start that must end with 1."""
    words = {**cluster.settings, "http.port": 0, "node.data-dir": tmp_path / "vain", **more}
    done = run_program("serve", *[f"--{key}={value}" for key, value in words.items()], timeout_s=10)
    assert done.returncode in (1, 2) and b"listening" not in done.stdout, done
    return done.stderr.decode()


def test_a_clock_that_is_a_little_off_is_warned_of_and_harmless(make_cluster, shifted):  # noqa: F811
    cluster = make_cluster()
    right = cluster.start(1)[0]
    shifted(1)
    wrong = cluster.add()
    shifted(0)
    cluster.wait_until_settled()
    wait_until(lambda: "clock" in wrong.log_text(1 << 20), "the clock is warned of", 5)
    off_ms = look(wrong).document["self"]["clock_off_ms"]
    # A busy machine may answer late, which counts half.
    assert 500 < off_ms < 1500 and abs(look(right).document["self"]["clock_off_ms"]) < 500
    home, every_ms = unique("home"), 2000
    with right.client() as client:
        shown = save(client, popup(home, frequency={"every": f"{every_ms}ms"}))
    wait_until_known((right, wrong), shown)
    for owner in (right, wrong):  # whoever decides, and whoever is asked
        user = cluster.users_of(owner)[0]
        began_ms = time.time() * 1000
        document, reason = ask(right, user, home)
        told_ms = to_ms(document["next_eligible_at"])
        assert reason == "MATCH" and began_ms + every_ms - 200 <= told_ms <= began_ms + every_ms + 1000
        reasons = []
        while (now_ms := time.time() * 1000) < told_ms + 100:
            for node in (right, wrong):
                reasons.append((now_ms - told_ms, ask(node, user, home)[1]))
            time.sleep(0.01)  # between two looks
        early = [ms for ms, reason in reasons if reason == "MATCH" and ms < -50]
        assert not early, f"shown {early} ms before it might"


def ask(node, user, placement, **more):
    with node.client() as client:
        document = decide(client, user, placement, **more)
    return document, outcome(document, placement)[1]


def test_a_clock_that_is_far_off_may_not_join(make_cluster, shifted, tmp_path):  # noqa: F811
    cluster = make_cluster()
    node = cluster.start(1)[0]
    for seconds, words in ((5, "ahead of"), (-5, "behind")):
        shifted(seconds)
        said = join_in_vain(cluster, tmp_path)
        shifted(0)
        assert "clock" in said and words in said and "chrony" in said, said
    assert len(look(node).nodes) == 1


def test_another_clusters_name_is_refused(make_cluster, tmp_path):  # noqa: F811
    cluster = make_cluster({"cluster.name": "north"})
    node = cluster.start(1)[0]
    said = join_in_vain(cluster, tmp_path, **{"cluster.name": "south"})
    assert "north" in said and "south" in said and cluster.database() in said, said
    assert len(look(node).nodes) == 1


def test_two_workers_are_two_nodes(make_cluster):  # noqa: F811
    cluster = make_cluster({"workers.count": 2})
    node = cluster.add()
    view, _ = wait_until(lambda: (lambda v: v.settled() and len(v.living()) == 2 and v)(look(node)), "two nodes", 20)
    assert len({one["address"] for one in view.nodes.values()}) == 2
    home = unique("home")
    with node.client() as client:
        save(client, popup(home, frequency={"every": "1h"}))
    for _ in range(8):  # whichever of them accepts the connection, and whichever owns the user
        user = unique("u")
        wait_until(lambda: ask(node, user, home)[1] != "NO_POPUP", "the popup is known", 5)  # noqa: B023
        assert [ask(node, user, home)[1] for _ in range(4)] == ["COOLDOWN"] * 4
