//! Reads single values from TOML and JSON with the same rules as flags have. Knows nothing of the files they stand in.

use std::{fmt, num::NonZeroU32, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use super::values;
use crate::{
    adapters::component::rights::{Grant, parse_rights},
    model::{
        job::{JobIndex, Predecessor},
        settings::RetryCause,
    },
};

/// A whole number from 1.
pub fn forks<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NonZeroU32>, D::Error> {
    let Text(number) = Text::deserialize(from)?;
    values::forks(&number).map(Some).map_err(D::Error::custom)
}

/// A whole number from 0.
pub fn count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let Text(number) = Text::deserialize(from)?;
    let count = number
        .parse()
        .map_err(|_| D::Error::custom("expected a whole number from 0"))?;
    Ok(Some(count))
}

/// A number of seconds, or a text with units.
pub fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let Number(text) = Number::deserialize(from)?;
    values::duration(&text).map(Some).map_err(D::Error::custom)
}

/// The same, or 0.
pub fn pause<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let Number(text) = Number::deserialize(from)?;
    values::pause(&text).map(Some).map_err(D::Error::custom)
}

/// How many failures are too many.
pub fn failures<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NonZeroU32>, D::Error> {
    let Text(number) = Text::deserialize(from)?;
    values::failures(&number).map(Some).map_err(D::Error::custom)
}

/// Kinds of failures: a list of them, or a text with commas.
pub fn retry_on<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<RetryCause>, D::Error> {
    let OneOrMany(texts) = OneOrMany::deserialize(from)?;
    let causes = texts.iter().flat_map(|text| text.split(','));
    causes
        .map(|cause| values::retry_cause(cause).map_err(D::Error::custom))
        .collect()
}

/// A whole number that may be negative.
pub fn priority<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    let Text(number) = Text::deserialize(from)?;
    number
        .parse()
        .map_err(|_| D::Error::custom("expected a whole number from -2147483648 to 2147483647"))
}

/// The name or number of a job, or a list of them.
pub fn after<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Predecessor>, D::Error> {
    struct AfterVisitor;
    impl<'de> Visitor<'de> for AfterVisitor {
        type Value = Vec<Predecessor>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the name or the number of a job, or a list of them")
        }

        fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
            JobVisitor.visit_str(name).map(|job| vec![job])
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
            JobVisitor.visit_u64(number).map(|job| vec![job])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(Job(job)) = seq.next_element()? {
                all.push(job);
            }
            Ok(all)
        }
    }
    from.deserialize_any(AfterVisitor)
}

/// A job that another one comes after.
struct Job(Predecessor);

impl<'de> Deserialize<'de> for Job {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(JobVisitor).map(Self)
    }
}

struct JobVisitor;

impl Visitor<'_> for JobVisitor {
    type Value = Predecessor;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name or the number of a job")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Predecessor, E> {
        Ok(Predecessor::Name(name.to_owned()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Predecessor, E> {
        match u32::try_from(number) {
            Ok(index) => Ok(Predecessor::Index(JobIndex(index))),
            Err(_) => Err(E::custom(format!("no run has a job {number}"))),
        }
    }
}

/// A table of environment variables.
pub fn env<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, String)>, D::Error> {
    pairs(from, "a table of names and texts", values::env_pair)
}

/// A table of options; a list is an option that is given several times.
pub fn options<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, String)>, D::Error> {
    pairs(
        from,
        "a table of names and texts or lists of texts",
        values::option_pair,
    )
}

/// `true`, or a list such as `["run=sbatch,squeue", "script"]`.
pub fn allow<'de, D: Deserializer<'de>>(from: D) -> Result<Grant, D::Error> {
    struct AllowVisitor;
    impl<'de> Visitor<'de> for AllowVisitor {
        type Value = Grant;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true (all that it asks for) or a list such as [\"run=sbatch,squeue\", \"script\"]")
        }

        fn visit_bool<E: Error>(self, all: bool) -> Result<Self::Value, E> {
            Ok(if all { Grant::All } else { Grant::default() })
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(text) = seq.next_element::<String>()? {
                all.extend(parse_rights(&text).map_err(A::Error::custom)?);
            }
            Ok(Grant::Only(all))
        }
    }
    from.deserialize_any(AllowVisitor)
}

/// A text or a whole number, as text. Numbers with a fraction have more than one way to be written, so they need quotes.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a whole number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

/// A text or any number, as text.
struct Number(String);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = String;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seconds or a duration such as \"1h 30m\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
                Ok(text.to_owned())
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
                Ok(number.to_string())
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
                Ok(number.to_string())
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<String, E> {
                Ok(number.to_string())
            }
        }
        from.deserialize_any(NumberVisitor).map(Self)
    }
}

/// A text or a list of texts.
pub struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct ManyVisitor;
        impl<'de> Visitor<'de> for ManyVisitor {
            type Value = Vec<String>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                TextVisitor.visit_str(text).map(|text| vec![text])
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                TextVisitor.visit_i64(number).map(|text| vec![text])
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                TextVisitor.visit_u64(number).map(|text| vec![text])
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(Text(text)) = seq.next_element()? {
                    all.push(text);
                }
                Ok(all)
            }
        }
        from.deserialize_any(ManyVisitor).map(Self)
    }
}

type CheckPair = fn(&str, &str) -> Result<(String, String), String>;

fn pairs<'de, D: Deserializer<'de>>(
    from: D,
    expected: &'static str,
    check: CheckPair,
) -> Result<Vec<(String, String)>, D::Error> {
    struct Pairs(&'static str, CheckPair);
    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, String)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some((name, OneOrMany(values))) = map.next_entry::<String, _>()? {
                for value in values {
                    all.push((self.1)(&name, &value).map_err(A::Error::custom)?);
                }
            }
            Ok(all)
        }
    }
    from.deserialize_map(Pairs(expected, check))
}
