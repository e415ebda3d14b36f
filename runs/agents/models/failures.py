"""How endpoints explain that they refuse: OpenAI and Anthropic do it alike."""

from pydantic import BaseModel, ValidationError


class _Explanation(BaseModel):
    message: str


class _Failure(BaseModel):
    error: _Explanation


def read_failure(raw: bytes) -> str:
    """Return the sentence by which the endpoint explains a refusal, or "" when it gives none."""
    try:
        return _Failure.model_validate_json(raw).error.message
    except ValidationError:
        return ""
