"""The admin's pages about specs, and about what environments demand of them."""

from specs.admin.policies import StoredPolicyAdmin
from specs.admin.snapshots import SpecSnapshotAdmin

__all__ = ["SpecSnapshotAdmin", "StoredPolicyAdmin"]
