//! What a real `gcloud` printed about jobs and tasks is understood.

use std::collections::BTreeMap;

use xqute_plugin::Exit;

use super::*;

fn printed(stdout: &str) -> Output {
    Output {
        exit: Exit::Code(0),
        stdout: stdout.into(),
        stderr: Vec::new(),
    }
}

fn failed(stderr: &str) -> Output {
    Output {
        exit: Exit::Code(1),
        stdout: Vec::new(),
        stderr: stderr.into(),
    }
}

fn job(state: &str, counts: &[(&str, usize)]) -> JobView {
    JobView {
        state: state.to_owned(),
        counts: counts
            .iter()
            .map(|(state, count)| ((*state).to_owned(), *count))
            .collect(),
        said: Some("CODE_GCE_QUOTA_EXCEEDED".to_owned()),
    }
}

fn task(job: &JobView, status: &str) -> TaskView {
    TaskView::read(job, &serde_json::from_str(status).unwrap())
}

#[test]
fn a_real_answer_about_jobs_is_understood() {
    let views = jobs(&printed(include_str!("../../fixtures/list.json"))).unwrap();
    let view = |name: &str| &views.iter().find(|(found, _)| found == name).unwrap().1;
    let states: BTreeMap<_, _> = views
        .iter()
        .map(|(name, view)| (name.as_str(), view.state.as_str()))
        .collect();
    let expected = [
        ("fx-cancelled", "CANCELLED"),
        ("fx-mixed", "RUNNING"),
        ("fx-preempted", "FAILED"),
        ("fx-queued", "QUEUED"),
        ("fx-succeeded", "SUCCEEDED"),
        ("fx-too-long", "FAILED"),
    ];
    assert_eq!(states, BTreeMap::from(expected));
    assert_eq!(
        view("fx-mixed").counts,
        vec![
            ("FAILED".to_owned(), 2),
            ("RUNNING".to_owned(), 1),
            ("SUCCEEDED".to_owned(), 1)
        ]
    );
    assert_eq!(view("fx-succeeded").glance(2), Glance::All(Observation::Succeeded));
    assert_eq!(view("fx-mixed").glance(4), Glance::Differ);
    assert_eq!(
        view("fx-mixed").glance(1),
        Glance::All(Observation::Running),
        "the others are over, and known to be"
    );
}

#[test]
fn one_job_is_described_as_in_a_list_and_an_unknown_one_is_an_answer() {
    let views = jobs(&printed(include_str!("../../fixtures/describe.json"))).unwrap();
    let view = |name: &str| &views.iter().find(|(found, _)| found == name).unwrap().1;
    assert_eq!(view("fx-mixed").state, "RUNNING");
    assert_eq!(
        jobs(&failed(include_str!("../../fixtures/describe-unknown.stderr"))),
        Ok(Views::new())
    );
    for stderr in [
        include_str!("../../fixtures/list-down.stderr"),
        include_str!("../../fixtures/describe-401.stderr"),
    ] {
        assert!(matches!(jobs(&failed(stderr)), Err(Error::Unavailable(_))), "{stderr}");
    }
    let busy = include_str!("../../fixtures/describe-429.stderr");
    assert_eq!(jobs(&failed(busy)), Err(Error::RateLimited(None)));
}

#[test]
fn a_real_answer_about_tasks_is_understood() {
    let seen = |text: &str, state: &str| {
        let tasks = tasks(&job(state, &[]), &printed(text)).unwrap();
        let tasks: BTreeMap<_, _> = tasks
            .into_iter()
            .map(|(number, task)| (number, task.observation))
            .collect();
        tasks.into_values().collect::<Vec<_>>()
    };
    let exit = |code| Observation::Failed(FailureCause::ExitCode(code));
    let mixed = include_str!("../../fixtures/tasks-mixed.json");
    assert_eq!(
        seen(mixed, "RUNNING"),
        [Observation::Succeeded, exit(3), exit(139), Observation::Running]
    );
    let preempted = include_str!("../../fixtures/tasks-preempted.json");
    assert_eq!(
        seen(preempted, "FAILED"),
        [Observation::Failed(FailureCause::Preempted)]
    );
    let too_long = include_str!("../../fixtures/tasks-too-long.json");
    assert_eq!(seen(too_long, "FAILED"), [Observation::Failed(FailureCause::TimedOut)]);
    let cancelled = include_str!("../../fixtures/tasks-cancelled.json");
    assert_eq!(seen(cancelled, "CANCELLED"), [Observation::Cancelled, exit(3)]);
}

