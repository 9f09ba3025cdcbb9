//! The plugin with programs that answer as real ones did.

use super::*;
use crate::options::tests::given;
use xqute_plugin::{
    JobEvent,
    testing::{Call, Host, fact, failure, job},
};

const TAKEN: &str = include_str!("../fixtures/podman-run-taken.stderr");
const NO_BASH: &str = include_str!("../fixtures/podman-run-no-bash.stderr");
const NO_IMAGE: &str = include_str!("../fixtures/podman-no-image.stderr");
const PULL_FAILED: &str = include_str!("../fixtures/podman-pull-failed.stderr");
const TAG: &str = "0123456789abcdef";

fn podman(more: &[(&str, &str)]) -> Vec<(String, String)> {
    given(&[&[("image", "debian:12"), ("bin", "podman")], more].concat())
}

fn a_job(index: u32, options: &[(String, String)]) -> Job {
    let mut job = job(index, "true");
    job.options = options.to_vec();
    job
}

fn a_ref(index: u32) -> JobRef {
    name::read(TAG, &name::of(TAG, index, 1)).unwrap()
}

/// Answers each subcommand of podman; what is not there succeeds without a word.
fn on_podman(host: &Host, answers: &'static [(&'static str, i32, &'static str)]) {
    host.on_program("podman", move |call: &Call| {
        let line = call.args.join(" ");
        match answers.iter().find(|(start, _, _)| line.starts_with(start)) {
            Some((_, 0, text)) => Host::prints(text),
            Some((_, code, text)) => Host::fails(*code, text),
            None => Host::prints(""),
        }
    });
}

/// The first words of each call.
fn calls(host: &Host) -> Vec<String> {
    let words = |call: &Call| {
        let args = call.args.iter().take(2).map(String::as_str);
        std::iter::once(call.program.as_str())
            .chain(args)
            .collect::<Vec<_>>()
            .join(" ")
    };
    host.calls().iter().map(words).collect()
}

fn opened(host: &Host, options: &[(String, String)]) {
    Container::open(options, &run::info()).unwrap();
    assert!(Note::of(TAG).is_some());
    let _so_far = host.calls();
}

#[test]
fn what_is_good_is_asked_once() {
    let host = Host::new();
    on_podman(&host, &[("image inspect", 0, "null\n")]);
    let options = podman(&[]);
    opened(&host, &options);
    opened(&host, &options);
    let job = a_job(0, &options);
    assert_eq!(Container::submit(&[job]), [Ok("xqute-0123456789abcdef-0-1".to_owned())]);
    assert_eq!(calls(&host), ["podman image inspect", "podman run --detach"]);
}

#[test]
fn an_image_that_is_missing_is_pulled() {
    let host = Host::new();
    on_podman(&host, &[("image inspect", 125, NO_IMAGE), ("pull", 125, PULL_FAILED)]);
    let error = Container::open(&podman(&[]), &run::info()).unwrap_err();
    assert!(
        matches!(&error, Error::InvalidOptions(said) if said.starts_with("podman has no image `debian:12` and cannot pull it")),
        "{error:?}"
    );
    assert_eq!(calls(&host), ["podman image inspect", "podman pull --quiet"]);
    let error = Container::open(&podman(&[("pull", "never")]), &run::info()).unwrap_err();
    assert!(
        error.message().contains("run `podman pull debian:12` first"),
        "{error:?}"
    );
    assert_eq!(calls(&host).len(), 3);
}

#[test]
fn a_missing_program_is_named() {
    let host = Host::new();
    host.on_program("podman", |_| {
        Err(Error::Rejected("there is no program `podman` on PATH".to_owned()))
    });
    let error = Container::open(&podman(&[]), &run::info()).unwrap_err();
    assert!(
        matches!(&error, Error::InvalidOptions(said) if said.contains("no program `podman` on PATH; install it")),
        "{error:?}"
    );
}

#[test]
fn docker_runs_jobs_as_the_user() {
    let host = Host::new();
    host.on_program("docker", |_| Host::prints("null\n"));
    host.on_program("id", |call| {
        Host::prints(if call.args == ["-u"] { "1000\n" } else { "100\n" })
    });
    let options = given(&[("image", "debian:12")]);
    opened(&host, &options);
    Container::submit(&[a_job(0, &options)]);
    let calls = host.calls();
    assert!(
        calls.last().unwrap().args.contains(&"--user=1000:100".to_owned()),
        "{calls:?}"
    );
}

