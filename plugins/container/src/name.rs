//! The name of an attempt's container, `xqute-TAG-INDEX-ATTEMPT`: it is the backend id, makes submissions idempotent, and
//! says whose container it is.

use xqute_plugin::JobRef;

/// The name for an attempt.
pub(crate) fn of(run: &str, index: u32, attempt: u32) -> String {
    format!("xqute-{run}-{index}-{attempt}")
}

/// Reads a name; none if it is not one of this run.
pub(crate) fn read(run: &str, name: &str) -> Option<JobRef> {
    let rest = name.strip_prefix("xqute-")?.strip_prefix(run)?.strip_prefix('-')?;
    let (index, attempt) = rest.split_once('-')?;
    let (index, attempt) = (index.parse().ok()?, attempt.parse().ok()?);
    // Nothing but what `of` writes: `+1` and `01` are numbers too.
    (of(run, index, attempt) == name).then(|| JobRef {
        index,
        attempt,
        backend_id: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "5f0c2a9be1d40713";

    #[test]
    fn what_is_written_is_read_back() {
        let found = read(RUN, &of(RUN, 7, 2)).unwrap();
        assert_eq!((found.index, found.attempt), (7, 2));
        assert_eq!(found.backend_id, "xqute-5f0c2a9be1d40713-7-2");
    }

    #[test]
    fn other_names_are_left_alone() {
        for name in [
            "",
            "web",
            "xqute-ffffffffffffffff-7-2",
            "xqute-5f0c2a9be1d40713",
            "xqute-5f0c2a9be1d40713-7",
            "xqute-5f0c2a9be1d40713-7-2-1",
            "xqute-5f0c2a9be1d40713-07-2",
            "xqute-5f0c2a9be1d40713-+7-2",
        ] {
            assert_eq!(read(RUN, name), None, "{name}");
        }
    }
}
