//! The table in README.md is what the code says.

use std::fmt::Write as _;

use xqute_tests::docs;

use crate::{
    backend::{Backend, Capability},
    container, gbatch, local, sge, slurm, ssh,
};

const PAGE: &str = "tests/conformance/README.md";

const BACKENDS: [&Backend; 6] = [
    &local::BACKEND,
    &slurm::BACKEND,
    &sge::BACKEND,
    &ssh::BACKEND,
    &container::BACKEND,
    &gbatch::BACKEND,
];

fn table() -> String {
    let titles = Capability::TITLES;
    let mut table = format!(
        "| | {} | many |\n|---|{}---|\n",
        titles.join(" | "),
        "---|".repeat(titles.len())
    );
    for backend in BACKENDS {
        let can: Vec<_> = backend.can.iter().map(Capability::title).collect();
        let cells = titles.map(|title| if can.contains(&title) { "yes" } else { "-" });
        writeln!(
            table,
            "| `{}` | {} | {} |",
            backend.name,
            cells.join(" | "),
            backend.many
        )
        .unwrap();
    }
    table
}

#[test]
fn the_page_tells_what_each_backend_can_do() {
    let (page, table) = (docs::page(PAGE), table());
    assert!(page.contains(&table), "{PAGE} should have this table:\n{table}");
}
