//! xqute is killed at random moments, again and again, until a run comes to its end nevertheless.
//!
//! Each variant is killed a dozen times. To kill 200 times in all: `XQUTE_KILLS=200 cargo test --release --test resume
//! kill_nine`. The seed is printed; `XQUTE_SEED=N` uses it again, but what else the machine does is not repeated by it.

use std::{
    collections::BTreeMap,
    env, thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use xqute_tests::{Output, Scratch, machine, machine::Disk};

use crate::host::{is_sound, kill, starts, succeeded};

const JOBS: u32 = 60;
const VARIANTS: u32 = 4;

/// Each leaves a line in a file of its own, which tells the attempt, and one in the log.
const JOB: &str = "echo \"$XQUTE_JOB_ATTEMPT\" >> \"ran.$XQUTE_JOB_INDEX\"; echo \"$XQUTE_JOB_INDEX\" >> log";

fn kills() -> u32 {
    let all = env::var("XQUTE_KILLS").ok().map(|kills| kills.parse::<u32>().unwrap());
    all.map_or(12, |all| all.div_ceil(VARIANTS))
}

/// Random numbers: splitmix64.
struct Dice(u64);

impl Dice {
    fn new(variant: u64) -> Self {
        let seed = match env::var("XQUTE_SEED") {
            Ok(seed) => seed.parse().unwrap(),
            Err(_) => u64::from(std::process::id()) << 8 | variant,
        };
        println!("XQUTE_SEED={seed}");
        Self(seed)
    }

    /// A moment before `end`.
    fn moment(&mut self, end: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        end * u32::try_from((mixed ^ (mixed >> 31)) >> 44).unwrap() / (1 << 20)
    }
}

/// How a run is started, and gone on with.
struct Variant {
    jobs: String,
    args: &'static [&'static str],
    resume: &'static str,
}

impl Variant {
    fn new(job: &str, args: &'static [&'static str]) -> Self {
        let jobs = format!("{job}\n").repeat(JOBS.try_into().unwrap());
        let resume = "--resume";
        Self { jobs, args, resume }
    }

    /// How long a run takes that nobody kills.
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing is expected of the time; it only bounds the dice"
    )]
    fn time(&self) -> Duration {
        let scratch = Scratch::new();
        let start = Instant::now();
        scratch.run_jobs(&self.jobs, self.args).exits(0);
        start.elapsed()
    }

    fn start(&self, scratch: &Scratch) -> xqute_tests::Running {
        let args = ["run", "jobs.txt", "-j", "4", self.resume];
        scratch.xqute(args).args(self.args).start()
    }
}

/// What was recorded as done, and must not change any more: the record, and how often the job ran.
#[derive(Default)]
struct Sealed(BTreeMap<u64, (Value, usize)>);

impl Sealed {
    /// Looks at a run whose process is dead.
    fn check(&mut self, scratch: &Scratch) {
        let state = scratch.path(".xqute/run.db");
        if !state.exists() {
            assert!(self.0.is_empty());
            return;
        }
        is_sound(&state);
        let now = succeeded(scratch);
        for (job, (record, ran)) in &self.0 {
            assert_eq!(now.get(job), Some(record));
            assert_eq!(
                starts(scratch, u32::try_from(*job).unwrap()),
                *ran,
                "job {job} ran again"
            );
        }
        for (job, record) in now {
            let ran = starts(scratch, u32::try_from(job).unwrap());
            assert!(ran > 0, "job {job} is recorded as done but never ran: {record}");
            scratch.job(u32::try_from(job).unwrap()).ended(0);
            self.0.insert(job, (record, ran));
        }
    }
}

/// Kills it until `kills` are used up or it comes to its end, which is returned.
fn kill_often(
    variant: &Variant,
    scratch: &Scratch,
    sealed: &mut Sealed,
    (dice, longest, kills): (&mut Dice, Duration, &mut u32),
) -> Option<Output> {
    while *kills > 0 {
        let mut running = variant.start(scratch);
        thread::sleep(dice.moment(longest));
        if running.has_ended() {
            return Some(running.wait());
        }
        kill(running);
        *kills -= 1;
        sealed.check(scratch);
    }
    None
}

