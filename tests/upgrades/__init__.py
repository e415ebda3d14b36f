"""Filled databases of earlier states of the schema, and what the API of that time said about what is in them."""
