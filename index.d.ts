// The public API of node-damon, rolled up from src. Written by `npm run build`.

/** What a {@link DamonError} tells beyond its message. */
interface DamonErrorDetails {
  /** Names the kind of failure, `ERR_DAMON_…`. Stable: programs may compare it. */
  readonly code: string;
  /** Where in the configuration or the file, such as `kdamonds[0].contexts[0].schemes[1]`. */
  readonly path?: string | undefined;
  /** What would have been accepted, in words. */
  readonly expected?: string | undefined;
  /** What was given instead, as it was given. */
  readonly received?: unknown;
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** The file that says so. */
  readonly file?: string | undefined;
  /** Where in that file, from 1, if it is a text that knows. */
  readonly line?: number | undefined;
  /** Where in that line, from 1. */
  readonly column?: number | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** A {@link DamonError} as plain data, safe for `JSON.stringify`. */
interface DamonErrorJson {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly path?: string;
  readonly expected?: string;
  readonly received?: string | number | boolean | null;
  readonly hint?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly cause?: string;
}

/**
 * Every error that this package throws on purpose.
 *
 * @example
 * ```ts
 * import { DamonError } from 'node-damon';
 *
 * try {
 *   throw new DamonError('The recording is empty', { code: 'ERR_DAMON_TRACE_EMPTY' });
 * } catch (error) {
 *   if (!(error instanceof DamonError)) throw error;
 *   console.log(error.code, error.hint ?? 'no hint');
 * }
 * ```
 */
declare class DamonError extends Error {
  readonly name: 'DamonError';
  /** Names the kind of failure, `ERR_DAMON_…`. Stable: programs may compare it. */
  readonly code: string;
  /** Where in the configuration or the file, such as `kdamonds[0].contexts[0].schemes[1]`. */
  readonly path?: string;
  /** What would have been accepted, in words. */
  readonly expected?: string;
  /** What was given instead, as it was given. */
  readonly received?: unknown;
  /** What to do about it. */
  readonly hint?: string;
  /** The file that says so. */
  readonly file?: string;
  /** Where in that file, from 1, if it is a text that knows. */
  readonly line?: number;
  /** Where in that line, from 1. */
  readonly column?: number;
  constructor(message: string, details: DamonErrorDetails);
  /** The error as plain data, without the stack; a `received` that JSON cannot hold becomes text. */
  toJSON(): DamonErrorJson;
}

/** A number in the unit the field is named for, or a text with a unit, such as `"5 ms"`. */
type Duration = number | string;
/** A number of bytes, or a text with a unit, such as `"512 MiB"`. */
type Bytes = number | string;
/** A number of bytes per second, or a text with a unit, such as `"72 GB/s"`. */
type Bandwidth = number | string;
/** A number in basis points, or a text such as `"70 %"`. */
type Ratio = number | string;
/** A byte address: a number or bigint, or a text such as `"0x40000000"` or `"1 GiB"`. */
type Address = number | bigint | string;

/** The interrupts of an event. */
interface InterruptOptions {
  /** CPU time of one. At most 1 ms. @default 1270 */
  readonly handlerNs?: Duration;
  /**
   * Most samples per second and CPU, from 250: `kernel.perf_event_max_sample_rate`. An event that
   * interrupts more often within a tick of 4 ms is stopped until the next. @default 100000
   */
  readonly maxRateHz?: number;
  /**
   * Share of a CPU's time that handlers may take, in percent: `kernel.perf_cpu_time_max_percent`.
   * Handlers that take more on average lower the largest rate; 0 or 100 for no such rule.
   * @default 25, with which a handler may take 2500 ns
   */
  readonly cpuPercentMax?: number;
}

/** {@link InterruptOptions}, every one given. */
interface Interrupts {
  readonly handlerNs: number;
  readonly maxRateHz: number;
  readonly cpuPercentMax: number;
}

/**
 * One IBS Op event on every CPU: every so many cycles or micro-ops one op is tagged, whatever it
 * does; those that access data are reported with the physical address of their page.
 */
interface IbsOpOptions {
  readonly type: 'ibs_op';
  /** Which filters the hardware has. @default "zen5" */
  readonly generation?: 'zen3' | 'zen4' | 'zen5' | 'zen6';
  /** Cycles or ops between tags: a multiple of 16 from 144 to 134217712. @default 262144 */
  readonly period?: number;
  /**
   * What the period counts: `cycles` (the RFC's setting, `config` 0) or dispatched `ops`, with the
   * hardware's random start of 1 to 127. @default "cycles"
   */
  readonly counting?: 'cycles' | 'ops';
  /**
   * Only ops that miss the third-level cache; the hardware throws the others away without a word,
   * so the period is one between tags, not between samples. From zen4 on. @default false
   */
  readonly l3MissOnly?: boolean;
  /**
   * Only loads that take at least so many cycles, from 128 to 2048. From zen5 on, which needs
   * `l3MissOnly` too. What a node serves takes one latency, that under its load: all of it passes, or
   * nothing. @default no such filter
   */
  readonly latencyMin?: number;
  /**
   * Cycles not halted, or ops dispatched, per second and CPU. @default as the workload makes them
   */
  readonly rateHz?: number;
  /**
   * Share of tagged ops that access data and so have a physical address, above 0.
   * @default the workload's
   */
  readonly dataShare?: number;
  /**
   * With `cycles`, which also pass while a CPU waits for memory: how often the op that is tagged after
   * a wait is about the page that was waited for, from 0 to 1. Nobody has measured it. @default 0
   */
  readonly stallShare?: number;
  /** Counts samples by what served them, in `books.counters.sources`. Costs time. @default false */
  readonly dataSource?: boolean;
  /** What its interrupts cost, and how many the kernel allows. @default as measured, see each */
  readonly interrupts?: InterruptOptions;
}

/** {@link IbsOpOptions}, resolved. */
interface IbsOp {
  readonly type: 'ibs_op';
  readonly generation: 'zen3' | 'zen4' | 'zen5' | 'zen6';
  readonly period: number;
  readonly counting: 'cycles' | 'ops';
  readonly l3MissOnly: boolean;
  readonly latencyMin?: number | undefined;
  readonly rateHz?: number | undefined;
  readonly dataShare?: number | undefined;
  readonly stallShare: number;
  readonly dataSource: boolean;
  readonly interrupts: Interrupts;
}

/** A half-open range `[start, end)` of byte addresses. */
interface RangeOptions {
  /** First byte. */
  readonly start: Address;
  /** One past the last byte. Minimum: `start` + 1. */
  readonly end: Address;
}

/** {@link RangeOptions} as numbers: a physical address has at most 52 bits. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** A NUMA node and the memory it owns. Its id is its place in the list. */
interface NodeOptions extends RangeOptions {
  /** Such as `DRAM`. @default `node <id>` */
  readonly name?: string;
}

/** {@link NodeOptions}, resolved. */
interface NodeMemory extends Range {
  readonly id: number;
  readonly name: string;
}

/**
 * Counters in memory devices: each sees what the caches let through to its own device, and lists
 * the units of memory that were touched often enough in an epoch. It knows nothing of other nodes,
 * nor of who touched what, so it can say what to promote, not what to demote.
 */
interface ChmuOptions {
  readonly type: 'chmu';
  /** The devices' nodes, each with a unit of its own. */
  readonly nodes: readonly number[];
  /** Memory that shares a counter: a power of two from 256 bytes to 4 KiB. @default "4 KiB" */
  readonly unitBytes?: Bytes;
  /**
   * `epoch`: at its end what reached the threshold is listed, and all counters are free again.
   * `always_on`: whatever reaches it is listed at once, as often as it does, and frees its counter;
   * a counter of memory that never gets so far is taken for good. @default "epoch"
   */
  readonly mode?: 'epoch' | 'always_on';
  /**
   * Length of an epoch, at whose end the list is read; if `always_on`, how often it is read. 1 to
   * 4095 times 100 us, 1 ms, 10 ms, 100 ms or 1 s. @default "100 ms"
   */
  readonly epochNs?: Duration;
  /** Lines that are read, written back, or both. @default "reads" */
  readonly traffic?: 'reads' | 'writes' | 'both';
  /** Of so many accesses one is counted, at random: a power of two up to 32768. @default 1 */
  readonly downSampling?: number;
  /**
   * Counters, from 1 to 1048576. The first units that are touched in an epoch get them; the others
   * are not counted, and nothing tells. @default 16384
   */
  readonly counters?: number;
  /** Bits of a counter, from 8 to 32; a count stays at its largest value. @default 16 */
  readonly counterBits?: number;
  /** Counts that make a unit hot, at most what a counter holds. @default 8 */
  readonly threshold?: number;
  /** Room in the list, up to 65535; what does not fit is lost. @default 1024 */
  readonly listEntries?: number;
  /** CPU time of a kernel thread to read an entry. At most 1 ms. @default 1000 */
  readonly readNs?: Duration;
}

/** {@link ChmuOptions}, every one given. */
interface Chmu {
  readonly type: 'chmu';
  readonly nodes: readonly number[];
  readonly unitBytes: number;
  readonly mode: 'epoch' | 'always_on';
  readonly epochNs: number;
  readonly traffic: 'reads' | 'writes' | 'both';
  readonly downSampling: number;
  readonly counters: number;
  readonly counterBits: number;
  readonly threshold: number;
  readonly listEntries: number;
  readonly readNs: number;
}

/**
 * The kernel's NUMA balancing scanner: part of each process's memory is made inaccessible every now
 * and then; the first access to each page of it faults, once, and is reported if it came soon.
 */
interface HintFaultsOptions {
  readonly type: 'hint_faults';
  /** Memory of a scan, in whole pages. @default "256 MiB" */
  readonly scanBytes?: Bytes;
  /** Time from one scan of a process to the next, from 1 ms to 60 s. @default "1 s" */
  readonly scanPeriodNs?: Duration;
  /** Time until the first. At most an hour. @default "1 s" */
  readonly startDelayNs?: Duration;
  /** Only memory on these nodes is scanned, as in memory-tiering mode. @default all nodes */
  readonly nodes?: readonly number[];
  /**
   * A page is hot whose fault comes within that time of its scan. Adapts to the rate limit once a
   * minute, in steps of an eighth, up to twice this. At most an hour. @default "1 s"
   */
  readonly hotThresholdNs?: Duration;
  /** Memory per second whose faults may be reported. @default "65536 MiB" */
  readonly rateLimitBytesPerS?: Bandwidth;
  /** Addresses of its reports: `virtual` feeds `vaddr` and `fvaddr`, `physical` feeds `paddr_ibs`. @default "physical" */
  readonly address?: 'virtual' | 'physical';
  /** CPU time of a fault. At most 1 s. @default 1500 */
  readonly faultNs?: Duration;
  /** CPU time of the scanner per page table entry. At most 1 ms. @default 7 */
  readonly scanEntryNs?: Duration;
}

/** {@link HintFaultsOptions}, every one given. */
interface HintFaults {
  readonly type: 'hint_faults';
  readonly scanBytes: number;
  readonly scanPeriodNs: number;
  readonly startDelayNs: number;
  readonly nodes: readonly number[];
  readonly hotThresholdNs: number;
  readonly rateLimitBytesPerS: number;
  readonly address: 'virtual' | 'physical';
  readonly faultNs: number;
  readonly scanEntryNs: number;
}

/**
 * `PERF_COUNT_SW_PAGE_FAULTS` of every process: of the pages that come back after they were paged out
 * every so many-th is reported. What stays in memory is never seen, however hot it is.
 */
interface PageFaultsOptions {
  readonly type: 'page_faults';
  /** Faults of a process between samples, from 1 to 4294967295. @default 1 */
  readonly period?: number;
  /** `virtual` feeds `vaddr` and `fvaddr`, `physical` feeds `paddr_ibs`. @default "virtual" */
  readonly address?: 'virtual' | 'physical';
  /** CPU time of a sample. At most 1 ms. @default 500 */
  readonly sampleNs?: Duration;
}

/** {@link PageFaultsOptions}, every one given. */
interface PageFaults {
  readonly type: 'page_faults';
  readonly period: number;
  readonly address: 'virtual' | 'physical';
  readonly sampleNs: number;
}

declare const EVENTS: readonly ['l3_miss_loads', 'node_loads', 'loads', 'slow_loads', 'stores'];
/** What a PEBS counter counts. */
type PebsEvent = (typeof EVENTS)[number];
/**
 * One PEBS event on every CPU: of the events of one kind, every so many-th is recorded with its
 * virtual address. The defaults are those of the RFC's configuration B.
 */
interface PebsOptions {
  readonly type: 'pebs';
  /**
   * `l3_miss_loads`: loads that miss the third-level cache; `node_loads`: those of them that
   * `nodes` serve; `loads` and `stores`: all of them; `slow_loads`: those of at least `latencyMin`
   * cycles. @default "l3_miss_loads"
   */
  readonly event?: PebsEvent;
  /** Of `node_loads`: which nodes. @default none, but `node_loads` needs some */
  readonly nodes?: readonly number[];
  /**
   * Of `slow_loads`: cycles, from 1 to 65535. What a cache or a node serves takes one latency: all of it
   * passes, or nothing. @default none, but `slow_loads` needs one
   */
  readonly latencyMin?: number;
  /** Events between records, from 1 to 2^47 - 1, instead of a frequency. @default as `frequency` says */
  readonly period?: number;
  /** Records per second and CPU, to which the kernel adapts the period. @default 5003 */
  readonly frequency?: number;
  /**
   * Records carry virtual addresses; for physical ones the page table is walked in the interrupt.
   * `virtual` feeds `vaddr` and `fvaddr`, `physical` feeds `paddr_ibs`. @default "virtual"
   */
  readonly address?: 'virtual' | 'physical';
  /**
   * Records that the buffer holds before it interrupts, from 1 to 340; with a frequency 1. Those of
   * a larger one wait, and are stale to a monitor that looks more often. @default 1
   */
  readonly bufferRecords?: number;
  /**
   * Events in the shadow of an overflow, up to 65535: so many, at random from 0 on, pass unrecorded
   * and uncounted before the record. Nobody has measured it. @default 0
   */
  readonly shadowEvents?: number;
  /** Time between switches to another task, which empty the buffer. @default "4 ms" */
  readonly switchNs?: Duration;
  /** CPU time of a record. At most 1 ms. @default 250 */
  readonly recordNs?: Duration;
  /** What its interrupts cost, and how many the kernel allows. @default as measured, see each */
  readonly interrupts?: InterruptOptions;
}

/** {@link PebsOptions}, resolved. */
interface Pebs {
  readonly type: 'pebs';
  readonly event: PebsEvent;
  readonly nodes: readonly number[];
  readonly latencyMin: number;
  /** Exactly one of these two is given. */
  readonly period?: number | undefined;
  readonly frequency?: number | undefined;
  readonly address: 'virtual' | 'physical';
  readonly bufferRecords: number;
  readonly shadowEvents: number;
  readonly switchNs: number;
  readonly recordNs: number;
  readonly interrupts: Interrupts;
}

/** Any sampler. */
type SamplerOptions =
  IbsOpOptions | PebsOptions | ChmuOptions | HintFaultsOptions | PageFaultsOptions;
/** {@link SamplerOptions}, resolved. */
type Sampler = IbsOp | Pebs | Chmu | HintFaults | PageFaults;

/** Some pages in a row get most accesses, all of them alike; the others get the rest. */
interface HotSetPattern {
  readonly type: 'hot_set';
  /** The part that is hot, whole pages. */
  readonly hotBytes: Bytes;
  /** Share of accesses that go there. @default 0.9 */
  readonly hotShare?: number;
  /** Where it begins, whole pages. @default 0 */
  readonly offsetBytes?: Bytes;
  /** How fast it moves on, per second; it goes round. @default 0 */
  readonly driftBytes?: Bytes;
}

/** The page of rank r is touched in proportion to r^-theta. */
interface ZipfPattern {
  readonly type: 'zipf';
  /** From 0, uniform, to 10. @default 0.99, as YCSB has it */
  readonly theta?: number;
  /** Ranks lie all over the area, the same in all phases; else in order. @default true */
  readonly scattered?: boolean;
}

/** From end to end, again and again, every thread at its own place. */
interface StreamPattern {
  readonly type: 'stream';
  /** Bytes from one access to the next, 1 to 4096. @default 8 */
  readonly strideBytes?: number;
}

/**
 * All pages alike: `uniform` at random places, `chase` where each access waits for the one before,
 * `gups` to read, modify and write.
 */
interface EvenPattern {
  readonly type: 'uniform' | 'chase' | 'gups';
}

/** Which pages of an area are touched, how often. */
type AccessPatternOptions = HotSetPattern | ZipfPattern | StreamPattern | EvenPattern;
/** How an area is touched. */
interface LineOptions {
  /** The area's name. */
  readonly area: string;
  /** Which of its pages, how often. */
  readonly pattern: AccessPatternOptions;
  /** Its share of the process's accesses, of the sum of all weights. @default 1 */
  readonly weight?: number;
  /** Share of its accesses that are stores. @default 0.3 */
  readonly storeShare?: number;
  /** Accesses to a cache line in a row, 1 to 1e6. @default the pattern's: 16 of hot sets and zipf */
  readonly reuse?: number;
  /** Misses on their way at once, 1 to 1e6. @default the pattern's: 1 of chases, 16 of streams */
  readonly parallelism?: number;
}

/** What a process does for a while. */
interface PhaseOptions {
  /** For how long. @default for ever */
  readonly durationMs?: Duration;
  /** How its areas are touched meanwhile. At least one. */
  readonly lines: readonly LineOptions[];
}

/** A stretch of memory of a process. */
interface AreaOptions {
  /** What lines call it: no two areas of a process have the same. */
  readonly name: string;
  /** Its size: whole pages of its page size. */
  readonly bytes: Bytes;
  /** What it holds: a `page_cache` file is mapped by nobody. @default "anon" */
  readonly kind?: 'anon' | 'file' | 'page_cache';
  /** Size of its pages. @default "4 KiB" */
  readonly pageSize?: '4 KiB' | '2 MiB';
  /**
   * Where its pages lie at first: on the nodes of the CPUs that run the process (`local`), on a node
   * as long as there is room, or by weights of the nodes, by id, and nowhere else. @default "local"
   */
  readonly placement?: 'local' | PreferredPlacement | InterleavedPlacement;
}

/** On one node, as long as there is room. */
interface PreferredPlacement {
  /** The node. */
  readonly preferred: number;
}

/** On several nodes, page by page. */
interface InterleavedPlacement {
  /** Pages placed on each in turn, by node id. Each from 0 to 1000, not all 0. */
  readonly interleave: readonly number[];
}

/** Some CPUs in a row. */
interface CpuRange {
  /** The first. */
  readonly start: number;
  /** One past the last. At most 8192. */
  readonly end: number;
}

/** One process: threads alike on all of its CPUs. */
interface ProcessOptions {
  /** Its process id, from 1. @default its place in the list, from 1 */
  readonly tgid?: number;
  /** Its control group's path. @default "/" */
  readonly memcg?: string;
  /** The CPUs it runs on. @default all, of one process only */
  readonly cpus?: CpuRange;
  /** Its memory. At least one. */
  readonly areas: readonly AreaOptions[];
  /** What it does, in order. At least one. */
  readonly phases: readonly PhaseOptions[];
  /** Whether the first phase follows the last; else that one stays. @default false */
  readonly repeats?: boolean;
  /** Share of its ops that access data. @default 0.41, as a kernel build */
  readonly memoryShare?: number;
  /** Cycles an op takes when all data is in the first-level cache. @default 0.4 */
  readonly cyclesPerOp?: number;
}

/** Several processes, each with areas and phases of its own. */
interface ProcessesOptions {
  readonly type: 'processes';
  /** What runs side by side. At least one. */
  readonly processes: readonly ProcessOptions[];
}

/** {@link LineOptions}, resolved: the area by its place. */
interface Line {
  readonly area: number;
  readonly pattern: AccessPattern;
  readonly weight: number;
  readonly storeShare: number;
  readonly reuse?: number | undefined;
  readonly parallelism?: number | undefined;
}

/** {@link AccessPatternOptions}, resolved. */
type AccessPattern =
  | {
      readonly type: 'hot_set';
      readonly hotBytes: number;
      readonly hotShare: number;
      readonly offsetBytes: number;
      readonly driftBytes: number;
    }
  | {
      readonly type: 'zipf';
      readonly theta: number;
      readonly scattered: boolean;
    }
  | {
      readonly type: 'stream';
      readonly strideBytes: number;
    }
  | {
      readonly type: 'uniform' | 'chase' | 'gups';
    };
/** {@link AreaOptions}, resolved. */
interface Area {
  readonly name: string;
  readonly bytes: number;
  readonly kind: 'anon' | 'file' | 'page_cache';
  readonly pageSize: '4 KiB' | '2 MiB';
  readonly placement: 'local' | PreferredPlacement | InterleavedPlacement;
}

/** {@link ProcessOptions}, resolved. */
interface Process {
  readonly tgid: number;
  readonly memcg: string;
  readonly cpus?: CpuRange | undefined;
  readonly areas: readonly Area[];
  readonly phases: readonly {
    readonly durationMs?: number | undefined;
    readonly lines: readonly Line[];
  }[];
  readonly repeats: boolean;
  readonly memoryShare: number;
  readonly cyclesPerOp: number;
}

/** {@link ProcessesOptions}, resolved. */
interface Processes {
  readonly type: 'processes';
  readonly processes: readonly Process[];
}

/** Between which nodes, and how the fast one gets room. */
interface TieringOptions {
  /** The node that pages are promoted to. @default 0 */
  readonly fastNid?: number;
  /** The node that they are promoted from and demoted to. @default 1 */
  readonly slowNid?: number;
  /**
   * When the kernel's reclaim demotes inactive pages of the fast node that were not accessed since
   * they became inactive.
   * @default see each
   */
  readonly demotion?: {
    /** Below so much free memory, where nothing is promoted. @default "1 GiB" */
    readonly lowBytes?: Bytes;
    /** Until so much is free, at least `lowBytes`. @default twice `lowBytes` */
    readonly highBytes?: Bytes;
  };
}

/**
 * NUMA balancing in memory-tiering mode: what the sampler reports is promoted at once. Its sampler
 * is `hint_faults` on the slow node, which holds threshold and rate limit.
 */
interface NumaBalancingOptions extends TieringOptions {
  readonly type: 'numa_balancing';
}

/** Hot page tracking as proposed for the kernel, `pghot` in precise mode, fed by any sampler. */
interface PghotOptions extends TieringOptions {
  readonly type: 'pghot';
  /** Samples in the window that make a page hot, from 1 to 7. @default 2 */
  readonly threshold?: number;
  /** The window, from 1 s to 2 min. @default "5 s" */
  readonly windowNs?: Duration;
  /** How long `kmigrated` sleeps between its rounds, from 50 ms to 1 s. @default "100 ms" */
  readonly sleepNs?: Duration;
  /** Memory per second that is promoted at the most. Minimum: 4096 bytes. @default "65536 MiB" */
  readonly rateLimitBytesPerS?: Bandwidth;
}

/** A seer, which knows how often each page is accessed: the bound of what placement can do. */
interface OracleOptions extends TieringOptions {
  readonly type: 'oracle';
  /** Share of the accesses that the fast node is to serve, above 0. @default 1 */
  readonly share?: number;
  /** Time between two looks at all pages. @default "1 s" */
  readonly intervalNs?: Duration;
  /** Memory of the fast node that stays free. @default 0 */
  readonly reserveBytes?: Bytes;
}

/** Any policy. */
type PolicyOptions = NumaBalancingOptions | PghotOptions | OracleOptions;
interface Tiering {
  readonly fastNid: number;
  readonly slowNid: number;
  readonly demotion: {
    readonly lowBytes: number;
    readonly highBytes: number;
  };
}

/** {@link PolicyOptions}, every one given. */
type Policy = Tiering &
  (
    | {
        readonly type: 'numa_balancing';
      }
    | {
        readonly type: 'pghot';
        readonly threshold: number;
        readonly windowNs: number;
        readonly sleepNs: number;
        readonly rateLimitBytesPerS: number;
      }
    | {
        readonly type: 'oracle';
        readonly share: number;
        readonly intervalNs: number;
        readonly reserveBytes: number;
      }
  );

/** All CPUs, alike. A CPU is a hardware thread. */
interface ProcessorOptions {
  /** Where the other defaults come from. @default "zen5" */
  readonly model?: 'zen4' | 'zen5';
  /** How many, from 1 to 8192, shared among the sockets as evenly as can be. @default 132 */
  readonly cpus?: number;
  /** How many, from 1 to 8. @default 1 */
  readonly sockets?: number;
  /** Cycles per second. @default 3.7e9 */
  readonly clockHz?: number;
  /** Nanoseconds that a socket's boundary adds to a memory access. @default 90 */
  readonly hopNs?: number;
  /**
   * What passes between two sockets, both ways together; the boundary adds more as that is reached.
   * @default "150 GB/s"
   */
  readonly hopBandwidthBytesPerS?: Bandwidth;
  /** Translations of the second-level data TLB, of any page size. @default 4096; zen4: 3072 */
  readonly tlbEntries?: number;
  /** Translations that the kernel and neighbours push out of it. @default 0 */
  readonly tlbEvictionsPerMs?: number;
  /** Cycles of a page walk. @default 40 */
  readonly walkCycles?: number;
  /** First-level data cache of a CPU. @default "48 KiB"; zen4: "32 KiB" */
  readonly l1Bytes?: Bytes;
  /** Second-level cache of a CPU. @default "1 MiB" */
  readonly l2Bytes?: Bytes;
  /** Third-level cache of the complex that a CPU is part of. @default "32 MiB" */
  readonly l3Bytes?: Bytes;
  /**
   * CPUs that go and come back, in order. A CPU that is away runs nothing and is not sampled; its
   * process goes on with the others, of which it keeps one at least. @default none
   */
  readonly hotplug?: readonly CpuChangeOptions[];
}

/** CPUs go, or come back. */
interface CpuChangeOptions {
  /** When: this long after the start, above 0, not before the change before it. */
  readonly atMs: Duration;
  /** Which. */
  readonly cpus: CpuRange;
  /** Whether they are there from then on. */
  readonly online: boolean;
}

/** {@link CpuChangeOptions}, resolved. */
interface CpuChange {
  readonly atMs: number;
  readonly cpus: CpuRange;
  readonly online: boolean;
}

/** {@link ProcessorOptions}, resolved. */
interface Processor {
  readonly cpus: number;
  readonly sockets: number;
  readonly clockHz: number;
  readonly hopNs: number;
  readonly hopBandwidthBytesPerS: number;
  readonly tlbEntries: number;
  readonly tlbEvictionsPerMs: number;
  readonly walkCycles: number;
  readonly l1Bytes: number;
  readonly l2Bytes: number;
  readonly l3Bytes: number;
  readonly hotplug: readonly CpuChange[];
}

/** The short form: a process on all CPUs that touches some of its pages more than the others. */
interface WorkloadOptions {
  readonly type: 'hot_set';
  /** All its memory. */
  readonly bytes: Bytes;
  /** The part that is hot. @default all */
  readonly hotBytes?: Bytes;
  /** Share of accesses that go to the hot part. @default 1 */
  readonly hotShare?: number;
  /** Share of accesses that are stores. @default 0.3 */
  readonly storeShare?: number;
  /**
   * Pages placed on each node in turn at the start, by node id. Each from 0 to 1000, not all 0.
   * @default 1 on each node
   */
  readonly interleave?: readonly number[];
}

/** {@link WorkloadOptions}, every one given. */
interface Workload {
  readonly type: 'hot_set';
  readonly bytes: number;
  readonly hotBytes: number;
  readonly hotShare: number;
  readonly storeShare: number;
  readonly interleave?: readonly number[] | undefined;
}

/** A node of the emulated machine. `samplers.md` 7. */
interface EmulatedNodeOptions extends NodeOptions {
  /** Where the other defaults come from. @default "dram" */
  readonly kind?: 'dram' | 'cxl';
  /** Nanoseconds to the data when nobody else asks. @default 130; cxl: 270 */
  readonly idleLatencyNs?: number;
  /** Bytes per second that it sustains. @default "380 GB/s"; cxl: "26 GB/s" */
  readonly bandwidthBytesPerS?: Bandwidth;
  /** Share of the bandwidth up to which the latency stays idle, below 0.8. @default 0.4 */
  readonly flatShare?: number;
  /** The socket it is attached to. @default 0 */
  readonly socket?: number;
  /** Bytes kept free: nothing is placed below this watermark. @default 0 */
  readonly reserveBytes?: Bytes;
}

/** {@link EmulatedNodeOptions}, resolved. */
interface EmulatedNode extends NodeMemory {
  readonly idleLatencyNs: number;
  readonly bandwidthBytesPerS: number;
  readonly flatShare: number;
  readonly socket: number;
  readonly reserveBytes: number;
}

/** What it takes to move memory, between nodes and to disk. `samplers.md` 7.5. */
interface MigrationOptions {
  /** To migrate 4 KiB, in a batch. @default 1100 */
  readonly pageNs?: Duration;
  /** To migrate 2 MiB. @default 197000 */
  readonly hugePageNs?: Duration;
  /** To migrate 4 KiB alone, as NUMA balancing does in the thread that faulted. @default 7500 */
  readonly singlePageNs?: Duration;
  /** The same of 2 MiB. @default 263000 */
  readonly singleHugePageNs?: Duration;
  /** Share of folios that are busy and stay where they are. @default 0 */
  readonly busyShare?: number;
  /** To page 4 KiB out. @default 2000 */
  readonly pageOutNs?: Duration;
  /** For which an access waits for a page that is paged out. @default 100000 */
  readonly faultNs?: Duration;
}

/** {@link MigrationOptions}, resolved. */
interface Migration {
  readonly pageNs: number;
  readonly hugePageNs: number;
  readonly singlePageNs: number;
  readonly singleHugePageNs: number;
  readonly busyShare: number;
  readonly pageOutNs: number;
  readonly faultNs: number;
}

/**
 * How late the monitor's thread is. Each sampling interval begins when the one before it is done with, so
 * that quota windows slip as the kernel's do, and what does not fit into the lanes meanwhile is dropped.
 */
interface LatenessOptions {
  /**
   * Mean of how much later than asked for it wakes up: evenly from 0 to twice that. Up to 10 s.
   * @default 0
   */
  readonly wakeUpUs?: Duration;
  /**
   * It does the schemes' work itself, as a kdamond does, for as long as `migration` says; else that goes
   * on beside it. @default false
   */
  readonly works?: boolean;
}

/** {@link LatenessOptions}, resolved. */
interface Lateness {
  readonly wakeUpUs: number;
  readonly works: boolean;
}

/** A machine, its workload, and the sampler that watches it. */
interface EmulationOptions {
  readonly type: 'emulation';
  /** Its memory by node: whole blocks of 128 MiB, sorted, below 8 TiB. */
  readonly nodes: readonly EmulatedNodeOptions[];
  /**
   * How far each node is from each, in the firmware's units, 10 to 255; 10 from a node to itself.
   * Where a node is full, pages go to the nearest. @default by socket: 10, 32, 50, 60
   */
  readonly distances?: readonly (readonly number[])[];
  /** Its CPUs. @default 132 of Zen 5 */
  readonly processor?: ProcessorOptions;
  /** What runs on it. */
  readonly workload: WorkloadOptions | ProcessesOptions;
  /** What it takes to move memory. @default as measured, see each */
  readonly migration?: MigrationOptions;
  /** What watches its accesses. @default IBS Op as the RFC programs it */
  readonly sampler?: SamplerOptions;
  /**
   * Moves pages by what the sampler sees, which is then not the monitor's to see.
   * @default nobody but the schemes
   */
  readonly policy?: PolicyOptions;
  /** How late the monitor's thread is. @default never */
  readonly lateness?: LatenessOptions;
  /**
   * Threads that sample, from 1 to 64: one of them is the monitor's own, the others go ahead while
   * it drains. What they see does not depend on their number. 1 where several emulations run side
   * by side. @default 2, on a single processor 1
   */
  readonly threads?: number;
}

/** {@link EmulationOptions}, every one given. */
interface Emulation {
  readonly type: 'emulation';
  readonly nodes: readonly EmulatedNode[];
  readonly distances: readonly (readonly number[])[];
  readonly processor: Processor;
  readonly workload: Workload | Processes;
  readonly migration: Migration;
  readonly sampler: Sampler;
  readonly policy?: Policy | undefined;
  readonly lateness?: Lateness | undefined;
  readonly threads?: number | undefined;
}

/** Machines that others have measured. */

/**
 * The RFC's demonstration: DRAM and CXL as two nodes, a hot set of 32 GiB that is touched evenly
 * and lies half on each, 132 CPUs with some 4000 valid IBS Op samples a second each.
 * `hardware-sampling.md` 13.1 and 1.5. The nodes' sizes are not published; ours are 128 GiB.
 */
declare const RFC_MACHINE: EmulationOptions;
/**
 * The RFC's configuration A: a Turin of 132 CPUs, 128 GiB of `multiload` from 32 threads, half on
 * DRAM and half on CXL, in huge pages as a KVM guest's memory is. `hardware-sampling.md` 8.5.
 */
declare const CONFIGURATION_A: EmulationOptions;
/**
 * The RFC's configuration B: a Granite Rapids of 144 CPUs, the same workload on the host, in small
 * pages, under PEBS, whose virtual addresses `fvaddr` and `vaddr` monitor. `hardware-sampling.md` 8.6.
 */
declare const CONFIGURATION_B: EmulationOptions;
/**
 * Two sockets of EPYC with DRAM, and a CXL expander on the first: the machine that the RFC
 * describes, by the figures of `samplers.md` 7.6.
 */
declare const TWO_SOCKETS: Omit<EmulationOptions, 'workload'>;

/**
 * Programs of the field as workloads: what they do to memory, by their own parameters.
 * `samplers.md` 8.
 */

/** How one of these programs is placed and run. */
interface ProgramOptions
  extends Omit<ProcessOptions, 'areas' | 'phases' | 'repeats'>, Pick<AreaOptions, 'placement'> {
  /** @default "4 KiB" */
  readonly pageSize?: AreaOptions['pageSize'];
}

/**
 * multichase's `multiload`: so many threads, each through memory of its own with `memcpy`, which
 * reads half and writes half of what it touches. 32 threads of 4 GiB are the RFC's configurations
 * A and B.
 *
 * @example
 * ```ts
 * import { CONFIGURATION_B, Kdamond, multiload } from 'node-damon';
 *
 * const workload = multiload({ threads: 4, bytesPerThread: 2 ** 28 });
 * using kdamond = new Kdamond({ source: { ...CONFIGURATION_B, workload }, operations: 'vaddr' });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
declare function multiload(
  options?: ProgramOptions & {
    readonly threads?: number;
    readonly bytesPerThread?: number;
  },
): ProcessesOptions;
/** YCSB's core workloads over a store of records: what share of operations writes. */
declare const YCSB: {
  readonly A: {
    readonly type: 'zipf';
    readonly storeShare: 0.5;
  };
  readonly B: {
    readonly type: 'zipf';
    readonly storeShare: 0.05;
  };
  readonly C: {
    readonly type: 'zipf';
    readonly storeShare: 0;
  };
  /** Reads the latest: what was inserted last is hot, and the place where that is moves on. */
  readonly D: {
    readonly type: 'latest';
    readonly storeShare: 0.05;
  };
  /** Scans of 50 records on average. */
  readonly E: {
    readonly type: 'scan';
    readonly storeShare: 0.05;
  };
  /** Reads, and reads, modifies and writes as often. */
  readonly F: {
    readonly type: 'zipf';
    readonly storeShare: 0.25;
  };
};
/**
 * YCSB, by its letter: Zipf with theta 0.99, ranks scattered over all records; `D` reads what is
 * latest, here a hot tenth that moves through all records once in ten minutes.
 *
 * @example
 * ```ts
 * import { Kdamond, TWO_SOCKETS, ycsb } from 'node-damon';
 *
 * using kdamond = new Kdamond({ source: { ...TWO_SOCKETS, workload: ycsb('B', { bytes: 2 ** 30 }) } });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
declare function ycsb(
  letter: keyof typeof YCSB,
  options: ProgramOptions & {
    readonly bytes: number;
  },
): ProcessesOptions;
/**
 * GUPS as Colloid's: 90 % of updates go to a hot part.
 *
 * @example
 * ```ts
 * import { Kdamond, TWO_SOCKETS, gups } from 'node-damon';
 *
 * const workload = gups({ bytes: 2 ** 30, hotBytes: 2 ** 28 });
 * using kdamond = new Kdamond({ source: { ...TWO_SOCKETS, workload } });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
declare function gups(
  options?: ProgramOptions & {
    readonly bytes?: number;
    readonly hotBytes?: number;
  },
): ProcessesOptions;
/** One region of a masim configuration. */
interface MasimRegion {
  readonly name: string;
  readonly bytes: Bytes;
}

/** One line of a masim phase: `name, random, stride, probability, read/write mode`. */
interface MasimLine {
  readonly region: string;
  /** At random places, or by `strideBytes`. @default true */
  readonly random?: boolean;
  /** @default 64 */
  readonly strideBytes?: number;
  /** Relative to the other lines'. */
  readonly probability: number;
  /** @default "rw" */
  readonly mode?: 'ro' | 'wo' | 'rw';
}

/** What masim's configuration files say. */
interface MasimOptions extends ProgramOptions {
  readonly regions: readonly MasimRegion[];
  readonly phases: readonly {
    readonly name?: string;
    readonly durationMs: Duration;
    readonly lines: readonly MasimLine[];
  }[];
  /** Whether the phases go round. @default false */
  readonly repeats?: boolean;
}

/**
 * masim: phases that touch regions by probability.
 *
 * @example
 * ```ts
 * import { Kdamond, TWO_SOCKETS, masim } from 'node-damon';
 *
 * const workload = masim({
 *   regions: [
 *     { name: 'a', bytes: '64 MiB' },
 *     { name: 'b', bytes: '64 MiB' },
 *   ],
 *   phases: [
 *     { durationMs: '500 ms', lines: [{ region: 'a', probability: 1 }] },
 *     { durationMs: '500 ms', lines: [{ region: 'b', probability: 1, mode: 'ro' }] },
 *   ],
 * });
 * using kdamond = new Kdamond({ source: { ...TWO_SOCKETS, workload } });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
declare function masim(options: MasimOptions): ProcessesOptions;
/**
 * masim's ready-made `stairs`: each of ten regions is hot in turn, ten seconds long.
 *
 * @example
 * ```ts
 * import { Kdamond, TWO_SOCKETS, stairs } from 'node-damon';
 *
 * using kdamond = new Kdamond({ source: { ...TWO_SOCKETS, workload: stairs({ stepMs: '100 ms' }) } });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
declare function stairs(
  options?: ProgramOptions & {
    readonly bytes?: number;
    readonly stepMs?: Duration;
  },
): ProcessesOptions;

/** How far the emulated workload gets. */
/** One process. */
interface ProcessThroughput {
  readonly tgid: number;
  /** Ops per second, of all of its CPUs. */
  readonly opsHz: number;
  /** Ops since the start. */
  readonly ops: number;
  /** Accesses to data per second. */
  readonly accessesHz: number;
  /**
   * CPU nanoseconds that were taken of it since the start: by samplers, by faults, by threads of the
   * kernel (the monitor's own with its schemes, a policy's) that found no idle CPU, and by waiting for
   * pages on their way to another node. Not by what a monitor does beside: draining reports and keeping
   * regions take nanoseconds a report, on one CPU.
   */
  readonly overheadNs: number;
  /** Bytes per second that it moves from and to each node. */
  readonly nodeBytesHz: readonly number[];
}

/** One node. */
interface NodeTraffic {
  /** Bytes per second that processes move. */
  readonly bytesHz: number;
  /** Bytes per second that migration moves. */
  readonly migrationBytesHz: number;
  /** Nanoseconds to the data under this load, from its own socket. */
  readonly latencyNs: number;
  /** All traffic as a share of the bandwidth. */
  readonly utilisation: number;
}

/** Speed of every process, load of every node: at most 50 ms behind. */
interface Throughput {
  readonly processes: readonly ProcessThroughput[];
  readonly nodes: readonly NodeTraffic[];
}

/** A file in the samples format, plain or compressed by zstd. */
interface RecordingOptions {
  readonly type: 'recording';
  /** The file. */
  readonly path: string;
  /** Where the recorded machine's nodes lie. @default none: reports then name no node */
  readonly nodes?: readonly NodeOptions[];
  /**
   * Memory to monitor, sorted and disjoint; an access elsewhere is a bad row. @default every
   * memory block of 128 MiB that the recording touches, from then on
   */
  readonly regions?: readonly RangeOptions[];
  /** CPU numbers must be below. From 1 to 8192. @default 8192 */
  readonly cpus?: number;
  /** What a bad row does: `stop` ends the replay, `count` counts it by cause. @default "stop" */
  readonly badRows?: 'stop' | 'count';
  /** Largest step forward in time between two rows. @default "1 h" */
  readonly gapMaxNs?: Duration;
}

/** {@link RecordingOptions}, every one given. */
interface Recording {
  readonly type: 'recording';
  readonly path: string;
  readonly nodes: readonly NodeMemory[];
  readonly regions: readonly Range[];
  readonly cpus: number;
  readonly badRows: 'stop' | 'count';
  readonly gapMaxNs: number;
}

/**
 * Reads the nodes of a recorded machine from its description: `{"nodes": [{name, start, end}]}`.
 *
 * @example
 * ```ts
 * import { Kdamond, readMachineFile } from 'node-damon';
 *
 * const path = 'redis.samples.csv.zst';
 * const nodes = readMachineFile(path); // of redis.machine.json
 * using kdamond = new Kdamond({ source: { type: 'recording', path, nodes } });
 * await kdamond.run();
 * ```
 *
 * @param path the file; without it, the file beside the recording, if there is one
 * @throws DamonError `ERR_DAMON_CONFIG_MACHINE_FILE`
 */
declare function readMachineFile(recording: string, path?: string): readonly NodeOptions[];

/** Operations sets: which address space is monitored, and how accesses are seen. */

/** The kernel's names, in its order. */
declare const OPERATIONS: readonly ['vaddr', 'fvaddr', 'paddr', 'paddr_ibs'];
/**
 * The name of an operations set. `paddr_ibs`: physical addresses, accesses seen by access reports.
 * Which sets there are is the source's to say; selecting another is refused.
 */
type OperationsName = (typeof OPERATIONS)[number];
/** Which addresses a set monitors: decides what can be a target, and what an action means. */
type Addresses = 'physical' | 'virtual';

/** What a scheme does to memory. Kernel `enum damos_action`. */

/** The actions by their kernel names, in its order. */
declare const ACTIONS: readonly [
  'willneed',
  'cold',
  'pageout',
  'hugepage',
  'nohugepage',
  'collapse',
  'lru_prio',
  'lru_deprio',
  'migrate_hot',
  'migrate_cold',
  'stat',
];
/** The name of an action. */
type ActionName = (typeof ACTIONS)[number];

/** Closed bounds. */
interface BoundsOptions<Value = number> {
  /** Smallest value that matches. @default 0 */
  readonly min?: Value;
  /** Largest value that matches. @default no bound */
  readonly max?: Value;
}

/** {@link BoundsOptions}, resolved; no `max` is no bound. */
interface Bounds {
  readonly min: number;
  readonly max?: number | undefined;
}

/** What every filter has. */
interface FilterVerdict {
  /**
   * Act on memory that is so; `false`: on memory that is not. @default true
   * @kernel filters/matching
   */
  readonly matching?: boolean;
  /** Let through what the filter acts on; `false`: reject it. @default false @kernel filters/allow */
  readonly allow?: boolean;
}

/** About addresses. Cuts regions at its edges. */
interface AddressFilterOptions extends FilterVerdict {
  readonly type: 'addr';
  /**
   * The addresses; both ends are rounded down to 4096 bytes.
   * @kernel filters/addr_start, filters/addr_end
   */
  readonly range: RangeOptions;
}

/** About the monitored processes. */
interface TargetFilterOptions extends FilterVerdict {
  readonly type: 'target';
  /** The place of the process in the list of targets, from 0. @kernel filters/damon_target_idx */
  readonly target: number;
}

/** About the control group that pages are charged to. */
interface MemcgFilterOptions extends FilterVerdict {
  readonly type: 'memcg';
  /** Its path from the root of the hierarchy. @kernel filters/memcg_path */
  readonly memcg: string;
}

/** About the size of folios. */
interface HugepageSizeFilterOptions extends FilterVerdict {
  readonly type: 'hugepage_size';
  /** The sizes that count. @kernel filters/min, filters/max */
  readonly szBytes: BoundsOptions<Bytes>;
}

/**
 * About the state of pages: anonymous, on the active list, accessed since somebody last looked
 * (looking makes a page old), mapped by no process.
 */
interface PageFilterOptions extends FilterVerdict {
  readonly type: 'anon' | 'active' | 'young' | 'unmapped';
}

/** About what probes found. */
interface ProbeHitsFilterOptions extends FilterVerdict {
  readonly type: 'probe_hits_wsum';
  /**
   * The sums that count: of the moving hits of all probes, each times its probe's weight.
   * @kernel filters/min, filters/max
   */
  readonly hits: BoundsOptions;
}

/** A filter. */
type FilterOptions =
  | AddressFilterOptions
  | ProbeHitsFilterOptions
  | TargetFilterOptions
  | MemcgFilterOptions
  | HugepageSizeFilterOptions
  | PageFilterOptions;
interface Verdict$2 {
  readonly matching: boolean;
  readonly allow: boolean;
}

/** {@link FilterOptions}, every one given. */
type Filter = Verdict$2 &
  (
    | {
        readonly type: 'addr';
        readonly range: Range;
      }
    | {
        readonly type: 'target';
        readonly target: number;
      }
    | {
        readonly type: 'probe_hits_wsum';
        readonly hits: Bounds;
      }
    | {
        readonly type: 'memcg';
        readonly memcg: string;
      }
    | {
        readonly type: 'hugepage_size';
        readonly szBytes: Bounds;
      }
    | {
        readonly type: 'anon' | 'active' | 'young' | 'unmapped';
      }
  );

/** Goal metrics: one row each. Kernel `enum damos_quota_goal_metric`, `damon-core.md` 6.1. */

/** The metrics by their kernel names, in its order. */
declare const METRIC_NAMES: readonly [
  'user_input',
  'some_mem_psi_us',
  'node_mem_used_bp',
  'node_mem_free_bp',
  'node_memcg_used_bp',
  'node_memcg_free_bp',
  'active_mem_bp',
  'inactive_mem_bp',
  'node_eligible_mem_bp',
  'hugepage_mem_bp',
];
/** The name of a metric. */
type MetricName = (typeof METRIC_NAMES)[number];
/** When a {@link CustomMetric} is asked. */
interface MetricMoment {
  /** In nanoseconds of the source's clock. */
  readonly timeNs: bigint;
  /** Index of the scheme. */
  readonly scheme: number;
  /** Index of the goal. */
  readonly goal: number;
}

/** A metric of the user's own. */
interface CustomMetric {
  /** What people call it. */
  readonly name: string;
  /**
   * Measures: an integer of at least 0, in whatever unit the goal's target has. Asked whenever a quota
   * window opens; may be a promise, which the schemes then wait for in simulated time.
   */
  readonly measure: (moment: MetricMoment) => number | Promise<number>;
}

/** Turns a goal round. */
interface ComplementOptions {
  /**
   * Steers by what is missing: 10000 basis points less the share, or the quota's window less the
   * time stalled. @default false
   */
  readonly complement?: boolean;
}

/** A share of a node's memory. */
interface NodeGoalOptions extends ComplementOptions {
  /**
   * What is in use, what is free, or, of all memory in regions that match the scheme's pattern, what
   * lies there: `node_eligible_mem_bp`, of physical operations sets only.
   * @kernel goals/target_metric
   */
  readonly metric: 'node_mem_used_bp' | 'node_mem_free_bp' | 'node_eligible_mem_bp';
  /** The node. @kernel goals/nid */
  readonly nid: number;
  /** The share to reach, from 1 to 10000 basis points. @kernel goals/target_value */
  readonly targetValue: Ratio;
}

/** The share of a node's memory that a control group uses, or does not use. */
interface MemcgGoalOptions extends ComplementOptions {
  /** What of it: in use, or not. @kernel goals/target_metric */
  readonly metric: 'node_memcg_used_bp' | 'node_memcg_free_bp';
  /** The node. @kernel goals/nid */
  readonly nid: number;
  /** The control group's path from the root of the hierarchy. @kernel goals/path */
  readonly memcg: string;
  /** The share to reach, from 1 to 10000 basis points. @kernel goals/target_value */
  readonly targetValue: Ratio;
}

/** A share of the whole machine's memory. */
interface ShareGoalOptions extends ComplementOptions {
  /**
   * What is on the active lists, or the inactive ones, of those on all; or what is in huge pages.
   * @kernel goals/target_metric
   */
  readonly metric: 'active_mem_bp' | 'inactive_mem_bp' | 'hugepage_mem_bp';
  /** The share to reach, from 1 to 10000 basis points. @kernel goals/target_value */
  readonly targetValue: Ratio;
}

/** Time in which some task waited for memory. */
interface StallGoalOptions extends ComplementOptions {
  /** Time in which some task waited for memory. @kernel goals/target_metric */
  readonly metric: 'some_mem_psi_us';
  /** The time to reach per window. Minimum: 1 us. @kernel goals/target_value */
  readonly targetValue: Duration;
}

/** A value of the user's own, told by `Kdamond.setGoal`. */
interface UserInputGoalOptions {
  /** A value of the user's own, told. @kernel goals/target_metric */
  readonly metric: 'user_input';
  /** The value to reach. Minimum: 1. @kernel goals/target_value */
  readonly targetValue: number;
  /** The value now. @default 0 @kernel goals/current_value */
  readonly currentValue?: number;
}

/** A value of the user's own, asked for. */
interface CustomGoalOptions {
  readonly metric: CustomMetric;
  /** The value to reach. Minimum: 1. @kernel goals/target_value */
  readonly targetValue: number;
}

/** What a scheme's quota is steered by. */
type GoalOptions =
  | NodeGoalOptions
  | MemcgGoalOptions
  | ShareGoalOptions
  | StallGoalOptions
  | UserInputGoalOptions
  | CustomGoalOptions;
/** A goal, resolved. */
interface Goal {
  readonly metric: MetricName | CustomMetric;
  readonly nid?: number | undefined;
  readonly memcg?: string | undefined;
  readonly targetValue: number;
  /** Of `user_input`. */
  readonly currentValue?: number | undefined;
  readonly complement?: boolean | undefined;
}

/** What a goal's metric reads, and how that compares with its target. */
interface GoalReading {
  readonly goal: Goal;
  /** In the metric's unit, after `complement`. */
  readonly currentValue: number;
  /** `currentValue` in basis points of the target: 10000 when the goal is met. */
  readonly scoreBp: number;
  /** Of shares: the bytes that `currentValue` is the share of, after `complement`, and of how many. */
  readonly bytes?: number;
  readonly bytesTotal?: number;
  /**
   * The most that `bytesTotal` was lately, at most a two-hundredth above it. Memory in a region so small
   * that no sample fell on it is missing in both, and nobody knows on which node: the difference is how
   * far either may err.
   */
  readonly peakBytesTotal?: number;
}

/** What a tuner is: a function from where the quota stands to where it goes. */

/** Where a scheme's quota stands when a window opens: all that a tuner of the kernel's sees. */
interface ScoreInput {
  /** The tuner's last answer, 0 at first: bytes per window, times 10000. */
  readonly quotaBp: bigint;
  /** How well the goals are met: 10000 when they are. */
  readonly scoreBp: bigint;
  /** The scheme's size quota in bytes, 0 for none. */
  readonly szBytes: bigint;
}

/** {@link ScoreInput}, and what the goals' metrics read. */
interface TunerInput extends ScoreInput {
  /** Each goal: what its metric read. */
  readonly goals: readonly GoalReading[];
}

/** Gives the bytes that the goals allow in the window that opens, times 10000. */
type Tuner<Input = TunerInput> = (input: Input) => bigint;
/** What a {@link CustomTuner} is told. */
interface CustomTunerInput {
  /** When the window opens, in nanoseconds of the source's clock. */
  readonly timeNs: bigint;
  /** Index of the scheme. */
  readonly scheme: number;
  /** The tuner's last answer, 0 at first: bytes per window. */
  readonly bytes: number;
  /** Each goal: what its metric read. */
  readonly goals: readonly GoalReading[];
  /** How well the best-met goal is met: 10000 when it is. */
  readonly scoreBp: number;
  /** The scheme's size quota in bytes, 0 for none. */
  readonly szBytes: number;
  /** Length of a window. */
  readonly resetIntervalMs: number;
}

/** A tuner of the user's own. */
interface CustomTuner {
  /** What people call it. */
  readonly name: string;
  /**
   * Gives the bytes that the goals allow in the window that opens: an integer of at least 0. May be
   * a promise, which the schemes then wait for in simulated time. One that throws, gives something
   * else or does not settle leaves the quota as it is, and the `Tuning` says so.
   */
  readonly step: (input: CustomTunerInput) => number | Promise<number>;
}

/** The name of a tuner. */
type TunerName = 'consist' | 'temporal' | 'proportional';

/** What makes a region come first, in permil of each other. */
interface WeightsOptions {
  /**
   * The size. Has no effect in the kernel's formula, and none here. @default 0
   * @kernel weights/sz_permil
   */
  readonly szPermil?: number;
  /** The access count, up to 1000 permil. @default 0 @kernel weights/nr_accesses_permil */
  readonly nrAccessesPermil?: number;
  /** The age, up to 1000 permil. @default 0 @kernel weights/age_permil */
  readonly agePermil?: number;
}

/** What is charged for memory on which an action had no effect: a share of its size. */
interface FailChargeOptions {
  /** What is charged of `denominator` bytes. @kernel quotas/fail_charge_num */
  readonly numerator: number;
  /** Of how many bytes. Minimum: 1. @kernel quotas/fail_charge_denom */
  readonly denominator: number;
}

/** How much a scheme may do: the least of its limits. */
interface QuotaOptions {
  /** Time the action may take per window, 0 for no limit. @default 0 @kernel quotas/ms */
  readonly timeMs?: Duration;
  /**
   * Bytes the action may be tried on per window, 0 for no limit. Minimum when set: 4096. @default 0
   * @kernel quotas/bytes
   */
  readonly szBytes?: Bytes;
  /** Length of a window; 0 opens one at every round. @default 0 @kernel quotas/reset_interval_ms */
  readonly resetIntervalMs?: Duration;
  /** What makes a region come first. @default all 0: all regions alike @kernel quotas/weights */
  readonly weights?: WeightsOptions;
  /**
   * What failure costs. @default as much as success
   * @kernel quotas/fail_charge_num, quotas/fail_charge_denom
   */
  readonly failCharge?: FailChargeOptions;
  /** What the effective quota is tuned by. @default nothing @kernel quotas/goals */
  readonly goals?: readonly GoalOptions[];
  /** How it is tuned. @default "consist" @kernel quotas/goal_tuner */
  readonly tuner?: TunerName | CustomTuner;
}

/** {@link QuotaOptions}, every one given. */
interface Quota {
  readonly timeMs: number;
  readonly szBytes: number;
  readonly resetIntervalMs: number;
  readonly weights: {
    readonly szPermil: number;
    readonly nrAccessesPermil: number;
    readonly agePermil: number;
  };
  readonly failCharge?: FailChargeOptions | undefined;
  readonly goals: readonly Goal[];
  readonly tuner: TunerName | CustomTuner;
}

/** When a scheme is active. `struct damos_watermarks`, `damon-core.md` 2.3. */
interface WatermarksOptions {
  /**
   * `free_mem_rate`: free memory in permil of all; `none`: the scheme is always active.
   * @kernel watermarks/metric
   */
  readonly metric: 'none' | 'free_mem_rate';
  /** How often a resting scheme looks again. @default "5 s" @kernel watermarks/interval_us */
  readonly intervalUs?: Duration;
  /**
   * Above it the scheme rests. Permil, from `midPermil` to 1000. @default 1000
   * @kernel watermarks/high
   */
  readonly highPermil?: number;
  /**
   * From here up to `highPermil` the scheme stays as it is. Permil. @default `lowPermil`
   * @kernel watermarks/mid
   */
  readonly midPermil?: number;
  /** Below it the scheme rests. Permil. @default 0 @kernel watermarks/low */
  readonly lowPermil?: number;
}

/** {@link WatermarksOptions}, every one given. */
interface Watermarks {
  readonly metric: 'none' | 'free_mem_rate';
  readonly intervalUs: number;
  readonly highPermil: number;
  readonly midPermil: number;
  readonly lowPermil: number;
}

/** Which regions a scheme is about; all three must match. */
interface PatternOptions {
  /** Size of the region. @default any @kernel access_pattern/sz */
  readonly szBytes?: BoundsOptions<Bytes>;
  /**
   * Sampling intervals per aggregation in which the region was seen accessed. @default any
   * @kernel access_pattern/nr_accesses
   */
  readonly nrAccesses?: BoundsOptions;
  /**
   * Aggregations since the access pattern last changed. @default any
   * @kernel access_pattern/age
   */
  readonly age?: BoundsOptions;
}

/** One of several nodes to migrate to. */
interface DestinationOptions {
  /** The node. @kernel dests/id */
  readonly nid: number;
  /** Its share of the pages, of the sum of all weights. @kernel dests/weight */
  readonly weight: number;
}

/** A scheme. */
interface SchemeOptions {
  /** What people call it in reports. @default the action */
  readonly name?: string;
  /** What is done. @kernel schemes/action */
  readonly action: ActionName;
  /**
   * The node to migrate to; required by, and only for, the migrate actions, unless they have
   * `destinations`.
   * @default none
   * @kernel schemes/target_nid
   */
  readonly targetNid?: number;
  /**
   * The nodes to migrate to, by weight, at least one weight above 0: for virtual addresses, instead
   * of `targetNid`. Each page has its place by its address, so none is moved twice.
   * @default none
   * @kernel schemes/dests
   */
  readonly destinations?: readonly DestinationOptions[];
  /** Which regions. @default all @kernel access_pattern */
  readonly pattern?: PatternOptions;
  /**
   * How often the scheme is applied, 0 for once per aggregation. @default 0
   * @kernel schemes/apply_interval_us
   */
  readonly applyIntervalUs?: Duration;
  /** How much. @default no limit @kernel quotas */
  readonly quota?: QuotaOptions;
  /** When. @default always @kernel watermarks */
  readonly watermarks?: WatermarksOptions;
  /**
   * Which part of those regions. @default all
   * @kernel core_filters, ops_filters
   */
  readonly filters?: readonly FilterOptions[];
  /**
   * Rounds that reach the last region after which the scheme rests, 0 for no end. @default 0
   * @kernel stats/max_nr_snapshots
   */
  readonly maxNrSnapshots?: number;
}

/** {@link SchemeOptions}, every one given. */
interface Scheme {
  readonly name: string;
  readonly action: ActionName;
  readonly targetNid?: number | undefined;
  readonly destinations: readonly DestinationOptions[];
  readonly pattern: {
    readonly szBytes: Bounds;
    readonly nrAccesses: Bounds;
    readonly age: Bounds;
  };
  readonly applyIntervalUs: number;
  readonly quota: Quota;
  readonly watermarks: Watermarks;
  readonly filters: readonly Filter[];
  readonly maxNrSnapshots: number;
}

/**
 * What steers the quotas of a monitor: its goals as they stand now, and each scheme's tuner.
 *
 * Shared by every monitor. Not here: when a quota window opens, which the core knows, or how the
 * answer gets back to it.
 */

/** A step of a scheme's tuner: what was measured, what followed from it. */
interface Tuning {
  /** When, in nanoseconds of the source's clock. */
  readonly timeNs: bigint;
  /** Index of the scheme. */
  readonly scheme: number;
  /** The tuner's name. */
  readonly tuner: string;
  /** Each goal: what its metric read. Without those after one that failed. */
  readonly goals: readonly GoalReading[];
  /** The best-met goal's score: 10000 when it is met. */
  readonly scoreBp: number;
  /** Bytes that the goals allow in the window that opens. */
  readonly goalBytes: bigint;
  /**
   * Bytes the scheme may try in the window: the smaller of that and its size quota. A time quota may
   * allow less: the round's account tells.
   */
  readonly effectiveBytes: number;
  /** Bytes of the workload's hot set on each node, where the source knows: the emulation. */
  readonly hotBytes?: readonly number[];
  /**
   * Why there is no answer: a metric or a tuner of the user's own failed. The quota then stays as it
   * was. `ERR_DAMON_METRIC` or `ERR_DAMON_TUNER`.
   */
  readonly failure?: DamonError;
}

/**
 * By what the intervals are tuned: so that an aggregation sees a share of all access events that it
 * could. `damon-core.md` 7.
 */
interface IntervalsGoalOptions {
  /** The share, from 1 to 10000 basis points. @kernel intervals_goal/access_bp */
  readonly accessBp: Ratio;
  /** Aggregations between tunings. Minimum: 1. @kernel intervals_goal/aggrs */
  readonly aggregations: number;
  /** Least sampling interval. Minimum: 1 us. @kernel intervals_goal/min_sample_us */
  readonly minSampleUs: Duration;
  /** Largest sampling interval. Minimum: `minSampleUs`. @kernel intervals_goal/max_sample_us */
  readonly maxSampleUs: Duration;
}

/** How often the monitor looks, and into how many regions it divides memory. */
interface AttrsOptions {
  /**
   * Sampling interval: accesses are observed once per interval. Minimum: 1 us. @default "5 ms"
   * @kernel intervals/sample_us
   */
  readonly sampleUs?: Duration;
  /**
   * Aggregation interval: regions are merged, aged and split once per interval. Minimum: the
   * sampling interval. @default "100 ms"
   * @kernel intervals/aggr_us
   */
  readonly aggregationUs?: Duration;
  /** How often `vaddr` looks for changed mappings. @default "60 s" @kernel intervals/update_us */
  readonly opsUpdateUs?: Duration;
  /**
   * Tunes the sampling and the aggregation interval, in proportion. @default no tuning
   * @kernel intervals/intervals_goal
   */
  readonly intervalsGoal?: IntervalsGoalOptions;
  /** Regions adaptation aims at as the least. Minimum: 3. @default 10 @kernel nr_regions/min */
  readonly minNrRegions?: number;
  /**
   * Regions adaptation aims at as the most. Minimum: `minNrRegions`. @default 1000
   * @kernel nr_regions/max
   */
  readonly maxNrRegions?: number;
}

/** {@link IntervalsGoalOptions}, resolved; 0 aggregations is no tuning. */
interface IntervalsGoal {
  readonly accessBp: number;
  readonly aggregations: number;
  readonly minSampleUs: number;
  readonly maxSampleUs: number;
}

/** {@link AttrsOptions}, every one given. */
interface Attrs {
  /** Microseconds. */
  readonly sampleUs: number;
  /** Microseconds. */
  readonly aggregationUs: number;
  /** Microseconds. */
  readonly opsUpdateUs: number;
  readonly intervalsGoal: IntervalsGoal;
  readonly minNrRegions: number;
  readonly maxNrRegions: number;
}

/** What every filter of a probe has. */
interface ProbeFilterVerdict {
  /** Act on pages that are so; `false`: on pages that are not. @default true @kernel filters/matching */
  readonly matching?: boolean;
  /** Let through what the filter acts on; `false`: reject it. @default true @kernel filters/allow */
  readonly allow?: boolean;
}

/** About the control group that pages are charged to. */
interface ProbeMemcgFilterOptions extends ProbeFilterVerdict {
  readonly type: 'memcg';
  /** Its path from the root of the hierarchy. @kernel filters/path */
  readonly memcg: string;
}

/** About the size of folios. */
interface ProbeHugepageSizeFilterOptions extends ProbeFilterVerdict {
  readonly type: 'hugepage_size';
  /** The sizes that count. */
  readonly szBytes: BoundsOptions<Bytes>;
}

/** About the state of pages: anonymous; idle, or accessed, since they were made idle. */
interface ProbePageFilterOptions extends ProbeFilterVerdict {
  readonly type: 'anon' | 'pgidle_set' | 'pgidle_unset';
}

/** A filter of a probe. */
type ProbeFilterOptions =
  ProbeMemcgFilterOptions | ProbeHugepageSizeFilterOptions | ProbePageFilterOptions;
/** What is done to a page before its sampling interval: it is made idle. */
type ProbePrep = 'set_pgidle';
/** One attribute. */
interface ProbeOptions {
  /**
   * What a hit weighs; 0 in all probes to go by accesses. With weights, an aggregation has at most
   * 255 samples, and the sum of weights times samples stays below 2^32. @default 0
   * @kernel probes/weight
   */
  readonly weight?: number;
  /** What is done beforehand. @default nothing @kernel probes/preps */
  readonly preps?: readonly ProbePrep[];
  /**
   * What a page must be: the first filter that hits decides; if none does, the opposite of the last
   * one's `allow`. @default every page passes
   * @kernel probes/filters
   */
  readonly filters?: readonly ProbeFilterOptions[];
}

interface Verdict$1 {
  readonly matching: boolean;
  readonly allow: boolean;
}

/** {@link ProbeFilterOptions}, every one given. */
type ProbeFilter = Verdict$1 &
  (
    | {
        readonly type: 'memcg';
        readonly memcg: string;
      }
    | {
        readonly type: 'hugepage_size';
        readonly szBytes: Bounds;
      }
    | {
        readonly type: 'anon' | 'pgidle_set' | 'pgidle_unset';
      }
  );
/** {@link ProbeOptions}, every one given. */
interface Probe {
  readonly weight: number;
  readonly preps: readonly ProbePrep[];
  readonly filters: readonly ProbeFilter[];
}

/** One filter. */
type SampleFilterOptions = CpumaskFilterOptions | ThreadsFilterOptions | WriteFilterOptions;
/** What a filter does with the reports it is about. */
interface SampleFilterVerdict {
  /** Acts on reports that match; `false`: on those that do not. @default true @kernel filters/matching */
  readonly matching?: boolean;
  /**
   * Lets those it acts on through, and no others; `false`: rejects those only. @default true
   * @kernel filters/allow
   */
  readonly allow?: boolean;
}

/** About the CPU that made the access. */
interface CpumaskFilterOptions extends SampleFilterVerdict {
  readonly type: 'cpumask';
  /**
   * The kernel's CPU list format, such as `"0-3,8"`, or the CPU numbers. At least one.
   * @kernel filters/cpumask
   */
  readonly cpus: string | readonly number[];
}

/** About the thread that made the access. */
interface ThreadsFilterOptions extends SampleFilterVerdict {
  readonly type: 'threads';
  /** Thread ids. At least one. @kernel filters/tid_arr */
  readonly tids: readonly number[];
}

/** About stores. */
interface WriteFilterOptions extends SampleFilterVerdict {
  readonly type: 'write';
}

interface Verdict {
  readonly matching: boolean;
  readonly allow: boolean;
}

/** {@link SampleFilterOptions}, every one given. */
type SampleFilter =
  | (Verdict & {
      readonly type: 'cpumask';
      readonly cpus: readonly number[];
    })
  | (Verdict & {
      readonly type: 'threads';
      readonly tids: readonly number[];
    })
  | (Verdict & {
      readonly type: 'write';
    });
/**
 * Reads the kernel's CPU list format: numbers and closed ranges, separated by commas, such as
 * `0-3,8`. `undefined` for anything else: no CPU, a range that goes down, strides.
 *
 * @example
 * ```ts
 * import { readCpuList } from 'node-damon';
 *
 * console.log(readCpuList('0-3,8')?.join(' ')); // 0 1 2 3 8
 * ```
 */
declare function readCpuList(text: string): number[] | undefined;

/** One address space. */
interface TargetOptions {
  /**
   * The process. It may have several targets, which then count its accesses each for itself.
   * Minimum: 1. @default none, as physical memory has none
   * @kernel targets/pid_target
   */
  readonly tgid?: number;
  /**
   * Its memory to monitor, sorted and disjoint. @default what the operations set makes of it:
   * `vaddr` follows the mappings of the process
   * @kernel targets/regions
   */
  readonly regions?: readonly RangeOptions[];
  /** The target of this place goes, in a commit. @default false @kernel targets/obsolete_target */
  readonly obsolete?: boolean;
}

/** {@link TargetOptions}, resolved; no regions leave that to the operations set. */
interface Target {
  readonly tgid?: number | undefined;
  readonly regions: readonly Range[];
  readonly obsolete?: boolean | undefined;
}

/** What every monitor is told, wherever its accesses come from. */

/**
 * What becomes of actions that the operations set, or the source, cannot carry out: `refuse` them, or
 * `attempt` them as the kernel does, to no effect.
 */
type UnsupportedActions = 'refuse' | 'attempt';
/** What is monitored, how, and what is done about it: all that can be changed while it goes on. */
interface ContextOptions {
  /** How often, and how finely. @default as the kernel starts, see each @kernel monitoring_attrs */
  readonly attrs?: AttrsOptions;
  /** Which access reports are meant; a report must pass all. @default all reports @kernel sample/filters */
  readonly sampleFilters?: readonly SampleFilterOptions[];
  /**
   * What is counted of pages besides accesses, or instead: at most 4. Of sources that know pages.
   * @default nothing
   * @kernel monitoring_attrs/probes
   */
  readonly probes?: readonly ProbeOptions[];
  /** What to do, in order. @default nothing @kernel schemes */
  readonly schemes?: readonly SchemeOptions[];
  /** Monitoring rests after its first sampling interval, until a commit. @default false @kernel pause */
  readonly paused?: boolean;
  /**
   * What becomes of actions that cannot be carried out: refused, or attempted to no effect as the
   * kernel does. @default "refuse"
   */
  readonly unsupportedActions?: UnsupportedActions;
}

/** How a monitor watches, and what it does about it. */
interface MonitorOptions extends ContextOptions {
  /** Time between snapshots, rounded up to whole aggregations; 0 for each. @default "1 s" */
  readonly everyMs?: Duration;
  /** Slots of each lane, a power of two from 1 to 65536. @default 256 */
  readonly laneSlots?: number;
  /** Decides every random draw: the same options and seed give the same bytes. @default 1 */
  readonly seed?: number;
  /** How long to wait for metrics and tuners of your own that answer later. @default "10 s" */
  readonly controlTimeoutMs?: Duration;
}

/** {@link ContextOptions} with operations set and targets, every one given. */
interface ContextConfig {
  /** One of the kernel's names, or that of a set of the user's own. */
  readonly operations: string;
  /** What that set monitors. */
  readonly addresses: Addresses;
  /** Bytes of a core address unit. */
  readonly addrUnit: number;
  /** What to monitor; absent to leave that to the source. */
  readonly targets?: readonly Target[] | undefined;
  readonly attrs: Attrs;
  readonly sampleFilters: readonly SampleFilter[];
  readonly probes: readonly Probe[];
  readonly schemes: readonly Scheme[];
  readonly paused: boolean;
  readonly unsupportedActions: UnsupportedActions;
  /** In a commit: samples from then on; absent to leave what samples as it is. */
  readonly sampler?: Sampler | undefined;
}

/** {@link MonitorOptions} and the operations set, every one given. */
interface MonitorConfig extends ContextConfig {
  readonly everyMs: number;
  readonly laneSlots: number;
  readonly seed: number;
  readonly controlTimeoutMs: number;
}

/** One observed access. */
interface AccessReport {
  /** First byte accessed: an integer from 0, below 2^53 as a number, below 2^64 as a bigint. */
  readonly address: number | bigint;
  /** Bytes covered, from 1 to 2^32 - 1; samplers that know only the page say 4096. @default 1 */
  readonly size?: number;
  /** CPU that made the access, from 0 to 65535. @default 0 */
  readonly cpu?: number;
  /** Thread that made the access, 0 if unknown. @default 0 */
  readonly tid?: number;
  /** Process that made the access, 0 if unknown. @default 0 */
  readonly tgid?: number;
  /** Whether it was a store. @default false */
  readonly write?: boolean;
  /** Whether the address is a virtual one of process `tgid`. @default false */
  readonly virtual?: boolean;
  /**
   * When, in nanoseconds of the monitor's clock, which is `process.hrtime.bigint()`'s. From before the
   * drain before the last began, one to two sampling intervals ago, is stale. @default just now, which
   * is never stale
   */
  readonly timeNs?: bigint;
}

/**
 * What became of a report: stored, or lost to a full lane, to a push that it interrupted, or to a
 * monitor that has stopped. Each is counted in the monitor's books.
 */
type ReportOutcome = 'queued' | 'full' | 'nested' | 'closed';
/**
 * Many reports as columns of one length, a typed array each; what is given as a single value holds
 * for all. The fields are those of an {@link AccessReport}.
 */
interface ReportColumns {
  /** Decides how many reports there are. */
  readonly addresses: BigUint64Array | Float64Array;
  /** @default 1 */
  readonly size?: number | Uint32Array;
  /** @default 0 */
  readonly cpu?: number | Uint16Array;
  /** @default 0 */
  readonly tid?: number | Uint32Array;
  /** @default 0 */
  readonly tgid?: number | Uint32Array;
  /** Elements: 0 for a load, anything else for a store. @default false */
  readonly write?: boolean | Uint8Array;
  /** @default just now */
  readonly timeNs?: bigint | BigUint64Array;
  /** @default false */
  readonly virtual?: boolean;
}

/** What became of a batch: the fields add up to its length. */
interface BatchOutcome {
  /** Reports stored: the first so many. */
  readonly queued: number;
  /** Reports from the end of the batch that found no slot. */
  readonly droppedFull: number;
  /** All reports of a batch that interrupted another push. */
  readonly droppedNested: number;
  /** All reports of a batch for a monitor that has stopped. */
  readonly droppedClosed: number;
}

/**
 * The only writer of one lane of a {@link LiveKdamond}. It stays on the thread that attached it;
 * each thread attaches its own, and may have several. One that nothing refers to any more is closed
 * by the garbage collector, with a warning `ERR_DAMON_FORGOTTEN`.
 *
 * @example
 * ```ts
 * import { Lane, LiveKdamond } from 'node-damon';
 *
 * using live = new LiveKdamond({ regions: [{ start: 0, end: '1 GiB' }] }).start();
 * using lane = Lane.attach(live.token); // or, on this thread: live.lane()
 * console.log(lane.report({ address: 0x1000, write: true })); // queued
 * lane.reportBatch({ addresses: Float64Array.of(0x1000, 0x2000), size: 8 });
 * ```
 */
declare class Lane implements Disposable {
  #private;
  /** The lane's number, as in {@link LiveKdamond.lanes}. */
  readonly id: number;
  private constructor();
  /**
   * A lane of its own of the monitor that a token names, from any thread of its process.
   *
   * @throws DamonError `ERR_DAMON_TOKEN` for what is no token; `ERR_DAMON_CLOSED` when the monitor
   *   has stopped, or no monitor of that name is open in this process; `ERR_DAMON_LANES` when all
   *   lanes are in use
   */
  static attach(token: string): Lane;
  /**
   * Queues one report, or drops and counts it. Crossing into the addon is most of the cost: many
   * reports cost far less each in {@link reportBatch}.
   *
   * @throws DamonError `ERR_DAMON_REPORT` for a value that no access has, `ERR_DAMON_CLOSED`
   */
  report(report: AccessReport): ReportOutcome;
  /**
   * Queues as many reports as there are free slots, in order; drops and counts the rest. All
   * columns are checked before any report is queued.
   *
   * @throws DamonError as {@link report}
   */
  reportBatch(columns: ReportColumns): BatchOutcome;
  /**
   * Slots free at this moment; the monitor can only make it more.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`
   */
  get freeSlots(): number;
  /** Gives the lane back; what it holds is still drained. Idempotent. */
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * An operations set of your own: an address space, how its accesses are seen, and how actions are
 * carried out on it. Kernel `struct damon_operations`, `damon-core.md` 10 and 11.
 *
 * Columns where there are many, one call each where there is one. Every method may answer at once or
 * by a promise. Not here: what becomes of a failure; see {@link OperationsFailure}.
 */

/** An answer, now or later. */
type Awaitable<T> = T | Promise<T>;
/** How a set sees accesses: `reports` are pushed into lanes; `access_checks` looks at addresses. */
type Sees = 'reports' | 'access_checks';
/** Whose addresses they are: a process, or physical memory if there is none. */
interface OperationsTarget {
  readonly tgid?: number;
}

/** A filter that pages must pass, in the order of the scheme. */
interface OperationsFilter {
  readonly type: 'anon' | 'active' | 'memcg' | 'young' | 'hugepage_size' | 'unmapped';
  /** Acts on pages that are so; else on those that are not. */
  readonly matching: boolean;
  /** Lets those it acts on through; else rejects them. */
  readonly allow: boolean;
  /** Of `memcg`: its path from the root of the hierarchy. */
  readonly memcg?: string;
  /** Of `hugepage_size`: the bounds of a folio's bytes. */
  readonly szBytes?: {
    readonly min: bigint;
    readonly max: bigint;
  };
}

/** What a scheme wants done to a region. */
interface OperationsJob extends OperationsTarget {
  /** First byte. */
  readonly start: bigint;
  /** One past the last byte. */
  readonly end: bigint;
  readonly action: ActionName;
  /** The node to migrate to, if there are no destinations. */
  readonly targetNid?: number;
  /** The nodes to migrate to, by weight: virtual addresses only. */
  readonly destinations: readonly {
    readonly nid: number;
    readonly weight: number;
  }[];
  readonly filters: readonly OperationsFilter[];
  /**
   * Whether a page passes the filters, of which `is` tells what it is: the first filter that acts on
   * it decides; if none does, the opposite of what the last would have said.
   */
  readonly passes: (is: (filter: OperationsFilter) => boolean) => boolean;
}

/** What became of a job. */
interface OperationsApplied {
  /** Bytes on which the action took effect, from 0 to the region's. */
  readonly appliedBytes: number;
  /** Bytes that passed the filters, likewise. @default 0 */
  readonly passedBytes?: number;
  /** How long it took, which a time quota is charged. @default 0 */
  readonly elapsedNs?: number;
}

/** Something about all memory that a goal or a watermark asks for. */
type OperationsGauge =
  /** Bytes in use of a node's. */
  | {
      readonly type: 'node_used';
      readonly nid: number;
    }

