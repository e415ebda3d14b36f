import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.agents.models.usage import Usage, usage_of


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ({"input_tokens": 3, "output_tokens": 4, "total_tokens": 9}, (3, 4, 9)),
        ({"prompt_tokens": 3, "completion_tokens": 4}, (3, 4, 7)),
        ({"input_tokens": None, "prompt_tokens": 3}, (3, 0, 3)),
        ({"total_tokens": 5}, (0, 0, 5)),
        ({"prompt_tokens": 3.0, "completion_tokens": True}, (3, 0, 3)),
        ({"prompt_tokens": 0}, (0, 0, 0)),
    ],
)
def test_usage_is_read_leniently(reported: object, expected: tuple[int, int, int]) -> None:
    spent, produced, total = expected
    assert usage_of(reported) == Usage(input_tokens=spent, output_tokens=produced, total_tokens=total)


@pytest.mark.parametrize("count", [True, -1, math.nan, math.inf, "7", None, [7], 10**9 + 1, 1e300, 10**400])
def test_a_count_that_cannot_be_trusted_is_not_zero_but_nothing(count: object) -> None:
    assert usage_of({"prompt_tokens": count, "completion_tokens": count, "total_tokens": count}) is None


@given(reported=st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_what_is_no_mapping_is_no_usage(reported: object) -> None:
    assert usage_of(reported) is None


def test_usage_adds_up() -> None:
    call = Usage(input_tokens=1, output_tokens=2, total_tokens=4)
    assert call + call == Usage(input_tokens=2, output_tokens=4, total_tokens=8)
