"""Guardrails: judging a text (``judging``), and what follows (``stages``)."""
