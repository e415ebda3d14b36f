#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

from kneo_project.stack.command_line import run_command

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kneo_project.settings")
    run_command(sys.argv)
