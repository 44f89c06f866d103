"""The published popup service as one would write it today: FastAPI over Redis. See README.md beside it.

Run by gunicorn with uvicorn's worker; R0_REDIS is the path of Redis' socket, R0_MYSQL of MariaDB's."""

import os
import time
import uuid

import pymysql
import redis.asyncio as redis
import ujson
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

CONFIG_LOCAL_S = 2.0
QUEUE = "queue"

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
# One pool for each worker; answers are parsed by hiredis when that is installed.
cache = redis.Redis(connection_pool=redis.ConnectionPool(
    connection_class=redis.UnixDomainSocketConnection, path=os.environ["R0_REDIS"], max_connections=512))
local_config = {}  # placement -> (good until, popups in order)


class JsonResponse(Response):
    media_type = "application/json"

    def render(self, content):
        return ujson.dumps(content, ensure_ascii=False, escape_forward_slashes=False).encode()


async def popups_at(placement):
    """The configuration: from this process, else from Redis, else (a miss) from the database."""
    now = time.monotonic()
    known = local_config.get(placement)
    if known and known[0] > now:
        return known[1]
    text = await cache.get("config:" + placement)
    if text is None:
        text = await run_in_threadpool(read_config, placement)
        await cache.set("config:" + placement, text, ex=60)
    popups = ujson.loads(text)
    local_config[placement] = (now + CONFIG_LOCAL_S, popups)
    return popups


def read_config(placement):
    with pymysql.connect(unix_socket=os.environ["R0_MYSQL"], user="beckon", password="beckon",
                         database=os.environ["R0_DATABASE"]) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT document FROM popups WHERE placement = %s ORDER BY priority DESC", (placement,))
            return "[" + ",".join(row[0] for row in cursor.fetchall()) + "]"


def rfc3339(seconds):
    whole = int(seconds)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((seconds - whole) * 1000):03d}Z"


@app.post("/v1/decide")
async def decide(request: Request):
    asked = ujson.loads(await request.body())
    user, placements = asked["user"], asked["placements"]
    now = time.time()
    next_at = await cache.get("next:" + user)
    answers = {}
    if next_at is not None and float(next_at) > now:
        next_at = float(next_at)
        for placement in placements:
            answers[placement] = {"popup": None, "reason": "COOLDOWN"}
    else:
        next_at = await claim(user, placements, now, answers)
    return JsonResponse({"decision_id": str(uuid.uuid4()), "user": user, "catalog_version": 1,
                         "next_eligible_at": None if next_at is None else rfc3339(next_at), "placements": answers})


async def claim(user, placements, now, answers):
    """Takes the first popup of each placement, and says when the user may come again. One round trip for both."""
    next_at, writes = None, []
    for placement in placements:
        popups = await popups_at(placement)
        if not popups:
            answers[placement] = {"popup": None, "reason": "NO_POPUP"}
            continue
        first = popups[0]
        answers[placement] = {"popup": {"id": first["id"], "revision": 1, "variant": None,
                                        "content": first["content"]}, "reason": "MATCH"}
        next_at = max(next_at or 0.0, now + first["every_s"])
        writes.append(ujson.dumps(["claim", user, first["id"], now, next_at]))
    if next_at is not None:
        async with cache.pipeline(transaction=False) as pipe:
            pipe.set("next:" + user, repr(next_at), px=int((next_at - now) * 1000)).rpush(QUEUE, *writes)
            await pipe.execute()
    return next_at


@app.post("/v1/events")
async def events(request: Request):
    asked = ujson.loads(await request.body())["events"]
    await cache.rpush(QUEUE, *(ujson.dumps(["event", one["id"], one["user"], one["popup"], one["type"], one["at"]])
                               for one in asked))
    return JsonResponse({"accepted": len(asked), "duplicates": 0, "rejected": []}, status_code=202)
