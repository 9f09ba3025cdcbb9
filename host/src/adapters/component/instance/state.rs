//! What the host keeps for one instance (`HostState`), and for all instances of a plugin (`Identity`).

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    FsPerms, ResourceTable, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
    cli::{IsTerminal, StdoutStream},
    sockets::WasiSocketsCtxView,
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::{
    health::Tally,
    limits::{Growth, Limits},
    rehearsal::Rehearsal,
    throttle::{Throttle, Waited},
};
use crate::adapters::component::{
    contract::{bindings::types::RunInfo, convert},
    error::StartError,
    flags::flags,
    imports::{
        http::Requests,
        network::{Lookup, Reach, Sought},
    },
    recording::{Recorder, tape::Tape},
    rights::{Refusal, Right, Rights},
    values::Values,
};
use crate::{
    adapters::clock::Clock,
    model::{options::Options, run::Run},
    ports::jobs::Jobs,
};

/// One plugin, as its instances share it.
pub(crate) struct Identity {
    pub(crate) name: Arc<str>,
    pub(crate) rights: Rights,
    /// What it asks for and was not granted.
    pub(crate) lacking: Vec<Right>,
    pub(crate) values: Arc<Values>,
    /// Where calls are written down, if somebody wants to have them.
    pub(crate) recorder: Option<Arc<Recorder>>,
    /// What is counted about its calls.
    pub(crate) tally: Tally,
    pub(crate) stage: Stage,
    /// How many instances were started.
    pub(crate) instances: AtomicU32,
    /// The most bytes that a program which it starts may write to one of its outputs.
    pub(crate) most_output: usize,
    /// When it may start programs and send requests.
    pub(crate) throttle: Throttle,
    /// How often it was refused something.
    pub(crate) refusals: AtomicU64,
}

/// What a plugin is there for.
pub(crate) enum Stage {
    /// It is asked who it is, and has no rights at all.
    Describing,
    /// It takes part in a run.
    Running(RunContext),
}

/// What a plugin may know of its run.
pub(crate) struct RunContext {
    pub(crate) run: Arc<Run>,
    pub(crate) jobs: Arc<dyn Jobs>,
    pub(crate) clock: Clock,
    pub(crate) options: Options,
    /// In a dry run nothing happens; what would is noted here.
    pub(crate) rehearsal: Option<Arc<Rehearsal>>,
}

impl RunContext {
    /// What the plugin is told about the run.
    pub(crate) fn info(&self) -> RunInfo {
        convert::run_info(&self.run, self.rehearsal.is_some())
    }
}

impl Identity {
    /// A plugin of which nothing was refused yet.
    pub(crate) fn new(name: &str, rights: Rights, lacking: Vec<Right>, limits: Limits, stage: Stage) -> Self {
        Self {
            name: name.into(),
            rights,
            lacking,
            values: Arc::new(Values::new(name, None)),
            tally: Tally::default(),
            recorder: None,
            stage,
            instances: AtomicU32::default(),
            most_output: limits.output,
            throttle: Throttle::new(&limits),
            refusals: AtomicU64::new(0),
        }
    }

    /// Somebody who may do nothing yet.
    pub(crate) fn nobody(name: &str) -> Self {
        Self::new(
            name,
            Rights::default(),
            Vec::new(),
            Limits::default(),
            Stage::Describing,
        )
    }

    /// Counts a refusal and logs it. `what` completes "it may not"; the answer says also what would allow it.
    ///
    /// The flags are for all that the plugin lacks: whoever adds one at a time starts as many runs.
    pub(crate) fn refuse(&self, what: &str, why: Refusal) -> String {
        self.refusals.fetch_add(1, Relaxed);
        let remedy = match (why, &self.stage) {
            (_, Stage::Describing) => "`describe` is called without any right".to_owned(),
            (_, Stage::Running(context)) if context.rehearsal.is_some() => {
                "in a dry run nothing may, but start programs that are not started".to_owned()
            }
            (Refusal::Never, _) => "no plugin may, and no flag allows it".to_owned(),
            (Refusal::NotAsked, _) => "it never asks for that right, so this is a mistake in the plugin".to_owned(),
            _ => format!("`{}` would allow it", flags(&self.name, &self.lacking).join(" ")),
        };
        tracing::warn!(plugin = &*self.name, "was not allowed to {what}; {remedy}");
        format!("it may not {what}; {remedy}")
    }

    /// Where it is noted what would happen, if nothing is to happen.
    pub(crate) fn rehearsal(&self) -> Option<&Rehearsal> {
        match &self.stage {
            Stage::Running(context) => context.rehearsal.as_deref(),
            Stage::Describing => None,
        }
    }

    /// A number for a new instance, from 0.
    pub(super) fn next_instance(&self) -> u32 {
        self.instances.fetch_add(1, Relaxed)
    }

