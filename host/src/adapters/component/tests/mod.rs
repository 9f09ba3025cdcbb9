//! Whole plugins: loaded, started, called, and made to fail in every way.

use std::{fs, time::Duration};

mod batches;
mod choosing;
mod limits;

use super::{
    error::{Problem, StartError},
    hooks::{ComponentHooks, OnFailure},
    plugins::{LoadOptions, PluginSource, Plugins},
    rights::{Grant, Right},
    testing::{Guest, JOB_QUEUED, JOB_SUBMITTING, JOBCMD_INIT, ONE_ENTRY, RUN, SCRIPT, attempt, options},
};
use crate::{
    model::{
        hook::{Fact, Hook, JobEvent, Verdict},
        job::{Attempt, JobIndex},
    },
    ports::{
        hooks::{AfterFailure, Hooks, Question},
        scheduler::{CallErrorKind, Scheduler},
    },
};

fn queued() -> Fact {
    Fact::Job {
        job: JobIndex(7),
        attempt: Attempt::FIRST,
        event: JobEvent::Queued,
    }
}

fn nothing(_: &mut PluginSource, _: &mut LoadOptions) {}

/// Tells a guest something, and returns the error that it comes to.
async fn failure_of(guest: Guest, change: impl FnOnce(&mut PluginSource, &mut LoadOptions)) -> String {
    let started = guest.start(None, |source, options| {
        source.settings.on_failure = Some(OnFailure::Halt);
        change(source, options);
    });
    let hooks = started.await.unwrap().hooks.unwrap();
    hooks.observe(&[queued()]).await.unwrap_err().message
}

fn quick(source: &mut PluginSource, _: &mut LoadOptions) {
    source.settings.limits.call = Some(Duration::from_millis(50));
}

#[tokio::test]
async fn a_guest_that_computes_for_ever_is_stopped() {
    let guest = Guest {
        observe: "(loop (br 0))",
        ..Guest::default()
    };
    insta::assert_snapshot!(failure_of(guest, nothing).await, @"plugin guest, call observer.observe: it computed for more than 1s and was stopped; if it needs that long, set `compute-ms` for it in xqute.toml");
}

#[tokio::test]
async fn a_trap_names_plugin_call_and_cause() {
    let guest = Guest {
        observe: "unreachable",
        ..Guest::default()
    };
    insta::assert_snapshot!(failure_of(guest, nothing).await, @"plugin guest, call observer.observe: it crashed: wasm trap: wasm `unreachable` instruction executed. Report this to the plugin's author; `-v` shows what it logged before");
}

#[tokio::test]
async fn a_trap_names_functions_that_have_names() {
    let guest = Guest {
        observe: "(call $give_up)",
        ..Guest::default()
    };
    let failure = failure_of(guest, nothing).await;
    assert!(
        failure.contains("instruction executed in `give_up`. Report"),
        "{failure}"
    );
}

#[tokio::test]
async fn what_is_lost_is_replaced_and_counted() {
    let guest = Guest {
        observe: "unreachable",
        ..Guest::default()
    };
    let hooks = guest.start(None, nothing).await.unwrap().hooks.unwrap();
    for _ in 0..4 {
        hooks.observe(&[queued()]).await.unwrap();
    }
    let report = &hooks.reports()[0];
    assert_eq!((report.calls, report.failures, report.restarts), (3, 3, 2));
    assert!(report.time > Duration::ZERO);
}

#[tokio::test]
async fn memory_is_bounded() {
    let observe = "(if (i32.eq (memory.grow (i32.const 2000)) (i32.const -1)) (then unreachable))";
    let guest = Guest {
        observe,
        ..Guest::default()
    };
    insta::assert_snapshot!(failure_of(guest.clone(), nothing).await, @"plugin guest, call observer.observe: it needed more than 64 MiB of memory; if it needs that much, set `memory-mib` for it in xqute.toml");
    let started = guest
        .start(None, |source, _| source.settings.limits.memory_mib = Some(200))
        .await
        .unwrap();
    let hooks = started.hooks.unwrap();
    hooks.observe(&[queued()]).await.unwrap();
    assert_eq!(hooks.reports()[0].failures, 0);
}

#[tokio::test]
async fn what_a_guest_hands_over_is_bounded() {
    let observe = "(drop (memory.grow (i32.const 640))) (call $log (i32.const 2) (i32.const 0) (i32.const 40000000))";
    let guest = Guest {
        observe,
        ..Guest::default()
    };
    insta::assert_snapshot!(failure_of(guest, nothing).await, @"plugin guest, call observer.observe: it passed more than 32 MiB to the host at once; let it pass less, or set `pass-mib` for it in xqute.toml");
}

