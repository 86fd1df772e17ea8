import { DAY, type Instant, MINUTE } from '../../time/instant.ts'
import { addDays, type Zone, zone } from '../../time/zone.ts'
import { type DutyEvent, type DutyStatus, type HosOptions, HosRefusal, MOST_EVENTS } from '../types.ts'

/** What a status is to the rules of North America (395.2; PC by 395.8 guidance Q26, YM by 395.28(a)). */
export const REST = 0
export const BERTH = 1
export const ON_DUTY = 2
export const DRIVING = 3
/** Compared one by one: names of one text are one value, so that this costs less than a look into a table. */
function kindOf(status: DutyStatus): number {
  if (status === 'D') return DRIVING
  if (status === 'ON' || status === 'YM') return ON_DUTY
  if (status === 'SB') return BERTH
  return status === 'OFF' || status === 'PC' ? REST : -1
}
const EUROPEAN: ReadonlySet<string> = new Set(['REST', 'DRIVE', 'WORK', 'POA', 'FERRY'])

/** A rest, adjoining off duty and berth joined. The boundaries are indices of segments. */
export interface Rest extends Span {
  /** The log begins with it: it is the end of the full rest before. */
  opening: boolean
  /** Its longest stretch in the berth alone. */
  berthMs: number
  /** When its latest stretch in the berth began. */
  berthFrom: Instant
}

export interface Span {
  from: Instant
  until: Instant
  /** The segment that it begins with. */
  first: number
  /** The boundary at which it ends: the segment after it, or the end of the log. */
  end: number
}

/**
 * A log as columns: segment `i` holds `kind[i]` from `at[i]` to `at[i + 1]`; `at[count]` is the instant asked about. `drivenMs`
 * and `onDutyMs` are totals before each boundary. Segments are cut where a day begins, and at `cuts`. The columns are longer
 * than the log: what lies beyond its boundaries means nothing.
 */
export class Timeline {
  count = 0
  at = new Float64Array(ROOM)
  kind = new Uint8Array(ROOM)
  drivenMs = new Float64Array(ROOM)
  onDutyMs = new Float64Array(ROOM)
  /** Number of the carrier's day of each boundary; 0 is the day of the first event. */
  day = new Int32Array(ROOM)
  /** The boundary at which each day begins (0 for the first). */
  dayBoundary = new Int32Array(ROOM)
  /** How many days have begun, the first among them. */
  dayCount = 1
  rests: Rest[] = []
  /** What holds from the instant asked about on: an event at that very instant counts, though nothing of it has passed. */
  present = REST
  status: DutyStatus = 'OFF'
  statusSince: Instant = 0
  /** When the next of the carrier's days begins. */
  nextDayAt: Instant = 0
  clock: Zone
  /** What is known, and what `goOn` begins with each time. */
  known: Known = {
    asOf: 0,
    count: 0,
    dayCount: 1,
    restCount: 0,
    lastRest: restAt(0, 0),
    day: 0,
    nextDayAt: 0,
  }
  readonly #days: Days
  #cuts: readonly Instant[] = NO_CUTS
  #nextCut = 0
  /** When the days after what is known begin, as far as they were asked for. */
  readonly #coming: Instant[] = []
  /** Rests of earlier logs, used again. */
  readonly #made: Rest[] = []

  constructor(clock: Zone) {
    this.clock = clock
    this.#days = new Days(clock)
  }

  /** Begins a log anew. */
  begin(clock: Zone, dayStartMinutes: number, first: Instant, cuts: readonly Instant[]): void {
    this.clock = clock
    this.#days.begin(clock, dayStartMinutes, first)
    this.#cuts = cuts
    this.#nextCut = 0
    this.#coming.length = 0
    this.count = 0
    this.drivenMs[0] = 0
    this.onDutyMs[0] = 0
    this.dayBoundary[0] = 0
    this.dayCount = 1
    this.rests.length = 0
    this.status = 'OFF'
  }

  /** Notes what is known, the log being read up to `asOf`. */
  keep(asOf: Instant): void {
    const { known, rests } = this
    known.asOf = asOf
    known.count = this.count
    known.dayCount = this.dayCount
    known.restCount = rests.length
    known.day = this.#days.index
    known.nextDayAt = this.nextDayAt
    if (rests.length > 0) copyRest(rests[rests.length - 1]!, known.lastRest)
  }

  /** Back to what was known. */
  return(): void {
    const { known, rests } = this
    this.count = known.count
    this.dayCount = known.dayCount
    rests.length = known.restCount
    if (known.restCount > 0) copyRest(known.lastRest, rests[known.restCount - 1]!)
    this.#days.index = known.day
    this.#days.nextAt = known.nextDayAt
    this.#nextCut = 0
  }

