//! How fast jobs go through bash: a bare loop beside the local scheduler with its workdir and scripts, in turn, in one
//! program. `cargo bench -p xqute --bench yardstick [-- JOBS [ROUNDS]]`

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and ends when something is wrong"
)]

#[path = "yardstick/bare.rs"]
mod bare;

use std::{path::Path, sync::Arc, time::Duration};

use camino::Utf8Path;
use tokio::task::JoinSet;
use xqute::{
    adapters::{
        clock::Clock,
        local::LocalScheduler,
        workdir::{Existing, Workdir, script},
    },
    model::{
        hook::Snippets,
        job::{Attempt, JobIndex, JobSpec},
        outcome::{Observation, Outcome},
        run::{JobRef, Run},
        settings::Settings,
    },
    ports::scheduler::{Scheduler, Wrapping},
};

const COMMAND: &str = "true";
const IN_FLIGHT: usize = 4;

/// What every job of ours goes through.
struct House {
    run: Run,
    workdir: Workdir,
    scheduler: LocalScheduler,
}

impl House {
    fn open(dir: &Path) -> Self {
        let path = Utf8Path::from_path(dir).unwrap();
        let settings = Settings::default();
        let workdir = Workdir::open(path, None, Existing::Refuse).unwrap();
        Self {
            scheduler: LocalScheduler::new(settings.wrapper_shell.clone(), settings.kill_grace, None),
            run: Run {
                tag: "0".repeat(16),
                workdir: workdir.path().clone(),
                scheduler: "local".to_owned(),
                settings,
            },
            workdir,
        }
    }

    async fn job(&self, index: u32, spec: Arc<JobSpec>) {
        let attempt = self.run.attempt(JobIndex(index), Attempt::FIRST, spec);
        let script = script::render(&attempt, &self.run, &Wrapping::default(), &Snippets::default()).unwrap();
        self.workdir.prepare(&attempt, &script).unwrap();
        let id = self
            .scheduler
            .submit(std::slice::from_ref(&attempt))
            .await
            .remove(0)
            .unwrap();
        let job = JobRef {
            job: attempt.job,
            attempt: attempt.attempt,
            id,
        };
        self.workdir.record_id(&job).unwrap();
        assert_eq!(self.scheduler.wait(&job).await, Observation::Ended(Outcome::Succeeded));
        assert_eq!(self.workdir.reported_rc(job.job), Some(0));
        self.workdir.record_outcome(job.job, &Outcome::Succeeded).unwrap();
    }
}

async fn ours(dir: &Path, jobs: u32) {
    let house = Arc::new(House::open(dir));
    let spec = Arc::new(JobSpec::from(COMMAND));
    let mut running = JoinSet::new();
    for index in 0..jobs {
        if running.len() == IN_FLIGHT {
            running.join_next().await.unwrap().unwrap();
        }
        let (house, spec) = (Arc::clone(&house), Arc::clone(&spec));
        running.spawn(async move { house.job(index, spec).await });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

/// Wall time and processor time, of this process and of the programs that it ran.
struct Cost {
    wall: Duration,
    own: Duration,
    children: Duration,
}

fn measured(dir: &tempfile::TempDir, work: impl FnOnce(&Path)) -> Cost {
    let (clock, before) = (Clock::start(), cpu());
    work(dir.path());
    let (wall, after) = (clock.elapsed(), cpu());
    Cost {
        wall,
        own: after.0 - before.0,
        children: after.1 - before.1,
    }
}

/// From `/proc/self/stat`, in ticks of 10 ms: user and system time, then those of reaped children.
fn cpu() -> (Duration, Duration) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<u64>().unwrap() + fields[at + 1].parse::<u64>().unwrap();
    (
        Duration::from_millis(10 * ticks(11)),
        Duration::from_millis(10 * ticks(13)),
    )
}

fn main() {
    let mut numbers = std::env::args().filter_map(|arg| arg.parse::<u32>().ok());
    let (jobs, rounds) = (numbers.next().unwrap_or(2000), numbers.next().unwrap_or(3));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut ratios = Vec::new();
    println!("{jobs} x `{COMMAND}`, {IN_FLIGHT} in flight");
    // Nothing is removed before the end: some file systems are slow to make files where others were just removed.
    let dirs: Vec<_> = (0..2 * rounds).map(|_| tempfile::tempdir().unwrap()).collect();
    for dirs in dirs.chunks_exact(2) {
        let bare = measured(&dirs[0], |dir| bare::run(dir, COMMAND, jobs as usize, IN_FLIGHT));
        let ours = measured(&dirs[1], |dir| runtime.block_on(ours(dir, jobs)));
        for (name, cost) in [("bare", &bare), ("ours", &ours)] {
            let per_job = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(jobs);
            let rate = f64::from(jobs) / cost.wall.as_secs_f64();
            let (own, children) = (per_job(cost.own), per_job(cost.children));
            println!("{name}  {rate:6.0} jobs/s   per job: {own:4.0} us of processor here, {children:5.0} us in bash");
        }
        ratios.push(bare.wall.as_secs_f64() / ours.wall.as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    println!("ratio {:.2} (median of {rounds})", ratios[ratios.len() / 2]);
}
