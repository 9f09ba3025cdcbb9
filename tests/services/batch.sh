#!/usr/bin/env bash
# A small Google Batch on loopback, for the tests that use the real `gcloud`: batch/server.py speaks the part of the REST API
# that `gcloud batch` uses, and runs the tasks on this machine.
#
#   batch.sh [up]     start the server, wait until gcloud has run a job through it
#   batch.sh down     stop the server; what runs goes on, and is known again when the server is
#   batch.sh restart  down, then up; with CLEAN=1 nothing is known any more
#   batch.sh status   whether it runs, and its jobs
#   batch.sh env      `export` lines for gcloud:  eval "$(tests/services/batch.sh env)"
#   batch.sh clean    down, end all tasks, and remove the state directory
#   batch.sh ask WHAT...  let something happen:
#       fail CODE TIMES     the next answers are this error (429, 503, ...)
#       end JOB TASK CODE   a running task ends with this exit code, as if its machine had failed (50001: preempted)
#       hold yes|no         jobs wait for machines, or not any more
#       count               prints the requests so far
#
# Needs: gcloud (the Google Cloud CLI, which neither Debian nor PyPI nor npm has), python3; podman for containers, as
# podman.sh sets it up. No account: gcloud is told to use none.
#
# Knobs (environment):
#   BATCH_DIR    state directory   ($XQUTE_SERVICES_DIR/batch, by default xqute-services/batch in the temporary folder)
#   BATCH_PORT   port              (26880)
#   BATCH_SLOTS  tasks at once     (100)
#   CLEAN        1 = `up` throws old state away first (0)
set -u -o pipefail
SELF=batch.sh
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BATCH_DIR=${BATCH_DIR:-${XQUTE_SERVICES_DIR:-${TMPDIR:-/tmp}/xqute-services}/batch}
BATCH_PORT=${BATCH_PORT:-26880}
BATCH_SLOTS=${BATCH_SLOTS:-100}
CLEAN=${CLEAN:-0}
PIDFILE=$BATCH_DIR/server.pid

say() { printf '%s: %s\n' "$SELF" "$*" >&2; }
die() { say "FAILED: $1"; [ -n "${2:-}" ] && [ -s "${2:-}" ] && { say "last lines of $2:"; tail -n 15 "$2" >&2; }; exit 1; }
# A pid file is believed only if that process is our server (pids are reused).
alive() { local p; p=$(cat "$PIDFILE" 2>/dev/null) && [ -n "$p" ] && tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null | grep -qF "batch/server.py $BATCH_DIR"; }
answers() { python3 "$here/batch/server.py" ask "$BATCH_PORT" count >/dev/null 2>&1; }
wait_for() { local n=$(( $1 * 20 )); shift; while [ "$n" -gt 0 ]; do "$@" && return 0; sleep 0.05; n=$((n-1)); done; return 1; }

variables() {
  # CLOUDSDK_CONFIG: a folder of its own, so that nobody's account and settings play a part.
  echo "export CLOUDSDK_API_ENDPOINT_OVERRIDES_BATCH=http://127.0.0.1:$BATCH_PORT/ CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true" \
    "CLOUDSDK_CORE_PROJECT=xqute-test CLOUDSDK_CONFIG=$BATCH_DIR/gcloud CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=true" \
    "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=true"
}

smoke() {
  local name=smoke-$$-$RANDOM job said
  eval "$(variables)"
  job='{"taskGroups": [{"taskSpec": {"runnables": [{"script": {"text": "true"}}]}}], "logsPolicy": {"destination": "CLOUD_LOGGING"}}'
  gcloud batch jobs submit "$name" --location=us-central1 --config=- --quiet <<<"$job" >"$BATCH_DIR/smoke.log" 2>&1 || return 1
  for said in 1 2 3 4 5; do
    said=$(gcloud batch jobs describe "$name" --location=us-central1 '--format=value(status.state)' --quiet 2>>"$BATCH_DIR/smoke.log")
    [ "$said" = SUCCEEDED ] && break
  done
  gcloud batch jobs delete "$name" --location=us-central1 --quiet >>"$BATCH_DIR/smoke.log" 2>&1
  [ "$said" = SUCCEEDED ]
}

up() {
  command -v gcloud >/dev/null || die "there is no gcloud on PATH; install the Google Cloud CLI, or leave batch out of XQUTE_SERVICES"
  command -v python3 >/dev/null || die "there is no python3 on PATH"
  [ "$CLEAN" = 1 ] && clean
  mkdir -p "$BATCH_DIR/gcloud" || die "create $BATCH_DIR"
  if ! alive; then
    # Containers run where the tests of containers run them.
    [ -f "$here/podman.sh" ] && eval "$(bash "$here/podman.sh" env)"
    [ -n "${CONTAINERS_CONF:-}" ] && [ ! -f "$CONTAINERS_CONF" ] && unset CONTAINERS_CONF CONTAINERS_STORAGE_CONF
    setsid python3 "$here/batch/server.py" "$BATCH_DIR" "$BATCH_PORT" "$BATCH_SLOTS" >>"$BATCH_DIR/server.log" 2>&1 </dev/null &
    wait_for 15 answers || die "start the server on port $BATCH_PORT" "$BATCH_DIR/server.log"
  fi
  [ "${SMOKE:-1}" = 0 ] || smoke || die "gcloud cannot run a job through the server" "$BATCH_DIR/smoke.log"
  say "up: $(gcloud version 2>/dev/null | head -n 1) on port $BATCH_PORT; eval \"\$($0 env)\""
}

down() {
  if alive; then
    local p; p=$(cat "$PIDFILE"); kill "$p"
    wait_for 10 eval '! alive' || kill -9 "$p"
  fi
  rm -f "$PIDFILE"
}

clean() {
  down
  local file
  for file in "$BATCH_DIR"/tasks/*/*/pid; do
    [ -e "$file" ] && [ ! -e "${file%pid}code" ] && python3 - "$here/batch" "${file%/pid}" <<'PY'
import sys, pathlib
sys.path.insert(0, sys.argv[1])
import machine
machine.kill(pathlib.Path(sys.argv[2]))
PY
  done
  rm -rf "$BATCH_DIR"
}

case ${1:-up} in
  up) up;;
  down|stop) down; say down;;
  restart) down; up;;
  clean) clean;;
  env) variables;;
  ask) shift; python3 "$here/batch/server.py" ask "$BATCH_PORT" "$@";;
  status) alive && echo "server $(cat "$PIDFILE")" || echo "server -"
    eval "$(variables)"; alive && gcloud batch jobs list --location=us-central1 --quiet;;
  *) sed -n '2,26p' "$0"; exit 2;;
esac
