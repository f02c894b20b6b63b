//! A tree of text files, served as a real directory through FUSE.
//!
//! - [`tree`]: what the tree is asked, and how it answers: later, and from any thread.
//! - [`mount`]: a directory from its mount to its end.
//!
//! - [`serve`]: the requests of the kernel, put as questions to the tree.
//! - [`inodes`], [`handles`]: the numbers by which the kernel knows paths and open files.
//!
//! As in sysfs, every write is one question to the tree and waits for its answer; what a file shows
//! is read when a reader is at its beginning, and kept until it is there again. Nothing is cached:
//! files are opened for direct I/O, names and attributes are valid for no time. Files can be neither
//! made nor removed; which there are is the tree's to say.
//!
//! Not here: any file. And no request is answered on the thread that reads them, so a tree that
//! takes its time over one answer keeps nobody from the others.

pub mod mount;
pub mod tree;

mod handles;
mod inodes;
mod serve;

pub use mount::{Mount, MountError};
pub use tree::{Answer, Entry, Found, Question, Stat, Tree};
