//! Lists what there is (plugins, guests, subcommands, hooks, test files) and looks for each in the tests. Who adds one and
//! no test for it fails here.

use std::{
    fs,
    path::{Path, PathBuf},
};

use xqute_tests::{Scratch, built};

fn rust_files(dir: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // The sources of plugins are no tests.
            if !path.join("Cargo.toml").exists() {
                rust_files(&path, all);
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            all.push(path);
        }
    }
}

/// The text of all end-to-end tests but this one.
fn tests() -> String {
    let mut files = Vec::new();
    for subject in [
        "run",
        "reports",
        "control",
        "resume",
        "signals",
        "bad_input",
        "plugins",
        "languages",
        "hostile",
        "slurm",
        "sge",
        "ssh",
        "container",
        "gbatch",
        "conformance",
        "stores",
        "library",
    ] {
        rust_files(&built::repository().join("tests").join(subject), &mut files);
    }
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

fn folders(place: &str) -> Vec<String> {
    let entries = fs::read_dir(built::repository().join(place))
        .unwrap()
        .map(|entry| entry.unwrap());
    let manifests = ["Cargo.toml", "pyproject.toml", "package.json"];
    let folders = entries.filter(|entry| manifests.iter().any(|manifest| entry.path().join(manifest).exists()));
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[test]
fn every_plugin_and_guest() {
    let tests = tests();
    for name in [folders("plugins"), folders("tests/guests"), folders("tests/languages")].concat() {
        assert!(tests.contains(&format!("\"{name}\"")), "no test uses the plugin {name}");
    }
}

#[test]
fn every_hostile_plugin() {
    let (tests, mut files) = (tests(), Vec::new());
    rust_files(&built::repository().join("tests/hostile/guests/examples"), &mut files);
    assert!(files.len() > 40, "{files:?}");
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let named = [format!("\"{name}\""), format!("\"hostile/{name}\"")];
        assert!(
            named.iter().any(|name| tests.contains(name)),
            "no test uses the hostile plugin {name}"
        );
    }
}

#[test]
fn every_hook() {
    let tests = tests();
    let about = fs::read_to_string(built::repository().join("wit/about.wit")).unwrap();
    let (_, hooks) = about.split_once("enum hook {").unwrap();
    let (hooks, _) = hooks.split_once('}').unwrap();
    let names = hooks
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("///"));
    let names: Vec<_> = names
        .map(|line| format!("on_{}", line.trim_end_matches(',').replace('-', "_")))
        .collect();
    assert_eq!(names.len(), 15);
    for name in names {
        assert!(tests.contains(&format!("\"{name}\"")), "no test names the hook {name}");
    }
}

/// The commands in a page of `--help`.
fn commands(scratch: &Scratch, of: &[&str]) -> Vec<String> {
    let help = scratch
        .xqute(of.iter().copied().chain(["--help"]))
        .run()
        .exits(0)
        .stdout;
    let Some((_, commands)) = help.split_once("Commands:\n") else {
        return Vec::new();
    };
    let lines = commands.lines().take_while(|line| line.starts_with("  "));
    let names = lines
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

#[test]
fn every_command() {
    let (scratch, tests) = (Scratch::new(), tests());
    let top = commands(&scratch, &[]);
    assert!(top.contains(&"run".to_owned()), "{top:?}");
    for command in top {
        assert!(
            tests.contains(&format!("\"{command}\"")),
            "no test uses `xqute {command}`"
        );
        for inner in commands(&scratch, &[&command]) {
            let typed = format!("\"{command}\", \"{inner}\"");
            assert!(tests.contains(&typed), "no test uses `xqute {command} {inner}`");
        }
    }
}

#[test]
fn every_flag_of_run() {
    let (scratch, tests) = (Scratch::new(), tests());
    let help = scratch.xqute(["run", "--help"]).run().exits(0).stdout;
    let (_, flags) = help.split_once("Options:").unwrap();
    for line in flags.lines().map(str::trim_start).filter(|line| line.starts_with('-')) {
        // A line like `-s, --scheduler <NAME>`: either spelling will do.
        let spellings: Vec<_> = line
            .split([' ', ',', '.'])
            .filter(|word| word.starts_with('-'))
            .collect();
        let used = spellings.iter().any(|flag| tests.contains(&format!("\"{flag}\"")));
        assert!(
            used || ["-h", "-V"].contains(&spellings[0]),
            "no test uses the flag {line}"
        );
    }
}

#[test]
fn every_test_file() {
    let top = built::repository().join("tests");
    let manifest = fs::read_to_string(top.join("Cargo.toml")).unwrap();
    let subjects = fs::read_dir(&top).unwrap().map(|entry| entry.unwrap().path());
    for main in subjects
        .map(|subject| subject.join("main.rs"))
        .filter(|main| main.exists())
    {
        let name = main.strip_prefix(&top).unwrap().display().to_string();
        assert!(
            manifest.contains(&format!("path = \"{name}\"")),
            "{name} is not in tests/Cargo.toml"
        );
        let text = fs::read_to_string(&main).unwrap();
        let mut files = Vec::new();
        rust_files(main.parent().unwrap(), &mut files);
        for file in files.iter().filter(|file| !file.ends_with("main.rs")) {
            let module = format!("mod {};", file.file_stem().unwrap().to_str().unwrap());
            assert!(text.contains(&module), "{} is not in {name}", file.display());
        }
    }
}
