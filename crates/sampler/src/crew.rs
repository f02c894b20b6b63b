//! A few threads that work through a batch of tasks together, again and again.
//!
//! A batch takes some tens of microseconds, too little to wake a thread for: a hand that has run out
//! of tasks looks for more for about as long, and only then sleeps. The owner works too, and a batch
//! that no hand has begun it can take back, so a machine without a free core loses nothing.
//!
//! ```text
//! ticket  = round of the batch, tasks begun at its end, tasks begun at its front; whoever moves one
//!           of these on owns that task. The owner takes the last, hands the first: so most tasks,
//!           and all that they touch, stay in one processor's cache from batch to batch
//! done    = tasks of the batch that nobody will touch any more
//! ```
//!
//! Not here: what a task is. It stays where it is; only the right to work on it moves.

use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// Looks for work before a hand sleeps: some tens of microseconds.
const LOOKS: u32 = 4_000;
/// Looks before the owner lets others have its processor.
const LOOKS_BEFORE_YIELDING: u32 = 1_000;
/// Batches after which the owner looks whether hands have done a quarter of the work.
const BATCHES_TRIED: u32 = 64;
/// Batches that it works on alone if not: where others want the processors, a hand is of no help. If
/// one has kept it waiting, as many as microseconds: a hand that was stopped for a moment is soon
/// asked again, one that has lost its processor for a time slice is not.
const BATCHES_ALONE: u32 = 4_000;
const TASK_BITS: u32 = 16;
const TASK_MASK: u64 = (1 << TASK_BITS) - 1;

/// Something to work on.
pub(crate) trait Task: Send + 'static {
    fn run(&mut self);
}

struct Shared<T> {
    /// Each locked by whoever holds its ticket, so never waited for.
    tasks: Box<[Mutex<T>]>,
    ticket: AtomicU64,
    done: AtomicU64,
    stop: AtomicBool,
    panicked: AtomicBool,
}

impl<T: Task> Shared<T> {
    fn lock(&self, task: usize) -> MutexGuard<'_, T> {
        self.tasks[task].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tasks that nobody has begun, and how many were begun at the front and at the end.
    fn left(&self, ticket: u64) -> (u64, u64, u64) {
        let (front, end) = (ticket & TASK_MASK, ticket >> TASK_BITS & TASK_MASK);
        ((self.tasks.len() as u64).saturating_sub(front + end), front, end)
    }

    /// The next task that nobody has begun.
    fn claim(&self, whose: End) -> Option<usize> {
        // Acquire: what the owner wrote into the tasks before it opened the batch.
        let mut ticket = self.ticket.load(Ordering::Acquire);
        loop {
            let (left, front, end) = self.left(ticket);
            if left == 0 {
                return None;
            }
            let (task, begun) = match whose {
                End::Hands => (front, 1),
                End::Owner => (self.tasks.len() as u64 - 1 - end, 1 << TASK_BITS),
            };
            // A ticket of an earlier round is never valid again: rounds only grow.
            match self.ticket.compare_exchange_weak(
                ticket,
                ticket + begun,
                Ordering::Acquire,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(task as usize),
                Err(now) => ticket = now,
            }
        }
    }

    /// Works until nothing is left to begin; how many tasks that were.
    fn work(&self, whose: End) -> u64 {
        let mut worked = 0;
        while let Some(task) = self.claim(whose) {
            worked += 1;
            if catch_unwind(AssertUnwindSafe(|| self.lock(task).run())).is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
            // Release: the owner, who waits for this, sees the task's work.
            self.done.fetch_add(1, Ordering::Release);
        }
        worked
    }
}

/// Which tasks somebody begins with.
#[derive(Clone, Copy)]
enum End {
    Hands,
    Owner,
}

struct Hand {
    thread: JoinHandle<()>,
    asleep: Arc<AtomicBool>,
}

