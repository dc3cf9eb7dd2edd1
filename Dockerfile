# syntax=docker/dockerfile:1
# Two stages: one that has pip and builds, one that only runs, as an ordinary user.
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements/prod.txt requirements/prod.txt
RUN /venv/bin/pip install --require-hashes -r requirements/prod.txt
COPY . .
# The static files and message catalogues need settings, but no service and no real secret.
RUN /venv/bin/pybabel compile --directory locale --domain django \
    && DJANGO_SETTINGS_MODULE=config.settings.collect /venv/bin/python manage.py collectstatic --no-input \
    && /venv/bin/python -m compileall -q apps config kernel

FROM python:3.11-slim-bookworm
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings.prod \
    MEDIA_ROOT=/var/lib/homeroom/media
RUN useradd --system --uid 10001 --home-dir /app homeroom \
    && install -d -o homeroom /var/lib/homeroom/media
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--max-requests", "5000", "--max-requests-jitter", "500", "--no-control-socket", "--access-logfile", "/dev/null"]
