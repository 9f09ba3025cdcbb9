#!/usr/bin/env bash
# Starts the services that tests and benchmarks need, runs a command in their environment, and stops them whatever happens.
#
#   with.sh COMMAND [ARG...]
#
# Knob: XQUTE_SERVICES, names of services ("slurm sge sshd podman batch stores").
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
services=${XQUTE_SERVICES-slurm sge sshd podman batch stores}

down() {
  trap '' INT TERM HUP # a second Ctrl-C must not leave half of them running
  local service
  for service in $services; do bash "$here/$service.sh" down || true; done
}
trap down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
bash "$here/browser.sh"
for service in $services; do
  bash "$here/$service.sh" up
  eval "$(bash "$here/$service.sh" env)"
done
"$@"
