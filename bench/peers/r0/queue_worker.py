"""Takes writes from the queue in Redis, in their order, and puts them into MariaDB, many in one transaction."""

import os
import signal
import sys
import threading

import pymysql
import redis
import ujson

QUEUE = "queue"
BATCH = 500
stopped = threading.Event()


def write(connection, jobs):
    claims = [job[1:] for job in jobs if job[0] == "claim"]
    events = [job[1:] for job in jobs if job[0] == "event"]
    with connection.cursor() as cursor:
        if claims:
            cursor.executemany("INSERT INTO claims (user, popup, shown_at, next_at) VALUES (%s, %s, %s, %s)", claims)
        if events:
            cursor.executemany("INSERT IGNORE INTO events (id, user, popup, type, at) VALUES (%s, %s, %s, %s, %s)",
                               events)
    connection.commit()


def main():
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    cache = redis.Redis(unix_socket_path=os.environ["R0_REDIS"])
    connection = pymysql.connect(unix_socket=os.environ["R0_MYSQL"], user="beckon", password="beckon",
                                 database=os.environ["R0_DATABASE"], charset="utf8mb4")
    print("ready", flush=True)
    while not stopped.is_set():
        first = cache.blpop(QUEUE, timeout=1)
        if first is not None:
            rest = cache.lpop(QUEUE, BATCH - 1) or []
            write(connection, [ujson.loads(text) for text in (first[1], *rest)])
    connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
