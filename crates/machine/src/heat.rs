//! How hot the pages are: every line of every phase, and how many pages of each of its heat classes
//! lie on each node.
//!
//! The counts follow each page that is placed, moved or paged out, for all phases at once, so that
//! a change of phase costs nothing and whoever asks for traffic pays by class and node.

use std::ops::Range;

use crate::workload::shape::Shape;
use crate::workload::{Locality, Pattern};
use crate::{HUGE_FRAMES, MachineError, PAGE_SZ};

/// Classes of all lines: their numbers fit 16 bits.
const CLASSES_MAX: usize = u16::MAX as usize;

/// One line of one phase.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) shape: Shape,
    pub(crate) area: usize,
    /// Number of the first of its classes.
    pub(crate) first_class: u16,
    /// Its share of its process's accesses while its phase lasts.
    pub(crate) share: f64,
    pub(crate) store_share: f64,
    pub(crate) locality: Locality,
    drift: Drift,
}

/// How a hot set moves on.
#[derive(Debug, Default)]
struct Drift {
    bytes_hz: u64,
    /// What is left of the way to the next page, in bytes times nanoseconds.
    rest: u128,
}

/// All lines.
#[derive(Debug)]
pub(crate) struct Heat {
    nodes: usize,
    lines: Vec<Line>,
    /// Line of each class.
    line_of: Vec<u16>,
    /// Lines about each area.
    by_area: Vec<Vec<u16>>,
    /// Pages in memory, by class and node.
    resident: Vec<u64>,
    /// Pages that are part of a huge page, by class.
    huge: Vec<u64>,
}

impl Heat {
    pub(crate) fn new(nodes: usize, areas: usize) -> Self {
        Self {
            nodes,
            lines: Vec::new(),
            line_of: Vec::new(),
            by_area: vec![Vec::new(); areas],
            resident: Vec::new(),
            huge: Vec::new(),
        }
    }

    /// Adds a line, before any page is placed.
    pub(crate) fn add(
        &mut self,
        line: &crate::workload::Line,
        area: usize,
        share: f64,
        shape: Shape,
    ) -> Result<u16, MachineError> {
        let number = self.lines.len() as u16;
        let first_class = self.line_of.len();
        let classes = shape.classes().len();
        if first_class + classes > CLASSES_MAX {
            let expected = "patterns of at most 65535 heat classes in all";
            return Err(MachineError::refusal("workload", expected, "more"));
        }
        let bytes_hz = match line.pattern {
            Pattern::HotSet { drift_bytes_hz, .. } => drift_bytes_hz,
            _ => 0,
        };
        self.line_of.resize(first_class + classes, number);
        self.resident.resize(self.line_of.len() * self.nodes, 0);
        self.huge.resize(self.line_of.len(), 0);
        self.by_area[area].push(number);
        self.lines.push(Line {
            shape,
            area,
            first_class: first_class as u16,
            share,
            store_share: line.store_share,
            locality: line.locality(),
            drift: Drift { bytes_hz, rest: 0 },
        });
        Ok(number)
    }

    pub(crate) fn line(&self, line: u16) -> &Line {
        &self.lines[usize::from(line)]
    }

    pub(crate) fn line_of_class(&self, class: u16) -> &Line {
        self.line(self.line_of[usize::from(class)])
    }

    /// How many classes there are.
    pub(crate) fn classes(&self) -> usize {
        self.line_of.len()
    }

    /// Lines about an area.
    pub(crate) fn lines_of_area(&self, area: usize) -> &[u16] {
        &self.by_area[area]
    }

    /// Pages of a class on each node.
    pub(crate) fn resident(&self, class: u16) -> &[u64] {
        let first = usize::from(class) * self.nodes;
        &self.resident[first..first + self.nodes]
    }

    /// Pages of a class that are part of a huge page.
    pub(crate) fn huge(&self, class: u16) -> u64 {
        self.huge[usize::from(class)]
    }

    /// Pages, by their numbers in their area, came to a node.
    pub(crate) fn arrive(
        &mut self,
        area: usize,
        pages: impl ExactSizeIterator<Item = u32> + Clone,
        nid: u32,
    ) {
        let Self { lines, by_area, resident, nodes, .. } = self;
        for line in by_area[area].iter().map(|&line| &lines[usize::from(line)]) {
            if line.has_one_class() {
                resident[usize::from(line.first_class) * *nodes + nid as usize] +=
                    pages.len() as u64;
                continue;
            }
            for page in pages.clone() {
                resident[cell(line, page, *nodes, nid)] += 1;
            }
        }
    }

