"""The product's settings in a test run: PostgreSQL where DATABASE_URL is given, else SQLite; always a Redis."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests.servers.redis import Redis

_folder = Path(tempfile.mkdtemp(prefix="tieback-pytest-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
if "REDIS_URL" not in os.environ:
    _redis = Redis().start()
    atexit.register(_redis.stop)
    os.environ["REDIS_URL"] = _redis.url

os.environ |= {
    "VAR_DIR": str(_folder),
    "STATIC_ROOT": str(_folder),
    "SECRET_KEY": "of-a-test-run-and-of-nothing-else",
    "CREDENTIAL_KEYS": "RzXn5EsSFdl9MIsi8-oQY8GkQ1pM0Zx0lQKtvkLM3Yk=",
    "SITE_URL": "http://localhost:8000",
    "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
    "SECURE_SSL_REDIRECT": "false",
    "ERP_ALLOW_PRIVATE_ADDRESSES": "true",
    "ERP_ALLOWED_PORTS": "any",
    "TASK_QUEUE": f"test-{os.getpid()}",
    "LOG_LEVEL": "WARNING",
}

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES, STORAGES  # noqa: E402

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_AUTOREFRESH = True  # else every test client begins by reading all static files
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES["default"]["CONN_MAX_AGE"] = 0  # threads of a test's server keep no database open
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, and named as the product names it, so that worker processes open the same (VAR_DIR is theirs too).
    DATABASES["default"]["NAME"] = _folder / "unused.sqlite3"
    DATABASES["default"]["TEST"] = {"NAME": _folder / "tieback.sqlite3"}
elif "TEST_DATABASE" in os.environ:  # of a run beside another one
    DATABASES["default"]["TEST"] = {"NAME": os.environ["TEST_DATABASE"]}
