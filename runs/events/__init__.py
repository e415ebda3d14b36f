"""What happens to runs, told to whoever listens."""
