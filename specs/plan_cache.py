"""The plans this process has compiled, by the digest of what they were compiled from."""

import threading
from collections import OrderedDict

from specs.language.plan import Plan


class PlanCache:
    """Keeps the plans used last. Safe for threads; two threads may compile the same plan, which does no harm."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: str) -> Plan | None:
        """Return the plan of ``digest`` if it is here."""
        with self._lock:
            if digest in self._plans:
                self._plans.move_to_end(digest)
            return self._plans.get(digest)

    def put(self, digest: str, plan: Plan) -> None:
        """Keep ``plan``; the one that was not used for longest makes room."""
        with self._lock:
            self._plans[digest] = plan
            self._plans.move_to_end(digest)
            if len(self._plans) > self._size:
                self._plans.popitem(last=False)

    def clear(self) -> None:
        """Forget all plans."""
        with self._lock:
            self._plans.clear()
