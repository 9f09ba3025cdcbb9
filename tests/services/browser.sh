#!/usr/bin/env bash
# Installs Chromium, in which the tests open the pages that xqute writes. Nothing is started; there is nothing to stop.
# Needs: root, Debian, apt.
set -euo pipefail
command -v chromium >/dev/null && exit 0
printf 'browser.sh: installing chromium\n' >&2
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y --no-install-recommends chromium </dev/null; }
log=$(mktemp)
{ install || { apt-get update && install; }; } >"$log" 2>&1 || {
  printf 'browser.sh: FAILED: apt-get install chromium; its last lines:\n' >&2
  tail -n 15 "$log" >&2
  exit 1
}
rm -f "$log"
