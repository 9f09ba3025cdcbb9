//! What plugins' bash may do to a script, and what becomes of the job then.

use super::*;

#[tokio::test]
async fn a_snippet_that_ends_the_script_is_named_and_no_success() {
    for (code, rc) in [
        ("exit 0", 1),
        ("exit 9", 9),
        ("set -e; false", 1),
        ("xqute_rc=0; exit", 1),
    ] {
        for place in ["init", "prep"] {
            let mut snippets = Snippets::default();
            let pieces = match place {
                "init" => &mut snippets.init,
                _ => &mut snippets.prep,
            };
            pieces.extend([snippet("fine", "true"), snippet("a", code)]);
            let ran = execute("C", "true".into(), Settings::default(), snippets).await;
            assert_eq!(ran.end(), ended(rc), "{place} {code}");
            let said = format!("xqute: the script ended in {place} of plugin a, before the command\n");
            assert_eq!(ran.text("job.stderr"), said, "{code}");
            assert!(!ran.dir.path().join("7/job.stdout").exists());
        }
    }
    // The user's own word counts.
    let settings = Settings {
        prescript: "exit 0".to_owned(),
        ..Settings::default()
    };
    let snippets = Snippets {
        init: vec![snippet("a", "true")],
        ..Snippets::default()
    };
    let ran = execute("C", "false".into(), settings, snippets).await;
    assert_eq!(ran.end(), ended(0));
}

#[tokio::test]
async fn the_exit_code_is_that_of_the_command_whatever_a_snippet_does_to_the_variables() {
    for code in [
        "xqute_rc=0 rc=0",
        "readonly xqute_rc=0 rc=0",
        "xqute_finish() { xqute_rc=0; }",
        "unset -f xqute_finish; unset -v cmd rc xqute_rc",
        "xqute_at=here",
    ] {
        let snippets = Snippets {
            init: vec![snippet("a", code)],
            ..Snippets::default()
        };
        let ran = execute("C", "(exit 3)".into(), Settings::default(), snippets).await;
        let (_, rc, state) = ran.end();
        assert_eq!((rc.as_str(), state.as_str()), ("3\n", "7\n"), "{code}");
    }
}
