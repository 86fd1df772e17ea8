import fc from '../property.testing.ts'
import { type Instant, MINUTE, SECOND } from '../time/instant.ts'
import { REPAIRED_ROLLOVER } from './flags.ts'
import type { TrackPoint } from './types.ts'

const START = Date.UTC(2026, 2, 4, 11)
const NOWHERE = 1024

/** What a vehicle does for a while; distances in degrees of latitude, 1e-5 is about a meter. */
interface Leg {
  kind: 'drive' | 'traffic' | 'rest' | 'silence' | 'yard'
  seconds: number
  intervalSeconds: number
  degrees: number
  noise: number
}

const leg: fc.Arbitrary<Leg> = fc.record({
  kind: fc.constantFrom('drive', 'drive', 'traffic', 'rest', 'rest', 'silence', 'yard'),
  seconds: fc.integer({ min: 30, max: 1500 }),
  intervalSeconds: fc.constantFrom(1, 10, 30, 30, 60, 120, 300),
  degrees: fc.integer({ min: -30, max: 200 }).map((kph) => (kph / 200) * 0.00045),
  noise: fc.constantFrom(0, 0.00003, 0.0002, 0.001),
})

const defect = fc.record({
  where: fc.nat(10_000),
  kind: fc.constantFrom('jump', 'jump', 'far', 'zero', 'repaired', 'odometer', 'coarse', 'twin', 'shift'),
  degrees: fc.integer({ min: -200, max: 200 }).map((n) => n / 100),
})

/** Which fields the device says. */
const device = fc.record({
  speed: fc.constantFrom(true, true, false),
  odometer: fc.constantFrom(0, 1, 100, 1000),
  ignition: fc.boolean(),
  accuracy: fc.boolean(),
})

/** Points of a vehicle that drives, waits, rests, is silent and reports nonsense; each digest once. */
export const scenario = (most: number): fc.Arbitrary<TrackPoint[]> =>
  fc
    .record({
      device,
      legs: fc.array(leg, { minLength: 1, maxLength: most }),
      defects: fc.array(defect, { maxLength: most * 2 }),
      seed: fc.nat(),
    })
    .map(({ device: says, legs, defects, seed }) => {
      const random = randomBy(seed)
      const points: TrackPoint[] = []
      let at: Instant = START
      let latitude = 40
      let driven = 5_000_000
      for (const one of legs) {
        const moves = one.kind === 'drive' || one.kind === 'yard'
        const perSecond = moves ? one.degrees * (one.kind === 'yard' ? 0.03 : 1) : 0
        if (one.kind === 'silence') {
          at += one.seconds * 6 * SECOND
          latitude += one.degrees > 0.0002 ? one.degrees * one.seconds : 0
        }
        const seconds = one.kind === 'rest' ? one.seconds * 2 : one.seconds
        const count = Math.min(40, Math.max(1, Math.floor(seconds / one.intervalSeconds)))
        for (let i = 0; i < count; i++) {
          at += one.intervalSeconds * SECOND
          const went = perSecond * one.intervalSeconds
          latitude += went
          driven += Math.abs(went) * 111_195
          const step = says.odometer
          points.push({
            fixAt: at,
            latitude: latitude + (random() - 0.5) * one.noise,
            longitude: -100 + (random() - 0.5) * one.noise,
            speedKph: says.speed ? Math.round(Math.abs(perSecond) * 111_195 * 36) / 10 : null,
            odometerMeters: step === 0 ? null : Math.floor(driven / step) * step,
            ignition: says.ignition ? one.kind !== 'rest' : null,
            accuracyMeters: says.accuracy ? Math.round(random() * 60) : null,
            flags: 0,
            digest: 0,
          })
        }
      }
      for (const { where, kind, degrees } of defects) {
        const point = points[where % points.length]!
        const extra = { ...point }
        const far = { ...extra, latitude: point.latitude + degrees, fixAt: point.fixAt + SECOND }
        if (kind === 'jump') points.push(far)
        else if (kind === 'far') point.latitude += degrees
        else if (kind === 'zero') points.push({ ...extra, latitude: 0, longitude: 0, flags: NOWHERE })
        else if (kind === 'repaired') points.push({ ...far, flags: REPAIRED_ROLLOVER })
        else if (kind === 'odometer') point.odometerMeters = point.odometerMeters === null ? null : 7
        else if (kind === 'coarse') point.accuracyMeters = 2_000
        else if (kind === 'twin') points.push({ ...extra, speedKph: null, ignition: true })
        else points.push({ ...far, latitude: point.latitude + degrees / 100, fixAt: point.fixAt + MINUTE })
      }
      // Odd, so that no two are the same.
      for (const [i, point] of points.entries()) point.digest = Math.imul(i + 1, 0x9e37_79b1)
      return points
    })

/** Mulberry32 */
export function randomBy(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function shuffled<T>(values: readonly T[], seed: number): T[] {
  const random = randomBy(seed)
  const mixed = [...values]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!]
  }
  return mixed
}
