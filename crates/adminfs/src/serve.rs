//! The requests of the kernel, put as questions to the tree.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenAccMode, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use crate::handles::{Handles, Held};
use crate::inodes::{Inodes, ROOT, join};
use crate::tree::{Entry, Found, Question, Stat, Tree};

/// Names and attributes are asked for every time: a count file may have changed them.
const TTL: Duration = Duration::ZERO;
/// What the kernel's own files claim to have.
const FILE_SZ: u64 = 4096;
/// The number of a name that was only listed. Never 0, which readers take for a removed one.
const LISTED: INodeNo = INodeNo(0xffff_ffff);

/// The file system. Answers come back to its books from whichever thread they are given on.
pub(crate) struct Served<T> {
    tree: T,
    books: Arc<Mutex<Books>>,
    owner: (u32, u32),
}

struct Books {
    inodes: Inodes,
    handles: Handles,
}

impl<T: Tree> Served<T> {
    /// Files belong to `owner`: its user and its group.
    pub(crate) fn new(tree: T, owner: (u32, u32)) -> Self {
        let books = Books { inodes: Inodes::new(), handles: Handles::default() };
        Self { tree, books: Arc::new(Mutex::new(books)), owner }
    }

    fn path(&self, number: INodeNo) -> Result<String, Errno> {
        lock(&self.books).inodes.path(number.0).ok_or(Errno::ENOENT)
    }

    fn attributes(&self) -> impl Fn(u64, Stat) -> FileAttr + use<T> {
        let (uid, gid) = self.owner;
        move |number, Stat { dir, mode }| FileAttr {
            ino: INodeNo(number),
            size: if dir { 0 } else { FILE_SZ },
            blocks: 0,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: kind(dir),
            perm: mode,
            nlink: if dir { 2 } else { 1 },
            uid,
            gid,
            rdev: 0,
            blksize: FILE_SZ as u32,
            flags: 0,
        }
    }

    fn attr(&self, number: INodeNo, reply: ReplyAttr) {
        let path = match self.path(number) {
            Ok(path) => path,
            Err(errno) => return reply.error(errno),
        };
        let attributes = self.attributes();
        self.stat(path, move |found| match found {
            Ok(stat) => reply.attr(&TTL, &attributes(number.0, stat)),
            Err(errno) => reply.error(errno),
        });
    }

    fn stat(&self, path: String, then: impl FnOnce(Result<Stat, Errno>) + Send + 'static) {
        self.tree.ask(
            Question::Stat { path },
            Box::new(|found| {
                then(match found {
                    Ok(Found::Stat(stat)) => Ok(stat),
                    other => Err(failed(other)),
                });
            }),
        );
    }
}

fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    // No panic leaves them half changed.
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kind(dir: bool) -> FileType {
    if dir { FileType::Directory } else { FileType::RegularFile }
}

/// The errno; `EIO` for an answer to another question.
fn failed(found: Result<Found, i32>) -> Errno {
    found.err().map_or(Errno::EIO, Errno::from_i32)
}

/// What a reader at `offset` gets of a text.
fn part(text: &str, offset: u64, size: u32) -> &[u8] {
    let bytes = text.as_bytes();
    let start = usize::try_from(offset).map_or(bytes.len(), |offset| offset.min(bytes.len()));
    let end = bytes.len().min(start.saturating_add(size as usize));
    &bytes[start..end]
}

/// Fills a listing from `offset` on, as far as it goes.
fn fill(entries: &[Entry], offset: u64, mut reply: ReplyDirectory) {
    let dots = [(".", true), ("..", true)].into_iter();
    let all = dots.chain(entries.iter().map(|entry| (entry.name.as_str(), entry.dir)));
    for (index, (name, dir)) in (0..).zip(all).skip(usize::try_from(offset).unwrap_or(usize::MAX)) {
        // What is told with a name is where the next one begins.
        if reply.add(LISTED, index + 1, kind(dir), name) {
            break;
        }
    }
    reply.ok();
}

impl<T: Tree> Filesystem for Served<T> {
    fn destroy(&mut self) {
        self.tree.ended();
    }

    fn lookup(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let (Ok(dir), Some(name)) = (self.path(parent), name.to_str()) else {
            return reply.error(Errno::ENOENT);
        };
        let path = join(&dir, name);
        let (books, attributes) = (Arc::clone(&self.books), self.attributes());
        self.stat(path.clone(), move |found| match found {
            Ok(stat) => {
                let number = lock(&books).inodes.look_up(&path);
                reply.entry(&TTL, &attributes(number, stat), Generation(0));
            }
            Err(errno) => reply.error(errno),
        });
    }

    fn forget(&self, _req: &Request, number: INodeNo, lookups: u64) {
        lock(&self.books).inodes.forget(number.0, lookups);
    }

    fn getattr(&self, _req: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        self.attr(number, reply);
    }

    /// Cutting a file to nothing, which a shell does before it writes, changes nothing.
    fn setattr(
        &self,
        _req: &Request,
        number: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        _size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _handle: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        if mode.is_some() || uid.is_some() || gid.is_some() {
            return reply.error(Errno::EPERM);
        }
        self.attr(number, reply);
    }

