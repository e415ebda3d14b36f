"""Specs to start from, written by ``spec new``."""