/// Runs `sleep 1000`, and traps unless the answer starts with these two bytes.
macro_rules! sleep_answers {
    ($result:literal, $error:literal) => {
        concat!(
            "(i32.store (i32.const 256) (i32.const 4101)) (i32.store (i32.const 260) (i32.const 4))",
            "(call $run (i32.const 4096) (i32.const 5) (i32.const 256) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 512))",
            "(if (i32.ne (i32.load8_u (i32.const 512)) (i32.const ", $result, ")) (then unreachable))",
            "(if (i32.ne (i32.load8_u (i32.const 516)) (i32.const ", $error, ")) (then unreachable))",
        )
    };
}

#[tokio::test]
async fn waiting_is_bounded_too() {
    let guest = Guest {
        rights: &[(RUN, "sleep")],
        observe: sleep_answers!("0", "0"),
        ..Guest::default()
    };
    let failure = failure_of(guest, |source, options| {
        quick(source, options);
        source.settings.grant = Some(Grant::All);
    });
    insta::assert_snapshot!(failure.await, @"plugin guest, call observer.observe: it took more than 50ms and was stopped; if it needs that long, set `call-ms` for it in xqute.toml");
}

#[tokio::test]
async fn a_program_that_was_not_granted_is_denied() {
    for (rights, grant) in [
        (&[(RUN, "sleep")][..], Grant::default()),
        (&[(RUN, "sleep")], Grant::Only(vec![Right::new("run", "true").unwrap()])),
        (&[], Grant::All),
    ] {
        let guest = Guest {
            rights,
            observe: sleep_answers!("1", "0"),
            ..Guest::default()
        };
        let started = guest
            .start(None, |source, _| source.settings.grant = Some(grant))
            .await
            .unwrap();
        started.hooks.as_ref().unwrap().observe(&[queued()]).await.unwrap();
        assert_eq!(started.hooks.unwrap().reports()[0].failures, 0);
    }
}

#[tokio::test]
async fn only_subscribed_facts_are_told() {
    let guest = Guest {
        hooks: &[JOB_QUEUED],
        observe: "unreachable",
        ..Guest::default()
    };
    let hooks = guest.start(None, nothing).await.unwrap().hooks.unwrap();
    assert_eq!(hooks.observed().iter().collect::<Vec<_>>(), [Hook::JobQueued]);
    hooks.observe(&[Fact::Init, Fact::Shutdown(None)]).await.unwrap();
    assert_eq!(hooks.reports()[0].calls, 0);
}

const GATE: Guest = Guest {
    name: "gate",
    hooks: &[JOB_SUBMITTING, JOB_QUEUED],
    rights: &[],
    observe: "unreachable",
    // One veto, with the text at 4096.
    decide: "(i32.store8 (i32.const 128) (i32.const 1)) (i32.store (i32.const 132) (i32.const 4096))
        (i32.store (i32.const 136) (i32.const 5)) (i32.store (i32.const 64) (i32.const 128))
        (i32.store (i32.const 68) (i32.const 1)) (i32.const 64)",
    provide: "unreachable",
    submit: "unreachable",
    describe: "(i32.const 1024)",
};

async fn decided(hooks: &ComponentHooks) -> Result<Verdict, AfterFailure> {
    let job = attempt(0);
    let mut verdicts = hooks.decide(&[Question::Submitting(&job)]).await;
    assert_eq!(verdicts.len(), 1);
    verdicts.remove(0).map_err(|failure| failure.then)
}

#[tokio::test]
async fn a_gate_works_on_while_the_observer_of_the_same_plugin_crashes() {
    let hooks = GATE.start(None, nothing).await.unwrap().hooks.unwrap();
    hooks.observe(&[queued()]).await.unwrap();
    let veto = Verdict::Veto {
        plugin: "gate".into(),
        reason: "sleep".into(),
    };
    assert_eq!(decided(&hooks).await, Ok(veto));
    let report = &hooks.reports()[0];
    assert_eq!(
        (report.calls, report.failures, report.quarantined.is_some()),
        (2, 1, false)
    );
}

#[tokio::test]
async fn policies_say_what_a_failed_gate_means() {
    let broken = Guest {
        decide: "unreachable",
        ..GATE
    };
    for (policy, meaning) in [
        (OnFailure::Ignore, Ok(Verdict::Proceed)),
        (OnFailure::FailJob, Err(AfterFailure::FailJob)),
        (OnFailure::Halt, Err(AfterFailure::Halt)),
    ] {
        let started = broken
            .start(None, |source, _| source.settings.on_failure = Some(policy))
            .await
            .unwrap();
        let hooks = started.hooks.unwrap();
        for _ in 0..5 {
            assert_eq!(decided(&hooks).await, meaning);
        }
        let report = &hooks.reports()[0];
        assert_eq!(
            (report.calls, report.failures),
            (3, 3),
            "the plugin is in quarantine after three failures"
        );
        assert!(report.quarantined.is_some());
    }
}

