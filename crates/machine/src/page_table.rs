//! Frame of each virtual page.
//!
//! Where pages are not all alike it is looked up once per sampled access, at random: 32 GiB of pages
//! are a table of 32 MiB, whose misses in the processor's own TLB cost more than the look-up. So it
//! asks for huge pages.

use memmap2::MmapMut;

/// A table of frame numbers, zero at first.
#[derive(Debug)]
pub(crate) struct PageTable {
    frames: MmapMut,
}

impl PageTable {
    /// # Errors
    ///
    /// What the operating system says to a request for four bytes per page.
    pub(crate) fn new(pages: u32) -> std::io::Result<Self> {
        // An empty map is refused, and there is always a page.
        let frames = MmapMut::map_anon(pages.max(1) as usize * size_of::<u32>())?;
        // A wish: without huge pages the table works as well, more slowly.
        #[cfg(target_os = "linux")]
        let _ = frames.advise(memmap2::Advice::HugePage);
        Ok(Self { frames })
    }

    /// The frame of a page.
    ///
    /// # Panics
    ///
    /// If there is no such page.
    pub(crate) fn get(&self, page: u32) -> u32 {
        bytemuck::cast_slice::<u8, u32>(&self.frames)[page as usize]
    }

    /// Places a page.
    ///
    /// # Panics
    ///
    /// If there is no such page.
    pub(crate) fn set(&mut self, page: u32, frame: u32) {
        bytemuck::cast_slice_mut::<u8, u32>(&mut self.frames)[page as usize] = frame;
    }
}
