//! A million jobs through a scheduler that does nothing: what xqute itself costs, and how a big run is resumed.
//!
//! ```text
//! scale run JOBS         all jobs to their end
//! scale wait JOBS        all jobs wait: how much memory they take
//! scale half JOBS DIR    the first half to its end, then the process is gone
//! scale resume JOBS DIR  goes on with that, until the first submission
//! scale latency JOBS DIR real jobs on this machine: how long after its last act each is recorded as ended
//! ```
//!
//! Prints one line of JSON. `cargo xtask bench` runs it and compares.

use std::{
    error::Error,
    fs,
    num::NonZeroU32,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use xqute::{
    Builder, JobSpec, Settings, Xqute,
    adapters::{clock::Clock, workdir::Existing},
    model::{
        options::Options,
        outcome::{Observation, Outcome},
        record::{Change, Entry, Usage},
        run::{BackendJobId, JobAttempt, JobRef},
    },
    ports::journal::Listener,
    ports::scheduler::{CallError, Cancel, Preparation, Scheduler, Watching, Wrapping},
};

/// Every job ends at once, until enough of them have.
struct Nothing {
    left: AtomicU32,
    then: Then,
}

#[derive(Clone, Copy)]
enum Then {
    /// The others never end.
    Hang,
    /// The process is gone without a word.
    Die,
    /// The time has come.
    Tell(Clock),
}

#[async_trait]
impl Scheduler for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }

    fn watching(&self) -> Watching {
        Watching::Wait
    }

    fn preparation(&self) -> Preparation {
        Preparation::Nothing
    }

    fn check_options(&self, _: &Options) -> Result<(), CallError> {
        Ok(())
    }

    async fn wrap(&self, jobs: &[JobAttempt]) -> Vec<Result<Wrapping, CallError>> {
        jobs.iter().map(|_| Ok(Wrapping::default())).collect()
    }

    async fn submit(&self, jobs: &[JobAttempt]) -> Vec<Result<BackendJobId, CallError>> {
        if let Then::Tell(since) = self.then {
            tell(&format!("{{\"seconds\": {}}}", since.elapsed().as_secs_f64()));
            std::process::exit(0);
        }
        jobs.iter().map(|job| Ok(job.job.to_string().into())).collect()
    }

    async fn poll(&self, jobs: &[JobRef]) -> Result<Vec<Observation>, CallError> {
        Ok(jobs.iter().map(|_| Observation::Running).collect())
    }

    async fn wait(&self, _: &JobRef) -> (Observation, Option<Usage>) {
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        match (left, self.then) {
            (Ok(_), _) => (Observation::Ended(Outcome::Succeeded), None),
            (Err(_), Then::Die) => {
                // Long enough for what has ended to be recorded.
                tokio::time::sleep(Duration::from_secs(1)).await;
                std::process::exit(0)
            }
            (Err(_), Then::Hang | Then::Tell(_)) => std::future::pending().await,
        }
    }

    async fn find(&self) -> Result<Vec<JobRef>, CallError> {
        Ok(Vec::new())
    }

    async fn cancel(&self, jobs: &[JobRef], _: Cancel) -> Vec<Result<(), CallError>> {
        jobs.iter().map(|_| Ok(())).collect()
    }
}

fn builder(dir: &Path, ending: u32, then: Then) -> Builder {
    let settings = Settings {
        forks: NonZeroU32::new(64).unwrap_or(NonZeroU32::MIN),
        submission_batch: NonZeroU32::new(64),
        ..Settings::default()
    };
    let scheduler = Nothing {
        left: AtomicU32::new(ending),
        then,
    };
    Xqute::builder()
        .settings(settings)
        .own_scheduler(Arc::new(scheduler))
        .workdir(dir.to_string_lossy())
}

fn jobs(count: u32) -> Vec<JobSpec> {
    (0..count)
        .map(|job| format!("gzip -k sample-{job}.txt").as_str().into())
        .collect()
}

/// Memory that this process has resident, in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

#[expect(clippy::print_stdout, reason = "it is what this program is for")]
fn tell(line: &str) {
    println!("{line}");
}

/// Notes when the end of each job was recorded.
struct Notes(Clock, Arc<Mutex<Vec<(u32, i64)>>>);

