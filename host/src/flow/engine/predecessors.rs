//! Jobs that come after others: finds the ones that requests name, and refuses what could never start. Knows requests
//! only; what became of a job is the dispatcher's matter.

use std::{borrow::Borrow, collections::HashMap, fmt::Write as _};

use crate::model::job::{JobIndex, JobSpec, Predecessor};

/// How many jobs of a circle are named.
const NAMED: usize = 6;

/// The jobs that bear each name.
#[derive(Debug, Default)]
pub(super) struct Names {
    bearers: HashMap<String, Bearers>,
    /// How many jobs have been looked at.
    seen: usize,
}

#[derive(Clone, Copy, Debug)]
struct Bearers {
    first: JobIndex,
    second: Option<JobIndex>,
}

/// What a name means that several jobs bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ambiguous {
    /// Nothing.
    Refused,
    /// The first of them. All of these were accepted before, so each name meant one job then: one fed earlier, or else
    /// one fed together with the job itself. Those that bear it too came later.
    First,
}

/// Why a job can never start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPredecessor {
    /// It comes after a job that is not there.
    #[error("it is to start after job {index}, but there is no such job: their numbers begin with 0, and {} is the last", last(*.jobs))]
    NoSuchIndex {
        /// The number that was given.
        index: JobIndex,
        /// How many jobs there are.
        jobs: u32,
    },
    /// It comes after a job that is not there.
    #[error("it is to start after a job named `{}`, but no job has this name", .0.escape_debug())]
    NoSuchName(String),
    /// It comes after a job that cannot be told from another one.
    #[error("it is to start after the job named `{}`, but jobs {first} and {second} both have this name; give the number", name.escape_debug())]
    SeveralOfName {
        /// The name that was given.
        name: String,
        /// A job of this name.
        first: JobIndex,
        /// Another one.
        second: JobIndex,
    },
    /// It comes after itself.
    #[error("it is to start after itself")]
    Itself,
    /// It comes after a job that comes after it.
    #[error("jobs wait for each other in a circle: {0}")]
    Circle(String),
}

fn last(jobs: u32) -> String {
    jobs.checked_sub(1)
        .map_or_else(|| "none".to_owned(), |last| last.to_string())
}

impl Names {
    /// Learns the names of all jobs from the first on; those that it has seen cost nothing.
    pub(super) fn learn<S: Borrow<JobSpec>>(&mut self, jobs: &[S]) {
        for job in jobs.get(self.seen..).unwrap_or_default() {
            if let (Some(name), Ok(index)) = (&job.borrow().extras().name, u32::try_from(self.seen)) {
                self.add(name, JobIndex(index));
            }
            self.seen += 1;
        }
    }

    fn add(&mut self, name: &str, index: JobIndex) {
        match self.bearers.get_mut(name) {
            Some(bearers) => _ = bearers.second.get_or_insert(index),
            None => {
                let bearers = Bearers {
                    first: index,
                    second: None,
                };
                self.bearers.insert(name.to_owned(), bearers);
            }
        }
    }
}

/// Whether any of these jobs comes after another one.
pub(super) fn any<S: Borrow<JobSpec>>(jobs: &[S]) -> bool {
    jobs.iter().any(|job| !job.borrow().extras().after.is_empty())
}

/// Jobs that are to be fed together.
pub(super) struct Candidates<'a, S> {
    /// The names of the jobs before them.
    pub(super) earlier: &'a Names,
    /// The index that the first of them will have.
    pub(super) first: u32,
    pub(super) jobs: &'a [S],
    pub(super) ambiguous: Ambiguous,
}

