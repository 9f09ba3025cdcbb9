//! Starts a program when it is asked who it is, before anybody could grant it anything.

use xqute_hostile::description;
use xqute_plugin::{Description, Hook, Right, process};

xqute_hostile::describes_itself!({
    let _refused = process::run("touch", ["ran_by_plugin"]);
    Description {
        rights: vec![Right::Run("touch".to_owned())],
        ..description(&[Hook::JobSucceeded])
    }
});
