//! What a plugin may use: the guest's own time, wall time, memory, tables, handles, and what passes between it and the host.
//! The counters for time are in `stopwatch`, how a limit that was hit is told is in `call`.

use std::time::Duration;

use wasmtime::ResourceLimiter;

const MIB: usize = 1 << 20;

/// The most that a plugin can ask for by itself; a user may give more.
const MOST_MEMORY_MIB: u32 = 256;
const MOST_CALL: Duration = Duration::from_secs(600);
const MOST_INSTANCES: u32 = 16;

/// How a kind of call is bounded in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
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
    /// How long the guest itself may compute in one call.
    pub compute: Option<Duration>,
    /// Elements of all tables of one instance together.
    pub table_elements: Option<u32>,
    /// Files, streams, sockets and other things of the host that one instance may hold at once.
    pub handles: Option<u32>,
    /// What one call may pass between guest and host, in MiB.
    pub pass_mib: Option<u32>,
    /// What a program that the plugin starts may write to one of its outputs, in MiB.
    pub output_mib: Option<u32>,
    /// How many instances of a scheduler may be called at once.
    pub instances: Option<u32>,
    /// How many programs and requests the plugin may start in a second.
    pub max_rate: Option<u32>,
    /// How many programs and requests of the plugin may go on at once.
    pub max_in_flight: Option<u32>,
}

impl LimitOverrides {
    /// These limits, and where they say nothing, those of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            memory_mib: self.memory_mib.or(other.memory_mib),
            call: self.call.or(other.call),
            compute: self.compute.or(other.compute),
            table_elements: self.table_elements.or(other.table_elements),
            handles: self.handles.or(other.handles),
            pass_mib: self.pass_mib.or(other.pass_mib),
            output_mib: self.output_mib.or(other.output_mib),
            instances: self.instances.or(other.instances),
            max_rate: self.max_rate.or(other.max_rate),
            max_in_flight: self.max_in_flight.or(other.max_in_flight),
        }
    }

    /// What a plugin may ask for by itself: some of it, within bounds.
    fn within_bounds(self) -> Self {
        Self {
            memory_mib: self.memory_mib.map(|mib| mib.clamp(1, MOST_MEMORY_MIB)),
            call: self.call.map(|call| call.min(MOST_CALL)),
            instances: self.instances.map(|count| count.min(MOST_INSTANCES)),
            ..Self::default()
        }
    }
}

/// The limits in force for a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of all memories of an instance together.
    pub(super) memory: usize,
    /// Elements of all tables of an instance together.
    pub(super) table_elements: usize,
    pub(crate) handles: usize,
    /// Bytes that one call may pass between guest and host.
    pub(super) pass: usize,
    /// Bytes that a program may write to one of its outputs.
    pub(super) output: usize,
    pub(crate) instances: u32,
    pub(crate) max_rate: Option<u32>,
    pub(crate) max_in_flight: Option<u32>,
    call: Option<Duration>,
    compute: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(LimitOverrides::default(), LimitOverrides::default())
    }
}

impl Limits {
    /// The user's word counts most, then the plugin's own within bounds, then the defaults.
    pub(crate) fn new(asked: LimitOverrides, user: LimitOverrides) -> Self {
        let chosen = user.or(asked.within_bounds());
        let mib = |chosen: Option<u32>, default: u32| (chosen.unwrap_or(default) as usize).saturating_mul(MIB);
        Self {
            memory: mib(chosen.memory_mib, 64),
            table_elements: chosen.table_elements.unwrap_or(100_000) as usize,
            // Each may be a file descriptor of this process, and usually it has 1024 of them.
            handles: chosen.handles.unwrap_or(256) as usize,
            pass: mib(chosen.pass_mib, 32),
            output: mib(chosen.output_mib, 16),
            instances: chosen.instances.unwrap_or(4).max(1),
            max_rate: chosen.max_rate,
            max_in_flight: chosen.max_in_flight,
            call: chosen.call,
            compute: chosen.compute,
        }
    }

