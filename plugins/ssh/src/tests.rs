//! The plugin as a whole, with servers that exist only here: a few lines that understand what a program says, and share one
//! set of marks as real servers share a file system. `../tests/real.rs` has real ones.

use std::{cell::RefCell, collections::HashMap, rc::Rc, time::Duration};

use crate::Ssh;
use xqute_plugin::testing::{Call, Host, job};
use xqute_plugin::{Error, Exit, FailureCause, Job, JobRef, Observation, Output, RunInfo, Scheduler, run};

/// How a server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Up,
    /// Nobody listens.
    Away,
    /// Its answers are lost, but what it is told is done.
    Mute,
    /// It does not accept the key.
    Refuses,
    /// It does not share the workdir.
    Alone,
}

#[derive(Default)]
struct World {
    modes: HashMap<String, Mode>,
    /// What `job.ssh.ATTEMPT` holds, by index and attempt.
    marks: HashMap<(String, String), String>,
    /// What `job.rc` holds, by index.
    codes: HashMap<String, String>,
    /// How many processes were ever started, which is the next one's number as well.
    started: u32,
}

struct Bench {
    host: Host,
    world: Rc<RefCell<World>>,
}

impl Bench {
    fn new(options: &[(&str, &str)]) -> Self {
        let (host, world) = (Host::new(), Rc::new(RefCell::new(World::default())));
        for (name, value) in options {
            host.option(name, value);
        }
        host.on_program("pwd", |_| Host::prints("/data\n"));
        let seen = Rc::clone(&world);
        host.on_program("ssh", move |call| seen.borrow_mut().ssh(call));
        Self { host, world }
    }

    fn is(&self, server: &str, mode: Mode) {
        self.world.borrow_mut().modes.insert(server.to_owned(), mode);
    }

    fn open() -> Result<(), Error> {
        Ssh::open(&run::options(), &run::info())
    }

    /// A job with the options of the run, as the host hands it over.
    fn jobs(count: u32) -> Vec<Job> {
        let with_options = |index| Job {
            options: run::options(),
            ..job(index, "true")
        };
        (0..count).map(with_options).collect()
    }

    fn submit(count: u32) -> Vec<String> {
        Ssh::submit(&Self::jobs(count))
            .into_iter()
            .map(Result::unwrap)
            .collect()
    }

    /// The calls of `ssh`, by the server that they went to.
    fn called(&self) -> Vec<String> {
        let calls = self.host.calls();
        let calls = calls.iter().filter(|call| call.program == "ssh");
        calls.map(|call| call.args[call.args.len() - 2].clone()).collect()
    }
}

impl World {
    fn ssh(&mut self, call: &Call) -> Result<Output, Error> {
        let server = call.args[call.args.len() - 2].clone();
        let said = |code, stdout: String, stderr: &str| {
            Ok(Output {
                exit: Exit::Code(code),
                stdout: stdout.into(),
                stderr: stderr.into(),
            })
        };
        match self.modes.get(&server).copied().unwrap_or(Mode::Up) {
            Mode::Up => said(0, self.does(&server, call), ""),
            Mode::Away => said(
                255,
                String::new(),
                include_str!("../fixtures/connection-refused.stderr"),
            ),
            Mode::Mute => {
                self.does(&server, call);
                said(255, String::new(), "")
            }
            Mode::Refuses => said(255, String::new(), include_str!("../fixtures/key-refused.stderr")),
            Mode::Alone => said(0, "xqute: unfit it sees nothing\n".to_owned(), ""),
        }
    }