impl<S: Borrow<JobSpec>> Candidates<'_, S> {
    /// The jobs that each of them comes after; on an error, the place in the batch of the one that is to blame.
    pub(super) fn resolve(&self) -> Result<Vec<Vec<JobIndex>>, (usize, BadPredecessor)> {
        let mut own = Names::default();
        for (index, job) in (self.first..).map(JobIndex).zip(self.jobs) {
            if let Some(name) = &job.borrow().extras().name {
                own.add(name, index);
            }
        }
        let mut resolved = Vec::with_capacity(self.jobs.len());
        let mut forward = false;
        for (place, (index, job)) in (self.first..).map(JobIndex).zip(self.jobs).enumerate() {
            let wanted = job.borrow().extras().after.iter();
            let after: Result<Vec<_>, _> = wanted.map(|wanted| self.find(wanted, index, &own)).collect();
            let after = after.map_err(|bad| (place, bad))?;
            forward |= after.iter().any(|predecessor| *predecessor > index);
            resolved.push(after);
        }
        match forward.then(|| circle(self.first, &resolved)).flatten() {
            Some(circle) => Err((circle.iter().copied().min().unwrap_or(0), self.describe(&circle))),
            None => Ok(resolved),
        }
    }

    fn find(&self, wanted: &Predecessor, of: JobIndex, own: &Names) -> Result<JobIndex, BadPredecessor> {
        let found = match wanted {
            Predecessor::Index(index) => {
                let jobs = self
                    .first
                    .saturating_add(u32::try_from(self.jobs.len()).unwrap_or(u32::MAX));
                if index.0 >= jobs {
                    return Err(BadPredecessor::NoSuchIndex { index: *index, jobs });
                }
                *index
            }
            Predecessor::Name(name) => self.named(name, own)?,
        };
        if found == of {
            Err(BadPredecessor::Itself)
        } else {
            Ok(found)
        }
    }

    fn named(&self, name: &str, own: &Names) -> Result<JobIndex, BadPredecessor> {
        let bearers = match (self.earlier.bearers.get(name), own.bearers.get(name)) {
            (Some(earlier), own) => Bearers {
                first: earlier.first,
                second: earlier.second.or(own.map(|own| own.first)),
            },
            (None, Some(own)) => *own,
            (None, None) => return Err(BadPredecessor::NoSuchName(name.to_owned())),
        };
        match bearers.second {
            Some(second) if self.ambiguous == Ambiguous::Refused => Err(BadPredecessor::SeveralOfName {
                name: name.to_owned(),
                first: bearers.first,
                second,
            }),
            _ => Ok(bearers.first),
        }
    }

    fn describe(&self, circle: &[usize]) -> BadPredecessor {
        let mut text = String::new();
        let link = |at: usize| {
            if at == 1 {
                " comes after "
            } else {
                ", which comes after "
            }
        };
        for (at, place) in circle.iter().take(NAMED).enumerate() {
            let link = if at == 0 { "" } else { link(at) };
            let _infallible = write!(text, "{link}{}", self.call(*place));
        }
        if let Some(more) = circle.len().checked_sub(NAMED).filter(|more| *more > 0) {
            let _infallible = write!(text, ", which comes after {more} more");
        }
        let again = circle.first().map(|place| self.call(*place)).unwrap_or_default();
        let _infallible = write!(text, "{}{again}", link(circle.len()));
        BadPredecessor::Circle(text)
    }

    fn call(&self, place: usize) -> String {
        let name = self
            .jobs
            .get(place)
            .and_then(|job| job.borrow().extras().name.as_deref());
        match name {
            Some(name) => format!("`{}`", name.escape_debug()),
            None => format!("job {}", self.first as usize + place),
        }
    }
}

