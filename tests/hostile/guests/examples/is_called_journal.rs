//! Takes the name of a plugin that came with xqute and has rights.

use xqute_hostile::description;
use xqute_plugin::{Description, Hook, Right};

xqute_hostile::describes_itself!(Description {
    name: "journal".to_owned(),
    rights: vec![Right::Script, Right::Run("touch".to_owned())],
    ..description(&[Hook::JobSucceeded])
});
