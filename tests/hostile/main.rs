//! Hostile plugins: each tries one thing, and gets nowhere. What it tried did not happen, the run went on to its end with
//! every job accounted for, and a message names the plugin and the call.
//!
//! Most are built from `guests/`, one file for each, named after what it tries. Those that no compiler would write are
//! made in [`forged`].

mod answers;
mod attempt;
mod bash;
mod cache;
mod describing;
mod files;
mod forged;
mod loading;
mod memory;
mod network;
mod programs;
mod time;
