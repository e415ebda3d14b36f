"""Another way from somewhere in the middle of a run: what the user is asked."""

from django import forms

from kneo_project.site.acting import Question
from runs.redriving import ForkRun

FORK = Question(
    action="fork_selected",
    title="Fork this run?",
    consequence=(
        "A new run begins with the history of this one up to the checkpoint, and goes on from there by itself. This "
        "run stays as it is. What comes after the checkpoint is done again in the new run, with its side effects."
    ),
    button="Yes, fork",
)


class ForkForm(forms.Form):
    """Where a fork begins, and with what."""

    checkpoint = forms.IntegerField(
        min_value=1,
        required=False,
        help_text="Its number; 1 is the start, and all is done again. Empty: the last one that can be gone on from.",
    )
    input_text = forms.CharField(
        required=False,
        strip=False,
        label="Input",
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        help_text="Optional. What the next step is given instead of what it was given then.",
    )

    @property
    def order(self) -> ForkRun:
        """The fork that is asked for."""
        return ForkRun(checkpoint=self.cleaned_data["checkpoint"], input_text=self.cleaned_data["input_text"] or None)