    fn does(&mut self, server: &str, call: &Call) -> String {
        let program = String::from_utf8(call.stdin.clone()).unwrap();
        let mut said = String::from("Welcome!\nxqute: hello 0a1b2c3d 0 4 1\n");
        for line in program.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["start", index, attempt, ..] => said += &self.starts(server, index, attempt),
                ["check", index, ..] => said += &format!("xqute: runs {index}\n"),
                ["ended", index] => {
                    if let Some(code) = self.codes.get(*index) {
                        said += &format!("xqute: ended {index} {code}\n");
                    }
                }
                ["find_marked"] => {
                    for ((index, attempt), mark) in &self.marks {
                        said += &format!("xqute: found {index} {attempt} {mark}\n");
                    }
                }
                ["say", "'done'"] => said += "xqute: done\n",
                _ => {}
            }
        }
        said
    }

    fn starts(&mut self, server: &str, index: &str, attempt: &str) -> String {
        let key = (index.to_owned(), attempt.to_owned());
        if let Some(mark) = self.marks.get(&key) {
            return format!("xqute: known {index} {mark}\n");
        }
        self.started += 1;
        let pid = self.started + 100;
        self.marks.insert(key, format!("{server} {pid} 7 0a1b2c3d"));
        format!("xqute: started {index} {pid} 7\n")
    }
}

fn refs(ids: &[String]) -> Vec<JobRef> {
    let with_index = |(index, id): (usize, &String)| JobRef {
        index: u32::try_from(index).unwrap(),
        attempt: 1,
        backend_id: id.clone(),
    };
    ids.iter().enumerate().map(with_index).collect()
}

fn on(ids: &[String], server: &str) -> usize {
    ids.iter().filter(|id| id.starts_with(&format!("{server}/"))).count()
}

const TWO: [(&str, &str); 1] = [("servers", "n1,n2")];

#[test]
fn a_batch_is_one_call_for_each_server() {
    let bench = Bench::new(&[("server", "n1,slots=1"), ("server", "n2,slots=3")]);
    Bench::open().unwrap();
    let asked = bench.called().len();
    let ids = Bench::submit(8);
    assert_eq!((on(&ids, "n1"), on(&ids, "n2")), (2, 6));
    assert_eq!(bench.called()[asked..], ["n1", "n2"]);
    assert_eq!(Ssh::poll(&refs(&ids)).unwrap(), vec![Observation::Running; 8]);
    assert_eq!(bench.called()[asked + 2..], ["n1", "n2"]);
    assert!(Ssh::cancel(&refs(&ids)).iter().all(Result::is_ok));
    assert_eq!(bench.called()[asked + 4..], ["n1", "n2"]);
}

#[test]
fn servers_are_looked_at_once_before_the_first_job() {
    let bench = Bench::new(&TWO);
    bench.is("n2", Mode::Refuses);
    Bench::open().unwrap();
    Bench::open().unwrap();
    assert_eq!(bench.called(), ["n1", "n2"]);
    let log = bench.host.log_text();
    assert_eq!(
        log.matches("server n2 cannot be used: alice@127.0.0.1: Permission denied")
            .count(),
        1,
        "{log}"
    );
    assert_eq!(on(&Bench::submit(4), "n1"), 4);
}

#[test]
fn without_any_server_nothing_begins() {
    let bench = Bench::new(&TWO);
    bench.is("n1", Mode::Away);
    bench.is("n2", Mode::Refuses);
    let error = Bench::open().unwrap_err();
    assert!(matches!(error, Error::InvalidOptions(_)), "{error:?}");
    let said = error.message().into_owned();
    assert!(
        said.contains("n1: connect to host") && said.contains("n2: alice@"),
        "{said}"
    );

    let bench = Bench::new(&TWO);
    bench.is("n1", Mode::Away);
    bench.is("n2", Mode::Away);
    assert!(matches!(Bench::open(), Err(Error::Unavailable(_))), "time may help");
}

#[test]
fn a_dead_server_is_taken_out_and_in_again() {
    let bench = Bench::new(&TWO);
    Bench::open().unwrap();
    bench.is("n1", Mode::Away);
    assert_eq!(on(&Bench::submit(6), "n2"), 6, "the other one gets its jobs at once");
    let before = bench.called().len();
    Bench::submit(6);
    assert_eq!(bench.called()[before..], ["n2"], "it is not asked again at once");
    assert_eq!(bench.host.log_text().matches("server n1 cannot be used").count(), 1);

    bench.is("n1", Mode::Up);
    bench.host.advance(Duration::from_secs(2));
    let jobs: Vec<Job> = Bench::jobs(20).split_off(10);
    let ids: Vec<String> = Ssh::submit(&jobs).into_iter().map(Result::unwrap).collect();
    assert!(on(&ids, "n1") >= 5, "{ids:?}");
    assert!(bench.host.log_text().contains("server n1 answers again"));
}

