//! A lane as a JavaScript class: reports in, verdicts out.

use std::cell::{Ref, RefCell};
use std::ops::Deref;
use std::rc::Rc;

use damon_monitor::doors::{AttachError, attach, is_open};
use damon_ring::{AccessReport, AddressKind, Dropped, LaneError, Producer};
use napi::Env;
use napi::bindgen_prelude::{
    BigInt, BigUint64ArraySlice, Either, Float64ArraySlice, FnArgs, Function, Uint8ArraySlice,
    Uint16ArraySlice, Uint32ArraySlice,
};
use napi_derive::napi;

use crate::error::{Failure, closed};

const VIRTUAL: u32 = 1 << 16;
const WRITE: u32 = 1 << 17;

/// The only writer of one lane, on the thread that made it.
#[napi]
pub struct NativeLane {
    producer: Rc<RefCell<Option<Producer>>>,
}

/// Reports as columns. What is not an array is shared by all.
#[napi(object, object_to_js = false)]
pub struct ReportColumns<'a> {
    /// First bytes accessed.
    pub addresses: Either<BigUint64ArraySlice<'a>, Float64ArraySlice<'a>>,
    /// Bytes covered.
    pub size: Either<u32, Uint32ArraySlice<'a>>,
    /// CPUs.
    pub cpu: Either<u32, Uint16ArraySlice<'a>>,
    /// Threads.
    pub tid: Either<u32, Uint32ArraySlice<'a>>,
    /// Processes.
    pub tgid: Either<u32, Uint32ArraySlice<'a>>,
    /// Stores; any number but 0.
    pub write: Either<bool, Uint8ArraySlice<'a>>,
    /// Nanoseconds of the monitor's clock; absent for just now.
    pub time_ns: Option<Either<BigInt, BigUint64ArraySlice<'a>>>,
    /// The addresses are virtual.
    pub is_virtual: bool,
}

/// What became of a batch.
#[napi(object)]
pub struct BatchCounts {
    /// Stored: the first so many.
    pub queued: u32,
    /// Lost to a full lane.
    pub dropped_full: u32,
    /// Lost to a nested push.
    pub dropped_nested: u32,
    /// Lost to a stopped monitor.
    pub dropped_closed: u32,
}

#[napi]
impl NativeLane {
    /// A lane of the monitor that the token names, from whichever thread.
    #[napi(factory, catch_unwind)]
    pub fn attach(token: String) -> napi::Result<Self> {
        let producer = attach(&token).map_err(Failure::from)?;
        Ok(Self { producer: Rc::new(RefCell::new(Some(producer))) })
    }

    /// Whether the monitor that the token names takes reports.
    #[napi(catch_unwind)]
    pub fn is_wanted(token: String) -> bool {
        is_open(&token)
    }

    fn producer(&self) -> Result<Ref<'_, Producer>, Failure> {
        Ref::filter_map(self.producer.borrow(), Option::as_ref).map_err(|_| closed("lane"))
    }

    /// A function that queues one report: of its own, because finding the object of a method takes
    /// twice as long as the whole call. It takes 32-bit words, which cross fastest: address and time,
    /// low word first, size, thread, process, flags (bits 0 to 15 the CPU, 16 virtual, 17 store).
    /// Returns 0 if it is queued, 1 if the lane is full, 2 for a nested push, 3 if the monitor has
    /// stopped.
    #[napi(catch_unwind)]
    #[allow(clippy::type_complexity, reason = "the declarations are made of what stands here")]
    pub fn reporter<'env>(
        &self,
        env: &'env Env,
    ) -> napi::Result<Function<'env, FnArgs<(u32, u32, u32, u32, u32, u32, u32, u32)>, u32>> {
        let producer = Rc::clone(&self.producer);
        env.create_function_from_closure("report", move |call| {
            let producer = producer.borrow();
            let producer = producer.as_ref().ok_or_else(|| closed("lane"))?;
            let wide = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
            let flags: u32 = call.get(7)?;
            // Cannot panic, so nothing has to be caught here.
            let pushed = producer.push(AccessReport {
                address: wide(call.get(0)?, call.get(1)?),
                time_ns: wide(call.get(2)?, call.get(3)?),
                size: call.get(4)?,
                tid: call.get(5)?,
                tgid: call.get(6)?,
                cpu: flags as u16,
                kind: kind(flags & VIRTUAL != 0),
                write: flags & WRITE != 0,
            });
            Ok(match pushed {
                Ok(()) => 0,
                Err(Dropped::Full) => 1,
                Err(Dropped::Nested) => 2,
                Err(Dropped::Closed) => 3,
            })
        })
    }

    /// Many reports at once. All columns are checked before any report is queued.
    #[napi(catch_unwind)]
    pub fn report_batch(&self, columns: ReportColumns<'_>) -> napi::Result<BatchCounts> {
        let producer = self.producer()?;
        let batch = Batch::check(&columns)?;
        // Most batches differ in the address alone: worth a loop without a question per column.
        let done = match (&batch.addresses, batch.alike()) {
            (Either::A(integers), Some(alike)) => producer
                .push_batch(integers.iter().map(|&address| AccessReport { address, ..alike })),
            (Either::B(numbers), Some(alike)) => producer.push_batch(
                numbers.iter().map(|&number| AccessReport { address: integer(number), ..alike }),
            ),
            _ => producer.push_batch((0..batch.len).map(|index| batch.report(index))),
        };
        Ok(BatchCounts {
            queued: done.queued as u32,
            dropped_full: done.dropped_full as u32,
            dropped_nested: done.dropped_nested as u32,
            dropped_closed: done.dropped_closed as u32,
        })
    }

    /// The lane's number.
    #[napi(getter)]
    pub fn id(&self) -> napi::Result<u32> {
        Ok(self.producer()?.lane())
    }

    /// Slots free now.
    #[napi(getter)]
    pub fn free_slots(&self) -> napi::Result<u32> {
        Ok(self.producer()?.free_slots() as u32)
    }

    /// Gives the lane back; what it holds is still drained. Idempotent.
    #[napi]
    pub fn close(&mut self) {
        self.producer.borrow_mut().take();
    }
}

