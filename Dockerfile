FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /srv/tieback

COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock \
 && useradd --system --home-dir /var/lib/tieback --create-home tieback

COPY . .
# The settings want values that only the running container has; collecting files uses none of them.
RUN key=$(python -c 'import base64, secrets; print(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())') \
 && DATABASE_URL=postgresql://none/none SECRET_KEY=$key CREDENTIAL_KEYS=$key SITE_URL=https://none \
    STATIC_ROOT=/srv/tieback/staticfiles python manage.py collectstatic --no-input

USER tieback
