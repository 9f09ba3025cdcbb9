//! What one call to a plugin may use: the guest's own time, wall time, memory, and what it may hand over to the host.

use std::time::Duration;

use wasmtime::ResourceLimiter;

const MIB: usize = 1 << 20;

/// The most that a plugin can ask for by itself; a user may give more.
const MOST_MEMORY_MIB: u32 = 256;
const MOST_CALL: Duration = Duration::from_secs(600);
const MOST_INSTANCES: u32 = 16;

/// How a kind of call is bounded in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// `describe`: depends on nothing.
    Describe,
    /// Hooks.
    Hook,
    /// Calls to a scheduler, which wait for programs.
    Scheduler,
}

/// Limits as a plugin asks for them, or a user sets them. `None`: the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitOverrides {
    /// Memory of one instance, in MiB.
    pub memory_mib: Option<u32>,
    /// Wall time of one call.
    pub call: Option<Duration>,
    /// How many instances of a scheduler may be called at once.
    pub instances: Option<u32>,
}

/// The limits in force for a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) memory: usize,
    pub(super) host_allocation: usize,
    pub(super) instances: u32,
    call: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(LimitOverrides::default(), LimitOverrides::default())
    }
}

impl Limits {
    /// The user's word counts most, then the plugin's own within bounds, then the defaults.
    pub(super) fn new(asked: LimitOverrides, user: LimitOverrides) -> Self {
        let memory = user
            .memory_mib
            .or(asked.memory_mib.map(|mib| mib.clamp(1, MOST_MEMORY_MIB)))
            .unwrap_or(64);
        let instances = user
            .instances
            .or(asked.instances.map(|count| count.min(MOST_INSTANCES)))
            .unwrap_or(4);
        Self {
            memory: (memory as usize).saturating_mul(MIB),
            host_allocation: 32 * MIB,
            instances: instances.max(1),
            call: user.call.or(asked.call.map(|call| call.min(MOST_CALL))),
        }
    }

    /// Wall time of one call.
    pub(super) fn wall(&self, pace: Pace) -> Duration {
        match pace {
            Pace::Describe => Duration::from_secs(5),
            Pace::Hook => self.call.unwrap_or(Duration::from_secs(5)),
            Pace::Scheduler => self.call.unwrap_or(Duration::from_secs(60)),
        }
    }

    /// How long the guest itself may compute in one call: the default, or all of a wall time that somebody chose.
    pub(super) fn guest(&self, pace: Pace) -> Duration {
        match pace {
            Pace::Describe => Duration::from_secs(1),
            Pace::Hook => self.call.unwrap_or(Duration::from_secs(1)),
            Pace::Scheduler => self.call.unwrap_or(Duration::from_secs(10)),
        }
    }
}

/// Bounds the memory of one store, and remembers that it had to.
#[derive(Debug)]
pub(super) struct Memory {
    limit: usize,
    used: usize,
    /// The limit, once it was hit.
    pub(super) refused: Option<usize>,
}

impl Memory {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            refused: None,
        }
    }
}

/// An instance of a composed component has several core instances, memories and tables.
const MOST_PARTS: usize = 64;
const MOST_TABLE_ELEMENTS: usize = 100_000;

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // All memories of the store together.
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.refused = Some(self.limit);
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= MOST_TABLE_ELEMENTS;
        if !fits {
            self.refused = Some(self.limit);
        }
        Ok(fits)
    }

    fn instances(&self) -> usize {
        MOST_PARTS
    }

    fn tables(&self) -> usize {
        MOST_PARTS
    }

    fn memories(&self) -> usize {
        MOST_PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_cannot_ask_for_the_moon() {
        let greedy = LimitOverrides {
            memory_mib: Some(u32::MAX),
            call: Some(Duration::MAX),
            instances: Some(u32::MAX),
        };
        let limits = Limits::new(greedy, LimitOverrides::default());
        assert_eq!((limits.memory, limits.instances), (256 * MIB, 16));
        assert_eq!(limits.wall(Pace::Hook), MOST_CALL);
        assert_eq!(limits.wall(Pace::Describe), Duration::from_secs(5));
        assert_eq!(limits.guest(Pace::Describe), Duration::from_secs(1));
    }

    #[test]
    fn the_user_decides() {
        let asked = LimitOverrides {
            memory_mib: Some(100),
            ..LimitOverrides::default()
        };
        let user = LimitOverrides {
            memory_mib: Some(1024),
            ..LimitOverrides::default()
        };
        assert_eq!(Limits::new(asked, user).memory, 1024 * MIB);
        assert_eq!(Limits::new(asked, LimitOverrides::default()).memory, 100 * MIB);
        assert_eq!(Limits::default().memory, 64 * MIB);
    }

    #[test]
    fn memories_are_counted_together() {
        let mut memory = Memory::new(100);
        assert!(memory.memory_growing(0, 60, None).unwrap());
        assert!(!memory.memory_growing(0, 60, None).unwrap());
        assert_eq!(memory.refused, Some(100));
        assert!(memory.memory_growing(60, 100, None).unwrap());
    }
}
