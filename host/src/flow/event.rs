//! What the dispatcher is told, and what it wants done.

use std::{sync::Arc, time::Duration};

use super::dispatch::Haste;
use crate::{
    model::{
        hook::{Fact, Verdict},
        job::{Attempt, JobIndex, JobSpec},
        outcome::{Observation, Outcome, StopCause},
        record::{Change, Origin, Usage},
        run::{BackendJobId, JobRef},
        state::State,
    },
    ports::scheduler::Cancel,
};

/// Something happened that the dispatcher has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Jobs were fed together; the index of each is the number of jobs fed before it.
    Fed {
        /// The jobs, in their order.
        jobs: Vec<FedJob>,
        /// Who gave them.
        origin: Origin,
    },
    /// No more jobs will be fed.
    FeedClosed,
    /// What became of a submission.
    Submitted {
        /// Which job.
        job: JobIndex,
        /// Which try of it.
        attempt: Attempt,
        /// What became of it.
        result: Submission,
    },
    /// What a backend says about an attempt in flight.
    Observed {
        /// Which job.
        job: JobIndex,
        /// Which try of it.
        attempt: Attempt,
        /// What the backend says.
        observation: Observation,
        /// The exit code that the job itself reported, if it ended and did so.
        reported: Option<i32>,
        /// What the attempt used, if it ended and the kernel counted that.
        usage: Option<Usage>,
    },
    /// An attempt has run for as long as it may.
    Deadline {
        /// Which job.
        job: JobIndex,
        /// Which try of it.
        attempt: Attempt,
    },
    /// The pause before a further attempt is over.
    RetryDue {
        /// Which job.
        job: JobIndex,
        /// The try that is due.
        attempt: Attempt,
    },
    /// What gatekeepers say about killing an attempt.
    KillDecided {
        /// Which job.
        job: JobIndex,
        /// Which try of it.
        attempt: Attempt,
        /// What they say.
        verdict: Verdict,
    },
    /// The user does not want this job any more.
    CancelRequested(JobIndex),
    /// The user wants none of the jobs that were fed so far any more.
    CancelAllRequested,
    /// A signal asks the run to stop.
    Signalled(i32),
    /// What gatekeepers say about stopping the run.
    ShutdownDecided {
        /// The signal that asked for it.
        signal: i32,
        /// What they say.
        verdict: Verdict,
    },
    /// An attempt could not be killed.
    KillFailed {
        /// Which job.
        job: JobIndex,
        /// Which try of it.
        attempt: Attempt,
        /// How that was tried.
        how: Cancel,
    },
    /// The pause after a kill that failed is over.
    KillDue {
        /// Which job.
        job: JobIndex,
        /// Which try of it.
        attempt: Attempt,
    },
    /// A plugin failed whose failure is to halt the run.
    PluginFailed,
    /// The workdir was removed.
    WorkdirGone,
    /// Whether what happens can be recorded just now.
    Recording(bool),
}

/// A job that was fed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FedJob {
    /// The request.
    pub spec: Arc<JobSpec>,
    /// The jobs that must succeed before it starts: those that its request names, found. Some of them may be fed only
    /// after it.
    pub after: Vec<JobIndex>,
}

/// What became of handing an attempt to the scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    /// The scheduler took it and will start it.
    Taken(BackendJobId),
    /// The scheduler took it and it runs.
    Running(BackendJobId),
    /// A gatekeeper did not let it go.
    Vetoed {
        /// The plugin's name.
        plugin: String,
        /// Its reason.
        reason: String,
    },
    /// It could not be handed over.
    Failed(String),
    /// The run was stopped before the scheduler took it.
    GivenUp {
        /// Whether its job directory shows it already.
        prepared: bool,
    },
    /// Its job cannot be recorded any more, so it was not started.
    Unrecorded,
}

/// Something that the dispatcher wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Submit these attempts in one call: gate, script, hand over.
    Submit(Vec<(JobIndex, Attempt)>),
    /// Watch this attempt until it ends.
    Watch(JobRef),
    /// Start the clock of this attempt, if it has a time limit.
    StartTimeout(JobRef),
    /// Say when this pause before a further attempt is over.
    RetryLater {
        /// Which job.
        job: JobIndex,
        /// The try that is to come.
        attempt: Attempt,
        /// How long it has to wait.
        pause: Duration,
    },
    /// Ask gatekeepers whether this attempt may be killed.
    AskKill(JobRef),
    /// Kill this attempt.
    Kill(JobRef, Cancel),
    /// Ask gatekeepers whether this signal may stop the run.
    AskShutdown(i32),
    /// Say when the pause after a kill that failed is over.
    KillLater {
        /// Which job.
        job: JobIndex,
        /// Which try of it.
        attempt: Attempt,
        /// How long to wait.
        pause: Duration,
    },
    /// The run stops. Nothing further is to be submitted: submissions that wait for a backend may give up.
    Stop {
        /// Why.
        cause: StopCause,
        /// How long jobs are waited for.
        haste: Haste,
    },
    /// Show this state in the job's directory.
    ShowState(JobIndex, State),
    /// See to it that the job's directory tells this outcome.
    Record(JobIndex, Outcome),
    /// Record what became true of this job.
    Journal(JobIndex, Change),
    /// Tell observers.
    Tell(Fact),
    /// This job is over; for the summary.
    Ended {
        /// Which job.
        job: JobIndex,
        /// Its last try.
        attempt: Attempt,
        /// How it ended.
        outcome: Outcome,
    },
    /// The run is over.
    Finish,
}
