import * as fs from 'node:fs'
import { z } from 'zod'
import { evaluate } from '../hos/evaluate.ts'
import type { DutyStatus, HosOptions, RulesetId } from '../hos/types.ts'
import { type Instant, MINUTE } from '../time/instant.ts'
import { zone } from '../time/zone.ts'

const WallClock = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/)
const Moments = z.array(z.object({ at: WallClock }))
const Case = z.object({
  id: z.string(),
  title: z.string().optional(),
  ruleset: z.string(),
  timeZone: z.string(),
  dayStart: z
    .string()
    .regex(/^\d\d:\d\d$/)
    .default('00:00'),
  options: z
    .looseObject({ adverseConditions: Moments.optional(), shortHaul16: Moments.optional() })
    .default({}),
  log: z.array(z.object({ at: WallClock, status: z.string() })),
  asOf: WallClock,
  expect: z.object({
    violations: z.array(z.object({ rule: z.string(), from: WallClock })).optional(),
    remaining: z.record(z.string(), z.number()).optional(),
  }),
})
type Case = z.infer<typeof Case>

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
    throw new Error(
      issue ? `${file}: ${issue.path.join('.')}: ${issue.message}` : `${file}: ${(error as Error).message}`,
    )
  }
}

function faultsOf(one: Case): string[] {
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
      const found = answer.clocks.find((candidate) => candidate.name === name)
      const came = found ? String(found.remainingMs / MINUTE) : 'no such clock'
      if (came !== String(wanted)) faults.push(`${name}: expected ${wanted} min, came ${came}`)
    }
    return faults
  } catch (error) {
    return [`expected an answer, came ${(error as Error).message}`]
  }
}
