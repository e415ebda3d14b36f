"""The admin's pages about the beat's jobs."""

from django.contrib import admin

from kneo_project.beatjobs.models import BeatJob
from kneo_project.site import showing
from kneo_project.site.pages import OperatorAdmin, column
from kneo_project.site.showing import Tone

TONES = {"done": Tone.GOOD, "failed": Tone.BAD}


@admin.register(BeatJob)
class BeatJobAdmin(OperatorAdmin[BeatJob]):
    """What each job of the beat did last."""

    list_display = ["name", "state", "finished", "took", "succeeded"]
    ordering = ["name"]
    nothing = "The beat has not done anything yet: without it nothing is swept, pruned or started by the clock."
    fields = ["name", "state", "started", "finished_in_full", "took", "succeeded_in_full"]

    state = column("last time", lambda outcome: showing.badge(outcome, TONES[outcome]), "outcome")
    started = column("began", showing.moment, "started_at")
    finished = column("ended", showing.age, "finished_at")
    finished_in_full = column("ended", showing.moment, "finished_at")
    succeeded = column("went well", showing.age, "succeeded_at")
    succeeded_in_full = column("went well", showing.moment, "succeeded_at")

    @admin.display(description="duration")
    def took(self, row: BeatJob) -> str:
        """Return how long the last execution took."""
        return showing.length(row.duration_seconds)
