import { type Browser, chromium, type Page } from '@playwright/test'
import { findChromium } from '../../server/cli/chromium.mjs'
import { serveBenchPage } from './bench/serve.ts'

/** One pan of the map in a fresh page. Milliseconds, but for `framesPerSecond`. */
interface Pan {
  framesPerSecond: number
  gapMs: { p50: number; p95: number }
  drawMs: { p50: number; p95: number }
  firstDrawMs: number
}

interface Settings {
  trucks: number[]
  rounds: number
  seconds: number
  zoom: number
}

const SIZE = { width: 1440, height: 900 }

/** The value below which that share of the numbers lie; 0 for none. */
function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

const median = (numbers: readonly number[]): number => quantile(numbers, 0.5)
const rounded = (value: number): number => Math.round(value * 100) / 100

function settingsOf(options: readonly string[]): Settings {
  const settings: Settings = { trucks: [10_000, 50_000, 100_000], rounds: 5, seconds: 3, zoom: 5 }
  for (let i = 0; i < options.length; i += 2) {
    const name = options[i]
    const numbers = (options[i + 1] ?? '').split(',').map(Number)
    const first = numbers[0] ?? Number.NaN
    if (numbers.some((n) => !Number.isFinite(n) || n <= 0)) throw new Error(`${name} needs a number above 0`)
    if (name === '--trucks') settings.trucks = numbers
    else if (name === '--rounds') settings.rounds = first
    else if (name === '--seconds') settings.seconds = first
    else if (name === '--zoom') settings.zoom = first
    else throw new Error(`unknown option ${name} (options: --trucks N,N… --rounds N --seconds N --zoom N)`)
  }
  return settings
}

/** Holds the mouse down and moves it to and fro for so long, a step each frame, as a hand does. */
async function drag(page: Page, seconds: number): Promise<void> {
  const middle = { x: SIZE.width / 2, y: SIZE.height / 2 }
  await page.mouse.move(middle.x, middle.y)
  await page.mouse.down()
  const started = performance.now()
  for (;;) {
    const at = (performance.now() - started) / 1000
    if (at > seconds) break
    await page.mouse.move(middle.x + 420 * Math.sin(at * 2.2), middle.y + 160 * Math.sin(at * 1.3))
  }
  await page.mouse.up()
}

async function pan(browser: Browser, url: string, trucks: number, settings: Settings): Promise<Pan> {
  const page = await browser.newPage({ viewport: SIZE })
  try {
    await page.goto(`${url}?trucks=${trucks}&zoom=${settings.zoom}`)
    await page.waitForFunction(() => window.bench?.firstDrawMs != null)
    // Once over the ground, so that what is measured is the pan and not the first decoding of its tiles.
    await drag(page, settings.seconds)
    await page.evaluate(() => window.bench.watch())
    await drag(page, settings.seconds)
    const { gaps, draws } = await page.evaluate(() => window.bench.stop())
    const firstDrawMs = await page.evaluate(() => window.bench.firstDrawMs ?? 0)
    const total = gaps.reduce((sum, gap) => sum + gap, 0)
    return {
      framesPerSecond: (gaps.length * 1000) / total,
      gapMs: { p50: median(gaps), p95: quantile(gaps, 0.95) },
      drawMs: { p50: median(draws), p95: quantile(draws, 0.95) },
      firstDrawMs,
    }
  } finally {
    await page.close()
  }
}

/**
 * How smoothly the real map pans with trucks moving on it (a tenth of them each second, all in view), in a real browser
 * and without a GPU, against the same map with no trucks. Options: `--trucks 10000,50000`, `--rounds`, `--seconds` of
 * each pan, `--zoom`. Every round measures the empty map and then each fleet; the medians of the rounds are printed.
 */
export async function benchMap(print: (line: object) => void, options: string[]): Promise<void> {
  const settings = settingsOf(options)
  const executablePath = await findChromium()
  const server = await serveBenchPage()
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  const pans = new Map<number, Pan[]>([0, ...settings.trucks].map((trucks) => [trucks, []]))
  try {
    for (let round = 1; round <= settings.rounds; round++) {
      for (const [trucks, made] of pans) {
        const result = await pan(browser, server.url, trucks, settings)
        made.push(result)
        console.error(
          `round ${round}/${settings.rounds}, ${trucks} trucks: ${rounded(result.framesPerSecond)} frames/s,` +
            ` frame p50 ${rounded(result.gapMs.p50)} p95 ${rounded(result.gapMs.p95)} ms,` +
            ` draw p50 ${rounded(result.drawMs.p50)} p95 ${rounded(result.drawMs.p95)} ms`,
        )
      }
    }
  } finally {
    await browser.close()
    await server.close()
  }

  const of = (trucks: number, read: (pan: Pan) => number): number =>
    median((pans.get(trucks) ?? []).map(read))
  const line = (name: string, unit: string, trucks: number, read: (pan: Pan) => number): void => {
    const value = of(trucks, read)
    // The browser's clock ticks in tenths of a millisecond, and an empty map may be drawn within one tick.
    const base = Math.max(of(0, read), 0.1)
    print({
      name: `map ${trucks} trucks, ${name}`,
      value: rounded(value),
      unit,
      baseline: { name: 'the same map with no trucks', value: rounded(base), unit },
      ratio: rounded(value / base),
    })
  }
  for (const trucks of settings.trucks) {
    line('panning', 'frames/s', trucks, (p) => p.framesPerSecond)
    line('frame p50', 'ms', trucks, (p) => p.gapMs.p50)
    line('frame p95', 'ms', trucks, (p) => p.gapMs.p95)
    line('draw p50', 'ms', trucks, (p) => p.drawMs.p50)
    line('draw p95', 'ms', trucks, (p) => p.drawMs.p95)
    line('first draw', 'ms', trucks, (p) => p.firstDrawMs)
  }
}
