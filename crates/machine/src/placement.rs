//! What a page placement policy of an operating system asks and does, page by page.

use crate::Machine;

/// Pages that share a fate: one, or the 512 of a huge page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedFolio {
    /// Number of its first page, over all areas.
    pub page: u32,
    /// How many pages it has.
    pub pages: u32,
    /// Its first physical byte.
    pub address: u64,
    /// Its node.
    pub nid: u32,
}

impl Machine {
    /// The folio at a physical address; none where no page lies.
    pub fn folio_at_address(&self, address: u64) -> Option<PlacedFolio> {
        self.folio_at(address).and_then(|folio| self.placed(folio.page))
    }

    /// The first folio on a node that begins at a physical address or above it.
    pub fn next_folio(&self, nid: u32, address: u64) -> Option<PlacedFolio> {
        let node = self.memory.nodes.get(nid)?;
        let frames = self.memory.frames.within(address.max(node.start), node.start + node.bytes);
        let frame = self.memory.frames.next_used(frames.start, frames.end)?;
        self.placed(self.memory.frames.page_at(frame)?)
    }

    fn placed(&self, page: u32) -> Option<PlacedFolio> {
        let folio = self.memory.folio_of(page);
        Some(PlacedFolio {
            page: folio.page,
            pages: folio.pages,
            address: self.page_address(folio.page)?,
            nid: self.memory.node_of(folio.page)?,
        })
    }

    /// Whether the folio of a page looks accessed since somebody looked last; it does not, from now
    /// on. See `young.rs` for what accessed bits miss.
    pub fn look(&mut self, page: u32) -> bool {
        self.refresh();
        let folio = self.memory.folio_of(page);
        let young = self.is_young(folio);
        self.memory.make_old(folio, self.now_ns);
        young
    }

    /// Moves the folio of a page to a node and to no other, in a batch that
    /// [ends](Self::end_batch) later. Returns how many nanoseconds that took; none if it stays where
    /// it is: see [`migrations`](Self::migrations) for why.
    pub fn move_page(&mut self, page: u32, nid: u32) -> Option<u64> {
        self.migrate(self.memory.folio_of(page), nid)
    }

    /// Free bytes of a node; 0 of one that is not there.
    pub fn free_bytes(&self, nid: u32) -> u64 {
        let used = self.memory.frames.node_used(nid) * crate::PAGE_SZ;
        self.memory.nodes.get(nid).map_or(0, |node| node.bytes - used)
    }
}

/// Pages that are accessed alike.
#[derive(Clone, Debug, PartialEq)]
pub struct PageHeat {
    /// Accesses to each of them per second.
    pub page_hz: f64,
    /// How many there are.
    pub pages: u64,
    /// How many are in memory on each node.
    pub resident: Vec<u64>,
}

impl Machine {
    /// One more than the largest number of a page.
    pub fn page_numbers(&self) -> u32 {
        self.memory.areas.last().map_or(0, |area| area.first_page + area.pages)
    }

    /// What the running phases touch, by heat class. A page that two lines heat is in a class of
    /// each.
    pub fn heat(&mut self) -> Vec<PageHeat> {
        self.refresh();
        let mut heat = Vec::new();
        for (index, process) in self.processes.iter().enumerate() {
            let accesses_hz = self.performance.ops_hz(index) * process.memory_share;
            for line in process.lines().map(|line| self.memory.heat.line(line)) {
                for (number, class) in line.class_numbers().zip(line.shape.classes()) {
                    let pages = u64::from(class.pages);
                    heat.push(PageHeat {
                        page_hz: accesses_hz * line.share * class.share / pages as f64,
                        pages,
                        resident: self.memory.heat.resident(number).to_vec(),
                    });
                }
            }
        }
        heat
    }
}
