//! A small tree in a real directory. Skipped, and said so, where nothing can be mounted.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use damon_adminfs::{Answer, Entry, Found, Mount, MountError, Question, Stat, Tree};

/// A directory with `value` (mode 0600), `fixed` (0400), and `slow`, whose writes are answered when
/// the test says so. Answers come from another thread.
#[derive(Default)]
struct State {
    value: Mutex<String>,
    slow: Mutex<Vec<Answer>>,
    ended: AtomicBool,
}

struct SmallTree {
    state: Arc<State>,
    questions: Sender<(Question, Answer)>,
}

impl SmallTree {
    fn new(state: &Arc<State>) -> Self {
        let (questions, asked) = channel();
        let answering = Arc::clone(state);
        thread::spawn(move || answer_all(&answering, &asked));
        Self { state: Arc::clone(state), questions }
    }
}

fn answer_all(state: &State, asked: &Receiver<(Question, Answer)>) {
    for (question, answer) in asked {
        let file = |mode| Ok(Found::Stat(Stat { dir: false, mode }));
        let entry = |name: &str| Entry { name: name.into(), dir: false };
        let found = match question {
            Question::Write { path, .. } if path == "slow" => {
                state.slow.lock().unwrap().push(answer);
                continue;
            }
            Question::Stat { path } => match path.as_str() {
                "" => Ok(Found::Stat(Stat { dir: true, mode: 0o755 })),
                "value" | "slow" | "wrong" => file(0o600),
                "fixed" => file(0o400),
                _ => Err(libc::ENOENT),
            },
            Question::List { .. } => Ok(Found::Entries(["value", "fixed"].map(entry).into())),
            Question::Read { path } if path == "wrong" => Ok(Found::Done),
            Question::Read { .. } => Ok(Found::Text(state.value.lock().unwrap().clone())),
            Question::Write { text, .. } if text.starts_with('!') => Err(libc::ERANGE),
            Question::Write { text, .. } => {
                *state.value.lock().unwrap() = text;
                Ok(Found::Done)
            }
        };
        answer(found);
    }
}

impl Tree for SmallTree {
    fn ask(&self, question: Question, answer: Answer) {
        self.questions.send((question, answer)).unwrap();
    }

    fn ended(&self) {
        self.state.ended.store(true, Ordering::Relaxed);
    }
}

/// A directory of the test's own, removed when dropped.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("adminfs-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // Somebody may have tidied up before us.
        let _ = fs::remove_dir(&self.0);
    }
}

/// Runs a test in a mounted directory.
fn mounted(test: impl FnOnce(&Path, &Arc<State>, Mount)) {
    let dir = Dir::new();
    let state = Arc::<State>::default();
    match Mount::new(&dir.0, SmallTree::new(&state)) {
        Ok(mount) => test(&dir.0, &state, mount),
        Err(error @ (MountError::NoFuse | MountError::NotPermitted)) => {
            eprintln!("skipped: {error}");
        }
        Err(error) => panic!("{error}"),
    }
}

fn is_mounted(dir: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    mounts.contains(&format!(" {} ", dir.display()))
}

#[test]
fn what_is_written_is_asked_once_and_shown_again() {
    mounted(|dir, state, _mount| {
        fs::write(dir.join("value"), "one").unwrap();
        assert_eq!(*state.value.lock().unwrap(), "one");
        assert_eq!(fs::read_to_string(dir.join("value")).unwrap(), "one");
        let error = fs::write(dir.join("value"), "!").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ERANGE));
        assert_eq!(*state.value.lock().unwrap(), "one");
    });
}

#[test]
fn a_reader_sees_one_text_until_it_is_at_the_beginning_again() {
    mounted(|dir, state, _mount| {
        *state.value.lock().unwrap() = "old text".into();
        let mut file = File::open(dir.join("value")).unwrap();
        let mut part = [0; 4];
        file.read_exact(&mut part).unwrap();
        *state.value.lock().unwrap() = "new".into();
        let mut rest = String::new();
        file.read_to_string(&mut rest).unwrap();
        assert_eq!((&part[..], rest.as_str()), (&b"old "[..], "text"));
        file.rewind().unwrap();
        rest.clear();
        file.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "new");
    });
}

#[test]
fn a_file_that_is_read_only_cannot_be_opened_to_write_not_even_by_root() {
    mounted(|dir, _, _mount| {
        let error = OpenOptions::new().write(true).open(dir.join("fixed")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["value", "fixed"]);
    });
}

#[test]
fn a_write_that_takes_its_time_keeps_nobody_else() {
    mounted(|dir, state, _mount| {
        let path = dir.join("slow");
        let writer = thread::spawn(move || fs::write(path, "x"));
        while state.slow.lock().unwrap().is_empty() {
            thread::yield_now();
        }
        fs::write(dir.join("value"), "meanwhile").unwrap();
        assert!(!writer.is_finished());
        state.slow.lock().unwrap().pop().unwrap()(Err(libc::EBUSY));
        let error = writer.join().unwrap().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBUSY));
    });
}

#[test]
fn an_answer_to_another_question_or_none_at_all_is_an_io_error() {
    mounted(|dir, state, _mount| {
        let error = fs::read(dir.join("wrong")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EIO));
        let path = dir.join("slow");
        let writer = thread::spawn(move || fs::write(path, "x"));
        while state.slow.lock().unwrap().pop().is_none() {
            thread::yield_now();
        }
        let error = writer.join().unwrap().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EIO));
    });
}

#[test]
fn unmounting_ends_it_also_while_files_are_open() {
    mounted(|dir, state, mut mount| {
        let mut file = OpenOptions::new().write(true).open(dir.join("value")).unwrap();
        assert!(is_mounted(dir));
        mount.unmount().unwrap();
        mount.unmount().unwrap();
        assert!(!is_mounted(dir));
        // Who has it open talks to the tree for as long as that answers.
        file.write_all(b"late").unwrap();
        drop(file);
        while !state.ended.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    });
}

#[test]
fn the_tree_is_told_when_somebody_else_unmounts() {
    mounted(|dir, state, mut mount| {
        assert!(Command::new("umount").arg(dir).status().unwrap().success());
        while !state.ended.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        mount.unmount().unwrap();
    });
}

#[test]
fn what_is_no_directory_is_refused() {
    let state = Arc::<State>::default();
    for path in ["/nowhere/at/all", "/dev/null"] {
        let refused = Mount::new(Path::new(path), SmallTree::new(&state)).err().unwrap();
        assert!(matches!(refused, MountError::NoDirectory(_)), "{refused}");
    }
}
