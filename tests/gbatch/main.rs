//! The real `gcloud`, and a Google Batch on this machine that really runs the tasks: `tests/services/batch.sh up` starts one.
//! Without it these tests say loudly that they were skipped, and fail where `CI` is `true`. Tests that let something go
//! wrong start a Batch of their own.

mod backend;
mod ends;
mod faults;
mod options;
mod page;
mod runs;
