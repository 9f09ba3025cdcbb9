//! Whole pages, made of rows that no run would give, or one on a bad day.

use std::time::Duration;

use xqute::{
    Attempt, CancelReason, Command, FailureCause, JobExtras, JobIndex, JobSpec, Outcome, StopCause,
    adapters::state::row::{AttemptRow, JobRow},
    model::{
        record::{Origin, Timestamp, Usage},
        state::State,
    },
};

use super::{Gather, Head, gather::Facts, page};

const START: i64 = 1_772_366_400_000_000;

fn head() -> Head {
    Head {
        tag: "90d3f2a15c7be846".into(),
        scheduler: "local".into(),
        workdir: "/data/runs/2026-03-01".into(),
        prefix: "local".into(),
        started: Timestamp(START),
        over: Timestamp(START),
        stopped: None,
    }
}

fn row(index: u32, spec: impl Into<JobSpec>) -> JobRow {
    JobRow {
        index: JobIndex(index),
        spec: spec.into(),
        origin: Origin::Given,
        state: State::Queued,
        attempt: Attempt::FIRST,
        id: None,
        outcome: None,
        fed: Timestamp(START),
        started: None,
        ended: None,
        usage: None,
    }
}

/// A job that ran from one time to another, in microseconds since the start.
fn ran(index: u32, from: i64, to: i64, outcome: Outcome) -> JobRow {
    JobRow {
        state: outcome.state(),
        outcome: Some(outcome),
        started: Some(Timestamp(START + from)),
        ended: Some(Timestamp(START + to)),
        ..row(index, "true")
    }
}

fn failed(cause: FailureCause) -> Outcome {
    Outcome::Failed(cause)
}

fn gathered(head: Head, rows: &[JobRow]) -> Gather {
    let mut gather = Gather::new(head);
    for row in rows {
        gather.add(row, &[]);
    }
    gather
}

fn facts(rows: &[JobRow]) -> Facts {
    gathered(head(), rows).finish()
}

fn shown(rows: &[JobRow]) -> String {
    page(gathered(head(), rows), &|_| String::new())
}

const NASTY: &str = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"`&\u{2028}\u{2029}\u{1b}[31m\u{1b}]0;t\u{7}\u{0}\
                     {{script}}\u{202e}--><!--";

#[test]
fn nothing_that_comes_from_a_job_acts_on_the_page() {
    let extras = JobExtras {
        name: Some(NASTY.into()),
        ..JobExtras::default()
    };
    let spec = JobSpec::new(Command::argv([NASTY.as_bytes(), b"\xff\xfe"])).with(extras);
    let vetoed = CancelReason::Vetoed {
        plugin: NASTY.into(),
        reason: NASTY.into(),
    };
    let outcomes = [
        failed(FailureCause::Other(NASTY.into())),
        failed(FailureCause::SubmissionFailed(NASTY.into())),
        Outcome::Cancelled(vetoed),
        Outcome::Succeeded,
    ];
    let usage = Some(Usage {
        user: Duration::MAX,
        system: Duration::MAX,
        peak_memory: u64::MAX,
    });
    let rows = outcomes.into_iter().zip(0..).map(|(outcome, index)| JobRow {
        spec: spec.clone(),
        usage,
        ..ran(index, 0, 5, outcome)
    });
    let head = Head {
        tag: NASTY.into(),
        scheduler: NASTY.into(),
        workdir: NASTY.into(),
        prefix: NASTY.into(),
        ..head()
    };
    let gather = gathered(head, &rows.collect::<Vec<_>>());
    let page = page(gather, &|_| NASTY.into());
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<img") && !page.contains("--><!--"));
    assert!(!page.contains(['\u{1b}', '\u{7}', '\u{0}', '\u{202e}', '\u{2028}', '\u{2029}']));
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert(1)"));
    // What looks like one of the template's places was not filled in.
    assert!(page.contains("{{script}}"));
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let page = shown(&[ran(0, 0, 5, Outcome::Succeeded)]);
    for reference in ["http:", "https:", "src=", "href=", "url(", "@import", "fetch("] {
        assert!(!page.contains(reference), "{reference}");
    }
    assert!(page.starts_with(super::MARK));
}

