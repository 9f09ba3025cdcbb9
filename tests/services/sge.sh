#!/usr/bin/env bash
# A private Grid Engine (Son of Grid Engine 8.1.9) on one machine, on loopback only, for the tests that need a real one.
#
#   sge.sh [up]     install what is missing, make a cell, start sge_qmaster and sge_execd, wait until a job has run
#   sge.sh down     stop exactly what `up` started, by pid file
#   sge.sh restart  down, then up; with CLEAN=1 job ids start again from 1
#   sge.sh status   which daemons run, and qstat -f
#   sge.sh env      `export` lines for the clients:  eval "$(tests/services/sge.sh env)"
#   sge.sh clean    down, and remove the state directory
#
# Needs: root, Debian 12, apt, cc. The packages' own configuration (/var/lib/gridengine, /etc) is not used: SGE_ROOT and the
# ports are private, spooling is "classic" (text files), root may submit jobs.
#
# The daemons know no setting for the address on which they listen, so a small library is put in front of bind().
#
# Knobs (environment):
#   SGE_DIR     state directory               ($XQUTE_SERVICES_DIR/sge, by default xqute-services/sge in the temporary folder)
#   SGE_SLOTS   slots of the queues           (64)
#   SGE_PORT    port of the qmaster; execd +1 (26444)
#   SGE_USER    a plain user to create for submitting jobs ("" = none; root works)
#   CLEAN       1 = `up` throws the old cell away first (0)
set -u -o pipefail
SELF=sge.sh
SGE_DIR=${SGE_DIR:-${XQUTE_SERVICES_DIR:-${TMPDIR:-/tmp}/xqute-services}/sge}
SGE_SLOTS=${SGE_SLOTS:-64}
SGE_PORT=${SGE_PORT:-26444}
SGE_USER=${SGE_USER:-}
CLEAN=${CLEAN:-0}
HOST=$(hostname -s 2>/dev/null || hostname)
# The daemons have to listen where the host NAME leads to (127.0.0.1 or Debian's 127.0.1.1). Where that is no loopback
# address they listen on all, which `up` says aloud.
ADDR=$(getent ahostsv4 "$HOST" 2>/dev/null | awk 'NR==1{print $1}')
case $ADDR in 127.*) ;; *) ADDR=;; esac
LIB=/usr/lib/gridengine
export SGE_ROOT=$SGE_DIR/root SGE_CELL=default SGE_QMASTER_PORT=$SGE_PORT SGE_EXECD_PORT=$((SGE_PORT+1)) SGE_CLUSTER_NAME=ci
export PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s: %s\n' "$SELF" "$*" >&2; }
die() { say "FAILED: $1"; [ -n "${2:-}" ] && [ -s "${2:-}" ] && { say "last lines of $2:"; tail -n 15 "$2" >&2; }; exit 1; }
alive() { local p; p=$(cat "$1" 2>/dev/null) || return 1; [ -n "$p" ] || return 1
  [ "$(cat "/proc/$p/comm" 2>/dev/null)" = "$2" ] && [ "$(awk '{print $3}' "/proc/$p/stat" 2>/dev/null)" != Z ]; }
stop_one() {
  if alive "$1" "$2"; then
    local p i; p=$(cat "$1"); kill "$p" 2>/dev/null
    for i in $(seq 100); do alive "$1" "$2" || break; sleep 0.1; done
    alive "$1" "$2" && { say "$2 ($p) ignored TERM for 10 s, KILL"; kill -9 "$p"; sleep 0.2; }
  fi; rm -f "$1"; }
wait_for() { local n=$(( $1 * 20 )); shift; while [ "$n" -gt 0 ]; do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; n=$((n-1)); done; return 1; }

