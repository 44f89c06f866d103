"""The kinds of faults: how each begins, lasts and ends on a running system."""

import random
import signal
import threading
import time

BRING_UP_S = 30.0
STOP_S = 20.0
EXTRA_S = 10.0  # at most so long is a fault prolonged until it has hit something
POLL_S = 0.01


def now_us():
    return time.time_ns() // 1000


class FaultFailed(AssertionError):
    """The system did not survive a fault, or the fault could not be made."""


class Action:
    """One fault. run() blocks until it is over. `hits`: its known effects; `ended_us`: when the system had everything
    back and should recover."""

    def __init__(self, system, fault):
        self.system = system
        self.fault = fault
        self.choice = random.Random(fault.seed)
        self.began_us = self.ended_us = 0
        self.failed_starts = 0  # of the node, before
        self.hits = 0

    def run(self):
        time.sleep(self.fault.start_s)
        self.began_us = now_us()
        self.failed_starts = self.system.failed_starts()
        self.begin()
        self.last()
        self.end()

    def last(self):
        time.sleep(self.fault.lasts_s)

    def begin(self):
        raise NotImplementedError

    def end(self):
        raise NotImplementedError

    def suffered(self):
        """A starting node suffers too."""
        return (self.system.suffered(self.began_us, self.ended_us or now_us())
                + self.system.failed_starts() - self.failed_starts)

    def wait_until_it_hit(self, hits):
        deadline = time.monotonic() + EXTRA_S
        while hits() == 0 and time.monotonic() < deadline:
            time.sleep(POLL_S)

    def count(self):
        """Called when the round is over and all requests are answered."""
        self.hits = self.hits or self.suffered()


class KillNode(Action):
    def begin(self):
        node = self.system.node
        node.must_run()
        node.send_signal(signal.SIGSTOP)  # requests go on arriving: some are in work when it dies
        time.sleep(self.choice.uniform(0.02, 0.1))
        node.kill()

    def end(self):
        self.ended_us = now_us()
        self.system.node.bring_up(BRING_UP_S)


class KillStarting(KillNode):
    """Killed, started, and killed again after `lasts_s`: most likely while it puts its data in order."""

    def last(self):
        node = self.system.node
        before, killed = node.starts, []
        killer = threading.Thread(target=self._kill_next, args=(before, killed))
        killer.start()
        node.bring_up(BRING_UP_S)
        killer.join()
        self._listened_before = bool(killed) and killed[0] == node.pid

    def end(self):
        self.ended_us = now_us()
        if self._listened_before:
            self.system.node.kill()
            self.system.node.bring_up(BRING_UP_S)

    def _kill_next(self, before, killed):
        node = self.system.node
        deadline = time.monotonic() + BRING_UP_S
        while node.starts == before or not node.running():
            if time.monotonic() > deadline:
                return
            time.sleep(POLL_S)
        time.sleep(self.fault.lasts_s)
        if node.running():
            killed.append(node.pid)
            node.send_signal(signal.SIGKILL)


class RestartNode(Action):
    def begin(self):
        node = self.system.node
        node.must_run()
        node.signal(signal.SIGTERM)
        code = node.wait(STOP_S)
        self.hits = self.system.answered(self.began_us, now_us())
        if code != 0:
            raise FaultFailed(f"the node ended with {code} on SIGTERM\n{node.log_text()}")

    def end(self):
        self.ended_us = now_us()
        self.system.node.bring_up(BRING_UP_S)


class PauseNode(Action):
    def begin(self):
        self.system.node.must_run()
        self.system.node.send_signal(signal.SIGSTOP)

    def end(self):
        self.system.node.send_signal(signal.SIGCONT)
        self.ended_us = now_us()


class KillServer(Action):
    def begin(self):
        self.system.server.kill()

    def end(self):
        self.system.server.restart()
        self.ended_us = now_us()


class PauseServer(Action):
    def begin(self):
        self.system.server.pause()

    def end(self):
        self.system.server.resume()
        self.ended_us = now_us()


class LinkFault(Action):
    """refuse, cut-bytes, commit-before, commit-after."""

    def begin(self):
        self.links = self.system.links(self.choice)
        for link in self.links:
            link.begin(self.fault.kind, self.fault.seed)

    def end(self):
        if self.fault.kind != "refuse":
            self.wait_until_it_hit(self._link_hits)
        for link in self.links:
            link.end()
        self.ended_us = now_us()
        self.hits = self._link_hits()

    def _link_hits(self):
        return sum(link.hits for link in self.links)


class DiskFull(Action):
    def begin(self):
        self.system.disk.fill()

    def end(self):
        self.wait_until_it_hit(self.suffered)
        self.system.disk.free()
        self.ended_us = now_us()


ACTIONS = {"kill-node": KillNode, "kill-starting": KillStarting, "restart-node": RestartNode, "pause-node": PauseNode,
           "kill-server": KillServer, "pause-server": PauseServer, "refuse": LinkFault, "cut-bytes": LinkFault,
           "commit-before": LinkFault, "commit-after": LinkFault, "disk-full": DiskFull}
