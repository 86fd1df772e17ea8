import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodePlaces, type Places } from './placeIndex.ts'

let loaded: Places | null | undefined

/**
 * The nearest town of note, as in "12 km NE of Gary, IN"; null far from any town. It reads generated/places.bin, which
 * `npm run build:basemap` makes, once on first use; without that file it answers null and says so once.
 */
export function nearestTown(latitude: number, longitude: number, unit: 'km' | 'mi'): string | null {
  if (loaded === undefined) {
    const file = join(process.cwd(), 'generated', 'places.bin')
    try {
      loaded = decodePlaces(readFileSync(file))
    } catch (error) {
      loaded = null
      console.warn(
        `Places are shown without towns: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
  return loaded ? loaded.nearestTown(latitude, longitude, unit) : null
}
