//! README.md and the guide for plugins do what they say, and nothing is there that no test names.

mod everything_is_tested;
mod guide;
mod readme;
mod recipes;
