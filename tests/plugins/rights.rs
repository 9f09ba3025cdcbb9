//! What a plugin may do: what it asks for and the user grants. A refusal names the flag.

use xqute_tests::{Output, Scratch, built, plugin};

/// A copy of a plugin, so that it does not count as one that came with xqute.
fn stranger(scratch: &Scratch, name: &str) -> String {
    let file = format!("{name}.wasm");
    scratch.write(&file, std::fs::read(plugin(name)).unwrap());
    file
}

fn run(name: &str, flags: &[&str], args: &[&str]) -> (Scratch, Output) {
    let scratch = Scratch::new();
    let file = stranger(&scratch, name);
    let output = scratch
        .xqute(["--plugin", &file])
        .args(flags)
        .args(["run"])
        .args(args)
        .args(["--", "touch", "ran"])
        .run();
    (scratch, output)
}

#[test]
fn bash_in_scripts_has_to_be_allowed() {
    let (scratch, output) = run("journal", &[], &[]);
    output.exits(3).says("plugin journal").says("--allow journal:script");
    assert!(!scratch.has("ran"));
    let (scratch, output) = run("journal", &["--allow", "journal:script"], &[]);
    output.exits(0);
    assert!(scratch.has("ran"));
}

#[test]
fn programs_have_to_be_allowed() {
    let flags = ["--allow", "slurm:script", "--allow", "slurm:run=squeue,scancel"];
    let (_scratch, output) = run("slurm", &flags, &["-s", "slurm"]);
    output.says("--allow 'slurm:run=sbatch,").says("1 failed");
}

#[test]
fn arguments_can_be_narrowed_down() {
    let flags = |sbatch: &str| {
        let sbatch = format!("slurm:run=squeue,scancel,{sbatch}");
        ["--allow", "slurm:script", "--allow", &sbatch].map(str::to_owned)
    };
    let narrow = flags("sbatch --no-such-flag=* ...");
    let narrow: Vec<&str> = narrow.iter().map(String::as_str).collect();
    let (_scratch, output) = run("slurm", &narrow, &["-s", "slurm"]);
    output
        .says("was not allowed to run `sbatch ")
        .says("`--allow 'slurm:run=sbatch,")
        .says("would allow it")
        .says("1 failed");
    for (malformed, why) in [
        ("sbatch  -x", "exactly one space"),
        ("/usr/bin/sbatch", "not the name of a program"),
        ("sbatch ... -x", "only be the last word"),
    ] {
        let malformed = flags(malformed);
        let malformed: Vec<&str> = malformed.iter().map(String::as_str).collect();
        let (_scratch, output) = run("slurm", &malformed, &["-s", "slurm"]);
        output.exits(2).says(why);
    }
}

#[test]
fn a_granted_folder_must_be_there() {
    let scratch = Scratch::new();
    let file = stranger(&scratch, "wasi_hello");
    // The plugin asks for /etc; less than that may be granted, but it has to exist.
    let flags = ["--plugin", &file, "--allow", "wasi-hello:read=/etc/no-such-folder"];
    let output = scratch.xqute(flags).args(["run", "--", "touch", "ran"]).run();
    output
        .exits(3)
        .says("plugin wasi-hello may use the folder /etc/no-such-folder")
        .says("No such file or directory")
        .says("create it");
    assert!(!scratch.has("ran"));
}

#[test]
fn a_scheduler_without_any_right_is_refused_before_anything_runs() {
    let (scratch, output) = run("slurm", &[], &["-s", "slurm"]);
    output.exits(3).says("plugin slurm").says("--allow slurm:script");
    assert!(!scratch.has(".xqute/0"));
}

