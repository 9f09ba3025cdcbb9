#!/usr/bin/env bash
# Three object stores on loopback, for tests: Amazon S3 (moto), Google Cloud Storage (gcp-storage-emulator) and Azure Blob
# Storage (azurite), each with a bucket `xqute-test`.
#
#   stores.sh [up]     install what is missing, start them, make the buckets
#   stores.sh down     stop them; all that they hold is gone, but for Azure's
#   stores.sh restart  down, then up
#   stores.sh status   which of them run
#   stores.sh env      `export` lines for their clients:  eval "$(tests/services/stores.sh env)"
#   stores.sh clean    down, and remove the state directory with what is installed there
#   stores.sh client ARG...  put, get and list objects with the providers' own clients; see stores/client.py
#
# Needs: python3 with venv, and npm. What they install goes into the state directory. With /dev/fuse and s3fs (installed from Debian's
# packages where that is possible) the bucket of S3 is mounted as well, below `mnt` in the state directory.
#
# Knobs (environment):
#   STORES_DIR   state directory  ($XQUTE_SERVICES_DIR/stores, by default xqute-services/stores in the temporary folder)
#   STORES_PORT  first of three ports  (25000: S3, then Google's and Azure's)
set -u -o pipefail
SELF=stores.sh
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STORES_DIR=${STORES_DIR:-${XQUTE_SERVICES_DIR:-${TMPDIR:-/tmp}/xqute-services}/stores}
STORES_PORT=${STORES_PORT:-25000}
S3=$STORES_PORT GCS=$((STORES_PORT + 1)) AZURE=$((STORES_PORT + 2))
BUCKET=xqute-test
# The account that azurite always has, and its key, which is public.
ACCOUNT=devstoreaccount1
KEY=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==
PYTHON=$STORES_DIR/venv/bin/python
AZURITE=$STORES_DIR/npm/node_modules/.bin/azurite-blob

say() { printf '%s: %s\n' "$SELF" "$*" >&2; }
die() { say "FAILED: $1"; [ -n "${2:-}" ] && [ -s "${2:-}" ] && { say "last lines of $2:"; tail -n 15 "$2" >&2; }; exit 1; }
started() { awk '{print $22}' "/proc/$1/stat" 2>/dev/null; }
# A pid file is believed only if that process started when ours did (pids are reused).
alive() { local p t; read -r p t 2>/dev/null <"$STORES_DIR/$1.pid" && [ -n "$t" ] && [ "$(started "$p")" = "$t" ]; }
listens() { bash -c "exec 3<>/dev/tcp/127.0.0.1/$1" 2>/dev/null; }
wait_for() { local n=$(($1 * 20)); shift; while [ "$n" -gt 0 ]; do "$@" && return 0; sleep 0.05; n=$((n - 1)); done; return 1; }

variables() {
  echo "export AWS_ENDPOINT_URL=http://127.0.0.1:$S3 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1"
  echo "export STORAGE_EMULATOR_HOST=http://127.0.0.1:$GCS"
  echo "export AZURE_STORAGE_CONNECTION_STRING='DefaultEndpointsProtocol=http;AccountName=$ACCOUNT;AccountKey=$KEY;BlobEndpoint=http://127.0.0.1:$AZURE/$ACCOUNT;'"
  echo "export XQUTE_TEST_STORES=$BUCKET"
  if mountpoint -q "$STORES_DIR/mnt/s3" 2>/dev/null; then echo "export XQUTE_TEST_MOUNTS='$STORES_DIR/mnt'"; fi
}

# mount_bucket SERVICE COMMAND...: what the host writes is seen at once, and what is written is in the bucket when it is closed.
mount_bucket() {
  local service=$1 dir=$STORES_DIR/mnt/$1; shift
  mkdir -p "$dir"
  mountpoint -q "$dir" && return 0
  setsid "$@" >"$STORES_DIR/mount-$service.log" 2>&1 </dev/null &
  echo "$! $(started $!)" >"$STORES_DIR/mount-$service.pid"
  wait_for 20 mountpoint -q "$dir" || die "mount the bucket at $dir" "$STORES_DIR/mount-$service.log"
}

