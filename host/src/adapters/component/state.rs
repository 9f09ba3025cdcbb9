//! What the host keeps for one instance (`HostState`), and for all instances of a plugin (`Identity`).

use std::{
    pin::Pin,
    sync::{Arc, Mutex, atomic::AtomicU64},
    task::{Context, Poll},
};

use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    FsPerms, ResourceTable, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
    cli::{IsTerminal, StdoutStream},
};

use super::{
    error::StartError,
    health::Tally,
    limits::Memory,
    rights::{Right, Rights},
    values::Values,
};
use crate::{
    adapters::clock::Clock,
    model::{options::Options, run::Run},
    ports::jobs::Jobs,
};

/// One plugin, as its instances share it.
pub(super) struct Identity {
    pub(super) name: Arc<str>,
    pub(super) rights: Rights,
    /// What it asks for and was not granted.
    pub(super) lacking: Vec<Right>,
    pub(super) values: Arc<Values>,
    /// What is counted about its calls.
    pub(super) tally: Tally,
    /// How often it was refused something for which it has no right.
    pub(super) refusals: AtomicU64,
    pub(super) stage: Stage,
}

/// What a plugin is there for.
pub(super) enum Stage {
    /// It is asked who it is, and has no rights at all.
    Describing,
    /// It takes part in a run.
    Running(RunContext),
}

/// What a plugin may know of its run.
pub(super) struct RunContext {
    pub(super) run: Arc<Run>,
    pub(super) jobs: Arc<dyn Jobs>,
    pub(super) clock: Clock,
    pub(super) options: Options,
}

impl Identity {
    /// Somebody who may do nothing yet.
    pub(super) fn nobody(name: &str) -> Self {
        Self {
            name: name.into(),
            rights: Rights::default(),
            lacking: Vec::new(),
            values: Arc::new(Values::new(name, None)),
            tally: Tally::default(),
            refusals: AtomicU64::default(),
            stage: Stage::Describing,
        }
    }

    /// WASI for one instance: the granted folders and variables, no network, output into the log.
    pub(super) fn wasi(&self) -> Result<WasiCtx, StartError> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(LogStream::new(&self.name, "stdout"))
            .stderr(LogStream::new(&self.name, "stderr"));
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        for name in &self.rights.env {
            if let Ok(value) = std::env::var(name) {
                wasi.env(name, value);
            }
        }
        let Rights { read, write, .. } = &self.rights;
        let folders = read.iter().map(|folder| (folder, FsPerms::ReadOnly));
        for (folder, perms) in folders.chain(write.iter().map(|folder| (folder, FsPerms::ReadWrite))) {
            wasi.preopened_dir(folder, folder, perms)
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
pub(super) struct HostState {
    pub(super) identity: Arc<Identity>,
    pub(super) memory: Memory,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl HostState {
    pub(super) fn new(identity: Arc<Identity>, wasi: WasiCtx, memory: usize) -> Self {
        Self {
            identity,
            memory: Memory::new(memory),
            wasi,
            table: ResourceTable::new(),
        }
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
        let text = super::imports::log::printable(&String::from_utf8_lossy(line));
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
