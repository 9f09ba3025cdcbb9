//! Reads files that it was not granted: the option says which.

use std::fs;

use xqute_plugin::prelude::*;

xqute_hostile::tries_paths!(Read, |path: &str| log::warn!("{path}: {:?}", fs::read_to_string(path)));
