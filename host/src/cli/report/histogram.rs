//! How many attempts took how long, in steps that suit the run.

use std::fmt::Write as _;

use super::{
    charts::meter,
    span::{Kind, Span},
    text::{count, exact},
};

/// The most steps that are shown, if a rougher division can do with fewer.
const MOST: usize = 14;

const MS: i64 = 1_000;
const S: i64 = 1_000 * MS;
const MIN: i64 = 60 * S;
const H: i64 = 60 * MIN;

/// What has the steps between it, in microseconds, from fine to rough.
const FINE: [i64; 59] = [
    MS,
    2 * MS,
    3 * MS,
    4 * MS,
    6 * MS,
    8 * MS,
    10 * MS,
    15 * MS,
    20 * MS,
    30 * MS,
    40 * MS,
    60 * MS,
    80 * MS,
    100 * MS,
    150 * MS,
    200 * MS,
    300 * MS,
    400 * MS,
    600 * MS,
    800 * MS,
    S,
    1_500 * MS,
    2 * S,
    2_500 * MS,
    3 * S,
    4 * S,
    5 * S,
    6 * S,
    8 * S,
    10 * S,
    15 * S,
    20 * S,
    30 * S,
    40 * S,
    50 * S,
    MIN,
    90 * S,
    2 * MIN,
    3 * MIN,
    4 * MIN,
    6 * MIN,
    8 * MIN,
    10 * MIN,
    15 * MIN,
    20 * MIN,
    30 * MIN,
    40 * MIN,
    50 * MIN,
    H,
    90 * MIN,
    2 * H,
    3 * H,
    4 * H,
    6 * H,
    8 * H,
    12 * H,
    24 * H,
    48 * H,
    168 * H,
];
const MIDDLE: [i64; 26] = [
    MS,
    2 * MS,
    5 * MS,
    10 * MS,
    20 * MS,
    50 * MS,
    100 * MS,
    200 * MS,
    500 * MS,
    S,
    2 * S,
    5 * S,
    10 * S,
    30 * S,
    MIN,
    2 * MIN,
    5 * MIN,
    10 * MIN,
    30 * MIN,
    H,
    2 * H,
    5 * H,
    12 * H,
    24 * H,
    48 * H,
    168 * H,
];
const ROUGH: [i64; 11] = [
    MS,
    10 * MS,
    100 * MS,
    S,
    10 * S,
    MIN,
    10 * MIN,
    H,
    10 * H,
    24 * H,
    168 * H,
];

/// The list with bars.
pub(super) fn histogram(spans: &[Span]) -> String {
    let divisions = [&FINE[..], &MIDDLE[..], &ROUGH[..]].map(|edges| steps(edges, spans));
    let [fine, middle, rough] = divisions;
    let steps = [fine, middle]
        .into_iter()
        .find(|steps| steps.len() <= MOST)
        .unwrap_or(rough);
    let most = steps.iter().map(|(_, number)| *number).max().unwrap_or(1);
    let mut out = String::from("<table class=\"meter edges\"><tbody>");
    for (words, number) in steps {
        let _infallible = write!(
            out,
            "<tr><th scope=\"row\">{words}</th>{}<td class=\"number\">{}</td></tr>",
            meter(Kind::Succeeded, number, most),
            count(number)
        );
    }
    out.push_str("</tbody></table>");
    out
}

/// The steps from the first to the last that has something in it, as HTML, with how many attempts each has.
fn steps(edges: &[i64], spans: &[Span]) -> Vec<(String, u64)> {
    let mut numbers: Vec<u64> = vec![0; edges.len() + 1];
    for span in spans {
        let step = edges.partition_point(|edge| *edge <= span.micros());
        if let Some(number) = numbers.get_mut(step) {
            *number += 1;
        }
    }
    let numbers = numbers.into_iter().enumerate();
    let mut steps: Vec<_> = numbers.skip_while(|(_, number)| *number == 0).collect();
    while steps.pop_if(|(_, number)| *number == 0).is_some() {}
    let steps = steps.into_iter();
    steps.map(|(step, number)| (between(edges, step), number)).collect()
}

fn between(edges: &[i64], step: usize) -> String {
    let edge = |at: Option<usize>| at.and_then(|at| edges.get(at)).map(|micros| exact(*micros));
    match (edge(step.checked_sub(1)), edge(Some(step))) {
        (None, Some(to)) => format!("&lt; {to}"),
        (Some(from), Some(to)) => format!("{from} – {to}"),
        (Some(from), None) => format!("≥ {from}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(micros: i64) -> Span {
        Span {
            start: 0,
            end: micros,
            job: 0,
            attempt: 1,
            kind: Kind::Succeeded,
        }
    }

    #[test]
    fn every_attempt_is_in_one_step() {
        for edges in [&FINE[..], &MIDDLE[..], &ROUGH[..]] {
            assert!(edges.is_sorted_by(|a, b| a < b));
            let spans: Vec<_> = (0..60).map(|power| span(1 << power)).collect();
            let all = steps(edges, &spans);
            assert_eq!(all.iter().map(|(_, number)| number).sum::<u64>(), 60);
            assert_eq!(all.len(), edges.len() + 1);
        }
    }

    #[test]
    fn steps_are_as_fine_as_the_run_allows() {
        let rows = |spans: &[Span]| histogram(spans).matches("<tr>").count();
        assert_eq!(rows(&[span(2 * S), span(2_400 * MS), span(5 * S - 1)]), 4);
        assert_eq!(rows(&[span(1), span(200 * 24 * H)]), 12);
        assert!(histogram(&[span(10 * S)]).contains("10 s – 15 s"));
        assert!(histogram(&[span(0)]).contains("&lt; 1 ms"));
    }
}
