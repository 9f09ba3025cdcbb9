//! Asks for another right each time that it is asked who it is, hoping that one is shown and another granted.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

use xqute_hostile::description;
use xqute_plugin::{Description, Hook, Right};

xqute_hostile::describes_itself!({
    let chance = RandomState::new().build_hasher().finish();
    Description {
        version: format!("{chance}"),
        rights: vec![Right::Run(format!("program-{chance}"))],
        ..description(&[Hook::JobSucceeded])
    }
});
