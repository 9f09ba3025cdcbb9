//! Takes handles of the host without end.

use std::{fs::File, mem::forget};

xqute_hostile::on_each_success!({
    let file = File::open("/granted/file");
    loop {
        forget(file.as_ref().map(File::try_clone));
        forget(File::open("/granted/file"));
    }
});
