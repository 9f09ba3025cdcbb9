//! Jobs that an earlier xqute left.

use super::*;
use crate::adapters::process::orphan;

/// What a killed xqute leaves: processes, and nobody who knows of them.
async fn left(bench: &Bench, first: LocalScheduler, jobs: &[JobAttempt]) -> Vec<JobRef> {
    let refs = submit(&first, jobs).await;
    for (job, marked) in jobs.iter().zip(&refs) {
        fs::write(job.home.join("job.jid"), format!("{}\n", marked.id)).unwrap();
        has_started(bench, &format!("mark{}", job.job)).await;
    }
    std::mem::forget(first);
    refs
}

fn marking(bench: &Bench, index: u32, then: &str) -> String {
    format!(": >{}/mark{index}; {then}", bench.dir.path().display())
}

#[tokio::test]
async fn what_an_earlier_xqute_left_is_adopted() {
    let bench = bench();
    let jobs = [
        bench.job(0, &marking(&bench, 0, "setsid sleep 1000 & sleep 1000; :")),
        bench.job(1, &marking(&bench, 1, "sleep 1000; :")),
    ];
    let mut refs = left(&bench, bench.scheduler(), &jobs).await;
    let second = bench.scheduler();
    let mut found = second.find().await.unwrap();
    found.sort_by_key(|job| job.job);
    assert_eq!(found, refs);
    // Asked for again, and by nobody else.
    assert_eq!(second.find().await.unwrap().len(), 2);
    let (waits, cancels) = (second.wait(&refs[0]), second.cancel(&refs[..1], Cancel::Gracefully));
    let ((end, usage), _) = tokio::join!(waits, cancels);
    let signal = |number| ended(Outcome::Failed(FailureCause::Signal(number)));
    assert_eq!((end, usage), (signal(15), None));
    let other = refs.pop().unwrap();
    second.cancel(std::slice::from_ref(&other), Cancel::AtOnce).await;
    assert_eq!(second.wait(&other).await.0, signal(9));
    // What the first job left in a group of its own is not taken for it.
    assert_eq!(second.find().await.unwrap(), []);
    for left in orphan::find("XQUTE_RUN_TAG", &bench.run.tag).unwrap() {
        left.adopt().unwrap().unwrap().signal_group(Signal::KILL);
    }
}

#[tokio::test]
async fn one_that_ends_before_it_is_asked_for_is_not_lost() {
    let bench = bench();
    let go = bench.dir.path().join("go");
    let waits = format!("until [[ -e {} ]]; do sleep 0.01; done; exit 7", go.display());
    let job = bench.direct_job(0, marking(&bench, 0, &waits).as_str());
    let refs = left(&bench, bench.direct(), std::slice::from_ref(&job)).await;
    let second = bench.direct();
    assert_eq!(second.find().await.unwrap(), refs);
    fs::write(go, "").unwrap();
    while !orphan::find("XQUTE_RUN_TAG", &bench.run.tag).unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(second.wait(&refs[0]).await.0, code(7));
}

#[tokio::test]
async fn the_first_process_is_the_job_where_none_was_recorded() {
    let bench = bench();
    let mark = marking(&bench, 0, "sleep 1000");
    let job = bench.direct_job(0, format!("setsid sleep 1000 & sleep 0.1; {mark}").as_str());
    let refs = left(&bench, bench.direct(), std::slice::from_ref(&job)).await;
    fs::remove_file(job.home.join("job.jid")).unwrap();
    let second = bench.direct();
    assert_eq!(second.find().await.unwrap(), refs);
    second.cancel(&refs, Cancel::AtOnce).await;
    second.wait(&refs[0]).await;
    for left in orphan::find("XQUTE_RUN_TAG", &bench.run.tag).unwrap() {
        left.adopt().unwrap().unwrap().signal_group(Signal::KILL);
    }
}

#[tokio::test]
async fn only_what_was_adopted_is_ended_with_the_scheduler() {
    let bench = bench();
    let jobs = [0, 1].map(|index| bench.job(index, &marking(&bench, index, "sleep 1000; :")));
    let refs = left(&bench, bench.scheduler(), &jobs).await;
    let second = bench.scheduler();
    second.find().await.unwrap();
    assert!(second.job(&refs[0]).is_some());
    let groups = refs
        .iter()
        .map(|job| orphan::find("XQUTE_JOB_INDEX", &job.job.to_string()));
    let all: Vec<_> = groups
        .flat_map(Result::unwrap)
        .filter(|one| one.variable("XQUTE_RUN_TAG") == Some(bench.run.tag.as_bytes()))
        .collect();
    let [adopted, other] = [0, 1].map(|at: usize| all[at].adopt().unwrap().unwrap());
    drop(second);
    adopted.ended().await.unwrap();
    assert_eq!(bench.scheduler().find().await.unwrap(), refs[1..]);
    other.signal_group(Signal::KILL);
}
