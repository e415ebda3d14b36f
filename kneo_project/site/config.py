"""The admin site itself: its names, and how Django comes to use it."""

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig


class OperatorsSite(admin.AdminSite):
    """The site at /admin/."""

    site_header = "kneo-serv"
    site_title = "kneo-serv"
    index_title = "Operations"
    site_url = None
    enable_nav_sidebar = False  # the lists need the width


class OperatorsSiteConfig(AdminConfig):
    """Django's admin app, with our site as the one that every app registers with."""

    default_site = "kneo_project.site.config.OperatorsSite"
