"""Links between nodes, and to their database, that a test delays or cuts: a TCP proxy in front of each port, which asks
the kernel whose connection it is."""

import os
import pathlib
import socket
import struct
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "mariadb"))
from owned_ports import owned_port  # noqa: E402  (its folder is named above)

CHUNK = 65536
LOOPBACK = "0100007F"


def _inode_of(local_port, remote_port):
    """Of the TCP socket with these ends on the loopback address; None when it is gone."""
    ends = [f"{LOOPBACK}:{port:04X}" for port in (local_port, remote_port)]
    for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[1:3] == ends:
            return fields[9]
    return None


def _has_socket(pid, inode):
    try:
        for one in os.scandir(f"/proc/{pid}/fd"):
            try:
                if os.readlink(one.path) == f"socket:[{inode}]":
                    return True
            except FileNotFoundError:
                continue  # closed meanwhile
    except (FileNotFoundError, PermissionError):
        pass  # the process is gone
    return False


def reset(sock):
    """Ends a connection like a dying peer: at once, dropping data in transit."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the other side was faster
    sock.close()


class _Wire:
    """One connection through the proxy; a thread for each direction."""

    def __init__(self, network, inode, owner, near, far):
        self._network = network
        self.inode = inode
        self.dialer = None  # not known yet
        self.owner = owner
        self._sockets = (near, far)
        for sock in self._sockets:
            if sock.family == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._threads = [threading.Thread(target=self._carry, args=words, daemon=True)
                         for words in ((near, far, lambda: (self.dialer, owner)),
                                       (far, near, lambda: (owner, self.dialer)))]

    def start(self):
        for thread in self._threads:
            thread.start()

    def _carry(self, source, target, way):
        try:
            while data := source.recv(CHUNK):
                self._network.wait_until_free(way)
                target.sendall(data)
            self._network.wait_until_free(way)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            self.cut()

    def alive(self):
        return any(thread.is_alive() for thread in self._threads)

    def cut(self):
        for sock in self._sockets:
            reset(sock)


class Network:
    """Proxied ports by the names of the processes behind them. A held direction delays its bytes silently, like an
    unplugged cable. A cut one resets existing and new connections. Threadsafe."""

    def __init__(self):
        self._changed = threading.Condition()
        self._held = set()  # (from, to)
        self._cut = set()   # pairs without an order
        self._pids = {}     # by name
        self._wires = []
        self._doors = []
        self._closed = False

    # -- who is there --------------------------------------------------------------------------------

    def open_door(self, owner, target):
        """A port that leads to `target`, (host, port) or the path of a Unix socket of `owner`."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        self._doors.append(listener)
        threading.Thread(target=self._accept, args=(listener, owner, target), daemon=True).start()
        return listener.getsockname()[1]

    def node_settings(self, name):
        """For a node that others are to reach by a door."""
        port = owned_port()
        return {"cluster.port": port, "cluster.advertise": f"127.0.0.1:{self.open_door(name, ('127.0.0.1', port))}"}

    def introduce(self, name, pid):
        """Names a process; its existing connections count too."""
        with self._changed:
            self._pids[name] = pid
            for wire in self._wires:
                self._name(wire)

    # -- faults --------------------------------------------------------------------------------------

    def hold(self, source, target):
        with self._changed:
            self._held.add((source, target))

    def hold_both(self, one, other):
        self.hold(one, other)
        self.hold(other, one)

    def cut(self, one, other):
        with self._changed:
            self._cut.add(frozenset((one, other)))
            wires = [wire for wire in self._wires if {wire.dialer, wire.owner} == {one, other}]
        for wire in wires:
            wire.cut()

    def heal(self):
        with self._changed:
            self._held.clear()
            self._cut.clear()
            self._changed.notify_all()

    def close(self):
        with self._changed:
            self._closed = True
            self._held.clear()
            wires = list(self._wires)
            self._changed.notify_all()
        for door in self._doors:
            door.shutdown(socket.SHUT_RDWR)  # wakes its thread
            door.close()
        for wire in wires:
            wire.cut()

    # -- how -----------------------------------------------------------------------------------------

    def wait_until_free(self, way):
        with self._changed:
            self._changed.wait_for(lambda: way() not in self._held)

    def _name(self, wire):
        if wire.dialer is None and wire.inode:
            found = [name for name, pid in self._pids.items() if _has_socket(pid, wire.inode)]
            wire.dialer = found[0] if found else None

    def _accept(self, listener, owner, target):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return  # closed
            try:
                self._connect(near, owner, target)
            except OSError:
                reset(near)  # nobody is behind the door

    def _connect(self, near, owner, target):
        inode = _inode_of(near.getpeername()[1], near.getsockname()[1])
        far = socket.socket(socket.AF_UNIX if isinstance(target, str) else socket.AF_INET)
        far.settimeout(5)
        try:
            far.connect(target)
        except OSError:
            far.close()
            raise
        far.settimeout(None)
        wire = _Wire(self, inode, owner, near, far)
        with self._changed:
            self._name(wire)
            if self._closed or frozenset((wire.dialer, owner)) in self._cut:
                far.close()
                raise ConnectionResetError
            self._wires = [one for one in self._wires if one.alive()] + [wire]
            wire.start()
