//! Is asked, and does not answer.

xqute_hostile::gives_verdicts!(Vec::new());
