import { evaluateAlong, evaluateAlongWithGaps, type Regime } from '../../server/hos/border.ts'
import type { Course } from '../../server/hos/forecast.ts'
import type { GapEvent, GappedEvaluation } from '../../server/hos/gaps.ts'
import { type DutyEvent, type Evaluation, HosRefusal, type RulesetId } from '../../server/hos/types.ts'
import { DAY, type Instant } from '../../server/time/instant.ts'
import { type Zone, zone } from '../../server/time/zone.ts'
import { type ParsedLog, parseLocal, parseLog } from './log-text.ts'
import { type LabOptions, NO_OPTIONS, type ReadOptions, readOptions } from './options.ts'

/** From a local time on other rules hold: a border, or another carrier. */
export interface Border {
  /** "2026-03-02T12:00" */
  at: string
  ruleset: RulesetId
}

/** What is asked, as it was typed. All of it is in the link. */
export interface Question {
  ruleset: RulesetId
  timeZone: string
  /** "HH:MM" */
  dayStart: string
  text: string
  /** Local time "2026-03-02T21:00"; empty means the log's last event. */
  asOf: string
  options: LabOptions
  /** What is planned from the instant asked about on, such as "D 4h, ON 1h". */
  plan: string
  /** Where the rules change, in order of time. */
  borders: readonly Border[]
}

/** Nothing is asked yet. */
export const emptyQuestion = (timeZone: string): Question => ({
  ruleset: 'us-property-70-8',
  timeZone,
  dayStart: '00:00',
  text: '',
  asOf: '',
  options: NO_OPTIONS,
  plan: '',
  borders: [],
})

/** How far after the log it may be asked: a slip in the year would have centuries counted. */
const LONGEST_AFTER_MS = 366 * DAY

/** What is asked, read; each fault stands by its field. */
export interface ReadQuestion {
  zone: Zone | null
  zoneFault: string | null
  dayStartMinutes: number
  dayStartFault: string | null
  parsed: ParsedLog
  /** null: there is no event and no time is named */
  asOf: Instant | null
  asOfFault: string | null
  options: ReadOptions
  /** The rules after each border, with their circumstances; what can't be read is left out. */
  regimes: readonly Regime[]
  /** By the index of the border. */
  borderFaults: readonly (string | null)[]
  /** Do the events follow one another in time? */
  ordered: boolean
}

const NO_LOG: ParsedLog = { events: [], lines: [], faults: [], unit: 'Line' }

/** Reads every field; what depends on the zone waits for one that exists. */
export function readQuestion(question: Question): ReadQuestion {
  const found = findZone(question.timeZone)
  const [, hours, minutes] = /^(\d{2}):(\d{2})$/.exec(question.dayStart) ?? []
  const dayStart = {
    dayStartMinutes: hours === undefined ? 0 : Number(hours) * 60 + Number(minutes),
    dayStartFault: hours === undefined ? 'Say when the day starts, such as 00:00.' : null,
  }
  if ('fault' in found) {
    return {
      zone: null,
      zoneFault: found.fault,
      ...dayStart,
      parsed: NO_LOG,
      asOf: null,
      asOfFault: null,
      options: { circumstances: {}, faults: {} },
      regimes: [],
      borderFaults: [],
      ordered: true,
    }
  }
  const parsed = parseLog(question.text, found.zone)
  const { events } = parsed
  return {
    zone: found.zone,
    zoneFault: null,
    ...dayStart,
    parsed,
    ...readAsOf(question.asOf, events, found.zone),
    options: readOptions(question.ruleset, question.options, found.zone),
    ...readBorders(question, dayStart.dayStartMinutes, found.zone),
    ordered: events.every((event, i) => i === 0 || events[i - 1]!.at <= event.at),
  }
}

function findZone(name: string): { zone: Zone } | { fault: string } {
  const wanted = name.trim()
  if (wanted === '') return { fault: 'Name a time zone, such as America/Chicago.' }
  try {
    return { zone: zone(wanted) }
  } catch (error) {
    if (error instanceof RangeError) return { fault: `No time zone is called “${wanted}”.` }
    throw error
  }
}

function readBorders(
  { borders, options }: Question,
  dayStartMinutes: number,
  zone: Zone,
): Pick<ReadQuestion, 'regimes' | 'borderFaults'> {
  const regimes: Regime[] = []
  const borderFaults = borders.map(({ at, ruleset }) => {
    if (at === '') return 'Say when the rules change.'
    const time = parseLocal(at, zone)
    if ('reason' in time) return sentence(time.reason)
    const before = regimes.at(-1)
    if (before && time.at <= before.from) return 'Each change comes after the one before it.'
    const { circumstances } = readOptions(ruleset, options, zone)
    regimes.push({
      from: time.at,
      ruleset,
      options: { timeZone: zone.name, dayStartMinutes, ...circumstances },
    })
    return null
  })
  return { regimes, borderFaults }
}

