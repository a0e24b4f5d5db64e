"""All settings, and the only reader of the environment. `.env.example` explains every variable.

Without DATABASE_URL this is the embedded mode: SQLite and keys in `var/`, as `bin/run` starts it.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.keys import load_keys
from config.limits import Limits

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = env.folder("VAR_DIR", BASE_DIR / "var")
DATABASE_URL = env.url("DATABASE_URL", "", "postgresql", "postgres")
REDIS_URL = env.url("REDIS_URL", "", "redis", "rediss")
EMBEDDED = not DATABASE_URL

if EMBEDDED:
    _keys = load_keys(VAR_DIR)
    SECRET_KEY = env.secret("SECRET_KEY", _keys["secret_key"])
    CREDENTIAL_KEYS = env.fernet_keys("CREDENTIAL_KEYS", _keys["credential_keys"])
else:
    SECRET_KEY = env.secret("SECRET_KEY")
    CREDENTIAL_KEYS = env.fernet_keys("CREDENTIAL_KEYS")

DEBUG = env.flag("DEBUG", False)
PORT = env.whole("PORT", 8000)
SITE_URL = env.site("SITE_URL", f"http://localhost:{PORT}")
_site = urlsplit(SITE_URL)
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if EMBEDDED else _site.hostname or "")
CSRF_TRUSTED_ORIGINS = [f"{_site.scheme}://{_site.netloc}"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "config",
    "companies",
    "erp_integrations",
    "erp_integrations.adapters.practice",
    "wbs",
    "exports",
    "exports.web_connector",
]

MIDDLEWARE = [
    "config.middleware.ContentSecurityPolicy",
    "django.middleware.gzip.GZipMiddleware",  # adds random bytes of its own against BREACH; tokens are masked anyway
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.middleware.BodyLimits",  # no middleware reads a body before a view is found, and none may
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "parts",
        "DIRS": [BASE_DIR / "templates" / "parts"],
        "OPTIONS": {"environment": "config.parts.environment"},
    },
]

# Database: rows are the truth. SQLite takes the write lock at BEGIN (IMMEDIATE), else half of the writers fail.
if EMBEDDED:
    DATABASES = {
        "default": {
            "ENGINE": "config.sqlite3",
            "NAME": VAR_DIR / "tieback.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
            },
            "TEST": {"NAME": VAR_DIR / "test.sqlite3"},
        }
    }
else:
    # A server that went away without a word is noticed in seconds, not when the kernel gives up.
    _silence = {"connect_timeout": 3, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    _database = dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)
    _database["OPTIONS"] = {**_silence, "tcp_user_timeout": 10_000, **_database.get("OPTIONS", {})}
    DATABASES = {"default": dict(_database)}
DATABASE_LIMITS = {  # by what a process is for; beat opens no connection
    "web": Limits(lock_s=4, statement_s=30, idle_s=60),
    "worker": Limits(lock_s=10, statement_s=120, idle_s=60),
    # Else one forgotten transaction would stop, behind the lock that a migration waits for, everybody.
    "command": Limits(lock_s=60, statement_s=0, idle_s=0),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# People
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
AUTHENTICATION_BACKENDS = ["companies.sessions.Backend"]
SESSION_ENGINE = "companies.sessions"
SESSION_COOKIE_AGE = 12 * 3600  # seconds
SESSION_COOKIE_HTTPONLY = True  # the cookie of the CSRF token is not: static/js/person.js sends the token of now
CSRF_FAILURE_VIEW = "companies.stale_page.csrf_failed"
SESSION_COOKIE_SAMESITE = "Lax"

# Transport: production is behind TLS; the embedded mode is plain http on loopback.
SECURE_SSL_REDIRECT = not EMBEDDED and env.flag("SECURE_SSL_REDIRECT", True)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _site.scheme == "https"
SECURE_HSTS_SECONDS = 31_536_000 if _site.scheme == "https" else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
BEHIND_PROXY = env.flag("BEHIND_PROXY", False)  # one that sets X-Forwarded-Proto and appends to X-Forwarded-For
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "/static/"
STATIC_ROOT = env.folder("STATIC_ROOT", (VAR_DIR if EMBEDDED else BASE_DIR) / "staticfiles")
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = EMBEDDED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Celery: the broker is a wake-up call, never a record (docs/operations.md). No result backend.
CELERY_BROKER_URL = REDIS_URL or "memory://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 3600, "socket_connect_timeout": 1, "socket_timeout": 5, "socket_keepalive": True}
    if REDIS_URL
    else {"polling_interval": 0.05}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever: the worker goes on whenever the broker is back
CELERY_TASK_DEFAULT_QUEUE = env.text("TASK_QUEUE", "tieback")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
# The net below all other limits: a task that is cut off here has lost its lease long ago (erp_integrations.E009 holds
# this), and is acknowledged and not done again: the sweep finds its rows. Threads (embedded mode) cannot be cut off.
CELERY_TASK_SOFT_TIME_LIMIT = env.number("TASK_LIMIT_S", 600)
# Killed at once, a child would take locks of the pool along.
CELERY_TASK_TIME_LIMIT = CELERY_TASK_SOFT_TIME_LIMIT + 60
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
WORKER_LOOK_S = 8  # how often config/watchdog.py looks whether the worker still hears
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # keeps no file: what is due stands in the database

# How the queue behaves; RELIABILITY: leases and settle times are short in tests.
EXPORT_LEASE_S = env.number("EXPORT_LEASE_S", 60, least=0.1)  # beyond the adapter's own call time-out
EXPORT_SETTLE_S = env.number("EXPORT_SETTLE_S", -1, least=-1)  # -1: as the adapter's capabilities say
EXPORT_TURN_S = env.number("EXPORT_TURN_S", 1.5)  # how long a connection may keep a worker while others wait
EXPORT_LONG_TURN_S = 8 * EXPORT_TURN_S  # and while nobody does
EXPORT_COMPANY_CALLS = env.whole("EXPORT_COMPANY_CALLS", 2)  # at once, of one company: fewer than workers
EXPORT_PROBES = env.whole("EXPORT_PROBES", 2)  # at once, in all, to ERPs that failed last time: as before
EXPORT_SWEEP_S = env.number("EXPORT_SWEEP_S", 5, least=0.1)
EXPORT_MAX_TRIES = env.whole("EXPORT_MAX_TRIES", 8)
EXPORT_RETRY_S = env.number("EXPORT_RETRY_S", 15, least=0.01)  # first wait; doubles, with jitter, up to an hour
# While no worker runs, what beat asks for shall not pile up without end before the clicks that come later. This goes by
# the clocks of beat and worker, the only place where they count: each may be an hour off, this way or that.
_KEPT = {"expires": 3 * 3600}
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "exports.tasks.sweep", "schedule": EXPORT_SWEEP_S, "options": _KEPT},
    "questions": {"task": "erp_integrations.tasks.sweep", "schedule": EXPORT_SWEEP_S, "options": _KEPT},
    "mail": {"task": "exports.tasks.mail", "schedule": EXPORT_SWEEP_S, "options": _KEPT},
    "read_items": {  # finds out which connection's day it is
        "task": "exports.tasks.read_items",
        "schedule": 60,
        "options": _KEPT,
    },
    "clear_sessions": {
        "task": "companies.tasks.clear_sessions",
        "schedule": crontab(minute="17"),
        "options": _KEPT,
    },
}
CRASH = env.text("CRASH", "")  # for fault tests alone: core/crashpoints.py

# Mail. Without a server the embedded mode lays each mail into a folder, and production sends none (config.W002).
EMAIL_HOST = env.text("EMAIL_HOST", "")
EMAIL_PORT = env.whole("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", True)
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL", False)
if EMAIL_USE_TLS and EMAIL_USE_SSL:
    raise ImproperlyConfigured("EMAIL_USE_TLS and EMAIL_USE_SSL are both true; at most one can be.")
if bool(EMAIL_HOST_USER) != bool(EMAIL_HOST_PASSWORD):  # Django would not sign in, and not say so
    raise ImproperlyConfigured("EMAIL_HOST_USER and EMAIL_HOST_PASSWORD go together: set both, or neither.")
EMAIL_TIMEOUT = 10
EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_BACKEND = "django.core.mail.backends." + (
    "smtp.EmailBackend" if EMAIL_HOST else "filebased.EmailBackend" if EMBEDDED else "dummy.EmailBackend"
)
DEFAULT_FROM_EMAIL = env.mail_address("EMAIL_FROM", f"Tieback <tieback@{_site.hostname}>")
REJECTION_MAIL_DELAY_S = env.number("REJECTION_MAIL_DELAY_S", 120)  # as long a rejection can be undone unnoticed

ERP_ADAPTERS = [
    "erp_integrations.adapters.practice.adapter.PracticeAdapter",
    "erp_integrations.adapters.tryton.adapter.TrytonAdapter",
    "erp_integrations.adapters.quickbooks_desktop.adapter.QuickBooksDesktopAdapter",
]
ERP_ALLOW_PRIVATE_ADDRESSES = env.flag("ERP_ALLOW_PRIVATE_ADDRESSES", EMBEDDED)
ERP_ALLOWED_HOSTS = env.words("ERP_ALLOWED_HOSTS")
# Those of the web, and those that Tryton and Odoo listen at by themselves; none: any.
ERP_ALLOWED_PORTS = env.numbers("ERP_ALLOWED_PORTS", "any" if EMBEDDED else "80,443,8000,8069,8443")

FILE_UPLOAD_HANDLERS = ["core.bodies.FilesWhereTaken"]
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000  # ticks and seen rows of a page of 250
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.choice("LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR")},
    "loggers": {"django.server": {"level": "WARNING"}, "httpcore2": {"level": "WARNING"}},
}
