"""Who is to blame when a process dies with its runs. Policy only.

Most deaths are nobody's fault (a deploy, a lost machine), so a run may die with its neighbours a few times and simply
start again among them. After that it runs alone in a process of its own, where a death can only be its own doing: an
innocent run finishes there, a poisonous one burns its own attempts and is given up.
"""

SHARED_DEATHS = 2


def deaths_before_isolation(cap: int) -> int:
    """Return how many deaths a run may share with its neighbours; ``cap`` is the attempts cap (0 is none)."""
    return min(SHARED_DEATHS, cap) if cap else SHARED_DEATHS


def runs_alone(attempts: int, cap: int) -> bool:
    """Whether a run whose executions died ``attempts`` times must run in a process of its own."""
    return attempts >= deaths_before_isolation(cap)


def is_given_up(attempts: int, cap: int) -> bool:
    """Whether a further death ends a run that had died ``attempts`` times before: only alone, and at the cap."""
    return bool(cap) and runs_alone(attempts, cap) and attempts + 1 >= cap
