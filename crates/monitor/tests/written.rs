//! Operations sets that somebody else wrote, asked by a monitor: by a script on the thread itself,
//! and from another thread.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration;

use common::{MIB, MS, config, in_context, scheme};
use damon_core::kdamond::TargetConfig;
use damon_core::ops::{
    Applied, Gauge, Job, LastApplied, NodeBytes, Operations, Owner, Primitive, Reading, Registry,
    RegistryError, Tells,
};
use damon_core::region::Range;
use damon_core::scheme::SchemeConfig;
use damon_core::{Action, OpsId, Snapshot};
use damon_monitor::written::{
    Answer, Asked, Inquiries, Question, QuestionCounters, Unanswered, Written, WrittenConfig,
};
use damon_monitor::{
    Event, Fill, Intake, Monitor, MonitorConfig, MonitorError, Source, SourceCounters, SourceError,
};
use damon_ring::AddressKind;

const CHECKS_ONLY: Tells =
    Tells { prepares: true, validity: false, mappings: false, gauges: false, nodes: false };

fn toy(name: &str) -> OpsId {
    OpsId::of(name, AddressKind::Physical).unwrap()
}

/// Memory of 64 MiB whose first part is accessed in every interval, and which gives what it has.
#[derive(Clone, Copy)]
struct Toy {
    hot: u64,
}

impl Toy {
    fn accessed(self, addresses: &[u64]) -> Vec<bool> {
        addresses.iter().map(|&address| address < self.hot).collect()
    }

    fn apply(self, range: Range) -> Applied {
        let bytes = range.end.min(self.hot).saturating_sub(range.start);
        Applied { bytes, passed: 0, elapsed_ns: 1_000 }
    }
}

/// Inquiries that a script answers before anybody waits.
fn scripted(
    script: impl Fn(&Asked) -> Option<Result<Answer, Unanswered>> + Send + Sync + 'static,
) -> Arc<Inquiries> {
    let own: Arc<OnceLock<std::sync::Weak<Inquiries>>> = Arc::default();
    let reply = Arc::clone(&own);
    let inquiries = Arc::new(Inquiries::new(move |asked| {
        let Some(inquiries) = reply.get().and_then(std::sync::Weak::upgrade) else { return false };
        if let Some(answer) = script(&asked) {
            assert!(inquiries.answer(asked.number, answer.clone()));
            assert!(!inquiries.answer(asked.number, answer), "one answer per question");
        }
        true
    }));
    own.set(Arc::downgrade(&inquiries)).unwrap();
    inquiries.open();
    inquiries
}

fn answer(set: Toy, question: &Question) -> Answer {
    match question {
        Question::Check { addresses, .. } => Answer::Accessed(set.accessed(addresses)),
        Question::Apply(job) => Answer::Applied(set.apply(job.range)),
        _ => Answer::Done,
    }
}

/// What owns the sets must live as long as they are to be selected.
struct Bench {
    registry: Registry,
    owners: Vec<Owner>,
    inquiries: Arc<Inquiries>,
}

impl Bench {
    fn new(names: &[&str], inquiries: Arc<Inquiries>) -> Self {
        let registry = Registry::default();
        let register = |name: &&str| {
            registry.register_owned(toy(name), Primitive::AccessChecks, CHECKS_ONLY).unwrap()
        };
        let owners = names.iter().map(register).collect();
        Self { registry, owners, inquiries }
    }

    fn monitor(&self, name: &str, schemes: Vec<SchemeConfig>) -> Result<Monitor, MonitorError> {
        let config = WrittenConfig { registry: self.registry.clone(), started_ns: 0, nodes: 0 };
        let source = Written::new(config, Arc::clone(&self.inquiries));
        Monitor::new(Box::new(source), of(toy(name), schemes))
    }
}

fn of(ops: OpsId, schemes: Vec<SchemeConfig>) -> MonitorConfig {
    in_context(config(schemes), |context| {
        context.ops = ops;
        context.targets =
            Some(vec![TargetConfig::physical(vec![Range { start: 0, end: 64 * MIB }])]);
    })
}

fn snapshots(monitor: &mut Monitor, until_ns: u64) -> Vec<Snapshot> {
    let mut taken = Vec::new();
    loop {
        match monitor.run(until_ns, &[]).unwrap() {
            Event::Snapshot => taken.push(monitor.snapshot().clone()),
            Event::Reached => return taken,
            other => panic!("{other:?}"),
        }
    }
}

fn counters(monitor: &Monitor) -> QuestionCounters {
    match monitor.source_counters() {
        SourceCounters::Written(counters) => {
            assert_eq!(counters.asked, counters.answered + counters.unanswered());
            counters
        }
        other => panic!("{other:?}"),
    }
}

/// The same set as the source's own memory: what nobody is asked about.
struct Direct(Toy);

