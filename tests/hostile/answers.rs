//! Plugins whose answers are nonsense: too long, too many, of other jobs, or not even text.

use rustix::process::Signal;

use crate::{
    attempt::{Attempt, JOBS, Tried},
    forged::Forged,
};

/// Tries it with the right to put bash into scripts.
fn scripts(name: &str) -> Tried {
    Attempt::of(name).allowed("script").run()
}

#[test]
fn too_few_or_too_many_verdicts() {
    for name in ["gives_no_verdict", "gives_a_million_verdicts"] {
        let tried = Attempt::of(name).run();
        tried
            .blames("gatekeeper.decide")
            .says("it answered")
            .kept_all_jobs_from_running();
    }
}

#[test]
fn too_few_or_too_many_scripts() {
    for name in ["gives_no_scripts", "gives_two_scripts_to_each"] {
        scripts(name)
            .blames("snippets.provide")
            .says("it answered")
            .without("given")
            .kept_all_jobs_from_running();
    }
}

#[test]
fn bash_for_hooks_that_nobody_subscribed_to() {
    scripts("gives_bash_for_other_hooks").without("given").harmed_no_job();
}

#[test]
fn a_reason_that_clears_the_terminal() {
    let tried = Attempt::of("vetoes_with_terminal_escapes").run();
    tried
        .says("all is lost")
        .says("20 cancelled")
        .kept_all_jobs_from_running();
}

#[test]
fn a_reason_of_forty_megabytes() {
    let tried = Attempt::of("vetoes_at_length").run();
    let length = tried.output.stderr.len();
    assert!(length < 1 << 20, "{length} bytes on stderr");
    tried.blames("gatekeeper.decide").kept_all_jobs_from_running();
}

#[test]
fn words_in_the_log_that_clear_the_terminal() {
    let tried = Attempt::of("logs_terminal_escapes").run();
    tried.says("all is lost").harmed_no_job();
}

#[test]
fn ids_that_cannot_be() {
    for name in ["submits_control_characters", "submits_empty_ids", "submits_long_ids"] {
        let tried = Attempt::of(name).scheduling().run();
        tried
            .says("backend id")
            .says(&format!("{JOBS} failed"))
            .kept_all_jobs_from_running();
    }
}

#[test]
fn ids_for_more_jobs_than_there_are() {
    for name in ["submits_too_much", "submits_a_million"] {
        let tried = Attempt::of(name).scheduling().run();
        tried.blames("scheduler.submit").kept_all_jobs_from_running();
    }
}

#[test]
fn the_id_of_another_job() {
    let tried = Attempt::of("submits_the_same_id").scheduling().run();
    // Each is still asked about by itself.
    tried.says(&format!("{JOBS} failed")).kept_all_jobs_from_running();
}

#[test]
fn refusals_that_clear_the_terminal() {
    let tried = Attempt::of("refuses_with_terminal_escapes").scheduling().run();
    tried.says(&format!("{JOBS} failed")).kept_all_jobs_from_running();
}

#[test]
fn too_few_or_too_many_observations() {
    for name in ["polls_nothing", "polls_too_much"] {
        let tried = Attempt::of(name).scheduling().run();
        // Nothing of such an answer is believed; the next one, which is complete, counts.
        tried
            .blames("scheduler.poll")
            .says(&format!("{JOBS} failed"))
            .kept_all_jobs_from_running();
    }
}

#[test]
fn ends_that_cannot_be() {
    let tried = Attempt::of("polls_impossible_ends").scheduling().run();
    tried.says(&format!("{JOBS} failed")).kept_all_jobs_from_running();
}

#[test]
fn jobs_that_were_never_submitted() {
    let attempt = Attempt::of("finds_jobs_of_others").scheduling();
    let run = attempt.start(&["true"]);
    attempt.scratch.wait_for_file(".xqute/0/job.jid");
    run.signal(Signal::KILL);
    drop(run);
    // One job was in the run, and one is what it has; all else that is claimed is nothing to it.
    let again = attempt.flags(["--resume"]);
    let run = again.start(&["true"]);
    run.wait().exits(1).says("1 job in ").says("1 failed");
}

#[test]
fn commands_where_directives_belong() {
    let tried = Attempt::of("wraps_with_commands").scheduling().allowed("script").run();
    tried
        .says("directive")
        .says(&format!("{JOBS} failed"))
        .without("wrapped")
        .kept_all_jobs_from_running();
}

/// A veto whose reason is at this place and has this length.
fn veto_at(address: &str, length: &str) -> String {
    format!(
        "(i32.store (i32.const 64) (i32.const 128)) (i32.store (i32.const 68) (i32.const 1))
         (i32.store (i32.const 128) (i32.const 1))
         (i32.store (i32.const 132) (i32.const {address})) (i32.store (i32.const 136) (i32.const {length}))
         (i32.const 64)"
    )
}

#[test]
fn a_reason_that_is_no_text() {
    let decide = veto_at("256", "3");
    let invalid = Forged {
        decide: Some(&decide),
        more: "(data (i32.const 256) \"\\ff\\fe\\80\")".to_owned(),
        ..Forged::default()
    };
    let tried = Attempt::of_component(&invalid.component()).at_once(1).run();
    tried.blames("gatekeeper.decide").kept_all_jobs_from_running();
}

#[test]
fn a_reason_beyond_its_memory() {
    let decide = veto_at("65000", "2000000000");
    let outside = Forged {
        decide: Some(&decide),
        ..Forged::default()
    };
    let tried = Attempt::of_component(&outside.component()).at_once(1).run();
    tried.blames("gatekeeper.decide").kept_all_jobs_from_running();
}

#[test]
fn an_answer_nowhere() {
    for address in ["(i32.const 65537)", "(i32.const -1)", "(i32.const 63)"] {
        let nowhere = Forged {
            decide: Some(address),
            ..Forged::default()
        };
        let tried = Attempt::of_component(&nowhere.component()).run();
        tried.blames("gatekeeper.decide").kept_all_jobs_from_running();
    }
}

#[test]
fn calling_back_while_it_is_called() {
    // The host asks for room for its questions, and the plugin asks the host for something instead.
    let calling = Forged {
        decide: Some("unreachable"),
        realloc: "(call $log (i32.const 2) (i32.const 2048) (i32.const 7)) (i32.const 32768)",
        ..Forged::default()
    };
    let tried = Attempt::of_component(&calling.component()).run();
    tried.blames("gatekeeper.decide").kept_all_jobs_from_running();
}

#[test]
fn room_for_questions_where_there_is_none() {
    let outside = Forged {
        decide: Some("unreachable"),
        realloc: "(i32.const 65535)",
        ..Forged::default()
    };
    let tried = Attempt::of_component(&outside.component()).run();
    tried.blames("gatekeeper.decide").kept_all_jobs_from_running();
}
