"""Runnable specs and the functions they use."""