impl Operations for Direct {
    fn apply(&mut self, job: &Job<'_>, _last: &mut LastApplied) -> Applied {
        self.0.apply(job.range)
    }

    fn bytes_on_node(&self, _range: Range, _nid: u32) -> NodeBytes {
        NodeBytes::default()
    }

    fn prepare_access_checks(&mut self, _tgid: Option<u32>, _addresses: &[u64]) {}

    fn check_accesses(&mut self, _tgid: Option<u32>, addresses: &[u64], accessed: &mut [bool]) {
        accessed.copy_from_slice(&self.0.accessed(addresses));
    }

    fn is_target_valid(&self, _tgid: u32) -> bool {
        true
    }

    fn mappings(&self, _tgid: u32) -> Option<Vec<Range>> {
        None
    }

    fn read(&self, _gauge: &Gauge) -> Option<Reading> {
        None
    }
}

impl Source for Direct {
    fn started_ns(&self) -> u64 {
        0
    }

    fn register(&self, registry: &mut Registry) {
        registry.register(toy("toy"), Primitive::AccessChecks).unwrap();
    }

    fn targets(&self, _ops: OpsId) -> Vec<TargetConfig> {
        Vec::new()
    }

    fn fill(&mut self, _until_ns: u64, _intake: &mut Intake<'_>) -> Result<Fill, SourceError> {
        Ok(Fill::UpToDate)
    }

    fn operations(&self) -> &dyn Operations {
        self
    }

    fn operations_mut(&mut self) -> &mut dyn Operations {
        self
    }

    fn can_migrate_to(&self, _nid: u32) -> bool {
        false
    }

    fn has_node(&self, _nid: u32) -> bool {
        false
    }

    fn counters(&self) -> SourceCounters {
        SourceCounters::Live
    }
}

#[test]
fn a_set_that_is_asked_gives_the_snapshots_of_one_that_is_at_hand() {
    let set = Toy { hot: 20 * MIB };
    let schemes = || vec![scheme(Action::PageOut)];
    let mut direct = Monitor::new(Box::new(Direct(set)), of(toy("toy"), schemes())).unwrap();
    let expected = snapshots(&mut direct, 1_000 * MS);
    assert_eq!(expected.len(), 100);

    let bench = Bench::new(&["toy"], scripted(move |asked| Some(Ok(answer(set, &asked.question)))));
    let mut asked = bench.monitor("toy", schemes()).unwrap();
    assert_eq!(snapshots(&mut asked, 1_000 * MS), expected);
    assert_eq!(asked.kdamond().schemes()[0].stats, direct.kdamond().schemes()[0].stats);
    assert_eq!(counters(&asked).unanswered(), 0);
}

#[test]
fn an_interval_without_an_answer_is_left_out_and_the_next_ones_are_as_if_it_were_not() {
    let set = Toy { hot: 20 * MIB };
    let plain = Bench::new(&["toy"], scripted(move |asked| Some(Ok(answer(set, &asked.question)))));
    let expected = snapshots(&mut plain.monitor("toy", vec![]).unwrap(), 10 * MS);
    for (failure, cause) in [
        (Err(Unanswered::Threw), "threw"),
        (Err(Unanswered::Late), "late"),
        (Err(Unanswered::Malformed), "malformed"),
        // Answers of the wrong kind, and of the wrong length.
        (Ok(Answer::Done), "malformed"),
        (Ok(Answer::Accessed(vec![true; 3])), "malformed"),
    ] {
        let checks = AtomicU64::new(0);
        let inquiries = scripted(move |asked| {
            let is_check = matches!(asked.question, Question::Check { .. });
            // Only the first: what is sampled later differs by the draws of one interval.
            if is_check && checks.fetch_add(1, Ordering::Relaxed) == 0 {
                return Some(failure.clone());
            }
            Some(Ok(answer(set, &asked.question)))
        });
        let bench = Bench::new(&["toy"], inquiries);
        let mut monitor = bench.monitor("toy", vec![]).unwrap();
        let taken = snapshots(&mut monitor, 11 * MS);
        let QuestionCounters { threw, malformed, late, .. } = counters(&monitor);
        let by_cause = [("threw", threw), ("malformed", malformed), ("late", late)];
        for (name, count) in by_cause {
            assert_eq!(count, u64::from(name == cause), "{cause}: {name}");
        }
        assert_eq!(monitor.kdamond().unobserved(), 1);
        // The window is one interval later, and has as many observed intervals.
        assert_eq!((expected.len(), taken.len()), (1, 1));
        assert_eq!(taken[0].time_ns, expected[0].time_ns + MS);
        assert_eq!(taken[0].nr_accesses.iter().max(), expected[0].nr_accesses.iter().max());
    }
}

