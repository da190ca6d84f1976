"""Timing two things in turns, so that whatever else the machine does falls on both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def timed(work: Callable[[], object]) -> float:
	"""Return how many seconds ``work`` took."""
	start = time.perf_counter()
	work()
	return time.perf_counter() - start


def interleaved(
	one: Callable[[], object], other: Callable[[], object], pairs: int
) -> tuple[list[float], list[float]]:
	"""Time both in turns, the order changing, after some turns that do not count."""
	first, second = [], []
	for turn in range(-50, pairs):
		if turn % 2:
			a, b = timed(one), timed(other)
		else:
			b, a = timed(other), timed(one)
		if turn >= 0:
			first.append(a)
			second.append(b)
	return first, second


def compare(title: str, one: list[float], other: list[float], most: float) -> bool:
	"""Print both medians, their ratio and the 99th percentile of the first; say whether the ratio holds."""
	ratio = statistics.median(one) / statistics.median(other)
	quarters = [statistics.median(one[n::4]) / statistics.median(other[n::4]) for n in range(4)]
	p99 = statistics.quantiles(one, n=100)[98]
	print(
		f"{title}: median ratio {ratio:.2f} (wanted <= {most}, quarters {min(quarters):.2f}-{max(quarters):.2f}), "
		f"median {statistics.median(one) * 1e6:.0f} us against {statistics.median(other) * 1e6:.0f} us, p99 {p99 * 1e6:.0f} us",
		flush=True,
	)
	return ratio <= most
