#!/usr/bin/env bash
# Two private OpenSSH servers on loopback, for the tests that need servers: n1 and n2 of an ssh configuration made here.
#
#   sshd.sh [up] [NAME]    install what is missing, make keys, start sshd twice, see that both run a command
#   sshd.sh down [NAME]    stop exactly what `up` started, by pid file, and the connections to it; jobs go on
#   sshd.sh restart [NAME] down, then up
#   sshd.sh status         which servers run
#   sshd.sh env            `export` lines for the clients:  eval "$(tests/services/sshd.sh env)"
#   sshd.sh clean          down, and remove the state directory
#
# NAME (n1, n2) means this server only. Runs as any user, and logs in as that same user with a key made here; ~/.ssh and
# /etc/ssh are not touched.
# Knobs (environment):
#   SSHD_DIR          state directory            ($XQUTE_SERVICES_DIR/sshd, by default xqute-services/sshd in the temporary folder)
#   SSHD_PORTS        one server for each        ("22221 22222")
#   SSHD_MAXSESSIONS  sessions over a connection (64)
#   SSHD_PERSIST      seconds that connections of the configuration stay open (60)
set -u -o pipefail
SELF=sshd.sh
ONLY=${2:-} # one server, or all
SSHD_DIR=${SSHD_DIR:-${XQUTE_SERVICES_DIR:-${TMPDIR:-/tmp}/xqute-services}/sshd}
SSHD_PORTS=${SSHD_PORTS:-22221 22222}
SSHD_MAXSESSIONS=${SSHD_MAXSESSIONS:-64}
SSHD_PERSIST=${SSHD_PERSIST:-60}
USER_NAME=$(id -un)
SSHD=/usr/sbin/sshd
say() { printf '%s: %s\n' "$SELF" "$*" >&2; }
die() { say "FAILED: $1"; [ -n "${2:-}" ] && [ -s "${2:-}" ] && { say "last lines of $2:"; tail -n 15 "$2" >&2; }; exit 1; }
alive() { local p; p=$(cat "$1" 2>/dev/null) || return 1; [ -n "$p" ] || return 1
  [ "$(cat "/proc/$p/comm" 2>/dev/null)" = "$2" ] && [ "$(awk '{print $3}' "/proc/$p/stat" 2>/dev/null)" != Z ]; }
