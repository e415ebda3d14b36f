"""Checkpoints and trace events by month, on PostgreSQL, where the operator asked for it: see decision 15."""