/// The tasks and those who work on them.
pub(crate) struct Crew<T: Task> {
    shared: Arc<Shared<T>>,
    hands: Vec<Hand>,
    /// A batch was opened and is not yet known to be done.
    open: bool,
    /// Batches for which no hand is wanted.
    alone: u32,
    /// Batches since the owner looked, and tasks that hands did of them.
    tried: u32,
    helped: u64,
}

impl<T: Task> Crew<T> {
    /// Nobody but the owner works yet.
    pub(crate) fn new(tasks: Vec<T>) -> Self {
        debug_assert!(tasks.len() < TASK_MASK as usize);
        let all = tasks.len() as u64;
        Self {
            shared: Arc::new(Shared {
                tasks: tasks.into_iter().map(Mutex::new).collect(),
                // All begun, all done.
                ticket: AtomicU64::new(all),
                done: AtomicU64::new(all),
                stop: AtomicBool::new(false),
                panicked: AtomicBool::new(false),
            }),
            hands: Vec::new(),
            open: false,
            alone: 0,
            tried: 0,
            helped: 0,
        }
    }

    /// Threads besides the owner's; fewer if the operating system will not have more.
    pub(crate) fn hire(&mut self, hands: usize) {
        while self.hands.len() < hands {
            let (shared, asleep) = (Arc::clone(&self.shared), Arc::new(AtomicBool::new(false)));
            let flag = Arc::clone(&asleep);
            let hand = thread::Builder::new()
                .name("damon-sampler".into())
                .spawn(move || lend_a_hand(&shared, &flag));
            let Ok(thread) = hand else { return };
            self.hands.push(Hand { thread, asleep });
        }
    }

    /// Whether there are hands that help.
    pub(crate) fn has_help(&self) -> bool {
        !self.hands.is_empty() && self.alone == 0
    }

    /// A batch from beginning to end.
    pub(crate) fn run(&mut self, prepare: impl FnMut(&mut T)) {
        self.begin(prepare);
        self.finish();
    }

    /// Instead of a batch with hands, something of the owner's own with each task.
    pub(crate) fn alone(&mut self, each: impl FnMut(&mut T)) {
        self.alone = self.alone.saturating_sub(1);
        self.each(each);
    }

    /// Each task, in order. Waits for the batch, if one is open.
    pub(crate) fn each(&mut self, mut each: impl FnMut(&mut T)) {
        self.finish();
        for task in 0..self.shared.tasks.len() {
            each(&mut self.shared.lock(task));
        }
    }

    /// Opens a batch of all tasks, each prepared first; hands begin to work on it.
    pub(crate) fn begin(&mut self, prepare: impl FnMut(&mut T)) {
        self.each(prepare);
        let shared = &self.shared;
        shared.done.store(0, Ordering::Relaxed);
        let round = (shared.ticket.load(Ordering::Relaxed) >> (2 * TASK_BITS)) + 1;
        // SeqCst here, and for `asleep`: a hand that goes to sleep either sees the batch or is seen.
        shared.ticket.store(round << (2 * TASK_BITS), Ordering::SeqCst);
        self.open = true;
        for hand in &self.hands {
            if hand.asleep.swap(false, Ordering::SeqCst) {
                hand.thread.thread().unpark();
            }
        }
    }

    /// Works on the open batch until it is done.
    ///
    /// # Panics
    ///
    /// If a task did.
    pub(crate) fn finish(&mut self) {
        if self.open {
            let own = self.shared.work(End::Owner);
            self.wait();
            self.judge(own);
        }
    }

    /// Leaves what nobody has begun undone, and waits for the rest.
    pub(crate) fn abandon(&mut self) {
        if self.open {
            let ticket = self.shared.ticket.fetch_or(TASK_MASK, Ordering::Relaxed);
            self.shared.done.fetch_add(self.shared.left(ticket).0, Ordering::Relaxed);
            self.wait();
        }
    }

    /// Hands are worth having where they are not kept from working.
    fn judge(&mut self, own: u64) {
        let all = self.shared.tasks.len() as u64;
        self.helped += all - own;
        self.tried += 1;
        if self.tried == BATCHES_TRIED {
            if self.helped < u64::from(BATCHES_TRIED) * all / 4 {
                self.alone = BATCHES_ALONE;
            }
            (self.tried, self.helped) = (0, 0);
        }
    }

