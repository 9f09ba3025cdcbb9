//! The library's face, as another program would use it.

use std::num::NonZeroU32;

use xqute::{ErrorStrategy, JobExtras, JobIndex, JobSpec, Predecessor, Settings, StopCause, Xqute};
use xqute_tests::{Scratch, wait_for};

fn builder(scratch: &Scratch, settings: Settings) -> xqute::Builder {
    let workdir = scratch.path(".xqute").into_os_string().into_string().unwrap();
    Xqute::builder().settings(settings).workdir(workdir)
}

#[tokio::test]
async fn jobs_are_fed_and_run() {
    let scratch = Scratch::new();
    let xqute = builder(&scratch, Settings::default()).build().await.unwrap();
    assert_eq!(xqute.feed("echo a | tr a b").unwrap().0, 0);
    assert_eq!(xqute.feed(["printf", "%s", "$HOME"]).unwrap().0, 1);
    let summary = xqute.run_until_complete().await;
    assert!(summary.succeeded());
    assert_eq!(summary.counts.succeeded, 2);
    assert_eq!(scratch.job(0).ended(0).stdout(), "b\n");
    assert_eq!(scratch.job(1).ended(0).stdout(), "$HOME");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_may_start_empty_and_be_fed_while_it_goes() {
    let scratch = Scratch::new();
    let run = builder(&scratch, Settings::default())
        .build()
        .await
        .unwrap()
        .keep_feeding();
    for index in 0..3 {
        assert_eq!(run.feed("true").unwrap().0, index);
        // Each is over before the next one is fed: the run goes on although nothing is left to do.
        run.progress()
            .wait_for(|counts| counts.succeeded == u64::from(index) + 1)
            .await
            .unwrap();
    }
    let summary = run.stop_feeding().await.unwrap();
    assert_eq!(summary.counts.succeeded, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_holds_any_more_ends_with_its_jobs() {
    let scratch = Scratch::new();
    let run = builder(&scratch, Settings::default())
        .build()
        .await
        .unwrap()
        .keep_feeding();
    run.feed("true").unwrap();
    let mut progress = run.progress();
    drop(run);
    while progress.changed().await.is_ok() {}
    assert_eq!(progress.borrow().succeeded, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn halt_acts_at_once_while_feeding_is_open() {
    let scratch = Scratch::new();
    let settings = Settings {
        error_strategy: ErrorStrategy::Halt,
        forks: NonZeroU32::new(2).unwrap(),
        ..Settings::default()
    };
    let run = builder(&scratch, settings).build().await.unwrap().keep_feeding();
    run.feed("sleep 600").unwrap();
    run.feed("exit 3").unwrap();
    run.progress().wait_for(|counts| counts.done() == 2).await.unwrap();
    let summary = run.stop_feeding().await.unwrap();
    assert_eq!(summary.stopped, Some(StopCause::Halted));
    assert_eq!((summary.counts.failed, summary.counts.cancelled), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_job_of_a_run_can_be_cancelled() {
    let scratch = Scratch::new();
    let run = builder(&scratch, Settings::default())
        .build()
        .await
        .unwrap()
        .keep_feeding();
    let job = run.feed("touch \"$XQUTE_METADIR/ready\"; sleep 600").unwrap();
    wait_for("the job runs", || scratch.has(".xqute/ready").then_some(()));
    run.stopper().cancel(job);
    run.feed("true").unwrap();
    let summary = run.stop_feeding().await.unwrap();
    assert_eq!((summary.counts.cancelled, summary.counts.succeeded), (1, 1));
    assert!(summary.failures.is_empty(), "what one asked for is no failure");
}

#[tokio::test]
async fn jobs_that_cannot_be_run_are_not_taken() {
    let scratch = Scratch::new();
    let xqute = builder(&scratch, Settings::default()).build().await.unwrap();
    assert!(xqute.feed("").is_err());
    assert!(xqute.feed(["printf", "a\0b"]).is_err());
    assert!(xqute.feed(Vec::<String>::new()).is_err());
    assert_eq!(xqute.run_until_complete().await.counts.fed, 0);
}

#[tokio::test]
async fn a_failure_says_which_job_and_why() {
    let scratch = Scratch::new();
    let xqute = builder(&scratch, Settings::default()).build().await.unwrap();
    xqute.feed("echo oh dear >&2; exit 7").unwrap();
    let summary = xqute.run_until_complete().await;
    assert!(!summary.succeeded());
    let failed = summary.failures.first().unwrap();
    assert_eq!(failed.outcome, xqute::Outcome::Failed(xqute::FailureCause::ExitCode(7)));
    assert_eq!(failed.stderr_tail.trim(), "oh dear");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_are_fed_together_may_come_after_each_other() {
    let scratch = Scratch::new();
    let run = builder(&scratch, Settings::default())
        .build()
        .await
        .unwrap()
        .keep_feeding();
    let job = |name: &str, after: Vec<Predecessor>| {
        JobSpec::from("echo $XQUTE_JOB_INDEX >> \"$XQUTE_METADIR/order\"").with(JobExtras {
            name: Some(name.to_owned()),
            after,
            ..JobExtras::default()
        })
    };
    let named = |name: &str| Predecessor::Name(name.to_owned());
    let first = run.feed(job("first", vec![])).unwrap();
    let bad = vec![job("x", vec![]), job("y", vec![named("nobody")])];
    let error = run.feed_all(bad).unwrap_err().to_string();
    assert!(
        error.starts_with("job 1, `echo") && error.contains("`nobody`"),
        "{error}"
    );
    let jobs = vec![
        job("last", vec![named("middle"), Predecessor::Index(first)]),
        job("middle", vec![named("first")]),
    ];
    assert_eq!(run.feed_all(jobs).unwrap(), [JobIndex(1), JobIndex(2)]);
    assert!(run.stop_feeding().await.unwrap().succeeded());
    assert_eq!(scratch.read(".xqute/order"), "0\n2\n1\n");
}
