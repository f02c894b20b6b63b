/** What all threads of a study share: places in one `Int32Array`. */

/** Not 0: end what is being done. Written by the study. */
export const STOP = 0;
/** Simulated seconds done by all threads. Added to by each. */
export const DONE_SECONDS = 1;
/** How many places there are. */
export const PLACES = 2;
