//! Finds out which keys a type that serde reads knows of, so that messages and types cannot drift apart, and which of them
//! a user may have meant.

use serde::{
    Deserialize,
    de::{Deserializer, Visitor, value::Error},
    forward_to_deserialize_any,
};

/// The keys of a struct that derives `Deserialize`.
pub fn keys<T: Deserialize<'static>>() -> &'static [&'static str] {
    let mut found: &'static [&'static str] = &[];
    let _always_an_error = T::deserialize(Probe(&mut found));
    found
}

/// The key that is nearest to `typed`, if one is near enough to be worth naming.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase().replace('_', "-");
    known
        .into_iter()
        .map(|key| (strsim::jaro_winkler(&typed, &key.replace('_', "-")), key))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, key)| key)
}

/// A deserializer that only listens to what it is asked for.
struct Probe<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        self.deserialize_any(_visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(serde::de::Error::custom("only the keys are asked for"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    #[expect(dead_code, reason = "only its keys are looked at")]
    struct Sample {
        error_strategy: String,
        forks: Option<u32>,
    }

    #[test]
    fn keys_are_those_of_the_type() {
        assert_eq!(keys::<Sample>(), ["error-strategy", "forks"]);
        assert!(keys::<String>().is_empty());
    }

    #[test]
    fn a_typo_finds_its_key_and_nonsense_none() {
        let known = keys::<Sample>();
        assert_eq!(nearest("error_stratgy", known.iter().copied()), Some("error-strategy"));
        assert_eq!(nearest("Fork", known.iter().copied()), Some("forks"));
        assert_eq!(nearest("xyz", known.iter().copied()), None);
    }
}