#[test]
fn a_container_of_this_name_is_the_job() {
    let host = Host::new();
    on_podman(
        &host,
        &[
            ("run", 125, TAKEN),
            (
                "ps",
                0,
                "xqute-0123456789abcdef-0-1|Exited (0) 5 seconds ago\nxqute-0123456789abcdef-1-1|Created\n",
            ),
        ],
    );
    let options = podman(&[]);
    opened(&host, &options);
    assert!(Container::submit(&[a_job(0, &options)])[0].is_ok());
    assert_eq!(calls(&host)[1..], ["podman run --detach", "podman ps --all"]);
    assert!(Container::submit(&[a_job(1, &options)])[0].is_ok());
    assert_eq!(calls(&host).last().unwrap(), "podman start xqute-0123456789abcdef-1-1");
    let found = Container::find(TAG).unwrap();
    assert_eq!(found, [a_ref(0)], "one that was not started is submitted again");
}

#[test]
fn what_could_not_start_leaves_nothing_behind() {
    let host = Host::new();
    on_podman(&host, &[("run", 127, NO_BASH)]);
    let options = podman(&[]);
    opened(&host, &options);
    let error = Container::submit(&[a_job(0, &options)]).remove(0).unwrap_err();
    assert!(
        matches!(&error, Error::Rejected(said) if said.contains("has no /bin/bash; job scripts need a bash")),
        "{error:?}"
    );
    assert_eq!(
        host.calls().last().unwrap().to_string(),
        "podman rm --force --ignore xqute-0123456789abcdef-0-1"
    );
}

#[test]
fn a_job_cannot_choose_another_engine() {
    let host = Host::new();
    opened_with(&host);
    let options = given(&[("image", "x"), ("bin", "docker")]);
    let error = Container::submit(&[a_job(0, &options)]).remove(0).unwrap_err();
    assert!(error.message().contains("the same for all jobs"), "{error:?}");
}

fn opened_with(host: &Host) {
    on_podman(host, &[]);
    opened(host, &podman(&[]));
}

#[test]
fn only_those_that_were_killed_are_looked_at_closely() {
    let host = Host::new();
    on_podman(
        &host,
        &[
            (
                "ps",
                0,
                "xqute-0123456789abcdef-0-1|Exited (137) now\nxqute-0123456789abcdef-1-1|Up 1 second ago\n",
            ),
            ("container inspect", 0, "xqute-0123456789abcdef-0-1|true\n"),
        ],
    );
    opened(&host, &podman(&[]));
    assert_eq!(Container::poll(&[]).unwrap(), []);
    assert_eq!(
        Container::poll(&[a_ref(0), a_ref(1)]).unwrap(),
        [Observation::Failed(FailureCause::OutOfMemory), Observation::Running]
    );
    assert_eq!(Container::poll(&[a_ref(1)]).unwrap(), [Observation::Running]);
    let expected = ["podman ps --all", "podman container inspect", "podman ps --all"];
    assert_eq!(calls(&host)[1..], expected);
}

#[test]
fn cancelled_jobs_are_stopped_and_removed_by_two_processes() {
    let host = Host::new();
    opened_with(&host);
    let stranger = JobRef {
        index: 7,
        attempt: 1,
        backend_id: "--all".to_owned(),
    };
    assert_eq!(
        Container::cancel(&[a_ref(0), stranger, a_ref(1)]),
        [Ok(()), Ok(()), Ok(())]
    );
    let lines: Vec<_> = host.calls()[1..].iter().map(ToString::to_string).collect();
    let names = "xqute-0123456789abcdef-0-1 xqute-0123456789abcdef-1-1";
    assert_eq!(
        lines,
        [
            format!("podman stop -t 5 --ignore {names}"),
            format!("podman rm --force --ignore {names}")
        ]
    );
}

#[test]
fn ended_containers_are_removed_in_batches_and_at_the_end() {
    let host = Host::new();
    on_podman(
        &host,
        &[(
            "ps",
            0,
            "xqute-0123456789abcdef-20-1|Up 1 second\nxqute-0123456789abcdef-90-1|Up 1 second\n\
             xqute-0123456789abcdef-91-1|Exited (0) now\n",
        )],
    );
    opened(&host, &podman(&[]));
    for index in 0..19 {
        Container::on_job_succeeded(&fact(index, JobEvent::Succeeded));
    }
    assert_eq!(calls(&host).len(), 1, "not one by one");
    Container::on_job_failed(&failure(20, FailureCause::ExitCode(1)), &FailureCause::ExitCode(1));
    assert_eq!(calls(&host).last().unwrap(), "podman rm --ignore");
    Container::on_shutdown(None);
    let last = host.calls().pop().unwrap();
    assert!(last.to_string().starts_with("podman rm --force --ignore"), "{last}");
    let mut names = last.args[3..].to_vec();
    names.sort();
    // 20 was not gone when its batch was removed; 90 runs, and nobody said that it is over.
    assert_eq!(names, ["xqute-0123456789abcdef-20-1", "xqute-0123456789abcdef-91-1"]);
    assert!(kv::keys("").is_empty(), "{:?}", kv::keys(""));
}

