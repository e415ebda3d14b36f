"""Whether what is stored fits together: ``manage.py doctor --audit``. Nothing here writes."""
