"""Follows the load generator's ledger: the answers during a fault."""

import dataclasses
import json
import pathlib

SLOW_US = 250_000


@dataclasses.dataclass
class Exchange:
    """A request and its outcome; `got_us` 0: none yet."""
    kind: str
    sent_us: int
    got_us: int = 0
    status: int = 0
    events: int = 0       # accepted
    claimed: bool = False  # a popup that was not shown by an earlier request of the same id
    unavailable: bool = False

    def suffered(self):
        """Whether a fault may have reached it: no answer, refused, no decision, or late."""
        return (self.got_us > 0 and (self.status == 0 or self.status >= 500 or self.unavailable)
                or self.got_us - self.sent_us > SLOW_US)


class LedgerTail:
    """All files of one directory, each read from where the last read ended."""

    def __init__(self, directory):
        self._directory = pathlib.Path(directory)
        self._offsets = {}
        self._open = {}
        self.exchanges = []

    def look(self):
        for path in sorted(self._directory.glob("*.jsonl")):
            with open(path, "rb") as file:
                file.seek(self._offsets.get(path, 0))
                # The file is mapped memory: zeros follow the written part, and a line may be incomplete.
                data = file.read().partition(b"\0")[0]
            whole = data[:data.rfind(b"\n") + 1]
            self._offsets[path] = self._offsets.get(path, 0) + len(whole)
            for line in whole.splitlines():
                self._take(path, json.loads(line))
        return self

    def _take(self, path, line):
        if "send" in line:
            made = Exchange(line["kind"], line["at_us"])
            self._open[path, line["send"]] = made
            self.exchanges.append(made)
        elif "got" in line:
            one = self._open.pop((path, line["got"]))
            one.got_us, one.status = line["at_us"], line["status"]
            one.events = line.get("accepted", 0)
            one.unavailable = line.get("unavailable", False)
            one.claimed = "shown" in line and one.kind != "retry"

    def sent_between(self, from_us, to_us):
        return [one for one in self.exchanges if from_us <= one.sent_us < to_us]

    def first_claim_after(self, moment_us):
        """When the first popup requested after the moment arrived; None: not yet."""
        return min((one.got_us for one in self.exchanges if one.claimed and one.sent_us >= moment_us), default=None)
