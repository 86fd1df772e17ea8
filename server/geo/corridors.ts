import { corridorRows } from './corridors.data.ts'
import { roadBetween } from './curve.ts'
import type { LatLon } from './distance.ts'
import { Polyline, type Pose } from './polyline.ts'

/** A town on a highway, and how far along the highway's line it lies. */
export interface CorridorTown extends LatLon {
  /** As in "Gary, IN". */
  name: string
  meters: number
}

/** One highway of the schematic road net: a line through real towns, not a survey of the real road. */
export interface Corridor {
  /** As in "I-80". */
  id: string
  /** What the shield says, as in "80". */
  shield: string
  network: 'US:I' | 'CA' | 'MX' | 'EU'
  towns: CorridorTown[]
  line: Polyline
}

/** A highway as corridors.data.ts holds it: its towns as longitude, latitude and name. */
export interface CorridorRow {
  id: string
  shield: string
  network: Corridor['network']
  points: readonly (readonly [number, number, string])[]
}

/** Two highways that share a stretch between two towns share its curve too, so they are drawn as one road. */
const curves = new Map<string, LatLon[]>()

function curve(row: CorridorRow, i: number): LatLon[] {
  const [, , from] = row.points[i]!
  const [, , to] = row.points[i + 1]!
  const back = curves.get(`${to}|${from}`)
  if (back) return [...back].reverse()
  const key = `${from}|${to}`
  const known = curves.get(key)
  if (known) return known
  const at = (j: number): LatLon | undefined => {
    const point = row.points[j]
    return point && { latitude: point[1], longitude: point[0] }
  }
  const made = roadBetween(at(i - 1), at(i)!, at(i + 1)!, at(i + 2), key)
  curves.set(key, made)
  return made
}

function build(row: CorridorRow): Corridor {
  const points: LatLon[] = []
  const townIndexes = [0]
  for (let i = 0; i + 1 < row.points.length; i++) {
    const stretch = curve(row, i)
    points.push(...(i === 0 ? stretch : stretch.slice(1)))
    townIndexes.push(points.length - 1)
  }
  const line = new Polyline(points)
  const towns = row.points.map(([longitude, latitude, name], i) => ({
    name,
    latitude,
    longitude,
    meters: line.metersAt(townIndexes[i]!),
  }))
  return { id: row.id, shield: row.shield, network: row.network, towns, line }
}

/** Every highway of the net, in the order of corridors.txt. */
export const corridors: Corridor[] = corridorRows.map(build)

/** The highway of that id, or undefined. */
export function findCorridor(id: string): Corridor | undefined {
  return corridors.find((corridor) => corridor.id === id)
}

/** The length of a highway's line in meters. */
export function lengthMeters(corridor: Corridor): number {
  return corridor.line.lengthMeters
}

/** The place `meters` along a highway from its first town, heading away from that town; clamped to its ends. */
export function pointAt(corridor: Corridor, meters: number): Pose {
  return corridor.line.pointAt(meters)
}
