"""The programs of the stack and how each is started."""

import sys
from dataclasses import dataclass

from django.conf import settings

CELERY = (sys.executable, "-m", "celery", "--app", "kneo_project")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program to keep running: its name, its command line and the open files it inherits."""

    name: str
    command: tuple[str, ...]
    inherits: tuple[int, ...] = ()


def web(listener: int, *, processes: int = 1) -> Program:
    """Return the program that serves the API and the admin on the inherited socket ``listener``."""
    command = (sys.executable, "-m", "gunicorn", "kneo_project.wsgi:application", "--bind", f"fd://{listener}")
    load = ("--worker-class", "gthread", "--workers", str(processes), "--threads", str(settings.WEB_THREADS))
    options = (*load, "--no-control-socket")
    return Program(name="web", command=command + options, inherits=(listener,))


def events(listener: int) -> Program:
    """Return the program that serves event streams on the inherited socket ``listener``."""
    command = (sys.executable, "-m", "uvicorn", "kneo_project.asgi:application", "--fd", str(listener))
    options = ("--lifespan", "off", "--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "2")
    return Program(name="events", command=command + options, inherits=(listener,))


def worker() -> Program:
    """Return the program that advances runs."""
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return Program(name="worker", command=(*CELERY, "worker", "-O", "fair", "--loglevel", settings.LOG_LEVEL, *alone))


def beat() -> Program:
    """Return the program that asks for the sweep."""
    return Program(name="beat", command=(*CELERY, "beat", "--loglevel", settings.LOG_LEVEL))


def stack(listener: int) -> tuple[Program, ...]:
    """Return the whole stack in the order in which it is stopped: the worker first, to hand over its runs."""
    return worker(), beat(), web(listener)
