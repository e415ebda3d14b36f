#!/bin/sh
# Starts one of the programs of a deployment: web, events, worker, beat, migrate, manage; anything else is run as it is.
set -eu

[ "$#" -gt 0 ] || set -- web
case "$1" in
    web | events)
        role=$1
        shift
        exec kneo "$role" --host 0.0.0.0 "$@"
        ;;
    worker | beat | migrate | manage)
        exec kneo "$@"
        ;;
    *)
        exec "$@"
        ;;
esac
