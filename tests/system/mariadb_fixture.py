"""MariaDB servers: one that all files and all processes of a run share, and one of a file's own for tests that stop,
kill or pause it or change what holds for all its databases. Settings of nodes on databases of their own there.

A test that only needs a database takes `server` or `settings`. One that does something to the server takes `own_server`;
its `settings` are then of a database there."""

import fcntl
import os
import pathlib
import subprocess
import sys

import pytest

from shop import unique

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "mariadb"))
from server import Server  # noqa: E402  (its folder is named above)

QUICK_TIMEOUTS = {"mysql.connect-timeout-ms": 1000, "mysql.read-timeout-ms": 1000, "mysql.write-timeout-ms": 1000}


SHARED = "BECKON_TEST_MARIADB"  # names the directory of the shared server; tests/system/conftest.py sets it


@pytest.fixture(scope="session")
def server():
    """The server of all. Nobody may bring it down. What a commit waits for is the kernel: a slow disk under a busy
    machine would cost nodes their leases, and nobody cuts its power."""
    directory = pathlib.Path(os.environ[SHARED])
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of this run may be starting it
        made = Server(directory / "server")
        if not made.running():
            made.held_by_server = True  # it outlives the process that starts it
            made.start("--innodb-flush-log-at-trx-commit=2", "--max-connections=1000")
    return made


@pytest.fixture(scope="module")
def module_server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("mariadb") / "server")
    made.start()
    yield made
    made.remove()


@pytest.fixture
def own_server(module_server):
    """The file's own server, running whatever the test before has done to it."""
    if not module_server.running():
        module_server.restart()
    module_server.resume()
    return module_server


def own_database(server):
    """Settings of a node on its own database, with an account for that database only."""
    name = unique("db").replace("-", "_")
    server.sql(f"CREATE DATABASE {name}; CREATE USER '{name}'@'%' IDENTIFIED BY 'secret'; "
               f"GRANT ALL ON {name}.* TO '{name}'@'%'")
    return {"storage.backend": "mysql", "mysql.port": server.port, "mysql.user": name, "mysql.password": "secret",
            "mysql.database": name}


@pytest.fixture
def settings(request):
    """Of a database of its own, on the server that the test asks for."""
    own = "own_server" in request.fixturenames
    return own_database(request.getfixturevalue("own_server" if own else "server"))


def charged_in(server, settings):
    """Those of some users who are in cooldown according to the server."""
    def charged(users):
        names = ", ".join(f"'{user}'" for user in users)
        if not names:
            return set()
        return set(server.sql(f"SELECT user FROM {settings['mysql.database']}.user_state "
                              f"WHERE version > 0 AND user IN ({names})").split())
    return charged


class Session:
    """A session of the test as root, by the client program, that stays connected."""

    def __init__(self, server, database=""):
        words = ["mariadb", "--no-defaults", f"--socket={server.socket}", "--user=root", "--batch", "--unbuffered",
                 "--skip-column-names", "--force", *([database] if database else [])]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True)

    def run(self, sql):
        """Runs statements to their end and returns the lines that they print."""
        mark, lines = unique("done"), []
        self._process.stdin.write(f"{sql}; SELECT '{mark}';\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.strip() == mark:
                return lines
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"the session ended: {self._process.stderr.read()}")

    def close(self):
        """Ends the session; what it said on standard error."""
        return self._process.communicate(timeout=30)[1]
