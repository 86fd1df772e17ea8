/** Bits of server/ingest/judge.ts that matter here; a pure room can't import that one, `flags.test.ts` holds them equal. */
export const REPAIRED_ROLLOVER = 4
export const JUMP = 16384
export const ASIDE = -32768

/** FUTURE to NO_FIX: what was doubted on arrival. */
export const ARRIVAL_DOUBTS = 16128
/** The marks that this room sets: an earlier answer and no evidence, for its neighbours may have come since. */
export const MARKS = JUMP | ASIDE

/** Was the point trusted on arrival? */
export const isTrusted = (flags: number) => (flags & ARRIVAL_DOUBTS) === 0

export const isRepaired = (flags: number) => (flags & REPAIRED_ROLLOVER) !== 0
