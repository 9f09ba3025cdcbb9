//! What is known of a run before anything of it exists, and whether it makes sense. Nothing here touches the workdir.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io,
    sync::Arc,
};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::{
    adapters::{
        bash,
        clock::Clock,
        component::{hooks::ComponentHooks, instance::rehearsal::Rehearsal, plugins::Started},
        local::{self, LocalScheduler, Starting},
        objects::{
            Folder,
            claim::{Claim, ClaimError, Marker},
            home,
        },
        state::{Place, Reader, row::RunRow},
        workdir::Existing,
    },
    builder::{BuildError, Builder, LOCAL},
    flow::engine::{book::Book, feeder::check_env},
    model::{
        access::{Access, Question},
        hook::HookSet,
        path::Location,
        run::Run,
        settings::{Settings, Wrapper},
    },
    ports::{
        hooks::{Hooks, NoHooks},
        scheduler::Scheduler,
    },
    resume::ResumeError,
};

/// What is known of a run before anything of it exists.
pub(crate) struct Site {
    pub(crate) place: Place,
    /// The run that is to go on, if there is one.
    pub(crate) earlier: Option<RunRow>,
    pub(crate) run: Arc<Run>,
    pub(crate) book: Arc<Book>,
    pub(crate) clock: Clock,
}

impl Site {
    pub(crate) fn find(asked: &Builder) -> Result<Self, BuildError> {
        let workdir = match asked.workdir.clone()? {
            Location::Local(path) => Location::Local(absolute(&path)?),
            stored @ Location::Stored(_) => stored,
        };
        let home = home::of(&workdir)?;
        let place = Place::of(&home, asked.state.as_deref().map(absolute).transpose()?.as_deref());
        let earlier = earlier_run(&place, asked.existing, &asked.scheduler)?;
        let mut settings = asked.settings.clone();
        let tag = earlier.as_ref().map_or_else(new_tag, |earlier| earlier.tag.clone());
        let here = asked.own_scheduler.is_none() && asked.scheduler == LOCAL;
        let (reach, program) = match here {
            true => (local::reach(), this_program()),
            false => (asked.plugins.reach(&asked.scheduler), NAME.to_owned()),
        };
        let (workdir, access) = Question {
            workdir: &workdir,
            home: &home,
            tag: &tag,
            scheduler: &asked.scheduler,
            reach: &reach,
            program: &program,
        }
        .answer(&mut settings.options)?;
        let run = Arc::new(Run {
            tag,
            workdir,
            home,
            access,
            scheduler: asked.scheduler.clone(),
            settings,
        });
        Ok(Self {
            place,
            earlier,
            book: Arc::new(Book::new(run.clone())),
            run,
            clock: Clock::start(),
        })
    }

    /// Looks at a workdir in a store. Nothing is touched there.
    pub(crate) async fn look_there(&self, existing: Existing) -> Result<Option<Claim>, BuildError> {
        let Location::Stored(place) = self.run.workdir.spec() else {
            return Ok(None);
        };
        let recorded = match &self.earlier {
            Some(earlier) => Some(earlier.tag.clone()),
            None if self.place.is_taken() => Reader::at(&self.place)
                .and_then(|state| state.run())
                .ok()
                .map(|run| run.tag),
            None => None,
        };
        let folder = Folder::open(place).await.map_err(ClaimError::from)?;
        let mine = Marker::here(&self.run);
        Ok(Some(Claim::look(folder, mine, recorded.as_deref(), existing).await?))
    }

    pub(crate) async fn start(&self, asked: &Builder) -> Result<Started, BuildError> {
        let named = asked.own_scheduler.is_none().then_some(&*self.run.scheduler);
        let started = asked
            .plugins
            .start(self.run.clone(), self.book.clone(), self.clock, named);
        Ok(started.await?)
    }

    /// Starts the plugins for a dry run.
    pub(crate) async fn rehearse(&self, asked: &Builder) -> Result<(Started, Arc<Rehearsal>), BuildError> {
        let named = asked.own_scheduler.is_none().then_some(&*self.run.scheduler);
        let started = asked
            .plugins
            .rehearse(self.run.clone(), self.book.clone(), self.clock, named);
        Ok(started.await?)
    }
}

