"""The operators' site: Django's admin with lists that stay fast and pages that are easy to read.

``config`` names the site, ``pages`` is what every model's pages share, ``showing`` turns values into safe HTML,
``filters`` and ``acting`` are the parts that more than one app needs.
"""
