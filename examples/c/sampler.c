/*
 * A native sampler in a Node process, whole.
 *
 * A thread of its own takes a lane of a monitor and reports made-up accesses to it, from two
 * contexts: from its own loop, and from the handler of a timer that interrupts that loop ten
 * thousand times a second, as a PMU's overflow signal would. Node has no part in it: JavaScript
 * starts the thread and asks for the counts at the end.
 *
 * What a sampler of yours takes from here: open_library(), and in run() the order of the steps.
 */
#define _GNU_SOURCE /* gettid by number, SIGEV_THREAD_ID, SA_SIGINFO */

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "node_damon.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* ------------------------------------------------------------------------------------------------
 * The functions of node-damon, as found in its addon
 */

static struct {
  void *library;
  __typeof__(node_damon_abi_version) *abi_version;
  __typeof__(node_damon_attach) *attach;
  __typeof__(node_damon_report) *report;
  __typeof__(node_damon_detach) *detach;
  __typeof__(node_damon_status_text) *status_text;
} damon;

/* Returns what is wrong, or NULL. */
static const char *open_library(const char *path) {
  /* NOLOAD: the copy that Node has loaded, with its monitors, or none. The handle keeps it loaded
   * until close_library(), even if the worker that loaded it ends. */
  damon.library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
  if (damon.library == NULL) return "node-damon's addon is not loaded from this path";

  damon.abi_version = dlsym(damon.library, "node_damon_abi_version");
  damon.attach = dlsym(damon.library, "node_damon_attach");
  damon.report = dlsym(damon.library, "node_damon_report");
  damon.detach = dlsym(damon.library, "node_damon_detach");
  damon.status_text = dlsym(damon.library, "node_damon_status_text");
  if (damon.abi_version == NULL || damon.attach == NULL || damon.report == NULL ||
      damon.detach == NULL || damon.status_text == NULL) {
    return "this addon lacks functions of node_damon.h";
  }
  if (damon.abi_version() != NODE_DAMON_ABI_VERSION) {
    return "this sampler was built for another version of node_damon.h";
  }
  return NULL;
}

static void close_library(void) {
  if (damon.library != NULL) dlclose(damon.library);
  damon.library = NULL;
}

/* ------------------------------------------------------------------------------------------------
 * The sampler
 */

/* What was seen: the loop walks over one range and the handler over another, page by page. */
#define PAGE 4096u
#define RANGE_PAGES 16384u /* 64 MiB */
#define LOOP_START (UINT64_C(1) << 30)
#define HANDLER_START (UINT64_C(2) << 30)

#define PERIOD_NS 100000 /* 10 kHz */

/* A real-time signal: Node, V8 and libuv use none of them. A sampler that may share a process with
 * others takes one whose action is still the default. */
#define SIGNAL (SIGRTMIN + 5)

/* By outcome, which is how the lane counts, too. */
struct counts {
  uint64_t of[NODE_DAMON_OUTCOME_DETACHED + 1];
  uint64_t offered;
};

static struct sampler {
  pthread_t thread;
  bool running;
  char token[64];
  uint64_t reports;
  node_damon_lane *lane;
  /* One for each context: a handler that added to the loop's would spoil an addition that it
   * interrupts. */
  struct counts loop;
  struct counts handler;
  /* What went wrong, or NULL. */
  const char *failure;
} sampler;

static void report(node_damon_lane *lane, uint64_t start, struct counts *counts) {
  struct node_damon_access_report access = {
      .address = start + counts->offered % RANGE_PAGES * PAGE,
      /* "Just now". A sampler that hands reports on late gives CLOCK_MONOTONIC's time here. */
      .time_ns = NODE_DAMON_UNDATED,
      .size = 64,
      .flags = counts->offered % 4 == 0 ? NODE_DAMON_WRITE : 0,
  };
  counts->of[damon.report(lane, &access)]++;
  counts->offered++;
}

/* Runs on the sampler's own thread, in between two instructions of its loop, often of a report:
 * then the report made here is dropped as a nested one, and counted. */
static void on_timer(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)context;
  if (info->si_code != SI_TIMER) return; /* somebody's kill() */
  struct sampler *self = info->si_value.sival_ptr;
  report(self->lane, HANDLER_START, &self->handler);
}

static const char *start_timer(struct sampler *self, timer_t *timer) {
  struct sigevent event;
  memset(&event, 0, sizeof event);
  /* To this thread and no other: the lane is this thread's. */
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
  event.sigev_signo = SIGNAL;
  event.sigev_value.sival_ptr = self;
  if (timer_create(CLOCK_MONOTONIC, &event, timer) != 0) return "there is no timer to be had";

  struct timespec period = {.tv_sec = 0, .tv_nsec = PERIOD_NS};
  struct itimerspec when = {.it_interval = period, .it_value = period};
  if (timer_settime(*timer, 0, &when, NULL) != 0) {
    timer_delete(*timer);
    return "the timer cannot be set";
  }
  return NULL;
}

static void pause_1ms(void) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    until.tv_sec++;
  }
  /* The timer interrupts it ten times. */
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) {
  }
}

