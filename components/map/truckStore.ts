import type { PositionFrame, VehicleState } from '../../server/geo/frame.ts'
import { mercatorX, mercatorY } from '../../server/geo/projection.ts'

/** How near the truck's driver is to a limit: the tightest one decides. */
export const AlertLevel = { none: 0, warning: 1, violation: 2 } as const
export type AlertLevel = (typeof AlertLevel)[keyof typeof AlertLevel]

/** One truck, read out of the columns for a card, a row or a tooltip. */
export interface Truck {
  vehicleId: number
  /** The unit number; empty until `setLabels` has named it. */
  label: string
  latitude: number
  longitude: number
  speedKph: number
  /** Null when not known. */
  headingDegrees: number | null
  /** Epoch milliseconds. */
  fixTime: number
  /** Epoch milliseconds. */
  receivedTime: number
  state: VehicleState
  level: AlertLevel
}

export interface TruckCounts {
  total: number
  /** Those that pass the filter. */
  shown: number
  /** By VehicleState, of those shown. */
  byState: [number, number, number, number]
  /** By AlertLevel, of those shown. */
  byLevel: [number, number, number]
}

/** South, west, north, east in degrees. */
export interface Box {
  south: number
  west: number
  north: number
  east: number
}

/** React hears at most four times a second. */
const PUBLISH_MS = 250

/**
 * Every truck's newest position, as columns outside React: a frame of a thousand trucks costs a fraction of a
 * millisecond, and nothing renders. The canvas layer reads the columns and is told at once; React reads selections of
 * them through `useTruckStore` and is told at most four times a second.
 */
export class TruckStore {
  count = 0
  ids = new Float64Array(0)
  /** Web Mercator, 0..1. */
  x = new Float64Array(0)
  y = new Float64Array(0)
  /** Where the truck was drawn from before its last move, for a glide to its new place. */
  fromX = new Float64Array(0)
  fromY = new Float64Array(0)
  /** When it last moved, on the clock given to the constructor. */
  movedAt = new Float64Array(0)
  /** Degrees, or -1. */
  heading = new Int16Array(0)
  speed = new Uint16Array(0)
  state = new Uint8Array(0)
  level = new Uint8Array(0)
  /** 1 for a truck that passes the filter. */
  mask = new Uint8Array(0)
  /** Seconds since 1970. */
  fixTime = new Uint32Array(0)
  receivedTime = new Uint32Array(0)
  label: string[] = []

  /** Grows with each change; the layer compares it. */
  version = 0

  readonly #index = new Map<number, number>()
  readonly #labels = new Map<number, string>()
  readonly #levels = new Map<number, AlertLevel>()
  readonly #clock: () => number
  #filter: ((vehicleId: number) => boolean) | null = null
  #highlighted: number | null = null
  readonly #now = new Set<() => void>()
  readonly #calm = new Set<() => void>()
  #timer: ReturnType<typeof setTimeout> | null = null
  #publishedAt = Number.NEGATIVE_INFINITY
  #published = 0

  /** `clock`: milliseconds of any steady clock; it only times the glide and the calm notifications. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /** Everything there is: trucks that the frame does not name are dropped. */
  applySnapshot(frame: PositionFrame): void {
    const named = new Set(frame.vehicleId)
    for (let i = this.count - 1; i >= 0; i--) if (!named.has(this.ids[i]!)) this.#removeAt(i)
    this.#apply(frame)
  }

  /** News of some trucks. A position older than the known one is passed over: the newest fix wins, not the last to arrive. */
  applyFrame(frame: PositionFrame): void {
    if (frame.vehicleId.length > 0) this.#apply(frame)
  }

  /** How near each of these drivers is to a limit; the others keep theirs. */
  setLevels(vehicleIds: readonly number[], levels: readonly AlertLevel[]): void {
    vehicleIds.forEach((id, i) => {
      const level = levels[i] ?? AlertLevel.none
      this.#levels.set(id, level)
      const at = this.#index.get(id)
      if (at !== undefined) this.level[at] = level
    })
    this.#changed()
  }

