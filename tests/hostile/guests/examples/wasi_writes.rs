//! Writes where it may only read: the option says where.

use std::fs;

use xqute_plugin::prelude::*;

xqute_hostile::tries_paths!(Read, |path: &str| {
    log::warn!("{path}: {:?}", fs::write(path, "hostile"));
    log::warn!("{path}: {:?}", fs::create_dir(format!("{path}.folder")));
    log::warn!("{path}: {:?}", fs::rename(path, format!("{path}.moved")));
    log::warn!("{path}: {:?}", fs::remove_file(path));
});