wanted() { [ -z "$ONLY" ] || [ "$ONLY" = "$1" ]; }
wait_for() { local n=$(( $1 * 20 )); shift; while [ "$n" -gt 0 ]; do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; n=$((n-1)); done; return 1; }
install_pkgs() {
  [ -x $SSHD ] && command -v ssh >/dev/null && return 0
  [ "$(id -u)" = 0 ] || die "openssh-server is not installed and this is not root"
  local prc=/usr/sbin/policy-rc.d made=0 log=$SSHD_DIR/apt.log rc
  say "installing openssh-server"
  [ -e $prc ] || { printf '#!/bin/sh\nexit 101\n' > $prc && chmod 755 $prc && made=1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y --no-install-recommends openssh-server openssh-client >"$log" 2>&1 </dev/null \
    || { apt-get update >>"$log" 2>&1 && apt-get install -y --no-install-recommends openssh-server openssh-client >>"$log" 2>&1 </dev/null; }
  rc=$?; [ $made = 1 ] && rm -f $prc; [ $rc -eq 0 ] || die "apt-get install openssh-server" "$log"
}
up() {
  mkdir -p "$SSHD_DIR/home" && chmod 700 "$SSHD_DIR" || die "create $SSHD_DIR"
  install_pkgs
  # privilege separation folder: normally made by systemd/init; sshd as root will not start without it
  [ "$(id -u)" = 0 ] && { mkdir -p /run/sshd && chmod 755 /run/sshd || die "create /run/sshd"; }
  [ -s "$SSHD_DIR/id" ] || ssh-keygen -q -t ed25519 -N '' -C test -f "$SSHD_DIR/id" || die "make user key"
  cp "$SSHD_DIR/id.pub" "$SSHD_DIR/authorized_keys" && chmod 600 "$SSHD_DIR/authorized_keys"
  : > "$SSHD_DIR/known_hosts.new"; : > "$SSHD_DIR/config.new"
  local i=0 port
  for port in $SSHD_PORTS; do
    i=$((i+1))
    [ -s "$SSHD_DIR/host$i" ] || ssh-keygen -q -t ed25519 -N '' -C "n$i" -f "$SSHD_DIR/host$i" || die "make host key $i"
    cat > "$SSHD_DIR/sshd$i.conf" <<C
Port $port
ListenAddress 127.0.0.1
HostKey $SSHD_DIR/host$i
PidFile $SSHD_DIR/sshd$i.pid
AuthorizedKeysFile $SSHD_DIR/authorized_keys
# /tmp is group/world writable, which StrictModes refuses
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PrintMotd no
UseDNS no
AcceptEnv TEST_* SERVER_*
# What shells read when they start is none of a test's business.
SetEnv NODE_NAME=n$i HOME=$SSHD_DIR/home
MaxSessions $SSHD_MAXSESSIONS
MaxStartups 200
LogLevel INFO
Subsystem sftp internal-sftp
C
    printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$SSHD_DIR/host$i.pub")" >> "$SSHD_DIR/known_hosts.new"
    printf 'Host n%s\n  HostName 127.0.0.1\n  Port %s\n' "$i" "$port" >> "$SSHD_DIR/config.new"
    $SSHD -t -f "$SSHD_DIR/sshd$i.conf" 2>"$SSHD_DIR/sshd$i.err" || die "sshd refuses its configuration" "$SSHD_DIR/sshd$i.err"
    if wanted "n$i" && ! alive "$SSHD_DIR/sshd$i.pid" sshd; then
      $SSHD -f "$SSHD_DIR/sshd$i.conf" -E "$SSHD_DIR/sshd$i.log" </dev/null || die "start sshd n$i on port $port" "$SSHD_DIR/sshd$i.log"
    fi
  done
  # ControlPath must stay below ~108 bytes: short name (%C is a 40-character hash)
  cat >> "$SSHD_DIR/config.new" <<C
Host n*
  User $USER_NAME
  IdentityFile $SSHD_DIR/id
  IdentitiesOnly yes
  UserKnownHostsFile $SSHD_DIR/known_hosts
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 5
  ServerAliveInterval 5
  ServerAliveCountMax 2
  LogLevel ERROR
  ControlMaster auto
  ControlPath $SSHD_DIR/cm-%C
  ControlPersist $SSHD_PERSIST
C
  mv "$SSHD_DIR/known_hosts.new" "$SSHD_DIR/known_hosts"; mv "$SSHD_DIR/config.new" "$SSHD_DIR/config"
  i=0
  for port in $SSHD_PORTS; do i=$((i+1)); wanted "n$i" || continue
    wait_for 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" || die "sshd n$i does not listen on $port" "$SSHD_DIR/sshd$i.log"
    # -n: do not eat the caller's stdin.  The master must not inherit our stdout, or a pipe on it never closes.
    [ "$(ssh -n -F "$SSHD_DIR/config" -o ControlMaster=no -o ControlPath=none "n$i" 'echo ok' 2>"$SSHD_DIR/check.err")" = ok ] || { cat "$SSHD_DIR/check.err" >&2; die "log in to n$i" "$SSHD_DIR/sshd$i.log"; }
  done
  say "up: $(ssh -V 2>&1), $i servers; eval \"\$($0 env)\"; ssh -F \$SSH_CONFIG n1 hostname"
}
down() {
  local f p i n connections
  for f in "$SSHD_DIR"/sshd*.pid; do [ -e "$f" ] || continue
    n=$(basename "$f" .pid); n=n${n#sshd}; wanted "$n" || continue
    ssh -F "$SSHD_DIR/config" -O exit "$n" >/dev/null 2>&1
    if alive "$f" sshd; then
      p=$(cat "$f")
      # One process for each connection; without the listener they would go on.
      connections=$(cat "/proc/$p/task/$p/children" 2>/dev/null)
      kill "$p"; for i in $(seq 50); do alive "$f" sshd || break; sleep 0.1; done; alive "$f" sshd && kill -9 "$p"
      for p in $connections; do [ "$(cat "/proc/$p/comm" 2>/dev/null)" = sshd ] && kill "$p"; done
    fi
    rm -f "$f"; done
}
case ${1:-up} in
  up) up;; down|stop) down; say down;; restart) down; up;; clean) down; rm -rf "$SSHD_DIR";;
  env) echo "export SSH_CONFIG=$SSHD_DIR/config SSH_HOSTS='$(i=0; for p in $SSHD_PORTS; do i=$((i+1)); printf 'n%s ' $i; done)'";;
  status) for f in "$SSHD_DIR"/sshd*.conf; do b=$(basename "$f" .conf); alive "$SSHD_DIR/$b.pid" sshd && echo "$b $(cat "$SSHD_DIR/$b.pid") $(awk '/^Port/{print $2}' "$f")" || echo "$b -"; done;;
  *) sed -n '2,18p' "$0"; exit 2;;
esac
