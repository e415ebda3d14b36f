"""What is done to runs in a database that was put back from a backup, before anybody sees it."""

from django.db import DatabaseError, connection

from runs import leases
from runs.engine.lifecycle import TERMINAL, Status

# Workers of the world before hold higher fences than the runs here have: far above them nobody's fence fits.
FENCES_AHEAD = 1_000_000_000
_FINAL = ", ".join(f"'{status}'" for status in sorted(TERMINAL - {Status.FAILED}))  # a failed one may be continued
STATEMENTS = (
    f"UPDATE runs_run SET fence = fence + {FENCES_AHEAD} WHERE status NOT IN ({_FINAL})",  # noqa: S608 - our own words
    "UPDATE runs_run SET lease_owner = NULL, wake_at = CURRENT_TIMESTAMP WHERE lease_owner IS NOT NULL",
    "DELETE FROM runs_leaseowner",
)


def signs_of_life() -> list[str]:
    """Return who works on this database just now, as far as it can be known."""
    try:
        alive = leases.living().count()
    except DatabaseError:  # no tables yet
        connection.close()
        return []
    return [f"{alive} workers are alive."] if alive else []
