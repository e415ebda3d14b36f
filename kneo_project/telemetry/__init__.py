"""OpenTelemetry: where spans go, and which libraries tell of theirs. Imported only where an operator wants it."""
