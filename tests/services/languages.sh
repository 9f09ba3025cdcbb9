#!/usr/bin/env bash
# Installs what the plugins in Python and JavaScript are built with, and the queue that one of them hands jobs to. Nothing is
# started; there is nothing to stop. Needs: root, Debian, apt.
set -euo pipefail
need=()
python3 -c 'import venv, ensurepip' 2>/dev/null || need+=(python3 python3-venv)
command -v node >/dev/null || need+=(nodejs)
command -v npm >/dev/null || need+=(npm)
command -v tsp >/dev/null || need+=(task-spooler)
# A Node that is too old for componentize-js is joined by a newer one, which npm has as a package.
newer_node() {
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] && return
  printf 'languages.sh: node %s is too old, installing a newer one\n' "$major" >&2
  npm install --global --no-audit --no-fund --loglevel=error node@22
}
[ ${#need[@]} -eq 0 ] && { newer_node; exit 0; }
printf 'languages.sh: installing %s\n' "${need[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y --no-install-recommends "${need[@]}" </dev/null; }
log=$(mktemp)
{ install || { apt-get update && install; }; } >"$log" 2>&1 || {
  printf 'languages.sh: FAILED: apt-get install %s; its last lines:\n' "${need[*]}" >&2
  tail -n 15 "$log" >&2
  exit 1
}
rm -f "$log"
newer_node
