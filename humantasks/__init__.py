"""Questions put to people, and their answers."""