    /// Wall time of one call. Who may compute for longer than usual gets the time for it.
    pub(super) fn wall(&self, pace: Pace) -> Duration {
        let usual = match pace {
            Pace::Describe => return Duration::from_secs(5),
            Pace::Hook => Duration::from_secs(5),
            Pace::Scheduler => Duration::from_secs(60),
        };
        self.call.unwrap_or_else(|| usual.max(self.compute.unwrap_or_default()))
    }

    /// How long the guest itself may compute in one call: the default, or all of a wall time that somebody chose.
    pub(super) fn guest(&self, pace: Pace) -> Duration {
        let usual = match pace {
            Pace::Describe => return Duration::from_secs(1),
            Pace::Hook => Duration::from_secs(1),
            Pace::Scheduler => Duration::from_secs(10),
        };
        self.compute.or(self.call).unwrap_or(usual)
    }
}

/// Bounds what one store grows to, and remembers that it had to.
#[derive(Debug)]
pub(crate) struct Growth {
    limits: Limits,
    memory: usize,
    table_elements: usize,
    /// What was refused last.
    pub(super) refused: Option<TooMuch>,
}

/// What a guest wanted more of than it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooMuch {
    /// Memory; the limit is in bytes.
    Memory(usize),
    /// Elements of tables.
    TableElements(usize),
}

impl Growth {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self {
            limits,
            memory: 0,
            table_elements: 0,
            refused: None,
        }
    }
}

/// The most core instances, memories and tables of one instance: a component that was composed of others has several. No
/// setting raises it.
pub(crate) const MOST_PARTS: usize = 64;

impl ResourceLimiter for Growth {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // All memories of the store together.
        let used = self.memory.saturating_add(desired.saturating_sub(current));
        if used > self.limits.memory {
            self.refused = Some(TooMuch::Memory(self.limits.memory));
            return Ok(false);
        }
        self.memory = used;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.table_elements.saturating_add(desired.saturating_sub(current));
        if used > self.limits.table_elements {
            self.refused = Some(TooMuch::TableElements(self.limits.table_elements));
            return Ok(false);
        }
        self.table_elements = used;
        Ok(true)
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
            ..LimitOverrides::default()
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
    fn what_a_plugin_says_about_the_other_limits_does_not_count() {
        let asked = LimitOverrides {
            compute: Some(Duration::MAX),
            table_elements: Some(u32::MAX),
            handles: Some(u32::MAX),
            pass_mib: Some(u32::MAX),
            output_mib: Some(u32::MAX),
            ..LimitOverrides::default()
        };
        assert_eq!(Limits::new(asked, LimitOverrides::default()), Limits::default());
        let limits = Limits::new(LimitOverrides::default(), asked);
        assert_eq!((limits.table_elements, limits.handles), (4_294_967_295, 4_294_967_295));
    }

    #[test]
    fn who_may_compute_for_longer_has_the_time_for_it() {
        let compute = |compute, call| {
            let user = LimitOverrides {
                compute: Some(Duration::from_secs(compute)),
                call,
                ..LimitOverrides::default()
            };
            let limits = Limits::new(LimitOverrides::default(), user);
            (limits.guest(Pace::Hook).as_secs(), limits.wall(Pace::Hook).as_secs())
        };
        assert_eq!(compute(20, None), (20, 20));
        assert_eq!(compute(2, None), (2, 5));
        assert_eq!(compute(20, Some(Duration::from_secs(3))), (20, 3));
    }

    #[test]
    fn memories_and_tables_are_counted_together() {
        let limits = Limits {
            memory: 100,
            table_elements: 100,
            ..Limits::default()
        };
        let mut growth = Growth::new(limits);
        assert!(growth.memory_growing(0, 60, None).unwrap());
        assert!(!growth.memory_growing(0, 60, None).unwrap());
        assert_eq!(growth.refused, Some(TooMuch::Memory(100)));
        assert!(growth.memory_growing(60, 100, None).unwrap());
        assert!(growth.table_growing(0, 60, None).unwrap());
        assert!(!growth.table_growing(0, 60, None).unwrap());
        assert_eq!(growth.refused, Some(TooMuch::TableElements(100)));
    }
}
