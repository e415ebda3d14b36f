"""Specs: the language, where they come from, how they are kept."""
