"""The /v1 routes of runs."""
