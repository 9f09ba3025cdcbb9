//! What `qacct -j` printed about tasks that Grid Engine has done with → how they ended. Pure functions.
//!
//! Meanings of the field `failed`: sge_status(5). The limits that a job asked for are in the field `category`.

use std::collections::HashMap;

use crate::launcher::KILLED_WITHIN;
use crate::task::{Task, number};
use xqute_plugin::{FailureCause, Observation};

const SIGUSR1: i32 = 10;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// The kernel ends a process by the clock ticks that met it at work; the record has what it really used. In a few seconds on
/// a busy machine the two are far apart, in seconds; in the long run they differ by up to a fifth.
const TICKS_MISSED: f64 = 2.0;

/// In seconds: by then the memory of a job has been noted. Machines report every 40 seconds unless their site says otherwise.
const MEMORY_NOTED: f64 = 60.0;

/// The arguments that ask about some tasks of one job. Of several ranges `qacct` heeds only the last.
pub(crate) fn argv(job: u32, first: u32, last: u32) -> [String; 4] {
    ["-j", &job.to_string(), "-t", &format!("{first}-{last}")].map(str::to_owned)
}

/// How each task ended that has a record.
pub(crate) fn read(text: &str) -> HashMap<Task, Observation> {
    let records = text.split("==============================================================");
    // A task that Grid Engine started again has a record for each start, the last one last.
    records.filter_map(|record| Record::read(record)?.ended()).collect()
}

/// One record: the fields by their names.
struct Record<'a>(HashMap<&'a str, &'a str>);

impl<'a> Record<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let fields = text.lines().filter_map(|line| {
            let (name, value) = line.split_once(char::is_whitespace)?;
            Some((name, value.trim()))
        });
        let record = Self(fields.collect());
        record.0.contains_key("jobnumber").then_some(record)
    }

    fn field(&self, name: &str) -> &'a str {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// The number at the start of a field: `37  : qmaster enforced ...`, `137   (Killed)`.
    fn leading(&self, name: &str) -> Option<i32> {
        self.field(name).split_whitespace().next()?.parse().ok()
    }

    fn ended(&self) -> Option<(Task, Observation)> {
        let task = Task {
            job: number(self.field("jobnumber"))?,
            number: number(self.field("taskid")).unwrap_or(1),
        };
        Some((task, self.observe()?))
    }

    /// None for a start that was not the last.
    fn observe(&self) -> Option<Observation> {
        let (failed, status) = (self.leading("failed")?, self.leading("exit_status")?);
        Some(match failed {
            24 | 25 => return None,
            // What came after the job does not change how the job ended.
            0 | 12..=16 => self.exited(status),
            37 => Observation::Failed(self.limit().unwrap_or_else(|| self.limit_unseen())),
            17 | 100 if status > 128 => self.ended_by(status.saturating_sub(128)),
            // The machine, or Grid Engine on it, went away.
            17..=21 | 100 => Observation::Failed(FailureCause::NodeFailure),
            30 => Self::never_started(
                "its machine does not see the job's directory, or cannot go to its working directory",
            ),
            _ => Self::never_started(&format!("Grid Engine says: {}", self.words())),
        })
    }

    fn exited(&self, status: i32) -> Observation {
        // A signal that announces a limit ends the job's script, but not its launcher.
        let limit = self.limit_behind(status.saturating_sub(128));
        match (limit, status) {
            (Some(cause), _) => Observation::Failed(cause),
            (None, 0) => Observation::Succeeded,
            (None, code) => Observation::Failed(FailureCause::ExitCode(code)),
        }
    }

    fn ended_by(&self, signal: i32) -> Observation {
        let cause = match (self.limit_behind(signal), signal) {
            (Some(cause), _) => cause,
            // Grid Engine kills all of a job only when it is told to.
            (_, SIGKILL) => return Observation::Cancelled,
            (_, KILLED_WITHIN) => FailureCause::Signal(SIGKILL),
            (_, signal) => FailureCause::Signal(signal),
        };
        Observation::Failed(cause)
    }

    /// The limit that a signal was about, if it was about one.
    fn limit_behind(&self, signal: i32) -> Option<FailureCause> {
        let asked = || ["s_cpu", "h_cpu"].iter().any(|name| self.requested(name).is_some());
        match signal {
            // It is about nothing else, whatever the record says.
            SIGXCPU if asked() => Some(FailureCause::TimedOut),
            SIGUSR1 | SIGXCPU | SIGKILL | KILLED_WITHIN => self.limit(),
            _ => None,
        }
    }

    /// Which of the limits that it asked for it went over.
    fn limit(&self) -> Option<FailureCause> {
        let slots = self.field("slots").parse().unwrap_or(1.0);
        let over = |used: Option<f64>, names: &[&str], times: f64| {
            let limits = names.iter().filter_map(|name| quantity(self.requested(name)?));
            used.is_some_and(|used| limits.into_iter().any(|limit| used >= limit * times))
        };
        if over(quantity(self.field("maxvmem")), &["h_vmem", "s_vmem"], slots) {
            return Some(FailureCause::OutOfMemory);
        }
        let wall = quantity(self.field("ru_wallclock"));
        let cpu = quantity(self.field("cpu")).map(|used| used + TICKS_MISSED);
        let late = over(wall, &["h_rt", "s_rt"], 1.0) || over(cpu, &["h_cpu", "s_cpu"], 0.8);
        late.then_some(FailureCause::TimedOut)
    }

    /// Grid Engine ended it for a limit, but the record shows none that it asked for and went over: the queue has limits too, most
    /// often of time. Times are always in the record, but memory is looked at now and then, and a job that grew quickly may be
    /// over before what was found last is noted.
    fn limit_unseen(&self) -> FailureCause {
        let is_young = quantity(self.field("ru_wallclock")).is_some_and(|wall| wall < MEMORY_NOTED);
        match self.requested("h_vmem") {
            Some(_) if is_young => FailureCause::OutOfMemory,
            _ => FailureCause::TimedOut,
        }
    }

    /// The value of a resource in `-q short.q -l h_rt=60,h_vmem=2G`.
    fn requested(&self, name: &str) -> Option<&'a str> {
        let words = self.field("category").split([' ', ',']);
        words
            .filter_map(|word| word.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// `28  : changing into working directory` without the number.
    fn words(&self) -> &'a str {
        let said = self.field("failed");
        said.split_once(':').map_or(said, |(_, words)| words.trim())
    }

    fn never_started(why: &str) -> Observation {
        Observation::Failed(FailureCause::NeverStarted(why.to_owned()))
    }
}

