"""Sessions, cookies and whom EGX trusts."""

from __future__ import annotations

import hashlib

from egx_project.settings.core import SECRET_KEY, env

EGX_LOGIN_LINK_SECONDS = env.int("EGX_LOGIN_LINK_SECONDS", default=3600)
"""How long a one-time login link stays good."""

EGX_TOKEN_DAYS = env.int("EGX_TOKEN_DAYS", default=90)
"""How long an API token stays good when its maker does not say."""

CSRF_TRUSTED_ORIGINS = env.list("EGX_TRUSTED_ORIGINS", default=[])
"""Origins, such as https://egx.example.org, from which the dashboard is used beside its own host names."""

# Cookies know no ports: without this, two instances on one host would log each other out.
_INSTANCE = hashlib.sha256(f"cookies of {SECRET_KEY}".encode()).hexdigest()[:8]
SESSION_COOKIE_NAME = f"egx_session_{_INSTANCE}"
CSRF_COOKIE_NAME = f"egx_csrf_{_INSTANCE}"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 30 * 24 * 3600
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_USE_SESSIONS = False
CSRF_FAILURE_VIEW = "egx_project.problems.csrf_failure"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
SECURE_REFERRER_POLICY = "same-origin"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
