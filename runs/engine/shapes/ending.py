"""How a workflow ends."""

from enum import StrEnum


class Ending(StrEnum):
    """Why there is no next step."""

    FINISHED = "finished"
