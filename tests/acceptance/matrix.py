"""How many cells of the fault matrix have held, for the summary of the test run."""

_counted = [0]


def held(cells: int) -> None:
    """Count ``cells`` as tried."""
    _counted[0] += cells


def size() -> int:
    """Return how many cells were tried."""
    return _counted[0]
