"""The pure core: what happens next in a run. Nothing here knows Django, a database or a broker."""