fn kind(is_virtual: bool) -> AddressKind {
    if is_virtual { AddressKind::Virtual } else { AddressKind::Physical }
}

/// One column, or one value for all.
enum Column<'a, T> {
    Shared(T),
    Each(&'a [T]),
}

impl<'a, T: Copy> Column<'a, T> {
    fn new<S: Deref<Target = [T]>>(
        value: &'a Either<T, S>,
        len: usize,
        path: &str,
    ) -> Result<Self, Failure> {
        match value {
            Either::A(shared) => Ok(Self::Shared(*shared)),
            Either::B(each) => Ok(Self::Each(same_length(each, len, path)?)),
        }
    }

    fn at(&self, index: usize) -> T {
        match self {
            Self::Shared(value) => *value,
            Self::Each(values) => values[index],
        }
    }
}

fn same_length<'a, T>(column: &'a [T], len: usize, path: &str) -> Result<&'a [T], Failure> {
    if column.len() == len {
        return Ok(column);
    }
    let expected = format!("as long as `addresses`, {len} elements");
    Err(refused(path, expected, format!("{} elements", column.len())))
}

fn refused(path: &str, expected: impl Into<String>, received: impl ToString) -> Failure {
    Failure::refusal("ERR_DAMON_REPORT", path, expected, received)
}

/// Columns that were checked.
struct Batch<'a> {
    len: usize,
    addresses: Either<&'a [u64], &'a [f64]>,
    size: Column<'a, u32>,
    cpu: Column<'a, u16>,
    tid: Column<'a, u32>,
    tgid: Column<'a, u32>,
    write: Column<'a, u8>,
    time_ns: Column<'a, u64>,
    kind: AddressKind,
}

/// The largest integer up to which a `number` holds every one.
const SAFE: f64 = 9_007_199_254_740_991.0;

/// Whether a number is an integer from 0 to [`SAFE`]. Without a rounding instruction, which a CPU of
/// no particular kind lacks: at 2^52 and above the distance between two numbers is 1, so adding that
/// much drops what is behind the point.
#[inline]
fn is_address(number: f64) -> bool {
    const INTEGERS: f64 = 4_503_599_627_370_496.0;
    let whole = (number + INTEGERS) - INTEGERS == number;
    (0.0..=SAFE).contains(&number) & (whole | (number >= INTEGERS))
}

/// Of a number that [`is_address`]. Through a signed integer, which takes the CPU one instruction.
#[inline]
fn integer(number: f64) -> u64 {
    number as i64 as u64
}

