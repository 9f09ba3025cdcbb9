//! Does not answer when it is asked about jobs, at first.

use xqute_plugin::prelude::*;

xqute_hostile::schedules!(
    |jobs: &[Job]| jobs.iter().map(|job| Ok(job.index.to_string())).collect(),
    |jobs: &[JobRef]| {
        let known = if is_early("polls", 5) { 0 } else { jobs.len() };
        Ok((0..known)
            .map(|_| Observation::Failed(FailureCause::ExitCode(7)))
            .collect())
    }
);

/// Whether this is one of the first calls.
fn is_early(name: &str, first: u8) -> bool {
    let calls = kv::get(name).map_or(0, |bytes| bytes[0]).saturating_add(1);
    let _fits = kv::set(name, &[calls]);
    calls < first
}
