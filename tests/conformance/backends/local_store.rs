//! This machine, with the workdirs in a store. Jobs see them here, from where they are copied; what tests look at is in the
//! store.

/// The suite for one service.
macro_rules! local_store {
    ($module:ident, $service:literal) => {
        pub(crate) mod $module {
            use crate::{backend::Backend, local};

            suite! {
                Backend {
                    store: Some($service),
                    ..local::BASE
                };
                AnyName,
                TellsSignals,
            }
        }
    };
}

local_store!(s3, "s3");
local_store!(gs, "gs");
local_store!(az, "az");