  /** The unit numbers of these trucks; the others keep theirs. */
  setLabels(vehicleIds: readonly number[], labels: readonly string[]): void {
    vehicleIds.forEach((id, i) => {
      const label = labels[i] ?? ''
      this.#labels.set(id, label)
      const at = this.#index.get(id)
      if (at !== undefined) this.label[at] = label
    })
    this.#changed()
  }

  /** Which trucks are shown, those to come included; null shows all. */
  setFilter(filter: ((vehicleId: number) => boolean) | null): void {
    this.#filter = filter
    for (let i = 0; i < this.count; i++) this.mask[i] = filter === null || filter(this.ids[i]!) ? 1 : 0
    this.#changed()
  }

  /** A truck to halo, because its row in the list is pointed at; null for none. */
  setHighlight(vehicleId: number | null): void {
    if (this.#highlighted === vehicleId) return
    this.#highlighted = vehicleId
    this.#changed()
  }

  get highlighted(): number | null {
    return this.#highlighted
  }

  /** Where in the columns a truck stands, or -1. */
  indexOf(vehicleId: number): number {
    return this.#index.get(vehicleId) ?? -1
  }

  /** One truck, or null when it has never been heard of. */
  find(vehicleId: number): Truck | null {
    const i = this.indexOf(vehicleId)
    return i < 0 ? null : this.at(i)
  }

  /** The truck in that place of the columns. */
  at(i: number): Truck {
    const heading = this.heading[i]!
    return {
      vehicleId: this.ids[i]!,
      label: this.label[i]!,
      latitude: (Math.atan(Math.sinh(Math.PI * (1 - 2 * this.y[i]!))) * 180) / Math.PI,
      longitude: (this.x[i]! - 0.5) * 360,
      speedKph: this.speed[i]!,
      headingDegrees: heading < 0 ? null : heading,
      fixTime: this.fixTime[i]! * 1000,
      receivedTime: this.receivedTime[i]! * 1000,
      state: this.state[i]! as VehicleState,
      level: this.level[i]! as AlertLevel,
    }
  }

  counts(): TruckCounts {
    const counts: TruckCounts = { total: this.count, shown: 0, byState: [0, 0, 0, 0], byLevel: [0, 0, 0] }
    for (let i = 0; i < this.count; i++) {
      if (this.mask[i] === 0) continue
      counts.shown++
      counts.byState[this.state[i] as VehicleState]++
      counts.byLevel[this.level[i] as AlertLevel]++
    }
    return counts
  }

  /** The shown trucks within a box, for a list limited to what the map shows. */
  idsWithin(box: Box): number[] {
    const minX = mercatorX(box.west)
    const maxX = mercatorX(box.east)
    const minY = mercatorY(box.north)
    const maxY = mercatorY(box.south)
    const ids: number[] = []
    for (let i = 0; i < this.count; i++) {
      const x = this.x[i]!
      const y = this.y[i]!
      if (this.mask[i] === 1 && x >= minX && x <= maxX && y >= minY && y <= maxY) ids.push(this.ids[i]!)
    }
    return ids
  }

  /** Told of every change, at once; for drawing. Returns how to stop. */
  subscribeNow(listener: () => void): () => void {
    this.#now.add(listener)
    return () => this.#now.delete(listener)
  }

  /** Told at most four times a second; for React. Returns how to stop. */
  subscribe(listener: () => void): () => void {
    this.#calm.add(listener)
    return () => {
      this.#calm.delete(listener)
      if (this.#calm.size === 0 && this.#timer !== null) {
        clearTimeout(this.#timer)
        this.#timer = null
      }
    }
  }

  /** The version that React has been told of. */
  get published(): number {
    return this.#published
  }

  #apply(frame: PositionFrame): void {
    const now = this.#clock()
    for (let k = 0; k < frame.vehicleId.length; k++) {
      const id = frame.vehicleId[k]!
      const fixTime = frame.fixTime[k]!
      const x = mercatorX(frame.longitude[k]! / 1e5)
      const y = mercatorY(frame.latitude[k]! / 1e5)
      let i = this.#index.get(id)
      if (i === undefined) {
        i = this.#add(id)
        this.fromX[i] = x
        this.fromY[i] = y
        this.movedAt[i] = Number.NEGATIVE_INFINITY
      } else if (fixTime < this.fixTime[i]!) {
        continue
      } else if (x !== this.x[i] || y !== this.y[i]) {
        this.fromX[i] = this.x[i]!
        this.fromY[i] = this.y[i]!
        this.movedAt[i] = now
      }
      this.x[i] = x
      this.y[i] = y
      this.speed[i] = frame.speedKph[k]!
      this.heading[i] = frame.headingDegrees[k]!
      this.state[i] = frame.state[k]!
      this.fixTime[i] = fixTime
      this.receivedTime[i] = frame.receivedTime[k]!
    }
    this.#changed()
  }

  #add(id: number): number {
    const i = this.count++
    if (i >= this.ids.length) this.#grow(Math.max(64, i * 2))
    this.#index.set(id, i)
    this.ids[i] = id
    this.label[i] = this.#labels.get(id) ?? ''
    this.level[i] = this.#levels.get(id) ?? AlertLevel.none
    this.mask[i] = this.#filter === null || this.#filter(id) ? 1 : 0
    return i
  }

