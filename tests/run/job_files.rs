//! Where jobs come from.

use xqute_tests::Scratch;

#[test]
fn blank_lines_and_comments_are_skipped() {
    let scratch = Scratch::new();
    scratch
        .run_jobs("# a comment\n\n  \n  # another\necho 'a # b' # c\n", [""; 0])
        .exits(0);
    assert_eq!(scratch.job(0).stdout(), "a # b\n");
    assert!(!scratch.job(1).exists());
}

#[test]
fn files_are_read_in_order_and_a_command_comes_last() {
    let scratch = Scratch::new();
    scratch.write("a.txt", "echo 1\necho 2");
    scratch.write("b.jsonl", "{\"cmd\": [\"echo\", \"3\"]}\n");
    scratch
        .xqute(["run", "a.txt", "-", "b.jsonl", "--", "echo", "5"])
        .stdin("echo in\n")
        .run()
        .exits(0);
    for (index, word) in ["1", "2", "in", "3", "5"].iter().enumerate() {
        assert_eq!(scratch.job(index.try_into().unwrap()).stdout(), format!("{word}\n"));
    }
}

#[test]
fn a_file_without_jobs_is_a_run_without_jobs() {
    let scratch = Scratch::new();
    scratch.run_jobs("# nothing yet\n", [""; 0]).exits(0);
}

#[test]
fn objects_say_all_there_is_to_say() {
    let scratch = Scratch::new();
    let list =
        r#"{"cmd": ["printf", "%s", "$HOME it's\n"], "name": "list", "env": {"X": "1"}, "cwd": "/", "timeout": "1h"}"#;
    let line = r#"{"cmd": "echo $X | tr 2 3; pwd", "env": {"X": "2"}, "cwd": "/", "timeout": 60, "num_retries": 1, "opts": {}}"#;
    scratch.write("jobs.jsonl", format!("{list}\n\n{line}\n"));
    scratch.run(["jobs.jsonl"]).exits(0);
    assert_eq!(scratch.job(0).stdout(), "$HOME it's\n");
    assert_eq!(scratch.job(1).stdout(), "3\n/\n");
}

#[test]
fn standard_input_may_hold_objects_too() {
    let scratch = Scratch::new();
    scratch
        .xqute(["run", "-"])
        .stdin("{\"cmd\": [\"echo\", \"a  b\"]}\n")
        .run()
        .exits(0);
    assert_eq!(scratch.job(0).stdout(), "a  b\n");
}

#[test]
fn lines_need_not_be_utf8() {
    let scratch = Scratch::new();
    let file = scratch.write("jobs.txt", b"printf %s '\xff\xfe \xc3('\n");
    scratch.xqute(["run"]).args([file]).run().exits(0);
    assert_eq!(scratch.job(0).bytes("job.stdout"), b"\xff\xfe \xc3(");
}

#[test]
fn a_thousand_jobs_are_a_thousand_results() {
    let scratch = Scratch::new();
    let jobs: String = (0..1000)
        .map(|number| format!("echo $(({number} * {number}))\n"))
        .collect();
    scratch.run_jobs(&jobs, ["-j", "4"]).exits(0);
    for number in 0..1000 {
        assert_eq!(scratch.job(number).ended(0).stdout(), format!("{}\n", number * number));
    }
}
