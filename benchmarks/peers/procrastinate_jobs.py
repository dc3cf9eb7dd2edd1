"""Jobs a second of two procrastinate workers: `<database> <jobs>`, prints the rate.

The jobs wait when the workers begin. Each leaves its receipt and its effect in one transaction.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import time
import uuid
from typing import Any

import procrastinate
import psycopg
import psycopg_pool

DATABASE, JOBS = sys.argv[1], int(sys.argv[2])
WORKERS, AT_ONCE, QUEUE = 2, 10, "bench"
SCHEMA = "procrastinate"
RECEIPT = "INSERT INTO receipt (event_id, consumer) VALUES (%s, 'bench') ON CONFLICT DO NOTHING"
EFFECT = "INSERT INTO bench_effect (event_id) VALUES (%s)"

path = {"options": f"-c search_path={SCHEMA}"}
app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=DATABASE, kwargs=path, max_size=AT_ONCE)
)
pool = psycopg_pool.AsyncConnectionPool(DATABASE, max_size=AT_ONCE, open=False)


@app.task(name="count", queue=QUEUE)
async def count(event_id: str) -> None:
    async with pool.connection() as connection:
        if (await connection.execute(RECEIPT, [event_id])).rowcount:
            await connection.execute(EFFECT, [event_id])


async def defer() -> None:
    with psycopg.connect(DATABASE, autocommit=True) as session:
        session.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        session.execute(f"CREATE SCHEMA {SCHEMA}")
        session.execute("TRUNCATE receipt, bench_effect")
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        jobs = [{"event_id": str(uuid.uuid4())} for _ in range(JOBS)]
        await count.batch_defer_async(*jobs)


async def work(barrier: Any) -> None:
    async with app.open_async(), pool:
        await asyncio.to_thread(barrier.wait, 30)
        await app.run_worker_async(queues=[QUEUE], wait=False, concurrency=AT_ONCE)


def run_worker(barrier: Any) -> None:
    asyncio.run(work(barrier))


def main() -> None:
    asyncio.run(defer())
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(WORKERS + 1)
    workers = [context.Process(target=run_worker, args=(barrier,)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    barrier.wait(30)
    started = time.perf_counter()
    print(JOBS / (_finished(started) - started), flush=True)
    for worker in workers:
        worker.join(10)
        worker.kill()


def _finished(started: float) -> float:
    with psycopg.connect(DATABASE, autocommit=True) as session:
        while time.perf_counter() < started + 60:
            row = session.execute("SELECT count(*) FROM bench_effect").fetchone()
            if row and row[0] >= JOBS:
                return time.perf_counter()
            time.sleep(0.01)
    raise SystemExit("the jobs were not done within 60 s")


if __name__ == "__main__":
    main()
