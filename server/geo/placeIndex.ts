import { around } from 'geokdbush'
import KDBush from 'kdbush'
import { bearingDegrees, compassPoint, distanceMeters } from './distance.ts'

/** A town as the index is built from it. */
export interface IndexedTown {
  name: string
  /** State, province or country, as it is written after the name. */
  region: string
  country: string
  latitude: number
  longitude: number
  population: number
}

const MAGIC = 0x52504c31 // RPL1
const METERS = { km: 1_000, mi: 1_609.344 } as const

/** Trucks are where roads are: Europe, and North America down to Panama. */
function isCovered(town: IndexedTown): boolean {
  const america = town.longitude > -170 && town.longitude < -50 && town.latitude > 7
  const europe = town.longitude > -25 && town.longitude < 45 && town.latitude > 34
  return america || europe
}

/** The towns as one compact file: a k-d tree, populations, and names; `decodePlaces` reads it. */
export function encodePlaces(towns: IndexedTown[]): Buffer {
  const kept = towns.filter((town) => isCovered(town) && town.population > 0)
  const tree = new KDBush(kept.length, 64, Float32Array)
  for (const town of kept) tree.add(town.longitude, town.latitude)
  tree.finish()
  const treeBytes = Buffer.from(tree.data)
  const populations = Buffer.from(Uint32Array.from(kept, (town) => town.population).buffer)
  const names = Buffer.from(kept.map((town) => `${town.name}, ${town.region}`).join('\n'))
  const header = Buffer.from(Uint32Array.of(MAGIC, kept.length, treeBytes.length, names.length).buffer)
  return Buffer.concat([header, treeBytes, populations, names])
}

/** Which town a place is at or near. */
export interface Places {
  /** As in "12 km NE of Gary, IN", or "Gary, IN" within 2 km of its middle; null when no town is within 150 km. */
  nearestTown(latitude: number, longitude: number, unit: 'km' | 'mi'): string | null
}

/** Reads what `encodePlaces` wrote. Throws Error when the bytes are something else. */
export function decodePlaces(file: Uint8Array): Places {
  // A copy of its own buffer: the typed arrays below need aligned offsets.
  const { buffer } = Uint8Array.from(file)
  const [magic, count = 0, treeLength = 0, namesLength = 0] = new Uint32Array(buffer, 0, 4)
  if (magic !== MAGIC) throw new Error('not a town index')
  const tree = KDBush.from(buffer.slice(16, 16 + treeLength))
  const populations = new Uint32Array(buffer.slice(16 + treeLength, 16 + treeLength + 4 * count))
  const start = 16 + treeLength + 4 * count
  const names = new TextDecoder().decode(new Uint8Array(buffer, start, namesLength)).split('\n')
  const coords = new Map<number, { latitude: number; longitude: number }>()
  for (let i = 0; i < count; i++) {
    coords.set(tree.ids[i]!, { longitude: tree.coords[2 * i]!, latitude: tree.coords[2 * i + 1]! })
  }

  return {
    nearestTown(latitude, longitude, unit) {
      const here = { latitude, longitude }
      let best: { index: number; meters: number; score: number } | null = null
      for (const index of around(tree, longitude, latitude, 60, 150)) {
        const meters = distanceMeters(coords.get(index)!, here)
        // A known city a little further off says more than a village close by: twelve times the people make up for
        // twice the distance.
        const score = meters / populations[index]! ** 0.28
        if (!best || score < best.score) best = { index, meters, score }
      }
      if (!best) return null
      const name = names[best.index]!
      if (best.meters < 2_000) return name
      const distance = best.meters / METERS[unit]
      const shown = Math.max(1, Math.round(distance))
      return `${shown} ${unit} ${compassPoint(bearingDegrees(coords.get(best.index)!, here))} of ${name}`
    },
  }
}
