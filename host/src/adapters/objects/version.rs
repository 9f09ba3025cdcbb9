//! Which version of an object it is.

use opendal::Metadata;

/// Which version of an object it is: no two contents that were ever under its name have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// How many bytes it has.
    pub size: u64,
    /// By which words the service tells it from others.
    pub tag: String,
}

/// Why it has none.
pub(super) const NO_VERSION: &str =
    "the service does not say which version it has: neither an ETag nor when it was changed";

impl Version {
    /// None, if the service tells nothing by which it could be known.
    pub(super) fn of(found: &Metadata) -> Option<Self> {
        let etag = found.etag().filter(|tag| !tag.is_empty());
        let tag = match (etag, found.version(), found.last_modified()) {
            (Some(etag), ..) => format!("etag {etag}"),
            (None, Some(version), _) => format!("version {version}"),
            (None, None, Some(time)) => format!("changed {time}"),
            (None, None, None) => return None,
        };
        let size = found.content_length();
        Some(Self { size, tag })
    }
}
