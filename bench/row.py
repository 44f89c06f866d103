"""The common parts of all rows: duration and size, the figures of the servers, the targets."""

import contextlib
import pathlib
import sys

from servers import BenchFailed, failing_as

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "mariadb"))
from owned_ports import owned_port  # noqa: E402, F401  (for the peers)
from server import Server as MariadbServer, ServerFailed  # noqa: E402  (its folder is named above)

PLACEMENT = "home"
KIB = 1024
MIB = 1024 * 1024


class Database(MariadbServer):
    """The run's MariaDB; what fails there ends the run as everything else does."""

    def start(self, *options):
        with mariadb_failing("MariaDB did not start"):
            return super().start(*options)

    def sql(self, text):
        with mariadb_failing("MariaDB"):
            return super().sql(text)

    def remove(self):
        with mariadb_failing("MariaDB was not removed"):
            super().remove()


@contextlib.contextmanager
def mariadb_failing(what):
    try:
        with failing_as(what):
            yield
    except ServerFailed as failed:
        raise BenchFailed(f"{what}: {failed}") from failed


class Options:
    """Duration and size. `quick` only checks that everything works."""

    def __init__(self, root, seconds, rounds, quick):
        self.root = root        # a directory on the disk that is to be measured
        self.seconds = seconds  # of one round of one server
        self.rounds = rounds
        self.quick = quick
        self._count = 0
        self._mariadb = None

    def directory(self, name):
        self._count += 1
        return self.root / f"{self._count:02d}-{name}"

    def scaled(self, number):
        return number // 10 if self.quick else number

    def mariadb(self):
        """The run's own MariaDB server, started when first needed: durable (a flush for each commit), on the disk
        of `root`, with more buffer than the tests need."""
        if self._mariadb is None:
            self._mariadb = Database(self.directory("mariadb"))
            self._mariadb.start("--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M", "--max-connections=300")
        return self._mariadb

    def database(self):
        """An empty database of its own there; its name."""
        self._count += 1
        name = f"bench_{self._count}"
        self.mariadb().sql(f"CREATE DATABASE {name}")
        return name

    def mysql_settings(self):
        """Settings of a node that keeps everything in an empty database."""
        return {"storage.backend": "mysql", "mysql.socket": self.mariadb().socket, "mysql.user": "beckon",
                "mysql.password": "beckon", "mysql.database": self.database()}

    def close(self):
        if self._mariadb is not None:
            self._mariadb.remove()
            self._mariadb = None


class Row:
    """One row: figures for each server, and what must be reached."""

    def __init__(self, title):
        self.key = ""
        self.title = title
        self.figures = {}  # server -> {figure: value}
        self.rounds = {}   # server -> {figure: [value of each round]}, of what `--compare` judges noise by
        self.targets = []  # {"what", "value", "bound", "aim", "limit", "aims_at", "higher", "reached"}
        self.notes = []

    def target(self, what, value, least=None, most=None, aim=None):
        """The target is `least` or `most`; `aim` is the aim of the design."""
        higher = least is not None
        limit = least if higher else most
        reached = value >= limit if higher else value <= limit
        sign = "≥" if higher else "≤"
        self.targets.append({"what": what, "value": value, "bound": f"{sign} {limit:,g}",
                             "aim": f"{sign} {aim:,g}" if aim is not None else "", "limit": limit, "aims_at": aim,
                             "higher": higher, "reached": reached})

    def document(self):
        return {"row": self.key, "title": self.title, "figures": self.figures, "rounds": self.rounds,
                "targets": self.targets, "notes": self.notes}
