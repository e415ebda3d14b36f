"""API keys that are kept in the database: made, seen and revoked without a restart."""
