"""Django itself."""

from __future__ import annotations

import secrets
from pathlib import Path

import environ

from egx_project.lib import atomic
from egx_project.settings.location import data_dir, debug, host

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent.parent


def _secret_key(file: Path) -> str:
    """The instance's own key: made once, readable by its owner only."""
    if not file.exists():
        atomic.write_new(file, secrets.token_urlsafe(50).encode())
    return file.read_text().strip()


EGX_DATA_DIR = data_dir()
EGX_DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)

SECRET_KEY = env.str("EGX_SECRET_KEY", default="") or _secret_key(EGX_DATA_DIR / "secret_key")
DEBUG = debug()
ALLOWED_HOSTS = env.list("EGX_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "egx"])
"""`egx` is the name that the command line gives the Unix socket."""

HOST = host()
PORT = env.int("PORT", default=3000)
"""Where the dashboard listens; `egx up --port` wins."""
EGX_URL = f"http://localhost:{PORT}"

INSTALLED_APPS = [
    "egx_project.access.apps.AdminConfig",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "channels",
    "egx_project.events",
    "egx_project.rest",
    "egx_project.access",
    "gateways",
    "deployments",
    "updates",
    "monitoring",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "egx_project.middleware.ContentSecurityPolicy",
    "egx_project.problems.ProblemPages",
]
ROOT_URLCONF = "egx_project.urls"
ASGI_APPLICATION = "egx_project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [path for path in (BASE_DIR / "templates", BASE_DIR / "egx_project/templates") if path.is_dir()],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "egx_project.context.everywhere",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATICFILES_DIRS = [path for path in (BASE_DIR / "static", BASE_DIR / "egx_project/static") if path.is_dir()]
WHITENOISE_USE_FINDERS = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
"""Bytes: the largest manifest (4 MiB) and its JSON envelope."""