    fn wait(&mut self) {
        let all = self.shared.tasks.len() as u64;
        let (mut looks, mut yielding) = (0, None);
        // Acquire: what hands did to the tasks.
        while self.shared.done.load(Ordering::Acquire) < all {
            looks += 1;
            if looks < LOOKS_BEFORE_YIELDING {
                spin_loop();
            } else {
                yielding.get_or_insert_with(Instant::now);
                thread::yield_now();
            }
        }
        self.open = false;
        if let Some(since) = yielding {
            self.alone = u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX);
        }
        assert!(!self.shared.panicked.swap(false, Ordering::Relaxed), "a sampler's task panicked");
    }
}

fn lend_a_hand<T: Task>(shared: &Shared<T>, asleep: &AtomicBool) {
    let is_idle = || {
        let (left, ..) = shared.left(shared.ticket.load(Ordering::SeqCst));
        left == 0 && !shared.stop.load(Ordering::SeqCst)
    };
    while !shared.stop.load(Ordering::SeqCst) {
        shared.work(End::Hands);
        let mut looks = 0;
        while is_idle() && looks < LOOKS {
            looks += 1;
            spin_loop();
        }
        if looks == LOOKS {
            asleep.store(true, Ordering::SeqCst);
            while asleep.load(Ordering::SeqCst) && is_idle() {
                thread::park();
            }
            asleep.store(false, Ordering::SeqCst);
        }
    }
}

impl<T: Task> Drop for Crew<T> {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.ticket.fetch_or(TASK_MASK, Ordering::Relaxed);
        for Hand { thread, asleep } in self.hands.drain(..) {
            asleep.store(false, Ordering::SeqCst);
            thread.thread().unpark();
            // A hand's panics are caught where they happen.
            let _ = thread.join();
        }
    }
}

impl<T: Task> std::fmt::Debug for Crew<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crew").field("hands", &self.hands.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Count {
        wanted: u64,
        ran: u64,
        fails: bool,
    }

    impl Task for Count {
        fn run(&mut self) {
            assert!(!self.fails);
            self.ran += self.wanted;
        }
    }

    fn crew(hands: usize) -> Crew<Count> {
        let mut crew = Crew::new((0..11).map(|_| Count::default()).collect());
        crew.hire(hands);
        crew
    }

    fn sum(crew: &mut Crew<Count>) -> Vec<u64> {
        let mut ran = vec![];
        crew.each(|task| ran.push(task.ran));
        ran
    }

    #[test]
    fn every_task_of_every_batch_runs_once_whoever_works() {
        for hands in [0, 1, 3] {
            let mut crew = crew(hands);
            for round in 1..=3_000 {
                crew.begin(|task| task.wanted = round);
                // Now and then late enough for hands to be asleep.
                if round % 1_000 == 0 {
                    thread::sleep(std::time::Duration::from_millis(5));
                }
                crew.finish();
            }
            assert_eq!(sum(&mut crew), [3_000 * 3_001 / 2; 11], "{hands} hands");
        }
    }

    #[test]
    fn an_abandoned_batch_runs_in_part_and_never_later() {
        let mut crew = crew(1);
        for _ in 0..3_000 {
            crew.begin(|task| (task.wanted, task.ran) = (1, 0));
            crew.abandon();
            let before = sum(&mut crew);
            assert!(before.iter().all(|ran| *ran <= 1));
            crew.begin(|task| task.wanted = 10);
            crew.finish();
            assert!(sum(&mut crew).iter().zip(&before).all(|(ran, before)| *ran == before + 10));
        }
    }

    #[test]
    fn a_panic_in_a_task_reaches_the_owner_and_no_thread_hangs() {
        let mut crew = crew(1);
        crew.begin(|task| task.fails = true);
        assert!(catch_unwind(AssertUnwindSafe(|| crew.finish())).is_err());
        crew.begin(|task| task.fails = false);
        crew.finish();
    }
}
