/** One process at a time; the others come back. A session's lock, so it goes with a process that is killed. */
export const UPKEEP_LOCK = 727276

/** Somebody else uses it: not within lock_timeout, or PostgreSQL chose us to end a deadlock. */
export const isLocked = (error: unknown) =>
  ['55P03', '40P01'].includes(String((error as { code?: unknown }).code))
