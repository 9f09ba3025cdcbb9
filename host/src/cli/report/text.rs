//! Text and numbers on their way into the page. Text of unknown origin can do nothing there but be read.

use std::{fmt::Write as _, time::Duration};

use serde_json::Value;
use xqute::model::record::Timestamp;

use crate::cli::screen::steers;

/// Text of unknown origin without colours and other terminal sequences, with everything else that does not show spelled out,
/// and at most `limit` characters of it.
pub(super) fn clean(text: &str, limit: usize) -> String {
    // Terminal sequences take room as well, but who writes many of them wants to hide something.
    let (text, is_cut) = match text.char_indices().nth(limit * 4) {
        Some((at, _)) => (text.get(..at).unwrap_or(text), true),
        None => (text, false),
    };
    let text = anstream::adapter::strip_str(text).to_string();
    let mut shown = String::with_capacity(text.len().min(limit * 4));
    for (at, char) in text.chars().enumerate() {
        if at == limit {
            shown.push('…');
            return shown;
        }
        match char {
            '\n' | '\t' => shown.push(char),
            char if steers(char) => shown.extend(char.escape_default()),
            char => shown.push(char),
        }
    }
    if is_cut {
        shown.push('…');
    }
    shown
}

/// Text as HTML, between tags or inside a quoted attribute.
pub(super) fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            char => safe.push(char),
        }
    }
    safe
}

/// A value as JSON inside a `script` element: nothing in it can end the element, or a line of a script.
pub(super) fn json(value: &Value) -> String {
    let mut safe = String::new();
    for char in value.to_string().chars() {
        match char {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _infallible = write!(safe, "\\u{:04x}", u32::from(char));
            }
            char => safe.push(char),
        }
    }
    safe
}

/// A number with commas: 1,234,567.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 job`, `2 jobs`.
pub(super) fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", count(number))
}

/// A share of a whole, in percent: nothing that is there is shown as 0 %, and 100 % only when all of it is.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return String::new();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    match percent {
        _ if part == 0 => "0 %".to_owned(),
        _ if part == whole => "100 %".to_owned(),
        p if p < 0.1 => "< 0.1 %".to_owned(),
        p if p > 99.9 => "> 99.9 %".to_owned(),
        p if (10.0..99.0).contains(&p) => format!("{p:.0} %"),
        p => format!("{p:.1} %"),
    }
}

/// A time in microseconds, with two or three digits that matter.
pub(super) fn duration(micros: i64) -> String {
    let micros = micros.max(0);
    let seconds = micros as f64 / 1e6;
    let whole = micros / 1_000_000;
    match micros {
        0 => "0 s".to_owned(),
        1..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.1} ms", micros as f64 / 1e3),
        10_000..1_000_000 => format!("{} ms", micros / 1_000),
        1_000_000..10_000_000 => format!("{seconds:.2} s"),
        10_000_000..60_000_000 => format!("{seconds:.1} s"),
        60_000_000..3_600_000_000 => two(whole, 60, "min", "s"),
        3_600_000_000..86_400_000_000 => two(whole / 60, 60, "h", "min"),
        _ => two(whole / 3600, 24, "d", "h"),
    }
}

fn two(number: i64, parts: i64, great: &str, small: &str) -> String {
    match (number / parts, number % parts) {
        (whole, 0) => format!("{whole} {great}"),
        (whole, rest) => format!("{whole} {great} {rest} {small}"),
    }
}

/// A round time in microseconds, without digits that are not needed.
pub(super) fn exact(micros: i64) -> String {
    match micros {
        1_000..1_000_000 => format!("{} ms", micros as f64 / 1e3),
        1_000_000..60_000_000 => format!("{} s", micros as f64 / 1e6),
        _ => duration(micros),
    }
}

/// A duration in microseconds.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A size in bytes, with three digits that matter.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut size = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        if size < 1000.0 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    match size {
        _ if unit == "B" => format!("{bytes} B"),
        s if s < 10.0 => format!("{s:.2} {unit}"),
        s if s < 100.0 => format!("{s:.1} {unit}"),
        s => format!("{s:.0} {unit}"),
    }
}

/// A moment, for people and in UTC.
pub(super) fn moment(at: Timestamp) -> String {
    const LAST: i64 = 253_402_300_799;
    let seconds = u64::try_from((at.0 / 1_000_000).clamp(0, LAST)).unwrap_or_default();
    let moment = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
    let text = humantime::format_rfc3339_seconds(moment).to_string();
    format!("{} UTC", text.trim_end_matches('Z').replace('T', " "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn text_cannot_leave_its_place(text: String) {
            let safe = html(&clean(&text, 1000));
            prop_assert!(!safe.contains(['<', '>', '"', '\'']));
            prop_assert!(!safe.chars().any(|char| char.is_control() && !"\n\t".contains(char)));
            let inside = json(&json!([text]));
            let harmful = inside.contains(['<', '>', '&', '\u{2028}', '\u{2029}', '\n']);
            prop_assert!(!harmful);
            prop_assert_eq!(serde_json::from_str::<Value>(&inside).unwrap(), json!([text]));
        }

        #[test]
        fn every_number_has_its_unit(number: u64) {
            prop_assert!(bytes(number).ends_with('B'));
            prop_assert!(duration(number as i64).contains(' '));
        }
    }

    #[test]
    fn what_could_act_is_taken_off_or_spelled_out() {
        assert_eq!(clean("\x1b[31mred\x1b[0m \u{202e}x", 99), "red \\u{202e}x");
        assert_eq!(clean("abcdef", 3), "abc…");
        assert_eq!(clean("abc", 3), "abc");
        assert_eq!(
            html("</script><b a='\"'>&amp;"),
            "&lt;/script&gt;&lt;b a=&#39;&quot;&#39;&gt;&amp;amp;"
        );
        assert_eq!(json(&json!("</script>\u{2028}")), "\"\\u003c/script\\u003e\\u2028\"");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!((count(0), count(999)), ("0".to_owned(), "999".to_owned()));
        assert_eq!(counted(1, "job"), "1 job");
        let durations = [
            0,
            12,
            1_500,
            12_999,
            1_234_567,
            59_940_000,
            63_000_000,
            3_600_000_000,
            90_061_000_000,
            -5,
        ];
        let shown = durations.map(duration);
        insta::assert_snapshot!(shown.join(" | "), @"0 s | 12 µs | 1.5 ms | 12 ms | 1.23 s | 59.9 s | 1 min 3 s | 1 h | 1 d 1 h | 0 s");
        let sizes = [0, 999, 1000, 1536, 150 << 20, 5 << 30, u64::MAX].map(bytes);
        insta::assert_snapshot!(sizes.join(" | "), @"0 B | 999 B | 0.98 KiB | 1.50 KiB | 150 MiB | 5.00 GiB | 16.0 EiB");
        let shares = [
            (0, 7),
            (1, 100_000),
            (1, 200),
            (1, 3),
            (999_999, 1_000_000),
            (7, 7),
            (0, 0),
        ];
        insta::assert_snapshot!(shares.map(|(part, whole)| share(part, whole)).join(" | "), @"0 % | < 0.1 % | 0.5 % | 33 % | > 99.9 % | 100 % |");
        assert_eq!(moment(Timestamp(1_000_000)), "1970-01-01 00:00:01 UTC");
        assert_eq!(moment(Timestamp(i64::MIN)), "1970-01-01 00:00:00 UTC");
        assert_eq!(moment(Timestamp(i64::MAX)), "9999-12-31 23:59:59 UTC");
    }
}