#[test]
fn an_action_without_an_answer_is_tried_and_takes_no_effect() {
    let inquiries = scripted(|asked| match asked.question {
        Question::Apply(_) => Some(Err(Unanswered::Threw)),
        ref question => Some(Ok(answer(Toy { hot: 64 * MIB }, question))),
    });
    let bench = Bench::new(&["toy"], inquiries);
    let mut monitor = bench.monitor("toy", vec![scheme(Action::PageOut)]).unwrap();
    snapshots(&mut monitor, 10 * MS);
    let stats = &monitor.kdamond().schemes()[0].stats;
    assert!(stats.nr_tried > 0);
    assert_eq!((stats.nr_applied, stats.sz_applied), (0, 0));
    assert_eq!(counters(&monitor).threw, stats.nr_tried);
    assert_eq!(monitor.kdamond().unobserved(), 0);
}

#[test]
fn a_commit_holds_the_new_set_before_it_lets_go_of_the_old() {
    let asked_of: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&asked_of);
    let inquiries = scripted(move |asked| {
        if matches!(asked.question, Question::Check { .. }) {
            log.lock().unwrap().push(asked.set.name().into());
        }
        Some(Ok(answer(Toy { hot: MIB }, &asked.question)))
    });
    let mut bench = Bench::new(&["one", "two", "three"], inquiries);
    let mut monitor = bench.monitor("one", vec![]).unwrap();
    snapshots(&mut monitor, 2 * MS);
    monitor.commit(of(toy("two"), vec![]).context).unwrap();
    assert_eq!(bench.registry.unregister(toy("one")), Err(RegistryError::Busy(toy("one"))));
    assert_eq!(bench.registry.unregister(toy("two")), Err(RegistryError::Busy(toy("two"))));
    snapshots(&mut monitor, 4 * MS);
    // The owner of the set in force goes: the monitor keeps it, and its next one is refused as
    // long as that one's owner is gone too.
    assert!(!bench.owners[1].close());
    drop(bench.owners.split_off(2));
    let refused = monitor.commit(of(toy("three"), vec![]).context).unwrap_err();
    assert!(matches!(refused, MonitorError::Ops(RegistryError::Unregistered(_))), "{refused}");
    snapshots(&mut monitor, 6 * MS);
    assert_eq!(*asked_of.lock().unwrap(), ["one", "one", "one", "two", "two", "two"]);
    bench.registry.unregister(toy("one")).unwrap();
    assert!(bench.monitor("two", vec![]).is_err());
    drop(monitor);
    assert!(bench.owners[1].close());
}

#[test]
fn a_wait_is_ended_from_another_thread_and_a_late_answer_is_refused() {
    let (sent, questions) = mpsc::channel::<Asked>();
    let sent = Mutex::new(sent);
    let inquiries = Arc::new(Inquiries::new(move |asked| sent.lock().unwrap().send(asked).is_ok()));
    inquiries.open();
    let bench = Bench::new(&["toy"], Arc::clone(&inquiries));
    let mut monitor = bench.monitor("toy", vec![]).unwrap();
    let cancel = monitor.cancel_flag();
    let other = std::thread::spawn(move || {
        let set = Toy { hot: MIB };
        let wait = Duration::from_secs(60);
        let mut number = 0;
        // Two intervals and the beginning of a third.
        for _ in 0..5 {
            let asked = questions.recv_timeout(wait).unwrap();
            assert_eq!(asked.number, number + 1);
            number = asked.number;
            assert!(!inquiries.answer(number - 1, Ok(Answer::Done)), "to another question");
            assert!(inquiries.answer(number, Ok(answer(set, &asked.question))));
        }
        let asked = questions.recv_timeout(wait).unwrap();
        cancel.store(true, Ordering::Relaxed);
        inquiries.interrupt();
        (inquiries, questions, asked)
    });
    assert_eq!(monitor.run(1_000 * MS, &[]).unwrap(), Event::Cancelled);
    let (inquiries, questions, asked) = other.join().unwrap();
    assert!(!inquiries.answer(asked.number, Ok(Answer::Done)), "nobody waits any more");
    assert!(questions.try_recv().is_err(), "nothing is asked after an interrupt");
    let QuestionCounters { answered, abandoned, .. } = counters(&monitor);
    assert_eq!((answered, abandoned), (5, 1));
    assert_eq!(monitor.now_ns(), 3 * MS);

    // Nobody is there to be asked: the run goes on all the same, and sees nothing.
    drop(questions);
    inquiries.open();
    monitor.cancel_flag().store(false, Ordering::Relaxed);
    assert_eq!(monitor.run(10 * MS, &[]).unwrap(), Event::Reached);
    assert_eq!(monitor.kdamond().unobserved(), 8);
    assert_eq!(counters(&monitor).answered, 5);
}
