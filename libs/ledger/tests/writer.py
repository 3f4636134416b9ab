"""A replica in a process of its own that books one by one and prints each acknowledged command; made to be killed."""

import asyncio
import json
import sys

from test_replicas import ONE_PARTITION, book, make_at, uuid7


async def main(bootstrap: str, topic: str) -> None:
    ledger = make_at(bootstrap, topic, "writer", ONE_PARTITION)
    await ledger.start()
    running = asyncio.create_task(ledger.run())
    while len(ledger.owned) < 1 and not running.done():
        await asyncio.sleep(0.02)
    commands = [uuid7() for _ in range(2_000)]
    print(json.dumps(commands), flush=True)
    for start in range(0, len(commands), 5):
        group = commands[start : start + 5]
        await asyncio.gather(*(ledger.submit(book("a", 1, command)) for command in group))
        print(*group, sep="\n", flush=True)


asyncio.run(main(*sys.argv[1:]))