# execd names its spool folder by what 127.0.0.1 resolves back to ("localhost" or the host name)
execd_pid() { local f; for f in "$SGE_DIR"/spool/execd/*/execd.pid; do [ -e "$f" ] && { echo "$f"; return; }; done; echo "$SGE_DIR/spool/execd/$HOST/execd.pid"; }

install_pkgs() {
  local need=() p
  for p in gridengine-master gridengine-exec gridengine-client; do
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null)" = "ii " ] || need+=("$p"); done
  [ ${#need[@]} -eq 0 ] && return 0
  say "installing ${need[*]}"
  local prc=/usr/sbin/policy-rc.d made=0 log=$SGE_DIR/apt.log
  [ -e $prc ] || { printf '#!/bin/sh\nexit 101\n' > $prc && chmod 755 $prc && made=1; }
  # false: the package must not create a cluster of its own under /var
  for p in common master exec client; do echo "gridengine-$p shared/gridengineconfig boolean false"; done | debconf-set-selections || die "debconf-set-selections"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y --no-install-recommends "${need[@]}" >"$log" 2>&1 </dev/null \
    || { apt-get update >>"$log" 2>&1 && apt-get install -y --no-install-recommends "${need[@]}" >>"$log" 2>&1 </dev/null; }
  local rc=$?
  [ $made = 1 ] && rm -f $prc
  [ $rc -eq 0 ] || die "apt-get install ${need[*]}" "$log"
}

make_cell() {
  local common=$SGE_ROOT/$SGE_CELL/common spool=$SGE_DIR/spool log=$SGE_DIR/init.log
  mkdir -p "$common" "$spool/qmaster/job_scripts" "$spool/execd" "$SGE_DIR/tmp" || die "create directories"
  local d; for d in bin lib util utilbin; do ln -sfn "/var/lib/gridengine/$d" "$SGE_ROOT/$d"; done
  cat > "$common/bootstrap" <<B
admin_user              none
default_domain          none
ignore_fqdn             true
spooling_method         classic
spooling_lib            libspoolc
spooling_params         $common;$spool/qmaster
binary_path             /usr/lib/gridengine
qmaster_spool_dir       $spool/qmaster
security_mode           none
listener_threads        2
worker_threads          2
scheduler_threads       1
jvm_threads             0
B
  echo "$HOST" > "$common/act_qmaster"
  echo ci > "$common/cluster_name"
  # 127.0.0.1 resolves back to "localhost"; SGE must take that for this host
  echo "$HOST localhost" > "$common/host_aliases"
  # Each task of each queue needs a group id of its own. With fewer of them than slots execd loses tasks of arrays.
  cat > "$SGE_DIR/global.conf" <<C
execd_spool_dir        $spool/execd
mailer                 /bin/true
xterm                  /bin/true
load_sensor            none
prolog                 none
epilog                 none
shell_start_mode       unix_behavior
login_shells           bash,sh,ksh,csh,tcsh
min_uid                0
min_gid                0
user_lists             none
xuser_lists            none
projects               none
xprojects              none
enforce_project        false
enforce_user           auto
load_report_time       00:00:02
max_unheard            00:01:00
reschedule_unknown     00:00:00
loglevel               log_info
administrator_mail     none
set_token_cmd          none
pag_cmd                none
token_extend_time      none
shepherd_cmd           none
qmaster_params         none
execd_params           PDC_INTERVAL=00:00:01,INHERIT_ENV=false
reporting_params       accounting=true reporting=false flush_time=00:00:00 accounting_flush_time=00:00:00 joblog=false sharelog=00:00:00
finished_jobs          100
gid_range              61000-62999
qlogin_command         builtin
qlogin_daemon          builtin
rlogin_command         builtin
rlogin_daemon          builtin
rsh_command            builtin
rsh_daemon             builtin
max_aj_instances       2000
max_aj_tasks           75000
max_u_jobs             0
max_jobs               0
auto_user_oticket      0
auto_user_fshare       0
auto_user_default_project none
auto_user_delete_time  0
delegated_file_staging false
reprioritize           0
jsv_url                none
jsv_allowed_mod        ac,h,i,e,o,j,M,N,p,w
C
  if [ ! -e "$SGE_DIR/cell.ok" ]; then
    { "$LIB/spoolinit" classic libspoolc "$common;$spool/qmaster" init \
      && "$LIB/spooldefaults" configuration "$SGE_DIR/global.conf" \
      && "$LIB/spooldefaults" complexes /usr/share/gridengine/util/resources/centry \
      && "$LIB/spooldefaults" usersets /usr/share/gridengine/util/resources/usersets \
      && "$LIB/spooldefaults" managers root; } >"$log" 2>&1 || die "initialise the cell" "$log"
    touch "$SGE_DIR/cell.ok"
  fi
}
configure() { # needs a running qmaster; every step may be repeated
  local log=$SGE_DIR/qconf.log f=$SGE_DIR/obj; : >"$log"; mkdir -p "$f"
  qconf -ah "$HOST" >>"$log" 2>&1; qconf -as "$HOST" >>"$log" 2>&1
  cp "$SGE_DIR/global.conf" "$f/global"; qconf -Mconf "$f/global" >>"$log" 2>&1 || die "qconf -Mconf" "$log"
  cat > "$f/sconf" <<S
algorithm                         default
schedule_interval                 ${SGE_SCHED_INTERVAL:-0:0:1}
maxujobs                          0
queue_sort_method                 load
job_load_adjustments              NONE
load_adjustment_decay_time        0:0:0
load_formula                      np_load_avg
schedd_job_info                   true
flush_submit_sec                  ${SGE_FLUSH_SUBMIT:-1}
flush_finish_sec                  ${SGE_FLUSH_FINISH:-1}
params                            none
reprioritize_interval             0:0:0
halftime                          168
usage_weight_list                 cpu=1.000000,mem=0.000000,io=0.000000
compensation_factor               5.000000
weight_user                       0.250000
weight_project                    0.250000
weight_department                 0.250000
weight_job                        0.250000
weight_tickets_functional         0
weight_tickets_share              0
share_override_tickets            TRUE
share_functional_shares           TRUE
max_functional_jobs_to_schedule   200
report_pjob_tickets               TRUE
max_pending_tasks_per_job         200
halflife_decay_list               none
policy_hierarchy                  OFS
weight_ticket                     0.500000
weight_waiting_time               0.278000
weight_deadline                   3600000.000000
weight_urgency                    0.500000
weight_priority                   0.000000
max_reservation                   0
default_duration                  INFINITY
S
  qconf -Msconf "$f/sconf" >>"$log" 2>&1 || die "qconf -Msconf" "$log"
  printf 'pe_name            smp\nslots              9999\nuser_lists         NONE\nxuser_lists        NONE\nstart_proc_args    NONE\nstop_proc_args     NONE\nallocation_rule    $pe_slots\ncontrol_slaves     FALSE\njob_is_first_task  TRUE\nurgency_slots      min\naccounting_summary FALSE\nqsort_args         NONE\n' > "$f/pe"
  qconf -sp smp >/dev/null 2>&1 || qconf -Ap "$f/pe" >>"$log" 2>&1 || die "qconf -Ap (parallel environment smp)" "$log"
  printf 'group_name @allhosts\nhostlist %s\n' "$HOST" > "$f/hgrp"
  qconf -shgrp @allhosts >/dev/null 2>&1 || qconf -Ahgrp "$f/hgrp" >>"$log" 2>&1 || die "qconf -Ahgrp @allhosts" "$log"
  # Only jobs that ask for it by -l short=1 go to short.q, where they have 5 seconds.
  if ! qconf -sc | grep -q '^short '; then
    { qconf -sc | grep -v '^#'; echo 'short short BOOL == FORCED NO 0 0'; } > "$f/complexes"
    qconf -Mc "$f/complexes" >>"$log" 2>&1 || die "qconf -Mc (resource short)" "$log"
  fi
  local q
  for q in all.q short.q; do
    local hrt=INFINITY has=NONE; [ $q = short.q ] && { hrt=00:00:05; has=short=TRUE; }
    cat > "$f/$q" <<Q
qname                 $q
hostlist              @allhosts
seq_no                0
load_thresholds       NONE
suspend_thresholds    NONE
nsuspend              1
suspend_interval      00:05:00
priority              0
min_cpu_interval      00:05:00
processors            UNDEFINED
qtype                 BATCH INTERACTIVE
ckpt_list             NONE
pe_list               smp
rerun                 FALSE
slots                 $SGE_SLOTS
tmpdir                $SGE_DIR/tmp
shell                 /bin/sh
prolog                NONE
epilog                NONE
shell_start_mode      unix_behavior
starter_method        NONE
suspend_method        NONE
resume_method         NONE
terminate_method      NONE
notify                00:00:02
owner_list            NONE
user_lists            NONE
xuser_lists           NONE
subordinate_list      NONE
complex_values        $has
projects              NONE
xprojects             NONE
calendar              NONE
initial_state         default
s_rt                  INFINITY
h_rt                  $hrt
s_cpu                 INFINITY
h_cpu                 INFINITY
s_fsize               INFINITY
h_fsize               INFINITY
s_data                INFINITY
h_data                INFINITY
s_stack               INFINITY
h_stack               INFINITY
s_core                INFINITY
h_core                INFINITY
s_rss                 INFINITY
h_rss                 INFINITY
s_vmem                INFINITY
h_vmem                INFINITY
Q
    if qconf -sq $q >/dev/null 2>&1; then qconf -Mq "$f/$q" >>"$log" 2>&1; else qconf -Aq "$f/$q" >>"$log" 2>&1; fi || die "create queue $q" "$log"
  done
}

# Without it the daemons would listen on all interfaces. Jobs do not inherit it (INHERIT_ENV).
make_shim() {
  [ -n "$ADDR" ] || { say "note: host name $HOST does not resolve to loopback; sge_qmaster and sge_execd listen on 0.0.0.0 (add '127.0.0.1 $HOST' to /etc/hosts to avoid it)"; return; }
  [ -e "$SGE_DIR/bind.so" ] && return
  cat > "$SGE_DIR/bind.c" <<'C'
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

int bind(int fd, const struct sockaddr *address, socklen_t length) {
    int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    const char *only = getenv("SGE_LISTEN_ON");
    if (only && address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in changed = *(const struct sockaddr_in *)address;
        if (changed.sin_addr.s_addr == INADDR_ANY) {
            inet_pton(AF_INET, only, &changed.sin_addr);
            return next(fd, (struct sockaddr *)&changed, sizeof changed);
        }
    }
    return next(fd, address, length);
}
C
  cc -shared -fPIC -O -o "$SGE_DIR/bind.so" "$SGE_DIR/bind.c" -ldl >"$SGE_DIR/cc.log" 2>&1 || die "compile bind.c" "$SGE_DIR/cc.log"
}
start() { # start PROGRAM OUTPUT
  if [ -n "$ADDR" ]; then (cd / && SGE_LISTEN_ON=$ADDR LD_PRELOAD=$SGE_DIR/bind.so "$LIB/$1"); else (cd / && "$LIB/$1"); fi >"$2" 2>&1 </dev/null
}
up() {
  [ "$(id -u)" = 0 ] || die "must run as root"
  mkdir -p "$SGE_DIR" && chmod 755 "$SGE_DIR" || die "create $SGE_DIR"
  [ "$CLEAN" = 1 ] && { down; rm -rf "$SGE_DIR/root" "$SGE_DIR/spool" "$SGE_DIR/cell.ok"; }
  install_pkgs
  getent hosts "$HOST" >/dev/null || die "host name $HOST does not resolve: add '127.0.0.1 $HOST' to /etc/hosts"
  [ -n "$SGE_USER" ] && { id "$SGE_USER" >/dev/null 2>&1 || useradd -m -s /bin/bash "$SGE_USER" || die "create user $SGE_USER"; }
  make_shim
  make_cell
  local qpid=$SGE_DIR/spool/qmaster/qmaster.pid epid=$(execd_pid)
  if ! alive "$qpid" sge_qmaster; then
    rm -f "$qpid"
    start sge_qmaster "$SGE_DIR/qmaster.out" || { cat "$SGE_DIR/qmaster.out" >&2; die "start sge_qmaster" "$SGE_DIR/spool/qmaster/messages"; }
  fi
  wait_for 20 qconf -sconf || { qconf -sconf; cat "$SGE_DIR/qmaster.out"; die "sge_qmaster does not answer on port $SGE_PORT" "$SGE_DIR/spool/qmaster/messages"; }
  qconf -ah "$HOST" >/dev/null 2>&1; qconf -as "$HOST" >/dev/null 2>&1
  if ! alive "$epid" sge_execd; then
    rm -f "$epid"
    start sge_execd "$SGE_DIR/execd.out" || { cat "$SGE_DIR/execd.out" >&2; die "start sge_execd" "$(dirname "$(execd_pid)")/messages"; }
  fi
  wait_for 20 sh -c "qconf -sel | grep -q ." || { cat "$SGE_DIR/execd.out" >&2; die "sge_execd did not register" "$(dirname "$(execd_pid)")/messages"; }
  configure
  qmod -cq '*' >/dev/null 2>&1                      # clear error states of an earlier life
  local id out=$SGE_DIR/smoke.out; rm -f "$out"
  id=$(qsub -terse -b y -cwd -o "$out" -j y -N smoke echo smoke ok 2>"$SGE_DIR/smoke.err") || die "submit smoke job" "$SGE_DIR/smoke.err"
  wait_for 60 grep -q 'smoke ok' "$out" || { qstat -f >&2; qstat -j "$id" >&2; die "smoke job $id did not run" "$SGE_DIR/spool/qmaster/messages"; }
  say "up: $(qstat -help 2>&1 | head -1), queue all.q with $SGE_SLOTS slots; eval \"\$($0 env)\""
}
down() {
  local qpid=$SGE_DIR/spool/qmaster/qmaster.pid epid=$(execd_pid)
  if alive "$qpid" sge_qmaster; then timeout 10 qdel -f -u '*' >/dev/null 2>&1; sleep 0.5; fi
  stop_one "$epid" sge_execd
  stop_one "$qpid" sge_qmaster
}
case ${1:-up} in
  up) up;;  down|stop) down; say down;;
  restart) down; up;;
  clean) down; rm -rf "$SGE_DIR";;
  env) echo "export SGE_ROOT=$SGE_ROOT SGE_CELL=$SGE_CELL SGE_QMASTER_PORT=$SGE_QMASTER_PORT SGE_EXECD_PORT=$SGE_EXECD_PORT SGE_CLUSTER_NAME=ci";;
  status) alive "$SGE_DIR/spool/qmaster/qmaster.pid" sge_qmaster && echo "sge_qmaster $(cat "$SGE_DIR/spool/qmaster/qmaster.pid")" || echo "sge_qmaster -"
          alive "$(execd_pid)" sge_execd && echo "sge_execd $(cat "$(execd_pid)")" || echo "sge_execd -"; timeout 10 qstat -f;;
  *) sed -n '2,24p' "$0"; exit 2;;
esac
