import { DAY, type Instant, MINUTE } from '../../time/instant.ts'
import { addDays, type Zone, zone } from '../../time/zone.ts'
import { type DutyEvent, type DutyStatus, type HosOptions, HosRefusal, MOST_EVENTS } from '../types.ts'

/** What a status is to the rules of North America (395.2; PC by 395.8 guidance Q26, YM by 395.28(a)). */
export const REST = 0
export const BERTH = 1
export const ON_DUTY = 2
export const DRIVING = 3
const KIND: Partial<Record<DutyStatus, number>> = {
  OFF: REST,
  PC: REST,
  SB: BERTH,
  ON: ON_DUTY,
  YM: ON_DUTY,
  D: DRIVING,
}
const EUROPEAN: ReadonlySet<string> = new Set(['REST', 'DRIVE', 'WORK', 'POA', 'FERRY'])

/** A rest, adjoining off duty and berth joined. The boundaries are indices of segments. */
export interface Rest {
  from: Instant
  until: Instant
  /** The segment that it begins with. */
  first: number
  /** The boundary at which it ends: the segment after it, or the end of the log. */
  end: number
  /** The log begins with it: it is the end of the full rest before. */
  opening: boolean
  /** Its longest stretch in the berth alone. */
  berth: Span
}

export interface Span {
  from: Instant
  until: Instant
  first: number
  end: number
}

/**
 * A log as columns: segment `i` holds `kind[i]` from `at[i]` to `at[i + 1]`; `at[count]` is the instant asked about. `drivenMs`
 * and `onDutyMs` are totals before each boundary. Segments are cut where a day begins, and at `cuts`.
 */
export interface Timeline {
  count: number
  at: Instant[]
  kind: number[]
  drivenMs: number[]
  onDutyMs: number[]
  /** Number of the carrier's day of each boundary; 0 is the day of the first event. */
  day: number[]
  /** The boundary at which each day begins (0 for the first). */
  dayBoundary: number[]
  rests: Rest[]
  /** What holds from the instant asked about on: an event at that very instant counts, though nothing of it has passed. */
  present: number
  status: DutyStatus
  statusSince: Instant
  /** When the next of the carrier's days begins. */
  nextDayAt: Instant
  clock: Zone
  /** What is known, and what `goOn` begins with each time. */
  known: Known
}

interface Known {
  asOf: Instant
  count: number
  dayCount: number
  restCount: number
  lastRest: Rest | undefined
  days: Days
  cuts: Cuts
}

/** Instants at which segments are cut, in order, and which is the next. */
interface Cuts {
  at: readonly Instant[]
  next: number
}

/**
 * The log up to `asOf`, checked. Of two events at one instant the later in the list holds; neighbours of one status are one.
 * @throws HosRefusal naming the event that can't be judged
 */
export function timelineOf(
  log: readonly DutyEvent[],
  options: HosOptions,
  asOf: Instant,
  cuts: readonly Instant[] = [],
): Timeline {
  if (log.length > MOST_EVENTS) {
    throw new HosRefusal('too-long', MOST_EVENTS, `a log of ${log.length} events; the most is ${MOST_EVENTS}`)
  }
  if (!Number.isFinite(asOf)) throw new HosRefusal('bad-option', null, 'asOf must be an instant')
  if (!cuts.every(Number.isFinite))
    throw new HosRefusal('bad-option', null, 'every circumstance needs an instant')
  const clock = zoneOf(options.timeZone)
  const known = checked(log, asOf)
  const days = new Days(clock, options.dayStartMinutes, log[0] && log[0].at < asOf ? log[0].at : asOf)
  const ordered = { at: cuts.length > 1 ? [...cuts].sort((a, b) => a - b) : cuts, next: 0 }
  const line: Timeline = {
    count: 0,
    at: [],
    kind: [],
    drivenMs: [0],
    onDutyMs: [0],
    day: [],
    dayBoundary: [0],
    rests: [],
    present: REST,
    status: 'OFF',
    statusSince: asOf,
    nextDayAt: 0,
    clock,
    known: { asOf, count: 0, dayCount: 1, restCount: 0, lastRest: undefined, days, cuts: ordered },
  }
  for (let e = 0; e < known; e++) {
    const { at, status } = log[e]!
    const until = e + 1 < known ? log[e + 1]!.at : asOf
    if (until === at) continue
    if (status !== line.status || line.count === 0) {
      line.status = status
      line.statusSince = at
    }
    addStretch(line, KIND[status]!, at, until, days, ordered)
  }
  endAt(line, asOf, days)
  for (let e = known; e < log.length && log[e]!.at === asOf; e++) {
    if (log[e]!.status === line.status && line.count > 0) continue
    line.status = log[e]!.status
    line.statusSince = asOf
  }
  line.present = KIND[line.status]!
  const { rests } = line
  const lastRest = rests.length > 0 ? copyOf(rests[rests.length - 1]!) : undefined
  line.known.count = line.count
  line.known.dayCount = line.dayBoundary.length
  line.known.restCount = rests.length
  line.known.lastRest = lastRest
  return line
}

/**
 * The same timeline at a later instant if nothing happens: what is known stays, and the present status goes on. The columns
 * are those of `line`, which are no longer what they were.
 */
export function goOn(line: Timeline, asOf: Instant): Timeline {
  const { count, dayCount, restCount, lastRest, days: reached, cuts } = line.known
  line.count = count
  line.at.length = count
  line.kind.length = count
  line.day.length = count
  line.drivenMs.length = count + 1
  line.onDutyMs.length = count + 1
  line.dayBoundary.length = dayCount
  line.rests.length = restCount
  if (lastRest) line.rests[restCount - 1] = copyOf(lastRest)
  const days = reached.copy()
  addStretch(line, line.present, line.known.asOf, asOf, days, { at: cuts.at, next: cuts.next })
  endAt(line, asOf, days)
  return line
}

