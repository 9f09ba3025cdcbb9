//! Gives bash for a hook that it did not subscribe to.

use xqute_plugin::Script;

xqute_hostile::gives_scripts!(|jobs| {
    let script = Script {
        init: None,
        prep: Some("touch given; cmd=true".to_owned()),
        end: Some("touch given".to_owned()),
    };
    vec![script; jobs]
});
