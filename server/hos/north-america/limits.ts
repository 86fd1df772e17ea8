/** A legal number: what it is, since when it is in force, and where it stands. */
export interface Limit {
  ms: number
  /** The rule's name, as it is reported. */
  rule: string
  citation: string
  inForceSince: string
}

/** How two rests together stand for a full one. */
export interface PairLaw {
  /** `rest`: any rest, one of the two with a run of `berthMs` in the berth; `berth`: two runs in the berth. */
  of: 'rest' | 'berth'
  leastMs: number
  togetherMs: number
  berthMs: number
  citation: string
}
