"""A node that is restarted until it runs, as by a service manager."""

import os
import re
import signal
import time

from beckon_node import Node, NodeFailed
from owned_ports import owned_port

ENDED = re.compile(r"ended with code (-?\d+) before it listened")
START_AGAIN_S = 0.1
# Exit codes allowed for a start without its store or disk, or while it is being killed.
MAY_END_WITH = (1, -signal.SIGKILL)
DAMAGE = re.compile(r".*(?:was moved to|kept in the table|could not be kept aside|is corrupt|malformed).*")


class HardyNode(Node):
    """`binary`: a program other than the one under test."""

    def __init__(self, directory, settings, binary=None):
        super().__init__(directory, {"http.port": owned_port(), **settings})
        self.binary = binary
        self.failed_starts = 0

    def bring_up(self, deadline_s):
        """Starts it until it listens."""
        deadline = time.monotonic() + deadline_s
        while True:
            try:
                return self.start(max(1.0, deadline - time.monotonic()))
            except NodeFailed as failed:
                ended = ENDED.search(str(failed))
                if not ended or int(ended.group(1)) not in MAY_END_WITH or time.monotonic() > deadline:
                    raise
                self.failed_starts += 1
            time.sleep(START_AGAIN_S)

    def must_run(self):
        if not self.running():
            code = self._process.poll() if self._process else "unknown"
            raise NodeFailed(f"the node ended by itself with code {code}\n{self.log_text()}")

    def send_signal(self, number):
        os.kill(self.pid, number)

    def damage(self):
        """Lines of all its logs about events or data that could not be kept in place."""
        return [line for path in sorted(self.directory.glob("std*.log"))
                for line in DAMAGE.findall(path.read_text(errors="replace"))]
