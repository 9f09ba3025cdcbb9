//! The script of an array job: it finds the job that a task stands for, and runs that job's own script. Pure functions.
//!
//! It does not become the job's script but waits for it, because Grid Engine gives exit codes meanings of its own: 99 makes
//! it run a job again and again, 100 puts it into the error state. That is also how a task says that its job could not even
//! be started.

use std::fmt::Write as _;

use xqute_plugin::{Error, Job, quote};

/// The signal by which a launcher ends when SIGKILL ended the script, but not the launcher. Grid Engine itself kills both, so
/// that end is told from one that came from within the job. Nothing else sends this signal on Linux.
pub(crate) const KILLED_WITHIN: i32 = 16;

/// The launcher of these jobs; task 1 is the first of them.
///
/// With a carrier, which brings jobs to machines that do not see their scripts, that starts them.
pub(crate) fn script(jobs: &[&Job], shared_cwd: bool, carrier: Option<&str>) -> Result<String, Error> {
    let scripts: Vec<&str> = jobs.iter().map(|job| job.script.mounted.as_str()).collect();
    let mut text =
        String::from("#!/bin/bash\n# Runs the scripts of some jobs of xqute, one in each task. Written by xqute.\n");
    assign(&mut text, "script", &scripts)?;
    let own: Vec<&str> = jobs.iter().map(|job| cwd(job).unwrap_or_default()).collect();
    if shared_cwd || own.iter().all(|cwd| cwd.is_empty()) {
        text.push_str("cwd=\n");
    } else {
        assign(&mut text, "cwd", &own)?;
    }
    match carrier {
        None => text.push_str(&BODY.replace("KILLED_WITHIN", &KILLED_WITHIN.to_string())),
        Some(carrier) => text.push_str(&CARRIED.replace("CARRIER", carrier)),
    }
    text.push_str(LAST);
    Ok(text)
}

/// Where a job starts, if Grid Engine or the launcher can take it there. The script goes there by itself as well, and a
/// relative path would count twice.
pub(crate) fn cwd(job: &Job) -> Option<&str> {
    let path = job.cwd.as_ref()?.mounted.as_str();
    path.starts_with('/').then_some(path)
}

const BODY: &str = r#"dir=${script%/*}
# Other machines may see what was just written a little later.
for pause in 1 2 4 8; do
    [ -r "$script" ] && break
    sleep "$pause"
done
# 100 tells Grid Engine that the job could not be started.
exec 2>"$dir/job.sge" >&2 || exit 100
if ! [ -r "$script" ]; then
    echo "this machine does not see $script"
    exit 100
fi
if [ "$cwd" ] && ! cd -- "$cwd"; then
    exit 100
fi
# Signals are for the job. A handler, unlike an ignored signal, is not handed on to it.
trap : HUP INT TERM USR1 USR2 XCPU
if [ -x "$script" ]; then
    "$script"
else
    /bin/bash "$script"
fi
code=$?
if ! [ -e "$dir/job.rc" ] && [ "$code" -gt 128 ]; then
    # A signal ended the script before it could say so.
    ulimit -c 0
    signal=$((code - 128))
    [ "$signal" = 9 ] && signal=KILLED_WITHIN
    trap - HUP INT TERM USR1 USR2 XCPU
    kill -s "$signal" $$
fi
"#;

const CARRIED: &str = r#"exec >/dev/null 2>&1
# What the job left says that it could not be started.
if [ "$cwd" ]; then cd -- "$cwd" || exit 1; fi
trap : HUP INT TERM USR1 USR2 XCPU
CARRIER "$script"
code=$?
"#;

const LAST: &str = r#"# To Grid Engine 99 means "run it again" and 100 "it could not be started". job.rc has the exit code as it was.
case $code in 99 | 100) code=1 ;; esac
exit "$code"
"#;

