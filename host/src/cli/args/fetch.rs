//! The flags of `xqute fetch`.

use xqute::model::path::Location;

use super::Global;

/// Fetch objects from stores, for programs that need files
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FetchCommand {
    #[command(flatten)]
    pub(super) args: FetchArgs,
    #[command(flatten)]
    pub(super) global: Global,
}

/// What `xqute fetch` was asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub(in crate::cli) struct FetchArgs {
    /// Objects at gs://, s3:// or az://; a path of this machine stands for itself
    #[arg(required = true, value_name = "URL")]
    pub(in crate::cli) urls: Vec<Location>,
}

const HELP: &str = "\
It prints the path of a file for each, one on a line, in order, once all of them are there; if one
cannot be fetched, it prints none. A file has the name of its object; it is read-only: copy it to
change it.

Files are kept in $XDG_CACHE_HOME/xqute/objects, or ~/.cache/xqute/objects. What is there is asked
for, and fetched again only when the object has changed. All files together have at most 10 GiB, or
what XQUTE_CACHE_MAX says (bytes, or as in 500M, 20G). When there is no room for another one, those
go that were used longest ago, but none that an xqute fetches or reads right now.

A path is good until its file has to go. Nothing of that can happen while xqute fetch runs, but it
can at any time after: a program that starts much later may find no file. Let it fetch once more, or
give the cache more room than all that is needed at once.

Examples:
  samtools view \"$(xqute fetch gs://bucket/sample.bam)\"
  xqute fetch s3://bucket/a.txt az://container/b.txt | xargs -d '\\n' cat";
