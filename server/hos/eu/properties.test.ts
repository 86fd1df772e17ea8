import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from '../../property.testing.ts'
import { DAY, HOUR, type Instant, MINUTE } from '../../time/instant.ts'
import type { DutyEvent, EuropeanStatus, Evaluation } from '../types.ts'
import { evaluateEu } from './evaluate.ts'
import { minuteByMinute } from './minute-by-minute.testing.ts'
import { timelineOf } from './timeline.ts'
import { readWeeklyRests } from './weeklyReading.ts'
import { weeklyRestsOf } from './weeklyRest.ts'
import { weeksIn } from './weeks.ts'

const MONDAY = Date.UTC(2026, 4, 4)
const WEEK = 7 * DAY

/** Lengths in minutes on and around the limits, where mistakes live. */
const lengths: Record<EuropeanStatus, number[]> = {
  DRIVE: [10, 25, 60, 120, 180, 269, 270, 271, 300, 540],
  WORK: [5, 15, 30, 60, 120, 240, 600],
  POA: [10, 44, 45, 60, 120],
  REST: [
    14, 15, 20, 29, 30, 44, 45, 60, 179, 180, 419, 420, 480, 539, 540, 600, 660, 720, 1439, 1440, 2040, 2700,
    3000,
  ],
  FERRY: [45, 120, 360, 540, 660],
}

const piece = fc
  .constantFrom<EuropeanStatus>(
    'DRIVE',
    'DRIVE',
    'DRIVE',
    'WORK',
    'POA',
    'REST',
    'REST',
    'REST',
    'REST',
    'FERRY',
  )
  .chain((status) => fc.constantFrom(...lengths[status]).map((minutes) => ({ status, minutes })))

const RUNS = { numRuns: 10_000 }

const logsOf = (most: number) =>
  fc
    .record({ start: fc.nat(7 * 24 * 60 - 1), pieces: fc.array(piece, { minLength: 1, maxLength: most }) })
    .map(({ start, pieces }) => {
      let at = MONDAY + start * MINUTE
      const log: DutyEvent[] = []
      for (const { status, minutes } of pieces) {
        log.push({ at, status })
        at += minutes * MINUTE
      }
      return { log, end: at }
    })
/** Weeks of a driver, and days. */
const logs = logsOf(70)
const shortLogs = logsOf(16)

const settings = fc.record({
  timeZone: fc.constantFrom('UTC', 'Asia/Kolkata'),
  dayStartMinutes: fc.constant(0),
  multiManning: fc.boolean(),
  internationalTwoReduced: fc.boolean(),
})

const breaches = (evaluation: Evaluation) => evaluation.violations.map(({ rule, from }) => `${rule} ${from}`)

/** The answers without what moves by itself. */
const still = (evaluation: Evaluation) =>
  JSON.stringify([
    evaluation.clocks.map((c) => [
      c.limitMs,
      c.running,
      c.runsOutAt,
      c.running ? evaluation.asOf + c.remainingMs : c.remainingMs,
    ]),
    breaches(evaluation),
  ])

test('cutting an event in two changes nothing', () => {
  fc.assert(
    fc.property(logs, settings, fc.nat(), ({ log, end }, options, cut) => {
      const i = cut % log.length
      const event = log[i] as DutyEvent
      const until = log[i + 1]?.at ?? end
      const half = { ...event, at: event.at + Math.floor((until - event.at) / 2) }
      const pieces = [...log.slice(0, i + 1), half, ...log.slice(i + 1)]
      assert.deepEqual(evaluateEu(pieces, options, end), evaluateEu(log, options, end))
    }),
    RUNS,
  )
})

test('joining equal neighbours changes nothing', () => {
  fc.assert(
    fc.property(logs, settings, ({ log, end }, options) => {
      const joined = log.filter((event, i) => event.status !== log[i - 1]?.status)
      assert.deepEqual(evaluateEu(joined, options, end), evaluateEu(log, options, end))
    }),
    RUNS,
  )
})

