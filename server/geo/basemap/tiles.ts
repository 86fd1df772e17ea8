import type { FeatureCollection } from 'geojson'
import GeoJSONVT, { type LegacyTile } from 'geojson-vt'
import { zxyToTileId } from 'pmtiles'
import vtpbf from 'vt-pbf'
import type { LayerName, Layers } from './layers.ts'
import { MAX_ZOOM } from './places.ts'
import type { TileRun } from './pmtiles.ts'

const EXTENT = 4096
const BUFFER = 64
/** From this zoom on a tile of nothing but sea or nothing but land stands for everything below it. */
const SOLID_FROM = 5

/** True for a tile whose one feature is a rectangle over the tile and its margin. */
function coversAll(tile: LegacyTile): boolean {
  const only = tile.features[0]
  if (tile.features.length !== 1 || only?.type !== 3) return false
  const ring = only.geometry[0]
  if (only.geometry.length !== 1 || !ring || ring.length > 5) return false
  const xs = ring.map((point) => point[0])
  const ys = ring.map((point) => point[1])
  const low = -BUFFER
  const high = EXTENT + BUFFER
  return (
    Math.min(...xs) <= low && Math.max(...xs) >= high && Math.min(...ys) <= low && Math.max(...ys) >= high
  )
}

/** The layers cut into vector tiles, zoom 0 to 8, whole seas and whole deserts as one run each. */
export function cutTiles(layers: Layers, maxZoom = MAX_ZOOM): TileRun[] {
  const indexes = (Object.keys(layers) as LayerName[]).map((name): [LayerName, GeoJSONVT] => {
    const data: FeatureCollection = { type: 'FeatureCollection', features: layers[name] }
    const options = {
      maxZoom,
      indexMaxZoom: 4,
      indexMaxPoints: 0,
      extent: EXTENT,
      // A town belongs to one tile; lines and areas overlap their neighbours, or seams would show.
      buffer: name === 'places' ? 0 : BUFFER,
      tolerance: 3,
    }
    return [name, new GeoJSONVT(data, options)]
  })
  const runs: TileRun[] = []
  const visit = (z: number, x: number, y: number): void => {
    const present: Record<string, LegacyTile> = {}
    let only: { name: LayerName; tile: LegacyTile } | null = null
    let found = 0
    for (const [name, index] of indexes) {
      const tile = index.getTile(z, x, y)
      if (!tile || tile.features.length === 0) continue
      found++
      only = { name, tile }
      const features = tile.features.filter((f) => Number(f.tags?.min_zoom ?? 0) <= z)
      if (features.length > 0) present[name] = { ...tile, features }
    }
    if (found === 0) return
    const data = vtpbf.fromGeojsonVt(present, { version: 2, extent: EXTENT })
    const solid = z >= SOLID_FROM && found === 1 && only !== null && coversAll(only.tile)
    if (data.length > 0) runs.push({ tileId: zxyToTileId(z, x, y), runLength: 1, data })
    if (solid) {
      for (let deeper = z + 1; deeper <= maxZoom; deeper++) {
        const side = 2 ** (deeper - z)
        // The descendants of a tile follow one another on the Hilbert curve; its first is the lowest id of a corner.
        const corners = [0, side - 1].flatMap((dx) =>
          [0, side - 1].map((dy) => zxyToTileId(deeper, x * side + dx, y * side + dy)),
        )
        runs.push({ tileId: Math.min(...corners), runLength: side * side, data })
      }
      return
    }
    if (z === maxZoom) return
    for (const dx of [0, 1]) for (const dy of [0, 1]) visit(z + 1, x * 2 + dx, y * 2 + dy)
  }
  visit(0, 0, 0)
  return runs
}
