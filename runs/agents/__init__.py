"""Agents and functions: what a step does, without Django. Everything comes in as values."""
