/*
 * The C interface of node-damon: access reports from native code in a Node process.
 *
 * Generated from crates/capi by `ACCEPT=1 cargo test -p damon-capi --test header`.
 *
 * The functions are exported by node-damon's addon. A sampler in the same process finds them with
 * dlopen(path, RTLD_NOW | RTLD_NOLOAD) and dlsym, and keeps that handle until it has detached. A
 * monitor is found by its token. examples/c is a whole sampler.
 *
 * Contract: a report is never waited for. It is queued, or dropped and counted by its lane; the
 * return value says which. Every lane has one thread, the one that attached it.
 *
 * Async-signal-safe and wait-free: node_damon_report and node_damon_report_batch (no lock, no
 * allocation, no system call, no thread-local that is set up late), and node_damon_abi_version and
 * node_damon_status_text. The other functions are not to be called from a signal handler.
 *
 * A child of fork has a copy of the lanes that nobody reads.
 */

#ifndef NODE_DAMON_H
#define NODE_DAMON_H

#include <stddef.h>
#include <stdint.h>

/**
 * The version of this interface that this header describes.
 */
#define NODE_DAMON_ABI_VERSION 1

/**
 * The time of a report whose sampler has no clock: 2^63 - 1, "just now". It waits in the lane for
 * at most one sampling interval and is never stale.
 */
#define NODE_DAMON_UNDATED 9223372036854775807

/**
 * In flags: the address is one of process tgid. Without it the address is physical.
 */
#define NODE_DAMON_VIRTUAL 1

/**
 * In flags: the access was a store. Without it, a load.
 */
#define NODE_DAMON_WRITE 2

/**
 * What a call came to.
 */
enum node_damon_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Done.
   */
  NODE_DAMON_STATUS_OK = 0,
  /**
   * A pointer is NULL, or not aligned to what it points to.
   */
  NODE_DAMON_STATUS_POINTER = 1,
  /**
   * Not a token.
   */
  NODE_DAMON_STATUS_TOKEN = 2,
  /**
   * No monitor of this token is open in this process.
   */
  NODE_DAMON_STATUS_UNKNOWN = 3,
  /**
   * The monitor has stopped.
   */
  NODE_DAMON_STATUS_CLOSED = 4,
  /**
   * The monitor has no lane left.
   */
  NODE_DAMON_STATUS_LANES = 5,
  /**
   * The lane belongs to another thread.
   */
  NODE_DAMON_STATUS_WRONG_THREAD = 6,
  /**
   * The lane was given back.
   */
  NODE_DAMON_STATUS_DETACHED = 7,
  /**
   * A report has unknown flags or size 0, or n is larger than memory.
   */
  NODE_DAMON_STATUS_INVALID = 8,
  /**
   * A bug in node-damon.
   */
  NODE_DAMON_STATUS_INTERNAL = 9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum node_damon_status node_damon_status;
#else
typedef uint32_t node_damon_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What became of a report.
 */
enum node_damon_outcome
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It is in the lane.
   */
  NODE_DAMON_OUTCOME_QUEUED = 0,
  /**
   * Dropped and counted: the lane was full.
   */
  NODE_DAMON_OUTCOME_FULL = 1,
  /**
   * Dropped and counted: it interrupted another report of the same lane.
   */
  NODE_DAMON_OUTCOME_NESTED = 2,
  /**
   * Dropped and counted: the monitor has stopped.
   */
  NODE_DAMON_OUTCOME_CLOSED = 3,
  /**
   * Refused, not counted: a pointer is NULL or not aligned.
   */
  NODE_DAMON_OUTCOME_POINTER = 4,
  /**
   * Refused, not counted: unknown flags, or size 0.
   */
  NODE_DAMON_OUTCOME_INVALID = 5,
  /**
   * Refused, not counted: the lane belongs to another thread.
   */
  NODE_DAMON_OUTCOME_WRONG_THREAD = 6,
  /**
   * Refused, not counted: the lane was given back.
   */
  NODE_DAMON_OUTCOME_DETACHED = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum node_damon_outcome node_damon_outcome;
#else
typedef uint32_t node_damon_outcome;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The writing end of one lane of a monitor. Belongs to the thread that attached it.
 */
typedef struct node_damon_lane node_damon_lane;

/**
 * One observed access. Set all fields: those that are not known have a value for that.
 */
