//! What scripts look like.

use super::*;

fn shown(run: &Run, spec: JobSpec, wrapping: &Wrapping, snippets: &Snippets) -> String {
    let attempt = run.attempt(JobIndex(7), Attempt::FIRST, Arc::new(spec));
    String::from_utf8(render(&attempt, run, wrapping, snippets).unwrap()).unwrap()
}

#[test]
fn a_plain_script() {
    let run = run_in(SpecPath::same(Utf8Path::new("/data/run")), Settings::default());
    let script = shown(&run, "sort a | uniq".into(), &Wrapping::default(), &Snippets::default());
    insta::assert_snapshot!(script, @r###"
    #!/bin/bash
    # Job 7 (local-7), attempt 1. Written by xqute.
    export XQUTE_JOB_INDEX=7 XQUTE_METADIR=/data/run XQUTE_JOB_METADIR=/data/run/7 XQUTE_RUN_TAG=0123456789abcdef XQUTE_JOB_ATTEMPT=1

    # Everything but the command's own output goes to the job's stderr.
    exec 2>/data/run/7/job.stderr 1>&2
    [ "${BASH_VERSION-}" ] || { echo 'xqute: this is a script for bash, but another shell runs it'; exit 126; }

    # Records how the job ended. What comes after it cannot change the exit code.
    xqute_finish() {
        set +eu
        echo "$1" >|/data/run/7/job.rc
        if [[ $1 == 0 ]]; then echo 6; else echo 7; fi 1<>/data/run/7/job.status
        xqute_rc=$1 rc=$1
    }
    trap 'rc=$?; [[ ${xqute_rc-} ]] || xqute_finish $rc; exit "$xqute_rc"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    xqute_struck() { [[ ${xqute_rc-} ]] || xqute_finish "$2"; trap - "$1"; kill -"$1" $BASHPID; }
    trap 'xqute_struck ILL 132' ILL
    trap 'xqute_struck TRAP 133' TRAP
    trap 'xqute_struck ABRT 134' ABRT
    trap 'xqute_struck BUS 135' BUS
    trap 'xqute_struck FPE 136' FPE
    trap 'xqute_struck USR1 138' USR1
    trap 'xqute_struck SEGV 139' SEGV
    trap 'xqute_struck USR2 140' USR2
    trap 'xqute_struck PIPE 141' PIPE
    trap 'xqute_struck ALRM 142' ALRM
    trap 'xqute_struck XCPU 152' XCPU
    trap 'xqute_struck XFSZ 153' XFSZ
    trap 'xqute_struck VTALRM 154' VTALRM
    trap 'xqute_struck PROF 155' PROF
    trap 'xqute_struck SYS 159' SYS

    echo 4 1<>/data/run/7/job.status

    declare +x cmd='sort a | uniq'
    eval "$cmd" >/data/run/7/job.stdout
    xqute_finish $?
    exit "$xqute_rc"
    "###);
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of them are the script")]
fn a_script_with_everything() {
    let settings = Settings {
        prescript: "module load gcc\numask 077".to_owned(),
        postscript: "echo over".to_owned(),
        jobname_prefix: Some("two\nlines".to_owned()),
        ..Settings::default()
    };
    let run = run_in(
        SpecPath::mounted_at(Utf8Path::new("/data/my run"), Utf8Path::new("/mnt/my run")),
        settings,
    );
    let extras = JobExtras {
        env: vec![("GREETING".to_owned(), "it's".to_owned())],
        cwd: Some("/tmp/some where".into()),
        timeout: Some(Duration::from_secs(60)),
        ..JobExtras::default()
    };
    let wrapping = Wrapping {
        shebang: Some("/usr/bin/env bash".to_owned()),
        directives: vec!["#SBATCH --time=1".to_owned()],
    };
    let snippets = Snippets {
        init: vec![snippet("hello", "echo start")],
        prep: vec![snippet("hello", "cmd=\"nice $cmd\"")],
        end: vec![snippet("hello", "echo $rc"), snippet("bye", "unbalanced '")],
    };
    let spec = JobSpec::from(["printf", "%s\n", "it's"]).with(extras);
    insta::assert_snapshot!(shown(&run, spec, &wrapping, &snippets), @r###"
    #!/usr/bin/env bash
    #SBATCH --time=1
    # Job 7 (two\nlines-7), attempt 1. Written by xqute.
    export GREETING="it's"
    export XQUTE_JOB_INDEX=7 XQUTE_METADIR='/mnt/my run' XQUTE_JOB_METADIR='/mnt/my run/7' XQUTE_RUN_TAG=0123456789abcdef XQUTE_JOB_ATTEMPT=1

    # Everything but the command's own output goes to the job's stderr.
    exec 2>'/mnt/my run/7/job.stderr' 1>&2
    [ "${BASH_VERSION-}" ] || { echo 'xqute: this is a script for bash, but another shell runs it'; exit 126; }

    # Records how the job ended. What comes after it cannot change the exit code.
    xqute_finish() {
        set +eu
        echo "$1" >|'/mnt/my run/7/job.rc'
        if [[ $1 == 0 ]]; then echo 6; else echo 7; fi 1<>'/mnt/my run/7/job.status'
        xqute_rc=$1 rc=$1
        exec 1>&2
        # postscript
        eval 'echo over'
        # end, from plugin hello
        eval 'echo $rc'
        # end, from plugin bye
        eval "unbalanced '"
    }
    readonly -f xqute_finish
    xqute_at= xqute_rc=
    trap 'rc=$?; if [[ ${xqute_at-} ]]; then echo "xqute: the script ended in $xqute_at, before the command"; xqute_rc=; [[ $rc != 0 ]] || rc=1; fi; [[ ${xqute_rc-} ]] || xqute_finish $rc; exit "$xqute_rc"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    xqute_struck() { [[ ${xqute_rc-} ]] || xqute_finish "$2"; trap - "$1"; kill -"$1" $BASHPID; }
    trap 'xqute_struck ILL 132' ILL
    trap 'xqute_struck TRAP 133' TRAP
    trap 'xqute_struck ABRT 134' ABRT
    trap 'xqute_struck BUS 135' BUS
    trap 'xqute_struck FPE 136' FPE
    trap 'xqute_struck USR1 138' USR1
    trap 'xqute_struck SEGV 139' SEGV
    trap 'xqute_struck USR2 140' USR2
    trap 'xqute_struck PIPE 141' PIPE
    trap 'xqute_struck ALRM 142' ALRM
    trap 'xqute_struck XCPU 152' XCPU
    trap 'xqute_struck XFSZ 153' XFSZ
    trap 'xqute_struck VTALRM 154' VTALRM
    trap 'xqute_struck PROF 155' PROF
    trap 'xqute_struck SYS 159' SYS

    echo 4 1<>'/mnt/my run/7/job.status'
    cd -- '/tmp/some where' || { echo 'xqute: the job cannot start there'; exit 1; }
    xqute_at='init of plugin hello'
    # init, from plugin hello
    eval 'echo start'
    xqute_at= xqute_rc=
    # prescript
    eval 'module load gcc
    umask 077'

    declare +x cmd="env printf '%s
    ' \"it's\""
    xqute_at='prep of plugin hello'
    # prep, from plugin hello
    eval 'cmd="nice $cmd"'
    xqute_at= xqute_rc=
    eval "$cmd" >'/mnt/my run/7/job.stdout'
    xqute_finish $?
    exit "$xqute_rc"
    "###);
}

#[test]
fn nothing_can_add_lines_to_a_script() {
    let run = run_in(SpecPath::same(Utf8Path::new("/data/run")), Settings::default());
    let render = |env: &str, shebang: Option<&str>, directive: &str| {
        let extras = JobExtras {
            env: vec![(env.to_owned(), "x".to_owned())],
            ..JobExtras::default()
        };
        let spec = JobSpec::from("true").with(extras);
        let wrapping = Wrapping {
            shebang: shebang.map(str::to_owned),
            directives: vec![directive.to_owned()],
        };
        let attempt = run.attempt(JobIndex(7), Attempt::FIRST, Arc::new(spec));
        super::render(&attempt, &run, &wrapping, &Snippets::default())
    };
    assert!(render("A_1", Some("/bin/bash -l"), "#$ -V").is_ok());
    for env in ["", "1A", "A-B", "A=B", "Ä", "A\nB"] {
        assert_eq!(render(env, None, "#"), Err(ScriptError::EnvName(env.to_owned())));
    }
    assert_eq!(
        render("cmd", None, "#"),
        Err(ScriptError::EnvReserved("cmd".to_owned()))
    );
    for directive in ["", "rm -rf /", " #", "#a\nrm", "#a\rrm"] {
        assert_eq!(
            render("A", None, directive),
            Err(ScriptError::Directive(directive.to_owned()))
        );
    }
    for shebang in ["", "bash", "/bin/bash\nrm"] {
        assert_eq!(
            render("A", Some(shebang), "#"),
            Err(ScriptError::Shebang(shebang.to_owned()))
        );
    }
}
