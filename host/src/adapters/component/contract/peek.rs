//! Looks at what a component exports without compiling it. Good enough to tell a user what there is; whether a component is
//! valid is found out when it is loaded.

use super::Interface;
use crate::adapters::component::error::SPOKEN;

/// The number of a component's export sections.
const EXPORTS: u8 = 11;

/// A component starts with its magic number and its version.
const HEADER: usize = 8;

/// Whether a component exports this interface of the contract.
pub(crate) fn exports(wasm: &[u8], interface: Interface) -> bool {
    let name = format!("xqute:plugin/{interface}@{SPOKEN}.");
    Sections(wasm.get(HEADER..).unwrap_or_default())
        .filter(|(kind, _)| *kind == EXPORTS)
        .any(|(_, body)| body.windows(name.len()).any(|part| part == name.as_bytes()))
}

/// The sections of a component with their kinds, up to the first one that is broken.
struct Sections<'a>(&'a [u8]);

impl<'a> Iterator for Sections<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&kind, rest) = self.0.split_first()?;
        let (length, rest) = length(rest)?;
        let (body, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((kind, body))
    }
}

/// A number in LEB128, and what follows it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::component::testing::Guest;

    #[test]
    fn exports_are_seen() {
        let component = Guest::default().component();
        for interface in Interface::ALL {
            assert!(exports(&component, interface), "{interface}");
        }
    }

    #[test]
    fn other_sections_do_not_count() {
        let name = b"xqute:plugin/scheduler@0.1.0";
        let with_section = |kind: u8| {
            let mut wasm = b"\0asm\x0d\0\x01\0".to_vec();
            wasm.extend([kind, u8::try_from(name.len()).unwrap()]);
            wasm.extend(name);
            wasm
        };
        assert!(exports(&with_section(EXPORTS), Interface::Scheduler));
        assert!(!exports(&with_section(EXPORTS), Interface::Observer));
        assert!(!exports(&with_section(10), Interface::Scheduler));
    }

    #[test]
    fn what_is_cut_off_exports_nothing() {
        for wasm in [
            &b""[..],
            b"\0asm",
            b"\0asm\x0d\0\x01\0\x0b\xff\xff\xff\xff\xff",
            b"\0asm\x0d\0\x01\0\x0b\x20x",
        ] {
            assert!(!exports(wasm, Interface::Scheduler));
        }
    }
}
