//! The bash that is a container's first process. It runs the job's script as its child, because the kernel spares the first
//! process of a container most signals: a script that is killed by one would just go on.
//!
//! The script is read by a bash with traps for the signals at which bash would run the script's own `EXIT` trap, which takes
//! the exit code of the last command for that of the script. With them such a script dies and leaves no exit code.

/// The highest exit code that stands for a signal.
pub(crate) const LAST_SIGNAL_CODE: i32 = 192;
/// The kernel killed something in the container for want of memory, and the job failed.
pub(crate) const OUT_OF_MEMORY: i32 = 200;
/// The script itself left an exit code that would be taken for a signal here.
#[cfg(test)]
const SEE_THE_SCRIPT: i32 = 128;

/// Seconds from asking a job to end to killing it.
pub(crate) const GRACE: &str = "5";

/// `$0` is the container's name, `$1` the job's script, `$2` the job directory. `$BASH` is the bash that reads this.
const BEGIN: &str = r#"kills() { k=0; for f in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do [ -r $f ] && while read -r a b; do [ "$a" = oom_kill ] && k=$b; done <$f; done; }
kills; before=$k; set -m
end() { kill -TERM -- -$p; }
trap 'asked=1; [ "$p" ] && end' TERM
"$BASH" -c 'for s in ILL TRAP ABRT FPE BUS SEGV SYS PIPE ALRM XCPU XFSZ VTALRM PROF USR1 USR2; do trap "trap - EXIT $s; kill -$s \$\$" $s; done; . "$1"' "$1" "$1" & p=$!
set +m; [ "$asked" ] && end
while kill -0 $p 2>/dev/null; do wait $p; done
wait $p; rc=$?
"#;

/// For docker and podman, which tell the exit code.
const AND_TELL: &str = r#"[ $rc = 0 ] || { kills; [ $k -le $before ] || exit 200; }
[ $rc -le 128 ] || { [ ! -e "$2/job.rc" ] && [ $rc -le 192 ]; } || exit 128
exit $rc"#;

/// For apptainer, whose exit code nobody sees, and which kills nothing.
const AND_WRITE: &str = r#"[ -e "$2/job.rc" ] || { echo $rc >"$2/job.rc"; echo 7 >"$2/job.status"; }
exit $rc"#;

/// The first process of a container that docker or podman keep.
pub(crate) fn kept() -> String {
    format!("{BEGIN}{AND_TELL}")
}

/// The same under apptainer.
pub(crate) fn unkept() -> String {
    let killing = format!("kill -TERM -- -$p; {{ read -rt {GRACE} <> <(:); kill -KILL -- -$p; }} &");
    format!(
        "{}{AND_WRITE}",
        BEGIN.replace("kill -TERM -- -$p", &format!("{{ {killing} }}"))
    )
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "bash says what bash does")]
mod tests {
    use super::*;
    use std::{os::unix::process::ExitStatusExt as _, path::Path, process::Command};

    fn run(first: &str, dir: &Path, script: &str) -> Option<i32> {
        let file = dir.join("script");
        std::fs::write(&file, script).unwrap();
        let _none = std::fs::remove_file(dir.join("job.rc"));
        let mut bash = Command::new("bash");
        bash.arg("-c").arg(first).arg("xqute-test").arg(&file).arg(dir);
        let status = bash.status().unwrap();
        assert_eq!(status.signal(), None);
        status.code()
    }

    fn scratch(name: &str) -> std::path::PathBuf {
        let dir = std::env::temp_dir().join(format!("xqute container's {name} {}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn an_exit_code_arrives_and_is_not_taken_for_a_signal() {
        let dir = scratch("codes");
        let speaks = |code: i32| format!("echo {code} > \"$(dirname \"$0\")/job.rc\"; exit {code}");
        for code in [0, 1, 3, 127, 128] {
            assert_eq!(run(&kept(), &dir, &speaks(code)), Some(code));
        }
        for code in [129, 137, 192, 200, 255] {
            assert_eq!(run(&kept(), &dir, &speaks(code)), Some(SEE_THE_SCRIPT), "{code}");
        }
        let at_exit = "trap 'echo $? > \"$(dirname \"$0\")/job.rc\"; exit 0' EXIT;";
        for (signal, code) in [
            ("TERM", 143),
            ("SEGV", 139),
            ("KILL", 137),
            ("USR1", 138),
            ("ABRT", 134),
        ] {
            assert_eq!(run(&kept(), &dir, &format!("kill -{signal} $$")), Some(code));
            if signal != "TERM" {
                assert_eq!(run(&kept(), &dir, &format!("{at_exit} kill -{signal} $$")), Some(code));
                assert!(!dir.join("job.rc").exists(), "{signal}");
            }
        }
        assert_eq!(run(&kept(), &dir, "exit 201"), Some(SEE_THE_SCRIPT));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn term_reaches_the_job_and_is_waited_for() {
        let dir = scratch("term");
        // The job asks for its own end, and takes its time.
        let script = "trap 'exit 7' TERM; kill -TERM $PPID; while :; do read -rt 0.05 <> <(:); done";
        assert_eq!(run(&kept(), &dir, script), Some(7));
        assert_eq!(run(&unkept(), &dir, script), Some(7));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn without_an_engine_the_exit_code_is_written_down() {
        let dir = scratch("written");
        assert_eq!(run(&unkept(), &dir, "kill -SEGV $$"), Some(139));
        assert_eq!(std::fs::read_to_string(dir.join("job.rc")).unwrap(), "139\n");
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn the_numbers_are_those_in_the_script() {
        let text = kept();
        for number in [LAST_SIGNAL_CODE, OUT_OF_MEMORY, SEE_THE_SCRIPT] {
            assert!(text.contains(&number.to_string()), "{number}");
        }
    }
}