static void *run(void *argument) {
  struct sampler *self = argument;

  /* 1. A lane, taken by the thread that will use it. */
  node_damon_status status = damon.attach(self->token, &self->lane);
  if (status != NODE_DAMON_STATUS_OK) {
    self->failure = damon.status_text(status);
    return NULL;
  }

  /* 2. The signal: only now, so that the handler always finds a lane. */
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, SIGNAL);
  timer_t timer;
  self->failure = start_timer(self, &timer);

  if (self->failure == NULL) {
    pthread_sigmask(SIG_UNBLOCK, &ours, NULL);

    /* 3. The accesses. A full lane is no error: the monitor empties it once per sampling interval,
     * and what does not fit is counted. This sampler has nothing better to do than to wait. */
    while (self->loop.offered < self->reports) {
      uint64_t full = self->loop.of[NODE_DAMON_OUTCOME_FULL];
      report(self->lane, LOOP_START, &self->loop);
      if (self->loop.of[NODE_DAMON_OUTCOME_FULL] != full) pause_1ms();
    }

    /* 4. The signal goes first. Blocked: one that is already on its way waits for ever. */
    pthread_sigmask(SIG_BLOCK, &ours, NULL);
    timer_delete(timer);
  }

  /* 5. Then the lane, given back by the same thread. */
  damon.detach(self->lane);
  return NULL;
}

/* Returns what is wrong, or NULL. */
static const char *start(uint64_t reports) {
  struct sigaction action, before;
  if (sigaction(SIGNAL, NULL, &before) != 0 || before.sa_handler != SIG_DFL) {
    return "somebody else handles the signal";
  }
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_timer;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigfillset(&action.sa_mask);
  sigaction(SIGNAL, &action, NULL);

  sampler.reports = reports;
  sampler.failure = NULL;
  memset(&sampler.loop, 0, sizeof sampler.loop);
  memset(&sampler.handler, 0, sizeof sampler.handler);

  /* The thread begins with all signals blocked: Node's own go to Node's threads. */
  sigset_t all, mask;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &mask);
  int created = pthread_create(&sampler.thread, NULL, run, &sampler);
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
  if (created != 0) {
    signal(SIGNAL, SIG_DFL);
    return "there is no thread to be had";
  }
  sampler.running = true;
  return NULL;
}

/* Returns what went wrong, or NULL. */
static const char *join(void) {
  pthread_join(sampler.thread, NULL);
  sampler.running = false;
  signal(SIGNAL, SIG_DFL);
  close_library();
  return sampler.failure;
}

/* ------------------------------------------------------------------------------------------------
 * What JavaScript calls, through Node-API. Node's headers have the same declarations; with these
 * few by hand, a C compiler is all it takes.
 */

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);

#define NAPI_AUTO_LENGTH SIZE_MAX

extern int napi_get_cb_info(napi_env, napi_callback_info, size_t *argc, napi_value *argv,
                            napi_value *self, void **data);
extern int napi_get_value_string_utf8(napi_env, napi_value, char *text, size_t size, size_t *len);
extern int napi_get_value_uint32(napi_env, napi_value, uint32_t *);
extern int napi_create_double(napi_env, double, napi_value *);
extern int napi_create_object(napi_env, napi_value *);
extern int napi_create_function(napi_env, const char *name, size_t, napi_callback, void *data,
                                napi_value *);
extern int napi_set_named_property(napi_env, napi_value object, const char *name, napi_value);
extern int napi_throw_error(napi_env, const char *code, const char *message);

static napi_value fail(napi_env env, const char *message) {
  napi_throw_error(env, NULL, message);
  return NULL;
}

/* start(token, path, reports) */
static napi_value js_start(napi_env env, napi_callback_info info) {
  if (sampler.running) return fail(env, "the sampler is running");
  napi_value arguments[3];
  size_t count = 3;
  char token[sizeof sampler.token] = "";
  char path[4096];
  uint32_t reports;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != 0 ||
      napi_get_value_string_utf8(env, arguments[0], token, sizeof token, NULL) != 0 ||
      napi_get_value_string_utf8(env, arguments[1], path, sizeof path, NULL) != 0 ||
      napi_get_value_uint32(env, arguments[2], &reports) != 0) {
    return fail(env, "expected start(token, path, reports)");
  }
  memcpy(sampler.token, token, sizeof token);
  const char *failure = open_library(path);
  if (failure == NULL) failure = start(reports);
  if (failure == NULL) return NULL;
  close_library();
  return fail(env, failure);
}

static void set_count(napi_env env, napi_value object, const char *name, uint64_t count) {
  napi_value number;
  napi_create_double(env, (double)count, &number);
  napi_set_named_property(env, object, name, number);
}

static void set_counts(napi_env env, napi_value object, const char *name,
                       const struct counts *counts) {
  const uint64_t *of = counts->of;
  napi_value value;
  napi_create_object(env, &value);
  set_count(env, value, "offered", counts->offered);
  set_count(env, value, "queued", of[NODE_DAMON_OUTCOME_QUEUED]);
  set_count(env, value, "full", of[NODE_DAMON_OUTCOME_FULL]);
  set_count(env, value, "nested", of[NODE_DAMON_OUTCOME_NESTED]);
  set_count(env, value, "closed", of[NODE_DAMON_OUTCOME_CLOSED]);
  napi_set_named_property(env, object, name, value);
}

/* join(): waits, which holds JavaScript up but not the monitor, whose thread is its own. */
static napi_value js_join(napi_env env, napi_callback_info info) {
  (void)info;
  if (!sampler.running) return fail(env, "the sampler is not running");
  const char *failure = join();
  if (failure != NULL) return fail(env, failure);
  napi_value result;
  napi_create_object(env, &result);
  set_counts(env, result, "loop", &sampler.loop);
  set_counts(env, result, "handler", &sampler.handler);
  return result;
}

extern napi_value napi_register_module_v1(napi_env env, napi_value exports);

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "start", NAPI_AUTO_LENGTH, js_start, NULL, &function);
  napi_set_named_property(env, exports, "start", function);
  napi_create_function(env, "join", NAPI_AUTO_LENGTH, js_join, NULL, &function);
  napi_set_named_property(env, exports, "join", function);
  return exports;
}