test('no driving clock rises while driving but where a week turns, and each falls by the time that passes', () => {
  fc.assert(
    fc.property(shortLogs, settings, fc.integer({ min: 1, max: 600 }), ({ log, end }, options, minutes) => {
      const driving = [...log, { at: end, status: 'DRIVE' as const }]
      const until = end + minutes * MINUTE
      const weeks = weeksIn(options.timeZone)
      const before = evaluateEu(driving, options, end)
      const after = evaluateEu(driving, options, until)
      before.clocks.forEach((clock, i) => {
        if (clock.name === 'dutyDaily') return
        // A new week has its own balance, and its own extensions.
        if (clock.name !== 'break' && weeks.of(end) !== weeks.of(until)) return
        // A rest is known to be missing only when its time is over: then one of 7 h ended the day before.
        if (clock.name === 'driveDaily' && after.violations.some(({ rule }) => rule === 'eu.rest-daily'))
          return
        const expected = Math.max(0, clock.remainingMs - minutes * MINUTE)
        assert.equal(after.clocks[i]!.remainingMs, expected, clock.name)
      })
    }),
    RUNS,
  )
})

test('what was found earlier is found later', () => {
  // The reading of weeks, and the end of a day whose rest is missing, may change with what comes.
  const stays = /^eu\.(break-45|drive-weekly|drive-fortnight|rest-daily|rest-weekly)$/
  fc.assert(
    fc.property(logs, settings, fc.nat(), ({ log, end }, options, back) => {
      const plain = log.map((event) =>
        event.status === 'FERRY' ? { ...event, status: 'REST' as const } : event,
      )
      const first = plain[0]!.at
      const earlier = evaluateEu(plain, options, first + (back % (end - first + 1)))
      const later = new Set(breaches(evaluateEu(plain, options, end)))
      for (const one of earlier.violations.filter(({ rule }) => stays.test(rule)))
        assert.ok(later.has(`${one.rule} ${one.from}`), `${one.rule} of ${new Date(one.from).toISOString()}`)
    }),
    RUNS,
  )
})

test('whole weeks later the same log says the same, whole weeks later', () => {
  const moved = (value: unknown, by: number): unknown => {
    if (typeof value === 'number') return value > MONDAY - 100 * WEEK ? value + by : value
    if (Array.isArray(value)) return value.map((one) => moved(one, by))
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, moved(one, by)]))
  }
  fc.assert(
    fc.property(logs, settings, fc.integer({ min: -40, max: 400 }), ({ log, end }, options, weeks) => {
      const by = weeks * WEEK
      const later = log.map((event) => ({ ...event, at: event.at + by }))
      assert.deepEqual(evaluateEu(later, options, end + by), moved(evaluateEu(log, options, end), by))
    }),
    RUNS,
  )
})

test('events after the instant asked about do not matter: day by day is as all at once', () => {
  fc.assert(
    fc.property(shortLogs, settings, ({ log, end }, options) => {
      for (let asOf = (log[0] as DutyEvent).at; asOf <= end; asOf += DAY) {
        const known = log.filter((event) => event.at <= asOf)
        assert.deepEqual(evaluateEu(log, options, asOf), evaluateEu(known, options, asOf))
      }
    }),
    RUNS,
  )
})

test('nothing changes before nextChangeAt, and something does then', () => {
  fc.assert(
    fc.property(shortLogs, settings, fc.nat(3000), ({ log, end }, options, back) => {
      const asOf = end - back * MINUTE
      const now = evaluateEu(log, options, asOf)
      const known = log.filter((event) => event.at <= asOf)
      const until = Math.min(now.nextChangeAt ?? Number.POSITIVE_INFINITY, asOf + 30 * HOUR)
      for (let at = asOf + 1; at < until; at += 299 * MINUTE) {
        assert.equal(still(evaluateEu(known, options, at)), still(now))
      }
      if (now.nextChangeAt !== null) {
        assert.equal(still(evaluateEu(known, options, now.nextChangeAt - 1)), still(now))
        assert.notEqual(still(evaluateEu(known, options, now.nextChangeAt)), still(now))
      }
    }),
    RUNS,
  )
})

test('a clock is at zero when it runs out, and not a millisecond before', () => {
  fc.assert(
    fc.property(shortLogs, settings, fc.nat(3000), ({ log, end }, options, back) => {
      const asOf = end - back * MINUTE
      const known = log.filter((event) => event.at <= asOf)
      evaluateEu(known, options, asOf).clocks.forEach((clock, i) => {
        if (clock.runsOutAt === null) return
        assert.equal(evaluateEu(known, options, clock.runsOutAt).clocks[i]?.remainingMs, 0)
        assert.equal(evaluateEu(known, options, clock.runsOutAt - 1).clocks[i]?.remainingMs, 1)
      })
    }),
    RUNS,
  )
})

