"""Percentiles of lengths of time of which only is known how many were within which bounds. Pure."""

from collections.abc import Sequence


def percentile(counts: Sequence[int], bounds: Sequence[float], share: float) -> float | None:
    """Return the length that ``share`` of all (0 to 1) did not exceed, as if those within a bucket were spread evenly.

    Arguments:
        counts: how many were at most each of the bounds and longer than the one before; the last is of those longer
            than all bounds. Of these is only known that they were longer, so the last bound stands for them.
        bounds: the upper bounds in ascending order: one less than counts.
        share: which percentile, such as 0.95.

    None when there were none.
    """
    total = sum(counts)
    if not total:
        return None
    rank, passed, lower = share * total, 0, 0.0
    for count, upper in zip(counts, bounds, strict=False):
        if count and passed + count >= rank:
            return lower + (upper - lower) * max(rank - passed, 0.0) / count
        passed, lower = passed + count, upper
    return float(bounds[-1])
