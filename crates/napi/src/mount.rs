//! A served directory as a JavaScript class. The tree behind it is in JavaScript.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use damon_adminfs::{Answer, Entry, Found, Mount, MountError, Question, Stat, Tree};
use napi::bindgen_prelude::{FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{CleanupEnvHook, Env, Status};
use napi_derive::napi;

use crate::error::Failure;

/// What of a path is wanted: `stat`, `list`, `read` or `write`; `ended` when there is nobody left
/// who could want anything.
type Ask = ThreadsafeFunction<
    FnArgs<(u32, String, String, String)>,
    (),
    FnArgs<(u32, String, String, String)>,
    Status,
    false,
>;

/// A tree in its directory, until it is closed.
#[napi]
pub struct NativeMount {
    mount: Arc<Mutex<Option<Mount>>>,
    asked: Arc<Asked>,
    _cleanup: CleanupEnvHook<Arc<Mutex<Option<Mount>>>>,
}

/// The answer to a question: one of these, or nothing to a write.
#[napi(object)]
pub struct MountAnswer {
    /// Refused.
    pub errno: Option<i32>,
    /// To `stat`: permission bits.
    pub mode: Option<u32>,
    /// To `list`: names, those of directories with a `/` after them. To `stat`: whether it is one.
    pub dir: Option<bool>,
    /// To `list`.
    pub names: Option<Vec<String>>,
    /// To `read`.
    pub text: Option<String>,
}

impl From<MountAnswer> for Result<Found, i32> {
    fn from(answer: MountAnswer) -> Self {
        Err(match answer {
            MountAnswer { errno: Some(errno), .. } => errno,
            MountAnswer { mode: Some(mode), dir: Some(dir), .. } => {
                return Ok(Found::Stat(Stat { dir, mode: (mode & 0o7777) as u16 }));
            }
            MountAnswer { names: Some(names), .. } => {
                return Ok(Found::Entries(names.iter().map(|name| entry(name)).collect()));
            }
            MountAnswer { text: Some(text), .. } => return Ok(Found::Text(text)),
            MountAnswer { .. } => return Ok(Found::Done),
        })
    }
}

fn entry(name: &str) -> Entry {
    match name.strip_suffix('/') {
        Some(name) => Entry { name: name.into(), dir: true },
        None => Entry { name: name.into(), dir: false },
    }
}

/// Questions that JavaScript has not answered yet.
struct Asked {
    /// None: closed.
    ask: Mutex<Option<Ask>>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    answers: HashMap<u32, Answer>,
    next: u32,
}

/// What is asked of a directory that is closing.
const GONE: i32 = 19; // ENODEV

impl Asked {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, id: u32, what: &str, path: String, text: String) -> bool {
        let ask = self.ask.lock().unwrap_or_else(PoisonError::into_inner);
        let mode = ThreadsafeFunctionCallMode::NonBlocking;
        ask.as_ref()
            .is_some_and(|ask| ask.call((id, what.into(), path, text).into(), mode) == Status::Ok)
    }

    fn answer(&self, id: u32, found: Result<Found, i32>) {
        let answer = self.waiting().answers.remove(&id);
        if let Some(answer) = answer {
            answer(found);
        }
    }

    /// Nothing is asked from here on; whoever waits is told so.
    fn close(&self) {
        self.ask.lock().unwrap_or_else(PoisonError::into_inner).take();
        let answers = std::mem::take(&mut self.waiting().answers);
        for (_, answer) in answers {
            answer(Err(GONE));
        }
    }
}

struct Asker(Arc<Asked>);

impl Tree for Asker {
    fn ask(&self, question: Question, answer: Answer) {
        let id = {
            let mut waiting = self.0.waiting();
            let id = waiting.next;
            waiting.next = id.wrapping_add(1);
            waiting.answers.insert(id, answer);
            id
        };
        let asked = match question {
            Question::Stat { path } => self.0.call(id, "stat", path, String::new()),
            Question::List { path } => self.0.call(id, "list", path, String::new()),
            Question::Read { path } => self.0.call(id, "read", path, String::new()),
            Question::Write { path, text } => self.0.call(id, "write", path, text),
        };
        if !asked {
            self.0.answer(id, Err(GONE));
        }
    }

    fn ended(&self) {
        self.0.call(0, "ended", String::new(), String::new());
    }
}

impl From<MountError> for Failure {
    fn from(error: MountError) -> Self {
        let code = match error {
            MountError::NoFuse => "ERR_DAMON_MOUNT_NO_FUSE",
            MountError::NotPermitted => "ERR_DAMON_MOUNT_PERMISSION",
            MountError::Stale(_) => "ERR_DAMON_MOUNT_STALE",
            MountError::NoDirectory(_) => "ERR_DAMON_MOUNT_DIRECTORY",
            MountError::Failed(_) => "ERR_DAMON_MOUNT",
        };
        Self::said(code, error)
    }
}

#[napi]
impl NativeMount {
    /// Mounts. `ask` is called with a number, what is wanted, a path and a text; the number comes
    /// back with the answer. Keeps the process alive.
    #[napi(factory, catch_unwind)]
    pub fn mount(
        env: Env,
        dir: String,
        ask: Function<'_, FnArgs<(u32, String, String, String)>, ()>,
    ) -> napi::Result<Self> {
        let ask = ask
            .build_threadsafe_function::<FnArgs<(u32, String, String, String)>>()
            .callee_handled::<false>()
            .build()?;
        let asked = Arc::new(Asked { ask: Mutex::new(Some(ask)), waiting: Mutex::default() });
        let mount = match Mount::new(Path::new(&dir), Asker(Arc::clone(&asked))) {
            Ok(mount) => Arc::new(Mutex::new(Some(mount))),
            Err(error) => {
                asked.close();
                return Err(Failure::from(error).into());
            }
        };
        // A worker may end without a word.
        let (going, tree) = (Arc::clone(&mount), Arc::clone(&asked));
        let cleanup = env.add_env_cleanup_hook(going, move |going| {
            tree.close();
            drop(unmounted(&going));
        })?;
        Ok(Self { mount, asked, _cleanup: cleanup })
    }

    /// Answers a question.
    #[napi(catch_unwind)]
    pub fn answer(&self, id: u32, answer: MountAnswer) {
        self.asked.answer(id, answer.into());
    }

    /// Unmounts; who waits for an answer gets `ENODEV`. Idempotent.
    #[napi(catch_unwind)]
    pub fn close(&self) -> napi::Result<()> {
        self.asked.close();
        match unmounted(&self.mount) {
            Some(mut mount) => {
                mount.unmount().map_err(|error| Failure::from(MountError::Failed(error)).into())
            }
            None => Ok(()),
        }
    }
}

fn unmounted(mount: &Mutex<Option<Mount>>) -> Option<Mount> {
    mount.lock().unwrap_or_else(PoisonError::into_inner).take()
}
