//! Standard output: where results go. A reader that has seen enough is no error.

use std::io::{self, ErrorKind, Write as _};

use super::{
    error::{Failure, Result},
    exit::Exit,
};

/// Writes text, with its colours taken off where there are none.
pub(super) fn print(text: &str) -> Result<()> {
    done(anstream::stdout().write_all(text.as_bytes())).map(|_| ())
}

/// What came of writing: whether somebody still reads.
pub(super) fn done(written: io::Result<()>) -> Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            let error = anyhow::Error::new(error).context("cannot write to standard output");
            Err(Failure::new(Exit::Usage, error))
        }
    }
}
