import type { Bbox, Feature, Label, LabelSymbolizer, Layout } from 'protomaps-leaflet'
import { MAP_FONT, type MapPalette } from './palette.ts'

type Geometry = Parameters<LabelSymbolizer['place']>[1]

function numberOf(feature: Feature, name: string): number {
  const value = feature.props[name]
  return typeof value === 'number' ? value : 0
}

function textOf(feature: Feature, name: string): string {
  const value = feature.props[name]
  return typeof value === 'string' ? value : ''
}

function haloText(ctx: CanvasRenderingContext2D, text: string, x: number, y: number, width = 3): void {
  ctx.lineJoin = 'round'
  ctx.lineWidth = width
  ctx.strokeText(text, x, y)
  ctx.fillText(text, x, y)
}

/** How large and heavy the name of a town of that rank (Protomaps' population_rank) is at that zoom. */
function townFont(rank: number, zoom: number): { size: number; weight: number } {
  const grown = zoom >= 8 ? 1 : 0
  if (rank >= 13) return { size: 14 + grown, weight: 600 }
  if (rank >= 11) return { size: 12.5 + grown, weight: 600 }
  if (rank >= 9) return { size: 12 + grown, weight: 500 }
  return { size: zoom >= 9 ? 11.5 : 11, weight: 500 }
}

/** A town: a dot, and its name beside it where there is room. */
export class TownSymbolizer implements LabelSymbolizer {
  readonly #palette: MapPalette

  constructor(palette: MapPalette) {
    this.#palette = palette
  }

  place(layout: Layout, geom: Geometry, feature: Feature): Label[] | undefined {
    const name = textOf(feature, 'name')
    const at = geom[0]?.[0]
    if (name === '' || !at) return undefined
    const rank = numberOf(feature, 'population_rank')
    const { size, weight } = townFont(rank, layout.zoom)
    const font = `${weight} ${size}px ${MAP_FONT}`
    layout.scratch.font = font
    const width = layout.scratch.measureText(name).width
    const capital = textOf(feature, 'capital') === 'yes'
    const radius = rank >= 11 ? 2.6 : 2
    const gap = radius + 3.5
    const pad = 3
    const places: [number, number][] = [
      [gap, size * 0.35],
      [-gap - width, size * 0.35],
      [-width / 2, -gap - 2],
      [-width / 2, gap + size * 0.8],
    ]
    for (const [x, y] of places) {
      const box: Bbox = {
        minX: at.x + Math.min(x, -radius) - pad,
        maxX: at.x + Math.max(x + width, radius) + pad,
        minY: at.y + Math.min(y - size * 0.8, -radius) - pad,
        maxY: at.y + Math.max(y + size * 0.25, radius) + pad,
      }
      if (layout.index.bboxCollides(box, layout.order)) continue
      const draw = (ctx: CanvasRenderingContext2D): void => {
        const palette = this.#palette
        ctx.globalAlpha = 1
        ctx.beginPath()
        ctx.arc(0, 0, radius, 0, 2 * Math.PI)
        ctx.fillStyle = capital ? palette.halo : palette.label
        ctx.strokeStyle = capital ? palette.label : palette.halo
        ctx.lineWidth = capital ? 1.6 : 2
        if (!capital) ctx.stroke()
        ctx.fill()
        if (capital) ctx.stroke()
        ctx.font = font
        ctx.strokeStyle = palette.halo
        ctx.fillStyle = rank >= 9 ? palette.label : palette.labelMinor
        haloText(ctx, name, x, y)
      }
      return [{ anchor: at, bboxes: [box], draw }]
    }
    return undefined
  }
}

/** A state or a country: spaced capitals on the middle of the land, broken into lines that fit it. */
export class LandSymbolizer implements LabelSymbolizer {
  readonly #palette: MapPalette
  readonly #country: boolean

  constructor(palette: MapPalette, kind: 'country' | 'region') {
    this.#palette = palette
    this.#country = kind === 'country'
  }

