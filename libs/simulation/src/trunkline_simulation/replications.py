"""The same run under many seeds, on all processors, with word of how far it is.

Owns: processes; results come in the order of the seeds, however many processors there are. Must not: draw numbers.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

R = TypeVar("R")

SEEDS_PER_PROCESS = 4
"""A process takes a second or two to start: for fewer seeds this one is faster."""


def replicate(
    play: Callable[[int], R], seeds: Sequence[int], say: Callable[[int], None] = lambda done: None, workers: int = 0
) -> list[R]:
    """Return the result of each seed.

    Args:
        play: of one seed; with several workers it and its result must be picklable.
        seeds: which.
        say: told how many are done, after each.
        workers: processes; 0 for at most one a processor, 1 for none but this one.
    """
    count = workers or min(os.cpu_count() or 1, len(seeds) // SEEDS_PER_PROCESS)
    if count <= 1:
        return [_told(play(seed), number, say) for number, seed in enumerate(seeds, 1)]
    spawn = multiprocessing.get_context("spawn")  # a fork would inherit threads of gRPC, where that is loaded
    with ProcessPoolExecutor(count, spawn, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        try:
            return [_told(result, number, say) for number, result in enumerate(pool.map(play, seeds), 1)]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _told(result: R, number: int, say: Callable[[int], None]) -> R:
    say(number)
    return result
