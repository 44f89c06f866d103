"""The R0 stack as a peer (peers/r0/README.md): Redis, gunicorn with uvicorn workers, and the queue's worker."""

import importlib.util
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from row import owned_port
from servers import BenchFailed, Server, Unanswered, ask, failing_as, wait_until

FOLDER = pathlib.Path(__file__).with_name("r0")
PYTHON = "/usr/bin/python3"
MODULES = ("fastapi", "uvicorn", "uvloop", "httptools", "redis", "hiredis", "pymysql", "ujson")
TABLES = """
CREATE TABLE popups (id VARCHAR(128) PRIMARY KEY, placement VARCHAR(128), priority INT, document TEXT);
CREATE TABLE claims (number BIGINT AUTO_INCREMENT PRIMARY KEY, user VARCHAR(128), popup VARCHAR(128), shown_at DOUBLE,
                     next_at DOUBLE, KEY (user));
CREATE TABLE events (id VARCHAR(128) PRIMARY KEY, user VARCHAR(128), popup VARCHAR(128), type VARCHAR(16),
                     at VARCHAR(32));
"""


class R0Stack(Server):
    """On the run's MariaDB server, in a database of its own. `process` is gunicorn; Redis and the worker are beside."""

    def __init__(self, directory, options):
        super().__init__(directory)
        self.name = "R0 stack"
        self.mariadb = options.mariadb()
        self.store_pid = self.mariadb.pid
        self.database = options.database()
        # A Unix socket's path has at most 107 bytes.
        self.socket_directory = pathlib.Path(tempfile.mkdtemp(prefix="beckon-r0-"))
        self.redis_socket = self.socket_directory / "redis"
        self.beside = []

    def launch(self):
        missing = [name for name in MODULES if importlib.util.find_spec(name) is None]
        programs = {name: shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/bin:/usr/sbin")
                    for name in ("redis-server", "gunicorn")}
        missing += [name for name, found in programs.items() if not found]
        if missing:
            raise BenchFailed(f"the R0 stack needs {', '.join(missing)}; script/bootstrap --bench installs it")
        self.mariadb.sql(f"USE {self.database};{TABLES}")
        self.redis = self.start_beside("redis", [programs["redis-server"], "--port", "0", "--unixsocket",
                                                 str(self.redis_socket), "--save", "", "--appendonly", "no",
                                                 "--dir", str(self.directory), "--daemonize", "no"])
        wait_until(lambda: self.redis.poll() is not None or self.redis_socket.exists(), "Redis listens")
        self.start_beside("worker", [PYTHON, "-B", str(FOLDER / "queue_worker.py")])
        self.port = owned_port()
        self.spawn([PYTHON, "-B", programs["gunicorn"], "app:app", "--chdir", str(FOLDER), "-k",
                    "uvicorn.workers.UvicornWorker", "-w", str(os.cpu_count()), "-b", f"127.0.0.1:{self.port}",
                    "--backlog", "4096", "--keep-alive", "600", "--log-level", "warning"], self.addresses())
        wait_until(lambda: not self.alive() or self.answers(), "the R0 stack answers")
        if not self.alive():
            raise BenchFailed(f"the R0 stack did not start\n{self.log()}")

    def start_beside(self, name, words):
        with failing_as(f"the R0 stack's {name} does not start"), open(self.directory / f"{name}.log", "wb") as log:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                       env={**os.environ, **self.addresses()}, cwd=self.directory)
        self.beside.append((name, process))
        return process

    def addresses(self):
        return {"R0_REDIS": str(self.redis_socket), "R0_MYSQL": self.mariadb.socket, "R0_DATABASE": self.database}

    def answers(self):
        for name, process in self.beside:
            if process.poll() is not None:
                raise BenchFailed(f"the R0 stack's {name} ended with {process.returncode}: "
                                  f"{(self.directory / f'{name}.log').read_text(errors='replace')[-2000:]}")
        try:
            return ask(self.port, "POST", "/v1/decide", {"user": "u", "placements": ["nowhere"]})[0] == 200
        except Unanswered:
            return False

    def stop(self):
        super().stop()
        for _, process in self.beside:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.beside.clear()
        shutil.rmtree(self.socket_directory, ignore_errors=True)

    def pids(self):
        return super().pids() + [process.pid for _, process in self.beside]

    # -- content ---------------------------------------------------------------------------------

    def seed(self, popups, every_s):
        """Popups as the admin API takes them; `every_s` is the time that a user waits after any of them."""
        rows = []
        for one in popups:
            document = json.dumps({"id": one["id"], "content": one["content"], "every_s": every_s})
            rows += [f"('{one['id']}', '{place}', {one['priority']}, '{document}')" for place in one["placements"]]
        self.mariadb.sql(f"INSERT INTO {self.database}.popups VALUES {', '.join(rows)}")

    def cool_down(self, users, every_s):
        """What showings to these users leave in Redis."""
        import redis  # only where this peer is measured
        cache = redis.Redis(unix_socket_path=str(self.redis_socket))
        with cache.pipeline(transaction=False) as pipe:
            for user in users:
                pipe.set("next:" + user, repr(time.time() + every_s), px=int(every_s * 1000))
            pipe.execute()
        cache.close()
