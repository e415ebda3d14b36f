"""The commands that start the stack."""
