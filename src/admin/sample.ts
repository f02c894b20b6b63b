/** Builds sample control from its files. `hardware-sampling.md` 4 and 8.1. */
import type { AdminPerfEvent, AdminSample, AdminSampleFilter } from './engine.ts';
import { type Dir, unfit } from './node.ts';
import { verdictOf } from './verdict.ts';
import { SAMPLE_FILTERS } from './words.ts';

/** The sample control that a directory `sample` describes. */
export function buildSample(dir: Dir): AdminSample {
  const primitives = dir.dir('primitives');
  return {
    primitives: {
      pageTable: primitives.flag('page_table'),
      pageFault: primitives.flag('page_fault'),
    },
    filters: dir.dir('filters').numbered().map(buildSampleFilter),
    perfEvents: dir.dir('perf_events').numbered().map(buildPerfEvent),
  };
}

function buildSampleFilter(dir: Dir): AdminSampleFilter {
  const type = dir.word('type', SAMPLE_FILTERS);
  const verdict = verdictOf(dir);
  switch (type) {
    case 'cpumask':
      return { type, ...verdict, cpus: someOf(dir, 'cpumask', 'at least one CPU') };
    case 'threads':
      return { type, ...verdict, tids: someOf(dir, 'tid_arr', 'at least one thread id') };
    case 'write':
      return { type, ...verdict };
  }
}

function someOf(dir: Dir, name: string, expected: string): readonly number[] {
  const list = dir.list(name);
  if (list.length === 0) throw unfit(dir, name, expected);
  return list;
}

function buildPerfEvent(dir: Dir): AdminPerfEvent {
  return {
    type: dir.number('type'),
    config: dir.u64('config'),
    config1: dir.u64('config1'),
    config2: dir.u64('config2'),
    samplePhysAddr: dir.flag('sample_phys_addr'),
    sampleWeightStruct: dir.flag('sample_weight_struct'),
    freq: dir.flag('freq'),
    sampleFreq: dir.u64('sample_freq'),
    samplePeriod: dir.u64('sample_period'),
    wakeupEvents: dir.number('wakeup_events'),
    preciseIp: dir.number('precise_ip'),
    excludeKernel: dir.flag('exclude_kernel'),
    excludeHv: dir.flag('exclude_hv'),
  };
}
