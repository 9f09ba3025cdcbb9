//! Commands in JSON. A list is an argv, a text is a shell line; bytes that no text can hold are lists of numbers:
//!
//! ```json
//! {"cmd": ["printf", "%s", [255, 10]]}
//! {"cmd": {"shell": [101, 99, 104, 111, 32, 255]}}
//! ```

use std::fmt;

use bstr::{BString, ByteSlice as _};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
    ser::SerializeMap as _,
};

use crate::model::job::Command;

/// Reads a command.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Command, D::Error> {
    from.deserialize_any(CommandVisitor)
}

/// A command as it is written.
pub(super) struct Written<'a>(pub(super) &'a Command);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Command::Argv(args) => to.collect_seq(args.iter().map(BytesRef)),
            Command::Shell(line) => match line.to_str() {
                Ok(text) => to.serialize_str(text),
                Err(_) => {
                    let mut map = to.serialize_map(Some(1))?;
                    map.serialize_entry("shell", &BytesRef(line))?;
                    map.end()
                }
            },
        }
    }
}

struct CommandVisitor;

impl<'de> Visitor<'de> for CommandVisitor {
    type Value = Command;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts (a program and its arguments) or a text (a shell line)")
    }

    fn visit_str<E: Error>(self, line: &str) -> Result<Command, E> {
        Ok(Command::shell(line))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Command, A::Error> {
        let mut args = Vec::new();
        while let Some(Bytes(arg)) = seq.next_element()? {
            args.push(arg);
        }
        Ok(Command::Argv(args))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Command, A::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum Key {
            Shell,
        }
        let Some((Key::Shell, Bytes(line))) = map.next_entry()? else {
            return Err(A::Error::missing_field("shell"));
        };
        match map.next_key::<Key>()? {
            None => Ok(Command::Shell(line)),
            Some(Key::Shell) => Err(A::Error::duplicate_field("shell")),
        }
    }
}

/// A text, or a list of byte numbers.
struct Bytes(BString);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl<'de> Visitor<'de> for BytesVisitor {
            type Value = BString;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of byte numbers")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<BString, E> {
                Ok(text.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<BString, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = seq.next_element::<u8>()? {
                    bytes.push(byte);
                }
                Ok(bytes.into())
            }
        }
        from.deserialize_any(BytesVisitor).map(Self)
    }
}

/// The same, to be written.
struct BytesRef<'a>(&'a BString);

impl Serialize for BytesRef<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Ok(text) => to.serialize_str(text),
            Err(_) => to.collect_seq(self.0.iter()),
        }
    }
}
