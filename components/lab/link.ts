import { z } from 'zod'
import type { GapEvent } from '../../server/hos/gaps.ts'
import { MINUTE, SECOND } from '../../server/time/instant.ts'
import { zone } from '../../server/time/zone.ts'
import { formatLog } from './log-text.ts'
import { type LabOptions, NO_OPTIONS } from './options.ts'
import { type Question, readQuestion } from './question.ts'
import { isRulesetId } from './rulesets.ts'

/**
 * What a link holds, as JSON in base64url: short names, and nothing that is as it is anyhow. A log that can be read is its first
 * instant and each status with the time since then, `OFF0ON600D630`; one that can't is its text, so that a bug can be reported.
 */
const Packed = z.object({
  r: z.string().refine(isRulesetId),
  z: z.string(),
  d: z.string().optional(),
  a: z.string().optional(),
  /** The first event, in units since 1970. */
  f: z.number().int().optional(),
  /** Milliseconds of a unit, a minute if not said. */
  u: z.number().int().positive().optional(),
  e: z
    .string()
    .regex(/^([A-Z]+\d+)+$/)
    .optional(),
  t: z.string().optional(),
  /** What is planned from there on, as it was typed. */
  p: z.string().optional(),
  /** Where the rules change: local time and ruleset. */
  b: z.array(z.object({ a: z.string(), r: z.string().refine(isRulesetId) })).optional(),
  o: z
    .object({
      shortHaul: z.boolean(),
      shortHaul16: z.string(),
      driverSalesperson: z.boolean(),
      adverse: z.string(),
      carried: z.string(),
      team: z.boolean(),
      deferral: z.string(),
      multiManning: z.boolean(),
      crewReducedRestCounts: z.boolean(),
      internationalTwoReduced: z.boolean(),
      nightStart: z.string(),
      averageOver26Weeks: z.boolean(),
    } satisfies Record<keyof LabOptions, z.ZodType>)
    .partial()
    .optional(),
})
type Packed = z.infer<typeof Packed>

/** The question as a few characters that an address may hold. */
export function encodeQuestion(question: Question): string {
  const { ruleset, timeZone, dayStart, asOf, text, plan, borders } = question
  const options = changedOptions(question.options)
  const packed: Packed = {
    r: ruleset,
    z: timeZone,
    ...(dayStart !== '00:00' && { d: dayStart }),
    ...(asOf !== '' && { a: asOf }),
    ...(Object.keys(options).length > 0 && { o: options }),
    ...packLog(question, text),
    ...(plan !== '' && { p: plan }),
    ...(borders.length > 0 && { b: borders.map(({ at, ruleset: to }) => ({ a: at, r: to })) }),
  }
  return toBase64Url(JSON.stringify(packed))
}

/** The question in a link; null if it holds none. */
export function decodeQuestion(code: string): Question | null {
  const { data } = Packed.safeParse(fromBase64Url(code))
  if (!data) return null
  const { z: timeZone, d: dayStart = '00:00', a: asOf = '', t, o, p: plan = '', b = [] } = data
  const text = t ?? unpackLog(data)
  if (text === null) return null
  const borders = b.map(({ a: at, r: to }) => ({ at, ruleset: to }))
  return { ruleset: data.r, timeZone, dayStart, text, asOf, options: { ...NO_OPTIONS, ...o }, plan, borders }
}

function changedOptions(options: LabOptions): Partial<LabOptions> {
  const changed = Object.entries(options).filter(
    ([name, value]) => value !== NO_OPTIONS[name as keyof LabOptions],
  )
  return Object.fromEntries(changed)
}

function packLog(question: Question, text: string): Pick<Packed, 'f' | 'u' | 'e' | 't'> {
  if (text.trim() === '') return {}
  const { zone, parsed, ordered } = readQuestion(question)
  const [first] = parsed.events
  if (!zone || !first || !ordered || parsed.faults.length > 0) return { t: text }
  const unit = [MINUTE, SECOND].find((ms) => parsed.events.every(({ at }) => at % ms === 0)) ?? 1
  return {
    f: first.at / unit,
    ...(unit !== MINUTE && { u: unit }),
    e: parsed.events.map(({ at, status }) => `${status}${(at - first.at) / unit}`).join(''),
  }
}

function unpackLog({ z: timeZone, f, u = MINUTE, e }: Packed): string | null {
  if (f === undefined || e === undefined) return ''
  try {
    const log = [...e.matchAll(/([A-Z]+)(\d+)/g)].map(([, status, since]) => ({
      at: (f + Number(since)) * u,
      // One that is none is a faulty line like any other.
      status: status as GapEvent['status'],
    }))
    return formatLog(log, zone(timeZone))
  } catch (error) {
    // No such zone, or no such instant.
    if (error instanceof RangeError) return null
    throw error
  }
}

function toBase64Url(text: string): string {
  const bytes = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte))
  return btoa(bytes.join('')).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** The JSON in it, or undefined. */
function fromBase64Url(code: string): unknown {
  try {
    const bytes = atob(code.replaceAll('-', '+').replaceAll('_', '/'))
    const text = new TextDecoder('utf-8', { fatal: true }).decode(
      Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)),
    )
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
