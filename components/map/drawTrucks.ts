import type { Bubble, Grouping, TruckColumns } from './cluster.ts'
import { CATEGORIES, MAP_FONT, type MapPalette } from './palette.ts'
import { type LabelWish, placeLabels, type Rect } from './placeLabels.ts'
import { type Atlas, drawSprite } from './sprites.ts'

/** Everything that one picture of the trucks depends on. */
export interface Scene {
  trucks: TruckColumns & { heading: Int16Array; label: string[] }
  grouping: Grouping
  palette: MapPalette
  atlas: Atlas
  /** World pixels of the canvas's upper left corner, and its size. */
  originX: number
  originY: number
  width: number
  height: number
  worldPixels: number
  /** Where a truck is right now, Web Mercator, gliding included. */
  positionOf: (i: number) => { x: number; y: number }
  /** Up to so many unit numbers; 0 for none. */
  labelLimit: number
  /** Trucks whose unit number is written by somebody else, on top of the others. */
  unlabelled: ReadonlySet<number>
}

const LABEL_FONT = `600 10.5px ${MAP_FONT}`
const LABEL_HEIGHT = 15
/** Degrees that an alert takes of a bubble's ring at least, or one truck among a thousand would not be seen. */
const LEAST_ARC: Partial<Record<(typeof CATEGORIES)[number], number>> = { violation: 24, warning: 18 }

/** 1,284 as "1.3k": a bubble has room for four characters. */
export function shortCount(count: number): string {
  if (count < 1_000) return String(count)
  if (count < 10_000) return `${(Math.floor(count / 100) / 10).toFixed(1)}k`
  return `${Math.floor(count / 1_000)}k`
}

/** The shares of a ring, as fractions that add up to one. */
export function ringShares(categories: readonly number[]): number[] {
  const total = categories.reduce((sum, n) => sum + n, 0)
  if (total === 0) return categories.map(() => 0)
  const least = categories.map((n, c) => (n > 0 ? (LEAST_ARC[CATEGORIES[c]!] ?? 0) / 360 : 0))
  const raised = categories.map((n, c) => Math.max(n / total, least[c]!))
  const excess = raised.reduce((sum, share) => sum + share, 0) - 1
  // What the small alerts gain, the plain states lose in proportion.
  const plain = raised.reduce((sum, share, c) => (share > least[c]! ? sum + share - least[c]! : sum), 0)
  return raised.map((share, c) =>
    excess > 0 && share > least[c]! ? share - (excess * (share - least[c]!)) / plain : share,
  )
}

export function drawBubble(
  ctx: CanvasRenderingContext2D,
  palette: MapPalette,
  bubble: Bubble,
  x: number,
  y: number,
): void {
  const { radius } = bubble
  const ring = radius < 12 ? 2.6 : radius < 18 ? 3.2 : 3.8
  ctx.beginPath()
  ctx.arc(x, y, radius + 1.5, 0, 2 * Math.PI)
  ctx.fillStyle = palette.bubbleEdge
  ctx.fill()
  ctx.beginPath()
  ctx.arc(x, y, radius, 0, 2 * Math.PI)
  ctx.fillStyle = palette.bubble
  ctx.fill()
  let angle = -Math.PI / 2
  ctx.lineWidth = ring
  ringShares(bubble.categories).forEach((share, c) => {
    if (share <= 0) return
    const end = angle + share * 2 * Math.PI
    ctx.beginPath()
    ctx.arc(x, y, radius - ring / 2, angle, end)
    ctx.strokeStyle = palette.truck[CATEGORIES[c]!]
    ctx.stroke()
    angle = end
  })
  const text = shortCount(bubble.count)
  ctx.font = `650 ${radius < 11 ? 9.5 : radius < 16 ? 10.5 : 12}px ${MAP_FONT}`
  ctx.textAlign = 'center'
  ctx.textBaseline = 'middle'
  ctx.fillStyle = palette.bubbleText
  ctx.fillText(text, x, y + 0.5)
}

