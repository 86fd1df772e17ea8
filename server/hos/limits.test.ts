import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { CANADA } from './ca/limits.ts'
import { LIMITS as EU, type Limit } from './eu/limits.ts'
import { LIMITS as GB } from './gb/limits.ts'
import { JURISDICTIONS } from './samples.testing.ts'
import { unitedStatesLaw } from './us/limits.ts'
import { LIMITS as WTD } from './wtd/limits.ts'

const UNITED_STATES = JURISDICTIONS['United States']!.rulesets

const ROOM = import.meta.dirname

/** Numbers that no law sets, by file and line as it stands, each with its reason. */
const NO_LAW: readonly (readonly [file: string, code: string, reason: string])[] = [
  ['types.ts', 'MOST_EVENTS = 100_000', 'a bound on what is read'],
  ['trip.ts', 'MOST_WAYS = 20_000', 'a bound on the search'],
  ['trip.ts', 'MOST_MS = 14 * DAY', 'a bound on the search'],
  ['trip.ts', 'PAIRED_WITHIN_MS = 2 * DAY', 'what tells two ways apart'],
  ['advice.ts', 'LONGEST_REST_MS = 8 * DAY', 'a bound on the search'],
  ['north-america/settled.ts', 'LONGEST_DAY_MS = 25 * HOUR', 'a day on which the clocks are set back'],
  ['north-america/settled.ts', 'MARGIN_MS = 3 * DAY', 'looks further back than any rule'],
  ['packed-log.ts', 'LOW = 4_294_967_296', 'the word of a machine'],
  ['eu/timeline.ts', 'BEFORE = 70 * DAY', 'longer than any rest'],
  ['eu/answers.ts', 'LONG_REST = 70 * DAY', 'longer than any rest'],
  ['eu/compensation.ts', 'SEARCH_STEPS = 5_000', 'a bound on the search'],
  ['eu/weeklyDriving.ts', 'WEEK_MS = 7 * DAY', 'the calendar'],
]

const UNIT = String.raw`(?:SECOND|MINUTE|HOUR|DAY|WEEK)\b`
/** A number times a unit either way, and whatever could be milliseconds or minutes of a day. */
const BARE = new RegExp(
  String.raw`\d\s*\*\s*${UNIT}|\b${UNIT}\s*\*\s*\d|\b\d+\s*\*\s*\d|\b\d{1,3}(?:_\d{3})+\b|\b\d{4,}\b`,
)

/** Lines of code with a bare duration; comments and texts left out. */
function bareIn(source: string): string[] {
  const code = source
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replace(/`[^`\n]*`/g, (text) => text.match(/\$\{[^}]*\}/g)?.join(' ') ?? '')
    .replace(/\/\/.*$/gm, '')
  return code.split('\n').filter((line) => BARE.test(line))
}

const isLaw = (file: string) => /(?:^|[/-])limits\.ts$/.test(file)
const sources = fs
  .readdirSync(ROOM, { recursive: true, encoding: 'utf8' })
  .map((file) => file.split(path.sep).join('/'))
  .filter((file) => /\.ts$/.test(file) && !/\.(?:test|testing|bench)\.ts$/.test(file) && !isLaw(file))

describe('legal numbers', () => {
  test('none stands bare in code', () => {
    assert.ok(sources.length > 40, `${sources.length} files`)
    const used = new Set<string>()
    const bare = sources.flatMap((file) =>
      bareIn(fs.readFileSync(path.join(ROOM, file), 'utf8')).flatMap((line) => {
        const allowed = NO_LAW.find(([where, code]) => where === file && line.includes(code))
        if (allowed) used.add(allowed[1])
        return allowed ? [] : [`${file}: ${line.trim()}`]
      }),
    )
    assert.deepEqual(bare, [])
    assert.deepEqual(
      NO_LAW.filter(([, code]) => !used.has(code)),
      [],
      'allowed, and not there',
    )
  })

  test('the search finds what it is for', () => {
    for (const line of [
      'const a = 10 * HOUR',
      'b > MINUTE * 30',
      'rest >= 600_000',
      'ms: 36000000,',
      'x = 24 * 60',
      ['`for $', '{30 * MINUTE} ms`'].join(''),
      'const c = 4.5 * HOUR // why',
    ])
      assert.equal(bareIn(line).length, 1, line)
    for (const line of [
      '// 10 * HOUR',
      "'13 CCR 1212.5'",
      '/** 8 * HOUR */',
      'ms / MINUTE',
      'days + 1',
      'at >> 1',
    ])
      assert.deepEqual(bareIn(line), [], line)
  })

  test('each has a citation and the day since which it holds', () => {
    const tables: Record<string, Record<string, Limit>> = { EU, GB, WTD }
    for (const [name, table] of Object.entries(tables))
      for (const [limit, { value, unit, citation, inForceSince }] of Object.entries(table)) {
        assert.ok(value > 0 && unit && citation.length > 10, `${name} ${limit}`)
        assert.match(inForceSince, /^(?:19|20)\d\d-\d\d-\d\d$/, `${name} ${limit}`)
      }
    const laws: object[] = [...UNITED_STATES.map(unitedStatesLaw), ...Object.values(CANADA)]
    let limits = 0
    const look = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      if ('rule' in value && 'ms' in value) {
        limits++
        const { citation, inForceSince } = { citation: '', inForceSince: '', ...value }
        assert.ok(citation.length > 5, String(value.rule))
        assert.match(inForceSince, /^20\d\d-\d\d-\d\d$/, String(value.rule))
      }
      Object.values(value).forEach(look)
    }
    laws.forEach(look)
    assert.ok(limits > 60, `${limits}`)
  })
})
