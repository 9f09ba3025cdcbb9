//! Calls about several jobs that fail: only the jobs that are to blame pay for it.

use super::*;

/// The first parameter is where the jobs are, the second how many there are.
const TRAPS_ON_SEVERAL: &str = "(if (i32.gt_u (local.get 1) (i32.const 1)) (then unreachable))";

fn trapping_on_several(body: &str) -> &'static str {
    format!("{TRAPS_ON_SEVERAL} {body}").leak()
}

async fn both(hooks: &ComponentHooks) -> Vec<Result<Verdict, String>> {
    let jobs = [attempt(0), attempt(1)];
    let questions = [Question::Submitting(&jobs[0]), Question::Submitting(&jobs[1])];
    let verdicts = hooks.decide(&questions).await.into_iter();
    verdicts
        .map(|verdict| verdict.map_err(|failure| failure.message))
        .collect()
}

fn veto() -> Verdict {
    Verdict::Veto {
        plugin: "gate".into(),
        reason: "sleep".into(),
    }
}

#[tokio::test]
async fn a_gate_that_fails_is_asked_about_each_job() {
    for decide in [trapping_on_several(GATE.decide), GATE.decide] {
        let guest = Guest { decide, ..GATE };
        let hooks = guest.start(None, nothing).await.unwrap().hooks.unwrap();
        assert_eq!(both(&hooks).await, [Ok(veto()), Ok(veto())]);
        let report = &hooks.reports()[0];
        assert_eq!((report.calls, report.failures), (3, 1));
    }
}

#[tokio::test]
async fn snippets_that_fail_are_asked_for_each_job() {
    let guest = Guest {
        hooks: &[JOBCMD_INIT],
        rights: &[(SCRIPT, "")],
        provide: trapping_on_several(ONE_ENTRY),
        ..Guest::default()
    };
    let started = guest.start(None, |source, _| source.settings.grant = Some(Grant::All));
    let hooks = started.await.unwrap().hooks.unwrap();
    let snippets = hooks.snippets(&[attempt(0), attempt(1)]).await;
    assert_eq!(snippets.len(), 2);
    assert!(snippets.iter().all(Result::is_ok));
    let report = &hooks.reports()[0];
    assert_eq!((report.calls, report.failures), (3, 1));
}

#[tokio::test]
async fn an_answer_of_the_wrong_length_is_not_believed() {
    let guest = Guest {
        decide: "(i32.const 64)",
        ..GATE
    };
    let hooks = guest.start(None, nothing).await.unwrap().hooks.unwrap();
    let verdicts = both(&hooks).await;
    insta::assert_snapshot!(verdicts[1].as_ref().unwrap_err(), @"plugin gate, call gatekeeper.decide: it answered 0 verdicts to 1 questions; this is a mistake in the plugin");
    assert_eq!(hooks.reports()[0].quarantined, None, "two jobs failed, each once");
}

#[tokio::test]
async fn the_report_names_the_plugin_once() {
    let guest = Guest {
        decide: "unreachable",
        ..GATE
    };
    let hooks = guest.start(None, nothing).await.unwrap().hooks.unwrap();
    for _ in 0..3 {
        assert_eq!(decided(&hooks).await, Err(AfterFailure::FailJob));
    }
    let report = &hooks.reports()[0];
    assert_eq!(report.plugin, "gate");
    let why = report.quarantined.as_deref().unwrap();
    assert!(why.starts_with("call gatekeeper.decide: it crashed: "), "{why}");
}
