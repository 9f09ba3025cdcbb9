//! What a server is to do, as a program in bash: the functions of `server.sh` and one line for each thing. Pure functions.

use std::fmt::Write as _;

use crate::{id::Id, server::Server};
use xqute_plugin::{Job, RunInfo, quote};

/// The functions, with their documentation.
const FUNCTIONS: &str = include_str!("server.sh");

/// After so many tenths of a second, jobs that were told to end are killed: the grace that local jobs get too.
const GRACE: u32 = 50;

/// What a server is to say of itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wants {
    /// How many processors it has.
    pub(crate) slots: bool,
    /// How many jobs run there.
    pub(crate) count: bool,
}

/// A program in the making.
#[derive(Clone, Debug)]
pub(crate) struct Program(String);

impl Program {
    /// One that makes the server say how it is. It must see the folder `sees`.
    pub(crate) fn new(server: &Server, run: &RunInfo, sees: &str, wants: Wants) -> Self {
        let functions = FUNCTIONS.lines().filter(|line| !line.trim_start().starts_with('#'));
        let mut text = functions.fold(String::new(), |text, line| text + line + "\n");
        let (name, digest) = (quote(server.name()), server.digest());
        let (tag, workdir, sees) = (quote(&run.tag), quote(&run.workdir.mounted), quote(sees));
        let wants = format!("{} {}", u8::from(wants.slots), u8::from(wants.count));
        let _infallible = write!(
            text,
            "name={name} server={digest} tag={tag} workdir={workdir} sees={sees}\nhello {wants}\n"
        );
        Self(text)
    }

    /// Starts an attempt. `here` is where it starts, if the job does not say so itself.
    pub(crate) fn start(&mut self, job: &Job, here: &str) {
        let cwd = match &job.cwd {
            // The script goes there by itself.
            Some(cwd) if cwd.mounted.starts_with('/') => "/",
            _ => here,
        };
        let paths = [&job.dir.mounted, &job.script.mounted, cwd].map(quote);
        self.line(format_args!("start {} {} {}", job.index, job.attempt, paths.join(" ")));
    }

    /// Asks about an attempt.
    pub(crate) fn check(&mut self, index: u32, id: &Id) {
        self.line(format_args!("check {index} {} {} {}", id.pid, id.born, id.boot));
    }

    /// Asks about an attempt on another server: whether it has left an exit code.
    pub(crate) fn ended(&mut self, index: u32) {
        self.line(format_args!("ended {index}"));
    }

    /// Ends attempts.
    pub(crate) fn cancel<'a>(&mut self, ids: impl IntoIterator<Item = &'a Id>) {
        for id in ids {
            self.line(format_args!("cancel {} {} {}", id.pid, id.born, id.boot));
        }
        self.line(format_args!("finish {GRACE}"));
    }

    /// Looks for the attempts of the run, on whatever server they were started.
    pub(crate) fn find(&mut self) {
        self.line(format_args!("find_marked"));
    }

    /// The whole of it; its last answer says that nothing is missing.
    pub(crate) fn text(&self) -> String {
        format!("{}say 'done'\n", self.0)
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _infallible = writeln!(self.0, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::read;
    use xqute_plugin::{run, testing::path};

    fn program() -> Program {
        let settings = read(&[("server".to_owned(), "alice@n1".to_owned())]).unwrap();
        Program::new(
            &settings.servers[0],
            &run::info(),
            "/data",
            Wants {
                slots: true,
                count: false,
            },
        )
    }

    fn last_lines(program: &Program, count: usize) -> Vec<String> {
        let text = program.text();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines[lines.len() - count..].to_vec()
    }

    #[test]
    fn everything_is_quoted() {
        let mut program = program();
        let mut job = xqute_plugin::testing::job(3, "true");
        job.dir = path("/data/it's $HOME/3");
        job.script = path("/data/it's $HOME/3/job.wrapped.ssh");
        program.start(&job, "/here; id");
        job.cwd = Some(path("/elsewhere"));
        program.start(&job, "/here");
        let expected = [
            "name='alice@n1' server=c09dfc2f9a1d1d2e tag='0123456789abcdef' workdir='/data/.xqute' sees='/data'",
            "hello 1 0",
            r"start 3 1 '/data/it'\''s $HOME/3' '/data/it'\''s $HOME/3/job.wrapped.ssh' '/here; id'",
            r"start 3 1 '/data/it'\''s $HOME/3' '/data/it'\''s $HOME/3/job.wrapped.ssh' '/'",
            "say 'done'",
        ];
        let lines = last_lines(&program, 5);
        assert_eq!(
            lines[0].replace(&crate::server::digest(&["alice@n1"]), "c09dfc2f9a1d1d2e"),
            expected[0]
        );
        assert_eq!(lines[1..], expected[1..]);
    }

    #[test]
    fn questions_and_cancellations_name_processes() {
        let mut program = program();
        let id = Id::read("n1/17/300/0a1b2c3d").unwrap();
        program.check(4, &id);
        program.ended(5);
        program.cancel([&id]);
        program.find();
        let expected = [
            "check 4 17 300 0a1b2c3d",
            "ended 5",
            "cancel 17 300 0a1b2c3d",
            "finish 50",
            "find_marked",
            "say 'done'",
        ];
        assert_eq!(last_lines(&program, 6), expected);
    }

    #[test]
    fn comments_stay_at_home() {
        let text = program().text();
        assert!(!text.contains("\n# ") && !text.contains("    # "), "{text}");
        assert!(text.contains("find_marked() {"));
    }
}