type Stretch = readonly [EuropeanStatus, number]

/** Weeks as drivers have them, near the limits of days, of reduced rests and of what they owe. */
const workingWeeks = (most: number): fc.Arbitrary<Stretch[]> => {
  const leg = fc.tuple(
    fc.constantFrom(120, 200, 240, 260, 270, 271),
    fc.constantFrom<Stretch>(
      ['REST', 15],
      ['REST', 30],
      ['REST', 44],
      ['REST', 45],
      ['REST', 45],
      ['REST', 180],
      ['WORK', 30],
      ['POA', 45],
    ),
  )
  const night = fc.constantFrom<Stretch>(
    ...[480, 539, 540, 540, 600, 660, 660, 661, 720, 800].map((minutes): Stretch => ['REST', minutes]),
    ['FERRY', 600],
  )
  const day = fc
    .tuple(fc.constantFrom(15, 60, 180), fc.array(leg, { minLength: 1, maxLength: 3 }), night)
    .map(([work, legs, rest]): Stretch[] => [
      ['WORK', work],
      ...legs.flatMap(([driven, stop]): Stretch[] => [['DRIVE', driven], stop]),
      rest,
    ])
  const weekend = fc.constantFrom(
    ...[1_439, 1_440, 1_500, 1_800, 2_000, 2_400, 2_699, 2_700, 2_760, 3_300, 3_900, 4_140, 5_000],
  )
  const week = fc
    .tuple(fc.array(day, { minLength: 3, maxLength: 6 }), weekend)
    .map(([days, minutes]): Stretch[] => [...days.flat().slice(0, -1), ['REST', minutes]])
  return fc
    .tuple(fc.constantFrom(0, 60, 600, 2_700), fc.array(week, { minLength: 1, maxLength: most }))
    .map(([opening, weeks]): Stretch[] => [
      ['REST', opening] as const,
      ...weeks.flat(),
      ['WORK', 10] as const,
    ])
    .map((stretches) => stretches.filter(([, minutes]) => minutes > 0))
}

/** They begin a week before clocks change in Europe, or anywhere in the year. */
const weeksOfLogs = (most: number) =>
  fc
    .tuple(fc.nat(7 * 24 * 60 - 1), fc.constantFrom(Date.UTC(2026, 2, 23), MONDAY), workingWeeks(most))
    .map(([start, monday, stretches]) => {
      let at = monday + start * MINUTE
      const log = stretches.map(([status, minutes]): DutyEvent => {
        const event = { at, status }
        at += minutes * MINUTE
        return event
      })
      return { log, end: at }
    })

const everywhere = settings.chain((one) =>
  fc
    .constantFrom('UTC', 'Europe/Berlin', 'Europe/London', 'Asia/Kolkata', 'America/St_Johns')
    .map((timeZone) => ({ ...one, timeZone })),
)

function asTheLawReads(samples: typeof logs, numRuns: number) {
  fc.assert(
    fc.property(samples, everywhere, fc.nat(), fc.boolean(), ({ log, end }, options, random, whole) => {
      const asOf = whole ? end : log[0]!.at + (random % ((end - log[0]!.at) / MINUTE + 1)) * MINUTE
      const known = log.filter(({ at }) => at <= asOf)
      const { violations, clocks } = evaluateEu(known, options, asOf)
      const expected = minuteByMinute(known, options, asOf)
      assert.deepEqual(
        violations.map(({ rule, from }) => ({ rule, from })),
        expected.violations,
      )
      const left = clocks.map(({ name, remainingMs }) => [name, remainingMs / MINUTE])
      assert.deepEqual(Object.fromEntries(left), expected.remaining)
    }),
    { numRuns },
  )
}

test('as the law read minute by minute, anything after anything', () => {
  asTheLawReads(logsOf(50), 400)
})

test('as the law read minute by minute, weeks as drivers have them', () => {
  asTheLawReads(weeksOfLogs(3), 100)
  asTheLawReads(weeksOfLogs(8), 25)
})

