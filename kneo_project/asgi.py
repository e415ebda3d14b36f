"""ASGI entry point: for event streams, of which one process serves thousands. It answers everything else as well."""

import os

from django.core.asgi import get_asgi_application

from kneo_project.api.limits import count_streamed
from kneo_project.checks import refuse_impossible_settings
from kneo_project.starting import refuse_foreign_tables, settle_in
from kneo_project.telemetry.starting import begin_telemetry

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kneo_project.settings")
begin_telemetry("events")
application = count_streamed(get_asgi_application())
refuse_impossible_settings()
refuse_foreign_tables()
settle_in()
