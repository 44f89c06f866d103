"""Ports that nobody else is given: below those that the kernel hands out, in blocks that a process holds while it lives.

A port that was found free a moment ago may be taken by anybody: by a client of the next test, or by a server that
started meanwhile. Whoever needs a number before the program listens on it, or needs it again after a restart, takes it
here. Everything that only listens once binds to port 0."""

import fcntl
import os
import pathlib
import random
import socket
import tempfile

FIRST, END, BLOCK = 20000, 32000, 40  # the kernel's own begin at 32768

_held = []  # locked files of this process; a child that gets one by pass_fds holds the block as well


class NoPorts(Exception):
    """Every block is held, or a block is used up."""


class Block:
    """So many ports in a row. `lock` is the descriptor that holds them."""

    def __init__(self, first, lock):
        self.first = first
        self.lock = lock
        self._next = first

    def take(self, count=1):
        """The first of `count` ports in a row that no other call was given and on which nobody listens."""
        while self._next + count <= self.first + BLOCK:
            port, self._next = self._next, self._next + count
            if all(_unused(one) for one in range(port, port + count)):
                return port
            self._next = port + 1
        raise NoPorts(f"{BLOCK} ports from {self.first} on are used up")


def _unused(port):
    """Whether nobody who knows nothing of blocks is there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what a server left behind does not count
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
            return True
        except OSError:
            return False


def claim():
    """A block for as long as this process, or a child with its `lock`, lives."""
    folder = pathlib.Path(tempfile.gettempdir()) / f"beckon-ports-{os.geteuid()}"
    folder.mkdir(exist_ok=True)
    blocks = list(range(FIRST, END, BLOCK))
    random.shuffle(blocks)
    for first in blocks:
        file = open(folder / str(first), "w", encoding="ascii")  # noqa: SIM115  (held while the process lives)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        _held.append(file)
        return Block(first, file.fileno())
    raise NoPorts(f"each of the {len(blocks)} blocks of ports is held by somebody")


_current = None


def owned_port(count=1):
    """The first of `count` ports in a row that are this process's until it ends."""
    global _current
    if _current:
        try:
            return _current.take(count)
        except NoPorts:
            pass  # the block stays held: its ports are in use
    _current = claim()
    return _current.take(count)
