import type {
  LatLngBounds,
  LeafletEventHandlerFn,
  LeafletEventHandlerFnMap,
  Map as LeafletMap,
  LeafletMouseEvent,
  Point,
  Tooltip,
  ZoomAnimEvent,
} from 'leaflet'
import { latitudeOf, longitudeOf } from '../../server/geo/projection.ts'
import { type Bubble, type Grouping, groupTrucks } from './cluster.ts'
import { drawLabel, drawTrucks, forgetTextWidths, labelPlaces } from './drawTrucks.ts'
import { type Hit, hitTest } from './hitTest.ts'
import { L } from './leaflet.ts'
import { MAP_FONT, palettes, type Theme } from './palette.ts'
import { type Atlas, atlasFor, drawSprite } from './sprites.ts'
import { bubbleLines, type DistanceUnit, tooltipElement, truckLines } from './tooltip.ts'
import type { TruckStore } from './truckStore.ts'

export interface TruckLayerOptions {
  theme: Theme
  unit: DistanceUnit
  /** False where the reader asks for less motion. */
  glide: boolean
  labels: boolean
  selectedId: number | null
}

/** Of the map's size, added on each side, so that a drag does not uncover an edge. */
const PADDING = 0.15
/** The picture follows the data at most four times a second. */
const DATA_MS = 250
/** Less often while a hand drags the map: a frame is worth more than a fresher picture. */
const DATA_DRAGGED_MS = 1_000
const GLIDE_MS = 900
/** Beyond this many trucks in view a move is a jump. */
const GLIDE_LIMIT = 400
/** A shorter move cannot be seen, and would redraw the canvas for nothing; a longer one is a truck that was out of coverage. */
const GLIDE_LEAST_PIXELS = 2
const GLIDE_MOST_PIXELS = 160
const LABEL_LIMIT = 300

/**
 * All trucks on one canvas, which pans with the map by CSS, scales by CSS while the zoom is animated, and is redrawn
 * when the view rests, when it nears the padding, or when the data changes. A second canvas holds the selected and the
 * highlighted truck, which are drawn whatever happens to the others.
 */
export class TruckLayer extends L.Layer {
  readonly #store: TruckStore
  readonly #onSelect: (vehicleId: number | null) => void
  #options: TruckLayerOptions
  #main: HTMLCanvasElement | null = null
  #top: HTMLCanvasElement | null = null
  #map: LeafletMap | null = null
  #unsubscribe: (() => void) | null = null
  #origin: Point = L.point(0, 0)
  #zoom = 0
  #animating = false
  #dragged = false
  /** Is there anything on the top canvas? */
  #marked = false
  #frame = 0
  #timer: ReturnType<typeof setTimeout> | null = null
  #drawnAt = Number.NEGATIVE_INFINITY
  #grouping: Grouping = { singles: [], bubbles: [] }
  #groupingKey = ''
  #tooltip: Tooltip | null = null
  #hovered: Hit | null = null
  #pointer: Point | null = null
  #pointerFrame = 0

  constructor(store: TruckStore, options: TruckLayerOptions, onSelect: (vehicleId: number | null) => void) {
    super()
    this.#store = store
    this.#options = options
    this.#onSelect = onSelect
  }

