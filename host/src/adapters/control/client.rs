//! The other side: asks a run for something and waits for its answer.

use std::{
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
};

use super::{
    address::Address,
    protocol::{Answer, Request, Which},
};
use crate::{
    adapters::{jobfile::write, objects::Whereabouts},
    model::{
        job::{JobIndex, JobSpec},
        path::Location,
    },
};

/// The longest answer.
const LONGEST: u64 = 16 << 20;

/// A connection to a run, for one question.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    workdir: Location,
}

/// Why a run did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it; the path is the run's directory")]
pub enum NotDone {
    #[error("no run lives in the workdir `{workdir}`")]
    NoRun { workdir: Location },
    #[error("the run in the workdir `{workdir}` cannot be reached: {source}")]
    Unreachable { workdir: Location, source: io::Error },
    #[error("the run in the workdir `{workdir}` ended before it answered")]
    Gone { workdir: Location },
    #[error("the run in the workdir `{workdir}` answers in words that are not known: {source}")]
    Foreign {
        workdir: Location,
        source: serde_json::Error,
    },
    /// The run says why, and which job it is about, from 0, if it is about one.
    #[error("{why}")]
    Refused { why: String, job: Option<usize> },
}

impl Client {
    /// Connects to a run.
    ///
    /// # Errors
    /// When there is none that can be reached.
    pub fn connect(run: &Whereabouts) -> Result<Self, NotDone> {
        let workdir = run.workdir.clone();
        match Address::of(&run.home).and_then(|address| address.connect()) {
            Ok(stream) => Ok(Self { stream, workdir }),
            Err(source) => Err(match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory => {
                    NotDone::NoRun { workdir }
                }
                _ => NotDone::Unreachable { workdir, source },
            }),
        }
    }

    /// Feeds all of these jobs or none. Returns the index of the first once they are recorded; the others follow it.
    ///
    /// # Errors
    /// Why they were not taken.
    pub fn feed(self, jobs: &[JobSpec]) -> Result<JobIndex, NotDone> {
        let count = u32::try_from(jobs.len()).map_err(|_| NotDone::Refused {
            why: "these are more jobs than a run can number".to_owned(),
            job: None,
        })?;
        let send = |to: &mut dyn io::Write| {
            to.write_all(Request::Feed { count }.line().as_bytes())?;
            for job in jobs {
                writeln!(to, "{}", write::line(job))?;
            }
            Ok(())
        };
        match self.ask(send)? {
            (Answer::Accepted { first, .. }, _) => Ok(first),
            (_, odd) => Err(odd),
        }
    }

    /// Says that no more jobs come.
    ///
    /// # Errors
    /// Why that was not heard.
    pub fn stop_feeding(self) -> Result<(), NotDone> {
        match self.ask_for(&Request::StopFeeding)? {
            (Answer::Stopped { .. }, _) => Ok(()),
            (_, odd) => Err(odd),
        }
    }

    /// Tells jobs to end: all of these or none. One that is over stays as it is.
    ///
    /// # Errors
    /// Why they were not told.
    pub fn kill(self, which: Which) -> Result<(), NotDone> {
        match self.ask_for(&Request::Kill(which))? {
            (Answer::Killing { .. }, _) => Ok(()),
            (_, odd) => Err(odd),
        }
    }

    fn ask_for(self, request: &Request) -> Result<(Answer, NotDone), NotDone> {
        self.ask(|to| to.write_all(request.line().as_bytes()))
    }

    /// The answer; and what to say if it is not one to this question.
    fn ask(self, send: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> Result<(Answer, NotDone), NotDone> {
        let Self { stream, workdir } = self;
        let mut to = BufWriter::new(&stream);
        // A run that refuses hangs up before it has heard everything. Its answer says more than that.
        let _answer_tells = send(&mut to).and_then(|()| to.flush());
        // What is left of a message that nobody wants is not sent.
        let _unsent = to.into_parts();
        let _answer_tells = stream.shutdown(Shutdown::Write);
        let mut line = Vec::new();
        let read = BufReader::new((&stream).take(LONGEST)).read_until(b'\n', &mut line);
        if read.is_err() || !line.ends_with(b"\n") {
            return Err(NotDone::Gone { workdir });
        }
        match Answer::parse(&line) {
            Err(source) => Err(NotDone::Foreign { workdir, source }),
            Ok(Answer::Refused { why, line }) => Err(NotDone::Refused {
                why,
                job: line.and_then(|line| usize::try_from(line).ok()?.checked_sub(1)),
            }),
            Ok(answer) => {
                let source = serde::de::Error::custom("an answer to something else");
                Ok((answer, NotDone::Foreign { workdir, source }))
            }
        }
    }
}