#[test]
fn the_state_of_a_job_is_enough_where_its_tasks_are_alike() {
    let running = |counts: &[(&str, usize)], asked| job("RUNNING", counts).glance(asked);
    assert_eq!(running(&[("RUNNING", 3)], 3), Glance::All(Observation::Running));
    assert_eq!(
        running(&[("PENDING", 1), ("ASSIGNED", 2)], 3),
        Glance::All(Observation::Queued(None))
    );
    assert_eq!(
        running(&[("SUCCEEDED", 90), ("RUNNING", 10)], 10),
        Glance::All(Observation::Running)
    );
    assert_eq!(
        running(&[("SUCCEEDED", 90), ("RUNNING", 10)], 11),
        Glance::Differ,
        "one is over and not known to be"
    );
    assert_eq!(running(&[("PENDING", 1), ("RUNNING", 1)], 2), Glance::Differ);
    let waits = Glance::All(Observation::Queued(Some("CODE_GCE_QUOTA_EXCEEDED".to_owned())));
    assert_eq!(job("QUEUED", &[("PENDING", 3)]).glance(3), waits);
    assert_eq!(job("SCHEDULED", &[("PENDING", 3)]).glance(3), waits);
    assert_eq!(job("FAILED", &[("FAILED", 1)]).glance(1), Glance::Differ);
    assert_eq!(
        job("CANCELLATION_IN_PROGRESS", &[("RUNNING", 1)]).glance(1),
        Glance::All(Observation::Running)
    );
    for state in ["CANCELLED", "DELETION_IN_PROGRESS"] {
        assert_eq!(
            job(state, &[("RUNNING", 1)]).glance(1),
            Glance::All(Observation::Cancelled)
        );
        assert_eq!(job(state, &[("FAILED", 1)]).glance(1), Glance::Differ);
    }
    assert_eq!(job("NOVEL", &[]).glance(1), Glance::All(Observation::Unknown));
}

#[test]
fn reserved_exit_codes_are_causes() {
    let running = job("FAILED", &[]);
    let with = |code: i64| {
        let status = format!(
            r#"{{"state": "FAILED", "statusEvents": [{{"taskState": "RUNNING"}}, {{"taskState": "FAILED", "description": "words", "taskExecution": {{"exitCode": {code}}}}}]}}"#
        );
        task(&running, &status)
    };
    let cause = |code| with(code).observation;
    assert_eq!(cause(50_001), Observation::Failed(FailureCause::Preempted));
    for code in [50_002, 50_003, 50_004, 50_006] {
        assert_eq!(cause(code), Observation::Failed(FailureCause::NodeFailure), "{code}");
    }
    assert_eq!(cause(50_005), Observation::Failed(FailureCause::TimedOut));
    assert_eq!(with(50_005).said.as_deref(), Some("words"));
    let other = Observation::Failed(FailureCause::Other("Batch says: words".to_owned()));
    assert_eq!(cause(50_000), other);
    assert_eq!(cause(50_010), other);
    assert_eq!(cause(137), Observation::Failed(FailureCause::ExitCode(137)));
    assert_eq!(with(137).said, None);
}

#[test]
fn a_task_that_never_ran_says_why() {
    let over = job("FAILED", &[]);
    let never = |why: &str| Observation::Failed(FailureCause::NeverStarted(format!("Batch says: {why}")));
    assert_eq!(
        task(&over, r#"{"state": "PENDING"}"#).observation,
        never("CODE_GCE_QUOTA_EXCEEDED")
    );
    assert_eq!(
        task(&over, r#"{"state": "UNEXECUTED"}"#).observation,
        never("CODE_GCE_QUOTA_EXCEEDED")
    );
    let status = r#"{"state": "FAILED", "statusEvents": [{"taskState": "FAILED", "description": "no such bucket"}]}"#;
    assert_eq!(task(&over, status).observation, never("no such bucket"));
}

#[test]
fn a_task_that_batch_runs_again_is_not_over() {
    let running = job("RUNNING", &[]);
    let status = r#"{"state": "RUNNING", "statusEvents": [
        {"taskState": "RUNNING"}, {"taskState": "PENDING", "taskExecution": {"exitCode": 50001}}, {"taskState": "RUNNING"}]}"#;
    assert_eq!(task(&running, status).observation, Observation::Running);
    let status = status.replacen("RUNNING", "SUCCEEDED", 1);
    assert_eq!(task(&running, &status).observation, Observation::Succeeded);
}

#[test]
fn a_task_of_a_cancelled_job_is_cancelled_unless_it_was_quicker() {
    let cancelled = job("CANCELLED", &[]);
    let with = |state: &str, code: i64| {
        let status = format!(
            r#"{{"state": "{state}", "statusEvents": [{{"taskState": "RUNNING"}}, {{"taskExecution": {{"exitCode": {code}}}}}]}}"#
        );
        task(&cancelled, &status).observation
    };
    for code in [137, 143, 50_000] {
        assert_eq!(with("FAILED", code), Observation::Cancelled);
    }
    assert_eq!(with("FAILED", 3), Observation::Failed(FailureCause::ExitCode(3)));
    assert_eq!(with("RUNNING", 0), Observation::Cancelled);
    assert_eq!(with("SUCCEEDED", 0), Observation::Succeeded);
}

proptest::proptest! {
    #[test]
    fn any_answer_is_read_or_refused(text in ".*") {
        let output = printed(&text);
        let _either = jobs(&output);
        let _either = tasks(&JobView::default(), &output);
    }

    #[test]
    fn any_json_is_read(name in ".*", state in "[A-Z_]{0,12}", code in proptest::prelude::any::<i64>()) {
        let text = serde_json::json!([{"name": name, "status": {"state": state, "taskGroups": {"group0": {"counts": {"RUNNING": code}}},
            "statusEvents": [{"taskState": state, "taskExecution": {"exitCode": code}}]}}]).to_string();
        for view in jobs(&printed(&text)).unwrap().into_iter().map(|(_, view)| view) {
            view.glance(1);
            tasks(&view, &printed(&text)).unwrap();
        }
    }
}