/// Reads a time (`90`, `1:30:00`, `12s`) or an amount of memory (`2G`, `415.035MB`). Small letters count by thousands.
fn quantity(text: &str) -> Option<f64> {
    if text.contains(':') {
        let parts = text.split(':').map(|part| {
            if part.is_empty() {
                Some(0.0)
            } else {
                part.parse::<f64>().ok()
            }
        });
        return parts.into_iter().try_fold(0.0, |sum, part| Some(sum * 60.0 + part?));
    }
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    let factor = match unit.chars().next() {
        Some('K') => 1024.0,
        Some('M') => 1024.0 * 1024.0,
        Some('G') => 1024.0 * 1024.0 * 1024.0,
        Some('T') => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        Some('k') => 1e3,
        Some('m') => 1e6,
        Some('g') => 1e9,
        Some('t') => 1e12,
        _ => 1.0,
    };
    Some(digits.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureCause::{ExitCode, NodeFailure, OutOfMemory, Signal, TimedOut};
    use Observation::{Cancelled, Failed, Succeeded};

    /// Real records of Grid Engine 8.1.9 about jobs of each kind.
    #[test]
    fn real_records_are_understood() {
        let ended = read(include_str!("../fixtures/records.txt"));
        let never = |why: &str| Failed(FailureCause::NeverStarted(why.to_owned()));
        let expected = [
            ("128.1", Succeeded),
            ("128.2", Failed(ExitCode(3))),
            ("128.3", Failed(ExitCode(139))),
            ("128.4", Failed(Signal(9))),
            // It was 99: the launcher hides that, and job.rc has it.
            ("128.5", Failed(ExitCode(1))),
            ("128.6", Failed(ExitCode(143))),
            ("128.7", Failed(Signal(6))),
            (
                "128.8",
                never("its machine does not see the job's directory, or cannot go to its working directory"),
            ),
            ("128.9", Cancelled),
            ("129.1", Failed(TimedOut)),
            ("130.1", Failed(TimedOut)),
            ("131.1", Failed(TimedOut)),
            ("132.1", Failed(TimedOut)),
            ("133.1", Failed(OutOfMemory)),
            ("134.1", Failed(TimedOut)),
            ("135.1", never("Grid Engine says: changing into working directory")),
        ];
        for (id, wanted) in expected {
            assert_eq!(ended.get(&Task::read(id).unwrap()), Some(&wanted), "{id}");
        }
        let rescheduled = Task { job: 44, number: 1 };
        assert_eq!(ended.get(&rescheduled), None, "it was going to be started again");
    }

    fn seen(failed: &str, status: &str, more: &str) -> Option<Observation> {
        let text = format!("jobnumber 7\ntaskid undefined\nfailed {failed}\nexit_status {status}\n{more}");
        read(&text).remove(&Task { job: 7, number: 1 })
    }

    #[test]
    fn what_needs_a_larger_cluster_is_mapped_as_documented() {
        assert_eq!(
            seen("19  : before writing exit_status", "0", ""),
            Some(Failed(NodeFailure))
        );
        assert_eq!(seen("21  : in recognizing job", "0", ""), Some(Failed(NodeFailure)));
        assert_eq!(seen("100 : assumedly after job", "0", ""), Some(Failed(NodeFailure)));
        assert_eq!(seen("15  : in epilog", "0", ""), Some(Succeeded));
        assert_eq!(seen("15  : in epilog", "4", ""), Some(Failed(ExitCode(4))));
        let prolog = FailureCause::NeverStarted("Grid Engine says: in prolog".to_owned());
        assert_eq!(seen("8   : in prolog", "0", ""), Some(Failed(prolog)));
        let parallel = "slots 4\nmaxvmem 900.0MB\nru_wallclock 61s\ncategory -l h_rt=0:1:0,h_vmem=250M -pe smp 4\n";
        assert_eq!(
            seen("37  : limit", "137", parallel),
            Some(Failed(TimedOut)),
            "4 slots have 1000M"
        );
        // As a real one of a busy machine.
        let came_too_late = "slots 1\nmaxvmem 181.422MB\nru_wallclock 2s\ncategory -l h_rt=60,h_vmem=250M\n";
        assert_eq!(seen("37  : limit", "137", came_too_late), Some(Failed(OutOfMemory)));
        let by_the_queue = "slots 1\nmaxvmem 0.000B\nru_wallclock 3600s\ncategory -l h_vmem=250M\n";
        assert_eq!(seen("37  : limit", "137", by_the_queue), Some(Failed(TimedOut)));
        let asked_for_nothing = "ru_wallclock 2s\ncategory -q short.q\n";
        assert_eq!(seen("37  : limit", "137", asked_for_nothing), Some(Failed(TimedOut)));
        let ended_inside = "slots 1\nmaxvmem 2.1GB\ncategory -q long.q -l h_vmem=2G\n";
        assert_eq!(seen("0", "137", ended_inside), Some(Failed(OutOfMemory)));
        assert_eq!(seen("0", "1", ended_inside), Some(Failed(ExitCode(1))));
        let counted_less = "cpu 1.1s\ncategory -l s_cpu=2\n";
        assert_eq!(seen("0", "152", counted_less), Some(Failed(TimedOut)));
        assert_eq!(seen("0", "152", "cpu 9s\n"), Some(Failed(ExitCode(152))));
        let ended_by_ticks = "cpu 0.7s\ncategory -l h_cpu=2\n";
        assert_eq!(seen("0", "137", ended_by_ticks), Some(Failed(TimedOut)));
        let far_from_its_limit = "cpu 7s\ncategory -l h_cpu=60\n";
        assert_eq!(seen("0", "137", far_from_its_limit), Some(Failed(ExitCode(137))));
    }

    #[test]
    fn the_last_start_counts() {
        let first = "jobnumber 7\ntaskid 1\nfailed 28\nexit_status 0\n";
        let line = "==============================================================\n";
        let second = "jobnumber 7\ntaskid 1\nfailed 0\nexit_status 0\n";
        let ended = read(&[first, second].join(line));
        assert_eq!(ended.get(&Task { job: 7, number: 1 }), Some(&Succeeded));
    }

    #[test]
    fn amounts_are_read() {
        for (text, amount) in [
            ("90", 90.0),
            ("1:30:00", 5400.0),
            ("0::5", 5.0),
            ("12s", 12.0),
            ("2G", 2_147_483_648.0),
            ("1.5KB", 1536.0),
            ("2m", 2e6),
        ] {
            assert_eq!(quantity(text), Some(amount), "{text}");
        }
        for text in ["", "INFINITY", "a:b", "NONE"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_an_answer(text in ".*") {
            let _any = read(&format!("jobnumber 7\nfailed {text}\nexit_status {text}\ncategory -l h_rt={text}"));
            let _any = (read(&text), quantity(&text));
        }
    }
}