  place(layout: Layout, geom: Geometry, feature: Feature): Label[] | undefined {
    const name = textOf(feature, 'name').toUpperCase()
    const at = geom[0]?.[0]
    if (name === '' || !at) return undefined
    const size = this.#country ? 12 : layout.zoom <= 4 ? 9.5 : 10.5
    const spacing = this.#country ? 2 : 1.2
    const font = `${this.#country ? 600 : 500} ${size}px ${MAP_FONT}`
    layout.scratch.font = font
    const measure = (text: string): number =>
      layout.scratch.measureText(text).width + spacing * Math.max(0, text.length - 1)
    const lines: string[] = []
    for (const word of name.split(' ')) {
      const last = lines.at(-1)
      if (last !== undefined && last.length + word.length < 14) lines[lines.length - 1] = `${last} ${word}`
      else lines.push(word)
    }
    const widths = lines.map(measure)
    const lineHeight = size * 1.4
    const top = -((lines.length - 1) * lineHeight) / 2 + size * 0.36
    const half = Math.max(...widths) / 2
    const box: Bbox = {
      minX: at.x - half - 4,
      maxX: at.x + half + 4,
      minY: at.y + top - size,
      maxY: at.y + top + (lines.length - 1) * lineHeight + size * 0.3,
    }
    const draw = (ctx: CanvasRenderingContext2D): void => {
      ctx.globalAlpha = 1
      ctx.font = font
      ctx.strokeStyle = this.#palette.halo
      ctx.fillStyle = this.#country ? this.#palette.labelCountry : this.#palette.labelRegion
      lines.forEach((line, i) => {
        let x = -widths[i]! / 2
        // Letter by letter: `letterSpacing` of a canvas is too new for some browsers that we support.
        for (const letter of line) {
          haloText(ctx, letter, x, top + i * lineHeight, 2.5)
          x += ctx.measureText(letter).width + spacing
        }
      })
    }
    return [{ anchor: at, bboxes: [box], draw }]
  }
}

/** Highway shields along a line: one near the middle of each stretch, repeated on long ones. */
export class ShieldsSymbolizer implements LabelSymbolizer {
  readonly #palette: MapPalette
  /** Pixels between two shields of one highway. */
  readonly #spacing: number

  constructor(palette: MapPalette, spacing = 210) {
    this.#palette = palette
    this.#spacing = spacing
  }

  place(layout: Layout, geom: Geometry, feature: Feature): Label[] | undefined {
    const text = textOf(feature, 'shield_text')
    if (text === '' || text.length > 5) return undefined
    const network = textOf(feature, 'network')
    const font = `600 9.5px ${MAP_FONT}`
    layout.scratch.font = font
    const halfWidth = Math.max(9, layout.scratch.measureText(text).width / 2 + 4)
    const halfHeight = 7
    const labels: Label[] = []
    for (const line of geom) {
      let total = 0
      for (let i = 1; i < line.length; i++)
        total += Math.hypot(line[i]!.x - line[i - 1]!.x, line[i]!.y - line[i - 1]!.y)
      if (total < 48) continue
      const count = Math.max(1, Math.floor(total / this.#spacing))
      let next = total / count / 2
      let walked = 0
      for (let i = 1; i < line.length; i++) {
        const a = line[i - 1]!
        const b = line[i]!
        const step = Math.hypot(b.x - a.x, b.y - a.y)
        while (step > 0 && next <= walked + step) {
          const share = (next - walked) / step
          const anchor = a
            .clone()
            .mult(1 - share)
            .add(b.clone().mult(share))
          labels.push({
            anchor,
            bboxes: [
              {
                minX: anchor.x - halfWidth - 3,
                maxX: anchor.x + halfWidth + 3,
                minY: anchor.y - halfHeight - 3,
                maxY: anchor.y + halfHeight + 3,
              },
            ],
            draw: (ctx) => {
              ctx.globalAlpha = 1
              ctx.beginPath()
              ctx.roundRect(-halfWidth, -halfHeight, halfWidth * 2, halfHeight * 2, 2.5)
              ctx.fillStyle = network === 'US:I' ? this.#palette.shield : this.#palette.shieldOther
              ctx.fill()
              ctx.font = font
              ctx.fillStyle = this.#palette.shieldText
              ctx.textAlign = 'center'
              ctx.fillText(text, 0, 3.4)
            },
            deduplicationKey: `${network}|${text}`,
            deduplicationDistance: this.#spacing * 0.6,
          })
          next += total / count
        }
        walked += step
      }
    }
    return labels
  }
}
