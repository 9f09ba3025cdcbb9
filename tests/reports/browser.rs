//! The page in a real browser, Chromium: that its script runs, and that nothing of a job's does. Without Chromium these tests
//! say loudly that they were skipped, and fail where `CI` is `true`.

use std::{env, path::PathBuf};

use xqute_tests::{Output, Scratch, machine::skip};

fn chromium() -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    let mut programs = env::split_paths(&folders).flat_map(|dir| [dir.join("chromium"), dir.join("chromium-browser")]);
    programs.find(|program| program.is_file())
}

/// Opens a page, and returns what it has become. `None` if there is no browser.
fn open(test: &str, scratch: &Scratch, page: &str) -> Option<Output> {
    let Some(chromium) = chromium() else {
        skip(test, "there is no Chromium; install Debian's package chromium");
        return None;
    };
    let path = scratch
        .path(page)
        .to_str()
        .unwrap()
        .replace(' ', "%20")
        .replace('\'', "%27");
    let flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--enable-logging=stderr",
        "--v=0",
    ];
    let browser = scratch
        .program(&chromium)
        .args(flags)
        .args(["--dump-dom", &format!("file://{path}")]);
    Some(browser.run().exits(0))
}

/// The page's own script came to its end, and nothing was complained about.
fn is_well(output: &Output) {
    assert!(output.stdout.contains("data-ready=\"yes\""), "{}", output.stdout);
    assert!(!output.stderr.contains("CONSOLE"), "{}", output.stderr);
}

#[test]
fn the_script_of_the_page_runs() {
    let scratch = Scratch::new();
    scratch.run_jobs("true\nfalse\ntrue\n", ["--report", "r.html"]).exits(1);
    if let Some(output) = open("the_script_of_the_page_runs", &scratch, "r.html") {
        is_well(&output);
    }
}

#[test]
fn nothing_of_a_job_acts_on_the_page() {
    let scratch = Scratch::new();
    let nasty =
        "</script></title></pre><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">'";
    let job = serde_json::json!({"cmd": ["sh", "-c", "echo \"$1\" >&2; exit 1", "sh", nasty], "name": nasty});
    scratch.write("jobs.jsonl", format!("{job}\n"));
    scratch.run(["--report", "r.html", "jobs.jsonl"]).exits(1);
    if let Some(output) = open("nothing_of_a_job_acts_on_the_page", &scratch, "r.html") {
        is_well(&output);
        assert!(
            output.stdout.contains("<title>1 job on local</title>"),
            "{}",
            output.stdout
        );
        assert!(!output.stdout.contains("<img"), "{}", output.stdout);
    }
}

#[test]
fn a_run_of_nothing_has_a_page() {
    let scratch = Scratch::new();
    scratch.run_jobs("# nothing\n", ["--report", "r.html"]).exits(0);
    if let Some(output) = open("a_run_of_nothing_has_a_page", &scratch, "r.html") {
        is_well(&output);
        assert!(output.stdout.contains("Nothing was run."), "{}", output.stdout);
    }
}

/// What a reader does with the page, done by a script that the page itself would not let in.
const READER: &str = r##"<script>
const move = (chart, across, down) => {
  const svg = document.querySelector(chart + " svg"), box = svg.getBoundingClientRect();
  const [clientX, clientY] = [box.left + box.width * across, box.top + box.height * down];
  svg.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY, bubbles: true }));
  return document.getElementById("tip").innerText;
};
const seen = [move("#bars", 0.5, 0.25), move("#bars", 0.5, 0.75), move("#curve", 0.5, 0.5)];
const job = () => document.querySelector("table.sortable tbody td").textContent;
const sorted = [1, 2].map(() => {
  document.querySelector("table.sortable th button").click();
  return job();
});
document.body.append("SEEN " + JSON.stringify({ seen, sorted }) + " END");
</script>"##;

#[test]
fn the_page_answers_its_reader() {
    let scratch = Scratch::new();
    // However slow the machine is, the other job is over when the first one is half through.
    let jobs = "until [[ -e over ]]; do sleep 0.01; done; sleep $((SECONDS + 1))\ntouch over\n";
    scratch
        .run_jobs(jobs, ["--report", "r.html", "-j", "2", "--jobname-prefix", "p"])
        .exits(0);
    let page = scratch.read("r.html");
    let (start, rest) = page.split_once("<meta http-equiv").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    scratch.write("read.html", [start, rest, READER].concat());
    if let Some(output) = open("the_page_answers_its_reader", &scratch, "read.html") {
        let (_, seen) = output.stdout.rsplit_once("SEEN ").unwrap();
        let (seen, _) = seen.split_once(" END").unwrap();
        assert!(
            seen.contains("job 0 · p-0") && seen.contains("succeeded") && seen.contains("until [["),
            "{seen}"
        );
        assert!(seen.contains("1 at once"), "{seen}");
        assert!(seen.contains("\"sorted\":[\"1\",\"0\"]"), "{seen}");
    }
}