#[test]
fn what_shall_stay_stays() {
    let host = Host::new();
    on_podman(&host, &[]);
    opened(&host, &podman(&[("remove", "false")]));
    for index in 0..30 {
        Container::on_job_succeeded(&fact(index, JobEvent::Succeeded));
    }
    Container::on_shutdown(None);
    assert_eq!(calls(&host), ["podman image inspect"]);
}

#[test]
fn a_dry_run_asks_nothing() {
    let host = mounts::tests::host();
    on_podman(&host, &[]);
    let mut info = run::info();
    info.attributes = vec![("dry-run".to_owned(), "true".to_owned())];
    host.set_run(info.clone());
    let options = podman(&[("volumes", "/no/such:/x")]);
    Container::open(&options, &info).unwrap();
    assert!(Container::submit(&[a_job(0, &options)])[0].is_ok());
    assert_eq!(calls(&host), ["podman run --detach"]);
}

#[test]
fn apptainer_jobs_go_through_setsid() {
    let host = Host::new();
    for program in ["apptainer", "setsid"] {
        host.on_program(program, |_| Host::prints(""));
    }
    host.on_program("stat", |_| Host::prints("regular file:/tools.sif\n"));
    host.on_program("pgrep", |_| {
        Host::prints("7 bash -c x xqute-0123456789abcdef-0-1 /s /d\n")
    });
    host.on_program("pkill", |_| Host::fails(1, ""));
    let options = given(&[("bin", "apptainer"), ("image", "/tools.sif")]);
    opened(&host, &options);
    assert!(Container::submit(&[a_job(0, &options)])[0].is_ok());
    assert_eq!(Container::poll(&[a_ref(0)]).unwrap(), [Observation::Running]);
    assert_eq!(Container::find(TAG).unwrap(), [a_ref(0)]);
    assert_eq!(Container::cancel(&[a_ref(0)]), [Ok(())]);
    Container::on_job_succeeded(&fact(0, JobEvent::Succeeded));
    Container::on_shutdown(None);
    let expected = [
        "stat --dereference --format=%F:%n",
        "apptainer exec /tools.sif",
        "setsid --fork bash",
        "pgrep --full --list-full",
        "pgrep --full --list-full",
        "pkill --signal TERM",
    ];
    assert_eq!(calls(&host), expected);
}

/// Whether a right covers a call, as the host decides it.
fn covers(right: &str, call: &Call) -> bool {
    let mut wanted = right.split(' ');
    if wanted.next() != Some(&call.program) {
        return false;
    }
    let wanted: Vec<_> = wanted.collect();
    let (wanted, open) = match wanted.split_last() {
        Some((&"...", rest)) => (rest, true),
        _ => (&wanted[..], false),
    };
    let fits = |(want, have): (&&str, &String)| match want.split_once('*') {
        Some((start, end)) => have.starts_with(start) && have.ends_with(end),
        None => want == have,
    };
    let length = if open {
        call.args.len() >= wanted.len()
    } else {
        call.args.len() == wanted.len()
    };
    length && wanted.iter().zip(&call.args).all(fits)
}

#[test]
fn every_call_is_asked_for() {
    let rights = xqute_plugin::describe::<Container>().rights;
    let granted = |call: &Call| {
        rights
            .iter()
            .any(|right| matches!(right, Right::Run(text) if covers(text, call)))
    };
    assert!(!rights.contains(&Right::Script));
    for engine in Engine::ALL {
        let host = mounts::tests::host();
        let programs = [
            "docker",
            "podman",
            "apptainer",
            "singularity",
            "setsid",
            "id",
            "pkill",
            "stat",
            "pgrep",
        ];
        for program in programs {
            host.on_program(program, |call| match call.args.first().map(String::as_str) {
                Some("run") => Host::fails(125, TAKEN),
                Some("image") => Host::prints("null\n"),
                Some("--dereference") => Host::prints("directory:/ref\nregular file:/x\n"),
                Some("ps") => {
                    Host::prints("xqute-0123456789abcdef-0-1|Created\nxqute-0123456789abcdef-1-1|Exited (137) x\n")
                }
                _ => Host::prints(""),
            });
        }
        let options = given(&[("image", "/x"), ("bin", engine.program()), ("volumes", "REF=/ref")]);
        let options = if engine.keeps_containers() {
            [options, given(&[("pull", "always")])].concat()
        } else {
            options
        };
        opened(&host, &options);
        assert!(Container::submit(&[a_job(0, &options)])[0].is_ok());
        Container::poll(&[a_ref(1)]).unwrap();
        Container::find(TAG).unwrap();
        Container::cancel(&[a_ref(0)]);
        for index in 0..20 {
            Container::on_job_killed(&fact(index, JobEvent::Killed));
        }
        Container::on_shutdown(Some("INT"));
        for call in host.calls() {
            assert!(granted(&call), "no right covers {call}");
        }
    }
}
