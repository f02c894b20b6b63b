//! The tree behind a directory.

/// Something that is wanted of a path. Paths are relative, the root is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What it is: [`Found::Stat`].
    Stat {
        /// The path.
        path: String,
    },
    /// What is in it: [`Found::Entries`].
    List {
        /// Of a directory.
        path: String,
    },
    /// What it shows: [`Found::Text`].
    Read {
        /// Of a file.
        path: String,
    },
    /// That it takes a text: [`Found::Done`], when all that this sets off is done.
    Write {
        /// Of a file.
        path: String,
        /// The text of one `write(2)`.
        text: String,
    },
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// A directory; else a file.
    pub dir: bool,
    /// Permission bits.
    pub mode: u16,
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// Of a directory; else of a file.
    pub dir: bool,
}

/// What a question is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// To [`Question::Stat`].
    Stat(Stat),
    /// To [`Question::List`].
    Entries(Vec<Entry>),
    /// To [`Question::Read`].
    Text(String),
    /// To [`Question::Write`].
    Done,
}

/// Takes the answer: what was found, or an errno, positive. Dropped, it answers `EIO`.
pub type Answer = Box<dyn FnOnce(Result<Found, i32>) + Send>;

/// Whoever can answer.
pub trait Tree: Send + Sync + 'static {
    /// Asks; returns at once. The answer may come later and from another thread.
    fn ask(&self, question: Question, answer: Answer);

    /// The directory is gone: nothing more will be asked.
    fn ended(&self) {}
}
