//! Never says who it is.

xqute_hostile::describes_itself!({
    loop {
        std::hint::spin_loop();
    }
});
