//! Carries a question about attempts out: one `squeue`, and where it leaves something open, whoever else knows. What the
//! answers mean is in `poll`, `state`, `accounting`, `memory` and `waiting`.

use std::collections::{BTreeMap, HashMap};

use xqute_plugin::prelude::*;

use crate::id::Id;
use crate::notes::{self, Adopted, Fact};
use crate::poll::Table;
use crate::state::Seen;
use crate::{accounting, memory, poll, waiting};

pub(crate) fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let run = run::info().tag;
    let output = process::run("squeue", poll::argv(jobs))?;
    poll::check(&output)?;
    let stdout = output.stdout_text();
    let table = poll::read(&stdout);
    let mut observations: Vec<Observation> = jobs.iter().map(|job| listed(job, &table, &run)).collect();
    ask_accounting(jobs, &mut observations, &run);
    judge_missing_tasks(jobs, &mut observations, &table, &run);
    find_memory_hogs(jobs, &mut observations);
    tell_of_stuck_jobs(&observations, &run);
    Ok(observations)
}

fn listed(job: &JobRef, table: &Table<'_>, run: &str) -> Observation {
    let seen = Id::read(&job.backend_id).and_then(|id| table.get(&id));
    let own = seen.filter(|seen| !seen.is_of_another(job, run));
    own.map_or(Observation::Unknown, Seen::observe)
}

/// The attempts that nothing is known about yet.
fn unknown<'a>(
    jobs: &'a [JobRef],
    observations: &'a mut [Observation],
) -> impl Iterator<Item = (&'a JobRef, &'a mut Observation)> {
    let pairs = jobs.iter().zip(observations);
    pairs.filter(|(_, observation)| **observation == Observation::Unknown)
}

/// What `squeue` has forgotten is in the accounts, where there are any.
fn ask_accounting(jobs: &[JobRef], observations: &mut [Observation], run: &str) {
    let asked = accounting::argv(unknown(jobs, observations).map(|(job, _)| job));
    let Some(argv) = asked.filter(|_| !Fact::NoAccounts.holds(run)) else {
        return;
    };
    // A `sacct` that is missing or was not granted is as good as no accounts.
    let Ok(output) = process::run("sacct", argv) else {
        return Fact::NoAccounts.note(run);
    };
    if accounting::is_missing(&output) {
        return Fact::NoAccounts.note(run);
    }
    let stdout = output.stdout_text();
    let table = accounting::read(&stdout);
    for (job, observation) in unknown(jobs, observations) {
        if let Some(seen) = Id::read(&job.backend_id).and_then(|id| table.get(&id)) {
            *observation = accounting::end(seen);
        }
    }
}

/// A task that is cancelled before it started is not listed any more, while others of its array are. As Slurm also forgets tasks
/// that ended some minutes ago, such a task is called cancelled only when it is missing for the second time (an exit code would
/// have been found after the first), and not if it was missing already when it was adopted from an earlier process.
fn judge_missing_tasks(jobs: &[JobRef], observations: &mut [Observation], table: &Table<'_>, run: &str) {
    let arrays: HashMap<u64, &Seen<'_>> = table.iter().map(|(id, seen)| (id.job, seen)).collect();
    let missing_task = |job: &JobRef| {
        let id = Id::read(&job.backend_id).filter(|id| id.task.is_some())?;
        (!arrays.get(&id.job)?.is_of_another(job, run)).then_some(id)
    };
    let mut missing: Vec<(Id, &mut Observation)> = unknown(jobs, observations)
        .filter_map(|(job, observation)| Some((missing_task(job)?, observation)))
        .collect();
    let before = notes::missing(run);
    if missing.is_empty() && before.is_empty() {
        return;
    }
    let adopted = Adopted::read(run);
    missing.retain(|(id, _)| !adopted.may_lack(*id));
    let mut first_time = Vec::new();
    for (id, observation) in missing {
        if before.contains(&id.to_string()) {
            // Tasks that never started and have ended together are listed as one.
            let rest = table.get(&id.whole()).map(accounting::end);
            *observation = rest
                .filter(|rest| *rest != Observation::Unknown)
                .unwrap_or(Observation::Cancelled);
        } else {
            first_time.push(id.to_string());
        }
    }
    notes::set_missing(run, &first_time);
}