  /** Bytes that a control group uses of a node's. */
  | {
      readonly type: 'node_memcg_used';
      readonly nid: number;
      readonly memcg: string;
    }

  /** Bytes on the active lists; in huge pages; free: each of all. */
  | {
      readonly type: 'active' | 'huge' | 'free';
    }

  /** Microseconds in which some task waited for memory, since the start; `total` is the time. */
  | {
      readonly type: 'some_memory_stall';
    };
/** A part of a whole: integers from 0. */
interface OperationsReading {
  readonly part: number;
  readonly total: number;
}

/** Where a set that reports pushes what it saw. */
interface OperationsLanes {
  /**
   * The lane of that number, taken at the first use: what does not fit before the next drain, of
   * `laneSlots`, is dropped and counted. Reports without a time are of this sampling interval.
   *
   * @param number from 0; one for each CPU, or whatever reports by itself. @default 0
   */
  readonly lane: (number?: number) => Lane;
}

/**
 * An operations set.
 *
 * @example
 * ```ts
 * import { Kdamond, type OperationsSet } from 'node-damon';
 *
 * const touched = new Set<bigint>(); // pages, filled by whoever makes accesses
 * const toy: OperationsSet = {
 *   name: 'toy',
 *   addresses: 'physical',
 *   sees: 'access_checks',
 *   targets: () => [{ regions: [{ start: 0, end: '1 GiB' }] }],
 *   prepareAccessChecks: (_, addresses) => addresses.forEach((at) => touched.delete(at >> 12n)),
 *   checkAccesses: (_, addresses, accessed) =>
 *     addresses.forEach((at, i) => (accessed[i] = touched.has(at >> 12n) ? 1 : 0)),
 *   apply: () => ({ appliedBytes: 0 }),
 * };
 * using kdamond = new Kdamond({ source: { type: 'operations', set: toy } });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
interface OperationsSet {
  /**
   * 1 to 31 letters, digits, `_` and `-`. One of the kernel's four names stands for a set of its
   * kind, with its rules: `vaddr` then wants targets with regions.
   */
  readonly name: string;
  /** Decides what can be a target, which actions there are, and what comes first under a quota. */
  readonly addresses: Addresses;
  readonly sees: Sees;
  /** What to monitor unless the monitor is told; asked as it is made, so not by a promise. */
  targets?(): readonly TargetOptions[];
  /** Makes the page of each address old. Once per target and sampling interval. */
  prepareAccessChecks?(target: OperationsTarget, addresses: BigUint64Array): Awaitable<void>;
  /**
   * Sets `accessed[i]` to 1 if the page of `addresses[i]` was accessed since it was made old, one
   * address of each region; or returns another array of that length. Once per target and sampling
   * interval, of sets that see by `access_checks`.
   */
  checkAccesses?(
    target: OperationsTarget,
    addresses: BigUint64Array,
    accessed: Uint8Array,
  ): Awaitable<Uint8Array | void>;
  /** Reports all accesses before `untilNs` that it has not yet reported. Of sets that see `reports`. */
  report?(untilNs: bigint, lanes: OperationsLanes): Awaitable<void>;
  /** Carries out a job, once per region tried. */
  apply(job: OperationsJob): Awaitable<OperationsApplied>;
  /** Bytes in use of a physical range that lie on a node, and on any: for `node_eligible_mem_bp`. */
  bytesOnNode?(start: bigint, end: bigint, nid: number): Awaitable<OperationsReading>;
  /** Reads a gauge: for goals about nodes and lists, and for watermarks. */
  read?(gauge: OperationsGauge): Awaitable<OperationsReading>;
  /** Whether a process is there. @default always */
  isTargetValid?(target: OperationsTarget): Awaitable<boolean>;
  /**
   * The mappings of a process, ascending and disjoint: every `opsUpdateUs` its regions follow them, and
   * come from them if it has none. Nothing if the process is gone.
   */
  mappings?(target: OperationsTarget): Awaitable<readonly RangeOptions[] | undefined>;
}

/** Whoever registered a set. */
interface OperationsOwner extends Disposable {
  readonly name: string;
  /** Whether {@link close} was called. */
  readonly closed: boolean;
  /**
   * Withdraws the set: no monitor can select it from now on. One that has it keeps it, and goes on
   * asking it, until it is closed or commits to another; the name is free after that. Idempotent.
   *
   * @returns whether the set is gone already
   */
  close(): boolean;
}

/**
 * The operations sets that monitors can select, and switch between.
 *
 * A set belongs to whoever registered it, and can never be left dangling: it cannot be unregistered
 * while a monitor has it, and a monitor takes hold of the next set before it lets go of the last.
 *
 * @example
 * ```ts
 * import { Kdamond, OperationsRegistry } from 'node-damon';
 *
 * const registry = new OperationsRegistry();
 * using owner = registry.register({
 *   name: 'all',
 *   addresses: 'physical',
 *   sees: 'access_checks',
 *   targets: () => [{ regions: [{ start: 0, end: '1 MiB' }] }],
 *   checkAccesses: (_target, _addresses, accessed) => void accessed.fill(1),
 *   apply: () => ({ appliedBytes: 0 }),
 * });
 * using kdamond = new Kdamond({ source: { type: 'operations', registry, name: owner.name } });
 * await kdamond.run({ untilMs: '1 s' });
 * ```
 */
declare class OperationsRegistry {
  #private;
  /** An empty registry. */
  constructor();
  /**
   * Offers a set.
   *
   * @throws DamonError `ERR_DAMON_CONFIG_OPERATIONS` for what is no set;
   *   `ERR_DAMON_OPERATIONS_REGISTERED` when there is one of its name; `ERR_DAMON_OPERATIONS_BUSY` while a
   *   monitor has one of that name whose owner has closed
   */
  register(set: OperationsSet): OperationsOwner;
  /**
   * Withdraws a set that no monitor has.
   *
   * @throws DamonError `ERR_DAMON_OPERATIONS_UNKNOWN`; `ERR_DAMON_OPERATIONS_BUSY` while a monitor has it
   */
  unregister(name: string): void;
  /** The names of the sets that can be selected: the kernel's in its order, then others by name. */
  get available(): string[];
  /**
   * A set that can be selected.
   *
   * @throws DamonError `ERR_DAMON_OPERATIONS_UNKNOWN`, `ERR_DAMON_OPERATIONS_BUSY` when its owner has closed
   */
  get(name: string): OperationsSet;
}

interface ClockAndNodes {
  readonly type: 'operations';
  /** When monitoring starts, on a clock that only sampling intervals move on. @default 0 */
  readonly startNs?: Duration;
  /** Where nodes lie: those that goals and migrations may name. @default none */
  readonly nodes?: readonly NodeOptions[];
}

/** One set, the monitor's own. */
interface OwnSetOptions extends ClockAndNodes {
  readonly set: OperationsSet;
  readonly registry?: never;
  readonly name?: never;
}

/** A set of a registry; a commit may select another one of it. */
interface RegistryOptions extends ClockAndNodes {
  readonly registry: OperationsRegistry;
  readonly name: string;
  readonly set?: never;
}

/** A set of your own, or a registry of such sets and the name of one. */
type OperationsSourceOptions = OwnSetOptions | RegistryOptions;
/** {@link OperationsSourceOptions}, resolved: a set of the monitor's own is in a registry of its own. */
interface OperationsSource {
  readonly type: 'operations';
  readonly registry: OperationsRegistry;
  /** The set that is selected unless a configuration says otherwise. */
  readonly name: string;
  readonly startNs: number;
  readonly nodes: readonly NodeMemory[];
}

/** All that a monitor is told, checked and resolved before anything is opened. */

/** What of a source is monitored, and how it is seen. */
interface ViewOptions {
  /**
   * The operations set: how accesses are seen. One of the kernel's names that the source offers, or
   * of a registry of your own sets. @default "paddr_ibs"; of your own sets the one the source names
   * @kernel operations
   */
  readonly operations?: string;
  /**
   * What to monitor. @default all physical memory; with virtual sets all processes; of your own sets
   * what they say. In a commit: what there is
   * @kernel targets
   */
  readonly targets?: readonly TargetOptions[];
  /**
   * Bytes of a core address unit, of `paddr` only: what the core counts addresses and sizes in. A
   * power of two; a region is then a multiple of 4096 bytes or one unit. @default 1
   * @kernel addr_unit
   */
  readonly addrUnit?: number;
}

/** What a monitor watches, how, and what it does about it. */
interface KdamondOptions extends MonitorOptions, ViewOptions {
  /** Where accesses come from. */
  readonly source: EmulationOptions | RecordingOptions | OperationsSourceOptions;
}

/** What can be changed while a monitor is at work; all of it, what is left out too. */
interface CommitOptions extends ContextOptions, ViewOptions {
  /**
   * Another sampler for an emulated machine: sampling restarts with it, such as by another period, or
   * of another kind, if the operations set is one that it reports to. Where a policy places pages, it
   * tells addresses of the same kind in as many lanes. @default the one there is, which goes on
   */
  readonly sampler?: SamplerOptions;
}

/** Where accesses come from, resolved. */
type Source = Emulation | Recording | OperationsSource;
/** {@link KdamondOptions}, every one given. */
interface KdamondConfig extends MonitorConfig {
  readonly source: Source;
}

/** Why a question has no answer: the set failed, answered nonsense, or took too long. */
type OperationsFailureKind = 'threw' | 'malformed' | 'late';
/** A question that a set did not answer. The run goes on. */
interface OperationsFailure {
  readonly kind: OperationsFailureKind;
  /** The name of the set. */
  readonly set: string;
  /** Its method. */
  readonly method: string;
  /** `ERR_DAMON_OPERATIONS`, with the method as its path. */
  readonly error: DamonError;
}

/** What a round of a scheme did, and why it did no more. */
/** Regions and their bytes. */
interface RoundShare {
  readonly regions: number;
  readonly bytes: number;
}

/**
 * One scheme's part in one round. Each region that the round came to is in exactly one of `tried`,
 * `noMatch`, `lowScore`, `filtered`, `quotaFull`, `servedBefore` and `snapshotsDone`; a region that
 * was cut counts as its parts. What a scheme further down the list cuts off a region is come to again
 * by those before it, as in the kernel: only the last scheme's bytes are those of all regions in any
 * round. `damon-core.md` 5.3 and 5.6.
 */
interface Round {
  /** When, in nanoseconds of the source's clock. */
  readonly timeNs: bigint;
  /** In which sampling interval since the start. */
  readonly tick: number;
  /** Index of the scheme. */
  readonly scheme: number;
  /** Whether a quota window opened. */
  readonly opened: boolean;
  /** Bytes the scheme may try in the window; of no meaning without a quota. */
  readonly effectiveSzBytes: number;
  /** Bytes charged in the window before the round. */
  readonly chargedBefore: number;
  /** Bytes charged in the window after it. */
  readonly chargedAfter: number;
  /** Regions below this score, of 0 to 99, had to wait. */
  readonly scoreMin: number;
  /** How long the action took: simulated time. */
  readonly elapsedNs: number;
  /** Handed to the operations set. */
  readonly tried: RoundShare;
  /** Of those: on which the action had an effect, by the bytes of the effect. */
  readonly applied: RoundShare;
  /** Bytes of those that passed the filters of pages, as far as the operations set tells. */
  readonly opsPassedBytes: number;
  /** Not what the scheme is about. */
  readonly noMatch: RoundShare;
  /** Matched, but others come first. */
  readonly lowScore: RoundShare;
  /** Matched, but a filter of addresses or targets objected. */
  readonly filtered: RoundShare;
  /** The quota was used up. */
  readonly quotaFull: RoundShare;
  /** Had their turn before the last full window ended. */
  readonly servedBefore: RoundShare;
  /** The scheme has done as many snapshots as it may. */
  readonly snapshotsDone: RoundShare;
}

/**
 * Why a scheme did what it did: the records of tuners' steps and of rounds, kept and summed.
 *
 * Memory is bounded: the log keeps the newest records and counts those that had to make room; a
 * series sums neighbours up where it has too many stretches, so that it covers a whole run.
 * Not here: rendering, or anything that feeds back into monitoring.
 */

/** Which records. */
interface ExplainOptions {
  /** The scheme: its name as it is now, or its place from 0. @default all schemes */
  readonly scheme?: number | string;
  /** From this long after the start of monitoring. @default "0 s" */
  readonly fromMs?: Duration;
  /** Before this long after it. @default the end */
  readonly toMs?: Duration;
}

/** What was measured, decided and done. Oldest first. */
interface Explanation {
  /** Steps of tuners: what was read, what score, what quota; or why there was no answer. */
  readonly tunings: readonly Tuning[];
  /** Rounds: what was tried, applied, and why the rest had to wait. */
  readonly rounds: readonly Round[];
  /** Records that had to make room since the monitor was made, of all schemes. */
  readonly dropped: {
    readonly tunings: number;
    readonly rounds: number;
  };
}

/** What became of a region in a round: each part of it is in exactly one. */
declare const OUTCOMES: readonly [
  {
    readonly key: 'tried';
    readonly title: 'tried';
  },
  {
    readonly key: 'noMatch';
    readonly title: 'no match';
  },
  {
    readonly key: 'filtered';
    readonly title: 'filtered';
  },
  {
    readonly key: 'lowScore';
    readonly title: 'low score';
  },
  {
    readonly key: 'quotaFull';
    readonly title: 'quota full';
  },
  {
    readonly key: 'servedBefore';
    readonly title: 'served before';
  },
  {
    readonly key: 'snapshotsDone';
    readonly title: 'snapshots done';
  },
];
/** The name of an outcome. */
type Outcome = (typeof OUTCOMES)[number]['key'];
/** One quota window of a scheme or several that follow each other: what led to it, and to what. */
interface Stretch extends Readonly<Record<Outcome, RoundShare>> {
  /** Index of the scheme. */
  readonly scheme: number;
  /** First and last round, in nanoseconds of the source's clock. */
  readonly fromNs: bigint;
  readonly toNs: bigint;
  /** Quota windows; rounds where there is no quota. */
  readonly windows: number;
  readonly rounds: number;
  /** Bytes the windows allowed, together; absent where there is no quota. */
  readonly allowedBytes?: number;
  /** Regions below this score had to wait, in the last round. */
  readonly scoreMin: number;
  /** How long the action took: simulated time. */
  readonly elapsedNs: number;
  /** On which the action had an effect. */
  readonly applied: RoundShare;
  /** Steps of the tuner. */
  readonly tunings: number;
  /** Sum of their scores, in basis points. */
  readonly scoreSumBp: number;
  /** What the last of them read. */
  readonly goals: readonly GoalReading[];
  /** Steps without an answer; the quota then stayed as it was. */
  readonly failures: number;
  /** Why the last of those had none. */
  readonly failure?: DamonError;
}

/**
 * The stretches of a run, of each scheme.
 *
 * @example
 * ```ts
 * import { Kdamond, StretchSeries } from 'node-damon';
 *
 * const series = new StretchSeries();
 * using kdamond = new Kdamond({
 *   source: { type: 'recording', path: 'redis.samples.csv.zst' },
 *   schemes: [{ action: 'stat', pattern: { nrAccesses: { min: 1 } } }],
 * });
 * await kdamond.run({ onTuning: (tuning) => series.addTuning(tuning) });
 * for (const round of kdamond.takeRounds()) series.addRound(round);
 * console.log(series.total(0)?.tried.bytes, series.total(0)?.noMatch.bytes);
 * ```
 */
declare class StretchSeries {
  #private;
  /** Takes a step of a tuner, before the rounds of its window. */
  addTuning(tuning: Tuning): void;
  /** Takes a round, after those before it. */
  addRound(round: Round): void;
  /**
   * The stretches of a scheme, oldest first.
   *
   * @param most how many; neighbours are summed up where there are more
   */
  of(scheme: number, most?: number): readonly Stretch[];
  /** All of a scheme in one; `undefined` where it had no round. */
  total(scheme: number): Stretch | undefined;
  /** Schemes that had a round. */
  get schemes(): number[];
}

/**
 * What the monitor knew at one instant, as columns.
 *
 * A snapshot is the one thing that crosses from the monitor to the views, once per interval. It
 * keeps the typed arrays it is given, and builds a {@link Region} only when someone asks for one.
 * Not here: what a count means for placement (see `hot-ranges.ts`), or history (see `heatmap.ts`).
 */
/** One region of memory and what was seen of it. */
interface Region {
  /** First address, in bytes. */
  readonly start: bigint;
  /** First address after the region: the range is `[start, end)`. */
  readonly end: bigint;
  /** Sampling intervals of the last aggregation in which the region was seen accessed. */
  readonly nrAccesses: number;
  /** Aggregations for which the access rate has stayed about the same. */
  readonly age: number;
  /** Access reports credited to the region since the previous snapshot: a weight, not an integer. */
  readonly hits: number;
  /** The process whose addresses these are; absent for physical ones. */
  readonly tgid?: number;
}

/** One process's part of a {@link Snapshot}. */
interface SnapshotTarget {
  /** The process. */
  readonly tgid: number;
  /** How many regions, following on those of the target before. */
  readonly regions: number;
}

/** The columns of a {@link Snapshot}: all of one length; each target's regions sorted by start, disjoint. */
interface SnapshotInit {
  /** When the snapshot was taken, on the clock of the monitor. */
  readonly timeNs: bigint;
  /** Time since the previous snapshot: what `hits` covers. Minimum: 0. */
  readonly intervalNs: bigint;
  /** Length of an aggregation: the unit of `ages`. */
  readonly aggregationNs: bigint;
  /** First address of each region. */
  readonly starts: BigUint64Array;
  /** First address after each region. */
  readonly ends: BigUint64Array;
  /** See {@link Region.nrAccesses}. */
  readonly nrAccesses: Uint32Array;
  /** See {@link Region.age}. */
  readonly ages: Uint32Array;
  /** See {@link Region.hits}. */
  readonly hits: Float64Array;
  /** The processes, in order; none for physical memory. @default [] */
  readonly targets?: readonly SnapshotTarget[];
}

/** The columns alone. */
type SnapshotColumns = Pick<SnapshotInit, 'starts' | 'ends' | 'nrAccesses' | 'ages' | 'hits'>;
/** A region as `JSON.stringify` writes it: addresses in hexadecimal text, so that none is rounded. */
interface RegionJson {
  readonly start: string;
  readonly end: string;
  readonly nrAccesses: number;
  readonly age: number;
  readonly hits: number;
  readonly tgid?: number;
}

/** A snapshot as `JSON.stringify` writes it. */
interface SnapshotJson {
  readonly type: 'snapshot';
  /** A number where that is exact (up to 2^53), decimal text above. */
  readonly timeNs: number | string;
  readonly regions: readonly RegionJson[];
}

/**
 * What the monitor knew at one instant; columns of equal length, regions sorted by start,
 * disjoint, half-open `[start, end)`. Where processes are monitored, that holds for each of them,
 * and {@link Snapshot.of} gives one by itself, as the views want it.
 *
 * The columns are kept, not copied: whoever made them must not write into them afterwards.
 *
 * @example
 * ```ts
 * import { Snapshot } from 'node-damon';
 *
 * const snapshot = new Snapshot({
 *   timeNs: 100_000_000n,
 *   intervalNs: 100_000_000n,
 *   aggregationNs: 100_000_000n,
 *   starts: BigUint64Array.of(0x1000n, 0x3000n),
 *   ends: BigUint64Array.of(0x3000n, 0x4000n),
 *   nrAccesses: Uint32Array.of(20, 0),
 *   ages: Uint32Array.of(3, 12),
 *   hits: Float64Array.of(141, 0),
 * });
 * for (const { start, hits } of snapshot) console.log(start, hits);
 * ```
 */
declare class Snapshot implements Iterable<Region> {
  #private;
  readonly timeNs: bigint;
  readonly intervalNs: bigint;
  readonly aggregationNs: bigint;
  readonly starts: BigUint64Array;
  readonly ends: BigUint64Array;
  readonly nrAccesses: Uint32Array;
  readonly ages: Uint32Array;
  readonly hits: Float64Array;
  /** The processes, in order; none for physical memory. */
  readonly targets: readonly SnapshotTarget[];
  /**
   * @throws DamonError `ERR_DAMON_SNAPSHOT_COLUMNS` when the columns differ in length, or regions
   * are empty, unsorted or overlap.
   */
  constructor(init: SnapshotInit);
  /** Number of regions. */
  get length(): number;
  /**
   * The region at index `i`, in order of address.
   * @throws DamonError `ERR_DAMON_SNAPSHOT_REGION` when there is none.
   */
  region(i: number): Region;
  /**
   * One process by itself: views of the same columns.
   *
   * @param which of its targets, from 0, where it has several
   * @throws DamonError `ERR_DAMON_SNAPSHOT_TARGET` when it is not among the targets.
   */
  of(tgid: number, which?: number): Snapshot;
  [Symbol.iterator](): Iterator<Region>;
  /** What `JSON.stringify` writes. For a stream of snapshots prefer {@link toNdjson}. */
  toJSON(): SnapshotJson;
  /** One line of newline-delimited JSON, without the newline; `timeNs` is an exact integer at any size. */
  toNdjson(): string;
}

/** Whose columns snapshots are copied into. */
interface SnapshotColumnsOptions {
  /**
   * Gives the columns that the next snapshot, of so many regions, is copied into. They may be longer,
   * and the same ones as before: the snapshots made of them are then good until the next is taken.
   * @default {@link columnsFor}: new ones for each snapshot
   */
  readonly columnsFor?: (regions: number) => SnapshotColumns;
}

/**
 * Columns for that many regions, zeroed.
 *
 * @example
 * ```ts
 * import { Kdamond, columnsFor } from 'node-damon';
 *
 * using kdamond = new Kdamond({ source: { type: 'recording', path: 'redis.samples.csv.zst' } });
 * let columns = columnsFor(1_000);
 * const reused = (regions: number) => {
 *   if (regions > columns.starts.length) columns = columnsFor(2 * regions);
 *   return columns;
 * };
 * for await (const { length } of kdamond.snapshots({ columnsFor: reused })) console.log(length);
 * ```
 *
 * @throws DamonError `ERR_DAMON_COLUMNS` for what is no number of regions
 */
declare function columnsFor(regions: number): SnapshotColumns;

/**
 * What a snapshot means to someone who places memory: hot ranges and the working set.
 *
 * The monitor splits and merges regions for its own ends. Here neighbours that are about equally
 * hot become one range, none of which spans two nodes, because a range is something to move.
 * Not here: history (see `heatmap.ts`), or a decision to move anything (see schemes).
 */

/** A NUMA node and the memory it owns, `[start, end)`. A node with two ranges is listed twice. */
interface MemoryNode {
  readonly id: number;
  /** What people call it, such as `DRAM` or `CXL`. */
  readonly name?: string;
  readonly start: bigint;
  readonly end: bigint;
}

/** Contiguous memory of one node with about the same access rate throughout. */
interface HotRange {
  readonly start: bigint;
  /** First address after the range. */
  readonly end: bigint;
  readonly szBytes: number;
  /** The node that owns the range; `null` when no listed node does. */
  readonly node: MemoryNode | null;
  /** Access reports credited to the range in the interval of the snapshot. */
  readonly hits: number;
  /** Hits per second per MiB: the access rate. */
  readonly rate: number;
  /** Mean `nrAccesses` of the regions, weighted by size. */
  readonly nrAccesses: number;
  /** How long the access rate has been about the same: mean of the regions, weighted by size. */
  readonly ageSeconds: number;
  /** Share of all hits of the snapshot, 0 to 1; 0 when there are none. */
  readonly share: number;
}

/** How {@link hotRanges} merges and what it returns. */
interface HotRangesOptions {
  /** Boundaries that no range may span, and names for them. @default [] */
  readonly nodes?: readonly MemoryNode[];
  /** Most ranges to return. @default 10 */
  readonly top?: number;
  /** Neighbours merge while the faster has at most this many times the rate of the slower. @default 2 */
  readonly ratio?: number;
  /**
   * Smallest piece looked at, a power of two: what lies in one aligned piece is added up before
   * neighbours merge. 2 MiB, a huge page, hides single hot pages that nobody would move by
   * themselves. @default 4096: regions as they are
   */
  readonly grainBytes?: number;
}

/**
 * The hottest ranges of a snapshot, hottest first.
 *
 * Neighbours merge when their rates are within `ratio`, or when their hits are too few to tell the
 * rates apart. All ranges together (`top: Infinity`) are exactly the memory of the snapshot.
 *
 * @example
 * ```ts
 * import { Kdamond, hotRanges } from 'node-damon';
 *
 * using kdamond = new Kdamond({ source: { type: 'recording', path: 'redis.samples.csv.zst' } });
 * for await (const snapshot of kdamond.snapshots()) {
 *   const [hottest] = hotRanges(snapshot, { nodes: [{ id: 0, name: 'DRAM', start: 0n, end: 1n << 37n }] });
 *   console.log(hottest?.start, hottest?.szBytes, hottest?.rate);
 * }
 * ```
 *
 * @throws DamonError `ERR_DAMON_SNAPSHOT_TARGET` when the snapshot has several processes.
 */
declare function hotRanges(snapshot: Snapshot, options?: HotRangesOptions): HotRange[];
/** How much memory takes the given share of the hits. */
interface WorkingSetShare {
  /** Of all hits, from 0 to 100. */
  readonly percent: number;
  /** Fewest bytes that took that share. */
  readonly szBytes: number;
}

/** How much memory was in use. */
interface WorkingSet {
  /** Bytes of all regions. */
  readonly monitoredBytes: number;
  /** Bytes of regions that were seen accessed. */
  readonly accessedBytes: number;
  /** Hits of all regions. */
  readonly hits: number;
  readonly shares: readonly WorkingSetShare[];
}

/**
 * Working set of a snapshot: the bytes that were accessed at all, and the fewest bytes that take
 * the given shares of the hits. Regions are taken by hits per byte, the last one in part.
 *
 * @example
 * ```ts
 * import { replay, workingSet } from 'node-damon';
 *
 * const { last } = await replay({ path: 'redis.samples.csv.zst' });
 * for (const { percent, szBytes } of workingSet(last, [50, 90]).shares) console.log(percent, szBytes);
 * ```
 */
declare function workingSet(snapshot: Snapshot, percents?: readonly number[]): WorkingSet;

/**
 * What books count, by name, in groups by name, as deep as needed.
 *
 * All are whole numbers from the start of the monitor, exact below 2^53. They only grow, but for
 * `pending`, `waiting`, `outPages` and what a scheme has of its window. The groups are types rather
 * than interfaces, so that each can be read by any name, as this one can.
 */
interface Counters {
  readonly [name: string]: number | bigint | Counters | undefined;
}

/** Reports on their way through the lanes, summed over all lanes there have been. */
type LanesCounters = {
  /** Reports given to a lane. */
  readonly offered: number;
  /** Reports stored. */
  readonly queued: number;
  /** Reports lost to a full lane. */
  readonly droppedFull: number;
  /** Reports lost because their push interrupted another. */
  readonly droppedNested: number;
  /** Reports lost because the monitor had stopped. */
  readonly droppedClosed: number;
  /** Times a shared lane's memory said what cannot be; what it held then is gone, uncounted. */
  readonly corrupt: number;
  /** Reports handed to the drain. */
  readonly drained: number;
  /** Reports stored and not yet drained. */
  readonly pending: number;
  /** Most reports that a drain found in one lane. */
  readonly occupancyMax: number;
};
/** What became of the reports that were drained: each is counted by one of these but `drained`. */
type DrainCounters = {
  /** Reports taken from the lanes. */
  readonly drained: number;
  /** Reports credited to the region that they lie in. */
  readonly credited: number;
  /** Reports from before the drain before the last. */
  readonly stale: number;
  /** Reports rejected by a sample filter. */
  readonly filtered: number;
  /** Reports with virtual addresses for physical memory, or the other way round. */
  readonly wrongKind: number;
  /** Reports of a process that is no target. */
  readonly noTarget: number;
  /** Reports of an address in no region. */
  readonly noRegion: number;
  /** Reports across the end of their region. */
  readonly straddling: number;
};
/** One scheme. Kernel `struct damos_stat`, and its quota. */
type SchemeCounters = {
  /** Regions that it tried. @kernel stats/nr_tried */
  readonly nrTried: number;
  /** Bytes that it tried. @kernel stats/sz_tried */
  readonly szTried: number;
  /** Regions on which the action had an effect. @kernel stats/nr_applied */
  readonly nrApplied: number;
  /** Bytes on which it had. @kernel stats/sz_applied */
  readonly szApplied: number;
  /** Bytes that passed the filters of pages. @kernel stats/sz_ops_filter_passed */
  readonly szOpsFilterPassed: number;
  /** Windows whose quota was used up. @kernel stats/qt_exceeds */
  readonly qtExceeds: number;
  /** Rounds that reached the last region. @kernel stats/nr_snapshots */
  readonly nrSnapshots: number;
  /** Bytes that it may try in this window. @kernel quotas/effective_bytes */
  readonly effectiveSzBytes: number;
  /** Bytes charged in this window. */
  readonly chargedSzBytes: number;
  /** Bytes charged in all windows before. */
  readonly totalChargedSzBytes: number;
  /** Nanoseconds that its actions took. */
  readonly totalChargedNs: number;
};
/** Rows of a recording. */
type RowCounters = {
  /** Rows seen: the sum of those below. */
  readonly read: number;
  /** Rows handed on as reports. */
  readonly accepted: number;
  /** Lines that are no row. */
  readonly malformed: number;
  /** Rows before the last accepted one. */
  readonly timeBackwards: number;
  /** Rows too far after it. */
  readonly timeGap: number;
  /** CPU numbers that have no lane. */
  readonly cpuBeyondLanes: number;
  /** Addresses that no machine has. */
  readonly addressOutOfRange: number;
};
/** Samples of the emulated sampler. */
type SamplerCounters = {
  /** Tagged ops, overflows of a counter, hot units or faults. */
  readonly selected: number;
  /** Of these, those that a filter of the hardware threw away. */
  readonly discarded: number;
  /** Of these, those that found no room in the hardware. */
  readonly lost: number;
  /** Of these, those that software was shown. */
  readonly samplesTotal: number;
  /** Of those shown, those that software dropped. */
  readonly samplesFiltered: number;
  /** Of those shown, those reported. */
  readonly reported: number;
  /** Times that the kernel stopped an event. */
  readonly throttles: number;
  /** CPU nanoseconds that it took from the workload. */
  readonly overheadNs: number;
};
/** Pages of the emulated machine that were moved, or not. */
type MachineCounters = {
  /** Pages that were to be on a node. */
  readonly askedPages: number;
  /** Of these, pages moved there. */
  readonly migratedPages: number;
  /** Of these, pages that were there already. */
  readonly therePages: number;
  /** Of these, pages that somebody held. */
  readonly busyPages: number;
  /** Of these, pages for which the node had no room. */
  readonly fullPages: number;
  /** Of these, pages for which there is no such node. */
  readonly nowherePages: number;
  /** Pages paged out. */
  readonly pagedOutPages: number;
  /** Of these, pages read in again. */
  readonly returnedPages: number;
  /** Of these, pages that are out now. */
  readonly outPages: number;
  /** Faults that found no room. */
  readonly faultsWithoutRoom: number;
  /** CPU nanoseconds that threads of the workload waited for pages on their way to another node. */
  readonly waitedNs: number;
};
/** A policy that moves pages beside the schemes: `source.policy`. */
type PolicyCounters = {
  /** Reports offered to it. */
  readonly offered: number;
  /** Of these, those that found no room. */
  readonly dropped: number;
  /** Of these, those that wait. */
  readonly pending: number;
  /** Of these, those that it took. */
  readonly reports: number;
  /** Of those taken, those about other memory than the slow node's. */
  readonly elsewhere: number;
  /** Of those taken, those about pages of the slow node. */
  readonly noted: number;
  /** Pages that were to move. */
  readonly wantedPages: number;
  /** Of these, those that did. */
  readonly movedPages: number;
  /** Of these, those that stayed. */
  readonly keptPages: number;
  /** Pages that moved to the fast node. */
  readonly promotedPages: number;
  /** Pages that moved to the slow node. */
  readonly demotedPages: number;
  /** Of these, those that made room. */
  readonly reclaimedPages: number;
  /** Folios looked at to make room. */
  readonly lookedFolios: number;
  /**
   * CPU nanoseconds that all of it took: of the threads that faulted where NUMA balancing promotes, else
   * of kernel threads, which the workload pays for where no CPU is idle.
   */
  readonly busyNs: number;
};
/** Questions to an operations set written in TypeScript. */
type QuestionCounters = {
  /** Questions put: the sum of those below. */
  readonly asked: number;
  readonly answered: number;
  /** The set threw, or its promise was rejected. */
  readonly threw: number;
  /** What came was no answer. */
  readonly malformed: number;
  /** No answer came in time. */
  readonly late: number;
  /** The run was ended first. */
  readonly abandoned: number;
};
/** What looking at accessed bits took, and the workload paid for where no CPU was free. */
type AccessCheckCounters = {
  /** Pages that were made old and looked at. */
  readonly checked: number;
  /** Nanoseconds that this took of a CPU. */
  readonly overheadNs: number;
};
/** How late the thread of an emulated monitor was. */
type LatenessCounters = {
  /** Sampling intervals begun. */
  readonly intervals: number;
  /** Those that lasted longer than asked for. */
  readonly late: number;
  /** Nanoseconds that they lasted longer on account of wake-ups. */
  readonly wakeUpNs: number;
  /** The same on account of the schemes' work. */
  readonly workNs: number;
  /** Nanoseconds of the one that lasted longest beyond what was asked for. */
  readonly mostNs: number;
};
/** What every monitor counts, and what its source does. */
type MonitorCounters = {
  readonly lanes: LanesCounters;
  readonly drain: DrainCounters;
  /** By number and name, such as `0 PULL`; in their order. */
  readonly schemes: {
    readonly [scheme: string]: SchemeCounters;
  };
  /** Of a recording. */
  readonly rows?: RowCounters;
  /** Of an emulation with a sampler. */
  readonly sampler?: SamplerCounters;
  /**
   * Samples by what served them, where the sampler tells it: `none`, `l1`, `l2`, `l3`, `memory`,
   * `memoryOfNode0` and so on, `store`.
   */
  readonly sources?: {
    readonly [served: string]: number;
  };
  /** Of an emulation whose monitor looks at accessed bits: `paddr`, `vaddr` and `fvaddr` without reports. */
  readonly accessChecks?: AccessCheckCounters;
  /** Of an emulation. */
  readonly machine?: MachineCounters;
  /** Of an emulation with a policy. */
  readonly policy?: PolicyCounters;
  /** Of an emulation whose monitor's thread is late at times. */
  readonly lateness?: LatenessCounters;
  /** Of operations sets written in TypeScript. */
  readonly questions?: QuestionCounters;
  /** Sampling intervals left out for want of an answer, of operations sets written in TypeScript. */
  readonly intervals?: {
    readonly unobserved: number;
  };
};
/** Sampling intervals of a live monitor. */
type IntervalCounters = {
  /** Those whose lanes were drained. */
  readonly observed: number;
  /** Those left out: no lane was open, or they had passed before the monitor woke. */
  readonly unobserved: number;
  /** How late half of the wake-ups were at most: an upper bound, at most twice the true value. */
  readonly lateP50Ns: number;
  /** The same for 99 in 100. */
  readonly lateP99Ns: number;
  /** How late the latest was. */
  readonly lateMaxNs: number;
};
/** Snapshots on their way from a live monitor to its reader. */
type SnapshotCounters = {
  /** Those there were: the sum of those below. */
  readonly offered: number;
  /** Those that were read. */
  readonly taken: number;
  /** Those that found no room, or made room: see `highWaterMark`. */
  readonly dropped: number;
  /** Those that wait. */
  readonly waiting: number;
};
/** What a live monitor counts. */
type LiveCounters = {
  readonly lanes: LanesCounters;
  readonly drain: DrainCounters;
  readonly intervals: IntervalCounters;
  readonly snapshots: SnapshotCounters;
  /** By number and name, such as `0 PULL`; in their order. */
  readonly schemes: {
    readonly [scheme: string]: SchemeCounters;
  };
};

/**
 * How fast and how well a share followed its target.
 *
 * Pure statistics over one sample per second: the ramp from wherever the share started to the
 * target, then mean and spread around it. Not here: what moved the share, or how it is drawn.
 */
/** A share over time, and where it should have gone. */
interface ConvergenceInit {
  /** What the share should be, in percent. */
  readonly target: number;
  /** The share in percent, one sample per second; `NaN` where a second has no value. */
  readonly samples: Float64Array;
  /**
   * How close to the target counts as there, in percentage points: a controller that takes steps is
   * there when it is one step away. @default 0
   */
  readonly within?: number;
}

/**
 * What became of a target. Where the target was never reached there is nothing to average, and
 * all results but `target` and `samples` are `null`.
 */
interface Convergence {
  /** What the share should be, in percent. */
  readonly target: number;
  /** Mean share after the ramp, in percent. */
  readonly mean: number | null;
  /** `mean - target`, in percentage points. */
  readonly offset: number | null;
  /** Sample standard deviation after the ramp, in percentage points; `null` below two samples. */
  readonly stddev: number | null;
  /** Seconds until the share first reached the target; 0 when it started there. */
  readonly rampSeconds: number | null;
  /**
   * How far the share went past the target after the ramp, seen from where it started, in
   * percentage points; minimum 0. For a share that started at the target, the larger excursion.
   */
  readonly overshoot: number | null;
  /** Seconds after the ramp that have a value: what `mean` and `stddev` rest on. */
  readonly samples: number;
}

/** A target that holds from a second on, until the next one. */
interface TargetStep {
  /** First second the target holds for. */
  readonly fromSecond: number;
  /** The target, in percent. */
  readonly target: number;
}

/** One stretch of a run under one target: a row of the demo table. */
interface ConvergenceRow extends Convergence {
  /** First second of the stretch. */
  readonly fromSecond: number;
  /** First second after the stretch. */
  readonly toSecond: number;
}

/**
 * Splits a series into the ramp and what follows, and describes both.
 *
 * The ramp ends with the first sample that touches the target (or comes `within`), or lies beyond it,
 * seen from the first sample; that sample already counts towards the mean.
 *
 * @example
 * ```ts
 * import { convergence } from 'node-damon';
 *
 * const { mean, rampSeconds } = convergence({ target: 70, samples: Float64Array.of(50, 60, 70, 71, 69) });
 * console.log(mean, rampSeconds); // 70 2
 * ```
 */
declare function convergence({ target, samples, within }: ConvergenceInit): Convergence;
/**
 * One {@link convergence} per target of a run whose target was changed while it ran. The ramp of
 * a later target starts at the second of the change.
 *
 * @example
 * ```ts
 * import { convergenceRows } from 'node-damon';
 *
 * const share = Float64Array.of(50, 70, 70, 80, 90, 90);
 * const rows = convergenceRows(share, [
 *   { fromSecond: 0, target: 70 },
 *   { fromSecond: 3, target: 90 },
 * ]);
 * console.log(rows.map(({ rampSeconds }) => rampSeconds).join(' ')); // 1 1
 * ```
 */
declare function convergenceRows(
  share: Float64Array,
  targets: readonly TargetStep[],
  within?: number,
): ConvergenceRow[];

/**
 * Where and when memory was accessed: a time × address matrix that never grows.
 *
 * Both axes work the same way. Time is cut into columns and memory into rows of one width each;
 * when an axis is full its width doubles and neighbours are added up pairwise, so any number of
 * snapshots fits and every hit stays in the sum. Rows exist only for memory that was monitored, so
 * a hole between two nodes costs nothing, and memory that turns up later gets its rows then.
 *
 * Hits are handed to cells in units of 2^-20, which makes their sums exact: whole hits in, the same
 * whole hits out, to the bit, up to 2^33 of them.
 *
 * Cost of a snapshot: O(regions + rows); of a doubling: O(rows · columns).
 * Not here: colours and labels (see `palette.ts`, `terminal.ts`, `html.ts`).
 */

/** Limits of a {@link Heatmap}, which takes 16 bytes · `columns` · `rows`. */
interface HeatmapOptions {
  /** Most columns (time). Minimum: 2. @default 512 */
  readonly columns?: number;
  /** Most rows (address). Minimum: 2. @default 512 */
  readonly rows?: number;
}

/** The size at which to read a {@link Heatmap}. */
interface HeatmapReadOptions {
  /** Most columns of the grid. Minimum: 1. @default what is stored */
  readonly columns?: number;
  /** Most rows of the grid. Minimum: 1. @default what is stored */
  readonly rows?: number;
  /** Addresses that no row may straddle while there are rows enough, such as the starts of nodes. */
  readonly cuts?: readonly bigint[];
}

/** A heatmap at some size. Row 0 has the lowest addresses, column 0 is the earliest time. */
interface HeatmapGrid {
  readonly columns: number;
  readonly rows: number;
  /** When the columns begin, and the last one ends: `columns + 1` times on the monitor's clock. */
  readonly edgesNs: readonly bigint[];
  /** First monitored address of each row. */
  readonly rowStarts: BigUint64Array;
  /** First address after each row. */
  readonly rowEnds: BigUint64Array;
  /** Rows below which (towards address 0) memory is not monitored, ascending; never row 0. */
  readonly breaks: readonly number[];
  /** Hits by `row * columns + column`. */
  readonly hits: Float64Array;
  /** Hits per second per MiB in the same order; `NaN` where nothing was monitored. */
  readonly rates: Float64Array;
}

/**
 * Collects snapshots into a time × address matrix of bounded size.
 *
 * @example
 * ```ts
 * import { Heatmap, Kdamond } from 'node-damon';
 *
 * using kdamond = new Kdamond({ source: { type: 'recording', path: 'redis.samples.csv.zst' } });
 * const heatmap = new Heatmap();
 * for await (const snapshot of kdamond.snapshots()) heatmap.add(snapshot);
 * const { rows, columns, rates } = heatmap.read({ rows: 40, columns: 100 });
 * console.log(rows, columns, rates.length);
 * ```
 */
declare class Heatmap {
  #private;
  readonly maxColumns: number;
  readonly maxRows: number;
  constructor({ columns, rows }?: HeatmapOptions);
  /** Columns in use. */
  get columns(): number;
  /** Rows in use. */
  get rows(): number;
  /** Snapshots added so far. */
  get snapshots(): number;
  /** Hits of all snapshots; the sum over the cells. */
  get totalHits(): number;
  /** Start of the first snapshot's interval; 0 before there is one. */
  get startNs(): bigint;
  /** End of the latest snapshot's interval; 0 before there is one. */
  get endNs(): bigint;
  /**
   * Adds the hits of a snapshot, spread evenly over its interval and over each region.
   * @throws DamonError `ERR_DAMON_HEATMAP_TIME` when its interval starts before the first one's;
   *   `ERR_DAMON_SNAPSHOT_TARGET` when it has several processes.
   */
  add(snapshot: Snapshot): void;
  /**
   * The matrix at a size of at most `rows` × `columns`, with every hit in it: a cell of the grid is
   * the sum of whole cells of the matrix. Each stretch of contiguous memory has rows of its own
   * while there are enough of them; beyond that the narrowest holes are closed first.
   */
  read(options?: HeatmapReadOptions): HeatmapGrid;
}

/**
 * What a run leaves behind for its report: plain data, filled by the loop, read by the renderers.
 *
 * Not here: anything that renders, or that feeds back into monitoring.
 */

/** Two sums over counters that must be equal when nothing was lost uncounted. */
interface Equation {
  /** What the equation says, such as `every drained report is accounted for`. */
  readonly name: string;
  /** Paths of counters, such as `ring.drained`. */
  readonly left: readonly string[];
  /** Paths of counters. */
  readonly right: readonly string[];
}

/** What went in, what came out, and where the rest went. */
interface Books<Counted extends Counters = Counters> {
  readonly counters: Counted;
  readonly equations: readonly Equation[];
}

/** An {@link Equation} with its numbers. */
interface Balance {
  readonly equation: Equation;
  /** The counters that {@link Equation.left} names, in its order. */
  readonly left: readonly bigint[];
  readonly right: readonly bigint[];
  /** Left minus right: 0 when the equation holds. */
  readonly offBy: bigint;
}

/** What the schemes of a run did, and why no more. */
interface Explained {
  /** Names of the schemes at the end. */
  readonly schemes: readonly string[];
  /** First and last time, on the source's clock. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** What each scheme did and why no more. */
  readonly explanation: StretchSeries;
  /** Rounds that had to make room before they could be explained. */
  readonly roundsDropped: number;
}

/** What the replay of a recording found. */
interface ReplayRecord extends Explained {
  /** The recording, as a user would name it. */
  readonly source: string;
  readonly nodes: readonly MemoryNode[];
  readonly heatmap: Heatmap;
  /** The snapshot that `hotRanges` and `workingSet` describe: the last one, or the busiest. */
  readonly last: Snapshot;
  readonly hotRanges: readonly HotRange[];
  readonly workingSet: WorkingSet;
  readonly books: Books<MonitorCounters>;
  /** How long the replay took. */
  readonly durationMs: number;
  /** Samples replayed per second of that time. */
  readonly samplesPerSecond: number;
}

/** Something that became different in a run, or did not. */
interface RunEvent {
  /**
   * `changed` as planned; `reloaded` from a file; `unchanged`, since that file says the same;
   * `missed`, because the source ended before.
   */
  readonly kind: 'changed' | 'reloaded' | 'unchanged' | 'missed';
  /** Since the start of monitoring. */
  readonly atMs: number;
}

/** What the run of a configuration found. */
interface RunRecord extends Explained {
  /** The recording, as a user would name it, or the machine, its workload and settings in a few phrases. */
  readonly source: readonly string[];
  readonly nodes: readonly MemoryNode[];
  readonly heatmap: Heatmap;
  /** Of the last snapshot; none without one. */
  readonly hotRanges: readonly HotRange[];
  readonly workingSet?: WorkingSet;
  readonly events: readonly RunEvent[];
  readonly books: Books<MonitorCounters>;
  /** How long the run took. */
  readonly durationMs: number;
}

/** A result from the literature, to compare with. */
interface PublishedResult {
  /** In percent. */
  readonly target: number;
  /** In percent. */
  readonly mean: number;
  /** In percentage points. */
  readonly stddev: number;
}

/** The effective quota of one scheme, one value per second. */
interface QuotaSeries {
  /** What people call the scheme, such as `promote` or `demote`. */
  readonly name: string;
  readonly effectiveBytes: Float64Array;
}

/** What a closed-loop run on the simulated machine found. */
interface DemoRecord extends Explained {
  readonly seed: number | bigint | string;
  /** The quota goal tuner, such as `consist`. */
  readonly tuner: string;
  readonly simulatedSeconds: number;
  readonly wallSeconds: number;
  /** The machine and its workload in a few short phrases. */
  readonly machine: readonly string[];
  /** The share in percent, one value per second, as the goal metric sees it. */
  readonly share: Float64Array;
  /** The same as the simulated machine knows it. */
  readonly trueShare: Float64Array;
  readonly targets: readonly TargetStep[];
  readonly rows: readonly ConvergenceRow[];
  readonly published: readonly PublishedResult[];
  readonly quotas?: readonly QuotaSeries[];
  readonly books: Books<MonitorCounters>;
  /** With `nodes`, where the workload was seen to go. */
  readonly heatmap?: Heatmap;
  readonly nodes?: readonly MemoryNode[];
}

/**
 * Works every equation of the books out.
 *
 * @example
 * ```ts
 * import { Kdamond, balance } from 'node-damon';
 *
 * using kdamond = new Kdamond({ source: { type: 'recording', path: 'redis.samples.csv.zst' } });
 * await kdamond.run();
 * console.log(balance(kdamond.books).every(({ offBy }) => offBy === 0n)); // true
 * ```
 *
 * @throws DamonError `ERR_DAMON_BOOKS_COUNTER` when an equation names what is not a counter.
 */
declare function balance({ counters, equations }: Books): Balance[];

/** Which regions a scheme tried in one round. */

/** Regions as they were handed to the operations set, in that order: columns of equal length. */
interface TriedRegions {
  /** Index of the target. */
  readonly targets: Uint32Array;
  /** First byte, in core address units. */
  readonly starts: BigUint64Array;
  /** One past the last byte. */
  readonly ends: BigUint64Array;
  /** The moving access count. */
  readonly nrAccesses: Uint32Array;
  /** Age in aggregations, before the action began a new life. */
  readonly ages: Uint32Array;
  /** The moving hits of probes, four for each region: of the first region, of the second, ... */
  readonly probeHits: Uint8Array;
  /** Bytes that passed the filters of pages. */
  readonly szFilterPassed: Float64Array;
  /** Bytes of all regions. */
  readonly totalBytes: bigint;
}

/** How far a run is. */
interface Progress {
  readonly done: number;
  /** `undefined` where the end is not known. */
  readonly total: number | undefined;
  readonly unit: 'bytes' | 'seconds';
}

/** How long to run, and who wants to know. */
interface RunOptions extends SnapshotColumnsOptions {
  /** Ends the run this long after the start of monitoring. @default when the source ends */
  readonly untilMs?: Duration;
  /** Called for each step of a tuner, before it takes effect. */
  readonly onTuning?: (tuning: Tuning) => void;
  /**
   * Called for each question that an operations set of your own did not answer, as it happens: what it
   * was for is left out, and the run goes on.
   */
  readonly onFailure?: (failure: OperationsFailure) => void;
  /** Called now and then, at most ten times a second. */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the run with the signal's reason. The monitor stays usable. */
  readonly signal?: AbortSignal;
  /**
   * Runs on the calling thread, which does nothing else meanwhile, in steps of up to a second of the
   * source's clock: for workers, of which there may be more than the four threads of Node's pool.
   * Not for operations sets of your own, which answer on it. @default false
   */
  readonly onThisThread?: boolean;
}

/** Intervals in force, in microseconds. */
interface Intervals {
  readonly sampleUs: number;
  readonly aggregationUs: number;
}

/**
 * One monitor: a source of accesses, the regions they fall in, and the schemes that act on those.
 *
 * @example
 * ```ts
 * import { Kdamond } from 'node-damon';
 *
 * const kdamond = new Kdamond({ source: { type: 'recording', path: 'redis.samples.csv.zst' } });
 * for await (const snapshot of kdamond.snapshots()) console.log(snapshot.timeNs, snapshot.length);
 * kdamond.close();
 * ```
 */
declare class Kdamond implements AsyncIterable<Snapshot>, Disposable, AsyncDisposable {
  #private;
  /**
   * Opens the source; nothing runs yet.
   *
   * @throws DamonError `ERR_DAMON_CONFIG…` for options, `ERR_DAMON_TRACE_…` for a recording
   */
  constructor(options: KdamondOptions);
  /**
   * What it was told last, every option resolved, by whatever it was told: `commit`, `commitGoals`,
   * `setGoal`. Tuned {@link intervals} are not what it was told.
   */
  get config(): KdamondConfig;
  /**
   * Runs and yields a snapshot per interval. Leaving the loop early leaves the monitor where it
   * is: a further call goes on from there.
   *
   * @throws DamonError what the source fails with; `ERR_DAMON_BUSY` while another run is in
   *   progress; `ERR_DAMON_CLOSED`
   */
  snapshots(options?: RunOptions): AsyncGenerator<Snapshot, void, void>;
  /** {@link snapshots} to the end of the source. */
  [Symbol.asyncIterator](): AsyncGenerator<Snapshot, void, void>;
  /** Runs without looking at the snapshots. */
  run(options?: RunOptions): Promise<void>;
  /**
   * Changes a goal of a scheme: its target, or the current value of a `user_input` goal. Takes
   * effect when the scheme's next quota window opens; everything else stays as it is, `complement` and
   * a value that is left out too.
   *
   * @throws DamonError `ERR_DAMON_CONFIG_GOAL` when there is no such goal or it would measure something
   *   else
   */
  setGoal(scheme: number, goal: number, options: GoalOptions): void;
  /**
   * Changes everything at once, also while a run is in progress: what is left out gets its default.
   * Takes effect at the end of a sampling interval, after it was observed and before the schemes
   * act. Schemes and targets are paired by place: a pair keeps its regions, counts, ages, statistics,
   * quota and tuner state; the rest goes or comes. `damon_commit_ctx`, `damon-core.md` 8.1.
   *
   * @throws DamonError for what would be refused of a new monitor, too; `ERR_DAMON_BUSY` while the
   *   commit before is still to take effect, `ERR_DAMON_ENDED` when there is nothing left to
   *   monitor. Everything then stays as it is.
   */
  commit(options: CommitOptions): Promise<void>;
  /**
   * Changes goals and nothing else, as {@link commit} does: by scheme; schemes beyond the list keep
   * theirs. The tuners go on from where they are.
   */
  commitGoals(schemes: readonly (readonly GoalOptions[])[]): Promise<void>;
  /**
   * Which regions each scheme tries in its next round: answered by a run, in progress or to come,
   * once every scheme has done a round. `damon-core.md` 5.10.
   *
   * @throws DamonError `ERR_DAMON_BUSY` while another walk is in progress; `ERR_DAMON_CANCELED` when
   *   watermarks, a pause or the end of the monitor come first; `ERR_DAMON_ENDED` when there are no
   *   schemes, or nothing is left to monitor
   */
  triedRegions(): Promise<TriedRegions[]>;
  /**
   * The accounts of rounds since the last call, oldest first: what each scheme tried, what took
   * effect, and why the rest had to wait. At most 8192 wait; `roundsDropped` counts those that had
   * to make room.
   */
  takeRounds(): Round[];
  /** Accounts of rounds that had to make room until {@link takeRounds} was called last. */
  get roundsDropped(): number;
  /**
   * What tuners read and decided, and what became of each region in each round: the newest 8192
   * records of either kind. Takes nothing away: {@link takeRounds} gets its rounds all the same.
   *
   * @throws DamonError `ERR_DAMON_CONFIG_SCHEME` for a scheme that there is not,
   *   `ERR_DAMON_CONFIG_UNIT` for a time that is none
   */
  explain(options?: ExplainOptions): Explanation;
  /** The intervals in force: those of the configuration, or as tuned since. */
  get intervals(): Intervals;
  /** Whether a {@link commit} is still to take effect. */
  get committing(): boolean;
  /** The source's clock in nanoseconds: simulated time, or the recording's own. */
  get nowNs(): bigint;
  /** When the sampling interval in progress ends, by the same clock. */
  get nextTickNs(): bigint;
  /** When monitoring started, on the source's clock. */
  get startNs(): bigint;
  /** The source's nodes, as the views take them. */
  get nodes(): MemoryNode[];
  /**
   * How fast the emulated workload goes now, which follows from where its pages lie; `undefined` of
   * a recording.
   */
  get throughput(): Throughput | undefined;
  /** All counters so far, and what must balance. */
  get books(): Books<MonitorCounters>;
  /** The last question that an operations set of your own did not answer; the books count them. */
  get lastFailure(): OperationsFailure | undefined;
  /** Whether {@link close} was called. */
  get closed(): boolean;
  /** Ends a run in progress at its next tick and frees everything. Idempotent. */
  close(): void;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * How a live monitor sees accesses. `paddr_ibs`: reports of physical addresses. `fvaddr`: reports
 * of virtual addresses, by process, in regions that stay where they are.
 */
type LiveOperationsName = 'paddr_ibs' | 'fvaddr';
/**
 * Which snapshot goes when one more than `highWaterMark` would wait: with `dropNewest` the last
 * one, too, if nobody has read.
 */
type OverflowPolicy = 'dropOldest' | 'dropNewest';
/** A process and its memory. */
interface LiveTargetOptions {
  /** The process id, as the reports give it; each process once. Minimum: 1. */
  readonly tgid: number;
  /** Its memory to monitor: virtual addresses, sorted and disjoint. At least one range. */
  readonly regions: readonly RangeOptions[];
}

/** What a live monitor watches, how, and what it does about it. */
interface LiveKdamondOptions extends MonitorOptions {
  /** How accesses are seen. @default "paddr_ibs" */
  readonly operations?: LiveOperationsName;
  /**
   * Physical memory to monitor, sorted and disjoint, at least one range; required by, and only for,
   * `paddr_ibs`.
   */
  readonly regions?: readonly RangeOptions[];
  /** Processes to monitor, at least one; required by, and only for, `fvaddr`. */
  readonly targets?: readonly LiveTargetOptions[];
  /** Snapshots that may wait for their reader, from 1 to 65536. @default 8 */
  readonly highWaterMark?: number;
  /** What happens when one more comes. @default "dropOldest" */
  readonly overflow?: OverflowPolicy;
}

/** Of a shared lane. */
interface SharedLaneOptions {
  /** A power of two from 1 to 65536. @default the monitor's `laneSlots` */
  readonly slots?: number;
}

/** {@link LiveKdamondOptions}, every one given. */
interface LiveKdamondConfig extends MonitorConfig {
  readonly operations: LiveOperationsName;
  readonly targets: readonly Target[];
  readonly highWaterMark: number;
  readonly overflow: OverflowPolicy;
}

/** A lane that any thread can be handed: a plain object that `postMessage` takes. */
interface SharedLane {
  readonly buffer: SharedArrayBuffer;
}

/**
 * Where a live monitor stands. `ready`: lanes can be had, nothing is drained yet. `stopped`:
 * drained for the last time. `failed`: its thread met a bug of ours. `closed`: everything is freed.
 */
type LiveState = 'ready' | 'running' | 'stopped' | 'failed' | 'closed';
/** How to read snapshots. */
interface LiveRunOptions extends SnapshotColumnsOptions {
  /** Called for each step of a tuner that is taken while this reads. */
  readonly onTuning?: (tuning: Tuning) => void;
  /** Ends the reading with the signal's reason. The monitor goes on. */
  readonly signal?: AbortSignal;
}

/** What became of the reports given to one lane, or to several. */
interface LaneCounters {
  /** Reports given to it. */
  readonly offered: number;
  /** Reports stored. */
  readonly queued: number;
  /** Reports lost because it was full. */
  readonly droppedFull: number;
  /** Reports lost because their push interrupted another. */
  readonly droppedNested: number;
  /** Reports lost because the monitor had stopped. */
  readonly droppedClosed: number;
  /** Times a shared lane's memory said what cannot be; what it held then is gone, uncounted. */
  readonly corrupt: number;
  /** Reports handed to the drain. */
  readonly drained: number;
  /** Reports stored and not yet drained. */
  readonly pending: number;
  /** Most reports found waiting in one lane. */
  readonly occupancyMax: number;
  /** Reports drained, but older than the drain before the last. */
  readonly stale: number;
  /** Reports drained, but rejected by a sample filter. */
  readonly filtered: number;
  /** Reports drained, but with virtual addresses for physical memory, or the other way round. */
  readonly wrongKind: number;
  /** Reports drained, but of a process that is no target. */
  readonly noTarget: number;
  /** Reports drained, but of an address in no region. */
  readonly noRegion: number;
  /** Reports drained, but across the end of their region. */
  readonly straddling: number;
  /** Reports drained and credited to a region: all others. */
  readonly credited: number;
}

/** One lane in use. */
interface LaneReading {
  /** See {@link Lane.id}. */
  readonly id: number;
  readonly counters: LaneCounters;
}

/** Every lane there has been. */
interface LaneReadings {
  /** Those whose producers live, and that were drained once; by number. */
  readonly inUse: readonly LaneReading[];
  /** The sum of the others. */
  readonly retired: LaneCounters;
}

/**
 * One live monitor. Whoever sees accesses, on any thread of the process, takes a {@link Lane} and
 * reports them; the monitor's own thread counts them by region once per sampling interval and hands
 * over snapshots. Its clock is `CLOCK_MONOTONIC`, which `process.hrtime.bigint()` reads.
 *
 * A running monitor does not keep Node alive, unless {@link ref} says so or a snapshot is awaited.
 *
 * @example
 * ```ts
 * import { LiveKdamond } from 'node-damon';
 *
 * using live = new LiveKdamond({ regions: [{ start: 0, end: '1 GiB' }], everyMs: '200 ms' }).start();
 * using lane = live.lane();
 * const reporting = setInterval(() => lane.report({ address: 0x1000 }), 1);
 * for await (const snapshot of live) {
 *   console.log(snapshot.timeNs, snapshot.hits);
 *   break;
 * }
 * clearInterval(reporting);
 * ```
 */
declare class LiveKdamond implements AsyncIterable<Snapshot>, Disposable, AsyncDisposable {
  #private;
  /**
   * Names the monitor within this process, for {@link Lane.attach} on other threads: a text such as
   * `damon-0123456789abcdef`.
   */
  readonly token: string;
  /**
   * Sets the monitor up. Lanes can be had from now on; {@link start} begins to drain them.
   *
   * @throws DamonError `ERR_DAMON_CONFIG…`
   */
  constructor(options: LiveKdamondOptions);
  /** What it was told last, every option resolved, by `setGoal` too. */
  get config(): LiveKdamondConfig;
  /**
   * Starts the thread; does nothing while it runs.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`, also when it has stopped: a monitor runs once
   */
  start(): this;
  /**
   * Stops: no more reports are taken, those in the lanes are drained, and what was seen since the
   * last snapshot becomes the last one. Resolves when the thread has ended; what waits can still be
   * read. Idempotent.
   *
   * @throws DamonError `ERR_DAMON_INTERNAL` when the thread failed
   */
  stop(): Promise<void>;
  /** Stops, waits for the step in progress, and frees everything. Idempotent. */
  close(): void;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
  /** Keeps Node alive while it runs. */
  ref(): this;
  /** Lets Node exit while it runs, unless a snapshot or the stop is awaited: the default. */
  unref(): this;
  /** Where it stands; a change of its thread's own shows in a later turn of the event loop. */
  get state(): LiveState;
  /**
   * Yields snapshots as they come, oldest first; ends once the monitor has stopped, with what the
   * last drain saw. One reader at a time. Leaving the loop early leaves the monitor running: a
   * further call goes on with what waits, of which there are at most `highWaterMark`. What was
   * dropped for want of room is in the {@link books}.
   *
   * @throws DamonError `ERR_DAMON_BUSY` while another reader is at it; `ERR_DAMON_CLOSED`;
   *   `ERR_DAMON_INTERNAL` when the thread failed
   */
  snapshots(options?: LiveRunOptions): AsyncGenerator<Snapshot, void, void>;
  /** {@link snapshots} until the monitor stops. */
  [Symbol.asyncIterator](): AsyncGenerator<Snapshot, void, void>;
  /**
   * A lane for reports from this thread: `Lane.attach(live.token)`. Keep it: an interval is
   * observed while there is a lane, and the garbage collector closes one that nobody keeps.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`, also when it has stopped; `ERR_DAMON_LANES`
   */
  lane(): Lane;
  /**
   * A lane in shared memory, for one {@link SharedProducer} on any thread: pass it by `workerData`
   * or `postMessage`.
   *
   * @throws DamonError `ERR_DAMON_CONFIG`; as {@link lane}
   */
  sharedLane(options?: SharedLaneOptions): SharedLane;
  /**
   * Takes a shared lane back whose producer ended without closing it, as a terminated worker does.
   * What it published is still drained; a producer that lives on after all is told that the lane is
   * closed. Idempotent.
   *
   * @throws DamonError `ERR_DAMON_LANE_CORRUPT` for what is no lane
   */
  releaseSharedLane(lane: SharedLane): void;
  /**
   * Changes a goal of a scheme: its target, or the current value of a `user_input` goal. Takes
   * effect when the scheme's next quota window opens; everything else stays as it is, `complement` and
   * a value that is left out too.
   *
   * @throws DamonError `ERR_DAMON_CONFIG_GOAL` when there is no such goal or it would measure something
   *   else
   */
  setGoal(scheme: number, goal: number, options: GoalOptions): void;
  /**
   * The accounts of rounds since the last call, oldest first: what each scheme tried, and why the
   * rest had to wait. At most 8192 wait; `roundsDropped` counts those that had to make room.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`
   */
  takeRounds(): Round[];
  /** Accounts of rounds that had to make room until {@link takeRounds} was called last. */
  get roundsDropped(): number;
  /**
   * What tuners read and decided, whether or not anyone read snapshots, and what became of each
   * region in each round: the newest 8192 records of either kind. Takes nothing away.
   *
   * @throws DamonError `ERR_DAMON_CONFIG_SCHEME` for a scheme that there is not,
   *   `ERR_DAMON_CONFIG_UNIT` for a time that is none, `ERR_DAMON_CLOSED`
   */
  explain(options?: ExplainOptions): Explanation;
  /**
   * The monitor's clock in nanoseconds, which is `process.hrtime.bigint()`'s.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`
   */
  get nowNs(): bigint;
  /**
   * All counters so far, and what must balance. `lanes` sums up all lanes there have been.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`
   */
  get books(): Books<LiveCounters>;
  /**
   * The counters of each lane.
   *
   * @throws DamonError `ERR_DAMON_CLOSED`
   */
  get lanes(): LaneReadings;
}

/**
 * Where the tuner stands. `armed` has seen a miss worth a migration once, and waits for it to be seen
 * again: the metric strays by some tenths of a point, because a region with few pages may not be sampled
 * in an aggregation, and straying twice in a row is rare.
 */
type Phase = 'resting' | 'armed' | 'moving';
/**
 * As with the kernel's tuners the best-met goal decides.
 *
 * @example
 * ```ts
 * import { proportional } from 'node-damon';
 *
 * // A fifth of 10 GiB is to lie on the node, and a tenth does: the missing tenth is allowed.
 * const goal = { metric: 'node_eligible_mem_bp', nid: 0, targetValue: 2_000 } as const;
 * const [bytes, bytesTotal] = [2 ** 30, 10 * 2 ** 30];
 * const goals = [{ goal, currentValue: 1_000, scoreBp: 5_000, bytes, bytesTotal }];
 * const quotaBp = proportional({ quotaBp: 0n, scoreBp: 5_000n, szBytes: 2n ** 34n, goals });
 * console.log(quotaBp / 10_000n); // 1073741824n
 * ```
 */
declare const proportional: Tuner;

/** A node that is to hold a share. */
interface ShareNode extends RangeOptions {
  readonly id: number;
  /** @default `node <id>` */
  readonly name?: string;
}

/** How much may move. */
interface TransferOptions {
  /** Bytes each scheme may move per window. Minimum: 4096. @default "512 MiB" */
  readonly szBytes?: Bytes;
  /** Length of a window. @default "1 s" */
  readonly resetIntervalMs?: Duration;
}

/** What to hold, where, and how hard to work for it. */
interface HoldSharesOptions extends TransferOptions {
  /** At least two. */
  readonly nodes: readonly ShareNode[];
  /** By node, such as `[5, 3, 2]`: each above 0. */
  readonly weights: readonly number[];
  /** @default "proportional" */
  readonly tuner?: TunerName;
  /**
   * By node: bytes it holds now, as user space counts them. The schemes are then steered by
   * `user_input` and their size quotas alone: commit them anew, once per window.
   */
  readonly heldBytes?: readonly number[];
  /** With `heldBytes`: whether anything is to move, see `sharesPhase`. @default "moving" */
  readonly phase?: Phase;
}

/**
 * The schemes, by destination, then by source.
 *
 * @example
 * ```ts
 * import { Kdamond, RFC_MACHINE, holdShares } from 'node-damon';
 *
 * const nodes = RFC_MACHINE.nodes.map(({ start, end }, id) => ({ id, start, end }));
 * using kdamond = new Kdamond({ source: RFC_MACHINE, schemes: holdShares({ nodes, weights: [7, 3] }) });
 * await kdamond.run({ untilMs: '2 s' });
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_SHARES`
 */
declare function holdShares(options: HoldSharesOptions): SchemeOptions[];
/**
 * Whether user space is to move anything in the window to come, by what each node holds now: what the
 * tuner `proportional` decides for itself. The first window's `before` is `resting`.
 *
 * @example
 * ```ts
 * import { type Phase, holdShares, sharesPhase } from 'node-damon';
 *
 * const nodes = [
 *   { id: 0, start: 0, end: '1 GiB' },
 *   { id: 1, start: '1 GiB', end: '2 GiB' },
 * ];
 * const weights = [7, 3];
 * let phase: Phase = 'resting';
 * // Once per window:
 * const heldBytes = [2 ** 28, 2 ** 28];
 * phase = sharesPhase({ weights, heldBytes }, phase);
 * const schemes = holdShares({ nodes, weights, heldBytes, phase });
 * console.log(phase, schemes.length);
 * ```
 */
declare function sharesPhase(
  { weights, heldBytes }: Pick<HoldSharesOptions, 'weights' | 'heldBytes'>,
  before: Phase,
): Phase;

/**
 * The RFC's pair of schemes that hold a share of hot memory on one of two nodes.
 *
 * PULL moves hot memory to the node while its share is below the target; PUSH moves it away while
 * the other node's is. Both are `migrate_hot`, each limited by an address filter to memory that is
 * not yet where it moves it. `hardware-sampling.md` 9.3. For more nodes, or other ways to steer:
 * `holdShares`.
 */

/** A node of the pair. */
interface PullPushNode extends RangeOptions {
  readonly id: number;
}

/** What to hold, where, and how hard to work for it. */
interface PullPushOptions extends TransferOptions {
  /** The node that is to hold the share. */
  readonly fast: PullPushNode;
  /** The node that is to hold the rest. */
  readonly slow: PullPushNode;
  /** The share in basis points, from 1 to 9999. */
  readonly targetBp: number;
  /** @default "temporal" */
  readonly tuner?: TunerName;
}

/**
 * The two schemes, PULL first. The defaults are the RFC's settings.
 *
 * @example
 * ```ts
 * import { Kdamond, RFC_MACHINE, pullPush } from 'node-damon';
 *
 * const schemes = pullPush({
 *   fast: { id: 0, start: 0, end: '128 GiB' },
 *   slow: { id: 1, start: '128 GiB', end: '256 GiB' },
 *   targetBp: 7000,
 * });
 * using kdamond = new Kdamond({ source: RFC_MACHINE, schemes });
 * await kdamond.run({ untilMs: '2 s' });
 * ```
 */
declare function pullPush(options: PullPushOptions): [pull: SchemeOptions, push: SchemeOptions];

/**
 * Starts at the least, so that a cold start takes 30 windows to 1 GiB.
 *
 * @example
 * ```ts
 * import { consist } from 'node-damon';
 *
 * // Half of the goal is met: half as much again.
 * console.log(consist({ quotaBp: 40_960_000n, scoreBp: 5_000n, szBytes: 0n })); // 61440000n
 * ```
 */
declare const consist: Tuner<ScoreInput>;

/**
 * Without a size quota, "all" has no bound but that of the number.
 *
 * @example
 * ```ts
 * import { temporal } from 'node-damon';
 *
 * console.log(temporal({ quotaBp: 0n, scoreBp: 9_999n, szBytes: 4_096n })); // 40960000n
 * console.log(temporal({ quotaBp: 0n, scoreBp: 10_000n, szBytes: 4_096n })); // 0n
 * ```
 */
declare const temporal: Tuner<ScoreInput>;

/** The mean of some results, and how sure that is. */
interface MeanInterval {
  /** How many results. */
  readonly count: number;
  readonly mean: number;
  /** Sample standard deviation of the results; `null` of fewer than two. */
  readonly stddev: number | null;
  /** Half the width of the interval around `mean`; `null` of fewer than two. */
  readonly halfWidth: number | null;
}

/** The mean of several series and its 95 % interval, value by value; `NaN` where none has one. */
interface Band {
  readonly mean: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/**
 * What many runs of closed loops say together: the record of a study, and its statistics.
 *
 * A case is a loop that was run with several seeds. Not here: how it was run, or how it is shown.
 */

/** What one run of a loop leaves behind. */
interface LoopRun {
  readonly seed: number;
  /** First second of the stretch that is judged. */
  readonly fromSecond: number;
  /** By node: share of the hot memory in percent, one value per second, as the metric reads it. */
  readonly shares: readonly Float64Array[];
  /** The same as the machine knows it. */
  readonly trueShares: readonly Float64Array[];
  /** Bytes migrated in each second. */
  readonly movedBytes: Float64Array;
  /** By node: how its share followed its target. A ramp ends one size quota away from the target. */
  readonly nodes: readonly Convergence[];
  /** The same by what the machine knows: what the metric's own noise adds is not in it. */
  readonly trueNodes: readonly Convergence[];
  /** Until all nodes were there; `null` if one never was. */
  readonly rampSeconds: number | null;
  /** What the size quotas alone make of the way, where nothing moves twice. */
  readonly leastRampSeconds: number;
  /** Bytes migrated after the ramp, in `settledSeconds`. */
  readonly movedAfterRamp: number | null;
  readonly settledSeconds: number;
  /** Equations of the books that did not hold: none, unless something was lost uncounted. */
  readonly unbalanced: readonly string[];
}

/** A case, and its runs as far as they are done. */
interface StudyCase {
  /** What is held, such as `70 % of 32 GiB on DRAM`. */
  readonly name: string;
  /** Who decides how much is moved, such as `temporal`. */
  readonly controller: string;
  /** By node. */
  readonly nodeNames: readonly string[];
  /** In the order of their seeds. */
  readonly runs: readonly LoopRun[];
  /** What others measured, for the first node. */
  readonly published?: PublishedResult;
}

/** A study as far as it is done. */
interface StudyRecord {
  readonly title: string;
  /** The machine, its workload and the settings in a few short phrases. */
  readonly machine: readonly string[];
  readonly cases: readonly StudyCase[];
  /** Seeds of each case. */
  readonly seeds: readonly number[];
  readonly runsDone: number;
  readonly runsPlanned: number;
  readonly simulatedSeconds: number;
  readonly wallSeconds: number;
  readonly workers: number;
}

/** What the runs of a case say about one node. Percent, and percentage points. */
interface NodeSummary {
  readonly name: string;
  readonly target: number;
  readonly mean: MeanInterval;
  readonly offset: MeanInterval;
  readonly stddev: MeanInterval | undefined;
  readonly overshoot: MeanInterval;
  readonly overshootMax: number;
  /** The largest by what the machine knows: memory that really went past the target. */
  readonly trueOvershootMax: number;
}

/** A case against the first of the same name, seed by seed. */
interface Versus {
  readonly controller: string;
  /** Bytes migrated per second after the ramp: this case's of the other's. */
  readonly movedRatio: MeanInterval | undefined;
  /** Standard deviation of the first node: this case's less the other's, in percentage points. */
  readonly stddevLess: MeanInterval | undefined;
}

/** What the runs of a case say. */
interface CaseSummary {
  readonly name: string;
  readonly controller: string;
  readonly runs: number;
  /** Runs in which a node never reached its target; they count in nothing else. */
  readonly notReached: number;
  /** Of two nodes only the first: the other mirrors it. Empty while no run has reached the target. */
  readonly nodes: readonly NodeSummary[];
  readonly rampSeconds: MeanInterval | undefined;
  readonly leastRampSeconds: MeanInterval | undefined;
  /** Bytes migrated per second after the ramp. */
  readonly movedPerSecond: MeanInterval | undefined;
  readonly published?: PublishedResult;
  readonly versus?: Versus;
}

/** The mean share over the runs of a case and its 95 % interval, second by second. */
type ShareBand = Band;
/**
 * What each case of a study says; later controllers are compared with the first of the same name.
 *
 * @example
 * ```ts
 * import { shares, summarize } from 'node-damon';
 *
 * const record = await shares({ weights: [7, 3], minutes: 0.05, seeds: 2 });
 * for (const { controller, nodes } of summarize(record.cases)) console.log(controller, nodes[0]?.mean);
 * ```
 */
declare function summarize(cases: readonly StudyCase[]): CaseSummary[];
/**
 * The band of a node's share over all runs of a case; `NaN` where no run has a value.
 *
 * @example
 * ```ts
 * import { shareBand, shares } from 'node-damon';
 *
 * const record = await shares({ weights: [7, 3], minutes: 0.05, seeds: 2 });
 * for (const one of record.cases) console.log(one.controller, shareBand(one, 0).mean.at(-1));
 * ```
 */
declare function shareBand({ runs }: StudyCase, node: number): ShareBand;

/**
 * What many runs say about who places pages how well: the record of a study, and its statistics.
 *
 * A run has a stretch that is judged, which begins where the hot set moves. Not here: how it was run,
 * or how it is shown.
 */

/** What one run leaves behind. All series have one value per second, `NaN` where there is none. */
interface PlacementRun {
  readonly seed: number;
  /** First second of the stretch that is judged. */
  readonly fromSecond: number;
  /** Share of the hot memory on the fast node in percent, as the machine knows it late in each second. */
  readonly hotPercent: Float64Array;
  /** From the start of the stretch until half of it was there; `null` if it never was. */
  readonly halfSeconds: number | null;
  /** The same of 90 %. */
  readonly rampSeconds: number | null;
  /** Free memory of the fast node in percent. */
  readonly freePercent: Float64Array;
  /** Ops per second of all processes. */
  readonly opsHz: Float64Array;
  /** Bytes moved between nodes. */
  readonly movedBytes: Float64Array;
  /**
   * CPU nanoseconds of all CPUs that sampling took, schemes or a policy, and waiting for pages on their
   * way.
   */
  readonly overheadNs: Float64Array;
  /** The share in percent that a search for the best one ended at. */
  readonly foundPercent?: number;
  /** Equations of the books that did not hold: none, unless something was lost uncounted. */
  readonly unbalanced: readonly string[];
}

/** Who places pages, and its runs as far as they are done. */
interface PlacementCase {
  /** Such as `IBS Op`. */
  readonly name: string;
  /** Cases of one group are compared with each other. */
  readonly group: string;
  /** In the order of their seeds. */
  readonly runs: readonly PlacementRun[];
}

/** A study as far as it is done. */
interface PlacementRecord {
  readonly title: string;
  /** The machine, its workload and the settings in a few short phrases. */
  readonly machine: readonly string[];
  readonly cases: readonly PlacementCase[];
  /** By group: the case whose throughput is 100 %, of that group or another. */
  readonly baselines: Readonly<Record<string, string>>;
  /** The case of each group that its others are compared with, seed by seed. @default none */
  readonly reference?: string;
  /** Seeds of each case. */
  readonly seeds: readonly number[];
  readonly runsDone: number;
  readonly runsPlanned: number;
  readonly simulatedSeconds: number;
  readonly wallSeconds: number;
  readonly workers: number;
}

/** What the runs of a case say about the stretch that is judged. */
interface PlacementSummary {
  readonly name: string;
  readonly group: string;
  readonly runs: number;
  /** Ops per second. */
  readonly opsHz: MeanInterval | undefined;
  /** That as a share of the baseline's in percent, seed by seed. */
  readonly opsPercent: MeanInterval | undefined;
  /** Seconds until half of the hot memory was on the fast node. */
  readonly halfSeconds: MeanInterval | undefined;
  /** Seconds until 90 % of it was: detection and ramp. */
  readonly rampSeconds: MeanInterval | undefined;
  /** Runs in which that never was; they count in no time and no deviation. */
  readonly notReached: number;
  /** Percent, in the second half of the stretch. */
  readonly hotPercent: MeanInterval | undefined;
  /** Standard deviation after the ramp within a run, in percentage points. */
  readonly hotStddev: MeanInterval | undefined;
  /** Percent, in the second half of the stretch. */
  readonly freePercent: MeanInterval | undefined;
  readonly movedBytesPerSecond: MeanInterval | undefined;
  /** CPU nanoseconds per second. */
  readonly overheadNsPerSecond: MeanInterval | undefined;
  readonly foundPercent: MeanInterval | undefined;
}

/** A case against another of its group: differences seed by seed, below 0 where it has less. */
interface PlacementComparison {
  readonly name: string;
  readonly group: string;
  /** The other. */
  readonly reference: string;
  /** Runs, and in how many each of the two got 90 % of the hot memory to the fast node. */
  readonly runs: number;
  readonly reached: number;
  readonly referenceReached: number;
  /** Seconds of ramp; `undefined` where no seed had one in both, as below. */
  readonly rampSeconds: MeanInterval | undefined;
  /** Percentage points of the standard deviation after the ramp. */
  readonly hotStddev: MeanInterval | undefined;
  /** Ops per second, in percent of the other's. */
  readonly opsPercent: MeanInterval | undefined;
}

/**
 * What each case says.
 *
 * @example
 * ```ts
 * import { policies, summarizePlacement } from 'node-damon';
 *
 * const record = await policies({ policies: ['oracle'], seconds: 2 });
 * for (const summary of summarizePlacement(record)) console.log(summary.name);
 * ```
 */
declare function summarizePlacement({ cases, baselines }: PlacementRecord): PlacementSummary[];
/**
 * What each case does better or worse than the reference of its group; nothing without one.
 *
 * @example
 * ```ts
 * import { comparePlacement, primitives } from 'node-damon';
 *
 * // What is done in a second.
 * const signal = AbortSignal.timeout(1_000);
 * const record = await primitives({ primitives: ['ibs', 'accessed_bits'], signal });
 * for (const { name, opsPercent } of comparePlacement(record)) console.log(name, opsPercent);
 * ```
 */
declare function comparePlacement({ cases, reference }: PlacementRecord): PlacementComparison[];

/**
 * Text laid out for a terminal: tables, wrapped lines, and text from outside made harmless.
 */

/** 0 none, 1 the sixteen basic colours, 2 the 256 colours, 3 all; as in chalk. */
type ColorLevel = 0 | 1 | 2 | 3;
/** The terminal to render for. */
interface TerminalOptions {
  /** Columns of the terminal, 80 to 200; anything else is taken as the nearer of the two. @default 80 */
  readonly width?: number;
  /** @default 0 */
  readonly colorLevel?: ColorLevel;
}

/** What is explained, and how it is shown. */
interface TerminalExplanationOptions extends TerminalOptions {
  /** Names of the schemes, by index. */
  readonly names: readonly string[];
  /** Start of monitoring, on the source's clock. */
  readonly startNs: bigint;
  /** Rounds that had to make room before they could be explained. @default 0 */
  readonly roundsDropped?: number;
}

/**
 * What each scheme did and why no more.
 *
 * @example
 * ```ts
 * import { loadConfig, renderExplanation, runConfig } from 'node-damon';
 *
 * const config = { ...(await loadConfig('pull-push.yaml')), untilMs: '3 s', changes: [] };
 * const { explanation, schemes: names, startNs } = await runConfig(config);
 * console.log(renderExplanation(explanation, { names, startNs }));
 * ```
 */
declare function renderExplanation(
  series: StretchSeries,
  options: TerminalExplanationOptions,
): string;

/**
 * The heatmap as text for a terminal: half blocks in colour, or glyphs without.
 */

/** How {@link renderHeatmap} lays the map out. */
interface TerminalHeatmapOptions extends TerminalOptions {
  /** Lines of the map itself. With 256 colours or more each line has two rows. @default 24 */
  readonly lines?: number;
  /** Names for the addresses, and boundaries that rows respect. @default [] */
  readonly nodes?: readonly MemoryNode[];
}

/**
 * Time × address, low addresses on top: one line of labels, the map, the time axis, the legend.
 *
 * @example
 * ```ts
 * import { renderHeatmap, replay } from 'node-damon';
 *
 * const { heatmap, nodes } = await replay({ path: 'redis.samples.csv.zst' });
 * console.log(renderHeatmap(heatmap, { nodes, width: 100 }));
 * ```
 */
declare function renderHeatmap(heatmap: Heatmap, options?: TerminalHeatmapOptions): string;

/**
 * The views as text for a terminal.
 *
 * Every function returns a string without a final newline and prints nothing. Colour is an
 * argument, so the same input gives the same bytes everywhere; without colour, glyphs carry the
 * same information. No line ends in a space or is wider than `width`.
 */

/**
 * The hottest ranges as a table.
 *
 * @example
 * ```ts
 * import { renderHotRanges, replay } from 'node-damon';
 *
 * const record = await replay({ path: 'redis.samples.csv.zst' });
 * console.log(renderHotRanges(record.hotRanges));
 * ```
 */
declare function renderHotRanges(ranges: readonly HotRange[], options?: TerminalOptions): string;
/**
 * The working set in a line, or two where the terminal is narrow.
 *
 * @example
 * ```ts
 * import { renderWorkingSet, replay } from 'node-damon';
 *
 * const record = await replay({ path: 'redis.samples.csv.zst' });
 * console.log(renderWorkingSet(record.workingSet));
 * ```
 */
declare function renderWorkingSet(set: WorkingSet, options?: TerminalOptions): string;
/**
 * All counters, and whether every equation balances.
 *
 * @example
 * ```ts
 * import { renderBooks, replay } from 'node-damon';
 *
 * const record = await replay({ path: 'redis.samples.csv.zst' });
 * console.log(renderBooks(record.books));
 * ```
 */
declare function renderBooks(books: Books, options?: TerminalOptions): string;
/**
 * How well each target was held, next to published results for the same target.
 *
 * @example
 * ```ts
 * import { demo, renderConvergence } from 'node-damon';
 *
 * const { rows, published } = await demo({ targets: [70], minutes: 0.1 });
 * console.log(renderConvergence(rows, published));
 * ```
 */
declare function renderConvergence(
  rows: readonly ConvergenceRow[],
  published?: readonly PublishedResult[],
  options?: TerminalOptions,
): string;

/**
 * The whole study as text.
 *
 * @example
 * ```ts
 * import { policies, renderPlacement } from 'node-damon';
 *
 * console.log(renderPlacement(await policies({ policies: ['oracle'], seconds: 2 }), { width: 120 }));
 * ```
 */
declare function renderPlacement(record: PlacementRecord, options?: TerminalOptions): string;

/**
 * The whole study as text.
 *
 * @example
 * ```ts
 * import { renderStudy, shares } from 'node-damon';
 *
 * const record = await shares({ weights: [7, 3], minutes: 0.05, seeds: 2 });
 * console.log(renderStudy(record, { width: 120 }));
 * ```
 */
declare function renderStudy(record: StudyRecord, options?: TerminalOptions): string;

/**
 * The views as one HTML file that needs nothing else: no network, no server, no other file.
 *
 * Charts are drawn by Chart.js, which is copied into the page. A content security policy lets the
 * page run exactly the scripts and the style it came with, and forbids it to load anything.
 * Not here: the style and the script themselves, and the thinning of data (see `page/`).
 */

/** What goes into a page. */
interface HtmlReport {
  readonly title: string;
  /** Who made the page and how, such as a command line. */
  readonly generatedBy: string;
  readonly replay?: ReplayRecord;
  readonly demo?: DemoRecord;
  readonly run?: RunRecord;
  readonly study?: StudyRecord;
  readonly placement?: PlacementRecord;
}

/**
 * A page that shows the records, as the text of one self-contained file.
 *
 * @example
 * ```ts
 * import { writeFileSync } from 'node:fs';
 *
 * import { renderHtml, replay } from 'node-damon';
 *
 * const record = await replay({ path: 'redis.samples.csv.zst' });
 * const page = renderHtml({ title: 'Redis', generatedBy: 'my script', replay: record });
 * writeFileSync('report.html', page);
 * ```
 */
declare function renderHtml(report: HtmlReport): string;

/** Other values for a goal of a scheme; what it measures stays as it is. */
interface SetGoal<Name extends string = string> {
  /** The scheme: its name, or its place from 0. */
  readonly scheme: NoInfer<Name> | number;
  /** Which of its goals. @default 0 */
  readonly goal?: number;
  /** The value to reach, as in the goal. @default as before */
  readonly targetValue?: Ratio;
  /** The value now, of a `user_input` goal. @default as before */
  readonly currentValue?: number;
}

/** What becomes different on the way; at least one of the two. */
interface ChangeOptions<Name extends string = string> {
  /** When: this long after the start of monitoring. Not before the change before it. */
  readonly atMs: Duration;
  /** Goals that get other values; everything else goes on as it is. @default none */
  readonly setGoals?: readonly SetGoal<Name>[];
  /** Options that are replaced, each as a whole. @default none: all stay as they were */
  readonly commit?: CommitOptions;
}

/** What is written besides the terminal. In a file, relative to that file. */
interface OutputOptions {
  /** File for a self-contained report. @default none */
  readonly html?: string | undefined;
  /** File for snapshots, tunings, rounds, events and a summary as NDJSON. @default none */
  readonly json?: string | undefined;
}

/** A whole run. */
interface RunConfig<Name extends string = string> extends Omit<KdamondOptions, 'schemes'> {
  /**
   * Where editors find the schema of this file, such as `node_modules/node-damon/schema.json`.
   * @default nowhere
   */
  readonly $schema?: string;
  /** What to do, in order. @default nothing @kernel schemes */
  readonly schemes?: readonly (SchemeOptions & {
    readonly name?: Name;
  })[];
  /** Length of the run. @default until the source ends; an emulation has no end */
  readonly untilMs?: Duration;
  /** What becomes different on the way, in order. @default nothing */
  readonly changes?: readonly ChangeOptions<Name>[];
  /** Files that are written. @default the terminal only */
  readonly output?: OutputOptions;
}

/**
 * A configuration that a module gives as its default export: knows the options, and the names of the
 * schemes where a change refers to them.
 *
 * @example
 * ```ts
 * import { RFC_MACHINE, defineConfig } from 'node-damon';
 *
 * export default defineConfig({ source: RFC_MACHINE, untilMs: '15 min' });
 * ```
 */
declare function defineConfig<const Name extends string>(config: RunConfig<Name>): RunConfig<Name>;

/**
 * Reads a file and checks it.
 *
 * @example
 * ```ts
 * import { loadConfig } from 'node-damon';
 *
 * const { schemes = [] } = await loadConfig('pull-push.yaml');
 * console.log(schemes.map(({ name }) => name).join(' ')); // PULL PUSH
 * ```
 *
 * @param path of a file of YAML or JSON, or of a module whose default export is a configuration
 * @throws DamonError with `file`, and with `line` and `column` where it is a text:
 *   `ERR_DAMON_CONFIG_FILE` for one that cannot be read, `ERR_DAMON_CONFIG…` for what it says
 */
declare function loadConfig(path: string): Promise<RunConfig>;
/**
 * Every reason for which {@link loadConfig} would refuse the file, in its order where it is a text;
 * empty when it would not.
 *
 * @example
 * ```ts
 * import { checkConfig } from 'node-damon';
 *
 * for (const { path, line, message, hint } of await checkConfig('pull-push.yaml')) {
 *   console.log(path, line, message, hint);
 * }
 * ```
 */
declare function checkConfig(path: string): Promise<DamonError[]>;

/** Gathers what the schemes of a monitor do while it runs, for the record of a job. */

/** Who wants to know why schemes do what they do. */
interface ExplainHooks {
  /** Called for each step of a tuner. */
  readonly onTuning?: (tuning: Tuning) => void;
  /** Called with the rounds since the call before, in order, and waited for. */
  readonly onRounds?: (rounds: readonly Round[]) => void | Promise<void>;
}

/** A run in progress. */
interface RunHandle {
  /**
   * Goes on by another configuration: its schemes, its attributes, its sampler, its changes to come,
   * its end. What has become different counts as changed now; another sampler begins anew.
   *
   * @throws DamonError for one that would be refused at the start, `ERR_DAMON_CONFIG_FIXED` for one
   *   that needs another monitor, `ERR_DAMON_BUSY` while the reload before is still to take effect,
   *   `ERR_DAMON_ENDED` after the end. The run then goes on as it was.
   */
  readonly reload: (config: RunConfig) => Promise<void>;
  /** Ends the run where it is: it resolves to what is done so far. Changes that were to come are missed. */
  readonly end: () => void;
}

/** Who wants to know. */
interface RunHooks extends ExplainHooks {
  /** Called when everything is open, before anything runs. */
  readonly onStart?: (run: RunHandle) => void;
  /** Called for each snapshot, in order, and waited for; may keep it. */
  readonly onSnapshot?: (snapshot: Snapshot) => void | Promise<void>;
  /** Called for each change, planned or reloaded. */
  readonly onEvent?: (event: RunEvent) => void;
  /** Called now and then. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called with the books as they stand when the run fails, before it rejects. */
  readonly onFailure?: (books: Books<MonitorCounters>) => void;
  /** Ends the run with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a configuration.
 *
 * @example
 * ```ts
 * import { loadConfig, runConfig } from 'node-damon';
 *
 * const config = { ...(await loadConfig('pull-push.yaml')), untilMs: '3 s', changes: [] };
 * const { hotRanges } = await runConfig(config, {
 *   onTuning: ({ scheme, goals }) => console.log(scheme, goals[0]?.currentValue),
 * });
 * console.log(hotRanges[0]?.start);
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG…` for the configuration, what the source fails with
 */
declare function runConfig(config: RunConfig, hooks?: RunHooks): Promise<RunRecord>;

/** The first job: replay a recording through the whole monitor and say what a tiering engineer asks. */

/** What to replay, and how closely to look. */
interface ReplayOptions extends Omit<RecordingOptions, 'type'>, Pick<ExplainHooks, 'onRounds'> {
  /** Time between snapshots. @default "1 s" */
  readonly everyMs?: Duration;
  /** @default {@link replayAttrs} */
  readonly attrs?: AttrsOptions;
  /** Decides where regions are cut. @default 1 */
  readonly seed?: number;
  /** Called for each snapshot, in order, and waited for; may keep it. */
  readonly onSnapshot?: (snapshot: Snapshot) => void | Promise<void>;
  /** Called now and then. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called with the books as they stand when the replay fails, before it rejects. */
  readonly onFailure?: (books: Books<MonitorCounters>) => void;
  /** Ends the replay with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Attributes for recordings: as the kernel's, but with 500 to 1000 regions and aggregations of up
 * to 500 ms that divide the time between snapshots.
 *
 * The kernel starts with 10 regions because each costs it an access check. A report costs the same
 * however many regions there are, and a region's count is that of *any* report in it, so counts can
 * only be compared between regions of similar size: many, evenly sized regions see sharper.
 *
 * @example
 * ```ts
 * import { replayAttrs } from 'node-damon';
 *
 * console.log(replayAttrs(1_000).aggregationUs); // 500000
 * ```
 */
declare function replayAttrs(
  everyMs: number,
): Required<Omit<AttrsOptions, 'opsUpdateUs' | 'intervalsGoal'>>;
/**
 * Replays a recording: reader, lanes, drain, regions, a `stat` scheme, report.
 *
 * @example
 * ```ts
 * import { replay } from 'node-damon';
 *
 * const { hotRanges, workingSet } = await replay({ path: 'redis.samples.csv.zst', everyMs: '10 s' });
 * console.log(hotRanges[0]?.start, workingSet.accessedBytes);
 * ```
 *
 * @throws DamonError `ERR_DAMON_TRACE_…` for the file, `ERR_DAMON_CONFIG…` for options
 */
declare function replay(options: ReplayOptions): Promise<ReplayRecord>;

/** What to hold, for how long. */
interface DemoOptions extends ExplainHooks {
  /** Shares of hot memory on DRAM in percent, each above 0 and below 100, one after the other. @default [70] */
  readonly targets?: readonly number[];
  /** Simulated minutes for each target. Above 0, at most 1440. @default 15, the least of the RFC's runs */
  readonly minutes?: number;
  /** Decides every random draw. @default 1 */
  readonly seed?: number;
  /** @default "temporal", as the RFC */
  readonly tuner?: TunerName;
  /** Called now and then. */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the run with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The RFC's closed-loop results, in percent. `hardware-sampling.md` 13.1. */
declare const PUBLISHED: readonly PublishedResult[];
/**
 * Runs the demonstration.
 *
 * @example
 * ```ts
 * import { demo } from 'node-damon';
 *
 * const { rows } = await demo({ targets: [70, 90], minutes: 0.05 });
 * for (const { target, mean } of rows) console.log(target, mean);
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_DEMO` for a target or a time that cannot be
 */
declare function demo(options?: DemoOptions): Promise<DemoRecord>;

/**
 * A recording as a workload of the emulated machine: what its snapshots saw, phase by phase.
 *
 * Each stretch of memory that was touched becomes an area, each snapshot a phase of its length, each
 * hot range of it a line that touches that part of the area, by its share of the hits. So a policy
 * can be tried on what a real program did, with nodes, migration and speed that it never had.
 */

/** How a recording is made a workload. */
interface RecordedWorkloadOptions extends ProgramOptions {
  /** Hot ranges of a snapshot that are kept, hottest first. @default 32 */
  readonly rangesMax?: number;
  /** Share of accesses that are stores: a snapshot does not tell. @default 0.3 */
  readonly storeShare?: number;
  /** Whether it begins anew after its end; else the last phase stays. @default false */
  readonly repeats?: boolean;
}

/**
 * Makes a workload of snapshots, oldest first. Snapshots that saw nothing are left out.
 *
 * @example
 * ```ts
 * import { Kdamond, type Snapshot, TWO_SOCKETS, recordedWorkload } from 'node-damon';
 *
 * const path = 'redis.samples.csv.zst';
 * using seen = new Kdamond({ source: { type: 'recording', path }, everyMs: '10 s' });
 * const snapshots: Snapshot[] = [];
 * for await (const snapshot of seen.snapshots()) snapshots.push(snapshot);
 * const workload = recordedWorkload(snapshots);
 * using tried = new Kdamond({ source: { ...TWO_SOCKETS, workload } });
 * await tried.run({ untilMs: '1 s' });
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_WORKLOAD` if no snapshot saw any access
 */
declare function recordedWorkload(
  snapshots: readonly Snapshot[],
  options?: RecordedWorkloadOptions,
): ProcessesOptions;

/**
 * Who decides how much is moved: a tuner, or user space, which commits size quotas and `user_input`
 * goals once per window as it would to a kernel.
 */
type Controller = TunerName | 'user_input';
/** Shares to hold, for how long. */
interface LoopStep {
  /** By node; in percent, or any other unit: only their ratios count. */
  readonly weights: readonly number[];
  readonly seconds: number;
}

/** A closed loop. */
interface LoopOptions {
  /** @default the RFC's */
  readonly source?: EmulationOptions;
  readonly attrs?: AttrsOptions;
  /** @default "temporal", as the RFC */
  readonly controller?: Controller;
  /** Bytes each scheme may move per window. @default "512 MiB" */
  readonly szBytes?: Bytes;
  /** Length of a window. @default "1 s" */
  readonly resetIntervalMs?: Duration;
  /** One after the other, as live changes; the last is the one that is judged. */
  readonly steps: readonly LoopStep[];
}

/** A loop with a name. */
interface CaseOptions {
  /** What is held. Cases of one name are compared with the first. */
  readonly name: string;
  readonly loop: LoopOptions;
  /** What others measured, for the first node. */
  readonly published?: PublishedResult;
}

/** How a study is run. */
interface StudyRunOptions {
  /** How many seeds. From 1 to 10000. @default 1 */
  readonly seeds?: number;
  /** The first; the others follow it. @default 1 */
  readonly seed?: number;
  /** Threads. @default one for each core */
  readonly workers?: number;
  /** Called now and then. */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the study; what is done by then is its result. */
  readonly signal?: AbortSignal;
}

/** A study, before it is run. */
interface StudyOptions extends StudyRunOptions {
  readonly title: string;
  readonly cases: readonly CaseOptions[];
}

/**
 * Runs each case with each seed.
 *
 * @example
 * ```ts
 * import { RFC_MACHINE, study } from 'node-damon';
 *
 * const steps = [{ weights: [7, 3], seconds: 3 }];
 * const { cases } = await study({
 *   title: 'Two tuners',
 *   cases: (['temporal', 'proportional'] as const).map((controller) => ({
 *     name: '70 %',
 *     loop: { source: RFC_MACHINE, steps, controller },
 *   })),
 * });
 * console.log(cases.map(({ controller }) => controller).join(', ')); // temporal, proportional
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`, and what a run would be refused for
 */
declare function study({ title, cases, ...how }: StudyOptions): Promise<StudyRecord>;

/**
 * The RFC's demonstration: its four rows, each a stretch of its own under one target.
 *
 * Two start cold, half of the hot set on each node. Two are live changes: a share is held for a
 * minute, then the target changes, and the stretch after that is judged. `hardware-sampling.md` 13.1
 * does not say what the share was before; ours are the rows before.
 */

/** Which rows, under whom, for how long. */
interface DemoRowsOptions extends StudyRunOptions, Omit<LoopOptions, 'steps' | 'controller'> {
  /** Simulated minutes of each row after its start. Above 0, at most 1440. @default 30, the most of the RFC's */
  readonly minutes?: number;
  /** Compared with the first of them. @default ["temporal"], as the RFC */
  readonly controllers?: readonly Controller[];
}

/**
 * Runs the four rows.
 *
 * @example
 * ```ts
 * import { demoRows } from 'node-damon';
 *
 * // What is done in a second.
 * const signal = AbortSignal.timeout(1_000);
 * const { runsDone, runsPlanned } = await demoRows({ seeds: 20, signal });
 * console.log(`${runsDone} of ${runsPlanned}`);
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`
 */
declare function demoRows(options?: DemoRowsOptions): Promise<StudyRecord>;

/** What is varied, around what. */
interface SensitivityOptions extends StudyRunOptions {
  /** Share of hot memory on DRAM in percent, above 0 and below 100. @default 70 */
  readonly target?: number;
  /** Simulated minutes of each run. Above 0, at most 1440. @default 5 */
  readonly minutes?: number;
  /** @default "temporal", as the RFC */
  readonly controller?: Controller;
  /** @default all */
  readonly parameters?: readonly ParameterName[];
}

/** A parameter of the model. */
type ParameterName =
  | 'start'
  | 'cold'
  | 'busy'
  | 'late'
  | 'hot'
  | 'period'
  | 'regions'
  | 'aggregation'
  | 'quota'
  | 'window';
/**
 * Runs the loop as the RFC has it, and with each parameter changed.
 *
 * @example
 * ```ts
 * import { sensitivity } from 'node-damon';
 *
 * const { cases } = await sensitivity({ parameters: ['window'], minutes: 0.05 });
 * console.log(cases.map(({ name }) => name).join(', '));
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`
 */
declare function sensitivity(options?: SensitivityOptions): Promise<StudyRecord>;

/** Which shares, under whom, for how long. */
interface SharesOptions extends StudyRunOptions, Omit<LoopOptions, 'steps' | 'controller'> {
  /** By node, each above 0; at least two. @default [5, 3, 2] */
  readonly weights?: readonly number[];
  /** Simulated minutes. Above 0, at most 1440. @default 5 */
  readonly minutes?: number;
  /** Compared with the first of them. @default ["proportional"] */
  readonly controllers?: readonly Controller[];
}

/**
 * Holds the shares.
 *
 * @example
 * ```ts
 * import { shares } from 'node-damon';
 *
 * const record = await shares({ weights: [5, 3, 2], minutes: 0.1 });
 * console.log(record.runsDone); // 1
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`, `ERR_DAMON_CONFIG_SHARES`
 */
declare function shares(options?: SharesOptions): Promise<StudyRecord>;

/** A way to see accesses. */
type PrimitiveName = 'ibs' | 'pebs' | 'hotness_unit' | 'accessed_bits' | 'hint_faults';
/** Which primitives, for how long. */
interface PrimitivesOptions extends StudyRunOptions {
  /** @default all */
  readonly primitives?: readonly PrimitiveName[];
  /** Simulated seconds after the hot set moved. From 2. @default 40 */
  readonly seconds?: number;
}

/**
 * Runs the machine under each primitive, and under the oracle.
 *
 * @example
 * ```ts
 * import { primitives } from 'node-damon';
 *
 * // What is done in a second.
 * const signal = AbortSignal.timeout(1_000);
 * const { runsDone, runsPlanned } = await primitives({ primitives: ['ibs', 'pebs'], signal });
 * console.log(`${runsDone} of ${runsPlanned}`);
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`
 */
declare function primitives(options?: PrimitivesOptions): Promise<PlacementRecord>;

/** All regimes. */
declare const REGIME_NAMES: readonly ['tiering', 'bandwidth'];
/** A regime. */
type RegimeName = (typeof REGIME_NAMES)[number];
/** Which regimes, for how long. */
interface RegimesOptions extends StudyRunOptions {
  /** @default both */
  readonly regimes?: readonly RegimeName[];
  /** Simulated seconds that are judged. From 2. @default 20 */
  readonly seconds?: number;
  /** Simulated seconds of the search for the best share before that. From 2. @default 100 */
  readonly searchSeconds?: number;
}

/**
 * Runs both regimes.
 *
 * @example
 * ```ts
 * import { regimes } from 'node-damon';
 *
 * const { cases } = await regimes({ regimes: ['tiering'], seconds: 2 });
 * console.log(cases.map(({ name }) => name).join(', '));
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`
 */
declare function regimes(options?: RegimesOptions): Promise<PlacementRecord>;

/** Who places pages. */
type PlacerName =
  'damon_temporal' | 'damon_proportional' | 'numa_balancing' | 'pghot' | 'interleave' | 'oracle';
/** Which rivals, for how long. */
interface PoliciesOptions extends StudyRunOptions {
  /** The oracle runs in any case. @default all */
  readonly policies?: readonly PlacerName[];
  /** Simulated seconds after the hot set moved. From 2. @default 40 */
  readonly seconds?: number;
}

/**
 * Runs the machine under each of them.
 *
 * @example
 * ```ts
 * import { policies } from 'node-damon';
 *
 * const { cases } = await policies({ policies: ['pghot'], seconds: 2 });
 * console.log(cases.map(({ name }) => name).join(', '));
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_STUDY`
 */
declare function policies(options?: PoliciesOptions): Promise<PlacementRecord>;

/** Repeated calls, as an argument: who steps time decides when they come. */
/**
 * Calls back every so many milliseconds, until the function it returns is called. Who steps time waits
 * for what is called.
 */
type Every = (ms: number, call: () => void | Promise<void>) => () => void;

/** How a quota follows its goals. */
declare const GOAL_TUNERS: readonly ['consist', 'temporal'];
/** What a scheme's watermarks look at. */
declare const WATERMARK_METRICS: readonly ['none', 'free_mem_rate'];
/** Scheme filters that the operations set evaluates, page by page. */
declare const OPS_FILTERS: readonly [
  'anon',
  'active',
  'memcg',
  'young',
  'hugepage_size',
  'unmapped',
];
/** Scheme filters that the core evaluates, region by region. */
declare const CORE_FILTERS: readonly ['addr', 'target', 'probe_hits_wsum'];
/** What makes a probe's pages ready to be looked at. */
declare const PREP_ACTIONS: readonly ['set_pgidle'];
/** What a probe asks of a page. */
declare const PROBE_FILTERS: readonly ['anon', 'memcg', 'pgidle_unset'];

/**
 * What the tree asks of whoever runs monitors, and the plain data that goes between the two.
 *
 * Everything is in the kernel's terms: its words, its units, 64-bit numbers as `bigint` and smaller
 * ones as `number`. Not here: any of our own options; an engine translates.
 */

/** Runs monitors. */
interface AdminEngine {
  /** Names for `avail_operations`, in order. A context with any other never gets here. */
  readonly operations: readonly string[];
  /** For `refresh_ms`, by the time that the monitors go by. @default the machine's clock */
  readonly every?: Every;
  /**
   * Starts a monitor. The context has passed every check that needs no running system.
   *
   * Rejects with an `AdminError`: `EINVAL` for a process, cgroup of a probe, or combination that
   * is not there; `ENOMEM` for a scheme that cannot be built, such as for an unknown cgroup;
   * `EBUSY` where something exclusive runs; `ENODEV` for a sampler that is not there; `EOPNOTSUPP`
   * for what it cannot do. Its path, if any, is that of the file at fault below the context's
   * directory, such as `monitoring_attrs/intervals/aggr_us`. The tree tells any other error as
   * `EINVAL` with that error as the cause.
   */
  start(context: AdminContext): Promise<AdminKdamond>;
}

/**
 * One monitor. The tree asks it one thing at a time, and nothing once it is seen not to run.
 * Rejections: as for {@link AdminEngine.start}, and `ECANCELED` from one that stops before it
 * answers.
 */
interface AdminKdamond {
  /** Whether it runs. May become false by itself. */
  readonly running: boolean;
  /** Shown while it runs. */
  readonly pid: number;
  /** Stops it; resolves when it has stopped. */
  stop(): Promise<void>;
  /** Replaces what it was started with; all of it or, on a rejection, nothing. */
  commit(context: AdminContext): Promise<void>;
  /**
   * Replaces the goals of each scheme, by index, and nothing else of the quota. Lists beyond its
   * schemes are ignored; schemes beyond the lists keep theirs. `EINVAL` for an unknown cgroup.
   */
  commitGoals(goals: readonly (readonly AdminGoal[])[]): Promise<void>;
  /** Counters, by scheme. */
  stats(): Promise<readonly AdminStats[]>;
  /** Size quota in force, by scheme. 0: none, or nothing. */
  effectiveBytes(): Promise<readonly bigint[]>;
  /** The intervals now, tuned or not. */
  tunedIntervals(): Promise<AdminTunedIntervals>;
  /**
   * The regions that each scheme tries in its next round, by scheme. `ECANCELED` when it stops, is
   * paused or deactivated, or has no schemes.
   */
  triedRegions(): Promise<readonly AdminTriedRegions[]>;
}

/** A monitoring context, as its files were when a command was written. `struct damon_ctx`. */
interface AdminContext {
  readonly operations: OperationsName;
  /** Bytes in a unit of an address or size. For physical operations sets only. Minimum: 1. */
  readonly addrUnit: bigint;
  readonly pause: boolean;
  readonly attrs: AdminAttrs;
  /** At most 4. */
  readonly probes: readonly AdminProbe[];
  readonly targets: readonly AdminTarget[];
  readonly sample: AdminSample;
  readonly schemes: readonly AdminScheme[];
}

/** `struct damon_attrs`. */
interface AdminAttrs {
  readonly sampleUs: bigint;
  /** Minimum: `sampleUs`. */
  readonly aggregationUs: bigint;
  readonly opsUpdateUs: bigint;
  /** Minimum: 3. */
  readonly minNrRegions: bigint;
  /** Minimum: `minNrRegions`. */
  readonly maxNrRegions: bigint;
  readonly intervalsGoal: AdminIntervalsGoal;
}

/** `struct damon_intervals_goal`. */
interface AdminIntervalsGoal {
  readonly accessBp: bigint;
  /** 0: intervals are not tuned, and nothing else here counts. */
  readonly aggrs: bigint;
  readonly minSampleUs: bigint;
  readonly maxSampleUs: bigint;
}

/** A data-attribute probe. */
interface AdminProbe {
  readonly weight: number;
  readonly preps: readonly (typeof PREP_ACTIONS)[number][];
  readonly filters: readonly AdminProbeFilter[];
}

/** What a filter does with what it is about. */
interface AdminVerdict {
  /** About what matches; `false`: about what does not. */
  readonly matching: boolean;
  /** Lets it through; `false`: rejects it. */
  readonly allow: boolean;
}

/** Which pages a probe counts. */
interface AdminProbeFilter extends AdminVerdict {
  readonly type: (typeof PROBE_FILTERS)[number];
  /** Path of a memory cgroup as it was written, for `memcg`. */
  readonly path: string;
}

/** What is monitored: a process, or all of physical memory. `struct damon_target`. */
interface AdminTarget {
  /** Process id, for virtual operations sets. */
  readonly pid: number;
  /** On commit: the target of this index is to go. */
  readonly obsolete: boolean;
  /** Ascending, not empty and apart from each other once aligned outwards to the smallest region. */
  readonly regions: readonly AdminRange[];
}

/** Half-open, in units of {@link AdminContext.addrUnit}. */
interface AdminRange {
  readonly start: bigint;
  readonly end: bigint;
}

/** How accesses are seen, and which of them. */
interface AdminSample {
  readonly primitives: {
    readonly pageTable: boolean;
    readonly pageFault: boolean;
  };
  readonly filters: readonly AdminSampleFilter[];
  /** At most 64. */
  readonly perfEvents: readonly AdminPerfEvent[];
}

/** Which access reports count. Lists hold at least one. */
type AdminSampleFilter = AdminVerdict &
  (
    | {
        readonly type: 'cpumask';
        readonly cpus: readonly number[];
      }
    | {
        readonly type: 'threads';
        readonly tids: readonly number[];
      }
    | {
        readonly type: 'write';
      }
  );
/** A sampler of the machine's. Fields as in `struct perf_event_attr`. */
interface AdminPerfEvent {
  readonly type: number;
  readonly config: bigint;
  readonly config1: bigint;
  readonly config2: bigint;
  readonly samplePhysAddr: boolean;
  readonly sampleWeightStruct: boolean;
  /** Goes by `sampleFreq`; `false`: by `samplePeriod`. */
  readonly freq: boolean;
  /** Samples per second and CPU. 0: none. */
  readonly sampleFreq: bigint;
  /** Events per sample. */
  readonly samplePeriod: bigint;
  readonly wakeupEvents: number;
  /** Not checked. */
  readonly preciseIp: number;
  readonly excludeKernel: boolean;
  readonly excludeHv: boolean;
}

/** A scheme. `struct damos`. */
interface AdminScheme {
  readonly action: ActionName;
  /** 0: once per aggregation. */
  readonly applyIntervalUs: bigint;
  /** -1: no node. */
  readonly targetNid: number;
  readonly pattern: AdminPattern;
  readonly quota: AdminQuota;
  readonly watermarks: AdminWatermarks;
  /** In the order of installation. */
  readonly coreFilters: readonly AdminCoreFilter[];
  /** In the order of installation. */
  readonly opsFilters: readonly AdminOpsFilter[];
  /** Where `migrate_*` moves pages instead of `targetNid`. */
  readonly dests: readonly AdminDest[];
  /** 0: no limit. */
  readonly maxNrSnapshots: bigint;
}

/** A node, and its share among the nodes. */
interface AdminDest {
  readonly id: number;
  readonly weight: number;
}

/** The regions that a scheme is about. Closed bounds; those that no region can meet are allowed. */
interface AdminPattern {
  readonly szBytes: {
    readonly min: bigint;
    readonly max: bigint;
  };
  readonly nrAccesses: {
    readonly min: number;
    readonly max: number;
  };
  /** In aggregations. */
  readonly age: {
    readonly min: number;
    readonly max: number;
  };
}

/** Limits of what a scheme does in a window. Every 0: not set. `struct damos_quota`. */
interface AdminQuota {
  readonly ms: bigint;
  readonly bytes: bigint;
  readonly resetIntervalMs: bigint;
  readonly goals: readonly AdminGoal[];
  readonly tuner: (typeof GOAL_TUNERS)[number];
  readonly failChargeNum: number;
  readonly failChargeDenom: number;
  /** Not limited to 1000. */
  readonly weights: {
    readonly sz: number;
    readonly nrAccesses: number;
    readonly age: number;
  };
}

/** What a quota is steered by. `struct damos_quota_goal`. */
interface AdminGoal {
  readonly metric: MetricName;
  /** In the metric's unit. Minimum: 1. */
  readonly targetValue: bigint;
  /** For `user_input`. */
  readonly currentValue: bigint;
  /** For the metrics about a node. */
  readonly nid: number;
  /** Path of a memory cgroup as it was written, for the metrics about one. */
  readonly path: string;
}

/** Rates in permil. */
interface AdminWatermarks {
  readonly metric: (typeof WATERMARK_METRICS)[number];
  readonly intervalUs: bigint;
  readonly high: bigint;
  readonly mid: bigint;
  readonly low: bigint;
}

/** All that a scheme filter's files hold; which of it counts is the type's to say. */
interface AdminFilterArguments extends AdminVerdict {
  /** Path of a memory cgroup as it was written, for `memcg`. */
  readonly memcgPath: string;
  /** For `addr`. */
  readonly addr: AdminRange;
  /** Closed bounds, for `hugepage_size` and `probe_hits_wsum`. */
  readonly range: {
    readonly min: bigint;
    readonly max: bigint;
  };
  /** For `target`. */
  readonly targetIdx: number;
}

/** A filter that is asked about regions. */
interface AdminCoreFilter extends AdminFilterArguments {
  readonly type: (typeof CORE_FILTERS)[number];
}

/** A filter that is asked about pages. */
interface AdminOpsFilter extends AdminFilterArguments {
  readonly type: (typeof OPS_FILTERS)[number];
}

/** Counters of a scheme since it was made. `damon-core.md` 5.12. */
interface AdminStats {
  readonly nrTried: bigint;
  readonly szTried: bigint;
  readonly nrApplied: bigint;
  readonly szApplied: bigint;
  readonly szOpsFilterPassed: bigint;
  readonly qtExceeds: bigint;
  readonly nrSnapshots: bigint;
}

/** Monitoring intervals as they are. */
interface AdminTunedIntervals {
  readonly sampleUs: bigint;
  readonly aggregationUs: bigint;
}

/** What one scheme tried. */
interface AdminTriedRegions {
  readonly totalBytes: bigint;
  readonly regions: readonly AdminTriedRegion[];
}

/** A region, as it was when it was tried. */
interface AdminTriedRegion extends AdminRange {
  /** The moving value. */
  readonly nrAccesses: number;
  readonly age: number;
  readonly szFilterPassed: bigint;
  /** By probe. */
  readonly probeHits: readonly number[];
}

/** What can be chosen for a tree. */
interface AdminTreeOptions {
  /**
   * For `refresh_ms`: calls back every so many milliseconds until the function it returns is
   * called. @default the engine's, else the machine's clock; does not keep the process alive
   */
  readonly every?: Every;
}

/** What a path is. */
interface AdminStat {
  readonly type: 'dir' | 'file';
  /** Permission bits: 0o755, 0o600 or 0o400. */
  readonly mode: number;
}

/**
 * `/sys/kernel/mm/damon/admin`, without the kernel.
 *
 * Paths are relative to it, such as `kdamonds/0/state`; with `/`, or with its full name, in front
 * they mean the same. Errors are {@link AdminError}s.
 *
 * @example
 * ```ts
 * import { AdminTree, KdamondEngine, RFC_MACHINE } from 'node-damon';
 *
 * const tree = new AdminTree(new KdamondEngine({ source: RFC_MACHINE, speed: 0 }));
 * await tree.write('kdamonds/nr_kdamonds', '1');
 * await tree.write('kdamonds/0/contexts/nr_contexts', '1');
 * await tree.write('kdamonds/0/contexts/0/operations', 'paddr');
 * await tree.write('kdamonds/0/contexts/0/targets/nr_targets', '1');
 * await tree.write('kdamonds/0/state', 'on');
 * console.log(tree.read('kdamonds/0/state').trim()); // on
 * await tree.close();
 * ```
 */
declare class AdminTree {
  #private;
  constructor(engine: AdminEngine, options?: AdminTreeOptions);
  /**
   * Names in a directory: numbers first, in their order.
   *
   * @throws AdminError `ENOENT`, `ENOTDIR`
   */
  list(path: string): string[];
  /** What a path is; `undefined` where there is nothing. */
  stat(path: string): AdminStat | undefined;
  /**
   * What a file shows: a value, and a newline.
   *
   * @throws AdminError `ENOENT`, `ENOTDIR`, `EISDIR`; `EBUSY` for `state`, `pid` and cgroup paths
   * while a command runs
   */
  read(path: string): string;
  /**
   * Writes a text to a file, as one `write(2)` does; resolves when what it sets off is done. A
   * refusal leaves the file as it was. An empty text does nothing.
   *
   * @throws AdminError `ENOENT`, `ENOTDIR`, `EISDIR`, `EACCES` for a read-only file; `EINVAL` and
   * `ERANGE` for a text that the file does not take; `EBUSY` as for {@link read}, for
   * counts too, and for `nr_kdamonds` while any monitor runs; for `state` what the command answers
   */
  write(path: string, text: string): Promise<void>;
  /** Stops every monitor. What was written can still be read; nothing more can be written. */
  close(): Promise<void>;
}

/**
 * What a file of the tree answers when it refuses: an errno, as `open(2)`, `read(2)` and `write(2)` do.
 *
 * `damon-core.md` 0.2, 8.2 and 9.1. Not here: when which one is answered.
 */

/** The numbers of Linux, positive. */
declare const ERRNO: {
  readonly EPERM: 1;
  readonly ENOENT: 2;
  readonly ENOMEM: 12;
  readonly EACCES: 13;
  readonly EBUSY: 16;
  readonly ENODEV: 19;
  readonly ENOTDIR: 20;
  readonly EISDIR: 21;
  readonly EINVAL: 22;
  readonly ERANGE: 34;
  readonly ENOSYS: 38;
  readonly EOPNOTSUPP: 95;
  readonly ECANCELED: 125;
};
/** The name of an errno. */
type ErrnoName = keyof typeof ERRNO;
/**
 * A refusal by the tree, or by the engine behind it. Its `code` is `ERR_DAMON_ADMIN_` and the
 * errno's name; its `path` is the file at fault, relative to the root of the tree.
 *
 * @example
 * ```ts
 * import { AdminError } from 'node-damon';
 *
 * const busy = new AdminError('EBUSY', 'Another monitor owns the sampler', { hint: 'stop it first' });
 * console.log(busy.errno, busy.code); // 16 ERR_DAMON_ADMIN_EBUSY
 * ```
 */
declare class AdminError extends DamonError {
  /** The number, positive: 22 for `EINVAL`. */
  readonly errno: number;
  constructor(errno: ErrnoName, message: string, details?: Omit<DamonErrorDetails, 'code'>);
  /** Its name: `EINVAL`. */
  get errnoName(): ErrnoName;
}

/** What the monitors of a tree watch, and how fast. */
interface KdamondEngineOptions extends Pick<KdamondOptions, 'seed' | 'laneSlots'> {
  /** Where accesses come from. */
  readonly source: EmulationOptions | RecordingOptions;
  /**
   * Simulated seconds per second, as far as the processor keeps up. 0: time stands still but for
   * `step`, and for what a command has to wait for. @default 1
   */
  readonly speed?: number;
  /**
   * The number of the emulated machine's PMU `ibs_op`, for the file `type` of a perf event. @default 11
   */
  readonly ibsOpType?: number;
  /** Called when a monitor ends by itself or is stopped; with the error, if it failed. */
  readonly onEnd?: (error?: unknown) => void;
}

/**
 * Runs a {@link Kdamond} for every `on` that is written to an {@link AdminTree}.
 *
 * @example
 * ```ts
 * import { AdminTree, KdamondEngine, RFC_MACHINE, replayScript } from 'node-damon';
 *
 * const engine = new KdamondEngine({ source: RFC_MACHINE, speed: 0 });
 * const tree = new AdminTree(engine);
 * const script = `
 *   cd /sys/kernel/mm/damon/admin/kdamonds
 *   echo 1 > nr_kdamonds
 *   echo 1 > 0/contexts/nr_contexts
 *   echo paddr > 0/contexts/0/operations
 *   echo 1 > 0/contexts/0/targets/nr_targets
 *   echo on > 0/state
 * `;
 * for await (const { error } of replayScript(tree, script)) if (error) throw error;
 * await engine.step(1_000); // one simulated second
 * await tree.close();
 * ```
 */
declare class KdamondEngine implements AdminEngine {
  #private;
  /** Those that the source offers. */
  readonly operations: readonly string[];
  /** By simulated time. */
  readonly every: Every;
  /**
   * Opens the source once, to see what it offers.
   *
   * @throws DamonError `ERR_DAMON_CONFIG…` for options, `ERR_DAMON_TRACE_…` for a recording
   */
  constructor(options: KdamondEngineOptions);
  start(context: AdminContext): Promise<AdminKdamond>;
  /**
   * Lets simulated time pass for every monitor that runs, besides what passes by itself.
   *
   * @param ms whole milliseconds; what is left of the last sampling interval is not lost
   */
  step(ms: number): Promise<void>;
}

/** One step of a script, as those see it who replay it. */
type ShellCommand = {
  /** In the script, from 1. */
  readonly line: number;
} & (
  | {
      /** What a command printed into a file, in one `write(2)`; `''` if it was opened only. */
      readonly type: 'write';
      readonly text: string;
      readonly path: string;
    }
  | {
      readonly type: 'read';
      readonly path: string;
    }
  | {
      readonly type: 'list';
      readonly path: string;
    }
  | {
      readonly type: 'cd';
      readonly path: string;
    }
  | {
      readonly type: 'sleep';
      readonly ms: number;
    }
  | {
      /** What the script tells whoever runs it. */
      readonly type: 'print';
      readonly text: string;
    }
  | {
      /**
       * The script ended by `exit`, by a command that failed, last or under `set -e`, or by an error of
       * its own.
       */
      readonly type: 'exit';
      readonly status: number;
      readonly reason?: string;
    }
);
/** What one step of a script was answered. */
interface ScriptAnswer {
  readonly command: ShellCommand;
  /** What a file that was read showed, or the names in a directory that was listed. */
  readonly output?: string;
  /** What was answered instead; nothing follows then. */
  readonly error?: AdminError;
  /**
   * What was answered instead where the script provides for it: in a condition, before `||`, with
   * `2>/dev/null`, after `set +e`. It goes on.
   */
  readonly handled?: AdminError;
}

/** How a script is replayed. */
interface ReplayScriptOptions {
  /**
   * What `sleep` does, in milliseconds: with `KdamondEngine.step`, time passes as fast as it can.
   * @default waits
   */
  readonly sleep?: (ms: number) => Promise<unknown>;
  /** Ends the replay with the signal's reason, between two commands. */
  readonly signal?: AbortSignal;
}

/**
 * Replays a script, step by step, to its end or to the first refusal that it does not provide for.
 *
 * The shell is bash: variables, quotes, `$(…)`, `$((…))`, patterns, pipes, redirections, `if`, `for`,
 * `while`, `case`, functions, `[`, `[[`, `&&`, `||`, `set -euo pipefail`, `trap … EXIT`. Its commands are those that
 * a set-up of DAMON takes: `echo`, `printf`, `cat`, `ls`, `cd`, `sleep`, `test`, `tee`, `seq`,
 * `grep`, `head`, `tail`, `wc`, `read`, … They see the tree and no other file.
 *
 * @example
 * ```ts
 * import { AdminTree, KdamondEngine, RFC_MACHINE, replayScript } from 'node-damon';
 *
 * const tree = new AdminTree(new KdamondEngine({ source: RFC_MACHINE, speed: 0 }));
 * const script = `
 *   cd /sys/kernel/mm/damon/admin/kdamonds
 *   echo 1 > nr_kdamonds
 *   for kdamond in [0-9]*; do cat "$kdamond/state"; done
 * `;
 * for await (const { command, output, error } of replayScript(tree, script)) {
 *   if (output !== undefined) console.log(output.trim()); // off
 *   if (error !== undefined) console.error(`line ${command.line}: ${error.code}`);
 * }
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_SCRIPT` for a script with other commands, parts of bash that
 *   are left out, or a variable that nothing sets; nothing is done then
 */
declare function replayScript(
  tree: AdminTree,
  script: string,
  options?: ReplayScriptOptions,
): AsyncGenerator<ScriptAnswer, void, void>;

/** What was wanted of a served file, and how that went. */
interface MountEvent {
  readonly type: 'stat' | 'list' | 'read' | 'write';
  /** From the root of the tree. */
  readonly path: string;
  /** Of a write. */
  readonly text?: string;
  /** What was refused. */
  readonly error?: unknown;
}

/** How a tree is served. */
interface MountAdminOptions {
  /** Called with every answer. */
  readonly onAnswer?: (event: MountEvent) => void;
}

/**
 * A mounted tree: the kernel's own files stand in the directory, and answer with its errno. For the
 * user who mounts it; unmounted by {@link close}, by a signal that ends the process, and at its
 * exit. Keeps the process alive until then. Does not close the tree.
 */
declare class AdminMount implements Disposable {
  #private;
  /** Where. */
  readonly dir: string;
  /** Resolves when the directory is gone, whoever unmounted it. */
  readonly ended: Promise<void>;
  constructor(tree: AdminTree, dir: string, options: MountAdminOptions);
  /**
   * Unmounts, also while files are open. Idempotent.
   *
   * @throws DamonError `ERR_DAMON_MOUNT` when the system does not let go of it
   */
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * Serves a tree as a directory, through FUSE: Linux, as root or with fusermount3.
 *
 * @example
 * ```ts
 * import { mkdirSync } from 'node:fs';
 * import { readFile } from 'node:fs/promises';
 *
 * import { AdminTree, KdamondEngine, RFC_MACHINE, mountAdmin } from 'node-damon';
 *
 * const tree = new AdminTree(new KdamondEngine({ source: RFC_MACHINE }));
 * mkdirSync('damon', { recursive: true });
 * using mount = mountAdmin(tree, 'damon'); // elsewhere: echo 1 > damon/kdamonds/nr_kdamonds
 * console.log(await readFile(`${mount.dir}/kdamonds/nr_kdamonds`, 'utf8'));
 * ```
 *
 * @param dir an existing directory; what is in it is hidden meanwhile
 * @throws DamonError `ERR_DAMON_MOUNT_NO_FUSE`, `…_PERMISSION`, `…_STALE`, `…_DIRECTORY`, or
 *   `ERR_DAMON_MOUNT`
 */
declare function mountAdmin(tree: AdminTree, dir: string, options?: MountAdminOptions): AdminMount;

/**
 * Where the addon lies: what a native sampler in the same process gives to `dlopen`, to find the
 * functions of `node_damon.h`. `undefined` where the system does not tell.
 *
 * @example
 * ```ts
 * import { libraryPath } from 'node-damon';
 *
 * console.log(`cc sampler.c ${libraryPath()}`);
 * ```
 *
 * @throws DamonError as {@link native}
 */
declare function libraryPath(): string | undefined;

export {
  AdminError,
  AdminMount,
  AdminTree,
  CONFIGURATION_A,
  CONFIGURATION_B,
  DamonError,
  Heatmap,
  Kdamond,
  KdamondEngine,
  Lane,
  LiveKdamond,
  OperationsRegistry,
  PUBLISHED,
  RFC_MACHINE,
  Snapshot,
  StretchSeries,
  TWO_SOCKETS,
  balance,
  checkConfig,
  columnsFor,
  comparePlacement,
  consist,
  convergence,
  convergenceRows,
  defineConfig,
  demo,
  demoRows,
  gups,
  holdShares,
  hotRanges,
  libraryPath,
  loadConfig,
  masim,
  mountAdmin,
  multiload,
  policies,
  primitives,
  proportional,
  pullPush,
  readCpuList,
  readMachineFile,
  recordedWorkload,
  regimes,
  renderBooks,
  renderConvergence,
  renderExplanation,
  renderHeatmap,
  renderHotRanges,
  renderHtml,
  renderPlacement,
  renderStudy,
  renderWorkingSet,
  replay,
  replayAttrs,
  replayScript,
  runConfig,
  sensitivity,
  shareBand,
  shares,
  sharesPhase,
  stairs,
  study,
  summarize,
  summarizePlacement,
  temporal,
  workingSet,
  ycsb,
};
export type {
  AccessCheckCounters,
  AccessPatternOptions,
  AccessReport,
  ActionName,
  Address,
  AddressFilterOptions,
  Addresses,
  AdminAttrs,
  AdminContext,
  AdminCoreFilter,
  AdminDest,
  AdminEngine,
  AdminFilterArguments,
  AdminGoal,
  AdminIntervalsGoal,
  AdminKdamond,
  AdminOpsFilter,
  AdminPattern,
  AdminPerfEvent,
  AdminProbe,
  AdminProbeFilter,
  AdminQuota,
  AdminRange,
  AdminSample,
  AdminSampleFilter,
  AdminScheme,
  AdminStat,
  AdminStats,
  AdminTarget,
  AdminTreeOptions,
  AdminTriedRegion,
  AdminTriedRegions,
  AdminTunedIntervals,
  AdminVerdict,
  AdminWatermarks,
  AreaOptions,
  AttrsOptions,
  Awaitable,
  Balance,
  Bandwidth,
  BatchOutcome,
  Books,
  BoundsOptions,
  Bytes,
  CaseOptions,
  CaseSummary,
  ChangeOptions,
  ChmuOptions,
  CommitOptions,
  ComplementOptions,
  ContextConfig,
  ContextOptions,
  Controller,
  Convergence,
  ConvergenceRow,
  Counters,
  CpuRange,
  CpumaskFilterOptions,
  CustomGoalOptions,
  CustomMetric,
  CustomTuner,
  CustomTunerInput,
  DamonErrorDetails,
  DamonErrorJson,
  DemoOptions,
  DemoRecord,
  DemoRowsOptions,
  DestinationOptions,
  DrainCounters,
  Duration,
  EmulatedNodeOptions,
  EmulationOptions,
  Equation,
  ErrnoName,
  EvenPattern,
  Every,
  ExplainHooks,
  ExplainOptions,
  Explained,
  Explanation,
  FailChargeOptions,
  FilterOptions,
  FilterVerdict,
  Goal,
  GoalOptions,
  GoalReading,
  HeatmapGrid,
  HeatmapOptions,
  HeatmapReadOptions,
  HintFaultsOptions,
  HoldSharesOptions,
  HotRange,
  HotRangesOptions,
  HotSetPattern,
  HtmlReport,
  HugepageSizeFilterOptions,
  IbsOpOptions,
  InterleavedPlacement,
  InterruptOptions,
  IntervalCounters,
  Intervals,
  IntervalsGoalOptions,
  KdamondConfig,
  KdamondEngineOptions,
  KdamondOptions,
  LaneCounters,
  LaneReading,
  LaneReadings,
  LanesCounters,
  LatenessCounters,
  LatenessOptions,
  LineOptions,
  LiveCounters,
  LiveKdamondConfig,
  LiveKdamondOptions,
  LiveOperationsName,
  LiveRunOptions,
  LiveState,
  LiveTargetOptions,
  LoopOptions,
  LoopRun,
  LoopStep,
  MachineCounters,
  MasimLine,
  MasimOptions,
  MasimRegion,
  MeanInterval,
  MemcgFilterOptions,
  MemcgGoalOptions,
  MemoryNode,
  MetricMoment,
  MetricName,
  MigrationOptions,
  MonitorConfig,
  MonitorCounters,
  MonitorOptions,
  MountAdminOptions,
  MountEvent,
  NodeGoalOptions,
  NodeOptions,
  NodeSummary,
  NodeTraffic,
  NumaBalancingOptions,
  OperationsApplied,
  OperationsFailure,
  OperationsFailureKind,
  OperationsFilter,
  OperationsGauge,
  OperationsJob,
  OperationsLanes,
  OperationsName,
  OperationsOwner,
  OperationsReading,
  OperationsSet,
  OperationsSourceOptions,
  OperationsTarget,
  OracleOptions,
  Outcome,
  OutputOptions,
  OverflowPolicy,
  OwnSetOptions,
  PageFaultsOptions,
  PageFilterOptions,
  ParameterName,
  PatternOptions,
  PebsEvent,
  PebsOptions,
  PghotOptions,
  Phase,
  PhaseOptions,
  PlacementCase,
  PlacementComparison,
  PlacementRecord,
  PlacementRun,
  PlacementSummary,
  PlacerName,
  PoliciesOptions,
  PolicyCounters,
  PolicyOptions,
  PreferredPlacement,
  PrimitiveName,
  PrimitivesOptions,
  ProbeFilterOptions,
  ProbeFilterVerdict,
  ProbeHitsFilterOptions,
  ProbeHugepageSizeFilterOptions,
  ProbeMemcgFilterOptions,
  ProbeOptions,
  ProbePageFilterOptions,
  ProbePrep,
  ProcessOptions,
  ProcessThroughput,
  ProcessesOptions,
  ProcessorOptions,
  ProgramOptions,
  Progress,
  PullPushNode,
  PullPushOptions,
  QuestionCounters,
  QuotaOptions,
  RangeOptions,
  Ratio,
  RecordedWorkloadOptions,
  RecordingOptions,
  RegimeName,
  RegimesOptions,
  Region,
  RegistryOptions,
  ReplayOptions,
  ReplayRecord,
  ReplayScriptOptions,
  ReportColumns,
  ReportOutcome,
  Round,
  RoundShare,
  RowCounters,
  RunConfig,
  RunEvent,
  RunHandle,
  RunHooks,
  RunOptions,
  RunRecord,
  SampleFilterOptions,
  SampleFilterVerdict,
  SamplerCounters,
  SamplerOptions,
  SchemeCounters,
  SchemeOptions,
  ScoreInput,
  ScriptAnswer,
  Sees,
  SensitivityOptions,
  SetGoal,
  ShareBand,
  ShareGoalOptions,
  ShareNode,
  SharedLane,
  SharedLaneOptions,
  SharesOptions,
  ShellCommand,
  SnapshotColumns,
  SnapshotColumnsOptions,
  SnapshotCounters,
  SnapshotInit,
  SnapshotJson,
  SnapshotTarget,
  StallGoalOptions,
  StreamPattern,
  Stretch,
  StudyCase,
  StudyOptions,
  StudyRecord,
  StudyRunOptions,
  Target,
  TargetFilterOptions,
  TargetOptions,
  TargetStep,
  ThreadsFilterOptions,
  Throughput,
  TieringOptions,
  TransferOptions,
  TriedRegions,
  Tuner,
  TunerInput,
  TunerName,
  Tuning,
  UnsupportedActions,
  UserInputGoalOptions,
  Versus,
  WatermarksOptions,
  WeightsOptions,
  WorkingSet,
  WorkloadOptions,
  WriteFilterOptions,
  ZipfPattern,
};
