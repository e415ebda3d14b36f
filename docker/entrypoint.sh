#!/bin/sh
# Starts one of the programs of a deployment: web, events, worker, beat, migrate; anything else is run as it is.
set -eu

case "${1:-web}" in
    web)
        exec gunicorn kneo_project.wsgi:application --bind "0.0.0.0:${PORT:-8000}" --worker-class gthread \
            --workers "${KNEO_WEB_PROCESSES:-2}" --threads "${KNEO_SERV_WEB_THREADS:-64}" \
            --worker-tmp-dir /dev/shm --no-control-socket ;;
    events)
        exec uvicorn kneo_project.asgi:application --host 0.0.0.0 --port "${PORT:-8000}" --lifespan off \
            --no-access-log --log-level warning --timeout-graceful-shutdown 5 ;;
    worker)
        exec celery --app kneo_project worker -O fair --loglevel "${KNEO_SERV_LOG_LEVEL:-INFO}" \
            --without-gossip --without-mingle --without-heartbeat ;;
    beat)
        exec celery --app kneo_project beat --loglevel "${KNEO_SERV_LOG_LEVEL:-INFO}" ;;
    migrate)
        exec python -m django migrate --no-input ;;
    *)
        exec "$@" ;;
esac
