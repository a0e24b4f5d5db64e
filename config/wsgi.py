from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from config import limits

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
limits.become("web")
application = get_wsgi_application()
