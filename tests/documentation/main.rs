//! README.md does what it says, and nothing is there that no test names.

mod everything_is_tested;
mod readme;
mod recipes;