/** When the next of the carrier's days after what is known begin. */
export function comingDays({ known }: Timeline, count: number): Instant[] {
  const days = known.days.copy()
  return Array.from({ length: count }, () => {
    const at = days.nextAt
    days.advance()
    return at
  })
}

const copyOf = (rest: Rest): Rest => ({
  from: rest.from,
  until: rest.until,
  first: rest.first,
  end: rest.end,
  opening: rest.opening,
  berth: rest.berth,
})

/** A stretch of one status as segments: cut where days begin and at cuts. */
function addStretch(line: Timeline, kind: number, at: Instant, until: Instant, days: Days, cuts: Cuts): void {
  while (cuts.next < cuts.at.length && cuts.at[cuts.next]! <= at) cuts.next++
  for (let from = at; from < until; ) {
    while (days.nextAt <= from) {
      days.advance()
      line.dayBoundary.push(line.count)
    }
    let to = Math.min(days.nextAt, until)
    if (cuts.next < cuts.at.length && cuts.at[cuts.next]! < to) to = cuts.at[cuts.next++]!
    append(line, kind, from, to, days.index)
    from = to
  }
}

function endAt(line: Timeline, asOf: Instant, days: Days): void {
  while (days.nextAt <= asOf) {
    days.advance()
    line.dayBoundary.push(line.count)
  }
  line.at.push(asOf)
  line.day.push(days.index)
  line.nextDayAt = days.nextAt
}

/** How many events lie before `asOf`; every event is checked, also those after it. */
function checked(log: readonly DutyEvent[], asOf: Instant): number {
  let known = 0
  let last = Number.NEGATIVE_INFINITY
  for (let i = 0; i < log.length; i++) {
    const { at, status } = log[i]!
    if (!Number.isFinite(at)) throw new HosRefusal('out-of-order', i, 'its time is not an instant')
    if (at < last) throw new HosRefusal('out-of-order', i, 'it begins before the event that it follows')
    last = at
    if (KIND[status] === undefined) {
      throw EUROPEAN.has(status)
        ? new HosRefusal(
            'wrong-jurisdiction',
            i,
            `"${status}" is an activity of (EC) 561/2006, not a status of North America`,
          )
        : new HosRefusal('unknown-status', i, `"${status}" is no status`)
    }
    if (at < asOf) known = i + 1
  }
  return known
}

export function zoneOf(name: string): Zone {
  try {
    return zone(name)
  } catch {
    throw new HosRefusal('unknown-zone', null, `"${name}" is no time zone`)
  }
}

function append(line: Timeline, kind: number, from: Instant, until: Instant, day: number): void {
  const i = line.count++
  line.at.push(from)
  line.kind.push(kind)
  line.day.push(day)
  const length = until - from
  line.drivenMs.push(line.drivenMs[i]! + (kind === DRIVING ? length : 0))
  line.onDutyMs.push(line.onDutyMs[i]! + (kind >= ON_DUTY ? length : 0))
  if (kind >= ON_DUTY) return
  let rest = line.rests[line.rests.length - 1]
  if (rest === undefined || rest.end !== i) {
    rest = {
      from,
      until,
      first: i,
      end: i + 1,
      opening: i === 0,
      berth: { from, until: from, first: i, end: i },
    }
    line.rests.push(rest)
  } else {
    rest.until = until
    rest.end = i + 1
  }
  if (kind !== BERTH) return
  // The run in the berth that this segment ends.
  let first = i
  while (first > rest.first && line.kind[first - 1] === BERTH) first--
  if (until - line.at[first]! > rest.berth.until - rest.berth.from) {
    rest.berth = { from: line.at[first]!, until, first, end: i + 1 }
  }
}

/** The carrier's days one after another (395.2: any 24 hours beginning at the hour that the carrier fixes). */
class Days {
  index = 0
  nextAt: Instant
  readonly #first: Instant
  readonly #clock: Zone
  readonly #dayStartMinutes: number

  constructor(clock: Zone, dayStartMinutes: number, first: Instant) {
    if (!Number.isInteger(dayStartMinutes) || dayStartMinutes < 0 || dayStartMinutes * MINUTE >= DAY) {
      throw new HosRefusal('bad-option', null, 'dayStartMinutes must be a whole number from 0 to 1439')
    }
    this.#clock = clock
    this.#dayStartMinutes = dayStartMinutes
    this.#first = first
    const offset = clock.offsetAt(first)
    // Where the clocks read the same the days before and after nothing has to be looked up.
    if (offset === clock.offsetAt(first - DAY) && offset === clock.offsetAt(first + DAY + DAY)) {
      const begins = dayStartMinutes * MINUTE - offset
      this.nextAt = (Math.floor((first - begins) / DAY) + 1) * DAY + begins
    } else this.nextAt = this.#lookUp(1)
  }

  copy(): Days {
    const copy = new Days(this.#clock, this.#dayStartMinutes, this.#first)
    copy.index = this.index
    copy.nextAt = this.nextAt
    return copy
  }

  advance(): void {
    this.index++
    const clock = this.#clock
    const after = this.nextAt + DAY
    const offset = clock.offsetAt(after)
    const steady = offset === clock.offsetAt(this.nextAt) && offset === clock.offsetAt(this.nextAt - DAY)
    this.nextAt = steady ? after : this.#lookUp(this.index + 1)
  }

  /** When the day of a number begins. */
  #lookUp(day: number): Instant {
    const date = this.#clock.dateOf(this.#first, this.#dayStartMinutes)
    return this.#clock.startOf(addDays(date, day), this.#dayStartMinutes)
  }
}