impl<'a> Batch<'a> {
    fn check(columns: &'a ReportColumns<'_>) -> Result<Self, Failure> {
        let addresses: Either<&[u64], &[f64]> = match &columns.addresses {
            Either::A(integers) => Either::A(integers),
            Either::B(numbers) => Either::B(numbers),
        };
        let len = match addresses {
            Either::A(integers) => integers.len(),
            Either::B(numbers) => {
                // All are looked at before the first bad one is sought: without a way out, the
                // compiler makes vectors of it.
                if !numbers.iter().fold(true, |all, &address| all & is_address(address)) {
                    let bad = numbers.iter().position(|&address| !is_address(address));
                    let index = bad.unwrap_or_default();
                    let expected = "an integer from 0 to 2^53 - 1";
                    return Err(refused(&format!("addresses[{index}]"), expected, numbers[index]));
                }
                numbers.len()
            }
        };
        let cpu = match &columns.cpu {
            Either::A(shared) => Column::Shared(
                u16::try_from(*shared)
                    .map_err(|_| refused("cpu", "an integer from 0 to 65535", *shared))?,
            ),
            Either::B(each) => Column::Each(same_length(each, len, "cpu")?),
        };
        let write = match &columns.write {
            Either::A(shared) => Column::Shared(u8::from(*shared)),
            Either::B(each) => Column::Each(same_length(each, len, "write")?),
        };
        let time_ns = match &columns.time_ns {
            None => Column::Shared(AccessReport::UNDATED),
            Some(Either::A(shared)) => {
                let (negative, time_ns, lossless) = shared.get_u64();
                if negative || !lossless {
                    let expected = "nanoseconds of the monitor's clock, below 2^64";
                    return Err(refused("timeNs", expected, "another number"));
                }
                Column::Shared(time_ns)
            }
            Some(Either::B(each)) => Column::Each(same_length(each, len, "timeNs")?),
        };
        let size = Column::new(&columns.size, len, "size")?;
        let empty = match size {
            Column::Shared(size) => (size == 0).then_some("size".into()),
            Column::Each(sizes) => {
                sizes.iter().position(|&size| size == 0).map(|index| format!("size[{index}]"))
            }
        };
        if let Some(path) = empty {
            return Err(refused(&path, "an integer from 1 to 4294967295", 0));
        }
        Ok(Self {
            len,
            addresses,
            size,
            cpu,
            tid: Column::new(&columns.tid, len, "tid")?,
            tgid: Column::new(&columns.tgid, len, "tgid")?,
            write,
            time_ns,
            kind: kind(columns.is_virtual),
        })
    }

    /// What all reports have in common, if they differ in the address alone.
    fn alike(&self) -> Option<AccessReport> {
        let (Column::Shared(size), Column::Shared(cpu)) = (&self.size, &self.cpu) else {
            return None;
        };
        let (Column::Shared(tid), Column::Shared(tgid)) = (&self.tid, &self.tgid) else {
            return None;
        };
        let (Column::Shared(write), Column::Shared(time_ns)) = (&self.write, &self.time_ns) else {
            return None;
        };
        let (size, cpu, tid, tgid, time_ns) = (*size, *cpu, *tid, *tgid, *time_ns);
        let (kind, write) = (self.kind, *write != 0);
        Some(AccessReport { address: 0, time_ns, size, tid, tgid, cpu, kind, write })
    }

    fn report(&self, index: usize) -> AccessReport {
        AccessReport {
            address: match self.addresses {
                Either::A(integers) => integers[index],
                Either::B(numbers) => integer(numbers[index]),
            },
            time_ns: self.time_ns.at(index),
            size: self.size.at(index),
            tid: self.tid.at(index),
            tgid: self.tgid.at(index),
            cpu: self.cpu.at(index),
            kind: self.kind,
            write: self.write.at(index) != 0,
        }
    }
}

impl From<AttachError> for Failure {
    fn from(error: AttachError) -> Self {
        let code = match error {
            AttachError::Token => "ERR_DAMON_TOKEN",
            AttachError::Unknown | AttachError::Lane(LaneError::Closed) => "ERR_DAMON_CLOSED",
            AttachError::Lane(_) => "ERR_DAMON_LANES",
        };
        Self::said(code, error)
    }
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn integers_that_a_number_holds_exactly_are_addresses_and_nothing_else_is() {
        let limit = 9_007_199_254_740_992.0;
        for number in [0.0, -0.0, 1.0, 4096.0, limit / 2.0 - 1.0, limit / 2.0, limit - 1.0] {
            assert!(is_address(number), "{number}");
        }
        let half = limit / 4.0 + 0.5;
        for number in
            [-1.0, 0.5, 1e-300, half, limit / 2.0 - 0.5, limit, 1e300, f64::INFINITY, f64::NAN]
        {
            assert!(!is_address(number), "{number}");
        }
    }
}
