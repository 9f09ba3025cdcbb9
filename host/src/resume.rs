//! Going on with a run that is recorded: compares what was given then with what is given now, and finds out what became
//! of attempts that nobody watched.
//!
//! An attempt leaves its first trace in its job directory, then it runs, then it is recorded. So one that was killed
//! together with its host may be recorded or not, may run or not, and may have left an exit code or not; each of these
//! is found here, and none is started twice.

use std::{collections::HashMap, ops::ControlFlow, sync::Arc};

use crate::{
    adapters::{
        state::{StateError, Store, row::JobRow},
        workdir::{JobDirError, Workdir},
    },
    flow::{engine::book::BadPredecessor, restore::Standing},
    model::{
        job::{Attempt, JobExtras, JobIndex, JobSpec},
        outcome::{CancelReason, FailureCause, Outcome},
        record::Origin,
        run::{BackendJobId, JobRef},
        state::State,
    },
    ports::scheduler::{CallError, Scheduler, Watching},
};

/// What to do about jobs that have failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailedJobs {
    /// They stay as they are.
    #[default]
    Stay,
    /// They get another attempt.
    RunAgain,
}

/// A run as it was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// All jobs, in the order of their indices.
    pub(crate) jobs: Vec<FoundJob>,
    /// Attempts that are not in flight any more, but of which nobody has taken note.
    pub(crate) abandoned: Vec<JobRef>,
    pub(crate) resumed: Resumed,
}

/// A job as it was found.
#[derive(Debug)]
pub(crate) struct FoundJob {
    pub(crate) spec: Arc<JobSpec>,
    pub(crate) attempt: Attempt,
    pub(crate) standing: Standing,
}

/// What a resumed run starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Jobs that are over and stay so.
    pub done: u64,
    /// Jobs that wait for their turn, some of them for another attempt.
    pub waiting: u64,
    /// Jobs that may still run: they are followed to their end.
    pub in_flight: u64,
    /// Jobs that ended, or got lost, while nobody watched.
    pub abandoned: u64,
    /// Jobs that were not there before.
    pub added: u64,
}

/// Compares the jobs that are given now with those that the command gave when the run began. What is left of `given` is
/// new.
///
/// # Errors
/// When a job is not what it was, or is missing; or the state cannot be read.
pub(crate) fn compare(store: &Store, given: &mut Vec<JobSpec>) -> Result<(), ResumeError> {
    if given.is_empty() {
        return Ok(());
    }
    let (mut now, mut recorded, mut changed) = (given.iter(), 0_usize, None);
    store.rows().each_job(None, |row| {
        if row.origin == Origin::Fed {
            return ControlFlow::Continue(());
        }
        match now.next() {
            Some(spec) if *spec != row.spec => {
                changed = Some(Box::new(Changed {
                    place: recorded,
                    index: row.index,
                    what: difference(&row.spec, spec),
                }));
                return ControlFlow::Break(());
            }
            _ => recorded += 1,
        }
        ControlFlow::Continue(())
    })?;
    if let Some(changed) = changed {
        return Err(ResumeError::Changed(changed));
    }
    if recorded > given.len() {
        let given = given.len();
        return Err(ResumeError::Missing { recorded, given });
    }
    given.drain(..recorded);
    Ok(())
}

/// What is different, for people.
fn difference(was: &JobSpec, is: &JobSpec) -> String {
    if was.command != is.command {
        return format!("its command was `{}` and is `{}`", was.command, is.command);
    }
    let (was, is) = (was.extras(), is.extras());
    let JobExtras {
        name,
        env,
        cwd,
        timeout,
        num_retries,
        options,
        priority,
        after,
    } = was;
    let fields = [
        (*name != is.name, "name"),
        (*env != is.env, "env"),
        (*cwd != is.cwd, "cwd"),
        (*timeout != is.timeout, "timeout"),
        (*num_retries != is.num_retries, "num_retries"),
        (*options != is.options, "opts"),
        (*priority != is.priority, "priority"),
        (*after != is.after, "after"),
    ];
    let changed: Vec<_> = fields
        .iter()
        .filter(|(changed, _)| *changed)
        .map(|(_, name)| *name)
        .collect();
    format!("its command is the same, but not its {}", changed.join(", "))
}

