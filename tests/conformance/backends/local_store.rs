//! This machine, with the workdirs in a store. What tests look at is in the store.

/// The suite for one service, and one way in which jobs come to their workdir.
macro_rules! local_store {
    ($module:ident, $service:literal, $access:ident) => {
        pub(crate) mod $module {
            use crate::{
                backend::{Access, Backend, Pace},
                local,
            };

            suite! {
                Backend {
                    store: Some($service),
                    access: Access::$access,
                    // Servers in Python and JavaScript take a few hundred requests in a second.
                    many: 100,
                    pace: Pace::Slow,
                    ..local::BASE
                };
                AnyName,
                TellsSignals,
            }
        }
    };
}

local_store!(s3, "s3", Shared);
local_store!(gs, "gs", Shared);
local_store!(az, "az", Shared);
local_store!(s3_staged, "s3", Staged);
