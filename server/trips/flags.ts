/** Bits of server/ingest/judge.ts that matter here; a pure room can't import that one, `flags.test.ts` holds them equal. */
export const REPAIRED_ROLLOVER = 4
export const JUMP = 16384

const FACTS = 255

/**
 * Was the point trusted on arrival? A stored JUMP mark is an earlier answer of this room and no evidence: its neighbours may
 * have come since.
 */
export const isTrusted = (flags: number) => (flags & ~(FACTS | JUMP)) === 0

export const isRepaired = (flags: number) => (flags & REPAIRED_ROLLOVER) !== 0
