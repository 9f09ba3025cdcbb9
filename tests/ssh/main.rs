//! Real servers, `n1` and `n2` of the configuration that `SSH_CONFIG` names; `tests/services/sshd.sh up` starts them. Without it
//! these tests say loudly that they were skipped, and fail where `CI` is `true`. Tests that stop servers start their own.

mod jobs;
mod outages;
mod servers;
mod using;