/// Of jobs that were killed for their memory, some Slurms only say that they were killed.
fn find_memory_hogs(jobs: &[JobRef], observations: &mut [Observation]) {
    let killed = |observation: &Observation| *observation == Observation::Failed(FailureCause::Signal(9));
    let log = |job: &JobRef| {
        let latest = run::job(job.index).filter(|latest| latest.attempt == job.attempt);
        latest.map(|latest| memory::log(&latest))
    };
    let mut suspects: Vec<(String, &mut Observation)> = jobs
        .iter()
        .zip(observations)
        .filter(|(_, observation)| killed(observation))
        .filter_map(|(job, observation)| Some((log(job)?, observation)))
        .collect();
    for some in suspects.chunks_mut(memory::MOST_LOGS) {
        let logs: Vec<String> = some.iter().map(|(log, _)| log.clone()).collect();
        let Ok(output) = process::run("grep", memory::argv(&logs)) else {
            return;
        };
        for (_, observation) in some.iter_mut().filter(|(log, _)| memory::is_listed(log, &output)) {
            **observation = Observation::Failed(FailureCause::OutOfMemory);
        }
    }
}

/// Once for each reason.
fn tell_of_stuck_jobs(observations: &[Observation], run: &str) {
    let mut stuck: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for observation in observations {
        if let Observation::Queued(Some(reason)) = observation
            && let Some(advice) = waiting::advice(reason)
        {
            stuck.entry(waiting::word(reason)).or_insert((0, advice)).0 += 1;
        }
    }
    // Whoever held them knows it.
    if run::options().value("hold").is_some() {
        stuck.remove("JobHeldUser");
    }
    for (reason, (count, advice)) in stuck {
        if !notes::told(run, reason) {
            let jobs = if count == 1 {
                "1 job waits"
            } else {
                &format!("{count} jobs wait")
            };
            log::warn!("{jobs} in Slurm's queue and will not start by waiting (Slurm says {reason}): {advice}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureCause::{ExitCode, OutOfMemory, Signal, TimedOut};
    use Observation::{Cancelled, Failed, Queued, Running, Succeeded, Unknown};
    use xqute_plugin::testing::{Host, job};

    fn refs(ids: &[&str]) -> Vec<JobRef> {
        let numbered = (0..).zip(ids);
        numbered
            .map(|(index, id)| JobRef {
                index,
                attempt: 1,
                backend_id: (*id).to_owned(),
            })
            .collect()
    }

    fn squeue(host: &Host, rows: &'static [&'static str]) {
        host.on_program("squeue", move |_| Host::prints(&rows.join("\n")));
    }

    fn programs(host: &Host) -> Vec<String> {
        host.calls().into_iter().map(|call| call.program).collect()
    }

    #[test]
    fn one_question_is_enough_while_slurm_knows_all() {
        let host = Host::new();
        squeue(&host, &["7|RUNNING|0|n1|None|", "8_0|COMPLETED|0|n1|None|"]);
        assert_eq!(poll(&refs(&["7", "8_0"])).unwrap(), [Running, Succeeded]);
        assert_eq!(programs(&host), ["squeue"]);
        assert_eq!(poll(&[]).unwrap(), []);
        assert_eq!(programs(&host).len(), 1);
    }

    #[test]
    fn accounts_tell_what_squeue_forgot() {
        let host = Host::new();
        squeue(&host, &["7|RUNNING|0|n1|None|"]);
        host.on_program("sacct", |call| {
            assert_eq!(call.args.last().unwrap(), "--jobs=8,9,10,11");
            Host::prints("8|FAILED|3:0|n1|None\n9_1|TIMEOUT|0:0|n1|None\n10|RUNNING|0:0|n1|None\n")
        });
        let answer = poll(&refs(&["7", "8", "9_1", "10", "11"])).unwrap();
        assert_eq!(
            answer,
            [Running, Failed(ExitCode(3)), Failed(TimedOut), Unknown, Unknown]
        );
    }

    #[test]
    fn accounts_that_do_not_exist_are_asked_for_once() {
        let host = Host::new();
        squeue(&host, &[]);
        host.on_program("sacct", |_| {
            Host::fails(1, include_str!("../fixtures/accounting-disabled.stderr"))
        });
        for _ in 0..2 {
            assert_eq!(poll(&refs(&["8"])).unwrap(), [Unknown]);
        }
        assert_eq!(programs(&host), ["squeue", "sacct", "squeue"]);
    }

    #[test]
    fn a_task_that_is_missing_twice_was_cancelled() {
        let host = Host::new();
        squeue(&host, &["8_0|RUNNING|0|n1|None|"]);
        let refs = refs(&["8_0", "8_1", "9_0"]);
        assert_eq!(poll(&refs).unwrap(), [Running, Unknown, Unknown]);
        assert_eq!(
            poll(&refs).unwrap(),
            [Running, Cancelled, Unknown],
            "of 9 nothing is known"
        );
        poll(&refs[..1]).unwrap();
        assert!(kv::keys("missing/").is_empty());
    }

    #[test]
    fn ids_that_were_given_to_others_say_nothing() {
        let host = Host::new();
        squeue(
            &host,
            &[
                "7|COMPLETED|0|n1|None|xqute:another:0:1|",
                "8_0|RUNNING|0|n1|None|xqute:another:0+:1|",
            ],
        );
        let refs = refs(&["7", "8_0", "8_1"]);
        for _ in 0..2 {
            assert_eq!(poll(&refs).unwrap(), [Unknown, Unknown, Unknown]);
        }
    }

    #[test]
    fn what_is_left_of_an_array_speaks_for_its_tasks() {
        let host = Host::new();
        squeue(&host, &["8|CANCELLED|0|n/a|DependencyNeverSatisfied|"]);
        let refs = refs(&["8_0", "8_1"]);
        poll(&refs).unwrap();
        let never = FailureCause::NeverStarted("Slurm says CANCELLED (DependencyNeverSatisfied)".to_owned());
        assert_eq!(poll(&refs).unwrap(), [Failed(never.clone()), Failed(never)]);
    }

    #[test]
    fn an_adopted_task_may_have_ended_long_ago() {
        let host = Host::new();
        squeue(&host, &["8_0|RUNNING|0|n1|None|"]);
        Adopted::note(&run::info().tag, &refs(&["8_0", "8_2"])).unwrap();
        let refs = refs(&["8_1", "8_2"]);
        assert_eq!(poll(&refs).unwrap(), [Unknown, Unknown]);
        for _ in 0..2 {
            assert_eq!(poll(&refs[..1]).unwrap(), [Unknown], "it was missing then");
        }
        poll(&refs).unwrap();
        assert_eq!(poll(&refs).unwrap(), [Unknown, Cancelled], "it was there then");
    }

    #[test]
    fn slurms_own_log_knows_who_used_too_much_memory() {
        let host = Host::new();
        squeue(
            &host,
            &["7|FAILED|9|n1|JobLaunchFailure|", "8|FAILED|9|n1|JobLaunchFailure|"],
        );
        host.on_program("grep", |call| {
            let expected =
                "grep -lsE 'xceeded.(job.)?memory.limit' -- /data/.xqute/0/job.slurm /data/.xqute/1/job.slurm";
            assert_eq!(call.to_string(), expected);
            Host::prints("/data/.xqute/1/job.slurm\n")
        });
        for index in 0..2 {
            host.add_job(job(index, "true"));
        }
        assert_eq!(
            poll(&refs(&["7", "8"])).unwrap(),
            [Failed(Signal(9)), Failed(OutOfMemory)]
        );
    }

    #[test]
    fn the_user_is_told_once_of_jobs_that_wait_for_ever() {
        let host = Host::new();
        squeue(
            &host,
            &[
                "8_0|PENDING|0|n/a|PartitionDown|",
                "8_1|PENDING|0|n/a|PartitionDown|",
                "9|PENDING|0|n/a|Priority|",
            ],
        );
        let refs = refs(&["8_0", "8_1", "9"]);
        let queued = |reason: &str| Queued(Some(reason.to_owned()));
        let expected = [queued("PartitionDown"), queued("PartitionDown"), queued("Priority")];
        for _ in 0..2 {
            assert_eq!(poll(&refs).unwrap(), expected);
        }
        let told = "2 jobs wait in Slurm's queue and will not start by waiting (Slurm says PartitionDown): the partition is \
                    down until an administrator brings it up again: choose another with --opt partition=NAME\n";
        assert_eq!(host.log_text(), told);
    }

    #[test]
    fn who_holds_jobs_need_not_be_told() {
        let host = Host::new();
        host.option("hold", "true");
        squeue(&host, &["9|PENDING|0|n/a|JobHeldUser|"]);
        poll(&refs(&["9"])).unwrap();
        assert_eq!(host.log_text(), "");
    }
}
