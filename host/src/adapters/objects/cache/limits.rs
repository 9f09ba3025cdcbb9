//! How much the cache may hold.

use super::error::CacheError;

/// Who may say another bound.
pub(super) const VARIABLE: &str = "XQUTE_CACHE_MAX";

/// How much the cache may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of all objects together.
    pub most: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { most: 10 << 30 }
    }
}

impl Limits {
    /// What `XQUTE_CACHE_MAX` says: bytes, or so many `K`, `M`, `G` or `T`, of 1024 bytes and so on.
    ///
    /// # Errors
    /// When it says something else.
    pub fn from_environment() -> Result<Self, CacheError> {
        match std::env::var_os(VARIABLE).filter(|text| !text.is_empty()) {
            None => Ok(Self::default()),
            Some(text) => {
                let text = text.to_string_lossy();
                let most = bytes(text.trim()).ok_or_else(|| CacheError::Bound(text.clone().into_owned()))?;
                Ok(Self { most })
            }
        }
    }
}

fn bytes(text: &str) -> Option<u64> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &*text.strip_prefix(number)?.to_ascii_uppercase() {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return None,
    };
    // `parse` would take a plus sign.
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    number.checked_mul(1 << shift)
}

/// A size for people: whole, if that is short.
pub(super) fn shown(size: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut left, mut unit) = (size, "bytes");
    for next in UNITS {
        if left == 0 || left % 1024 != 0 {
            break;
        }
        (left, unit) = (left / 1024, next);
    }
    format!("{left} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read() {
        for (text, size) in [
            ("0", Some(0)),
            ("1000", Some(1000)),
            ("2k", Some(2048)),
            ("3M", Some(3 << 20)),
            ("10G", Some(10 << 30)),
            ("1T", Some(1 << 40)),
            ("", None),
            ("G", None),
            ("+1", None),
            ("-1", None),
            ("1.5G", None),
            ("10GB", None),
            ("1 G", None),
            ("18446744073709551615G", None),
        ] {
            assert_eq!(bytes(text), size, "{text:?}");
        }
    }

    #[test]
    fn sizes_are_exact() {
        assert_eq!(shown(0), "0 bytes");
        assert_eq!(shown(1000), "1000 bytes");
        assert_eq!(shown(10 << 30), "10 GiB");
        assert_eq!(shown((1 << 20) + 1), "1048577 bytes");
    }
}