    /// A page, by its number in its area, left a node.
    pub(crate) fn leave(&mut self, area: usize, page: u32, nid: u32) {
        let Self { lines, by_area, resident, nodes, .. } = self;
        for &line in &by_area[area] {
            resident[cell(&lines[usize::from(line)], page, *nodes, nid)] -= 1;
        }
    }

    /// Pages, by their numbers in their area, went from one node to another.
    pub(crate) fn relocate(
        &mut self,
        area: usize,
        pages: impl ExactSizeIterator<Item = u32> + Clone,
        from: usize,
        to: usize,
    ) {
        let Self { lines, by_area, resident, nodes, .. } = self;
        for line in by_area[area].iter().map(|&line| &lines[usize::from(line)]) {
            if line.has_one_class() {
                let class = usize::from(line.first_class) * *nodes;
                resident[class + from] -= pages.len() as u64;
                resident[class + to] += pages.len() as u64;
                continue;
            }
            for page in pages.clone() {
                let class = usize::from(line.class_of(page)) * *nodes;
                resident[class + from] -= 1;
                resident[class + to] += 1;
            }
        }
    }

    /// 2 MiB from `page` on became one page, or 512.
    pub(crate) fn set_huge(&mut self, area: usize, page: u32, huge: bool) {
        let Self { lines, by_area, huge: counts, .. } = self;
        for &line in &by_area[area] {
            let line = &lines[usize::from(line)];
            if line.has_one_class() {
                let count = &mut counts[usize::from(line.first_class)];
                let pages = u64::from(HUGE_FRAMES);
                if huge {
                    *count += pages
                } else {
                    *count -= pages
                }
                continue;
            }
            for page in page..page + HUGE_FRAMES {
                let count = &mut counts[usize::from(line.class_of(page))];
                if huge { *count += 1 } else { *count -= 1 }
            }
        }
    }

    /// Lets a line's hot set drift for so long; `place` tells of a page of the area on which node
    /// it lies and whether it is part of a huge page. Says whether anything changed.
    pub(crate) fn drift(
        &mut self,
        line: u16,
        elapsed_ns: u64,
        place: impl Fn(u32) -> (Option<u32>, bool),
    ) -> bool {
        let Self { lines, resident, huge, nodes, .. } = self;
        let line = &mut lines[usize::from(line)];
        if line.drift.bytes_hz == 0 {
            return false;
        }
        let page_ns = u128::from(PAGE_SZ) * 1_000_000_000;
        let way = line.drift.rest + u128::from(line.drift.bytes_hz) * u128::from(elapsed_ns);
        line.drift.rest = way % page_ns;
        let round = u128::from(line.shape.classes().iter().map(|class| class.pages).sum::<u32>());
        let steps = (way / page_ns % round) as u32;
        let (hot, cold) = (usize::from(line.first_class), usize::from(line.first_class) + 1);
        let mut changed = false;
        for _ in 0..steps {
            let Some((cooled, heated)) = line.shape.drift() else { break };
            changed = true;
            for (page, from, to) in [(cooled, hot, cold), (heated, cold, hot)] {
                let (nid, is_huge) = place(page);
                if let Some(nid) = nid {
                    resident[from * *nodes + nid as usize] -= 1;
                    resident[to * *nodes + nid as usize] += 1;
                }
                if is_huge {
                    huge[from] -= 1;
                    huge[to] += 1;
                }
            }
        }
        changed
    }
}

fn cell(line: &Line, page: u32, nodes: usize, nid: u32) -> usize {
    usize::from(line.class_of(page)) * nodes + nid as usize
}

impl Line {
    /// Number of the class of a page of its area.
    pub(crate) fn class_of(&self, page: u32) -> u16 {
        self.first_class + self.shape.class_of(page) as u16
    }

    /// Whether it touches all pages of its area alike.
    fn has_one_class(&self) -> bool {
        self.shape.classes().len() == 1
    }

    /// Numbers of its classes.
    pub(crate) fn class_numbers(&self) -> Range<u16> {
        self.first_class..self.first_class + self.shape.classes().len() as u16
    }
}
