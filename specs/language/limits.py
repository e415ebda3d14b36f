"""How large a spec may be. They bound time and memory; no sensible spec comes near them."""

MAX_TEXT_CHARS = 1_048_576
MAX_DEPTH = 64
MAX_VALUES = 100_000
MAX_KEY_CHARS = 1_000
MAX_NAME_CHARS = 255
"""Of an agent, a workflow, a step or a signal: records of runs are found by them."""
MAX_NUMBER_CHARS = 64
MAX_WHOLE_NUMBER = 2**63 - 1
MAX_TIMEOUT_SECONDS = 10 * 366 * 24 * 3600
"""Ten years: a deadline must remain a date."""
MOST_APPROVALS = 10
"""Of how many people one question may want the approval."""
