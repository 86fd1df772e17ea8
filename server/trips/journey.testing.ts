import { FUTURE, IGNITION_KNOWN, IGNITION_ON, PAST, ZERO_FIX } from '../ingest/judge.ts'
import { type Instant, MINUTE, SECOND } from '../time/instant.ts'
import { randomBy } from './scenario.testing.ts'
import type { TrackPoint } from './types.ts'

const METERS_A_DEGREE = 111_195
/** An evening before a night in which Europe's clocks go forward. */
const START = Date.UTC(2026, 2, 27, 18)

/** How a truck is driven, and what its device makes of it. */
export interface Shape {
  /** Legs of minutes through streets instead of hours on roads. */
  town?: boolean
  /** Seconds between two reports of a truck that moves. */
  every?: number
  /** How far a fix is off, in meters. */
  off?: number
  /** Minutes without a fix in the middle of a drive; 0: never */
  tunnel?: number
  odometer?: 'none' | 'kilometers' | 'resets and other units'
  saysSpeed?: boolean
  saysIgnition?: boolean
  saysAccuracy?: boolean
  /** The share of points that come a second time and say something else besides. */
  twins?: number
  /** The share of reports beside which another one is nonsense: 0, 0, far away, or of another year. */
  nonsense?: number
}

export interface Journey {
  points: TrackPoint[]
  /** What the truck did. */
  trips: { start: Instant; end: Instant; meters: number }[]
  good: number
  last: TrackPoint
}

interface Second {
  latitude: number
  longitude: number
  kph: number
  /** Degrees */
  course: number
  driven: number
  ignition: boolean
}

const radians = (degrees: number) => (degrees * Math.PI) / 180

/** Two days of a truck, second by second: the same for the same seed. */
function drive(random: () => number, town: boolean) {
  const between = (least: number, most: number) => least + random() * (most - least)
  const one = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)]!
  let [latitude, longitude, course, driven] = [between(35, 60), between(-110, 20), between(0, 360), 0]
  const seconds: Second[] = []
  const trips: { from: number; until: number; meters: number }[] = []
  const stand = (count: number, ignition: boolean) => {
    for (let i = 0; i < count; i++) seconds.push({ latitude, longitude, kph: 0, course, driven, ignition })
  }
  const move = (count: number, target: number) => {
    let kph = 0
    for (let i = 0; i < count; i++) {
      if (i % 47 === 0) course = (course + between(-12, 12) * (town ? 4 : 1) + 360) % 360
      const most = Math.min(target, (count - i) * 4)
      kph = kph < most ? Math.min(kph + 2.2, most) : Math.max(kph - 4, most)
      const meters = kph / 3.6
      latitude += (meters * Math.cos(radians(course))) / METERS_A_DEGREE
      longitude += (meters * Math.sin(radians(course))) / METERS_A_DEGREE / Math.cos(radians(latitude))
      driven += meters
      seconds.push({ latitude, longitude, kph, course, driven, ignition: true })
    }
  }
  while (seconds.length < 2 * 86_400) {
    stand(60 * one(town ? [5.5, 6, 8, 12, 40] : [7, 11, 31, 60, 150, 615]), false)
    stand(between(20, 70), true)
    const [from, before] = [seconds.length, driven]
    for (let leg = Math.floor(between(1, town ? 3 : 5)); leg > 0; leg--) {
      move(60 * (town ? between(4, 15) : between(15, 70)), town ? between(25, 60) : between(70, 100))
      // At a light, or for a coffee that is no rest.
      if (leg > 1) stand(between(20, 200), true)
    }
    trips.push({ from, until: seconds.length, meters: driven - before })
    stand(between(20, 60), true)
  }
  stand(3 * 3_600, false)
  return { seconds, trips }
}

/** A truck's journey as its device says it, and what it was. */
export function journey(shape: Shape, seed: number): Journey {
  const random = randomBy(seed)
  const { every = 30, off = 5, tunnel = 0, odometer, twins = 0.01, nonsense = 0.01 } = shape
  const { seconds, trips } = drive(random, shape.town ?? false)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const dark = trips
    .filter(({ from, until }) => tunnel > 0 && until - from > (tunnel + 20) * 60)
    .map(({ from, until }) => {
      const entry = from + 600 + Math.floor(random() * (until - from - (tunnel + 20) * 60))
      return [entry, entry + tunnel * 60] as const
    })
  const base = 10_000_000 + Math.floor(random() * 800_000_000)
  const resets = [0.2, 0.5, 0.8].map((share) => Math.floor(share * seconds.length))
  const odometerAt = (at: number, driven: number): number | null => {
    if (odometer === 'none') return null
    if (odometer === 'kilometers') return Math.floor((base + driven) / 1_000) * 1_000
    if (odometer === undefined || at < resets[0]!) return Math.round(base + driven)
    if (at < resets[1]!) return Math.round(driven - seconds[resets[0]!]!.driven)
    return Math.round(at < resets[2]! ? (base + driven) / 1_000 : base + driven + 5_000_000)
  }

  const points: TrackPoint[] = []
  let last = Number.NEGATIVE_INFINITY
  let good = 0
  for (const [at, { latitude, longitude, kph, driven, ignition }] of seconds.entries()) {
    const before = seconds[at - 1]
    const wait = kph > 0 ? every : ignition ? Math.max(every, 30) : 300
    const isNews = before !== undefined && (before.ignition !== ignition || (before.kph > 0 && kph === 0))
    if (!isNews && at - last < wait) continue
    if (dark.some(([from, until]) => at >= from && at < until)) continue
    last = at
    const point: TrackPoint = {
      fixAt: START + at * SECOND,
      latitude: latitude + (normal() * off) / METERS_A_DEGREE,
      longitude: longitude + (normal() * off) / METERS_A_DEGREE / Math.cos(radians(latitude)),
      speedKph: shape.saysSpeed === false ? null : Math.round(kph * 10) / 10,
      odometerMeters: odometerAt(at, driven),
      ignition: shape.saysIgnition === false ? null : ignition,
      accuracyMeters: shape.saysAccuracy === false ? null : Math.round(off * (1 + random())),
      flags: shape.saysIgnition === false ? 0 : IGNITION_KNOWN | (ignition ? IGNITION_ON : 0),
      digest: 0,
    }
    points.push(point)
    good++
    if (random() < twins) {
      points.push({ ...point })
      good++
    }
    if (random() >= nonsense) continue
    const later = { ...point, fixAt: point.fixAt + SECOND }
    const kind = Math.floor(random() * 4)
    if (kind === 0) points.push({ ...later, latitude: 0, longitude: 0, flags: later.flags | ZERO_FIX })
    else if (kind === 1)
      points.push({ ...later, latitude: later.latitude + (random() < 0.5 ? -1 : 1) * (0.3 + random()) })
    else if (kind === 2)
      points.push({ ...later, fixAt: later.fixAt + 43_200 * MINUTE, flags: later.flags | FUTURE })
    else points.push({ ...later, fixAt: later.fixAt - 1_000_000 * MINUTE, flags: later.flags | PAST })
  }
  // Odd, so that no two are the same.
  for (const [i, point] of points.entries()) point.digest = Math.imul(i + 1, 0x9e37_79b1)
  return {
    points,
    trips: trips.map(({ from, until, meters }) => ({
      start: START + from * SECOND,
      end: START + until * SECOND,
      meters,
    })),
    good,
    last: points.findLast(
      ({ fixAt }) => fixAt <= START + last * SECOND && fixAt > START + (last - 1) * SECOND,
    )!,
  }
}