impl Listener for Notes {
    fn recorded(&mut self, entries: &[Entry]) {
        let now = self.0.timestamp().0;
        let ended = |entry: &&Entry| matches!(entry.change, Change::Ended { .. });
        let ended = entries.iter().filter(ended).map(|entry| (entry.job.0, now));
        self.1.lock().unwrap_or_else(PoisonError::into_inner).extend(ended);
    }
}

async fn latency(count: u32, dir: &Path) -> Result<(), Box<dyn Error>> {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let settings = Settings {
        forks: NonZeroU32::new(4).unwrap_or(NonZeroU32::MIN),
        ..Settings::default()
    };
    let builder = Xqute::builder()
        .settings(settings)
        .workdir(dir.to_string_lossy())
        .existing(Existing::Overwrite)
        .listener(Notes(Clock::start(), notes.clone()));
    // A job's last act is to say what time it is, in microseconds.
    let jobs = (0..count).map(|_| "printf %s ${EPOCHREALTIME/./}".into()).collect();
    builder.jobs(jobs).build().await?.run_until_complete().await;
    let mut delays = Vec::new();
    for (job, recorded) in notes.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let said: i64 = fs::read_to_string(dir.join(job.to_string()).join("job.stdout"))?.parse()?;
        delays.push(recorded - said);
    }
    delays.sort_unstable();
    let at = |part: usize| {
        delays
            .get(delays.len().saturating_sub(1) * part / 100)
            .copied()
            .unwrap_or(0)
    };
    let milliseconds = |micros: i64| Duration::from_micros(micros.unsigned_abs()).as_secs_f64() * 1000.0;
    let (median, late) = (milliseconds(at(50)), milliseconds(at(99)));
    tell(&format!("{{\"median_ms\": {median}, \"p99_ms\": {late}}}"));
    Ok(())
}

/// Leaves a run of which the first half is done, with the directories that its jobs would have.
async fn half(count: u32, dir: &Path) -> Result<(), Box<dyn Error>> {
    let aside = dir.with_extension("jobs");
    for job in 0..count / 2 {
        fs::create_dir_all(aside.join(job.to_string()))?;
    }
    let xqute = builder(dir, count / 2, Then::Die).jobs(jobs(count)).build().await?;
    for entry in fs::read_dir(&aside)? {
        let entry = entry?;
        fs::rename(entry.path(), dir.join(entry.file_name()))?;
    }
    xqute.run_until_complete().await;
    Ok(())
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let temp = std::env::temp_dir().join(format!("xqute-scale-{}", std::process::id()));
    match *args.as_slice() {
        ["run", count] => {
            let begun = Clock::start();
            let count = count.parse()?;
            let xqute = builder(&temp, count, Then::Hang).jobs(jobs(count)).build().await?;
            let summary = xqute.run_until_complete().await;
            let seconds = begun.elapsed().as_secs_f64();
            tell(&format!(
                "{{\"seconds\": {seconds}, \"done\": {}}}",
                summary.counts.succeeded
            ));
        }
        ["wait", count] => {
            let count = count.parse()?;
            let before = resident();
            let xqute = builder(&temp, 0, Then::Hang).build().await?;
            let live = xqute.keep_feeding();
            // As a pipe does it: the caller keeps nothing.
            let mut last = None;
            for job in 0..count {
                last = Some(live.feed(format!("gzip -k sample-{job}.txt").as_str())?);
            }
            if let Some(last) = last {
                live.feeder().recorded(last).await;
            }
            let more = resident().saturating_sub(before);
            tell(&format!("{{\"bytes\": {}}}", more / u64::from(u32::max(count, 1))));
        }
        ["half", count, dir] => half(count.parse()?, Path::new(dir)).await?,
        ["resume", count, dir] => {
            let begun = Clock::start();
            let then = Then::Tell(begun);
            let builder = builder(Path::new(dir), 0, then).existing(Existing::Resume);
            let xqute = builder.jobs(jobs(count.parse()?)).build().await?;
            xqute.run_until_complete().await;
        }
        ["latency", count, dir] => latency(count.parse()?, Path::new(dir)).await?,
        _ => {
            return Err(
                "usage: scale run JOBS | wait JOBS | half JOBS DIR | resume JOBS DIR | latency JOBS DIR".into(),
            );
        }
    }
    fs::remove_dir_all(&temp).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    Ok(())
}
