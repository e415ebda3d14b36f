"""Pruning: what is past its window goes, and nothing else."""
