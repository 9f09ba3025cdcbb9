#!/usr/bin/env bash
# Starts the services that tests and benchmarks need, runs a command in their environment, and stops them whatever happens.
#
#   with.sh COMMAND [ARG...]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

down() {
  trap '' INT TERM HUP # a second Ctrl-C must not leave half of them running
  bash "$here/slurm.sh" down || true
}
trap down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
bash "$here/browser.sh"
bash "$here/slurm.sh" up
eval "$(bash "$here/slurm.sh" env)"
"$@"
