//! Takes memory until there is none.

xqute_hostile::on_each_success!({
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1_u8; 1 << 20]);
    }
});
