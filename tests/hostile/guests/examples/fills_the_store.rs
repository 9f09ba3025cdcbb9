//! Keeps more in the key-value store than the host holds for anybody, and then one value that is too big.

use xqute_plugin::prelude::*;

xqute_hostile::on_each_success!({
    let mut kept = 0;
    while kv::set(&format!("{kept}"), &[0; 60_000]).is_ok() {
        kept += 1;
    }
    log::warn!("the store took {kept}");
    let _refused = kv::set("big", &vec![0; 40 << 20]);
});
