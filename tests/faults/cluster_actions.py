"""What each kind of fault does to a running cluster. Those of the database server do the same as to a single node."""

import signal
import threading
import time

from actions import ACTIONS, BRING_UP_S, POLL_S, Action, FaultFailed, KillServer, LinkFault, PauseServer, now_us
from cluster_system import STOP_S, each
from cluster_view import look


class NodeAction(Action):
    """Hits one or more members."""

    def __init__(self, system, fault):
        super().__init__(system, fault)
        self.victim = self.choice.choice(system.nodes)

    def terminate(self, node):
        """SIGTERM, which must end it with 0."""
        node.signal(signal.SIGTERM)
        code = node.wait(STOP_S)
        if code != 0:
            raise FaultFailed(f"{node.name} ended with {code} on SIGTERM\n{node.log_text()}")


class KillMembers(NodeAction):
    """Usually one, sometimes two or all."""

    def __init__(self, system, fault):
        super().__init__(system, fault)
        count = self.choice.choices((1, 2, len(system.nodes)), (7, 2, 1))[0]
        self.victims = self.choice.sample(system.nodes, count)

    def begin(self):
        for node in self.victims:
            node.must_run()
            node.send_signal(signal.SIGSTOP)  # requests go on arriving: some are in work when it dies
        time.sleep(self.choice.uniform(0.02, 0.1))
        for node in self.victims:
            node.kill()

    def end(self):
        self.ended_us = now_us()
        each(self.victims, lambda node: node.bring_up(BRING_UP_S))


class KillStartingMember(NodeAction):
    """Killed, started, and killed again after `lasts_s`: most likely while it joins."""

    def begin(self):
        self.victim.must_run()
        self.victim.kill()

    def last(self):
        node, before, killed = self.victim, self.victim.starts, []

        def kill_next():
            deadline = time.monotonic() + BRING_UP_S
            while node.starts == before or not node.running():
                if time.monotonic() > deadline:
                    return
                time.sleep(POLL_S)
            time.sleep(self.fault.lasts_s)
            if node.running():
                killed.append(node.pid)
                node.send_signal(signal.SIGKILL)

        killer = threading.Thread(target=kill_next)
        killer.start()
        node.bring_up(BRING_UP_S)
        killer.join()
        self._listened_before = bool(killed) and killed[0] == node.pid

    def end(self):
        self.ended_us = now_us()
        if self._listened_before:
            self.victim.kill()
            self.victim.bring_up(BRING_UP_S)


class DrainMember(NodeAction):
    """restart-node and drain-node: they differ in the downtime."""

    def begin(self):
        self.victim.must_run()
        self.terminate(self.victim)
        self.hits = self.system.answered(self.began_us, now_us())

    def end(self):
        self.ended_us = now_us()
        self.victim.bring_up(BRING_UP_S)


class RollingRestart(NodeAction):
    def begin(self):
        for node in self.system.nodes:
            node.must_run()
            self.terminate(node)
            node.bring_up(BRING_UP_S)
            time.sleep(self.fault.lasts_s)
        self.hits = self.system.answered(self.began_us, now_us())

    def last(self):
        pass

    def end(self):
        self.ended_us = now_us()


class StopMember(NodeAction):
    """pause-node and freeze-node."""

    def begin(self):
        self.victim.must_run()
        self.victim.send_signal(signal.SIGSTOP)

    def end(self):
        self.victim.send_signal(signal.SIGCONT)
        self.ended_us = now_us()


class Join(NodeAction):
    """One more node joins, gets shards, and leaves."""

    def begin(self):
        self.system.joiner.bring_up(BRING_UP_S)

    def last(self):
        until = time.monotonic() + self.fault.lasts_s
        while time.monotonic() < until:
            view = look(self.system.joiner)
            self.hits = max(self.hits, len(view.shards_of(view.self)))
            time.sleep(POLL_S)

    def end(self):
        self.terminate(self.system.joiner)
        self.ended_us = now_us()


class Part(NodeAction):
    """Separates one member from all others; all still reach the database."""

    def begin(self):
        network, mine = self.system.network, self.victim.name
        for other in self.system.nodes:
            if other is self.victim:
                continue
            if self.fault.kind == "part-cut":
                network.cut(mine, other.name)
            if self.fault.kind in ("part-both", "part-out"):
                network.hold(mine, other.name)
            if self.fault.kind in ("part-both", "part-in"):
                network.hold(other.name, mine)

    def end(self):
        self.wait_until_it_hit(self.suffered)
        self.system.network.heal()
        self.ended_us = now_us()


class LoseServer(LinkFault):
    """The database and one member do not hear each other."""

    def begin(self):
        self.links = [self.choice.choice(self.system.nodes).link]
        self.links[0].begin("hold", self.fault.seed)


CLUSTER_ACTIONS = {
    "kill-node": KillMembers, "kill-starting": KillStartingMember, "restart-node": DrainMember,
    "drain-node": DrainMember, "rolling-restart": RollingRestart, "pause-node": StopMember, "freeze-node": StopMember,
    "join-node": Join, "part-both": Part, "part-out": Part, "part-in": Part, "part-cut": Part,
    "lose-server": LoseServer, "kill-server": KillServer, "pause-server": PauseServer,
    **{kind: LinkFault for kind in ("refuse", "cut-bytes", "commit-before", "commit-after")}}
assert set(ACTIONS) - set(CLUSTER_ACTIONS) == {"disk-full"}