function readAsOf(
  text: string,
  events: readonly GapEvent[],
  zone: Zone,
): Pick<ReadQuestion, 'asOf' | 'asOfFault'> {
  const last = events.reduce<Instant | null>((latest, { at }) => Math.max(latest ?? at, at), null)
  if (text === '') return { asOf: last, asOfFault: null }
  const time = parseLocal(text, zone)
  if ('reason' in time) return { asOf: null, asOfFault: sentence(time.reason) }
  if (last !== null && time.at > last + LONGEST_AFTER_MS)
    return { asOf: null, asOfFault: 'That is more than a year after the last event.' }
  return { asOf: time.at, asOfFault: null }
}

/** A reason as a sentence. */
export const sentence = (reason: string): string => `${reason[0]?.toUpperCase() ?? ''}${reason.slice(1)}.`

/** What there is to say to a question. */
export type Answer =
  | { kind: 'empty' }
  /** Something can't be read, so nothing is judged. */
  | { kind: 'unread'; lines: number; fields: number }
  | { kind: 'refused'; code: HosRefusal['code']; where: string | null; reason: string }
  /** The engine's own fault: what this page is there to find. */
  | { kind: 'broken'; reason: string }
  | { kind: 'judged'; evaluation: Evaluation; course: Course; unchanged: Unchanged<Evaluation> | null }
  /** Some time is unknown. */
  | {
      kind: 'gapped'
      ruleset: RulesetId
      evaluation: GappedEvaluation
      unchanged: Unchanged<GappedEvaluation> | null
    }

/** The other answer at a border: as it would be under the rules from before the last one. */
export interface Unchanged<Answer> {
  ruleset: RulesetId
  evaluation: Answer
}

const isKnown = (log: readonly GapEvent[]): log is readonly DutyEvent[] =>
  log.every(({ status }) => status !== 'UNKNOWN')

/** Under the rules of the last border; and as it would be had it not been crossed. */
function judged(log: readonly DutyEvent[], regimes: readonly Regime[], asOf: Instant): Answer {
  const { ruleset, options } = regimes.at(-1)!
  const course: Course = { log, ruleset, options, asOf }
  return {
    kind: 'judged',
    evaluation: evaluateAlong(log, regimes, asOf),
    course,
    unchanged: hadItNotBeen(regimes, (before) => evaluateAlong(log, before, asOf)),
  }
}

/** The same where some time is unknown. */
function gapped(log: readonly GapEvent[], regimes: readonly Regime[], asOf: Instant): Answer {
  return {
    kind: 'gapped',
    ruleset: regimes.at(-1)!.ruleset,
    evaluation: evaluateAlongWithGaps(log, regimes, asOf),
    unchanged: hadItNotBeen(regimes, (before) => evaluateAlongWithGaps(log, before, asOf)),
  }
}

function hadItNotBeen<Said>(
  regimes: readonly Regime[],
  judge: (before: readonly Regime[]) => Said,
): Unchanged<Said> | null {
  const before = regimes.slice(0, -1)
  return before.length > 0 ? { ruleset: before.at(-1)!.ruleset, evaluation: judge(before) } : null
}

/**
 * Judges what was read.
 * @param drawn the log as it is being drawn, in place of the one that was read
 */
export function answerOf(ruleset: RulesetId, read: ReadQuestion, drawn?: readonly GapEvent[]): Answer {
  const { zone, parsed, asOf, dayStartMinutes, options } = read
  const log = drawn ?? parsed.events
  const lines = parsed.faults.length
  const fields = [
    read.zoneFault,
    read.dayStartFault,
    read.asOfFault,
    ...Object.values(options.faults),
    ...read.borderFaults,
  ].filter(Boolean).length
  if (lines > 0 || fields > 0 || zone === null) return { kind: 'unread', lines, fields }
  if (log.length === 0) return { kind: 'empty' }
  try {
    const circumstances = { timeZone: zone.name, dayStartMinutes, ...options.circumstances }
    const at = asOf ?? log.at(-1)!.at
    const regimes = [
      { from: Number.NEGATIVE_INFINITY, ruleset, options: circumstances },
      ...read.regimes,
    ].filter(({ from }) => from <= at)
    return isKnown(log) ? judged(log, regimes, at) : gapped(log, regimes, at)
  } catch (error) {
    if (!(error instanceof HosRefusal))
      return { kind: 'broken', reason: error instanceof Error ? error.message : String(error) }
    const line = error.index === null ? undefined : parsed.lines[error.index]
    return {
      kind: 'refused',
      code: error.code,
      where: line === undefined ? null : `${parsed.unit} ${line}`,
      reason: error.message.replace(/^event \d+: /, ''),
    }
  }
}
