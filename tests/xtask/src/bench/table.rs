//! Tables of figures, and targets beside them.

use std::iter;

/// Prints a table in Markdown, columns aligned.
pub(crate) fn print(title: &str, header: &[&str], rows: &[Vec<String>]) {
    println!("\n{title}\n");
    let header: Vec<String> = header.iter().map(|&cell| cell.to_owned()).collect();
    let width = |column: usize| {
        let cells = [&header].into_iter().chain(rows).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    for row in [&header, &rule].into_iter().chain(rows) {
        // Rows may be shorter than the header.
        let cells = row.iter().map(String::as_str).chain(iter::repeat("")).zip(&widths);
        let cells: Vec<String> = cells.map(|(cell, &width)| format!("{cell:<width$}")).collect();
        println!("| {} |", cells.join(" | "));
    }
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    /// The target, and whether this figure meets it.
    pub(crate) fn judge(self, figure: f64) -> String {
        let (sign, bound, met) = match self {
            Self::AtLeast(bound) => (">=", bound, figure >= bound),
            Self::AtMost(bound) => ("<=", bound, figure <= bound),
        };
        format!("{sign} {bound}: {}", if met { "met" } else { "NOT MET" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_judged() {
        assert_eq!(Target::AtLeast(0.85).judge(0.85), ">= 0.85: met");
        assert_eq!(Target::AtLeast(0.85).judge(0.84), ">= 0.85: NOT MET");
        assert_eq!(Target::AtMost(30.0).judge(31.0), "<= 30: NOT MET");
        assert_eq!(Target::AtMost(30.0).judge(f64::NAN), "<= 30: NOT MET");
    }
}