pub(crate) fn hooks_of(hooks: Option<Arc<ComponentHooks>>) -> Arc<dyn Hooks> {
    match hooks {
        Some(hooks) => hooks,
        None => Arc::new(NoHooks),
    }
}

pub(crate) fn scheduler_of(site: &Site, started: &Started) -> Arc<dyn Scheduler> {
    match &started.scheduler {
        Some(scheduler) => scheduler.clone(),
        None => native(site, started),
    }
}

/// The native scheduler.
pub(crate) fn native(site: &Site, started: &Started) -> Arc<dyn Scheduler> {
    Arc::new(local_scheduler(&site.run, started.hooks.as_deref()).knowing(site.book.clone()))
}

/// It starts jobs directly where nothing asks for a script.
pub(crate) fn local_scheduler(run: &Arc<Run>, hooks: Option<&ComponentHooks>) -> LocalScheduler {
    let (settings, usual) = (&run.settings, Settings::default());
    let plain = run.access == Access::Shared
        && settings.wrapper == Wrapper::Auto
        && settings.prescript.is_empty()
        && settings.postscript.is_empty()
        && settings.wrapper_shell == usual.wrapper_shell
        && hooks.is_none_or(|hooks| hooks.scripted() == HookSet::default());
    let starting = match plain {
        true => Starting::Direct,
        false => Starting::ByScript,
    };
    LocalScheduler::new(run.clone(), starting)
}

/// The run that is to go on, if there is one.
pub(crate) fn earlier_run(place: &Place, existing: Existing, scheduler: &str) -> Result<Option<RunRow>, BuildError> {
    if existing != Existing::Resume || !place.is_taken() {
        return Ok(None);
    }
    let earlier = Reader::at(place)?.run()?;
    if earlier.scheduler != scheduler {
        let (was, is) = (earlier.scheduler, scheduler.to_owned());
        return Err(ResumeError::Scheduler { was, is }.into());
    }
    Ok(Some(earlier))
}

pub(crate) fn check_settings(run: &Run) -> Result<(), BuildError> {
    check_env(&run.settings.env)?;
    if let Some(cwd) = &run.settings.cwd {
        run.check_cwd(cwd)?;
    }
    match run.settings.wrapper_shell.first() {
        Some(shell) if !shell.is_empty() => Ok(()),
        _ => Err(BuildError::NoWrapperShell),
    }
}

/// Asks the shell that will run job scripts; that of another machine is out of reach, so this machine's reads the scripts.
pub(crate) async fn check_scripts(run: &Run) -> Result<(), BuildError> {
    let (settings, usual) = (&run.settings, Settings::default().wrapper_shell);
    let shell = match run.scheduler == LOCAL {
        true => &settings.wrapper_shell,
        false => &usual,
    };
    if *shell != usual {
        bash::check_shell(shell).await?;
    }
    for (what, script) in [("prescript", &settings.prescript), ("postscript", &settings.postscript)] {
        if !script.is_empty() {
            bash::check_syntax(shell, what, script).await?;
        }
    }
    Ok(())
}

/// What xqute is called where it is installed.
const NAME: &str = "xqute";

/// What xqute is called on this machine.
fn this_program() -> String {
    let program = std::env::current_exe().ok();
    let program = program.and_then(|path| path.into_os_string().into_string().ok());
    program.unwrap_or_else(|| NAME.to_owned())
}

/// The path from the top, and without `..`: jobs may see it where what it goes through is not.
pub(crate) fn absolute(path: &Utf8Path) -> Result<Utf8PathBuf, BuildError> {
    let found = camino::absolute_utf8(path).and_then(|path| without_parents(&path));
    found.map_err(|source| BuildError::Workdir {
        path: path.to_owned(),
        source,
    })
}

fn without_parents(path: &Utf8Path) -> io::Result<Utf8PathBuf> {
    let parts: Vec<_> = path.components().collect();
    let Some(last) = parts.iter().rposition(|part| *part == Utf8Component::ParentDir) else {
        return Ok(path.to_owned());
    };
    let (through, rest) = parts.split_at(last + 1);
    let through = through.iter().collect::<Utf8PathBuf>().canonicalize_utf8()?;
    Ok(rest.iter().fold(through, |path, part| path.join(part)))
}

/// Tells runs apart; nothing secret depends on it. The standard library seeds this hasher from the operating system.
pub(crate) fn new_tag() -> String {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    format!("{:016x}", hasher.finish())
}
