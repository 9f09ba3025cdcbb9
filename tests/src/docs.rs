//! The documentation, as tests read it.

use std::fs;

use crate::built;

/// A page of the repository.
pub fn page(name: &str) -> String {
    fs::read_to_string(built::repository().join(name)).unwrap()
}

/// The code blocks whose first line is this one.
pub fn blocks(text: &str, fence: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match (inside, line) {
            (false, line) if line == fence => {
                blocks.push(String::new());
                inside = true;
            }
            (true, "```") => inside = false,
            (true, line) => blocks.last_mut().unwrap().extend([line, "\n"]),
            _ => {}
        }
    }
    blocks
}
