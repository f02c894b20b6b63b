//! A number for each page, zero at first.
//!
//! The page table is looked up once per sampled access, at random: 32 GiB of pages are a table of
//! 32 MiB, whose misses in the processor's own TLB cost more than the look-up. So it asks for huge
//! pages. A column that is hardly used (when a page was made old) must not: only what is written of
//! it takes memory.

use memmap2::MmapMut;

/// A column of numbers.
#[derive(Debug)]
pub(crate) struct Column {
    cells: MmapMut,
}

impl Column {
    /// For use all over.
    ///
    /// # Errors
    ///
    /// What the operating system says to a request for four bytes per page.
    pub(crate) fn dense(pages: u32) -> std::io::Result<Self> {
        let column = Self::sparse(pages)?;
        // A wish: without huge pages the table works as well, more slowly.
        #[cfg(target_os = "linux")]
        let _ = column.cells.advise(memmap2::Advice::HugePage);
        Ok(column)
    }

    /// For use here and there.
    ///
    /// # Errors
    ///
    /// As of [`dense`](Self::dense).
    pub(crate) fn sparse(pages: u32) -> std::io::Result<Self> {
        // An empty map is refused, and there is always a page.
        Ok(Self { cells: MmapMut::map_anon(pages.max(1) as usize * size_of::<u32>())? })
    }

    /// The number of each page.
    pub(crate) fn numbers(&self) -> &[u32] {
        bytemuck::cast_slice(&self.cells)
    }

    /// Those, to be set.
    pub(crate) fn numbers_mut(&mut self) -> &mut [u32] {
        bytemuck::cast_slice_mut(&mut self.cells)
    }

    /// The number of a page.
    ///
    /// # Panics
    ///
    /// If there is no such page.
    pub(crate) fn get(&self, page: u32) -> u32 {
        self.numbers()[page as usize]
    }

    /// Sets the number of a page.
    ///
    /// # Panics
    ///
    /// If there is no such page.
    pub(crate) fn set(&mut self, page: u32, number: u32) {
        self.numbers_mut()[page as usize] = number;
    }
}