#[test]
fn an_attempt_is_started_once_though_the_answer_was_lost() {
    let bench = Bench::new(&TWO);
    Bench::open().unwrap();
    bench.is("n1", Mode::Mute);
    let ids = Bench::submit(6);
    assert_eq!(
        (on(&ids, "n1"), on(&ids, "n2")),
        (3, 3),
        "what n1 started is n1's, though n2 said so"
    );
    assert_eq!(bench.world.borrow().started, 6);
    assert_eq!(Bench::submit(6), ids, "and so it stays");
    let mut found = Ssh::find("0123456789abcdef").unwrap();
    found.sort_by_key(|found| found.index);
    assert_eq!(found, refs(&ids));
}

#[test]
fn when_nobody_answers_jobs_wait() {
    let bench = Bench::new(&TWO);
    Bench::open().unwrap();
    bench.is("n1", Mode::Away);
    bench.is("n2", Mode::Away);
    let results = Ssh::submit(&Bench::jobs(2));
    assert!(
        results
            .iter()
            .all(|result| matches!(result, Err(Error::Unavailable(_)))),
        "{results:?}"
    );
    bench.is("n2", Mode::Up);
    bench.host.advance(Duration::from_secs(2));
    assert_eq!(on(&Bench::submit(2), "n2"), 2);
}

#[test]
fn a_workdir_that_no_server_sees_fails_jobs() {
    let bench = Bench::new(&TWO);
    Bench::open().unwrap();
    bench.is("n1", Mode::Alone);
    assert_eq!(on(&Bench::submit(2), "n2"), 2, "another server sees it");
    bench.is("n2", Mode::Alone);
    bench.host.advance(Duration::from_secs(60));
    let mut jobs = Bench::jobs(1);
    jobs[0].index = 9;
    let results = Ssh::submit(&jobs);
    let [Err(Error::Rejected(said))] = results.as_slice() else {
        panic!("{results:?}")
    };
    assert_eq!(said, "no server can be used. n1: it sees nothing. n2: it sees nothing");
}

#[test]
fn a_workdir_that_the_only_server_does_not_see_fails_jobs_at_once() {
    let bench = Bench::new(&[("server", "n1")]);
    Bench::open().unwrap();
    bench.is("n1", Mode::Alone);
    let results = Ssh::submit(&Bench::jobs(1));
    assert!(matches!(results.as_slice(), [Err(Error::Rejected(_))]), "{results:?}");
}

#[test]
fn jobs_of_a_dead_server_are_judged_by_their_files_and_not_lost() {
    let bench = Bench::new(&[("server", "n1"), ("server", "n2,slots=1"), ("dead-after", "600")]);
    Bench::open().unwrap();
    let ids = Bench::submit(4);
    assert_eq!(on(&ids, "n1"), 4);
    bench.is("n1", Mode::Away);
    for _ in 0..100 {
        assert_eq!(Ssh::poll(&refs(&ids)).unwrap(), vec![Observation::Running; 4]);
        bench.host.advance(Duration::from_secs(1));
    }
    for (index, code) in [("1", "0"), ("2", "3")] {
        bench.world.borrow_mut().codes.insert(index.to_owned(), code.to_owned());
    }
    let mut expected = vec![Observation::Running; 4];
    expected[1] = Observation::Succeeded;
    expected[2] = Observation::Failed(FailureCause::ExitCode(3));
    assert_eq!(Ssh::poll(&refs(&ids)).unwrap(), expected);

    bench.host.advance(Duration::from_secs(600));
    (expected[0], expected[3]) = (Observation::Unknown, Observation::Unknown);
    assert_eq!(
        Ssh::poll(&refs(&ids)).unwrap(),
        expected,
        "they are given up in the end"
    );
    bench.is("n1", Mode::Up);
    bench.host.advance(Duration::from_secs(60));
    assert_eq!(Ssh::poll(&refs(&ids)).unwrap()[0], Observation::Running);
}