#[test]
fn every_kind_of_run_has_its_words() {
    let verdict = |stopped, rows: &[JobRow]| {
        let page = page(gathered(Head { stopped, ..head() }, rows), &|_| String::new());
        let (_, rest) = page.split_once("<h1>").unwrap();
        let (title, rest) = rest.split_once("</h1><p class=\"verdict\">").unwrap();
        format!("{title}: {}", rest.split_once("</p>").unwrap().0)
    };
    let good = |index| ran(index, 0, 5, Outcome::Succeeded);
    let bad = |index| ran(index, 0, 5, failed(FailureCause::ExitCode(1)));
    let shown = [
        verdict(None, &[]),
        verdict(None, &[good(0)]),
        verdict(None, &[bad(0)]),
        verdict(None, &[good(0), good(1)]),
        verdict(Some(StopCause::Halted), &[good(0), bad(1), row(2, "x")]),
        verdict(Some(StopCause::Signal(15)), &[row(0, "x"), row(1, "x")]),
    ];
    insta::assert_snapshot!(shown.join("\n"), @"
    0 jobs on local: Nothing was run.
    1 job on local: It succeeded.
    1 job on local: It did not succeed.
    2 jobs on local: All of them succeeded.
    3 jobs on local: Halted after the first failure. 2 of them did not succeed.
    2 jobs on local: Stopped by SIGTERM. None of them succeeded.
    ");
}

#[test]
fn runs_without_anything_to_draw_have_no_drawings() {
    let page = shown(&[row(0, "x"), row(1, "y")]);
    assert!(!page.contains("<svg") && !page.contains("Slowest"));
    assert!(page.contains("left as queued"));
    assert!(!shown(&[]).contains("<section"));
}

#[test]
fn clocks_may_jump() {
    let jumps = [(5, -5), (i64::MIN / 4, 7), (0, i64::MAX / 4), (3, 3)];
    let rows: Vec<_> = jumps
        .into_iter()
        .zip(0..)
        .map(|((from, to), index)| ran(index, from, to, Outcome::Succeeded))
        .collect();
    let facts = facts(&rows);
    assert!(facts.spans.iter().all(|span| span.start <= span.end));
    let page = shown(&rows);
    let (_, drawn) = page.split_once("<main>").unwrap();
    let (drawn, _) = drawn.split_once("\"use strict\"").unwrap();
    assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
}

#[test]
fn jobs_are_counted_by_the_way_they_ended() {
    let mut rows = Vec::new();
    for index in 0..100 {
        rows.push(ran(index, 0, 5, Outcome::Succeeded));
    }
    for code in 0..200 {
        rows.push(ran(100 + code, 0, 5, failed(FailureCause::ExitCode(1 + code as i32))));
    }
    rows.push(ran(300, 0, 5, failed(FailureCause::Other("a".into()))));
    rows.push(ran(301, 0, 5, failed(FailureCause::Other("b".into()))));
    rows.push(ran(302, 0, 5, Outcome::Cancelled(CancelReason::Halted)));
    let facts = facts(&rows);
    assert_eq!(
        (facts.tally.jobs, facts.tally.succeeded, facts.tally.failed),
        (303, 100, 202)
    );
    assert_eq!(facts.causes[0].2, 100);
    assert_eq!(facts.causes.iter().map(|(_, _, number)| number).sum::<u64>(), 303);
    assert!(facts.causes.len() < 70);
    let first: Vec<_> = facts.failed.iter().map(|job| job.job).collect();
    assert_eq!(first, (100..200).collect::<Vec<_>>());
}

#[test]
fn attempts_of_a_job_are_summed_and_each_is_drawn() {
    let usage = |millis, peak_memory| {
        Some(Usage {
            user: Duration::from_millis(millis),
            system: Duration::from_millis(1),
            peak_memory,
        })
    };
    let job = JobRow {
        attempt: Attempt::new(3),
        usage: usage(5, 10),
        ..ran(7, 50, 60, Outcome::Succeeded)
    };
    let earlier = |attempt, started, ended, usage| AttemptRow {
        attempt: Attempt::new(attempt),
        outcome: failed(FailureCause::ExitCode(1)),
        started,
        ended: Timestamp(START + ended),
        usage,
    };
    let mut gather = Gather::new(head());
    let started = Some(Timestamp(START));
    gather.add(
        &job,
        &[earlier(1, started, 20, usage(7, 99)), earlier(2, None, 40, None)],
    );
    let facts = gather.finish();
    assert_eq!(facts.spans.len(), 2);
    assert_eq!((facts.tally.jobs, facts.tally.retries), (1, 2));
    let job = &facts.slowest[0];
    assert_eq!((job.wall, job.attempts), (30, 3));
    let used = job.used.unwrap();
    assert_eq!((used.user, used.system, used.memory), (12_000, 2_000, 99));
    assert_eq!(facts.used, used);
}

#[test]
fn many_jobs_make_a_page_that_can_still_be_sent_around() {
    let long = "x".repeat(5_000);
    let mut gather = Gather::new(head());
    for index in 0..200_000_u32 {
        let at = i64::from(index) * 100;
        let outcome = match index % 50 {
            0 => failed(FailureCause::ExitCode(1)),
            _ => Outcome::Succeeded,
        };
        let job = ran(index, at, at + 10_000 + i64::from(index % 977) * 10, outcome);
        gather.add(
            &JobRow {
                spec: long.as_str().into(),
                ..job
            },
            &[],
        );
    }
    let page = page(gather, &|_| "y".repeat(5_000));
    assert!(page.len() < 6_000_000, "{} bytes", page.len());
    assert!(page.contains("more are not shown here"));
}
