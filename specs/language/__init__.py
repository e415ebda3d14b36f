"""The spec language: reading, checking and compiling specs. Pure: no Django, no files, no network."""
