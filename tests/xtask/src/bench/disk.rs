//! What a job leaves on a disk: files and bytes.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use anyhow::{Result, ensure};

use super::{place::Place, table, throughput::SCRIPTED};
use crate::program::status;

const JOBS: u32 = 100;

/// Direct jobs, and those with a script.
pub(super) fn run(place: &Place) -> Result<()> {
    let jobs = place.program_file(JOBS as usize)?;
    let mut rows = Vec::new();
    for (name, args) in [("direct", &[][..]), ("with a script", &SCRIPTED)] {
        let workdir = place.on_disk()?;
        let mut xqute = place.xqute_in(&workdir, &[])?;
        ensure!(status(xqute.args(args).arg(&jobs))?.success(), "xqute run failed");
        let mut all = Left::default();
        for job in 0..JOBS {
            all.count(&workdir.join(job.to_string()))?;
        }
        let per_job = |number: u64| format!("{:.0}", number / u64::from(JOBS));
        rows.push(vec![name.to_owned(), per_job(all.entries), per_job(all.bytes)]);
    }
    table::print("On disk: `true`", &["", "inodes per job", "bytes per job"], &rows);
    Ok(())
}

#[derive(Default)]
struct Left {
    entries: u64,
    bytes: u64,
}

impl Left {
    /// Counts something and all that is in it, in the blocks of the file system.
    fn count(&mut self, place: &Path) -> Result<()> {
        let metadata = fs::symlink_metadata(place)?;
        self.entries += 1;
        self.bytes += metadata.blocks() * 512;
        if metadata.is_dir() {
            for entry in fs::read_dir(place)? {
                self.count(&entry?.path())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_what_is_in_them_count() {
        let folder = std::env::temp_dir().join(format!("xtask-disk-{}", std::process::id()));
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::write(folder.join("sub/empty"), "").unwrap();
        fs::write(folder.join("file"), "x".repeat(5000)).unwrap();
        let mut left = Left::default();
        left.count(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(left.entries, 4);
        assert!(left.bytes >= 5000, "{}", left.bytes);
    }
}
