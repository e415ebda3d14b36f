"""A run as a file: what the API says about it and its checkpoints."""

from typing import Any

from runs.inspection.checkpoint_views import checkpoint_views
from runs.inspection.run_views import full_view
from runs.models import Run
from runs.serializers.records import CheckpointSerializer
from runs.serializers.runs import RunStatusSerializer
from runs.serializers.showing import shown

MOST_CHECKPOINTS = 500


def downloaded(run: Run) -> dict[str, Any]:
    """Return ``run`` with its latest checkpoints and their trace, redacted, as the API shows them."""
    latest = list(run.checkpoints.order_by("-sequence")[:MOST_CHECKPOINTS])
    return {
        "run": shown(RunStatusSerializer(full_view(run))),
        "checkpoints": [shown(CheckpointSerializer(view)) for view in checkpoint_views(run, latest[::-1])],
        "checkpoints_left_out": max(run.checkpoints.count() - len(latest), 0),
    }
