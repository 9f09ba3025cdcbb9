//! What `xqute status` shows, on made-up jobs.

use std::sync::LazyLock;

use xqute::{
    Attempt, CancelReason, Command, FailureCause, JobIndex, JobSpec,
    model::{
        job::JobExtras,
        path::Location,
        record::{Origin, Usage},
    },
};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp(1_700_000_000_000_000 + seconds * 1_000_000)
}

fn row(index: u32, state: State, outcome: Option<Outcome>) -> JobRow {
    JobRow {
        index: JobIndex(index),
        spec: JobSpec::from("echo \u{1b}[31mred\necho"),
        origin: Origin::Given,
        state,
        attempt: Attempt::new(2),
        id: Some("4711".into()),
        ended: outcome.as_ref().map(|_| at(90)),
        outcome,
        fed: at(0),
        started: Some(at(5)),
        usage: None,
    }
}

fn head(life: Life, tally: Tally) -> Head<'static> {
    static AT: LazyLock<Whereabouts> = LazyLock::new(|| Whereabouts {
        workdir: Location::Local("/nowhere".into()),
        home: "/nowhere".into(),
    });
    Head {
        run: RunRow {
            tag: "0123456789abcdef".into(),
            workdir: "/work".into(),
            scheduler: "local".into(),
            started: at(0),
        },
        at: &AT,
        life,
        tally,
        now: at(60),
    }
}

fn shown(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).unwrap();
    anstream::adapter::strip_str(std::str::from_utf8(&bytes).unwrap()).to_string()
}

#[test]
fn a_run_is_live_or_over_or_dead() {
    let tally = Tally {
        waiting: 1,
        ..Tally::default()
    };
    let owner = Owner { pid: Some(7) };
    assert_eq!(Life::new(Some(owner), &tally), Life::Live(Some(7)));
    assert_eq!(Life::new(None, &tally), Life::Dead);
    assert_eq!(Life::new(None, &Tally::default()), Life::Over);
}

#[test]
fn the_head_counts_jobs() {
    let tally = Tally {
        waiting: 3,
        running: 1,
        cancelled: 2,
        ..Tally::default()
    };
    insta::assert_snapshot!(shown(|to| table::head(&head(Life::Live(Some(7)), tally), to)), @"
    run 0123456789abcdef in /nowhere
    scheduler local, since 2023-11-14T22:13:20.000Z, live, process 7
    6 jobs: 3 queued, 1 running, 2 cancelled
    ");
    insta::assert_snapshot!(shown(|to| table::head(&head(Life::Over, Tally::default()), to)), @"
    run 0123456789abcdef in /nowhere
    scheduler local, since 2023-11-14T22:13:20.000Z, over
    no jobs so far
    ");
}

#[test]
fn a_job_cannot_steer_the_terminal() {
    let mut failed = row(
        12,
        State::Failed,
        Some(Outcome::Failed(FailureCause::Other("\u{7}\nbell".into()))),
    );
    failed.spec = failed.spec.with(JobExtras {
        name: Some("pack".into()),
        ..JobExtras::default()
    });
    let text = shown(|to| {
        table::titles(to)?;
        table::job(&row(3, State::Running, None), ShownState::Running, at(60), to)?;
        table::job(&failed, ShownState::Failed, at(60), to)
    });
    insta::assert_snapshot!(text, @r"
        JOB  STATE      TRY      TIME  COMMAND
          3  running      2    55.0 s  echo \u{1b}[31mred\necho
         12  failed       2    85.0 s  pack: echo \u{1b}[31mred\necho
             \u{7}\nbell
    ");
}

#[test]
fn the_object_is_json_with_any_number_of_jobs() {
    let mut odd = row(4, State::Failed, Some(Outcome::Cancelled(CancelReason::Requested)));
    odd.spec = JobSpec::new(Command::argv([b"x".to_vec(), vec![255]]));
    odd.usage = Some(Usage {
        user: std::time::Duration::from_millis(1500),
        system: std::time::Duration::ZERO,
        peak_memory: 4096,
    });
    let jobs = [row(3, State::Running, None), odd];
    for count in 0..=2 {
        let text = shown(|to| {
            json::begin(&head(Life::Dead, Tally::default()), to)?;
            for (at, job) in jobs.iter().take(count).enumerate() {
                json::job(job, shown_state("/nowhere".into(), job), at == 0, to)?;
            }
            json::end(to)
        });
        let object: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(object["jobs"].as_array().unwrap().len(), count);
        assert_eq!(object["run"]["life"], "dead");
        if count == 2 {
            insta::assert_snapshot!(text, @r#"
            {"xqute":1,"run":{"home":"/nowhere","life":"dead","pid":null,"scheduler":"local","started":"2023-11-14T22:13:20.000Z","tag":"0123456789abcdef","workdir":"/nowhere"},"counts":{"cancelled":0,"failed":0,"finished":0,"queued":0,"running":0,"submitted":0},"jobs":[
            {"attempt":2,"cmd":"echo \u001b[31mred\necho","ended":null,"fed":"2023-11-14T22:13:20.000Z","id":"4711","index":3,"name":null,"outcome":null,"started":"2023-11-14T22:13:25.000Z","state":"running","usage":null,"why":null},
            {"attempt":2,"cmd":["x",[255]],"ended":"2023-11-14T22:14:50.000Z","fed":"2023-11-14T22:13:20.000Z","id":"4711","index":4,"name":null,"outcome":{"cancelled":"requested"},"started":"2023-11-14T22:13:25.000Z","state":"cancelled","usage":{"peak_memory":4096,"system_ms":0,"user_ms":1500},"why":"cancelled on request"}
            ]}
            "#);
        }
    }
}

#[test]
fn cancelled_is_not_failed() {
    let cancelled = row(1, State::Failed, Some(Outcome::Cancelled(CancelReason::Requested)));
    assert_eq!(shown_state("/nowhere".into(), &cancelled), ShownState::Cancelled);
    for shown_state in [ShownState::Failed, ShownState::Cancelled] {
        assert_eq!(recorded(shown_state), Some(State::Failed));
    }
}
