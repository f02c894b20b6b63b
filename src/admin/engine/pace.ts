/** How time passes for monitors that nobody steps: in beats, so much simulated time for each. */
import { setTimeout as sleep } from 'node:timers/promises';

const NS_PER_MS = 1e6;
/** Wall time between two beats. */
const BEAT_MS = 10;
/** Wall time that one beat makes up for: who falls behind further does not catch up in a burst. */
const BEHIND_MAX_MS = 250;

/** What gives the time of day. */
export interface WallClock {
  /** Milliseconds from anywhere. */
  now(): number;
  /** Does not keep the process alive. */
  sleep(ms: number): Promise<void>;
}

/** The machine's. */
export const WALL_CLOCK: WallClock = {
  now: () => performance.now(),
  sleep: (ms) => sleep(ms, undefined, { ref: false }),
};

/**
 * Says every beat how much simulated time has become due since the one before.
 *
 * @param speed simulated seconds per second
 */
export async function* beats(speed: number, clock: WallClock): AsyncGenerator<bigint, never, void> {
  let then = clock.now();
  for (;;) {
    await clock.sleep(BEAT_MS);
    const now = clock.now();
    yield BigInt(Math.round(Math.min(now - then, BEHIND_MAX_MS) * speed * NS_PER_MS));
    then = now;
  }
}