    fn open(&self, _req: &Request, number: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let path = match self.path(number) {
            Ok(path) => path,
            Err(errno) => return reply.error(errno),
        };
        let books = Arc::clone(&self.books);
        let writes = flags.acc_mode() != OpenAccMode::O_RDONLY;
        self.stat(path, move |found| match found {
            // As in sysfs also for root: the file has nobody who would take the text.
            Ok(stat) if writes && stat.mode & 0o200 == 0 => reply.error(Errno::EACCES),
            Ok(_) => {
                let handle = lock(&books).handles.open();
                reply.opened(FileHandle(handle), FopenFlags::FOPEN_DIRECT_IO);
            }
            Err(errno) => reply.error(errno),
        });
    }

    fn read(
        &self,
        _req: &Request,
        number: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        if offset > 0
            && let Held::Text(text) = lock(&self.books).handles.get(handle.0)
        {
            return reply.data(part(&text, offset, size));
        }
        let path = match self.path(number) {
            Ok(path) => path,
            Err(errno) => return reply.error(errno),
        };
        let books = Arc::clone(&self.books);
        self.tree.ask(
            Question::Read { path },
            Box::new(move |found| match found {
                Ok(Found::Text(text)) => {
                    // Kept before the reader can come back for the rest.
                    let text = Arc::<str>::from(text);
                    lock(&books).handles.hold(handle.0, Held::Text(Arc::clone(&text)));
                    reply.data(part(&text, offset, size));
                }
                other => reply.error(failed(other)),
            }),
        );
    }

    /// Where a text is written does not count: each is the whole of it.
    fn write(
        &self,
        _req: &Request,
        number: INodeNo,
        _handle: FileHandle,
        _offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let path = match self.path(number) {
            Ok(path) => path,
            Err(errno) => return reply.error(errno),
        };
        // No file takes what is not UTF-8; the tree is to say so of what it looks like.
        let text = String::from_utf8_lossy(data).into_owned();
        let size = data.len() as u32;
        self.tree.ask(
            Question::Write { path, text },
            Box::new(move |found| match found {
                Ok(Found::Done) => reply.written(size),
                other => reply.error(failed(other)),
            }),
        );
    }

    fn release(
        &self,
        _req: &Request,
        _number: INodeNo,
        handle: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        lock(&self.books).handles.close(handle.0);
        reply.ok();
    }

    fn opendir(&self, _req: &Request, _number: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        let handle = lock(&self.books).handles.open();
        reply.opened(FileHandle(handle), FopenFlags::empty());
    }

    fn readdir(
        &self,
        _req: &Request,
        number: INodeNo,
        handle: FileHandle,
        offset: u64,
        reply: ReplyDirectory,
    ) {
        if offset > 0
            && let Held::Entries(entries) = lock(&self.books).handles.get(handle.0)
        {
            return fill(&entries, offset, reply);
        }
        let path = match self.path(number) {
            Ok(path) => path,
            Err(errno) => return reply.error(errno),
        };
        let books = Arc::clone(&self.books);
        self.tree.ask(
            Question::List { path },
            Box::new(move |found| match found {
                Ok(Found::Entries(entries)) => {
                    let entries = Arc::<[Entry]>::from(entries);
                    lock(&books).handles.hold(handle.0, Held::Entries(Arc::clone(&entries)));
                    fill(&entries, offset, reply);
                }
                other => reply.error(failed(other)),
            }),
        );
    }

    fn releasedir(
        &self,
        _req: &Request,
        _number: INodeNo,
        handle: FileHandle,
        _flags: OpenFlags,
        reply: ReplyEmpty,
    ) {
        lock(&self.books).handles.close(handle.0);
        reply.ok();
    }

    // What follows would make or remove files: refused with what sysfs says.

    fn create(
        &self,
        _req: &Request,
        _parent: INodeNo,
        _name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        reply.error(Errno::EACCES);
    }

    fn mknod(
        &self,
        _req: &Request,
        _parent: INodeNo,
        _name: &OsStr,
        _mode: u32,
        _umask: u32,
        _rdev: u32,
        reply: ReplyEntry,
    ) {
        reply.error(Errno::EPERM);
    }

    fn mkdir(
        &self,
        _req: &Request,
        _parent: INodeNo,
        _name: &OsStr,
        _mode: u32,
        _umask: u32,
        reply: ReplyEntry,
    ) {
        reply.error(Errno::EPERM);
    }

    fn unlink(&self, _req: &Request, _parent: INodeNo, _name: &OsStr, reply: ReplyEmpty) {
        reply.error(Errno::EPERM);
    }

    fn rmdir(&self, _req: &Request, _parent: INodeNo, _name: &OsStr, reply: ReplyEmpty) {
        reply.error(Errno::EPERM);
    }

    fn symlink(
        &self,
        _req: &Request,
        _parent: INodeNo,
        _name: &OsStr,
        _target: &Path,
        reply: ReplyEntry,
    ) {
        reply.error(Errno::EPERM);
    }

    fn link(
        &self,
        _req: &Request,
        _number: INodeNo,
        _parent: INodeNo,
        _name: &OsStr,
        reply: ReplyEntry,
    ) {
        reply.error(Errno::EPERM);
    }

    fn rename(
        &self,
        _req: &Request,
        _parent: INodeNo,
        _name: &OsStr,
        _new_parent: INodeNo,
        _new_name: &OsStr,
        _flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        reply.error(Errno::EPERM);
    }
}

const _: () = assert!(ROOT == INodeNo::ROOT.0);