/// Finds out where each job stands, and records what was not.
///
/// # Errors
/// When the state, the workdir or the backend cannot be asked.
pub(crate) async fn find(
    store: &Store,
    workdir: &Workdir,
    scheduler: &dyn Scheduler,
    failed: FailedJobs,
) -> Result<Found, ResumeError> {
    let recorded = usize::try_from(store.rows().tally()?.total()).unwrap_or(usize::MAX);
    let started = workdir.job_dirs(recorded).map_err(ResumeError::JobDirs)?;
    let known: HashMap<_, _> = scheduler
        .find()
        .await
        .map_err(ResumeError::Backend)?
        .into_iter()
        .map(|found| ((found.job, found.attempt), found.id))
        .collect();
    let mut judge = Judge {
        workdir,
        started,
        known,
        failed,
        watching: scheduler.watching(),
        found: Found {
            jobs: Vec::new(),
            abandoned: Vec::new(),
            resumed: Resumed::default(),
        },
        revived: Vec::new(),
        unrecorded: Vec::new(),
        wrong: None,
    };
    store.rows().each_job(None, |row| match judge.take(row) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            judge.wrong = Some(error);
            ControlFlow::Break(())
        }
    })?;
    if let Some(error) = judge.wrong {
        return Err(error.into());
    }
    store.revive(&judge.revived)?;
    store.adopt(&judge.unrecorded)?;
    let mut found = judge.found;
    found.resumed.in_flight -= found.resumed.abandoned;
    Ok(found)
}

struct Judge<'a> {
    workdir: &'a Workdir,
    /// The jobs that have directories.
    started: Vec<bool>,
    /// What the backend knows of.
    known: HashMap<(JobIndex, Attempt), BackendJobId>,
    failed: FailedJobs,
    watching: Watching,
    found: Found,
    revived: Vec<(JobIndex, Attempt)>,
    unrecorded: Vec<JobRef>,
    wrong: Option<JobDirError>,
}