/// Jobs that come after each other in a circle, by their places, if there are any: each comes after the next one, and the
/// last after the first. Walks without recursion, as chains may be longer than a stack is deep.
fn circle(first: u32, after: &[Vec<JobIndex>]) -> Option<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Not,
        OnThePath,
        Before,
    }
    let mut seen = vec![Seen::Not; after.len()];
    for start in 0..after.len() {
        let mut path = Vec::new();
        let mut next = Some(start).filter(|start| seen.get(*start) == Some(&Seen::Not));
        loop {
            if let Some(place) = next.take() {
                *seen.get_mut(place)? = Seen::OnThePath;
                path.push((place, after.get(place)?.iter()));
            }
            let Some((place, predecessors)) = path.last_mut() else {
                break;
            };
            let Some(predecessor) = predecessors.next() else {
                *seen.get_mut(*place)? = Seen::Before;
                path.pop();
                continue;
            };
            // Jobs before the batch cannot come after it.
            let Some(wanted) = predecessor.0.checked_sub(first).and_then(|at| usize::try_from(at).ok()) else {
                continue;
            };
            match *seen.get(wanted)? {
                Seen::Not => next = Some(wanted),
                Seen::Before => {}
                Seen::OnThePath => {
                    let circle = path
                        .iter()
                        .map(|(place, _)| *place)
                        .skip_while(|place| *place != wanted);
                    return Some(circle.collect());
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::JobExtras;

    /// A job of this name that comes after these: numbers by number, others by name.
    fn job(name: &str, after: &[&str]) -> JobSpec {
        let after = after.iter().map(|wanted| match wanted.parse() {
            Ok(index) => Predecessor::Index(JobIndex(index)),
            Err(_) => Predecessor::Name((*wanted).to_owned()),
        });
        JobSpec::from("true").with(JobExtras {
            name: (!name.is_empty()).then(|| name.to_owned()),
            after: after.collect(),
            ..JobExtras::default()
        })
    }

    fn resolve(earlier: &[JobSpec], jobs: &[JobSpec], ambiguous: Ambiguous) -> Result<Vec<Vec<u32>>, String> {
        let mut names = Names::default();
        names.learn(earlier);
        let candidates = Candidates {
            earlier: &names,
            first: u32::try_from(earlier.len()).unwrap(),
            jobs,
            ambiguous,
        };
        let resolved = candidates.resolve().map_err(|(place, bad)| format!("{place}: {bad}"))?;
        let plain = |after: Vec<JobIndex>| after.into_iter().map(|index| index.0).collect();
        Ok(resolved.into_iter().map(plain).collect())
    }

    #[test]
    fn names_and_numbers_are_found_before_and_behind() {
        let earlier = [job("a", &[]), job("b", &[])];
        let jobs = [job("c", &["a", "d", "1"]), job("d", &["0", "b"]), job("", &["2"])];
        let found = resolve(&earlier, &jobs, Ambiguous::Refused).unwrap();
        assert_eq!(found, [vec![0, 3, 1], vec![0, 1], vec![2]]);
    }

    #[test]
    fn what_could_never_start_is_refused() {
        let say = |jobs: &[JobSpec]| resolve(&[job("x", &[])], jobs, Ambiguous::Refused).unwrap_err();
        insta::assert_snapshot!(say(&[job("", &[]), job("", &["3"])]), @"1: it is to start after job 3, but there is no such job: their numbers begin with 0, and 2 is the last");
        insta::assert_snapshot!(say(&[job("", &["y"])]), @"0: it is to start after a job named `y`, but no job has this name");
        insta::assert_snapshot!(say(&[job("x", &[]), job("", &["x"])]), @"1: it is to start after the job named `x`, but jobs 0 and 1 both have this name; give the number");
        insta::assert_snapshot!(say(&[job("y", &["y"])]), @"0: it is to start after itself");
        insta::assert_snapshot!(say(&[job("", &["1"])]), @"0: it is to start after itself");
        insta::assert_snapshot!(say(&[job("c", &["a"]), job("a", &["b"]), job("b", &["a"])]), @"1: jobs wait for each other in a circle: `a` comes after `b`, which comes after `a`");
        let long: Vec<_> = (0..9).map(|at| job("", &[&format!("{}", 1 + (at + 1) % 9)])).collect();
        insta::assert_snapshot!(say(&long), @"0: jobs wait for each other in a circle: job 1 comes after job 2, which comes after job 3, which comes after job 4, which comes after job 5, which comes after job 6, which comes after 3 more, which comes after job 1");
    }

    #[test]
    fn two_jobs_may_have_a_name_that_nobody_asks_for() {
        let jobs = [job("x", &[]), job("x", &[]), job("", &["0"])];
        assert!(resolve(&[], &jobs, Ambiguous::Refused).is_ok());
    }

    #[test]
    fn a_recorded_name_means_the_first_that_bears_it() {
        let jobs = [job("b", &["a"]), job("a", &[]), job("a", &[]), job("", &["a"])];
        let found = resolve(&[], &jobs, Ambiguous::First).unwrap();
        assert_eq!(found, [vec![1], vec![], vec![], vec![1]]);
    }

    #[test]
    fn long_chains_need_no_deep_stack() {
        let jobs: Vec<_> = (1..=100_000).map(|next: u32| job("", &[&next.to_string()])).collect();
        let mut chain = jobs;
        chain.push(job("", &[]));
        assert!(resolve(&[], &chain, Ambiguous::Refused).is_ok());
        *chain.last_mut().unwrap() = job("", &["0"]);
        assert!(
            resolve(&[], &chain, Ambiguous::Refused)
                .unwrap_err()
                .contains("99995 more")
        );
    }
}
