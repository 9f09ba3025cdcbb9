//! Runs that are fed, looked at and cut short while they go, by commands and by whoever speaks to their socket.

mod feed;
mod kill;
mod live;
mod logs;
mod socket;
mod status;
