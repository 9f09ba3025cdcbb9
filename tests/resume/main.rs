//! What outlasts a run: its state, whatever became of the process that wrote it, and the run that goes on with it.

mod adopted;
mod given;
mod host;
mod kill_nine;
mod outcomes;
mod places;
mod vanished;
