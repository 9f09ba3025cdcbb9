//! Slurm's reasons for letting a job wait → those that no time will cure, each with what to do about it. Pure functions.
//!
//! Slurm accepts such jobs without a word and keeps them in its queue for ever. All other reasons (resources, priority, limits
//! that others use up just now) are those of normal waiting.

/// What to do about a job that will wait for ever; none if its turn may come.
pub(crate) fn advice(reason: &str) -> Option<&'static str> {
    let reason = word(reason);
    let exact = STUCK.iter().find(|(stuck, _)| *stuck == reason);
    exact.map(|(_, advice)| *advice).or_else(|| by_policy(reason))
}

/// The reason without what may follow it: `ReqNodeNotAvail, UnavailableNodes:n1`.
pub(crate) fn word(reason: &str) -> &str {
    let end = reason.find([',', '(', ' ']).unwrap_or(reason.len());
    reason.get(..end).unwrap_or(reason)
}

const STUCK: &[(&str, &str)] = &[
    ("AccountNotAllowed", ACCOUNT),
    (
        "BadConstraints",
        "no machine has what they ask for: change `constraint`, `nodelist`, `gres` and the like",
    ),
    (
        "DependencyNeverSatisfied",
        "the job that they depend on did not end as `dependency` wants it: cancel them, or give kill-on-invalid-dep=yes",
    ),
    ("InvalidAccount", ACCOUNT),
    ("InvalidQOS", QOS),
    (
        "JobHeldAdmin",
        "an administrator holds them: ask why; nobody else can release them",
    ),
    ("JobHeldUser", "they are held: start them with `scontrol release JOBID`"),
    ("JobHoldMaxRequeue", HELD),
    ("PartitionConfig", SIZE),
    (
        "PartitionDown",
        "the partition is down until an administrator brings it up again: choose another with --opt partition=NAME",
    ),
    (
        "PartitionInactive",
        "the partition is closed until an administrator opens it again: choose another with --opt partition=NAME",
    ),
    ("PartitionNodeLimit", SIZE),
    (
        "PartitionTimeLimit",
        "they ask for more time than their partition gives: lower --opt time=..., or choose another partition (`sinfo` \
         lists their limits)",
    ),
    ("QOSNotAllowed", QOS),
    ("launch", HELD),
    ("launch_failed_requeued_held", HELD),
];

const ACCOUNT: &str = "their account may not be used there: give another with --opt account=NAME";
const QOS: &str = "their quality of service may not be used there: give another with --opt qos=NAME";
const SIZE: &str = "they ask for more processors, memory or machines than their partition has or allows: ask for less, or \
                    choose another partition (`sinfo` lists their limits)";
const HELD: &str = "they could not be started and are held: look into job.slurm in a job's directory, then start them with \
                    `scontrol release JOBID`";

/// Limits of accounts and qualities of service have systematic names, such as `QOSMaxCpuPerJobLimit`.
fn by_policy(reason: &str) -> Option<&'static str> {
    if !(reason.starts_with("Assoc") || reason.starts_with("QOS")) {
        return None;
    }
    if reason.contains("PerJob") || reason.contains("PerNode") || reason.starts_with("QOSMin") {
        return Some(
            "one job may not ask for as much, or as little, with this account or quality of service: change what it asks for",
        );
    }
    let budget = reason.contains("Grp") && reason.contains("Minutes") && !reason.contains("RunMinutes");
    budget.then_some("the budget of the account or quality of service is used up: use another")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_sorted_and_given_once() {
        assert!(STUCK.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn what_no_time_cures_comes_with_advice() {
        for reason in [
            "PartitionTimeLimit",
            "PartitionConfig",
            "PartitionDown",
            "DependencyNeverSatisfied",
            "JobHeldUser",
            "BadConstraints",
            "launch failed requeued held",
            "QOSMaxCpuPerJobLimit",
            "AssocMaxWallDurationPerJobLimit",
            "AssocGrpCPUMinutesLimit",
            "QOSMinGRES",
        ] {
            assert!(advice(reason).is_some(), "{reason}");
        }
    }

    #[test]
    fn normal_waiting_needs_none() {
        for reason in [
            "",
            "None",
            "Resources",
            "Priority",
            "BeginTime",
            "Dependency",
            "Licenses",
            "JobArrayTaskLimit",
            "ReqNodeNotAvail, UnavailableNodes:n1",
            "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
            "QOSMaxJobsPerUserLimit",
            "AssocGrpCpuLimit",
            "AssocGrpCPURunMinutesLimit",
        ] {
            assert_eq!(advice(reason), None, "{reason}");
        }
    }
}
