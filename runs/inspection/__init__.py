"""What callers see of runs, computed from their rows: many runs in a constant number of queries, writing nothing."""
