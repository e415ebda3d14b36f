"""What became of a run, against what had to become of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.acceptance.ledger import Ledger


def misdone(
    run: Mapping[str, Any],
    ledger: Ledger,
    *,
    output: str | None,
    starts: Counter[str],
    disturbed: int,
    status: str = "completed",
) -> Iterator[str]:
    """Yield what is wrong with a run that had to come to rest as ``status``, with ``output`` where that is known.

    ``starts`` is how often each step begins when nothing happens; what was ``disturbed`` so many times may have begun
    as often again, and a run that did not complete need not have come to all of it.
    """
    if run["status"] != status or (output is not None and run["output_text"] != output):
        yield f"{run['status']}, {run['output_text']}, {run['error']}"
    began = Counter(ledger.starts())
    lacks = starts - began if run["status"] == "completed" else Counter[str]()
    if lacks or began.keys() - starts.keys() or max((began - starts).values(), default=0) > disturbed:
        yield f"steps began {dict(began)}"
