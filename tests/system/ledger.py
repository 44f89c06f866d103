"""The answers a client got, kept outside the node, and their comparison with the node's data."""

import collections
import threading

from shop import to_ms


class Ledger:
    """Threadsafe. Events by batch, promises by user, and every promise that was broken."""

    def __init__(self):
        self._lock = threading.Lock()
        self.batches = {}     # batch number -> list of event ids
        self.confirmed = set()  # numbers of batches answered 202
        self.refused = set()  # numbers of batches answered otherwise
        self.promises = {}    # user -> ms before which nothing may be shown
        self.answers = {}     # (user, request id) -> the document of the answer
        self.counts = collections.Counter()
        self.broken = []

    # -- events ----------------------------------------------------------------------------------

    def sending(self, ids):
        """Before a batch is sent; returns its number."""
        with self._lock:
            number = len(self.batches)
            self.batches[number] = list(ids)
            return number

    def answered(self, number, status, document):
        """A whole answer came."""
        with self._lock:
            self.counts[f"events {status}"] += 1
            if status == 504:
                return  # as without an answer: they may be stored
            if status != 202:
                self.refused.add(number)
                return
            self.confirmed.add(number)
            taken = document["accepted"] + document["duplicates"]
            if taken != len(self.batches[number]) or document["rejected"]:
                self.broken.append(f"batch {number}: 202 with {document}")

    def compare(self, stored_ids):
        """Every contradiction between store and answers. Unanswered batches may be there, but whole or not at all;
        refused ones must not be there."""
        faults = list(self.broken)
        stored = collections.Counter(stored_ids)
        faults += [f"event {one} is stored {count} times" for one, count in stored.items() if count > 1]
        for number, ids in self.batches.items():
            present = sum(1 for one in ids if stored[one])
            if number in self.confirmed and present != len(ids):
                faults.append(f"batch {number} got 202 and {len(ids) - present} of its {len(ids)} events are missing")
            elif number in self.refused and present:
                faults.append(f"batch {number} was refused and {present} of its events are stored")
            elif present not in (0, len(ids)):
                faults.append(f"batch {number} is stored in part: {present} of {len(ids)}")
        known = {one for ids in self.batches.values() for one in ids}
        faults += [f"event {one} was never sent" for one in stored if one not in known]
        return faults

    # -- decides ---------------------------------------------------------------------------------

    def promise(self, user):
        """The promise to this user before a request leaves; 0: none."""
        with self._lock:
            return self.promises.get(user, 0)

    def decided(self, user, told_ms, received_ms, document, request_id=None):
        """Checks an answer against the promise known when its request left, and remembers the new one. The node's
        moment of deciding is before `received_ms`, so a popup received before the promise is one too early."""
        part = next(iter(document["placements"].values()))
        with self._lock:
            self.counts[part["reason"]] += 1
            if received_ms < told_ms:
                self.counts["checked before the promise"] += 1
                if part["popup"]:
                    self.broken.append(f"{user} was shown {part['popup']['id']} {told_ms - received_ms} ms too early")
            if document["next_eligible_at"] and part["reason"] in ("MATCH", "COOLDOWN"):
                self.promises[user] = max(self.promises.get(user, 0), to_ms(document["next_eligible_at"]))
            if request_id and part["popup"]:
                self.answers[user, request_id] = document
