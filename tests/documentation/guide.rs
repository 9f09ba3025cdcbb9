//! The guide for those who write plugins, `sdk/README.md`. Its first ten minutes are tests in `tests/languages`.

use xqute_tests::{
    Scratch,
    docs::{blocks, page},
};

use crate::readme::clone;

fn guide() -> String {
    page("sdk/README.md")
}

#[test]
fn its_tools_work() {
    let scratch = Scratch::new();
    clone(&scratch);
    let script = format!(
        "export PATH=\"$PWD/target/release:$PATH\"; mkdir target/here; cd target/here\n{}",
        blocks(&guide(), "```bash tools").concat()
    );
    let bash = scratch
        .program("/bin/bash".as_ref())
        .args(["-exuo", "pipefail", "-c", &script]);
    let output = bash.run().exits(0);
    for part in ["8 passed, 0 failed", "nice -n 5", "answers as recorded"] {
        assert!(output.stdout.contains(part), "{part:?} is not in\n{}", output.stdout);
    }
}

/// The first cells of the table below a heading.
fn first_cells(heading: &str) -> Vec<String> {
    let guide = guide();
    let (_, section) = guide.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next().map(str::to_owned))
        .collect()
}

/// The items between the braces of a definition in the contract, in order.
fn items(file: &str, definition: &str) -> Vec<String> {
    let text = page(file);
    let (_, body) = text.split_once(&format!("{definition} {{")).unwrap();
    let body = body.split("\n    }").next().unwrap();
    let lines = body
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("///"));
    lines
        .map(|line| line.split([',', '(']).next().unwrap().to_owned())
        .collect()
}

#[test]
fn it_has_every_hook_and_right() {
    let (mut shown, mut real) = (first_cells("Hooks"), items("wit/about.wit", "enum hook"));
    shown.sort();
    real.sort();
    assert_eq!(shown, real);
    assert_eq!(first_cells("Rights"), items("wit/about.wit", "variant right"));
}

#[test]
fn it_has_every_limit_and_its_default() {
    let scratch = Scratch::new();
    scratch.write("xqute.toml", "[plugins.x.limits]\nnothing-like-it = 1\n");
    let output = scratch.run(["--", "true"]).exits(2);
    let (_, known) = output.stderr.split_once("known are ").unwrap();
    let mut known: Vec<&str> = known.lines().next().unwrap().split(", ").collect();
    let mut shown = first_cells("Limits");
    known.sort_unstable();
    shown.sort();
    assert_eq!(shown, known);
}

#[test]
fn it_has_every_command_about_plugins() {
    let guide = guide();
    let help = Scratch::new().xqute(["plugin", "--help"]).run().exits(0).stdout;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let names = commands
        .lines()
        .take_while(|line| line.starts_with("  "))
        .filter(|line| !line.starts_with("   "));
    for name in names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "list")
    {
        assert!(
            guide.contains(&format!("`xqute plugin {name} ")),
            "{name} is not in the guide"
        );
    }
}