typedef struct node_damon_access_report {
  /**
   * First byte accessed. 0 is an address like any other.
   */
  uint64_t address;
  /**
   * When the access was seen, in nanoseconds of CLOCK_MONOTONIC. From before the monitor's drain
   * before the last began, one to two sampling intervals ago, is stale. NODE_DAMON_UNDATED, and
   * anything above, for "just now".
   */
  uint64_t time_ns;
  /**
   * Bytes covered from address on, at least 1. A sampler that knows only the page says 4096.
   */
  uint32_t size;
  /**
   * Thread that made the access, 0 if unknown.
   */
  uint32_t tid;
  /**
   * Process that made the access, 0 if unknown.
   */
  uint32_t tgid;
  /**
   * CPU that made the access, 0 if unknown.
   */
  uint16_t cpu;
  /**
   * NODE_DAMON_VIRTUAL and NODE_DAMON_WRITE; all other bits are 0.
   */
  uint16_t flags;
} node_damon_access_report;

/**
 * What became of a batch; the fields add up to its length.
 */
typedef struct node_damon_batch {
  /**
   * In the lane: the first so many.
   */
  uint64_t queued;
  /**
   * Dropped: the lane was full.
   */
  uint64_t full;
  /**
   * Dropped: the batch interrupted another report of the same lane.
   */
  uint64_t nested;
  /**
   * Dropped: the monitor has stopped.
   */
  uint64_t closed;
} node_damon_batch;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of this interface in the addon. Compare it with NODE_DAMON_ABI_VERSION before the
 * first other call: they differ when something here has changed that a compiled sampler relies on.
 */
uint32_t node_damon_abi_version(void);

/**
 * Takes a lane of the monitor that the token names, for the calling thread alone: all other calls
 * with this lane must come from it. The lane is stored in *lane, NULL on failure.
 *
 * The token is the zero-terminated text that JavaScript has from the monitor.
 *
 * Give the lane back with node_damon_detach before the thread ends. A lane that is not given back
 * counts against the monitor's number of lanes until the monitor closes.
 *
 * Not async-signal-safe: locks and allocates.
 */
node_damon_status node_damon_attach(const char *token, struct node_damon_lane **lane);

/**
 * Reports one access. The report is copied; it may lie on the stack.
 *
 * Async-signal-safe and wait-free. A report from a signal handler that interrupts another report
 * of the same lane is dropped and counted: NODE_DAMON_OUTCOME_NESTED. Leaves errno alone.
 *
 * QUEUED, FULL, NESTED and CLOSED are counted by the lane and add up to what its books call
 * offered. All other outcomes are refusals: nothing is stored, and nobody counts them but you.
 *
 * To notice another thread costs one pthread_self per call: a load from the thread's own block,
 * less than a nanosecond.
 */
node_damon_outcome node_damon_report(const struct node_damon_lane *lane,
                                     const struct node_damon_access_report *report);

/**
 * Reports n accesses at once, in order: as many as find room are queued, and the rest is dropped
 * and counted. *batch says how many of each. The reports are copied, and must not change during
 * the call.
 *
 * On any status but NODE_DAMON_STATUS_OK no report is queued or counted, and *batch is all zeros.
 * One invalid report refuses all. reports may be NULL if n is 0.
 *
 * Async-signal-safe and wait-free, as node_damon_report; takes time in proportion to n, and a
 * handler's reports meanwhile are dropped as nested ones.
 */
node_damon_status node_damon_report_batch(const struct node_damon_lane *lane,
                                          const struct node_damon_access_report *reports,
                                          size_t n,
                                          struct node_damon_batch *batch);

/**
 * Stores in *slots how many reports would find room now. A drain of the monitor can only make it
 * more.
 *
 * Not to be called from a signal handler.
 */
node_damon_status node_damon_free_slots(const struct node_damon_lane *lane, uint64_t *slots);

/**
 * Stores in *id the lane's number, by which the monitor's books name it.
 *
 * Not to be called from a signal handler.
 */
node_damon_status node_damon_lane_id(const struct node_damon_lane *lane, uint32_t *id);

/**
 * Gives the lane back; what it holds is still drained, and after that the monitor has room for
 * another. To be called by the thread that attached it, and never from a signal handler.
 *
 * A handler that interrupts this call, or that comes later, may still report to the lane: it is
 * refused with NODE_DAMON_OUTCOME_DETACHED. That holds until this thread attaches again, which may
 * return the same pointer.
 */
node_damon_status node_damon_detach(struct node_damon_lane *lane);

/**
 * A status as one sentence, in English, without a full stop. Static memory; never NULL, whatever
 * the number.
 */
const char *node_damon_status_text(uint32_t status);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* NODE_DAMON_H */
