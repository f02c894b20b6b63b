//! A directory from its mount to its end.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use fuser::{Config, MountOption, Session, SessionUnmounter};
use thiserror::Error;

use crate::serve::Served;
use crate::tree::Tree;

/// Why a directory cannot be served. Nothing is mounted then.
#[derive(Debug, Error)]
pub enum MountError {
    /// This kernel, or this container, has no FUSE.
    #[error("there is no /dev/fuse")]
    NoFuse,
    /// Not for this user.
    #[error("mounting is not permitted")]
    NotPermitted,
    /// A mount is still there whose process is gone.
    #[error("the process of the mount {0} is gone")]
    Stale(PathBuf),
    /// Not an existing directory.
    #[error("there is no directory {0}")]
    NoDirectory(PathBuf),
    /// Anything else.
    #[error("mounting failed: {0}")]
    Failed(#[from] io::Error),
}

/// A tree in its directory. Dropped, it is unmounted.
pub struct Mount {
    dir: PathBuf,
    unmounter: SessionUnmounter,
    unmounted: bool,
}

impl Mount {
    /// Mounts a tree over a directory. For the user who does, and nobody else.
    ///
    /// # Errors
    ///
    /// [`MountError`].
    pub fn new(dir: &Path, tree: impl Tree) -> Result<Self, MountError> {
        let found = std::fs::metadata(dir).map_err(|error| match error.raw_os_error() {
            Some(libc::ENOTCONN) => MountError::Stale(dir.into()),
            Some(libc::ENOENT) => MountError::NoDirectory(dir.into()),
            _ => MountError::Failed(error),
        })?;
        if !found.is_dir() {
            return Err(MountError::NoDirectory(dir.into()));
        }
        if !Path::new("/dev/fuse").exists() {
            return Err(MountError::NoFuse);
        }
        let dir = dir.canonicalize()?;
        let served = Served::new(tree, owner());
        let mut config = Config::default();
        config.mount_options = vec![
            MountOption::FSName("damon".into()),
            MountOption::Subtype("damon_admin".into()),
            MountOption::NoExec,
        ];
        let mut session = Session::new(served, &dir, &config).map_err(refusal)?;
        let unmounter = session.unmount_callable();
        std::thread::Builder::new().name("adminfs".into()).spawn(move || {
            // However it ends, the tree is told: a session drops what it serves.
            let _ = session.run();
        })?;
        Ok(Self { dir, unmounter, unmounted: false })
    }

    /// Where it is mounted.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Unmounts, also while files are open. Does not wait: who has files open, or a mount namespace
    /// of before, can go on asking until that is closed. The tree must answer, or drop, what it is
    /// asked.
    ///
    /// # Errors
    ///
    /// What the system says; the directory may then still be there.
    pub fn unmount(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.unmounted, true) {
            return Ok(());
        }
        let mut done = self.unmounter.unmount();
        if matches!(&done, Err(error) if error.raw_os_error() == Some(libc::EBUSY)) {
            done = detach(&self.dir);
        }
        match done {
            // No mount: somebody else was first, whether or not the session knows by now.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(()),
            other => other,
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Whoever wants to know calls `unmount`.
        let _ = self.unmount();
    }
}

fn refusal(error: io::Error) -> MountError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => MountError::NotPermitted,
        // The helper for those who may not mount by themselves.
        io::ErrorKind::NotFound => MountError::NotPermitted,
        _ => MountError::Failed(error),
    }
}

fn owner() -> (u32, u32) {
    // SAFETY: neither reads or writes memory of ours, and neither can fail.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

fn detach(dir: &Path) -> io::Result<()> {
    let path = CString::new(dir.as_os_str().as_bytes())?;
    // SAFETY: `path` ends in a zero and lives over the call, which does not keep it.
    let done = unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
