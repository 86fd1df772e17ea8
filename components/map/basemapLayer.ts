import type { GridLayer, Layer, TileLayer } from 'leaflet'
import { leafletLayer } from 'protomaps-leaflet'
import { labelRules, paintRules } from './basemapStyle.ts'
import { L } from './leaflet.ts'
import { MAP_FONT, palettes, type Theme } from './palette.ts'

/** Where the map's background comes from; the console's settings BASEMAP_* fill it. */
export interface BasemapConfig {
  /** `*.pmtiles`, `…/{z}/{x}/{y}.mvt` (both drawn in our style) or `…/{z}/{x}/{y}.png` and the like. */
  url: string
  /** The same for the dark theme, when it differs. */
  urlDark?: string
  /** HTML of the credits. */
  attribution: string
  /** How far one may zoom in. */
  maxZoom: number
}

/** The map that comes with the product and needs no network. */
export const embeddedBasemap: BasemapConfig = {
  url: '/basemap.pmtiles',
  attribution: 'Places © GeoNames, CC BY 4.0 · Boundaries US Census Bureau, Natural Earth',
  maxZoom: 12,
}

export function isEmbedded(config: BasemapConfig): boolean {
  return config.url === embeddedBasemap.url
}

const RASTER = /\.(png|jpe?g|webp|avif)(\?|$)/

/** Data of the embedded file ends at zoom 8; of a Protomaps or OpenMapTiles set, as a rule, at 15 and 14. */
function dataZoom(config: BasemapConfig, url: string): number {
  if (isEmbedded(config)) return 8
  return url.includes('.pmtiles') ? 15 : 14
}

/** The background as a Leaflet layer. `onError` is called when tiles cannot be had at all. */
export function createBasemapLayer(config: BasemapConfig, theme: Theme, onError: () => void): Layer {
  const url = (theme === 'dark' ? config.urlDark : undefined) ?? config.url
  if (RASTER.test(url)) {
    const raster: TileLayer = L.tileLayer(url, { attribution: config.attribution, maxZoom: config.maxZoom })
    raster.on('tileerror', onError)
    return raster
  }
  const palette = palettes[theme]
  // Labels measured before the font is there would keep their wrong widths.
  const fonts = document.fonts
    ? document.fonts.load(`500 12px ${MAP_FONT}`).then(
        () => ({ status: 'loaded', reason: new Error('none') }),
        (reason: Error) => ({ status: 'missing', reason }),
      )
    : undefined
  const layer = leafletLayer({
    url,
    attribution: config.attribution,
    maxZoom: config.maxZoom,
    maxDataZoom: dataZoom(config, url),
    backgroundColor: palette.water,
    paintRules: paintRules(palette, isEmbedded(config)),
    labelRules: labelRules(palette),
    tasks: fonts ? [fonts] : [],
    // Beyond two device pixels a map tile costs memory and shows nothing more.
    devicePixelRatio: Math.min(2, window.devicePixelRatio || 1),
    // Tiles appear as they are ready; staggering them by distance from the middle only delays the picture.
    tileDelay: 1,
    updateWhenZooming: false,
    keepBuffer: 3,
  })
  // The label index forgets tiles beyond this number, and a wide screen shows more than the default of 16.
  layer.labelers.maxLabeledTiles = 64
  if (url.includes('.pmtiles')) void probe(url, onError)
  return layer as unknown as GridLayer
}

/** A PMTiles file that is missing or is something else would leave a silent blank; ask for its first bytes. */
async function probe(url: string, onError: () => void): Promise<void> {
  try {
    const response = await fetch(url, { headers: { Range: 'bytes=0-6' } })
    if (!response.ok) {
      onError()
      return
    }
    const reader = response.body?.getReader()
    const first = await reader?.read()
    // A server without Range would send the whole file; the first bytes are enough.
    await reader?.cancel()
    if (new TextDecoder().decode(first?.value?.subarray(0, 7)) !== 'PMTiles') onError()
  } catch {
    onError()
  }
}
