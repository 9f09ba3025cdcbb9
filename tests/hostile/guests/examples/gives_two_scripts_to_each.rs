//! Gives two scripts for each job.

use xqute_plugin::Script;

xqute_hostile::gives_scripts!(|jobs| {
    let script = Script {
        init: Some("touch given".to_owned()),
        prep: None,
        end: None,
    };
    vec![script; jobs * 2]
});
