#!/usr/bin/env bash
# Rootful podman with private storage, images made here, and the Docker-compatible API on a unix socket, for the tests that
# need real containers. Pulls nothing.
#
#   podman.sh [up]   install what is missing, find settings under which a container really runs here, make the images
#                    localhost/xqute:test (busybox and bash) and localhost/xqute:nobash, start `podman system service`
#   podman.sh down   stop the API service and remove every container of the private storage
#   podman.sh restart | status | clean
#   podman.sh env    `export` lines:  eval "$(tests/services/podman.sh env)"; podman run --rm $XQUTE_TEST_IMAGE bash -c 'echo hi'
#
# Needs: root, Debian 12, apt.
#
# Why the settings (seen on this kind of machine: no CAP_SYS_RESOURCE, cgroup v1 + a cgroup2 "unified" mount):
#   * podman asks for RLIMIT_NOFILE 1048576: EPERM without CAP_SYS_RESOURCE -> default_ulimits at or below our own
#   * crun: "cgroups in hybrid mode not supported" -> runc (which refuses --cgroups=disabled)
#   * no CNI/netavark plugins are installed -> network "none" by default; --network=host works
# Knobs: PODMAN_DIR ($XQUTE_SERVICES_DIR/podman, by default xqute-services/podman in the temporary folder)  PODMAN_NET (none | host: default network)  PODMAN_DRIVER (overlay | vfs)
set -u -o pipefail
SELF=podman.sh
PODMAN_DIR=${PODMAN_DIR:-${XQUTE_SERVICES_DIR:-${TMPDIR:-/tmp}/xqute-services}/podman}
PODMAN_NET=${PODMAN_NET:-none}
PODMAN_DRIVER=${PODMAN_DRIVER:-}
IMAGE=localhost/xqute:test
NOBASH=localhost/xqute:nobash
export CONTAINERS_CONF=$PODMAN_DIR/containers.conf CONTAINERS_STORAGE_CONF=$PODMAN_DIR/storage.conf
say() { printf '%s: %s\n' "$SELF" "$*" >&2; }
die() { say "FAILED: $1"; [ -n "${2:-}" ] && [ -s "${2:-}" ] && { say "last lines of $2:"; tail -n 15 "$2" >&2; }; exit 1; }
alive() { local p; p=$(cat "$1" 2>/dev/null) || return 1; [ -n "$p" ] || return 1
  [ "$(cat "/proc/$p/comm" 2>/dev/null)" = "$2" ] && [ "$(awk '{print $3}' "/proc/$p/stat" 2>/dev/null)" != Z ]; }