export function drawLabel(
  ctx: CanvasRenderingContext2D,
  palette: MapPalette,
  text: string,
  rect: Rect,
  color: { fill: string; text: string } = { fill: palette.bubble, text: palette.bubbleText },
): void {
  ctx.beginPath()
  ctx.roundRect(rect.minX, rect.minY, rect.maxX - rect.minX, rect.maxY - rect.minY, 4)
  ctx.globalAlpha = 0.94
  ctx.fillStyle = color.fill
  ctx.fill()
  ctx.globalAlpha = 1
  ctx.lineWidth = 1
  ctx.strokeStyle = palette.bubbleEdge
  ctx.stroke()
  ctx.font = LABEL_FONT
  ctx.textAlign = 'center'
  ctx.textBaseline = 'middle'
  ctx.fillStyle = color.text
  ctx.fillText(text, (rect.minX + rect.maxX) / 2, (rect.minY + rect.maxY) / 2 + 0.5)
}

const widths = new Map<string, number>()

/** Forgets how wide texts are, for instance because their font has arrived. */
export function forgetTextWidths(): void {
  widths.clear()
}

/** The places for a unit number around a truck: right, left, above, below. */
export function labelPlaces(
  ctx: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  away: number,
): Rect[] {
  let width = widths.get(text)
  if (width === undefined) {
    if (widths.size > 20_000) widths.clear()
    ctx.font = LABEL_FONT
    width = Math.ceil(ctx.measureText(text).width) + 9
    widths.set(text, width)
  }
  const at = (left: number, top: number): Rect => ({
    minX: left,
    minY: top,
    maxX: left + width,
    maxY: top + LABEL_HEIGHT,
  })
  return [
    at(x + away, y - LABEL_HEIGHT / 2),
    at(x - away - width, y - LABEL_HEIGHT / 2),
    at(x - width / 2, y - away - LABEL_HEIGHT),
    at(x - width / 2, y + away),
  ]
}

/** Draws all trucks of a scene onto a cleared canvas whose unit is the CSS pixel. Pure but for the canvas. */
export function drawTrucks(ctx: CanvasRenderingContext2D, scene: Scene): void {
  const { trucks, grouping, palette, atlas, originX, originY, width, height, worldPixels } = scene
  const margin = 40
  const obstacles: Rect[] = []
  for (const bubble of grouping.bubbles) {
    const x = bubble.x - originX
    const y = bubble.y - originY
    if (x < -margin || y < -margin || x > width + margin || y > height + margin) continue
    drawBubble(ctx, palette, bubble, x, y)
    const r = bubble.radius + 1
    obstacles.push({ minX: x - r, minY: y - r, maxX: x + r, maxY: y + r })
  }

  // Those with an alert last, so that nothing covers them.
  const drawn: { i: number; x: number; y: number }[] = []
  for (let level = 0; level <= 2; level++) {
    for (const i of grouping.singles) {
      if (trucks.level[i] !== level) continue
      const at = scene.positionOf(i)
      const x = at.x * worldPixels - originX
      const y = at.y * worldPixels - originY
      if (x < -margin || y < -margin || x > width + margin || y > height + margin) continue
      drawSprite(ctx, atlas, trucks.state[i]!, level, trucks.heading[i]!, x, y)
      drawn.push({ i, x, y })
    }
  }
  if (scene.labelLimit === 0 || drawn.length > 4 * scene.labelLimit) return

  const half = atlas.side * 0.28
  for (const { x, y } of drawn)
    obstacles.push({ minX: x - half, minY: y - half, maxX: x + half, maxY: y + half })
  const wishes: LabelWish[] = []
  for (let k = drawn.length - 1; k >= 0; k--) {
    const { i, x, y } = drawn[k]!
    const text = trucks.label[i]
    if (!text || scene.unlabelled.has(i)) continue
    const away = trucks.level[i] === 0 ? half + 2 : half + 7
    wishes.push({ id: i, places: labelPlaces(ctx, text, x, y, away) })
  }
  for (const { id, rect } of placeLabels(wishes, obstacles, scene.labelLimit))
    drawLabel(ctx, palette, trucks.label[id]!, rect)
}