/// Kills runs of this variant; each is gone on with until it is over.
fn play(variant: &Variant, number: u64, check: impl Fn(&Scratch, u32)) {
    let (mut dice, longest, mut kills) = (Dice::new(number), variant.time(), kills());
    while kills > 0 {
        let (scratch, mut sealed) = (Scratch::new(), Sealed::default());
        scratch.write("jobs.txt", &variant.jobs);
        let game = (&mut dice, longest, &mut kills);
        let output = kill_often(variant, &scratch, &mut sealed, game);
        output.unwrap_or_else(|| variant.start(&scratch).wait()).exits(0);
        sealed.check(&scratch);
        assert_eq!(sealed.0.len(), usize::try_from(JOBS).unwrap());
        (0..JOBS).for_each(|job| check(&scratch, job));
    }
}

/// The attempts that ran, in the order of their starts.
fn attempts(scratch: &Scratch, job: u32) -> Vec<u32> {
    let text = scratch.read(format!("ran.{job}"));
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// No attempt ran twice.
fn each_once(attempts: &[u32]) {
    assert!(attempts.is_sorted_by(|one, next| one < next), "{attempts:?}");
}

#[test]
fn direct_jobs() {
    // How a job without a script ended that ended unseen is not known, so it gets another attempt.
    play(&Variant::new(JOB, &[]), 0, |scratch, job| {
        each_once(&attempts(scratch, job));
    });
}

#[test]
fn jobs_with_scripts() {
    let variant = Variant::new(JOB, &["--wrapper", "always"]);
    play(&variant, 1, |scratch, job| {
        assert_eq!(attempts(scratch, job).len(), 1, "job {job}");
    });
}

#[test]
fn jobs_that_fail_once() {
    let job = format!("{JOB}; [ $XQUTE_JOB_ATTEMPT -gt 1 ]");
    let args = &["--wrapper", "always", "-e", "retry", "-r", "1"];
    play(&Variant::new(&job, args), 2, |scratch, job| {
        let attempts = attempts(scratch, job);
        each_once(&attempts);
        assert!(attempts.len() <= 2, "job {job}: {attempts:?}");
    });
}

#[test]
fn jobs_on_a_full_disk() {
    if !machine::is_root() {
        return machine::skip("jobs_on_a_full_disk", "mounting a small disk needs root");
    }
    let variant = Variant {
        resume: "--resume-failed",
        ..Variant::new(&format!("head -c 64K /dev/zero && {{ {JOB}; }}"), &[])
    };
    let (mut dice, longest, mut kills) = (Dice::new(3), variant.time(), kills());
    while kills > 0 {
        let (scratch, mut sealed) = (Scratch::new(), Sealed::default());
        scratch.write("jobs.txt", &variant.jobs);
        let disk = Disk::mount(&scratch.path(".xqute"), "size=2500k");
        let mut first = kills.min(6);
        kills -= first;
        while first > 0 {
            let game = (&mut dice, longest, &mut first);
            // What failed for want of space may have been all that was left to do; that counts like a kill.
            if kill_often(&variant, &scratch, &mut sealed, game).is_some() {
                first -= 1;
            }
        }
        assert!(sealed.0.len() < usize::try_from(JOBS).unwrap(), "the disk is too large");
        disk.resize("64m");
        let game = (&mut dice, longest, &mut kills);
        drop(kill_often(&variant, &scratch, &mut sealed, game));
        // What had failed on the full disk, but was not recorded there, is known to have failed after the first of these.
        variant.start(&scratch).wait();
        variant.start(&scratch).wait().exits(0);
        sealed.check(&scratch);
        assert_eq!(sealed.0.len(), usize::try_from(JOBS).unwrap());
    }
}
