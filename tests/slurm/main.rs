//! A real Slurm, the one that `SLURM_CONF` names; `tests/services/slurm.sh up` starts one. Without it these tests say loudly
//! that they were skipped, and fail where `CI` is `true`.
//!
//! - `service`: the Slurm that all share, and those who need it for themselves;
//! - `runs`: jobs run, and their results come back;
//! - `arrays`: many jobs, one submission;
//! - `causes`: each way in which Slurm can end a job;
//! - `refused`: what cannot work is said before the first job, or while it waits for ever;
//! - `stores`: workdirs of which nodes see nothing;
//! - `outages`: the controller, or xqute itself, is killed in the middle.

mod arrays;
mod causes;
mod outages;
mod refused;
mod runs;
mod service;
mod stores;
