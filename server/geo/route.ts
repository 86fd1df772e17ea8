import { type Corridor, corridors } from './corridors.ts'
import type { LatLon } from './distance.ts'
import { Polyline } from './polyline.ts'

/** A drive over one or more highways. */
export interface Route {
  from: string
  to: string
  /** Every town passed, in order, `meters` along this route. */
  towns: { name: string; meters: number }[]
  /** The highways in the order driven, as in ["I-80", "I-76"]. */
  corridorIds: string[]
  line: Polyline
}

interface Edge {
  to: string
  meters: number
  corridor: Corridor
  fromIndex: number
  toIndex: number
}

const edges = new Map<string, Edge[]>()
function connect(corridor: Corridor, fromIndex: number, toIndex: number): void {
  const from = corridor.towns[fromIndex]!
  const to = corridor.towns[toIndex]!
  const list = edges.get(from.name) ?? []
  list.push({ to: to.name, meters: Math.abs(to.meters - from.meters), corridor, fromIndex, toIndex })
  edges.set(from.name, list)
}
for (const corridor of corridors) {
  for (let i = 0; i + 1 < corridor.towns.length; i++) {
    connect(corridor, i, i + 1)
    connect(corridor, i + 1, i)
  }
}

/** The names of all towns on the net, as in "Gary, IN". */
export function routeTowns(): string[] {
  return [...edges.keys()]
}

/** The points of one stretch, in the direction driven. */
function stretch({ corridor, fromIndex, toIndex }: Edge): LatLon[] {
  const startMeters = corridor.towns[Math.min(fromIndex, toIndex)]!.meters
  const endMeters = corridor.towns[Math.max(fromIndex, toIndex)]!.meters
  const points = corridor.line.points.filter((_, i) => {
    const meters = corridor.line.metersAt(i)
    return meters >= startMeters && meters <= endMeters
  })
  return fromIndex < toIndex ? points : points.reverse()
}

/** The shortest drive between two towns of the net, both as in "Gary, IN"; null when no highway joins them. */
export function routeBetween(from: string, to: string): Route | null {
  const best = new Map<string, { meters: number; by: Edge | null; previous: string }>()
  best.set(from, { meters: 0, by: null, previous: from })
  const open = new Set([from])
  while (open.size > 0) {
    let here = ''
    let hereMeters = Number.POSITIVE_INFINITY
    for (const name of open) {
      const meters = best.get(name)!.meters
      if (meters < hereMeters) {
        here = name
        hereMeters = meters
      }
    }
    open.delete(here)
    if (here === to) break
    for (const edge of edges.get(here) ?? []) {
      const meters = hereMeters + edge.meters
      if (meters < (best.get(edge.to)?.meters ?? Number.POSITIVE_INFINITY)) {
        best.set(edge.to, { meters, by: edge, previous: here })
        open.add(edge.to)
      }
    }
  }
  const path: Edge[] = []
  for (let step = best.get(to); step?.by; step = best.get(step.previous)) path.unshift(step.by)
  if (path.length === 0) return null

  const points: LatLon[] = []
  const towns = [{ name: from, meters: 0 }]
  const corridorIds: string[] = []
  for (const edge of path) {
    points.push(...(points.length === 0 ? stretch(edge) : stretch(edge).slice(1)))
    towns.push({ name: edge.to, meters: towns.at(-1)!.meters + edge.meters })
    if (corridorIds.at(-1) !== edge.corridor.id) corridorIds.push(edge.corridor.id)
  }
  return { from, to, towns, corridorIds, line: new Polyline(points) }
}

/** The place `meters` along a route, with the heading of travel; clamped to its ends. */
export function routeAlong(route: Route, meters: number): ReturnType<Polyline['pointAt']> {
  return route.line.pointAt(meters)
}
