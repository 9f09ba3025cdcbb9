#!/usr/bin/env bash
# A private Slurm on one machine, on loopback only, for the tests that need a real one.
#
#   slurm.sh [up]     install what is missing, start munged, slurmctld, slurmd and slurmrestd, wait until a job has run
#   slurm.sh down     stop exactly what `up` started, by pid file
#   slurm.sh restart  down, then up; with CLEAN=1 job ids start again from 1
#   slurm.sh status   which daemons run, and sinfo
#   slurm.sh crash    kill the controller with SIGKILL; jobs go on, clients get no answer
#   slurm.sh revive   start it again, with the configuration that it had
#   slurm.sh env      `export` lines for the clients:  eval "$(tests/services/slurm.sh env)"
#   slurm.sh clean    down, and remove the state directory
#
# Needs: root, Debian 12, apt. No systemd, no cgroups, no /etc changes: everything lives in
# $SLURM_DIR, the clients find it through SLURM_CONF.  Nothing listens on anything but loopback.
#
# Knobs (environment):
#   SLURM_DIR      state directory                     ($XQUTE_SERVICES_DIR/slurm, by default xqute-services/slurm in the temporary folder)
#   SLURM_NODES    1 = one node named after the host; N > 1 = nodes n1..nN, one slurmd each, on this host   (1)
#   SLURM_CPUS     CPUs each node pretends to have     (64)
#   SLURM_MEM_MB   memory the node pretends to have    (16384)
#   SLURM_PORT     slurmctld port; REST +3, slurmd +10.. (26817)
#   SLURM_REST     1 = also start slurmrestd (1): on unix socket $SLURM_DIR/rest.sock (peer uid is the auth)
#                  and on 127.0.0.1:SLURM_PORT+3 with JWT (headers X-SLURM-USER-NAME, X-SLURM-USER-TOKEN)
#   SLURM_CGROUP   1 = real memory limits through cgroup v1 (state OUT_OF_MEMORY); needs writable cgroup v1
#                  memory+freezer mounts; auto = use them when there (0)
#   SLURM_MINJOBAGE  seconds a finished job stays in squeue -t all/scontrol  (300)
#   SLURM_MEMLIMIT 1 = kill jobs over their --mem (polling, jobacct_gather/linux) (1)
#   CLEAN          1 = `up` throws old state away first (0)
set -u -o pipefail
SELF=slurm.sh
SLURM_DIR=${SLURM_DIR:-${XQUTE_SERVICES_DIR:-${TMPDIR:-/tmp}/xqute-services}/slurm}
SLURM_CPUS=${SLURM_CPUS:-64}
SLURM_NODES=${SLURM_NODES:-1}
SLURM_MEM_MB=${SLURM_MEM_MB:-16384}
SLURM_PORT=${SLURM_PORT:-26817}
SLURM_REST=${SLURM_REST:-1}
SLURM_MINJOBAGE=${SLURM_MINJOBAGE:-300}
SLURM_CGROUP=${SLURM_CGROUP:-0}
SLURM_MEMLIMIT=${SLURM_MEMLIMIT:-1}
CLEAN=${CLEAN:-0}
SLURM_MSGTIMEOUT=${SLURM_MSGTIMEOUT:-5}
SLURM_SCHED=${SLURM_SCHED:-batch_sched_delay=0,sched_interval=5,sched_min_interval=0,default_queue_depth=1000,bf_interval=5,bf_continue,bf_max_job_test=1000,nohold_on_prolog_fail}
HOST=$(hostname -s 2>/dev/null || hostname)
# With No*InAddrAny the daemons bind the address that the host NAME resolves to (127.0.0.1 or Debian's 127.0.1.1):
# use that one. Where the name does not resolve to loopback they would not start or listen outside, so bind to
# any address then (said aloud in `up`); clients and daemons still talk over 127.0.0.1.
ADDR=$(getent ahostsv4 "$HOST" 2>/dev/null | awk 'NR==1{print $1}')
case $ADDR in 127.*) COMM="CommunicationParameters=NoInAddrAny,NoCtldInAddrAny";; *) ADDR=127.0.0.1 COMM=;; esac
if [ "$SLURM_NODES" = 1 ]; then NODES=$HOST; else NODES=$(seq -s ' ' -f 'n%g' "$SLURM_NODES"); fi
export SLURM_CONF=$SLURM_DIR/slurm.conf
export PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s: %s\n' "$SELF" "$*" >&2; }
die() { # die STEP [LOGFILE]
  say "FAILED: $1"; [ -n "${2:-}" ] && [ -s "${2:-}" ] && { say "last lines of $2:"; tail -n 15 "$2" >&2; }; exit 1; }

