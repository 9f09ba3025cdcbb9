//! Where the socket of a run is. Its name in the kernel holds 107 bytes and workdirs have longer paths, so it is reached
//! through a handle of its folder.

use std::{
    io,
    os::{
        fd::{AsFd, AsRawFd as _, OwnedFd},
        unix::net::UnixStream,
    },
};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, fchmod, open, renameat, statat, unlinkat},
    io::Errno,
};
use tokio::net::{UnixListener, UnixSocket};

/// The socket's name in the workdir.
pub const NAME: &str = "run.sock";

/// Its name until somebody listens to it: who finds the socket is heard.
const UNFINISHED: &str = ".run.sock";

/// How many clients may wait to be let in; the kernel makes others wait before they are connected.
const WAITING: u32 = 1024;

/// A folder that holds a socket, or will.
#[derive(Debug)]
pub struct Address(OwnedFd);

impl Address {
    /// The socket of the run in this workdir.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn of(workdir: &Utf8Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(open(workdir.as_std_path(), flags, Mode::empty())?))
    }

    /// Connects to it.
    ///
    /// # Errors
    /// `NotFound` when there is none, `ConnectionRefused` when nobody is behind it any more.
    pub fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect(self.path(NAME))
    }

    /// Makes it, for this user alone. What a dead run left is replaced: the caller holds the lock of the workdir, so no
    /// other run can be alive.
    ///
    /// # Errors
    /// When the file system says no, or something else has its name.
    pub fn bind(&self) -> io::Result<UnixListener> {
        self.remove()?;
        self.remove_socket(UNFINISHED)?;
        let socket = UnixSocket::new_stream()?;
        // The file gets the mode of the socket, so there is no moment in which others could connect.
        fchmod(socket.as_fd(), Mode::from(0o600))?;
        socket.bind(self.path(UNFINISHED))?;
        let listener = socket.listen(WAITING)?;
        renameat(&self.0, UNFINISHED, &self.0, NAME)?;
        Ok(listener)
    }

    /// Removes it, if it is there.
    ///
    /// # Errors
    /// When the file system says no, or something else has its name.
    pub fn remove(&self) -> io::Result<()> {
        self.remove_socket(NAME)
    }

    fn remove_socket(&self, name: &str) -> io::Result<()> {
        match statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Socket => {
                Ok(unlinkat(&self.0, name, AtFlags::empty())?)
            }
            Ok(_) => Err(io::Error::other(format!(
                "`{NAME}` is there already, and it is no socket"
            ))),
        }
    }

    fn path(&self, name: &str) -> Utf8PathBuf {
        format!("/proc/self/fd/{}/{name}", self.0.as_raw_fd()).into()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[tokio::test]
    async fn paths_may_be_long_and_what_is_left_is_replaced() {
        let temp = tempfile::tempdir().unwrap();
        let long = temp.path().join("x".repeat(200)).join("y".repeat(200));
        fs::create_dir_all(&long).unwrap();
        let address = Address::of(long.as_path().try_into().unwrap()).unwrap();
        assert_eq!(address.connect().unwrap_err().kind(), io::ErrorKind::NotFound);
        let first = address.bind().unwrap();
        let mode = fs::metadata(long.join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(first);
        assert_eq!(address.connect().unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let second = address.bind().unwrap();
        address.connect().unwrap();
        second.accept().await.unwrap();
        address.remove().unwrap();
        address.remove().unwrap();
    }

    #[tokio::test]
    async fn what_is_no_socket_stays() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join(NAME), "mine").unwrap();
        let address = Address::of(temp.path().try_into().unwrap()).unwrap();
        assert!(address.bind().is_err());
        assert_eq!(fs::read(temp.path().join(NAME)).unwrap(), b"mine");
    }
}
