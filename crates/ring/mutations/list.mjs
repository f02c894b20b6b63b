// Ways to break the ring, each of which a check must notice: `npm run mutations`.
//
// The list of `hardware-sampling.md` 2.7 and more. A drain looks at the head of every lane that is
// not parked, so for those the two mutations of the pending word have no counterpart: invariant 6
// holds by construction. The shape of hazard H1 behind them, "my store, then my load" on two sides,
// is that of a close and of parking: without the fences, and without either, loom must find the
// report that is stranded.

/** @import { Mutation } from '../../../scripts/mutations.mjs' */

/** @type {Mutation[]} */
export const MUTATIONS = [
  // Barriers of a push and a drain.
  {
    name: 'B1: head published Relaxed',
    file: 'producer.rs',
    find: 'own.head.store(next, Ordering::Release);\n        Ok',
    replace: 'own.head.store(next, Ordering::Relaxed);\n        Ok',
    check: 'loom',
    test: 'one_slot',
  },
  {
    name: 'B1: head of a batch published Relaxed',
    file: 'producer.rs',
    find: 'self.own.head.store(next, Ordering::Release)',
    replace: 'self.own.head.store(next, Ordering::Relaxed)',
    check: 'loom',
    test: 'batches_are_published_at_once',
  },
  {
    name: 'B2: head looked at Relaxed',
    file: 'lanes.rs',
    find: 'let head = ring.producer.head.load(Ordering::Acquire);',
    replace: 'let head = ring.producer.head.load(Ordering::Relaxed);',
    check: 'loom',
    test: 'one_slot',
  },
  {
    name: 'B5: tail published Relaxed',
    file: 'lanes.rs',
    find: 'ring.consumer.tail.store(head, Ordering::Release)',
    replace: 'ring.consumer.tail.store(head, Ordering::Relaxed)',
    check: 'loom',
    test: 'one_slot',
  },
  {
    name: 'B6: tail looked at Relaxed',
    file: 'producer.rs',
    find: 'let tail = self.ring.consumer.tail.load(Ordering::Acquire);\n        self.limit',
    replace: 'let tail = self.ring.consumer.tail.load(Ordering::Relaxed);\n        self.limit',
    check: 'loom',
    test: 'one_slot',
  },
  {
    name: 'tail published before the slots are read',
    file: 'lanes.rs',
    find: 'unsafe { ring.read(*tail, head, |reports| each(*id, reports)) };',
    replace: `ring.consumer.tail.store(head, Ordering::Release);
                    unsafe { ring.read(*tail, head, |reports| each(*id, reports)) };`,
    check: 'loom',
    test: 'one_slot',
  },
  {
    name: 'tail never published',
    file: 'lanes.rs',
    find: 'ring.consumer.tail.store(head, Ordering::Release);',
    replace: '',
    check: 'lanes',
    test: 'of_257_reports',
  },
  {
    name: 'head published before the slot is written',
    file: 'producer.rs',
    find: 'unsafe { ring.write(head, &report) };',
    replace: `own.head.store(next, Ordering::Release);
        unsafe { ring.write(head, &report) };`,
    check: 'loom',
    test: 'one_slot',
  },
  {
    name: 'head looked at anew for the store of tail',
    file: 'lanes.rs',
    find: '*tail = head;',
    replace:
      'let head = ring.producer.head.load(Ordering::Acquire);\n                    *tail = head;',
    check: 'loom',
    test: 'two_slots',
  },

  // Nesting.
  {
    name: 'the claim not looked at (model)',
    file: 'producer.rs',
    find: 'if held(&own.claim) != head {',
    replace: 'if false {',
    check: 'loom',
    test: 'a_nested_push',
  },
  {
    name: 'the claim not looked at (signal)',
    file: 'producer.rs',
    find: 'if held(&own.claim) != head {',
    replace: 'if false {',
    check: 'signals',
    test: 'a_handler_that_interrupts',
  },
  {
    name: 'the claim not looked at by a batch',
    file: 'producer.rs',
    find: '!= head && self.is_still(head) {',
    replace: '!= head && false {',
    check: 'loom',
    test: 'a_nested_push',
  },
  {
    name: 'the claim put back by the nested push',
    file: 'producer.rs',
    find: 'if self.is_still(head) {\n            self.count_nested(1);',
    replace:
      'if self.is_still(head) {\n            self.ring.producer.claim.store(self.ring.producer.head.load(Ordering::Relaxed), Ordering::Relaxed);\n            self.count_nested(1);',
    check: 'loom',
    test: 'a_nested_push',
  },
  {
    name: 'the head not looked at again after the claim',
    file: 'producer.rs',
    find: 'if held(&own.head) != head {\n            return self.push_overtaken',
    replace: 'if false {\n            return self.push_overtaken',
    check: 'lanes',
    test: 'handlers_that_come_before',
  },
  {
    name: 'the head of a wary push not looked at again after the claim',
    file: 'producer.rs',
    find: 'Self { own, head: held(&own.head) }',
    replace: 'Self { own, head }',
    check: 'lanes',
    test: 'handlers_that_come_before',
  },
  {
    name: 'a wary push does not claim',
    file: 'producer.rs',
    find: 'own.claim.store(head.wrapping_sub(1), Ordering::Relaxed);',
    replace: 'own.claim.store(head, Ordering::Relaxed);',
    check: 'loom',
    test: 'a_nested_push',
  },
  {
    name: 'a push that a handler overtook is taken for nested',
    file: 'producer.rs',
    find: 'if self.is_still(head) {\n            self.count_nested(1);',
    replace: 'if true {\n            self.count_nested(1);',
    check: 'lanes',
    test: 'handlers_that_come_before',
  },
  {
    name: 'the claim not put back by a batch',
    file: 'producer.rs',
    find: 'self.own.claim.store(next, Ordering::Relaxed);',
    replace: '',
    check: 'loom',
    test: 'a_nested_push',
  },
  {
    name: 'the claim not put back by a push that is dropped',
    file: 'producer.rs',
    find: 'self.own.claim.store(self.head, Ordering::Release);',
    replace: '',
    check: 'lanes',
    test: 'after_each_outcome',
  },
  {
    name: 'busy kept by a batch that panics',
    file: 'producer.rs',
    find: '        same_thread_fence();\n        // Release: whoever waits',
    replace:
      '        if std::thread::panicking() {\n            return;\n        }\n        // Release: whoever waits',
    check: 'lanes',
    test: 'an_iterator_that_panics',
  },

  // Room.
  {
    name: 'full not noticed',
    file: 'producer.rs',
    find: 'self.look_up_free(head) == 0;',
    replace: 'self.look_up_free(head) > self.ring.slots();',
    check: 'lanes',
    test: 'of_257_reports',
  },
  {
    name: 'full one slot early',
    file: 'producer.rs',
    find: 'head == self.limit.get() && self.look_up_free(head) == 0;',
    replace: 'self.look_up_free(head) <= 1;',
    check: 'lanes',
    test: 'any_sequence_of_acts',
  },
  {
    name: 'a batch takes one slot too many',
    file: 'producer.rs',
    find: 'let room = len.min(self.free_at_least(len as u64, head) as usize);',
    replace: 'let room = len.min(self.free_at_least(len as u64, head) as usize + 1);',
    check: 'loom',
    test: 'batches_are_published_at_once',
  },
  {
    name: 'a batch trusts the length it was told',
    file: 'producer.rs',
    find: 'reports.take(room)',
    replace: 'reports',
    check: 'lanes',
    test: 'an_iterator_that_lies',
  },
  {
    name: 'no second part at the end of the columns',
    file: 'ring.rs',
    find: '0..waiting - until_end',
    replace: '0..0',
    check: 'lanes',
    test: 'a_drain_hands_out_one_or_two_parts',
  },

  // Who may hold an end.
  {
    name: 'a second consumer compiles',
    file: 'lanes.rs',
    find: 'impl Drop for Lanes {',
    replace: `impl Clone for Lanes {
    fn clone(&self) -> Self {
        unreachable!()
    }
}

impl Drop for Lanes {`,
    check: 'doc',
  },
  {
    name: 'a second producer compiles',
    file: 'producer.rs',
    find: 'impl Drop for Producer {',
    replace: `impl Clone for Producer {
    fn clone(&self) -> Self {
        unreachable!()
    }
}

impl Drop for Producer {`,
    check: 'doc',
  },
  {
    name: 'a producer shared by threads compiles',
    file: 'producer.rs',
    find: 'impl Drop for Producer {',
    replace: 'unsafe impl Sync for Producer {}\n\nimpl Drop for Producer {',
    check: 'doc',
  },

  // Close.
  {
    name: 'H1 shape: a close without any fence',
    file: 'asymmetric.rs',
    find: 'if cfg!(loom) {\n        fence(Ordering::SeqCst);\n    }',
    replace: '',
    also: [
      {
        file: 'asymmetric.rs',
        find: '        fence(Ordering::SeqCst);\n        if self.process_wide {',
        replace: '        if self.process_wide {',
      },
    ],
    check: 'loom',
    test: 'a_close_among_pushes',
  },
  {
    name: 'no light fence in a push',
    file: 'producer.rs',
    find: 'own.claim.store(next, Ordering::Relaxed);\n        light();',
    replace: 'own.claim.store(next, Ordering::Relaxed);',
    check: 'loom',
    test: 'a_close_among_pushes',
  },
  {
    name: 'no light fence in a batch',
    file: 'producer.rs',
    find: 'Ordering::Relaxed);\n        light();\n        Self {',
    replace: 'Ordering::Relaxed);\n        Self {',
    check: 'loom',
    test: 'a_close_among_batches',
  },
  {
    name: 'no heavy fence in a close',
    file: 'asymmetric.rs',
    find: '        fence(Ordering::SeqCst);\n        if self.process_wide {',
    replace: '        if self.process_wide {',
    check: 'loom',
    test: 'a_close_among_pushes',
  },
  {
    name: 'no membarrier in a close (this very machine)',
    file: 'asymmetric.rs',
    find: '            membarrier::all_threads();\n',
    replace: '',
    check: 'race',
    test: 'a_close_in_the_middle',
  },
  {
    name: 'closed not looked at by a push',
    file: 'producer.rs',
    find: 'if ring.gate.load(Ordering::Relaxed) != 0 {',
    replace: 'if false {',
    check: 'loom',
    test: 'a_close_among_pushes',
  },
  {
    name: 'closed not looked at by a wary push',
    file: 'producer.rs',
    find: 'if gate & CLOSED == 0 && !full {',
    replace: 'if !full {',
    check: 'loom',
    test: 'a_close_among_pushes',
  },
  {
    name: 'closed not looked at by a batch',
    file: 'producer.rs',
    find: 'if gate & CLOSED != 0 {\n            count(&own.dropped_closed, len as u64);\n            return Batch {',
    replace: 'if false {\n            return Batch {',
    check: 'loom',
    test: 'a_close_among_batches',
  },
  {
    name: 'closed looked at before busy is said',
    file: 'producer.rs',
    find: 'own.claim.store(next, Ordering::Relaxed);\n        light();\n        if ring.gate.load(Ordering::Relaxed) != 0 {',
    replace:
      'let gate = ring.gate.load(Ordering::Relaxed);\n        own.claim.store(next, Ordering::Relaxed);\n        light();\n        if gate != 0 {',
    check: 'loom',
    test: 'a_close_among_pushes',
  },
  {
    name: 'a close does not wait for busy',
    file: 'lanes.rs',
    find: 'while ring.is_busy() {',
    replace: 'while false {',
    check: 'loom',
    test: 'a_close_among_pushes',
  },
  {
    name: 'a close does not shut the door',
    file: 'lanes.rs',
    find: 'self.door.0.state(|state| state.closed = true);',
    replace: '',
    check: 'loom',
    test: 'a_lane_added_during_a_close',
  },
  {
    name: 'a close forgets lanes behind the door',
    file: 'lanes.rs',
    find: 'let Self { lanes, door, .. } = self;\n        door.0.state(|state| lanes.append(&mut state.waiting));\n        for',
    replace: 'let Self { lanes, door, .. } = self;\n        for',
    check: 'loom',
    test: 'a_lane_added_during_a_close',
  },
  {
    name: 'dropping the lanes does not close them',
    file: 'lanes.rs',
    find: 'if !self.closed {\n            self.close();',
    replace: 'if false {\n            self.close();',
    check: 'loom',
    test: 'dropping_the_lanes',
  },

  // Coming and going.
  {
    name: 'gone said Relaxed',
    file: 'producer.rs',
    find: 'gone.store(true, Ordering::Release)',
    replace: 'gone.store(true, Ordering::Relaxed)',
    check: 'loom',
    test: 'a_producer_that_leaves',
  },
  {
    name: 'gone looked at Relaxed',
    file: 'lanes.rs',
    find: 'ring.producer.gone.load(Ordering::Acquire)',
    replace: 'ring.producer.gone.load(Ordering::Relaxed)',
    check: 'loom',
    test: 'a_producer_that_leaves',
  },
  {
    name: 'head looked at before gone',
    file: 'lanes.rs',
    find: 'ring.producer.gone.load(Ordering::Acquire)\n                    && ring.producer.head.load(Ordering::Relaxed) == self.tail',
    replace:
      'ring.producer.head.load(Ordering::Relaxed) == self.tail\n                    && ring.producer.gone.load(Ordering::Acquire)',
    check: 'loom',
    test: 'a_producer_that_leaves',
  },
  {
    name: 'gone before drained',
    file: 'lanes.rs',
    find: '&& ring.producer.head.load(Ordering::Relaxed) == self.tail',
    replace: '',
    check: 'loom',
    test: 'a_producer_that_leaves',
  },
  {
    name: 'an arrival not announced',
    file: 'lanes.rs',
    find: 'arrivals.fetch_add(1, Ordering::Release);',
    replace: 'let _ = arrivals;',
    check: 'loom',
    test: 'a_lane_added_during_drains',
  },
  {
    name: 'a lane number used twice',
    file: 'lanes.rs',
    find: 'state.next += 1;',
    replace: 'state.next = state.in_use + 1;',
    check: 'lanes',
    test: 'a_producer_that_came_and_went',
  },
  {
    name: 'room not given back',
    file: 'lanes.rs',
    find: 'state.in_use -= 1;',
    replace: '',
    check: 'lanes',
    test: 'a_lane_whose_producer_is_gone',
  },

  // Parking.
  {
    name: 'parking without its own fence',
    file: 'lanes.rs',
    find: 'door.0.fences.heavy();\n        *parked = 0;',
    replace: '*parked = 0;',
    check: 'loom',
    test: 'parked',
  },
  {
    name: 'parking does not look again',
    file: 'lanes.rs',
    find: 'if lane.is_quiet() {',
    replace: 'if true {',
    check: 'loom',
    test: 'parked',
  },
  {
    name: 'parking does not look for a push in progress',
    file: 'lanes.rs',
    find: '!ring.is_busy()\n                    && ring',
    replace: 'ring',
    check: 'loom',
    test: 'parked',
  },
  {
    name: 'neither push nor batch nor leaving marks',
    file: 'producer.rs',
    find: 'if gate & PARKED != 0 {',
    replace: 'if false {',
    check: 'loom',
    test: 'parked',
  },
  {
    name: 'leaving does not look whether it is parked',
    file: 'producer.rs',
    find: 'self.wake(self.ring.gate.load(Ordering::Relaxed));',
    replace: '',
    check: 'loom',
    test: 'parked',
  },

  // Books.
  {
    name: 'full not counted',
    file: 'producer.rs',
    find: 'count(counter, 1);',
    replace: 'count(counter, u64::from(why != Dropped::Full));',
    check: 'lanes',
    test: 'of_257_reports',
  },
  {
    name: 'nested not counted',
    file: 'producer.rs',
    find: 'self.ring.producer.dropped_nested.fetch_add(reports, Ordering::Relaxed);',
    replace: 'let _ = reports;',
    check: 'signals',
    test: 'a_handler_that_interrupts',
  },
  {
    name: 'closed not counted',
    file: 'producer.rs',
    find: 'count(counter, 1);',
    replace: 'count(counter, u64::from(why != Dropped::Closed));',
    check: 'lanes',
    test: 'close_drops_and_counts',
  },
  {
    name: 'counts of a retired lane lost',
    file: 'lanes.rs',
    find: 'retired.add(&lane.counters());',
    replace: 'let _ = &retired;',
    check: 'lanes',
    test: 'more_producers_than_cores',
  },

  // Stamps.
  {
    name: 'a report across a block is not special',
    file: 'access_report.rs',
    find: 'let special = crosses | (report.kind != AddressKind::Physical);',
    replace: 'let special = (report.kind != AddressKind::Physical) | (crosses & false);',
    check: 'lanes',
    test: 'every_field_survives',
  },
  {
    name: 'a virtual address is not special',
    file: 'access_report.rs',
    find: 'let special = crosses | (report.kind != AddressKind::Physical);',
    replace: 'let special = crosses;',
    check: 'lanes',
    test: 'every_field_survives',
  },

  // Shared memory.
  {
    name: 'shared: more waiting than slots accepted',
    file: 'shared.rs',
    find: 'let valid = waiting <= self.slots;',
    replace: 'let valid = waiting <= self.slots + 1;',
    check: 'shared',
  },
  {
    name: 'shared: a whole ring-full refused',
    file: 'shared.rs',
    find: 'let valid = waiting <= self.slots;',
    replace: 'let valid = waiting < self.slots;',
    check: 'shared',
  },
  {
    name: 'shared: closing bit taken for part of the index',
    file: 'shared.rs',
    find: 'let head = head & INDEX;',
    replace: '',
    check: 'shared',
  },
  {
    name: 'shared: wrap of the index not masked',
    file: 'shared.rs',
    find: 'let waiting = head.wrapping_sub(self.tail) & INDEX;\n        if waiting == 0 {',
    replace: 'let waiting = head.wrapping_sub(self.tail);\n        if waiting == 0 {',
    check: 'shared',
  },
  {
    name: 'shared: close does not touch the head',
    file: 'shared.rs',
    find: 'self.word(HEAD).fetch_or(CLOSED, Ordering::AcqRel);',
    replace: '',
    check: 'shared',
    test: 'a_push_that_a_close_overtakes',
  },
  {
    name: 'shared: tail trusted from memory',
    file: 'shared.rs',
    find: 'let head = self.word(HEAD).load(Ordering::Acquire);\n        self.drain_to',
    replace:
      'let head = self.word(HEAD).load(Ordering::Acquire);\n        self.tail = self.word(TAIL).load(Ordering::Relaxed) & INDEX;\n        self.drain_to',
    check: 'shared',
  },
  {
    name: 'shared: tail not published',
    file: 'shared.rs',
    find: 'self.word(TAIL).store(head, Ordering::Release);',
    replace: '',
    check: 'shared',
  },
  {
    name: 'shared: a lie not counted',
    file: 'shared.rs',
    find: 'self.corrupt += 1;',
    replace: '',
    check: 'shared',
  },
  {
    name: 'shared: a lie not got over',
    file: 'shared.rs',
    find: 'self.tail = head;\n        // Release',
    replace: 'if valid {\n            self.tail = head;\n        }\n        // Release',
    check: 'shared',
  },
  {
    name: 'shared: dropped counters not carried past 32 bits',
    file: 'shared.rs',
    find: '*self = Self { total: self.at(counter), seen: counter };',
    replace: '*self = Self { total: u64::from(counter), seen: counter };',
    check: 'shared',
  },
  {
    name: 'shared: gone before drained',
    file: 'shared.rs',
    find: '.load(Ordering::Acquire) != 0 && self.pending() == 0',
    replace: '.load(Ordering::Acquire) != 0',
    check: 'shared',
    test: 'a_producer_that_pushes_and_goes',
  },
  {
    name: 'shared: any length accepted',
    file: 'shared.rs',
    find: 'if !fits || len != Self::words(slots as u32) {',
    replace: 'if !fits {',
    check: 'shared',
  },
  {
    name: 'shared: a store read as a load',
    file: 'shared.rs',
    find: 'write: flags & WRITE != 0,',
    replace: 'write: false,',
    check: 'shared',
  },

  // Pages by a pattern.
  {
    name: 'pages: those of a process pass for physical',
    file: 'access_report.rs',
    find: '_mm_set_epi64x(special as i64, 0)',
    replace: '_mm_set_epi64x(special as i64 & 0, 0)',
    check: 'lanes',
  },
  {
    name: 'pages: a moment of 64 bits is cut',
    file: 'access_report.rs',
    find: '_mm_movemask_pd(_mm_castsi128_pd(all)) & 0b10 == 0',
    replace: '_mm_movemask_pd(_mm_castsi128_pd(all)) & 0b10 != 4',
    check: 'lanes',
  },
  {
    name: 'pages: what lies behind the wrap is not written',
    file: 'ring.rs',
    find: 'if !rest.is_empty() {',
    replace: 'if false {',
    check: 'lanes',
  },
  {
    name: 'pages: a store passes for a load',
    file: 'access_report.rs',
    find: 'let filled = _mm_or_si128(alike, _mm_and_si128(write, bit));',
    replace: 'let (_, filled) = (_mm_and_si128(write, bit), alike);',
    check: 'lanes',
  },

  // The allocator.
  {
    name: 'a drain of a shared lane allocates',
    file: 'shared.rs',
    find: 'self.sightings.clear();',
    replace: 'self.sightings = Vec::with_capacity(waiting as usize);',
    check: 'no_alloc',
  },
  {
    name: 'a push that finds its lane full allocates',
    file: 'producer.rs',
    find: 'count(counter, 1);',
    replace: 'count(counter, std::hint::black_box(Box::new(1u64)).abs_diff(0));',
    check: 'no_alloc',
  },
];