#[tokio::test]
async fn bash_needs_a_right() {
    let guest = Guest {
        hooks: &[JOBCMD_INIT],
        rights: &[(SCRIPT, "")],
        provide: ONE_ENTRY,
        ..Guest::default()
    };
    let error = guest.start(None, nothing).await.err().unwrap();
    insta::assert_snapshot!(error, @"plugin guest needs the right to put bash or directives into job scripts; allow it with `--allow guest:script`, which is all that it lacks, or disable the plugin");
    let started = guest.start(None, |_, options| options.allowed.push("guest:script".parse().unwrap()));
    let hooks = started.await.unwrap().hooks.unwrap();
    let snippets = hooks.snippets(&[attempt(0)]).await;
    assert!(snippets[0].as_ref().unwrap().init.is_empty());
}

#[tokio::test]
async fn a_crash_of_submit_is_everybodys_answer() {
    let guest = Guest::default();
    let scheduler = guest.start(Some("guest"), nothing).await.unwrap().scheduler.unwrap();
    let answers = scheduler.submit(&[attempt(0), attempt(1)]).await;
    assert_eq!(answers.len(), 2);
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap_err().kind == CallErrorKind::PluginFailed)
    );
    assert!(
        scheduler.wrap(&[attempt(0)]).await[0].is_ok(),
        "not asked for the right, not called"
    );
}

#[tokio::test]
async fn a_submitted_job_has_a_checked_id() {
    // An ok with the id "id" at 4105; each entry has 16 bytes.
    let submit = "(i32.store (i32.const 132) (i32.const 4105)) (i32.store (i32.const 136) (i32.const 2))
        (i32.store (i32.const 64) (i32.const 128)) (i32.store (i32.const 68) (i32.const 1)) (i32.const 64)";
    let guest = Guest {
        submit,
        ..Guest::default()
    };
    let scheduler = guest.start(Some("guest"), nothing).await.unwrap().scheduler.unwrap();
    assert_eq!(&**scheduler.submit(&[attempt(0)]).await[0].as_ref().unwrap(), "id");
    let two = scheduler.submit(&[attempt(0), attempt(1)]).await;
    assert!(two.iter().all(Result::is_err));
}

#[tokio::test]
async fn what_cannot_start_is_said() {
    let unknown = Guest::default().start(Some("slrum"), nothing).await.err().unwrap();
    insta::assert_snapshot!(unknown, @"there is no scheduler `slrum`; known are `local`, `guest`");
    let option = |source: &mut PluginSource, _: &mut LoadOptions| source.settings.options.push("colour", "red");
    let error = Guest::default().start(None, option).await.err().unwrap();
    assert!(matches!(error, StartError::UnknownOption { .. }));
}

#[tokio::test]
async fn descriptions_are_checked() {
    let local = Guest {
        name: "local",
        ..Guest::default()
    }
    .refused()
    .await;
    assert!(matches!(local.problem, Problem::BadDescription { .. }));
    let crash = Guest {
        describe: "unreachable",
        ..Guest::default()
    }
    .refused()
    .await;
    assert!(matches!(crash.problem, Problem::Describe(_)));
    let endless = Guest {
        describe: "(loop (br 0)) (i32.const 0)",
        ..Guest::default()
    }
    .refused()
    .await;
    assert!(
        endless
            .to_string()
            .contains("call about.describe: it computed for more than 1s"),
        "{endless}"
    );
}

#[tokio::test]
async fn a_truncated_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = Guest::default().file(&folder);
    let whole = fs::read(&path).unwrap();
    for length in [8, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let error = Plugins::load(vec![path.clone().into()], options()).await.err().unwrap();
        assert!(
            matches!(error.problem, Problem::Invalid(_) | Problem::NoAbout),
            "{length}: {error}"
        );
    }
}

#[tokio::test]
async fn nothing_is_made_for_no_plugins() {
    let plugins = Plugins::load(vec![], options()).await.unwrap();
    assert!(plugins.list().is_empty() && plugins.scheduler_names().is_empty());
}

#[tokio::test]
async fn a_disabled_plugin_takes_no_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = Guest::default().file(&folder);
    let mut disabled = options();
    disabled.disabled.insert("guest".into());
    assert!(
        Plugins::load(vec![path.into()], disabled)
            .await
            .unwrap()
            .list()
            .is_empty()
    );
}
