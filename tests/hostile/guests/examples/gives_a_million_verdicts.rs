//! Answers a million times.

use xqute_plugin::Verdict;

xqute_hostile::gives_verdicts!(vec![Verdict::Proceed; 1_000_000]);
