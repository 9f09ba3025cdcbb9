//! Makes a link that leads out of the folder that it may write in, and reads and writes by it.

use std::fs;

use xqute_plugin::prelude::*;

xqute_hostile::tries_paths!(Write, |path: &str| {
    let link = format!("{path}/link");
    #[expect(deprecated, reason = "what replaces it is only for some systems")]
    let linked = fs::soft_link("../secret", &link);
    log::warn!("{linked:?}");
    log::warn!(
        "{:?}",
        fs::hard_link(format!("{path}/../secret"), format!("{path}/hard"))
    );
    log::warn!("{:?}", fs::read_to_string(&link));
    log::warn!("{:?}", fs::write(&link, "hostile"));
});
