# What runs on a server: functions in bash, to which `program.rs` adds one line for each thing to do. Lines that are
# comments are not sent. The variables `name`, `server`, `tag`, `workdir` and `sees` are set there.
#
# Answers are lines that begin with `xqute: `. What else a login shell prints is not looked at.

# One answer, in a single write: jobs that start at the same time do not mix theirs.
say() { printf 'xqute: %s\n' "$*"; }

unfit() {
    say unfit "$*"
    exit 0
}

# Sets `born` to the time at which a process started. Fails when there is none, or it has ended and nobody cared.
born() {
    local stat=
    IFS= read -rd '' stat 2>/dev/null <"/proc/$1/stat"
    stat=${stat##*) }
    [[ $stat ]] || return 1
    set -- $stat
    [[ $1 != [ZX] ]] && born=${20}
}

# Sets `live` to the number of jobs that run here under this server's name, whoever submitted them: each carries a mark
# in its environment, and so does whatever it started.
count() {
    local mark
    local -A seen=()
    while IFS= read -rd '' mark; do
        seen[$mark]=1
    done < <(grep -ahzos "^XQUTE_SSH=$server/.*" /proc/[0-9]*/environ)
    live=${#seen[@]}
}

# hello SLOTS COUNT: comes first. Says how many processors there are and how many jobs run, where that is wanted, and whether
# the next program can be handed to the login shell itself.
hello() {
    local slots=0 live=- direct=0
    { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || unfit 'it has no /proc; it must be a Linux machine'
    boot=${boot%%-*}
    type -P setsid grep >/dev/null || unfit 'it lacks `setsid` or `grep`'
    [[ -d $sees ]] || unfit "it does not see the folder $sees; the workdir must be on a file system that it shares"
    (($1)) && slots=$(nproc)
    (($2)) && count
    [[ ${SHELL##*/} == bash && -p /dev/stdin ]] && direct=1
    say hello "$boot" "$live" "$slots" "$direct"
}

# start INDEX ATTEMPT DIR SCRIPT CWD: starts an attempt, unless it was started before, here or on another server. Who
# creates the file that marks it, starts it: that happens once, however often it is tried, and on whichever servers. It is
# the job's own process that does, so that the mark holds its number.
start() {
    local mark=$3/job.ssh.$2 first= claimed=
    { IFS= read -r first <"$4"; } 2>/dev/null
    if [[ $first != '#!'* ]]; then
        say refused "$1" "it cannot read $4; is the workdir on a file system that it shares, and readable there?"
        return
    fi
    (
        # Bash keeps these signals from what it starts in the background.
        trap : INT QUIT
        trap - INT QUIT
        if ! cd -- "$5" 2>/dev/null; then
            say refused "$1" "the job is to start in $5, and cannot go there"
            exit
        fi
        born "$BASHPID"
        set -C
        if { claimed=1; printf '%s\n' "xqute $name $tag $1 $2 $BASHPID $born $boot"; } 2>/dev/null >"$mark"; then
            say started "$1" "$BASHPID" "$born"
            # Comes from the ssh of the host, which is made to speak English.
            [[ ${LC_ALL-} == C ]] && unset LC_ALL
            export XQUTE_SSH="$server/$tag/$1/$2"
            set -f
            exec setsid ${first#??} "$4" </dev/null >/dev/null 2>>"$3/job.stderr"
        elif [[ $claimed ]]; then
            rm -f -- "$mark"
            say refused "$1" "it cannot write to $mark: no space is left"
        else
            known "$1" "$2" "$mark"
        fi
    ) </dev/null &
}

# Says who started an attempt that is marked already. Whoever marks it needs a moment between the file and what is in it.
known() {
    local tries word at run index attempt pid since machine
    for ((tries = 0; tries < 30; tries++)); do
        if [[ ! -e $3 ]]; then
            say refused "$1" "it cannot create $3; do you own the workdir there?"
            return
        fi
        if { read -r word at run index attempt pid since machine <"$3"; } 2>/dev/null; then
            if [[ "$word $run $index $attempt" == "xqute $tag $1 $2" ]]; then
                say known "$1" "$at" "$pid" "$since" "$machine"
            else
                say refused "$1" "$3 is there already, and marks no start of this attempt"
            fi
            return
        fi
        sleep 0.1
    done
    say refused "$1" "$3 is there already, but empty: nobody can tell whether the attempt was started"
}

# check INDEX PID BORN BOOT: says whether an attempt runs, or how it ended.
check() {
    local rc=
    if [[ $4 == "$boot" ]] && born "$2" && [[ $born == "$3" ]]; then
        say runs "$1"
        return
    fi
    { read -r rc <"$workdir/$1/job.rc"; } 2>/dev/null
    if [[ $rc =~ ^[0-9]+$ ]]; then
        say ended "$1" "$rc"
    elif [[ $4 != "$boot" ]]; then
        say restarted "$1"
    else
        say gone "$1"
    fi
}

# ended INDEX: says how an attempt ended that ran on another server, if it has left an exit code.
ended() {
    local rc=
    { read -r rc <"$workdir/$1/job.rc"; } 2>/dev/null
    [[ $rc =~ ^[0-9]+$ ]] && say ended "$1" "$rc"
}

# cancel PID BORN BOOT: this one is among those that `finish` ends.
targets=()
cancel() {
    [[ $3 == "$boot" ]] && born "$1" && [[ $born == "$2" ]] && targets+=("$1/$2")
}

# signal SIGNAL PID...: tells all who are in the groups of these processes, or in groups of their own in their sessions.
signal() {
    local signal=$1 pid stat place
    local -a whom=()
    local -A sessions=()
    shift
    for pid; do
        sessions[$pid]=1
        whom+=("-$pid")
    done
    for place in /proc/[0-9]*; do
        stat=
        IFS= read -rd '' stat 2>/dev/null <"$place/stat"
        stat=${stat##*) }
        set -- $stat
        [[ ${sessions[${4:-0}]-} ]] && whom+=("${place##*/}")
    done
    kill "-$signal" -- "${whom[@]}" 2>/dev/null
}

# Tells the targets to end; whoever is left when a target has ended, or after GRACE tenths of a second, is killed. Nobody
# waits for that.
finish() {
    ((${#targets[@]})) || return
    # One that has not come to make its session yet is in none of those.
    kill -TERM -- "${targets[@]%/*}" 2>/dev/null
    signal TERM "${targets[@]%/*}"
    signal CONT "${targets[@]%/*}"
    (
        for ((tenths = 0; tenths < $1; tenths++)); do
            sleep 0.1
            left=() over=()
            for target in "${targets[@]}"; do
                if born "${target%/*}" && [[ $born == "${target#*/}" ]]; then
                    left+=("$target")
                else
                    over+=("${target%/*}")
                fi
            done
            targets=("${left[@]}")
            ((${#over[@]})) && signal KILL "${over[@]}"
            ((${#targets[@]})) || exit
            # A shell that is just about to start a program can swallow the first one.
            ((tenths == 0)) && signal TERM "${targets[@]%/*}"
        done
        signal KILL "${targets[@]%/*}"
    ) </dev/null >/dev/null 2>&1 &
}

# Says which attempts of the run were started, on whatever server, and have left no exit code of their own. One that was
# prepared and not started is marked too: it never will be, should somebody still be about to start it.
find_marked() {
    local dir rc old attempt tries word at run index number pid since machine
    for dir in "$workdir"/*/; do
        rc= attempt=1
        { read -r rc <"${dir}job.rc"; } 2>/dev/null
        [[ ! $rc =~ ^[0-9]+$ && -e ${dir}job.status ]] || continue
        for old in "${dir}job.retry"/*; do
            old=${old##*/}
            [[ $old =~ ^[0-9]+$ ]] && ((old >= attempt)) && attempt=$((old + 1))
        done
        (
            set -C
            { echo "never $tag" >"${dir}job.ssh.$attempt"; } 2>/dev/null
        ) && continue
        for ((tries = 0; tries < 10; tries++)); do
            { read -r word at run index number pid since machine <"${dir}job.ssh.$attempt"; } 2>/dev/null && break
            sleep 0.1
        done
        [[ "$word $run" == "xqute $tag" ]] && say found "$index" "$number" "$at" "$pid" "$since" "$machine"
    done
}
