import type { Feature, Point } from 'geojson'
import { mercatorX, mercatorY } from '../projection.ts'

/** What the basemap needs to know of a town. */
export interface Town {
  name: string
  country: string
  latitude: number
  longitude: number
  population: number
  /** GeoNames: PPLC a national capital, PPLA a state's capital. */
  featureCode: string
}

export const MAX_ZOOM = 8

/** The population from which a town is shown at each zoom of the data. */
const SHOWN_FROM = [20e6, 12e6, 5e6, 1.5e6, 500e3, 180e3, 60e3, 15e3, 0]

/** Protomaps' grades of population: the place in this list of the largest step not above it. */
const RANKS = [1, 200, 1e3, 2e3, 5e3, 10e3, 20e3, 50e3, 100e3, 200e3, 500e3, 1e6, 2e6, 5e6, 10e6, 20e6, 50e6]

function rankOf(population: number): number {
  return RANKS.filter((step) => population >= step).length
}

/** Countries whose every town is kept; elsewhere a town needs 15,000 people. */
const HOME = new Set(
  (
    'US CA MX GB IE FR ES PT DE AT CH IT NL BE LU DK NO SE FI PL CZ SK HU SI HR BA RS ME MK AL GR BG RO ' +
    'LT LV EE IS MT AD LI MC SM VA XK MD UA'
  ).split(' '),
)

/**
 * Town points with `min_zoom`. A town appears when its population reaches the zoom's step, or earlier when nothing
 * larger is near: an empty quarter of the map shows Billings at the zoom at which New Jersey shows only Newark.
 */
export function townFeatures(towns: Town[]): Feature<Point>[] {
  const sorted = towns
    .filter((town) => HOME.has(town.country) || town.population >= 15_000)
    .map((town) => ({
      ...town,
      // A capital counts as a town several times its size.
      weight: town.population * (town.featureCode === 'PPLC' ? 5 : town.featureCode === 'PPLA' ? 2.5 : 1),
    }))
    .sort((a, b) => b.weight - a.weight)
  const minZooms = new Array<number>(sorted.length).fill(MAX_ZOOM)
  for (let zoom = MAX_ZOOM - 1; zoom >= 2; zoom--) {
    // About 105 pixels on the screen, where these tiles are drawn 512 pixels wide.
    const cells = 2 ** zoom * 4.9
    const taken = new Set<number>()
    sorted.forEach((town, i) => {
      if (town.weight < SHOWN_FROM[zoom]! / 7) return
      const column = Math.floor(mercatorX(town.longitude) * cells)
      const row = Math.floor(mercatorY(town.latitude) * cells)
      let alone = true
      for (let dx = -1; dx <= 1 && alone; dx++)
        for (let dy = -1; dy <= 1; dy++) if (taken.has((column + dx) * 4096 + row + dy)) alone = false
      if (!alone && town.weight < SHOWN_FROM[zoom]!) return
      taken.add(column * 4096 + row)
      minZooms[i] = zoom
    })
  }
  return sorted.map((town, i) => ({
    type: 'Feature',
    geometry: { type: 'Point', coordinates: [town.longitude, town.latitude] },
    properties: {
      kind: 'locality',
      kind_detail: town.population >= 50_000 ? 'city' : town.population >= 5_000 ? 'town' : 'village',
      name: town.name,
      population: town.population,
      population_rank: rankOf(town.population),
      min_zoom: minZooms[i]!,
      ...(town.featureCode === 'PPLC' ? { capital: 'yes' } : {}),
    },
  }))
}
