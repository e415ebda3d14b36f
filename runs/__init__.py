"""Runs: the only place where work moves forward."""