#[test]
fn a_refusal_names_all_flags_that_are_missing() {
    let (scratch, output) = run("slurm", &[], &["-s", "slurm"]);
    let output = output.exits(3);
    let (_, flags) = output.stderr.split_once("allow it with `").unwrap();
    let (flags, _) = flags.split_once('`').unwrap();
    for program in ["sbatch", "squeue", "scancel"] {
        assert!(flags.contains(program), "{program} is not in {flags}");
    }
    // They are typed as they stand there, quotes included.
    let typed = format!("\"$0\" {flags} plugin inspect slurm.wasm");
    let bash = scratch.program("/bin/bash".as_ref());
    let said = bash
        .args(["-c".as_ref(), typed.as_ref(), built::xqute().as_os_str()])
        .run()
        .exits(0)
        .stdout;
    assert!(!said.contains("denied"), "{flags}\n{said}");
}

/// What `plugin inspect` says about the journal that came with xqute, the only right of which is `script`.
fn bundled(flags: &[&str], file: &str) -> String {
    let scratch = Scratch::new();
    scratch.write("xqute.toml", file);
    let xqute = scratch.xqute(flags.iter().copied());
    xqute.args(["plugin", "inspect", "journal"]).run().exits(0).stdout
}

#[test]
fn what_came_with_xqute_may_do_what_it_asks_for_unless_the_user_says_how_much() {
    for (flags, file) in [
        (&["--allow", "journal:script"][..], ""),
        (&["--allow", "journal"], "[plugins.journal]\nallow = false\n"),
        (&[], ""),
        (&[], "[plugins.journal]\nallow = true\n"),
    ] {
        let said = bundled(flags, file);
        assert!(said.contains("  granted  script"), "{flags:?} {file}\n{said}");
    }
    for (flags, file) in [
        (&["--allow", "journal:run=ls"][..], ""),
        (&[], "[plugins.journal]\nallow = false\n"),
        (&[], "[plugins.journal]\nallow = []\n"),
        (&[], "[plugins.journal]\nallow = [\"run=ls\"]\n"),
    ] {
        let said = bundled(flags, file);
        assert!(said.contains("  denied   script"), "{flags:?} {file}\n{said}");
    }
}

#[test]
fn the_configuration_file_can_allow_too() {
    let scratch = Scratch::new();
    let file = stranger(&scratch, "journal");
    scratch.write("xqute.toml", "[plugins.journal]\nallow = [\"script\"]\n");
    scratch.xqute(["--plugin", &file, "run", "--", "true"]).run().exits(0);
    scratch.write("xqute.toml", "[plugins.journal]\nallow = true\n");
    scratch
        .xqute(["--plugin", &file, "run", "--overwrite", "--", "true"])
        .run()
        .exits(0);
}

#[test]
fn files_and_variables_are_out_of_reach_unless_allowed() {
    let see = |flags: &[&str]| {
        let scratch = Scratch::new();
        scratch.configure("wasi-hello", "file = \"/etc/passwd\"", "");
        let file = stranger(&scratch, "wasi_hello");
        scratch
            .xqute(["-v", "--plugin", &file])
            .args(flags)
            .args(["run", "--", "true"])
            .run()
            .exits(0)
    };
    let denied = see(&[]);
    denied
        .says("HOME=(not granted)")
        .says("clock=goes")
        .does_not_say("root:");
    let allowed = see(&["--allow", "wasi-hello:env=HOME", "--allow", "wasi-hello:read=/etc"]);
    allowed.says("HOME=[scratch]/home").says("/etc/passwd=root:");
    see(&["--allow", "wasi-hello"])
        .says("HOME=[scratch]/home")
        .says("root:");
}

#[test]
fn what_is_granted_in_vain_is_said() {
    let (_scratch, output) = run("hello", &["--allow", "hello:run=rm"], &[]);
    output.exits(0).says("run=rm").says("never asks for it");
    let flags = ["--allow", "hello", "--allow", "hello:run=rm"];
    let (_scratch, output) = run("hello", &flags, &[]);
    output.exits(0).says("run=rm").says("never asks for it");
    let bundled = Scratch::new();
    let flags = ["--plugin", "hello", "--allow", "hello:run=rm", "run", "--", "true"];
    bundled
        .xqute(flags)
        .run()
        .exits(0)
        .says("run=rm")
        .says("never asks for it");
}