  /** New options; what is on the screen follows at once. */
  update(options: Partial<TruckLayerOptions>): void {
    this.#options = { ...this.#options, ...options }
    if (!this.#animating) this.draw()
  }

  override onAdd(map: LeafletMap): this {
    this.#map = map
    const make = (): HTMLCanvasElement => {
      const canvas = L.DomUtil.create('canvas', 'fleet-map-trucks leaflet-zoom-animated')
      canvas.setAttribute('aria-hidden', 'true')
      map.getPane('overlayPane')!.append(canvas)
      return canvas
    }
    this.#main = make()
    this.#top = make()
    this.#unsubscribe = this.#store.subscribeNow(() => this.#dataChanged())
    this.draw()
    void this.#redrawWithFont()
    return this
  }

  /** What was written before the font came would stay in another until the next news. */
  async #redrawWithFont(): Promise<void> {
    const loaded = await document.fonts?.load(`600 11px ${MAP_FONT}`).catch(() => [])
    if (!loaded || loaded.length === 0) return
    forgetTextWidths()
    if (!this.#animating) this.draw()
  }

  override onRemove(): this {
    this.#unsubscribe?.()
    cancelAnimationFrame(this.#frame)
    cancelAnimationFrame(this.#pointerFrame)
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#tooltip?.remove()
    this.#main?.remove()
    this.#top?.remove()
    this.#main = this.#top = this.#map = null
    return this
  }

  override getEvents(): { [name: string]: LeafletEventHandlerFn } {
    const handlers: LeafletEventHandlerFnMap = {
      zoomanim: (event: ZoomAnimEvent) => {
        this.#animating = true
        this.#hover(null)
        this.#transform(event.center, event.zoom)
      },
      zoom: () => {
        // A pinch: no animation, but many steps.
        const map = this.#map
        if (map && !this.#animating) this.#transform(map.getCenter(), map.getZoom())
      },
      zoomend: () => {
        this.#animating = false
      },
      move: () => {
        if (!this.#animating && this.#nearEdge()) this.draw()
      },
      dragstart: () => {
        this.#dragged = true
      },
      moveend: () => {
        this.#dragged = false
        if (!this.#animating) this.draw()
      },
      resize: () => this.draw(),
      mousemove: (event: LeafletMouseEvent) => this.#pointerMoved(event.containerPoint),
      mouseout: () => this.#pointerMoved(null),
      click: (event: LeafletMouseEvent) => this.#clicked(event.containerPoint),
    }
    return handlers as { [name: string]: LeafletEventHandlerFn }
  }

  /** Draws everything for the view as it is now. */
  draw(): void {
    const map = this.#map
    const main = this.#main
    if (!map || !main || !this.#top) return
    const now = performance.now()
    this.#drawnAt = now
    const size = map.getSize()
    const pad = size.multiplyBy(PADDING).round()
    const corner = map.containerPointToLayerPoint(pad.multiplyBy(-1)).round()
    const width = size.x + 2 * pad.x
    const height = size.y + 2 * pad.y
    const ratio = Math.min(2, window.devicePixelRatio || 1)
    this.#zoom = map.getZoom()
    this.#origin = map.getPixelOrigin().add(corner)
    const worldPixels = 256 * 2 ** this.#zoom
    const palette = palettes[this.#options.theme]
    const scale = this.#zoom <= 4 ? 0.8 : this.#zoom <= 6 ? 0.95 : 1.1
    const atlas = atlasFor(this.#options.theme, palette, ratio, scale)

    const key = `${this.#store.version}|${this.#zoom}|${this.#origin.x}|${this.#origin.y}|${width}|${height}`
    if (key !== this.#groupingKey) {
      this.#groupingKey = key
      this.#grouping = groupTrucks(this.#store, {
        minX: this.#origin.x / worldPixels,
        minY: this.#origin.y / worldPixels,
        maxX: (this.#origin.x + width) / worldPixels,
        maxY: (this.#origin.y + height) / worldPixels,
        worldPixels,
      })
    }
    const glides = this.#options.glide && !this.#dragged && this.#grouping.singles.length <= GLIDE_LIMIT
    const { positionOf, pending } = this.#positions(glides, now, worldPixels)

    const ctx = this.#prepare(main, corner, width, height, ratio)
    if (ctx) {
      drawTrucks(ctx, {
        trucks: this.#store,
        grouping: this.#grouping,
        palette,
        atlas,
        originX: this.#origin.x,
        originY: this.#origin.y,
        width,
        height,
        worldPixels,
        positionOf,
        unlabelled: this.#markedTrucks(),
        labelLimit: this.#options.labels && this.#showsLabels() ? LABEL_LIMIT : 0,
      })
    }
    // Clearing an empty canvas costs as much as clearing a full one.
    const marks = this.#options.selectedId !== null || this.#store.highlighted !== null
    if (marks || this.#marked) {
      const over = this.#prepare(this.#top, corner, width, height, ratio)
      if (over) this.#drawMarked(over, atlas, worldPixels, positionOf)
      this.#marked = marks
    }
    if (pending()) {
      cancelAnimationFrame(this.#frame)
      this.#frame = requestAnimationFrame(() => {
        if (!this.#animating) this.draw()
      })
    }
  }

  /** The places in the columns of the trucks that stand on the top canvas. */
  #markedTrucks(): Set<number> {
    const ids = [this.#options.selectedId, this.#store.highlighted]
    return new Set(ids.flatMap((id) => (id === null ? [] : this.#store.indexOf(id))))
  }

  /** Unit numbers crowd a map of a continent; they come with the zoom, or earlier when there is room. */
  #showsLabels(): boolean {
    return this.#zoom >= 7 || this.#grouping.singles.length <= (this.#zoom >= 6 ? 150 : 40)
  }

  #positions(
    glides: boolean,
    now: number,
    worldPixels: number,
  ): { positionOf: (i: number) => { x: number; y: number }; pending: () => boolean } {
    const { x, y, fromX, fromY, movedAt } = this.#store
    let pending = false
    const positionOf = (i: number): { x: number; y: number } => {
      const toX = x[i]!
      const toY = y[i]!
      const t = (now - movedAt[i]!) / GLIDE_MS
      if (!glides || t >= 1 || t < 0) return { x: toX, y: toY }
      const pixels = Math.hypot(toX - fromX[i]!, toY - fromY[i]!) * worldPixels
      if (pixels < GLIDE_LEAST_PIXELS || pixels > GLIDE_MOST_PIXELS) return { x: toX, y: toY }
      pending = true
      return { x: fromX[i]! + (toX - fromX[i]!) * t, y: fromY[i]! + (toY - fromY[i]!) * t }
    }
    return { positionOf, pending: () => pending }
  }

  #prepare(
    canvas: HTMLCanvasElement,
    corner: Point,
    width: number,
    height: number,
    ratio: number,
  ): CanvasRenderingContext2D | null {
    const deviceWidth = Math.round(width * ratio)
    const deviceHeight = Math.round(height * ratio)
    const ctx = canvas.getContext('2d')
    if (canvas.width !== deviceWidth || canvas.height !== deviceHeight) {
      canvas.width = deviceWidth
      canvas.height = deviceHeight
      canvas.style.width = `${width}px`
      canvas.style.height = `${height}px`
    } else {
      ctx?.setTransform(1, 0, 0, 1, 0, 0)
      ctx?.clearRect(0, 0, deviceWidth, deviceHeight)
    }
    ctx?.setTransform(ratio, 0, 0, ratio, 0, 0)
    L.DomUtil.setPosition(canvas, corner)
    return ctx
  }

  /** The selected and the highlighted truck, on top of everything and always with their unit number. */
  #drawMarked(
    ctx: CanvasRenderingContext2D,
    atlas: Atlas,
    worldPixels: number,
    positionOf: (i: number) => { x: number; y: number },
  ): void {
    const store = this.#store
    const palette = palettes[this.#options.theme]
    const mark = (vehicleId: number | null, selected: boolean): void => {
      const i = vehicleId === null ? -1 : store.indexOf(vehicleId)
      if (i < 0) return
      const at = positionOf(i)
      const x = at.x * worldPixels - this.#origin.x
      const y = at.y * worldPixels - this.#origin.y
      ctx.beginPath()
      ctx.arc(x, y, atlas.side * 0.5, 0, 2 * Math.PI)
      ctx.globalAlpha = selected ? 0.22 : 0.14
      ctx.fillStyle = palette.selection
      ctx.fill()
      ctx.globalAlpha = 1
      ctx.lineWidth = selected ? 2.5 : 1.5
      ctx.strokeStyle = palette.selection
      ctx.stroke()
      drawSprite(ctx, atlas, store.state[i]!, store.level[i]!, store.heading[i]!, x, y)
      const text = store.label[i]
      const rect = text ? labelPlaces(ctx, text, x, y, atlas.side * 0.5 + 3)[0] : undefined
      if (!text || !rect) return
      const color = selected ? { fill: palette.selection, text: palette.bubble } : undefined
      drawLabel(ctx, palette, text, rect, color)
    }
    if (store.highlighted !== this.#options.selectedId) mark(store.highlighted, false)
    mark(this.#options.selectedId, true)
  }

  #dataChanged(): void {
    if (this.#timer !== null) return
    const calm = this.#dragged ? DATA_DRAGGED_MS : DATA_MS
    const wait = Math.max(0, this.#drawnAt + calm - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = null
      cancelAnimationFrame(this.#frame)
      this.#frame = requestAnimationFrame(() => {
        // While the zoom is animated the canvas is scaled by CSS; the redraw comes with moveend.
        if (!this.#animating) this.draw()
      })
    }, wait)
  }

  #nearEdge(): boolean {
    const map = this.#map
    if (!map) return false
    const size = map.getSize()
    const shown = map.getPixelOrigin().add(map.containerPointToLayerPoint(L.point(0, 0)))
    const pad = size.multiplyBy(PADDING)
    const offset = shown.subtract(this.#origin).subtract(pad)
    return Math.abs(offset.x) > pad.x * 0.8 || Math.abs(offset.y) > pad.y * 0.8
  }

  /** Puts the canvases where their picture belongs in another view, without drawing. */
  #transform(center: L.LatLng, zoom: number): void {
    const map = this.#map
    if (!map || !this.#main || !this.#top) return
    const scale = map.getZoomScale(zoom, this.#zoom)
    const pane = L.DomUtil.getPosition(map.getPane('mapPane')!)
    const pixelOrigin = map.project(center, zoom).subtract(map.getSize().divideBy(2)).add(pane).round()
    const offset = this.#origin.multiplyBy(scale).subtract(pixelOrigin)
    L.DomUtil.setTransform(this.#main, offset, scale)
    L.DomUtil.setTransform(this.#top, offset, scale)
  }

  /** What is under a point of the map's container: the nearest truck within reach, else a bubble. */
  #hit(at: Point): Hit | null {
    const map = this.#map
    if (!map) return null
    const point = map.getPixelOrigin().add(map.containerPointToLayerPoint(at))
    return hitTest(this.#store, this.#grouping, point, 256 * 2 ** this.#zoom)
  }

  #pointerMoved(at: Point | null): void {
    this.#pointer = at
    if (this.#pointerFrame !== 0) return
    this.#pointerFrame = requestAnimationFrame(() => {
      this.#pointerFrame = 0
      this.#hover(this.#pointer && !this.#animating ? this.#hit(this.#pointer) : null)
    })
  }

  #hover(hit: Hit | null): void {
    const map = this.#map
    if (!map) return
    const before = this.#hovered
    const same =
      hit === before ||
      (hit !== null &&
        before !== null &&
        ('truck' in hit
          ? 'truck' in before && before.truck === hit.truck
          : 'bubble' in before && before.bubble === hit.bubble))
    this.#hovered = hit
    if (same) return
    map.getContainer().classList.toggle('fleet-map-pointing', hit !== null)
    this.#tooltip?.remove()
    this.#tooltip = null
    if (!hit) return
    const worldPixels = 256 * 2 ** this.#zoom
    const where =
      'truck' in hit
        ? L.latLng(latitudeOf(this.#store.y[hit.truck]!), longitudeOf(this.#store.x[hit.truck]!))
        : L.latLng(latitudeOf(hit.bubble.y / worldPixels), longitudeOf(hit.bubble.x / worldPixels))
    const lines =
      'truck' in hit
        ? truckLines(this.#store.at(hit.truck), this.#options.unit, Date.now())
        : bubbleLines(hit.bubble)
    const rise = 'truck' in hit ? 12 : hit.bubble.radius + 2
    this.#tooltip = L.tooltip({
      direction: 'top',
      offset: [0, -rise],
      className: 'fleet-map-tooltip',
      opacity: 1,
    })
      .setLatLng(where)
      .setContent(tooltipElement(lines))
      .addTo(map)
  }

  #clicked(at: Point): void {
    const map = this.#map
    const hit = this.#hit(at)
    if (!map || !hit) {
      this.#onSelect(null)
      return
    }
    this.#hover(null)
    if ('truck' in hit) {
      this.#onSelect(this.#store.ids[hit.truck]!)
      return
    }
    const bounds = boundsOf(hit.bubble)
    if (map.getZoom() < map.getMaxZoom() && map.getBoundsZoom(bounds) > map.getZoom()) {
      map.fitBounds(bounds, { padding: [60, 60] })
      return
    }
    // Trucks on the very same spot cannot be told apart by zooming: each click takes the next of them.
    this.#onSelect(this.#nextInStack(hit.bubble))
  }

  #nextInStack(bubble: Bubble): number {
    const store = this.#store
    const members: number[] = []
    for (let i = 0; i < store.count; i++) {
      const x = store.x[i]!
      const y = store.y[i]!
      const inside = x >= bubble.minX && x <= bubble.maxX && y >= bubble.minY && y <= bubble.maxY
      if (inside && store.mask[i] === 1) members.push(store.ids[i]!)
    }
    const selected = this.#options.selectedId
    const at = selected === null ? -1 : members.indexOf(selected)
    return members[(at + 1) % members.length] ?? store.ids[bubble.first]!
  }
}

function boundsOf(bubble: Bubble): LatLngBounds {
  return L.latLngBounds(
    [latitudeOf(bubble.maxY), longitudeOf(bubble.minX)],
    [latitudeOf(bubble.minY), longitudeOf(bubble.maxX)],
  )
}
