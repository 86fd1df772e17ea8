import { corridors, pointAt } from '../../../server/geo/corridors.ts'
import { emptyFrame, type PositionFrame, pushPosition, VehicleState } from '../../../server/geo/frame.ts'
import type { AlertLevel } from '../truckStore.ts'

/** The same numbers each time: a benchmark should not depend on luck. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export interface MadeFleet {
  frame: PositionFrame
  levels: AlertLevel[]
  labels: string[]
  /** News of a share of the fleet, a little further down the road. */
  advance: (share: number, seconds: number) => PositionFrame
}

/**
 * A fleet over the United States: trucks on the Interstates, and yards at their towns where many stand. `count` of 60
 * looks like one carrier, 50,000 like a platform.
 */
export function makeFleet(count: number, seed = 7): MadeFleet {
  const random = randomFrom(seed)
  const roads = corridors.filter((c) => c.network === 'US:I' && c.line.lengthMeters > 250_000)
  const total = roads.reduce((sum, road) => sum + road.line.lengthMeters, 0)
  const pick = (): (typeof roads)[number] => {
    let at = random() * total
    for (const road of roads) {
      at -= road.line.lengthMeters
      if (at <= 0) return road
    }
    return roads[0]!
  }
  const trucks = Array.from({ length: count }, (_, i) => {
    const road = pick()
    const dice = random()
    const state =
      dice < 0.58
        ? VehicleState.moving
        : dice < 0.74
          ? VehicleState.idle
          : dice < 0.96
            ? VehicleState.off
            : VehicleState.silent
    const yard = state === VehicleState.off || random() < 0.35
    const town = road.towns[Math.floor(random() * road.towns.length)]!
    return {
      vehicleId: 1_000 + i,
      road,
      forward: random() < 0.5,
      meters: yard ? town.meters : random() * road.line.lengthMeters,
      // Yards lie around a town, not on its middle.
      awayLatitude: yard ? (random() - 0.5) * 0.35 : 0,
      awayLongitude: yard ? (random() - 0.5) * 0.45 : 0,
      state,
      speedKph: state === VehicleState.moving ? 70 + random() * 40 : 0,
    }
  })
  const now = 1_790_000_000_000
  const push = (frame: PositionFrame, truck: (typeof trucks)[number], at: number): void => {
    const pose = pointAt(truck.road, truck.meters)
    pushPosition(frame, {
      vehicleId: truck.vehicleId,
      latitude: pose.latitude + truck.awayLatitude,
      longitude: pose.longitude + truck.awayLongitude,
      speedKph: truck.speedKph,
      headingDegrees: truck.forward ? pose.headingDegrees : (pose.headingDegrees + 180) % 360,
      fixTime: at,
      receivedTime: at,
      state: truck.state,
    })
  }
  const frame = emptyFrame()
  for (const truck of trucks) push(frame, truck, now)
  const levels = trucks.map((truck): AlertLevel => {
    const dice = random()
    if (truck.state !== VehicleState.moving) return dice < 0.01 ? 2 : dice < 0.03 ? 1 : 0
    return dice < 0.03 ? 2 : dice < 0.12 ? 1 : 0
  })
  let clock = now
  let next = 0
  return {
    frame,
    levels,
    labels: trucks.map((_, i) => (count <= 1_000 ? String(101 + i * 7) : String(10_000 + i))),
    advance(share, seconds) {
      clock += seconds * 1000
      const news = emptyFrame()
      for (let k = Math.round(count * share); k > 0; k--) {
        const truck = trucks[next++ % count]!
        const length = truck.road.line.lengthMeters
        const step = (truck.speedKph / 3.6) * 10 * (truck.forward ? 1 : -1)
        truck.meters += step
        if (truck.meters < 0 || truck.meters > length) truck.forward = !truck.forward
        push(news, truck, clock)
      }
      return news
    },
  }
}
