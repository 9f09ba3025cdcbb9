//! Understands far too many options.

use xqute_hostile::description;
use xqute_plugin::{Description, Hook, OptionInfo};

xqute_hostile::describes_itself!({
    let option = OptionInfo {
        name: "a".to_owned(),
        summary: String::new(),
        default: None,
        repeatable: false,
    };
    Description {
        options: vec![option; 300_000],
        ..description(&[Hook::JobSucceeded])
    }
});