mount_s3() {
  (umask 077 && echo "test:test" >"$STORES_DIR/s3fs.password")
  mount_bucket s3 s3fs "$BUCKET" "$STORES_DIR/mnt/s3" -f -o "passwd_file=$STORES_DIR/s3fs.password,url=http://127.0.0.1:$S3" \
    -o use_path_request_style,stat_cache_expire=1
}

mounts() { [ -c /dev/fuse ] && command -v s3fs >/dev/null; }

install_all() {
  local log=$STORES_DIR/install.log
  command -v npm >/dev/null || die "there is no npm on PATH, which installs azurite"
  if ! [ -e "$STORES_DIR/venv/complete" ]; then
    say "installing moto, gcp-storage-emulator and the providers' clients"
    python3 -m venv "$STORES_DIR/venv" >>"$log" 2>&1 || die "make a venv (apt-get install python3-venv?)" "$log"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check 'moto[s3]>=5' flask flask-cors gcp-storage-emulator \
      google-cloud-storage azure-storage-blob >>"$log" 2>&1 || die "install them from PyPI" "$log"
    touch "$STORES_DIR/venv/complete"
  fi
  if [ -c /dev/fuse ] && ! mounts && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing s3fs"
    install() { apt-get install -y --no-install-recommends s3fs </dev/null; }
    { install || { apt-get update && install; }; } >>"$log" 2>&1 || say "it cannot be installed: no bucket is mounted"
  fi
  if ! [ -x "$AZURITE" ]; then
    say "installing azurite"
    npm install --prefix "$STORES_DIR/npm" --no-audit --no-fund --loglevel=error azurite >>"$log" 2>&1 </dev/null || die "install azurite from npm" "$log"
  fi
}

launch() { # NAME PORT COMMAND...
  local name=$1 port=$2; shift 2
  alive "$name" && return 0
  listens "$port" && die "port $port is in use by something else; set STORES_PORT"
  setsid "$@" >"$STORES_DIR/$name.log" 2>&1 </dev/null &
  echo "$! $(started $!)" >"$STORES_DIR/$name.pid"
  wait_for 60 listens "$port" || die "start $name on port $port" "$STORES_DIR/$name.log"
}

up() {
  mkdir -p "$STORES_DIR/azure" || die "create $STORES_DIR"
  install_all
  eval "$(variables)"
  launch s3 "$S3" "$STORES_DIR/venv/bin/moto_server" -H 127.0.0.1 -p "$S3"
  launch gcs "$GCS" "$PYTHON" "$here/stores/gcs.py" start --host=127.0.0.1 --port="$GCS" --in-memory
  launch azure "$AZURE" "$AZURITE" --blobHost 127.0.0.1 --blobPort "$AZURE" --location "$STORES_DIR/azure" --skipApiVersionCheck --disableTelemetry
  local service
  for service in s3 gs az; do
    "$PYTHON" "$here/stores/client.py" make $service $BUCKET 2>"$STORES_DIR/client.log" || die "make a bucket at $service" "$STORES_DIR/client.log"
  done
  if mounts; then
    mount_s3
  else
    say "no bucket is mounted: that takes /dev/fuse and s3fs"
  fi
  say "up: S3 on port $S3, Google Cloud Storage on $GCS, Azure Blob Storage on $AZURE; eval \"\$($0 env)\""
}

down() {
  local name p
  if mountpoint -q "$STORES_DIR/mnt/s3" 2>/dev/null; then umount -l "$STORES_DIR/mnt/s3"; fi
  for name in mount-s3 s3 gcs azure; do
    if alive $name; then
      read -r p _ <"$STORES_DIR/$name.pid"
      kill "$p"
      wait_for 10 eval "! alive $name" || kill -9 "$p"
    fi
    rm -f "$STORES_DIR/$name.pid"
  done
}

case ${1:-up} in
  up) up;;
  down|stop) down; say down;;
  restart) down; up;;
  clean) down; rm -rf "$STORES_DIR";;
  env) variables;;
  client) shift; eval "$(variables)"; exec "$PYTHON" "$here/stores/client.py" "$@";;
  status) for name in s3 gcs azure; do alive $name && echo "$name $(cut -d' ' -f1 "$STORES_DIR/$name.pid")" || echo "$name -"; done;;
  *) sed -n '2,19p' "$0"; exit 2;;
esac
