"""Advance one run in this process, and nothing else: the isolation of runs whose processes keep dying."""

import os
import signal
import sys
import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error

from kneo_project.telemetry.starting import begin_telemetry
from kneo_project.transient import Trouble, is_away, trouble_of
from runs import executor, heartbeat


class Command(BaseCommand):
    """``manage.py advance_run RUN_ID``."""

    help = "Advance one run alone in this process, if it is due. Used by workers for runs that killed theirs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the run id."""
        parser.add_argument("run_id", type=uuid.UUID)

    def handle(self, *_args: Any, run_id: uuid.UUID, **_options: Any) -> None:
        """Advance the run and say how far it came; SIGTERM makes it hand the run over.

        A database that cannot be used is not the run's fault: it is given back first. The status is then 75 when the
        disk is full, so that who started this process waits before the next.
        """
        begin_telemetry("worker")
        signal.signal(signal.SIGTERM, lambda *_: heartbeat.of_this_process().stop(grace_seconds=0))
        try:
            advanced = executor.advance(run_id, alone=True)
        except Error as error:
            if not is_away(error):
                raise
            heartbeat.of_this_process().let_go()
            sys.exit(os.EX_TEMPFAIL if trouble_of(error) is Trouble.FULL else os.EX_OK)
        finally:
            heartbeat.retire()
        self.stdout.write(advanced.rest)
