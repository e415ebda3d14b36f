"""What all blocks of a document have in common."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

type FreeForm = dict[str, Any]
"""A mapping the language does not look into."""


class Block(BaseModel):
    """A mapping with known keys. Scalars are read leniently (``"3"`` is a number), but a number is never text."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _confined(path: str) -> str:
    if path.startswith("~"):
        raise ValueError("must not start with `~`")
    if ".." in path.replace("\\", "/").split("/"):
        raise ValueError("must not contain `..`")
    return path


_CONFINED = {"not": {"pattern": r"^~|(^|[/\\])\.\.([/\\]|$)"}}

type PlainPath = Annotated[str, AfterValidator(_confined), Field(json_schema_extra=_CONFINED)]
"""A path without ``~`` and ``..``."""