# A pid file is believed only if that pid is alive AND its command name matches (pids are reused).
alive() { # alive PIDFILE COMM
  local p; p=$(cat "$1" 2>/dev/null) || return 1; [ -n "$p" ] || return 1
  [ "$(cat "/proc/$p/comm" 2>/dev/null)" = "$2" ] && [ "$(awk '{print $3}' "/proc/$p/stat" 2>/dev/null)" != Z ]; }
stop_one() { # stop_one PIDFILE COMM
  if alive "$1" "$2"; then
    local p i; p=$(cat "$1"); kill "$p" 2>/dev/null
    for i in $(seq 100); do alive "$1" "$2" || break; sleep 0.1; done
    alive "$1" "$2" && { say "$2 ($p) ignored TERM for 10 s, KILL"; kill -9 "$p"; sleep 0.2; }
  fi; rm -f "$1"; }
wait_for() { # wait_for SECONDS CMD...   (polls every 50 ms)
  local n=$(( $1 * 20 )); shift; while [ "$n" -gt 0 ]; do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; n=$((n-1)); done; return 1; }

install_pkgs() {
  local need=() p
  for p in slurmctld slurmd slurm-client munge slurmrestd slurm-wlm-jwt-plugin; do
    case $p in slurmrestd|slurm-wlm-jwt-plugin) [ "$SLURM_REST" = 1 ] || continue;; esac
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null)" = "ii " ] || need+=("$p")
  done
  [ ${#need[@]} -eq 0 ] && return 0
  say "installing ${need[*]}"
  # keep dpkg from starting the system-wide daemons with their own (absent) configuration
  local prc=/usr/sbin/policy-rc.d made=0
  [ -e $prc ] || { printf '#!/bin/sh\nexit 101\n' > $prc && chmod 755 $prc && made=1; }
  export DEBIAN_FRONTEND=noninteractive
  local log=$SLURM_DIR/apt.log
  apt-get install -y --no-install-recommends "${need[@]}" >"$log" 2>&1 </dev/null \
    || { apt-get update >>"$log" 2>&1 && apt-get install -y --no-install-recommends "${need[@]}" >>"$log" 2>&1 </dev/null; }
  local rc=$?
  [ $made = 1 ] && rm -f $prc
  [ $rc -eq 0 ] || die "apt-get install ${need[*]}" "$log"
}

write_conf() {
  local memlines="JobAcctGatherType=jobacct_gather/none"
  [ "$SLURM_MEMLIMIT" = 1 ] && memlines="JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill"
  local list=${NODES// /,} nodelines= n i=0
  for n in $NODES; do   # Debian's slurmd is built with --enable-multiple-slurmd: own port, name, spool, pid file (%n) each
    nodelines+="NodeName=$n NodeHostname=$HOST NodeAddr=$ADDR Port=$((SLURM_PORT+10+i)) CPUs=$SLURM_CPUS RealMemory=$SLURM_MEM_MB State=UNKNOWN"$'\n'; i=$((i+1))
  done
  local track=proctrack/linuxproc task=task/none jwt=
  if [ "$SLURM_CGROUP" = auto ]; then
    SLURM_CGROUP=0; mkdir /sys/fs/cgroup/memory/.probe.$$ 2>/dev/null && rmdir /sys/fs/cgroup/memory/.probe.$$ && [ -d /sys/fs/cgroup/freezer ] && SLURM_CGROUP=1
  fi
  if [ "$SLURM_CGROUP" = 1 ]; then
    track=proctrack/cgroup task=task/cgroup memlines="JobAcctGatherType=jobacct_gather/none"
    printf 'CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\nConstrainRAMSpace=yes\nConstrainSwapSpace=no\nConstrainCores=no\nConstrainDevices=no\nMinRAMSpace=8\n' > "$SLURM_DIR/cgroup.conf"
  else rm -f "$SLURM_DIR/cgroup.conf"; fi
  if [ "$SLURM_REST" = 1 ]; then
    [ -s "$SLURM_DIR/jwt.key" ] || ( umask 077; dd if=/dev/urandom of="$SLURM_DIR/jwt.key" bs=32 count=1 2>/dev/null )
    jwt="AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key=$SLURM_DIR/jwt.key"
  fi
  cat > "$SLURM_DIR/slurm.conf" <<CONF
ClusterName=ci
SlurmctldHost=$HOST($ADDR)
SlurmctldPort=$SLURM_PORT
SlurmdPort=$((SLURM_PORT+1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$SLURM_DIR/munge.sock
CredType=cred/munge
$COMM
StateSaveLocation=$SLURM_DIR/state
SlurmdSpoolDir=$SLURM_DIR/spool/%n
SlurmctldPidFile=$SLURM_DIR/slurmctld.pid
SlurmdPidFile=$SLURM_DIR/slurmd.%n.pid
SlurmctldLogFile=$SLURM_DIR/slurmctld.log
SlurmdLogFile=$SLURM_DIR/slurmd.%n.log
SlurmctldDebug=info
SlurmdDebug=info
$jwt
ProctrackType=$track
TaskPlugin=$task
MpiDefault=none
SwitchType=switch/none
$memlines
AccountingStorageType=accounting_storage/none
# one finished-job line per job in a text file: the only job history without slurmdbd
JobCompType=jobcomp/filetxt
JobCompLoc=$SLURM_DIR/jobcomp.txt
MinJobAge=$SLURM_MINJOBAGE
MaxJobCount=20000
MaxArraySize=10001
# jobs in the partition scavenge make room for all others
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
# fast tests
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=$SLURM_SCHED
SlurmdParameters=config_overrides
ReturnToService=2
SlurmctldTimeout=300
SlurmdTimeout=300
InactiveLimit=0
KillWait=2
WaitTime=0
CompleteWait=0
MessageTimeout=$SLURM_MSGTIMEOUT
OverTimeLimit=0
DefMemPerCPU=16
PropagateResourceLimits=NONE
LaunchParameters=
$nodelines
PartitionName=debug Nodes=$list Default=YES MaxTime=INFINITE DefaultTime=60 State=UP PriorityTier=5 PreemptMode=OFF
PartitionName=short Nodes=$list MaxTime=1 DefaultTime=1 State=UP PriorityTier=5 PreemptMode=OFF
PartitionName=closed Nodes=$list State=DOWN PriorityTier=5 PreemptMode=OFF
PartitionName=scavenge Nodes=$list MaxTime=INFINITE DefaultTime=60 State=UP PriorityTier=1
CONF
  sed -i '/^LaunchParameters=$/d' "$SLURM_DIR/slurm.conf"
}

start_controller() {
  slurmctld >"$SLURM_DIR/slurmctld.out" 2>&1 </dev/null || { cat "$SLURM_DIR/slurmctld.out" >&2; die "start slurmctld" "$SLURM_DIR/slurmctld.log"; }
}
wait_for_controller() {
  wait_for 30 sh -c 'scontrol ping | grep -q "is UP"' || die "slurmctld does not answer on $ADDR:$SLURM_PORT" "$SLURM_DIR/slurmctld.log"
}
crash() {
  alive "$SLURM_DIR/slurmctld.pid" slurmctld || die "there is no controller to kill in $SLURM_DIR"
  local p; p=$(cat "$SLURM_DIR/slurmctld.pid"); kill -9 "$p"
  wait_for 10 sh -c "! kill -0 $p" || die "slurmctld ($p) does not die"
}
revive() { start_controller; wait_for_controller; }

up() {
  [ "$(id -u)" = 0 ] || die "must run as root"
  mkdir -p "$SLURM_DIR" && chmod 755 "$SLURM_DIR" || die "create $SLURM_DIR"
  [ "$CLEAN" = 1 ] && { down; rm -rf "$SLURM_DIR/state" "$SLURM_DIR/spool" "$SLURM_DIR"/*.log "$SLURM_DIR/jobcomp.txt"; }
  install_pkgs
  mkdir -p "$SLURM_DIR/state" "$SLURM_DIR/spool" || die "create directories"
  [ -n "$COMM" ] || say "note: host name $HOST does not resolve to loopback; slurmctld and slurmd listen on 0.0.0.0 (add '127.0.0.1 $HOST' to /etc/hosts to avoid it)"
  write_conf
  # --- munge (own key, own socket; runs as root so no /run/munge or munge user is involved)
  if ! alive "$SLURM_DIR/munged.pid" munged; then
    rm -f "$SLURM_DIR/munge.sock"*
    [ -s "$SLURM_DIR/munge.key" ] || ( umask 077; dd if=/dev/urandom of="$SLURM_DIR/munge.key" bs=128 count=1 2>/dev/null ) || die "create munge key"
    chmod 600 "$SLURM_DIR/munge.key"
    munged --key-file="$SLURM_DIR/munge.key" --socket="$SLURM_DIR/munge.sock" --pid-file="$SLURM_DIR/munged.pid" \
           --log-file="$SLURM_DIR/munged.log" --seed-file="$SLURM_DIR/munged.seed" --num-threads=4 \
           >"$SLURM_DIR/munged.out" 2>&1 </dev/null || { cat "$SLURM_DIR/munged.out" >&2; die "start munged" "$SLURM_DIR/munged.log"; }
  fi
  wait_for 10 sh -c "munge -n --socket='$SLURM_DIR/munge.sock' | unmunge --socket='$SLURM_DIR/munge.sock'" || die "munged does not answer" "$SLURM_DIR/munged.log"
  # --- slurmctld
  if ! alive "$SLURM_DIR/slurmctld.pid" slurmctld; then start_controller
  else scontrol reconfigure || die "scontrol reconfigure" "$SLURM_DIR/slurmctld.log"; fi
  wait_for_controller
  # --- slurmd
  local n; for n in $NODES; do
    if ! alive "$SLURM_DIR/slurmd.$n.pid" slurmd; then
      mkdir -p "$SLURM_DIR/spool/$n"
      slurmd -N "$n" >"$SLURM_DIR/slurmd.$n.out" 2>&1 </dev/null || { cat "$SLURM_DIR/slurmd.$n.out" >&2; die "start slurmd $n" "$SLURM_DIR/slurmd.$n.log"; }
    fi
  done
  nodes_ok() { [ "$(sinfo -h -N -p debug -o %t | grep -cE '^(idle|mix|alloc|comp)$')" = "$(echo $NODES | wc -w)" ]; }
  if ! wait_for 15 nodes_ok; then
    for n in $NODES; do scontrol update NodeName="$n" State=RESUME >/dev/null 2>&1; done   # drained/down nodes from an earlier life
    wait_for 15 nodes_ok || { sinfo -N >&2; sinfo -R >&2; die "not every node is idle" "$SLURM_DIR/slurmd.${NODES%% *}.log"; }
  fi
  # --- slurmrestd (optional). Two processes: one cannot do both kinds of authentication
  # (SLURM_JWT=daemon makes it talk JWT to slurmctld; without it JWT requests are "401 ... Rejecting thread config token").
  # It refuses to run as root/SlurmUser unless SLURMRESTD_SECURITY=disable_user_check.
  if [ "$SLURM_REST" = 1 ]; then
    if ! alive "$SLURM_DIR/restd-unix.pid" slurmrestd; then
      rm -f "$SLURM_DIR/rest.sock"
      SLURMRESTD_SECURITY=disable_user_check setsid slurmrestd -a rest_auth/local -s openapi/v0.0.38 "unix:$SLURM_DIR/rest.sock" \
        >"$SLURM_DIR/restd-unix.log" 2>&1 </dev/null & echo $! >"$SLURM_DIR/restd-unix.pid"
    fi
    if ! alive "$SLURM_DIR/restd-tcp.pid" slurmrestd; then
      SLURM_JWT=daemon SLURMRESTD_SECURITY=disable_user_check setsid slurmrestd -a rest_auth/jwt -s openapi/v0.0.38 "127.0.0.1:$((SLURM_PORT+3))" \
        >"$SLURM_DIR/restd-tcp.log" 2>&1 </dev/null & echo $! >"$SLURM_DIR/restd-tcp.pid"
    fi
    wait_for 10 test -S "$SLURM_DIR/rest.sock" || die "start slurmrestd on $SLURM_DIR/rest.sock" "$SLURM_DIR/restd-unix.log"
    wait_for 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$((SLURM_PORT+3))" || die "start slurmrestd on port $((SLURM_PORT+3))" "$SLURM_DIR/restd-tcp.log"
  fi
  # --- a real job must run
  local out=$SLURM_DIR/smoke.out; rm -f "$out"
  local id; id=$(sbatch --parsable -o "$out" -t 1 --wrap 'echo smoke ok' 2>"$SLURM_DIR/smoke.err") || die "submit smoke job" "$SLURM_DIR/smoke.err"
  # (not `sbatch -W`: it polls the state with a growing back-off, up to 10 s late)
  wait_for 60 grep -q 'smoke ok' "$out" || { squeue -t all >&2; scontrol show job "$id" >&2; die "smoke job $id did not run" "$SLURM_DIR/slurmd.${NODES%% *}.log"; }
  say "up: $(sinfo --version), node(s) $NODES with $SLURM_CPUS CPUs each; eval \"\$($0 env)\""
}
down() {
  command -v scancel >/dev/null && alive "$SLURM_DIR/slurmctld.pid" slurmctld && { timeout 10 scancel -u root >/dev/null 2>&1
    wait_for 8 sh -c '[ -z "$(squeue -h 2>/dev/null)" ]'; }
  stop_one "$SLURM_DIR/restd-unix.pid" slurmrestd
  stop_one "$SLURM_DIR/restd-tcp.pid" slurmrestd
  local f; for f in "$SLURM_DIR"/slurmd.*.pid; do [ -e "$f" ] && stop_one "$f" slurmd; done
  stop_one "$SLURM_DIR/slurmctld.pid" slurmctld
  stop_one "$SLURM_DIR/munged.pid" munged
}
case ${1:-up} in
  up) up;;  crash) crash;;  revive) revive;;  down|stop) down; say down;;
  restart) down; up;;
  clean) down; rm -rf "$SLURM_DIR";;
  env) echo "export SLURM_CONF=$SLURM_CONF SLURM_REST_SOCK=$SLURM_DIR/rest.sock SLURM_REST_URL=http://127.0.0.1:$((SLURM_PORT+3))";;
  status) for d in munged slurmctld $(cd "$SLURM_DIR" && ls slurmd.*.pid 2>/dev/null | sed 's/.pid$//') restd-unix restd-tcp; do c=${d%%.*}; c=${c/restd-*/slurmrestd}; alive "$SLURM_DIR/$d.pid" "$c" && echo "$d $(cat "$SLURM_DIR/$d.pid")" || echo "$d -"; done; timeout 10 sinfo;;
  *) sed -n '2,26p' "$0"; exit 2;;
esac