  /** When a day begins that comes after what is known, by its number. */
  dayStart(day: number): Instant {
    return this.comingDay(day - this.known.day - 1)
  }

  /** When a day that comes after what is known begins; 0 is the next one. */
  comingDay(ahead: number): Instant {
    const coming = this.#coming
    if (coming.length === 0) coming.push(this.known.nextDayAt)
    while (coming.length <= ahead)
      coming.push(this.#days.after(this.known.day + coming.length, coming[coming.length - 1]!))
    return coming[ahead]!
  }

  /** A stretch of one status as segments: cut where days begin and at cuts. */
  add(kind: number, at: Instant, until: Instant): void {
    const days = this.#days
    const cuts = this.#cuts
    if (cuts.length > 0) while (this.#nextCut < cuts.length && cuts[this.#nextCut]! <= at) this.#nextCut++
    for (let from = at; from < until; ) {
      while (days.nextAt <= from) this.#turnDay()
      let to = days.nextAt < until ? days.nextAt : until
      if (this.#nextCut < cuts.length && cuts[this.#nextCut]! < to) to = cuts[this.#nextCut++]!
      this.#append(kind, from, to, days.index)
      from = to
    }
  }

  end(asOf: Instant): void {
    const days = this.#days
    while (days.nextAt <= asOf) this.#turnDay()
    this.at[this.count] = asOf
    this.day[this.count] = days.index
    this.nextDayAt = days.nextAt
  }

  #turnDay(): void {
    this.#days.advance()
    if (this.dayCount === this.dayBoundary.length) this.dayBoundary = longer(this.dayBoundary, Int32Array)
    this.dayBoundary[this.dayCount++] = this.count
  }

  #append(kind: number, from: Instant, until: Instant, day: number): void {
    const i = this.count++
    if (i + 2 > this.at.length) this.#grow()
    this.at[i] = from
    this.kind[i] = kind
    this.day[i] = day
    const length = until - from
    this.drivenMs[i + 1] = this.drivenMs[i]! + (kind === DRIVING ? length : 0)
    this.onDutyMs[i + 1] = this.onDutyMs[i]! + (kind >= ON_DUTY ? length : 0)
    if (kind < ON_DUTY) this.#rest(i, kind, from, until)
  }

  #rest(i: number, kind: number, from: Instant, until: Instant): void {
    const { rests } = this
    let rest = rests.length > 0 ? rests[rests.length - 1]! : undefined
    const begins = rest === undefined || rest.end !== i
    if (begins) {
      rest = this.#newRest(rests.length)
      rest.from = from
      rest.first = i
      rest.opening = i === 0
      rest.berthMs = 0
      rests.push(rest)
    }
    rest!.until = until
    rest!.end = i + 1
    if (kind !== BERTH) return
    if (begins || this.kind[i - 1] !== BERTH) rest!.berthFrom = from
    if (until - rest!.berthFrom > rest!.berthMs) rest!.berthMs = until - rest!.berthFrom
  }

  #newRest(index: number): Rest {
    const made = this.#made
    if (index === made.length) made.push(restAt(0, 0))
    return made[index]!
  }

  #grow(): void {
    this.at = longer(this.at, Float64Array)
    this.kind = longer(this.kind, Uint8Array)
    this.drivenMs = longer(this.drivenMs, Float64Array)
    this.onDutyMs = longer(this.onDutyMs, Float64Array)
    this.day = longer(this.day, Int32Array)
  }
}

/** Where a log ended, before it went on. */
interface Known {
  asOf: Instant
  count: number
  dayCount: number
  restCount: number
  lastRest: Rest
  day: number
  nextDayAt: Instant
}

/** A rest that begins at an instant, at a boundary, and has no length yet. */
export const restAt = (at: Instant, boundary: number): Rest => ({
  from: at,
  until: at,
  first: boundary,
  end: boundary,
  opening: boundary === 0,
  berthMs: 0,
  berthFrom: at,
})

function copyRest(from: Rest, to: Rest): void {
  to.from = from.from
  to.until = from.until
  to.first = from.first
  to.end = from.end
  to.opening = from.opening
  to.berthMs = from.berthMs
  to.berthFrom = from.berthFrom
}

function longer<T extends Float64Array | Int32Array | Uint8Array>(
  column: T,
  Column: new (length: number) => T,
): T {
  const more = new Column(column.length * 2)
  more.set(column)
  return more
}

/** Room for a fortnight, which most logs are shorter than. */
const ROOM = 256
const NO_CUTS: readonly Instant[] = []

/**
 * The columns of a log that has been answered, for the next one: made anew for each they were half of what an evaluation costs, and
 * of what the collector of garbage had to do. Whoever has it is the only one.
 */
let spare: Timeline | null = null
/** Columns longer than a driver's years are not kept. */
const MOST_SPARE = ROOM * ROOM

