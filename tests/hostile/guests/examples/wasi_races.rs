//! Reads a file again and again, hoping that a part of its path becomes a link at the right moment.

use std::fs;

use xqute_plugin::prelude::*;

xqute_hostile::tries_paths!(Read, |path: &str| {
    let (mut found, mut harmless) = (String::new(), 0);
    for _ in 0..20_000 {
        match fs::read_to_string(path) {
            Ok(text) if text == "harmless" => harmless += 1,
            Ok(text) => found = text,
            Err(_) => {}
        }
    }
    log::warn!("found {harmless} harmless files and `{found}`");
});
