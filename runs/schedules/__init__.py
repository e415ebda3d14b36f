"""Runs that are started by the clock: when a schedule is due, and what happens then.

``timetable`` reads cron expressions, ``keeping`` makes and changes schedules, ``firing`` starts their runs.
"""