  /** The last one takes the place of the one that goes. */
  #removeAt(i: number): void {
    const last = --this.count
    this.#index.delete(this.ids[i]!)
    if (i !== last) {
      for (const column of this.#columns()) column[i] = column[last]!
      this.label[i] = this.label[last]!
      this.#index.set(this.ids[i]!, i)
    }
    this.label.length = last
  }

  #columns(): (Float64Array | Int16Array | Uint16Array | Uint8Array | Uint32Array)[] {
    const { ids, x, y, fromX, fromY, movedAt, heading, speed, state, level, mask, fixTime, receivedTime } =
      this
    return [ids, x, y, fromX, fromY, movedAt, heading, speed, state, level, mask, fixTime, receivedTime]
  }

  #grow(capacity: number): void {
    const wider = <T extends Float64Array | Int16Array | Uint16Array | Uint8Array | Uint32Array>(
      made: T,
      old: T,
    ): T => {
      made.set(old)
      return made
    }
    this.ids = wider(new Float64Array(capacity), this.ids)
    this.x = wider(new Float64Array(capacity), this.x)
    this.y = wider(new Float64Array(capacity), this.y)
    this.fromX = wider(new Float64Array(capacity), this.fromX)
    this.fromY = wider(new Float64Array(capacity), this.fromY)
    this.movedAt = wider(new Float64Array(capacity), this.movedAt)
    this.heading = wider(new Int16Array(capacity), this.heading)
    this.speed = wider(new Uint16Array(capacity), this.speed)
    this.state = wider(new Uint8Array(capacity), this.state)
    this.level = wider(new Uint8Array(capacity), this.level)
    this.mask = wider(new Uint8Array(capacity), this.mask)
    this.fixTime = wider(new Uint32Array(capacity), this.fixTime)
    this.receivedTime = wider(new Uint32Array(capacity), this.receivedTime)
  }

  #changed(): void {
    this.version++
    for (const listener of this.#now) listener()
    if (this.#calm.size === 0 || this.#timer !== null) {
      if (this.#calm.size === 0) this.#published = this.version
      return
    }
    const wait = Math.max(0, this.#publishedAt + PUBLISH_MS - this.#clock())
    if (wait === 0) this.#publish()
    else this.#timer = setTimeout(() => this.#publish(), wait)
  }

  #publish(): void {
    this.#timer = null
    this.#publishedAt = this.#clock()
    this.#published = this.version
    for (const listener of this.#calm) listener()
  }
}
