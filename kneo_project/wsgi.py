"""WSGI entry point of the API and the admin."""

import os

from django.core.wsgi import get_wsgi_application

from kneo_project.api.limits import count_chunked
from kneo_project.checks import refuse_impossible_settings
from kneo_project.starting import refuse_foreign_tables, settle_in
from kneo_project.telemetry.starting import begin_telemetry

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kneo_project.settings")
begin_telemetry("web")
application = count_chunked(get_wsgi_application())
refuse_impossible_settings()
refuse_foreign_tables()
settle_in()
