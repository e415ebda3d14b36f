"""What the beat's jobs did last, and whether it went well."""
