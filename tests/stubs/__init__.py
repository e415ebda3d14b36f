"""Real servers that stand in for the world outside."""
