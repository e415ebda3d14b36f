"""The embedded stack: web, worker and beat as children of one command, on one machine."""