#[test]
fn when_nobody_answers_nothing_is_said_about_jobs() {
    let bench = Bench::new(&[("server", "n1"), ("dead-after", "600")]);
    Bench::open().unwrap();
    let ids = Bench::submit(1);
    bench.is("n1", Mode::Away);
    for _ in 0..100 {
        let answer = Ssh::poll(&refs(&ids));
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
        bench.host.advance(Duration::from_secs(1));
    }
    bench.host.advance(Duration::from_secs(600));
    assert_eq!(Ssh::poll(&refs(&ids)), Ok(vec![Observation::Unknown]), "not for ever");
}

#[test]
fn jobs_on_a_server_that_is_not_given_any_more_are_not_lost() {
    let bench = Bench::new(&[("server", "n1")]);
    Bench::open().unwrap();
    let ids = ["n9/17/3/0a1b2c3d".to_owned()];
    for _ in 0..100 {
        assert_eq!(Ssh::poll(&refs(&ids)).unwrap(), [Observation::Running]);
        bench.host.advance(Duration::from_secs(1));
    }
    assert_eq!(bench.host.log_text().matches("--opt server=n9").count(), 1);
    let answer = Ssh::cancel(&refs(&ids));
    assert!(matches!(answer.as_slice(), [Err(Error::Rejected(_))]), "{answer:?}");
    bench.world.borrow_mut().codes.insert("0".to_owned(), "0".to_owned());
    assert_eq!(Ssh::poll(&refs(&ids)).unwrap(), [Observation::Succeeded]);
}

#[test]
fn what_was_never_here_is_unknown_and_can_be_cancelled() {
    let bench = Bench::new(&[("server", "n1")]);
    Bench::open().unwrap();
    let before = bench.called().len();
    let ids = ["17".to_owned(), "dry-run".to_owned()];
    assert_eq!(Ssh::poll(&refs(&ids)).unwrap(), vec![Observation::Unknown; 2]);
    assert_eq!(Ssh::cancel(&refs(&ids)), [Ok(()), Ok(())]);
    assert_eq!(Ssh::poll(&[]).unwrap(), []);
    assert_eq!(bench.called().len(), before);
    assert_ne!(Observation::Unknown, Observation::Failed(FailureCause::Lost));
}

#[test]
fn a_job_may_choose_its_server() {
    let _bench = Bench::new(&[("server", "n1,slots=64"), ("server", "n2,slots=1")]);
    Bench::open().unwrap();
    let mut jobs = Bench::jobs(3);
    for job in &mut jobs[..2] {
        job.options = vec![("server".to_owned(), "n2".to_owned())];
    }
    jobs[2].options = vec![("server".to_owned(), "n7".to_owned())];
    let results = Ssh::submit(&jobs);
    assert!(
        matches!(&results[..2], [Ok(one), Ok(two)] if one.starts_with("n2/") && two.starts_with("n2/")),
        "{results:?}"
    );
    assert!(matches!(&results[2], Err(Error::InvalidOptions(_))), "{results:?}");
}

#[test]
fn a_dry_run_shows_the_calls_and_believes_nothing() {
    let bench = Bench::new(&TWO);
    bench.host.on_program("ssh", |_| Host::prints(""));
    bench.host.set_run(RunInfo {
        attributes: vec![("dry-run".to_owned(), "true".to_owned())],
        ..run::info()
    });
    Bench::open().unwrap();
    assert_eq!(bench.host.calls().len(), 0, "nothing more than what would run");
    assert_eq!(Bench::submit(4), vec!["dry-run"; 4]);
    assert_eq!(bench.called(), ["n1", "n2"]);
    assert_eq!(bench.host.log(), []);
}