/** Every way to count the weekly rests, tried in full; the fewest pairs broken, then the earliest. */
function everyReading(log: readonly DutyEvent[], asOf: Instant): Instant[] {
  const weeks = weeksIn('UTC')
  const [before, ...rests] = weeklyRestsOf(timelineOf(log, asOf))
  if (!before) return []
  const start = weeks.of(before.until - 1)
  const last = weeks.of(asOf) - 1
  const overlap = (rest: { from: Instant; until: Instant }, week: number) =>
    Math.min(rest.until, weeks.startOf(week + 1)) - Math.max(rest.from, weeks.startOf(week))
  const kind = (ms: number) => (ms >= 45 * HOUR ? 2 : 1)
  let bestFound: Instant[] | null = null

  const tryFrom = (i: number, counted: number[]): void => {
    const rest = rests[i]
    if (!rest) {
      const broken: Instant[] = []
      for (let week = start + 1; week <= last; week++) {
        const held = [week - 1, week].map((w) => (w === start ? 2 : (counted[w - start] ?? 0)))
        const reached = [week - 1, week].every((w) => w === start || rests.some((r) => overlap(r, w) > 0))
        const lawful = Math.min(...held) > 0 && Math.max(...held) === 2
        const end = weeks.startOf(week + 1)
        const across = timelineOf(log, asOf).rests.find((r) => r.from < end && r.until > end)
        if (reached && !lawful) broken.push(across?.until ?? end)
      }
      if (!bestFound || broken.length < bestFound.length) bestFound = broken
      else if (broken.length === bestFound.length && broken.join() < bestFound.join()) bestFound = broken
      return
    }
    const count = (ways: [number, number][]) => {
      const more = [...counted]
      for (const [week, k] of ways) more[week - start] = Math.max(more[week - start] ?? 0, k)
      tryFrom(i + 1, more)
    }
    const touched: number[] = []
    for (let week = weeks.of(rest.from); overlap(rest, week) > 0; week++) touched.push(week)
    for (const week of touched) count([[week, kind(rest.until - rest.from)]])
    const long = touched.filter((week) => overlap(rest, week) >= 24 * HOUR)
    if (long.length > 1) count(long.map((week) => [week, kind(overlap(rest, week))]))
  }
  tryFrom(0, [])
  return bestFound ?? []
}

test('the reading of weekly rests is the best of all readings', () => {
  const spans = fc.array(
    fc.record({
      work: fc.integer({ min: 20, max: 150 }),
      rest: fc.constantFrom(24, 30, 40, 45, 50, 69, 80, 100, 200),
    }),
    { minLength: 1, maxLength: 8 },
  )
  fc.assert(
    fc.property(fc.nat(167), spans, (start, pairs) => {
      const log: DutyEvent[] = []
      let at = MONDAY + start * HOUR
      for (const { work, rest } of pairs) {
        log.push({ at, status: 'WORK' }, { at: at + work * HOUR, status: 'REST' })
        at += (work + rest) * HOUR
      }
      log.push({ at, status: 'WORK' })
      const timeline = timelineOf(log, at)
      const reading = readWeeklyRests(timeline, weeklyRestsOf(timeline), weeksIn('UTC'), false)
      assert.deepEqual(
        reading.broken.map(({ from }) => from),
        everyReading(log, at),
      )
    }),
    { numRuns: 300 },
  )
})

test('a log of 40,000 events without a daily rest is answered in time that grows with it', () => {
  const log = Array.from(
    { length: 40_000 },
    (_, i): DutyEvent => ({ at: MONDAY + i * HOUR, status: i % 2 ? 'REST' : 'DRIVE' }),
  )
  const startedAt = performance.now()
  const { violations } = evaluateEu(log, { timeZone: 'UTC', dayStartMinutes: 0 }, MONDAY + 40_000 * HOUR)
  assert.ok(performance.now() - startedAt < 20_000)
  const day = violations.find(({ rule }) => rule === 'eu.drive-daily')!
  // 9 h, and the tenth by the extension, are driven by the end of the nineteenth hour.
  assert.equal(day.from, MONDAY + 20 * HOUR)
  assert.equal(day.explanation.rests.length, 19_999)
})
