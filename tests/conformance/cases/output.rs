//! What commands write comes back byte for byte.

use crate::{bench::Job, medley::Medley};

const BYTES: &str = "every byte";
const MUCH: &str = "a megabyte";
const MEGABYTE: usize = 1_000_000;

pub(crate) fn jobs() -> Vec<Job> {
    // Both have all bytes, but not the same way round.
    let bytes = "for ((i = 0; i < 256; i++)); do \
                 printf -v up '\\\\x%x' $i; printf -v down '\\\\x%x' $((255 - i)); \
                 printf \"$up\"; printf \"$down\" >&2; done";
    let much = format!("head -c {MEGABYTE} /dev/zero; head -c {MEGABYTE} /dev/zero >&2");
    vec![Job::new(bytes).key(BYTES), Job::new(much).key(MUCH)]
}

pub(crate) fn every_byte_comes_back(medley: &Medley) {
    let job = medley.job(BYTES).succeeded();
    let up: Vec<u8> = (0..=255).collect();
    let down: Vec<u8> = (0..=255).rev().collect();
    assert_eq!(job.bytes("job.stdout"), up);
    assert_eq!(job.bytes("job.stderr"), down);
}

pub(crate) fn a_megabyte_comes_back(medley: &Medley) {
    let job = medley.job(MUCH).succeeded();
    for file in ["job.stdout", "job.stderr"] {
        assert!(job.bytes(file) == vec![0; MEGABYTE], "{file} is another");
    }
}