    /// WASI for one instance: the granted folders, variables and hosts, output into the log.
    fn wasi(&self, reach: &Arc<Reach>) -> Result<WasiCtx, StartError> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(LogStream::new(&self.name, "stdout"))
            .stderr(LogStream::new(&self.name, "stderr"));
        // Whether a connection is allowed is decided where it is made: so that a refusal can be told.
        let reach = Arc::clone(reach);
        wasi.allow_tcp(true).allow_ip_name_lookup(true).allow_udp(false);
        wasi.socket_addr_check(move |address, purpose| {
            let permitted = reach.permits(address, purpose);
            Box::pin(async move { permitted })
        });
        for name in &self.rights.env {
            if let Ok(value) = std::env::var(name) {
                wasi.env(name, value);
            }
        }
        let Rights { read, write, .. } = &self.rights;
        let folders = read.iter().map(|folder| (folder, FsPerms::ReadOnly));
        for ((folder, real), perms) in folders.chain(write.iter().map(|folder| (folder, FsPerms::ReadWrite))) {
            wasi.preopened_dir(real, folder, perms)
                .map_err(|error| StartError::Folder {
                    plugin: self.name.to_string(),
                    folder: folder.to_string(),
                    why: error.root_cause().to_string(),
                })?;
        }
        Ok(wasi.build())
    }
}

/// The data of one store.
pub(crate) struct HostState {
    pub(crate) identity: Arc<Identity>,
    pub(crate) tape: Tape,
    pub(super) growth: Growth,
    /// How long it has waited for its turns.
    pub(crate) waited: Waited,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    requests: Requests,
    reach: Arc<Reach>,
    sought: Sought,
    table: ResourceTable,
}

impl HostState {
    /// The state of a new instance.
    pub(super) fn new(identity: &Arc<Identity>, limits: Limits, waited: Waited) -> Result<Self, StartError> {
        let reach = Arc::new(Reach::new(Arc::clone(identity)));
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Ok(Self {
            wasi: identity.wasi(&reach)?,
            tape: match identity.recorder {
                Some(_) => Tape::Recording(Vec::new()),
                None => Tape::Off,
            },
            growth: Growth::new(limits),
            http: WasiHttpCtx::new(),
            requests: Requests {
                plugin: Arc::clone(identity),
                waited: waited.clone(),
            },
            waited,
            reach,
            sought: Sought::default(),
            table,
            identity: Arc::clone(identity),
        })
    }

    /// Looks for addresses.
    pub(crate) fn lookup(&mut self) -> Lookup<'_> {
        Lookup {
            sockets: WasiSocketsCtxView {
                ctx: self.wasi.sockets(),
                table: &mut self.table,
            },
            reach: &self.reach,
            sought: &mut self.sought,
        }
    }

    /// Answers something that a guest asked for: from a recording, or really, and then it is written down if that is
    /// wanted.
    pub(crate) fn answer<P, R>(
        &mut self,
        ask: &'static str,
        params: &P,
        really: impl FnOnce(&mut Self) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R>
    where
        P: Serialize,
        R: Serialize + DeserializeOwned,
    {
        if let Some(said) = self.tape.play(ask, params)? {
            return Ok(said);
        }
        let said = really(self)?;
        self.tape.note(ask, params, &said);
        Ok(said)
    }

    /// The same for what takes its time, and is begun only when it is really done.
    pub(crate) async fn answer_later<P, R>(
        &mut self,
        ask: &'static str,
        params: &P,
        really: impl Future<Output = R>,
    ) -> wasmtime::Result<R>
    where
        P: Serialize,
        R: Serialize + DeserializeOwned,
    {
        if let Some(said) = self.tape.play(ask, params)? {
            return Ok(said);
        }
        let said = really.await;
        self.tape.note(ask, params, &said);
        Ok(said)
    }
}

impl WasiView for HostState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for HostState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.requests,
        }
    }
}

/// Puts what a guest prints into the log, line by line, under the plugin's name.
#[derive(Clone)]
struct LogStream {
    plugin: Arc<str>,
    stream: &'static str,
    line: Arc<Mutex<Vec<u8>>>,
}

/// A line that is longer is logged in pieces.
const LONGEST_LINE: usize = 8 * 1024;

impl LogStream {
    fn new(plugin: &Arc<str>, stream: &'static str) -> Self {
        Self {
            plugin: Arc::clone(plugin),
            stream,
            line: Arc::default(),
        }
    }

    fn take(&self, bytes: &[u8]) {
        let Ok(mut line) = self.line.lock() else { return };
        for &byte in bytes {
            if byte != b'\n' {
                line.push(byte);
            }
            if byte == b'\n' || line.len() >= LONGEST_LINE {
                self.log(&line);
                line.clear();
            }
        }
    }

    fn log(&self, line: &[u8]) {
        let text = crate::adapters::component::imports::log::printable(&String::from_utf8_lossy(line));
        tracing::info!(plugin = &*self.plugin, stream = self.stream, "{text}");
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_kept_until_its_line_is_complete() {
        let stream = LogStream::new(&"p".into(), "stdout");
        stream.take(b"one\ntw");
        assert_eq!(*stream.line.lock().unwrap(), b"tw");
        stream.take(b"o\n");
        assert!(stream.line.lock().unwrap().is_empty());
        stream.take(&vec![b'x'; 3 * LONGEST_LINE + 1]);
        assert_eq!(stream.line.lock().unwrap().len(), 1);
    }
}
