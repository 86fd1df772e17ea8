import { VehicleState } from '../../server/geo/frame.ts'
import { categoryOf } from './cluster.ts'
import { CATEGORIES, type MapPalette } from './palette.ts'

/** Headings that an arrow is painted in; the eye does not see the 11 degrees between two. */
const HEADINGS = 32
/** The side of a sprite in CSS pixels at scale 1. */
const SPRITE = 36
const LEVELS = 3

/** A sheet of trucks painted once: 32 headings for those that move, one shape each for the others, each with and without an alert. */
export interface Atlas {
  readonly key: string
  readonly image: HTMLCanvasElement
  /** Side of a cell in device pixels. */
  readonly cell: number
  /** Side of a cell in CSS pixels. */
  readonly side: number
}

const MOVING = VehicleState.moving

/** Draws one truck around 0,0. The shape tells the state as well as the colour does. */
export function paintTruck(
  ctx: CanvasRenderingContext2D,
  palette: MapPalette,
  state: number,
  level: number,
  headingDegrees: number | null,
): void {
  const stateColor = palette.truck[CATEGORIES[categoryOf(state, 0)]!]
  if (level > 0) {
    const color = level === 2 ? palette.truck.violation : palette.truck.warning
    ctx.beginPath()
    ctx.arc(0, 0, 13, 0, 2 * Math.PI)
    ctx.fillStyle = palette.bubble
    ctx.globalAlpha = 0.88
    ctx.fill()
    ctx.globalAlpha = level === 2 ? 0.3 : 0.16
    ctx.fillStyle = color
    ctx.fill()
    ctx.globalAlpha = 1
    ctx.lineWidth = level === 2 ? 3.2 : 2.4
    ctx.strokeStyle = color
    ctx.stroke()
  }
  ctx.lineJoin = 'round'
  ctx.strokeStyle = palette.outline
  ctx.lineWidth = 3
  ctx.fillStyle = stateColor
  ctx.beginPath()
  if (state === MOVING && headingDegrees !== null) {
    ctx.save()
    ctx.rotate((headingDegrees * Math.PI) / 180)
    ctx.moveTo(0, -9.5)
    ctx.lineTo(6.6, 7.5)
    ctx.lineTo(0, 4)
    ctx.lineTo(-6.6, 7.5)
    ctx.closePath()
    ctx.restore()
    ctx.stroke()
    ctx.fill()
    return
  }
  if (state === VehicleState.off) {
    ctx.roundRect(-5, -5, 10, 10, 2)
    ctx.stroke()
    ctx.fill()
    return
  }
  if (state === VehicleState.silent) {
    ctx.arc(0, 0, 5.2, 0, 2 * Math.PI)
    ctx.lineWidth = 5
    ctx.stroke()
    ctx.fillStyle = palette.bubble
    ctx.fill()
    ctx.lineWidth = 2
    ctx.strokeStyle = stateColor
    ctx.setLineDash([3.2, 2.2])
    ctx.stroke()
    ctx.setLineDash([])
    return
  }
  ctx.arc(0, 0, 5.6, 0, 2 * Math.PI)
  ctx.stroke()
  ctx.fill()
  if (state === MOVING) {
    // Moving, but nobody knows where to.
    ctx.beginPath()
    ctx.arc(0, 0, 2.2, 0, 2 * Math.PI)
    ctx.fillStyle = palette.outline
    ctx.fill()
  }
}

/** Where in the sheet a truck is: row by state and level, column by heading. */
function cellOf(state: number, level: number, heading: number): [column: number, row: number] {
  if (state === MOVING && heading >= 0) return [Math.round(heading / (360 / HEADINGS)) % HEADINGS, level]
  // The shapes without a heading share a fourth row.
  return [state * LEVELS + level, LEVELS]
}

function paintAtlas(key: string, palette: MapPalette, pixelRatio: number, scale: number): Atlas {
  const cell = Math.ceil(SPRITE * scale * pixelRatio)
  const image = document.createElement('canvas')
  image.width = cell * HEADINGS
  image.height = cell * (LEVELS + 1)
  const ctx = image.getContext('2d')
  const paint = (state: number, level: number, heading: number): void => {
    if (!ctx) return
    const [column, row] = cellOf(state, level, heading)
    ctx.setTransform(scale * pixelRatio, 0, 0, scale * pixelRatio, (column + 0.5) * cell, (row + 0.5) * cell)
    paintTruck(ctx, palette, state, level, heading < 0 ? null : heading)
  }
  for (let level = 0; level < LEVELS; level++) {
    for (let h = 0; h < HEADINGS; h++) paint(MOVING, level, (h * 360) / HEADINGS)
    for (const state of Object.values(VehicleState)) paint(state, level, -1)
  }
  return { key, image, cell, side: cell / pixelRatio }
}

const atlases = new Map<string, Atlas>()

/** The sheet for a palette, a device and a size, painted on first use. */
export function atlasFor(name: string, palette: MapPalette, pixelRatio: number, scale: number): Atlas {
  const key = `${name}|${pixelRatio}|${scale}`
  let atlas = atlases.get(key)
  if (!atlas) {
    atlas = paintAtlas(key, palette, pixelRatio, scale)
    atlases.set(key, atlas)
  }
  return atlas
}

/** Draws a truck out of the sheet with its middle at x, y. */
export function drawSprite(
  ctx: CanvasRenderingContext2D,
  atlas: Atlas,
  state: number,
  level: number,
  heading: number,
  x: number,
  y: number,
): void {
  const [column, row] = cellOf(state, level, heading)
  const { cell, side } = atlas
  ctx.drawImage(atlas.image, column * cell, row * cell, cell, cell, x - side / 2, y - side / 2, side, side)
}