impl Judge<'_> {
    fn take(&mut self, row: JobRow) -> Result<(), JobDirError> {
        let spec = Arc::new(row.spec.clone());
        let (attempt, standing) = match row.outcome {
            Some(outcome) => self.over(row.index, row.attempt, outcome)?,
            None => {
                let left = self.left_by(row.index)?;
                let row = self.up_to_date(row, left);
                (row.attempt, self.unfinished(&row, left))
            }
        };
        let Resumed {
            done,
            waiting,
            in_flight,
            ..
        } = &mut self.found.resumed;
        *match standing {
            Standing::Done(_) => done,
            Standing::Waiting => waiting,
            Standing::InFlight { .. } => in_flight,
        } += 1;
        self.found.jobs.push(FoundJob {
            spec,
            attempt,
            standing,
        });
        Ok(())
    }

    /// A job that had ended stays as it is, unless only its run was stopped.
    fn over(&mut self, job: JobIndex, attempt: Attempt, outcome: Outcome) -> Result<(Attempt, Standing), JobDirError> {
        let again = match (&outcome, self.failed) {
            (Outcome::Failed(_) | Outcome::Cancelled(CancelReason::Dependency(_)), FailedJobs::RunAgain) => true,
            _ => !outcome.is_final(),
        };
        if !again {
            return Ok((attempt, Standing::Done(outcome)));
        }
        // What was given up as lost may run nevertheless.
        if outcome == Outcome::Failed(FailureCause::Lost)
            && let Some(id) = self.known.remove(&(job, attempt))
        {
            return Ok((attempt, self.unrecorded(job, attempt, id)));
        }
        let next = match self.left_by(job)? {
            Some(left) => left.next().max(attempt),
            None => attempt,
        };
        self.revived.push((job, next));
        Ok((next, Standing::Waiting))
    }

    /// The next attempt may have been begun before the end of one was recorded. Then the one before has failed, or there
    /// would be no other.
    fn up_to_date(&mut self, row: JobRow, left: Option<Attempt>) -> JobRow {
        match left {
            Some(attempt) if attempt > row.attempt => {
                self.revived.push((row.index, attempt));
                JobRow {
                    attempt,
                    state: State::Queued,
                    id: None,
                    ..row
                }
            }
            _ => row,
        }
    }

    fn unfinished(&mut self, row: &JobRow, left: Option<Attempt>) -> Standing {
        let (job, attempt) = (row.index, row.attempt);
        let started = row.state == State::Running;
        let known = self.known.remove(&(job, attempt));
        let recorded = row.state != State::Queued;
        let id = match (known, self.watching) {
            (Some(id), _) => Some(id),
            // A backend is asked again about what it took, and may have forgotten what has ended.
            (None, Watching::Poll) => row.id.clone(),
            (None, Watching::Wait) => None,
        };
        match id {
            Some(id) if recorded => return Standing::InFlight { id, started },
            Some(id) => return self.unrecorded(job, attempt, id),
            None if !recorded && left != Some(attempt) => return Standing::Waiting,
            None => {}
        }
        let id = row.id.clone().unwrap_or_else(|| "".into());
        self.found.resumed.abandoned += 1;
        self.found.abandoned.push(JobRef {
            job,
            attempt,
            id: id.clone(),
        });
        Standing::InFlight { id, started }
    }

    /// An attempt that the backend has, of which nobody took note.
    fn unrecorded(&mut self, job: JobIndex, attempt: Attempt, id: BackendJobId) -> Standing {
        let noted = id.clone();
        self.unrecorded.push(JobRef {
            job,
            attempt,
            id: noted,
        });
        Standing::InFlight { id, started: false }
    }

    /// The attempt whose files are in the job's directory.
    fn left_by(&self, job: JobIndex) -> Result<Option<Attempt>, JobDirError> {
        let at = usize::try_from(job.0).ok();
        match at.and_then(|at| self.started.get(at)) {
            Some(true) => self.workdir.left_by(job).map(Some),
            _ => Ok(None),
        }
    }
}

/// Why a run cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// A job is not what it was.
    #[error(transparent)]
    Changed(Box<Changed>),
    /// Jobs are missing.
    #[error(
        "the run began with {recorded} jobs, but only {given} are given now; give all of them again, or none to go on with \
         what is recorded, or start anew with `--overwrite`"
    )]
    Missing {
        /// How many jobs the command gave when the run began.
        recorded: usize,
        /// How many it gives now.
        given: usize,
    },
    /// Another scheduler has jobs of the run.
    #[error("jobs of this run are with the scheduler `{was}`, not with `{is}`; go on with `-s {was}`")]
    Scheduler {
        /// The scheduler so far.
        was: String,
        /// The one that is asked for.
        is: String,
    },
    /// The backend cannot be asked what it runs.
    #[error("cannot ask which jobs still run, so none can be started: {0}; try again when the backend answers")]
    Backend(CallError),
    /// The job directories cannot be listed.
    #[error("cannot list the job directories: {0}")]
    JobDirs(std::io::Error),
    /// A recorded job comes after one that is not there.
    #[error("the state of the run makes no sense: {0}")]
    Predecessor(BadPredecessor),
    /// A job directory cannot be read.
    #[error(transparent)]
    JobDir(#[from] JobDirError),
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A job that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "job {index} is not what it was when the run began: {what}; give the same jobs again (new ones may follow them), or none \
     to go on with what is recorded, or start anew with `--overwrite`"
)]
pub struct Changed {
    /// Its place among the jobs that are given, from 0.
    pub place: usize,
    /// Its index.
    pub index: JobIndex,
    /// What is different.
    pub what: String,
}
