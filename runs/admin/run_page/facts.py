"""What the columns of a run say, as names and values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.contrib.admin.utils import flatten, label_for_field

from kneo_project.site.pages import OperatorAdmin
from kneo_project.site.showing import NOTHING
from runs.models import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Some names and values under a title."""

    title: str
    rows: Sequence[tuple[str, object]]


def facts_of(page: OperatorAdmin[Run], run: Run, which: slice) -> list[Facts]:
    """Return some fieldsets of ``page`` for ``run``, without what there is nothing to say about."""
    sections = []
    for title, options in cast("Any", page.fieldsets)[which]:
        names = flatten(options["fields"])
        rows = [(str(label_for_field(name, Run, page)), getattr(page, name)(run)) for name in names]
        if said := [(label, value) for label, value in rows if value != NOTHING]:
            sections.append(Facts(title=str(title), rows=said))
    return sections
