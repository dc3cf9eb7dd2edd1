"""The WSGI entry point for gunicorn."""

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.prod")

application = get_wsgi_application()

# A URLconf read at the first request would make that request wait.
for urlconf in ("config.urls_school", "config.urls_platform"):
    import_module(urlconf)
