import * as fs from 'node:fs'
import { z } from 'zod'
import { evaluate } from '../hos/evaluate.ts'
import type { DutyStatus, HosOptions, RulesetId } from '../hos/types.ts'
import { type Instant, MINUTE } from '../time/instant.ts'
import { addDays, zone } from '../time/zone.ts'

const WALL_CLOCK = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d$/
const isDay = (text: string) => Number.isFinite(Date.parse(text)) && addDays(text, 0) === text
const Day = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/)
  .refine(isDay, 'no such day')
const WallClock = z
  .string()
  .regex(WALL_CLOCK, 'a wall-clock time is YYYY-MM-DDThh:mm')
  .refine((text) => isDay(text.slice(0, 10)), 'no such day')
const Moments = z.array(z.object({ at: WallClock }))
const Minutes = z.number().nonnegative()
/** One that is not known fails its case: it asks for something that nobody would have looked at. */
const Options = z.looseObject({
  adverseConditions: Moments.optional(),
  carriedMinutes: z.array(Minutes).optional(),
  shortHaul: z.boolean().optional(),
  shortHaul16: Moments.optional(),
  driverSalesperson: z.boolean().optional(),
  team: z.boolean().optional(),
  deferral: z.array(z.object({ day1: Day })).optional(),
  multiManning: z.boolean().optional(),
  internationalTwoReduced: z.boolean().optional(),
  crewReducedRestCounts: z.boolean().optional(),
  nightStartMinutes: Minutes.optional(),
  averageOver26Weeks: z.boolean().optional(),
})
const Expect = z.looseObject({
  violations: z.array(z.object({ rule: z.string(), from: WallClock })).optional(),
  remaining: z.record(z.string(), z.number()).optional(),
})
const Case = z.object({
  id: z.string(),
  title: z.string().optional(),
  ruleset: z.string(),
  timeZone: z.string().refine(isZone, 'no such time zone'),
  dayStart: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/)
    .default('00:00'),
  options: Options.default({}),
  log: z.array(z.object({ at: WallClock, status: z.string() })),
  asOf: WallClock,
  expect: Expect,
})
type Case = z.infer<typeof Case>

function isZone(name: string): boolean {
  try {
    zone(name)
    return true
  } catch {
    return false
  }
}

/** Runs the cases of files in the form of hours-of-service conformance cases, and prints a block for each that fails. */
export function conformHos(files: readonly string[]): { passed: number; failed: number } {
  let passed = 0
  let failed = 0
  for (const file of files) {
    for (const one of readCases(file)) {
      const faults = faultsOf(one)
      if (faults.length === 0) passed++
      else {
        failed++
        console.log(
          [`${one.id}${one.title ? `  ${one.title}` : ''}`, ...faults.map((fault) => `  ${fault}`)].join(
            '\n',
          ),
        )
      }
    }
  }
  return { passed, failed }
}

function readCases(file: string): Case[] {
  try {
    return z.array(Case).parse(JSON.parse(fs.readFileSync(file, 'utf8')))
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : []
    const field = issue?.path.join('.')
    throw new Error([file, field, issue?.message ?? (error as Error).message].filter(Boolean).join(': '))
  }
}

/** What a case asks for and nobody here knows: it fails, for an answer that leaves it out would prove nothing. */
const notKnown = (one: Case): string[] => [
  ...Object.keys(one.options)
    .filter((name) => !(name in Options.shape))
    .map((name) => `options.${name}: no such option`),
  ...Object.keys(one.expect)
    .filter((name) => !(name in Expect.shape))
    .map((name) => `expect.${name}: nothing to compare it with`),
]

function faultsOf(one: Case): string[] {
  const asked = notKnown(one)
  if (asked.length > 0) return asked
  const clock = zone(one.timeZone)
  const instantOf = (text: string): Instant => clock.instantOf(Date.parse(`${text}:00Z`))
  const textOf = (at: Instant) => new Date(at + clock.offsetAt(at)).toISOString().slice(0, 16)
  const [hours, minutes] = one.dayStart.split(':').map(Number)
  const { adverseConditions, shortHaul16, ...options } = one.options
  const circumstances: HosOptions = {
    ...options,
    timeZone: one.timeZone,
    dayStartMinutes: hours! * 60 + minutes!,
    ...(adverseConditions ? { adverseConditions: adverseConditions.map(({ at }) => instantOf(at)) } : {}),
    ...(shortHaul16 ? { shortHaul16: shortHaul16.map(({ at }) => instantOf(at)) } : {}),
  }
  const log = one.log.map(({ at, status }) => ({ at: instantOf(at), status: status as DutyStatus }))
  try {
    const answer = evaluate(log, one.ruleset as RulesetId, circumstances, instantOf(one.asOf))
    const faults: string[] = []
    const violations = answer.violations.map(({ rule, from }) => `${rule} from ${textOf(from)}`)
    const expected = (one.expect.violations ?? []).map(({ rule, from }) => `${rule} from ${from}`)
    if (one.expect.violations && violations.join() !== expected.join()) {
      faults.push(`expected violations: ${expected.join(', ') || 'none'}`)
      faults.push(`came:                ${violations.join(', ') || 'none'}`)
    }
    for (const [name, wanted] of Object.entries(one.expect.remaining ?? {})) {
      const found = answer.clocks.find((clock) => clock.name === name)
      const came = found ? String(found.remainingMs / MINUTE) : 'no such clock'
      if (came !== String(wanted)) faults.push(`${name}: expected ${wanted} min, came ${came}`)
    }
    return faults
  } catch (error) {
    return [`expected an answer, came ${(error as Error).message}`]
  }
}