/// Sets a variable to what one of the texts is, by the number of the task. What they have in common is written once.
fn assign(text: &mut String, name: &str, values: &[&str]) -> Result<(), Error> {
    if let Some(bad) = values.iter().find(|value| value.chars().any(char::is_control)) {
        return Err(Error::Rejected(format!(
            "the path {bad:?} has a control character, which Grid Engine cannot be given"
        )));
    }
    let (front, back) = in_common(values);
    let middles = values.iter().map(|value| {
        let end = value.len().saturating_sub(back);
        let middle = value.get(front..end).unwrap_or_default();
        let plain = !middle.is_empty() && middle.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if plain { middle.to_owned() } else { quote(middle) }
    });
    let middles = middles.collect::<Vec<_>>().join(" ");
    let first = values.first().copied().unwrap_or_default();
    let front = quote(first.get(..front).unwrap_or_default());
    let back = quote(first.get(first.len().saturating_sub(back)..).unwrap_or_default());
    // Writing to a string does not fail.
    let _written = writeln!(
        text,
        "{name}=({middles})\n{name}={front}${{{name}[SGE_TASK_ID - 1]}}{back}"
    );
    Ok(())
}

/// How many bytes all texts have in common at their front, and how many of the rest at their back.
fn in_common(values: &[&str]) -> (usize, usize) {
    let Some((first, others)) = values.split_first() else {
        return (0, 0);
    };
    let shortest = values.iter().map(|value| value.len()).min().unwrap_or(0);
    let same = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let mut front = others.iter().map(|other| same(first, other)).min().unwrap_or(0);
    while !first.is_char_boundary(front) {
        front = front.saturating_sub(1);
    }
    let same = |a: &str, b: &str| a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    let back = others.iter().map(|other| same(first, other)).min().unwrap_or(0);
    let mut back = back.min(shortest.saturating_sub(front));
    while !first.is_char_boundary(first.len().saturating_sub(back)) {
        back = back.saturating_sub(1);
    }
    (front, back)
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::testing::{job, path};

    fn head(jobs: &[Job], shared: bool) -> String {
        let text = script(&jobs.iter().collect::<Vec<_>>(), shared, None).unwrap();
        let (head, _) = text.split_once("dir=").unwrap();
        head.lines().skip(2).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_paths_have_in_common_is_written_once() {
        let jobs: Vec<Job> = (8..12).map(|index| job(index, "true")).collect();
        assert_eq!(
            head(&jobs, true),
            "script=(8 9 10 11)\nscript='/data/.xqute/'${script[SGE_TASK_ID - 1]}'/job.wrapped.local'\ncwd="
        );
        let ten: Vec<Job> = [1, 10].map(|index| job(index, "true")).into();
        assert!(head(&ten, true).starts_with("script=('' 0)\nscript='/data/.xqute/1'$"));
        let one = head(&[job(3, "true")], true);
        assert!(
            one.starts_with("script=('/data/.xqute/3/job.wrapped.local')\nscript=''$"),
            "{one}"
        );
    }

    #[test]
    fn each_task_goes_to_its_own_place() {
        let mut jobs: Vec<Job> = (0..3).map(|index| job(index, "true")).collect();
        jobs[0].cwd = Some(path("/a b/it's"));
        jobs[1].cwd = Some(path("relative"));
        let text = head(&jobs, false);
        assert!(
            text.ends_with("cwd=('/a b/it'\\''s' '' '')\ncwd=''${cwd[SGE_TASK_ID - 1]}''"),
            "{text}"
        );
    }

    #[test]
    fn jobs_are_brought_where_nothing_of_them_is_seen() {
        let text = script(&[&job(3, "true")], true, Some("xqute run-staged s3://b/r /tmp/x")).unwrap();
        assert!(
            text.contains("\nxqute run-staged s3://b/r /tmp/x \"$script\"\ncode=$?\n"),
            "{text}"
        );
        assert!(!text.contains("$dir") && text.ends_with("exit \"$code\"\n"), "{text}");
    }

    #[test]
    fn a_path_that_would_break_the_script_is_refused() {
        let mut bad = job(0, "true");
        bad.script = path("/a\n#$ -h\n/b");
        assert!(matches!(script(&[&bad], true, None), Err(Error::Rejected(_))));
    }

    #[test]
    fn no_line_is_a_directive() {
        let text = script(&[&job(0, "true")], true, None).unwrap();
        assert!(text.lines().all(|line| !line.starts_with("#$")), "{text}");
    }

    proptest::proptest! {
        #[test]
        fn common_parts_never_overlap(values in proptest::collection::vec("[aä/1]{0,6}", 1..5)) {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let (front, back) = in_common(&values);
            for value in &values {
                proptest::prop_assert!(front + back <= value.len());
                proptest::prop_assert_eq!(&value[..front], &values[0][..front]);
                proptest::prop_assert_eq!(&value[value.len() - back..], &values[0][values[0].len() - back..]);
            }
        }
    }
}
