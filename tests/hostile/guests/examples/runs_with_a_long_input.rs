//! Gives a program forty megabytes to read.

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {
    fn about(about: About) -> About {
        about.runs(["tee"])
    }
}

#[export]
impl Observer for Hostile {
    fn on_init() {
        let _refused = process::run_with_input("tee", ["tried"], &vec![b'x'; 40 << 20]);
    }
}
