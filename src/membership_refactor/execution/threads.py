"""Work that several threads share, and that ends where one of them fails."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event


def in_threads(workers: int, work: Callable[[int], None], stop: Event) -> None:
    """Run ``work`` in so many threads, each with its number from 1 on; a single one in this thread.

    Where one raises, ``stop`` is set, and the error is raised when all have ended.
    """
    if workers == 1:
        work(1)
        return
    with ThreadPoolExecutor(workers) as pool:
        done = [pool.submit(work, n + 1) for n in range(workers)]
        try:
            for future in done:
                future.result()
        except BaseException:
            stop.set()
            raise
