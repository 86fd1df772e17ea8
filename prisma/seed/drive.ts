import { between, whole } from './random.ts'

/** From standing to cruising speed, and back. */
const RAMP_S = 90
/** One slow stretch (a town, road works) for every so many meters. */
const METERS_PER_DIP = 80_000

interface Dip {
  fromS: number
  lengthS: number
  /** Meters a second below cruising at its deepest. */
  depth: number
}

interface Sway {
  /** Whole periods over the drive, so that it adds no distance. */
  periods: number
  /** Meters a second. */
  amplitude: number
}

/**
 * One drive without a stop, from standing to standing, as formulas of the elapsed time: the distance is the exact integral
 * of the speed, so that positions, speeds and the odometer never disagree however often they are asked for.
 */
export interface Drive {
  durationS: number
  meters: number
  /** Meters a second. */
  cruise: number
  dips: readonly Dip[]
  sways: readonly Sway[]
}

/** A drive of that duration, or of that distance. */
export function makeDrive(
  goal: { durationS: number } | { meters: number },
  cruiseKph: number,
  random: () => number,
): Drive {
  const cruise = cruiseKph / 3.6
  const roughly = 'meters' in goal ? goal.meters : goal.durationS * cruise
  const count = Math.floor(roughly / METERS_PER_DIP)
  const shapes = Array.from({ length: count }, () => ({
    lengthS: whole(random, 200, 420),
    depth: between(random, 5, 13),
  }))
  const lost = shapes.reduce((sum, { lengthS, depth }) => sum + (lengthS * depth) / 2, 0)
  const durationS = 'meters' in goal ? (goal.meters + lost) / cruise + RAMP_S : goal.durationS
  const meters = 'meters' in goal ? goal.meters : (goal.durationS - RAMP_S) * cruise - lost
  if (durationS < 3 * RAMP_S) throw new RangeError('a drive must be longer')
  const slotS = (durationS - 2 * RAMP_S) / Math.max(1, count)
  const dips = shapes.map(({ lengthS, depth }, i) => ({
    fromS: RAMP_S + slotS * i + between(random, 0, slotS - lengthS),
    lengthS,
    depth,
  }))
  const sways = [
    [1_100, 1.2],
    [420, 0.8],
    [150, 0.5],
  ].map(([periodS, most]) => ({
    periods: Math.max(1, Math.round(durationS / periodS!)),
    amplitude: between(random, 0.4, 1) * most! * (random() < 0.5 ? -1 : 1),
  }))
  return { durationS, meters, cruise, dips, sways }
}

/** Meters travelled after `elapsedS` seconds. */
export function travelledMeters({ durationS, meters, cruise, dips, sways }: Drive, elapsedS: number): number {
  if (elapsedS <= 0) return 0
  if (elapsedS >= durationS) return meters
  const leftS = durationS - elapsedS
  let travelled: number
  if (elapsedS < RAMP_S) travelled = (cruise * elapsedS * elapsedS) / (2 * RAMP_S)
  else {
    travelled = cruise * (elapsedS - RAMP_S / 2)
    if (leftS < RAMP_S) travelled -= (cruise * (RAMP_S - leftS) ** 2) / (2 * RAMP_S)
  }
  for (const { fromS, lengthS, depth } of dips) {
    const inS = Math.min(lengthS, Math.max(0, elapsedS - fromS))
    const turn = (2 * Math.PI) / lengthS
    travelled -= (depth / 2) * (inS - Math.sin(turn * inS) / turn)
  }
  for (const { periods, amplitude } of sways) {
    const turn = (2 * Math.PI * periods) / durationS
    travelled += (amplitude * (1 - Math.cos(turn * elapsedS))) / turn
  }
  return travelled
}

/** Speed after `elapsedS` seconds, km/h: what `travelledMeters` grows by. */
export function speedKph({ durationS, cruise, dips, sways }: Drive, elapsedS: number): number {
  if (elapsedS <= 0 || elapsedS >= durationS) return 0
  let speed = cruise * Math.min(1, elapsedS / RAMP_S, (durationS - elapsedS) / RAMP_S)
  for (const { fromS, lengthS, depth } of dips) {
    const inS = elapsedS - fromS
    if (inS > 0 && inS < lengthS) speed -= (depth / 2) * (1 - Math.cos((2 * Math.PI * inS) / lengthS))
  }
  for (const { periods, amplitude } of sways) {
    speed += amplitude * Math.sin((2 * Math.PI * periods * elapsedS) / durationS)
  }
  return Math.max(0, speed * 3.6)
}