/** Gives back a timeline that nothing refers to any more. */
export function release(line: Timeline): void {
  if (line.at.length <= MOST_SPARE) spare = line
}

/**
 * The log up to `asOf`, checked. Of two events at one instant the later in the list holds; neighbours of one status are one.
 * @throws HosRefusal naming the event that can't be judged
 */
export function timelineOf(
  log: readonly DutyEvent[],
  options: HosOptions,
  asOf: Instant,
  cuts: readonly Instant[] = NO_CUTS,
): Timeline {
  if (log.length > MOST_EVENTS) {
    throw new HosRefusal('too-long', MOST_EVENTS, `a log of ${log.length} events; the most is ${MOST_EVENTS}`)
  }
  if (!Number.isFinite(asOf)) throw new HosRefusal('bad-option', null, 'asOf must be an instant')
  if (!cuts.every(Number.isFinite))
    throw new HosRefusal('bad-option', null, 'every circumstance needs an instant')
  const clock = zoneOf(options.timeZone)
  const known = checked(log, asOf)
  const line = spare ?? new Timeline(clock)
  spare = null
  const ordered = cuts.length > 1 ? [...cuts].sort((a, b) => a - b) : cuts
  line.begin(clock, options.dayStartMinutes, known > 0 ? log[0]!.at : asOf, ordered)
  line.statusSince = asOf
  for (let e = 0; e < known; e++) {
    const { at, status } = log[e]!
    const until = e + 1 < known ? log[e + 1]!.at : asOf
    if (until === at) continue
    if (status !== line.status || line.count === 0) {
      line.status = status
      line.statusSince = at
    }
    line.add(kindOf(status), at, until)
  }
  line.end(asOf)
  for (let e = known; e < log.length && log[e]!.at === asOf; e++) {
    if (log[e]!.status === line.status && line.count > 0) continue
    line.status = log[e]!.status
    line.statusSince = asOf
  }
  line.present = kindOf(line.status)
  line.keep(asOf)
  return line
}

/**
 * The same timeline at a later instant if nothing happens: what is known stays, and the present status goes on. The columns
 * are those of `line`, which are no longer what they were.
 */
export function goOn(line: Timeline, asOf: Instant): Timeline {
  line.return()
  line.add(line.present, line.known.asOf, asOf)
  line.end(asOf)
  return line
}

/** When the next of the carrier's days after what is known begin. */
export const comingDays = (line: Timeline, count: number): Instant[] =>
  Array.from({ length: count }, (_, ahead) => line.comingDay(ahead))

/** The first segment from a boundary on that is on duty; `count` if none is. */
export function onDutyFrom(line: Timeline, boundary: number): number {
  let i = boundary
  while (i < line.count && line.kind[i]! < ON_DUTY) i++
  return i
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
    if (kindOf(status) < 0) {
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

/** The carrier's days one after another (395.2: any 24 hours beginning at the hour that the carrier fixes). */
class Days {
  index = 0
  nextAt: Instant = 0
  #first: Instant = 0
  #clock: Zone
  #dayStartMinutes = 0

  constructor(clock: Zone) {
    this.#clock = clock
  }

  begin(clock: Zone, dayStartMinutes: number, first: Instant): void {
    if (!Number.isInteger(dayStartMinutes) || dayStartMinutes < 0 || dayStartMinutes * MINUTE >= DAY) {
      throw new HosRefusal('bad-option', null, 'dayStartMinutes must be a whole number from 0 to 1439')
    }
    this.#clock = clock
    this.#dayStartMinutes = dayStartMinutes
    this.#first = first
    this.index = 0
    const offset = clock.offsetAt(first)
    // Where the clocks read the same the days before and after nothing has to be looked up.
    if (offset === clock.offsetAt(first - DAY) && offset === clock.offsetAt(first + DAY + DAY)) {
      const begins = dayStartMinutes * MINUTE - offset
      this.nextAt = (Math.floor((first - begins) / DAY) + 1) * DAY + begins
    } else this.nextAt = this.#lookUp(1)
  }

  advance(): void {
    this.index++
    this.nextAt = this.after(this.index, this.nextAt)
  }

  /** When the day after a day begins, which begins at an instant. */
  after(day: number, at: Instant): Instant {
    const clock = this.#clock
    const next = at + DAY
    const offset = clock.offsetAt(next)
    const steady = offset === clock.offsetAt(at) && offset === clock.offsetAt(at - DAY)
    return steady ? next : this.#lookUp(day + 1)
  }

  /** When the day of a number begins. */
  #lookUp(day: number): Instant {
    const date = this.#clock.dateOf(this.#first, this.#dayStartMinutes)
    return this.#clock.startOf(addDays(date, day), this.#dayStartMinutes)
  }
}
