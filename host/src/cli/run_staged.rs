//! `xqute run-staged`: one job on a machine that sees nothing of the run's workdir.

use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};
use xqute::{
    adapters::{
        objects::staged::Staged,
        process::{beside::Beside, child::Exit as Ended},
    },
    model::path::Location,
};

use super::{args::staged::StagedArgs, error::Failure, exit::Exit, start};

/// Signals that backends send to jobs. They are for the script, which is in the same process group: we have to be there when it
/// ends.
const FOR_THE_SCRIPT: [i32; 8] = [1, 2, 3, 10, 12, 14, 15, 24];

/// Runs the script, and ends as it does.
pub(super) fn run_staged(args: &StagedArgs) -> Result<Exit, Failure> {
    let ended = start::with_runtime(|runtime| runtime.block_on(staged(args)))?;
    match ended {
        Ended::Code(code) => Ok(Exit::Job(u8::try_from(code).unwrap_or(u8::MAX))),
        Ended::Signal(signal) => {
            let name = Signal::from_named_raw(signal).filter(|_| !FOR_THE_SCRIPT.contains(&signal));
            if let Some(name) = name {
                // Not all signals end us; then the number says it.
                let _ = kill_process(getpid(), name);
            }
            Ok(Exit::Signal(signal))
        }
    }
}

async fn staged(args: &StagedArgs) -> Result<Ended, Failure> {
    let failed = |error: anyhow::Error| Failure::new(Exit::NotStaged, error);
    let Location::Stored(place) = &args.workdir else {
        let message = format!("`{}` is not in a store", args.workdir);
        return Err(failed(anyhow::Error::msg(message)));
    };
    let _handlers = heed().map_err(|error| failed(error.into()))?;
    let staged = Staged::fetch(place, &args.dir, &args.script)
        .await
        .map_err(|error| failed(error.into()))?;
    let unreadable = |error: std::io::Error| failed(anyhow::Error::new(error).context("cannot start the job's script"));
    let words = staged.command().map_err(unreadable)?;
    let (program, rest) = words
        .split_first()
        .ok_or_else(|| unreadable(std::io::ErrorKind::NotFound.into()))?;
    let script = Beside::start(program, rest).map_err(unreadable)?;
    let (ended, copied) = staged.copy_until(script.wait()).await;
    let ended = ended.map_err(unreadable)?;
    copied.map_err(|error| failed(anyhow::Error::new(error).context("not all that the job left is in the workdir")))?;
    Ok(ended)
}

/// From now on these signals do not end us.
fn heed() -> std::io::Result<Vec<tokio::signal::unix::Signal>> {
    FOR_THE_SCRIPT
        .into_iter()
        .map(|number| signal(SignalKind::from_raw(number)))
        .collect()
}