wait_for() { local n=$(( $1 * 20 )); shift; while [ "$n" -gt 0 ]; do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; n=$((n-1)); done; return 1; }
install_pkgs() {
  local need=() p prc=/usr/sbin/policy-rc.d made=0 log=$PODMAN_DIR/apt.log rc
  for p in podman runc conmon busybox-static; do
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null)" = "ii " ] || need+=("$p"); done
  [ ${#need[@]} -eq 0 ] && return 0
  say "installing ${need[*]}"
  [ -e $prc ] || { printf '#!/bin/sh\nexit 101\n' > $prc && chmod 755 $prc && made=1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y --no-install-recommends "${need[@]}" >"$log" 2>&1 </dev/null \
    || { apt-get update >>"$log" 2>&1 && apt-get install -y --no-install-recommends "${need[@]}" >>"$log" 2>&1 </dev/null; }
  rc=$?; [ $made = 1 ] && rm -f $prc; [ $rc -eq 0 ] || die "apt-get install ${need[*]}" "$log"
}
umount_all() { awk -v d="$PODMAN_DIR/" 'index($2,d)==1{print $2}' /proc/mounts | sort -r | xargs -r -n1 umount 2>/dev/null; }
write_conf() { # write_conf RUNTIME DRIVER
  local nof nproc; nof=$(ulimit -Hn); nproc=$(ulimit -Hu)
  [ "$nof" = unlimited ] || [ "$nof" -gt 65536 ] && nof=65536
  [ "$nproc" = unlimited ] || [ "$nproc" -gt 16384 ] && nproc=16384
  cat > "$CONTAINERS_CONF" <<C
[containers]
netns = "$PODMAN_NET"
default_ulimits = ["nofile=$nof:$nof", "nproc=$nproc:$nproc"]
log_driver = "k8s-file"
log_size_max = -1
[engine]
runtime = "$1"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$PODMAN_DIR/run/libpod"
static_dir = "$PODMAN_DIR/storage/libpod"
C
  cat > "$CONTAINERS_STORAGE_CONF" <<C
[storage]
driver = "$2"
graphroot = "$PODMAN_DIR/storage"
runroot = "$PODMAN_DIR/run/storage"
C
}
make_rootfs() { # two small root file systems: busybox with every applet, and the same with this machine's bash
  local r=$PODMAN_DIR/rootfs a lib; rm -rf "$r"; mkdir -p "$r/bin" "$r/etc" "$r/tmp" "$r/proc" "$r/sys" "$r/dev" "$r/root" || return 1
  cp /bin/busybox "$r/bin/busybox" && for a in $(/bin/busybox --list); do [ "$a" = busybox ] || ln -sf busybox "$r/bin/$a"; done
  ln -sfn bin "$r/sbin"; mkdir -p "$r/usr"; ln -sfn ../bin "$r/usr/bin"; chmod 1777 "$r/tmp"
  echo 'root:x:0:0:root:/root:/bin/sh' > "$r/etc/passwd"; echo 'root:x:0:' > "$r/etc/group"
  tar -C "$r" -cf "$PODMAN_DIR/nobash.tar" . || return 1
  cp /bin/bash "$r/bin/bash" || return 1
  for lib in $(ldd /bin/bash | grep -o '/[^ ]*'); do mkdir -p "$r$(dirname "$lib")" && cp -L "$lib" "$r$lib" || return 1; done
  tar -C "$r" -cf "$PODMAN_DIR/bash.tar" .
}
has_image() { podman image exists "$1"; }
import_image() { # import_image IMAGE FILE.tar
  has_image "$1" || podman import -q -c 'CMD ["/bin/sh"]' -c 'ENV PATH=/bin' "$2" "$1" || has_image "$1"; }
up() {
  [ "$(id -u)" = 0 ] || die "must run as root"
  mkdir -p "$PODMAN_DIR/run" || die "create $PODMAN_DIR"
  install_pkgs
  [ -s "$PODMAN_DIR/bash.tar" ] || make_rootfs || die "make the root file system"
  local log=$PODMAN_DIR/probe.log ok= d r; : >"$log"
  # a driver once used stays (podman refuses to change it for existing storage)
  [ -s "$PODMAN_DIR/chosen" ] && read -r PODMAN_DRIVER _ < "$PODMAN_DIR/chosen"
  for d in ${PODMAN_DRIVER:-overlay vfs}; do
    for r in runc crun; do
      command -v $r >/dev/null || continue
      write_conf $r "$d"
      echo "== driver $d runtime $r" >>"$log"
      import_image $IMAGE "$PODMAN_DIR/bash.tar" >>"$log" 2>&1 && import_image $NOBASH "$PODMAN_DIR/nobash.tar" >>"$log" 2>&1 || continue
      if [ "$(timeout 60 podman run --rm $IMAGE bash -c 'echo ok' 2>>"$log")" = ok ]; then ok=1; echo "$d $r" > "$PODMAN_DIR/chosen"; break 2; fi
    done
    # the next driver needs an empty store: libpod remembers the driver in its database
    umount_all; rm -rf "$PODMAN_DIR/storage" "$PODMAN_DIR/run" 2>/dev/null; mkdir -p "$PODMAN_DIR/run"
  done
  [ -n "$ok" ] || die "no combination of storage driver and runtime runs a container" "$log"
  if ! alive "$PODMAN_DIR/service.pid" podman; then
    rm -f "$PODMAN_DIR/podman.sock"
    # in a folder of its own: conmon writes a file `oom` where podman was started
    (cd "$PODMAN_DIR" && exec setsid podman system service --time=0 "unix://$PODMAN_DIR/podman.sock" >"$PODMAN_DIR/service.log" 2>&1 </dev/null) & echo $! > "$PODMAN_DIR/service.pid"
    wait_for 15 test -S "$PODMAN_DIR/podman.sock" || die "start podman system service" "$PODMAN_DIR/service.log"
  fi
  say "up: $(podman --version), $(cat "$PODMAN_DIR/chosen" | tr ' ' /), image $IMAGE; eval \"\$($0 env)\""
}
down() {
  local p i
  if [ -s "$CONTAINERS_CONF" ] && command -v podman >/dev/null; then timeout 60 podman rm -f -a -t 1 >/dev/null 2>&1; fi
  if alive "$PODMAN_DIR/service.pid" podman; then p=$(cat "$PODMAN_DIR/service.pid"); kill "$p"
    for i in $(seq 50); do alive "$PODMAN_DIR/service.pid" podman || break; sleep 0.1; done; alive "$PODMAN_DIR/service.pid" podman && kill -9 "$p"; fi
  rm -f "$PODMAN_DIR/service.pid" "$PODMAN_DIR/podman.sock"
}
case ${1:-up} in
  up) up;; down|stop) down; say down;; restart) down; up;;
  clean) down; umount_all; rm -rf "$PODMAN_DIR";;
  env) echo "export CONTAINERS_CONF=$CONTAINERS_CONF CONTAINERS_STORAGE_CONF=$CONTAINERS_STORAGE_CONF DOCKER_HOST=unix://$PODMAN_DIR/podman.sock XQUTE_TEST_IMAGE=$IMAGE XQUTE_TEST_IMAGE_WITHOUT_BASH=$NOBASH";;
  status) alive "$PODMAN_DIR/service.pid" podman && echo "service $(cat "$PODMAN_DIR/service.pid")" || echo "service -"; podman ps -a;;
  *) sed -n '2,20p' "$0"; exit 2;;
esac
