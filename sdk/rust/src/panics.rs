//! Panics: in a component they are traps, and a trap has no words. So what the panic says goes to the log before.

/// Makes panics of this instance tell why. Called at the start of every call, and does something only the first time.
#[cfg(target_arch = "wasm32")]
pub(crate) fn are_told() {
    static TOLD: std::sync::Once = std::sync::Once::new();
    TOLD.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            crate::log::error!("{}", panic.to_string().replace('\n', " "))
        }))
    });
}

/// A native test prints its panics itself.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) const fn are_told() {}
