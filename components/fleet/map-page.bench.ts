import path from 'node:path'
import { type Browser, chromium, type Page } from '@playwright/test'
import { findChromium } from '../../server/cli/chromium.mjs'
import { progress, STATE, setup } from '../../server/cli/setup.mjs'
import { startStack } from '../../server/cli/stack.ts'
import { freePort } from '../../server/db/embedded.ts'

const ROUNDS = 7

/**
 * `map-page`: milliseconds from the navigation to the live map with its list and with trucks drawn, for a signed-in person
 * with an empty cache, on the demo fleet. Baseline: the sign-in page, a page of the same server with nothing behind it.
 */
export async function benchMapPage(print: (line: object) => void): Promise<void> {
  progress.to = process.stderr
  await setup({ build: true })
  const stack = await startStack(path.join(STATE, 'bench', 'map-page'), await freePort(), 'demo')
  const browser = await chromium.launch({
    executablePath: await findChromium(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  try {
    const [map, signIn]: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      signIn.push(await timed(browser, `${stack.url}/login`, signInDrawn))
      map.push(await timed(browser, `${stack.url}/map`, mapDrawn, stack))
      console.error(`round ${round + 1}: map ${map[round]} ms, sign-in page ${signIn[round]} ms`)
    }
    const [value, baseline] = [median(map), median(signIn)]
    print({
      name: 'map-page',
      value,
      unit: 'ms',
      baseline: { name: 'sign-in page', value: baseline, unit: 'ms' },
      ratio: Math.round((value / baseline) * 100) / 100,
    })
  } finally {
    await browser.close()
    await stack.stop()
  }
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!

/** A browser that was never here before, but for the session. */
async function timed(
  browser: Browser,
  url: string,
  drawn: (page: Page) => Promise<unknown>,
  as?: { url: string; login: { email: string; password: string } },
): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  if (as) await context.request.post(`${as.url}/api/auth/sign-in/email`, { data: as.login })
  const page = await context.newPage()
  await page.goto(url, { waitUntil: 'commit' })
  await drawn(page)
  const ms = await page.evaluate(() => performance.now())
  await context.close()
  return Math.round(ms)
}

const signInDrawn = (page: Page) =>
  page.waitForFunction(() => document.querySelector('form') !== null, null, { polling: 'raf' })

/** Rows in the list, and a truck on the canvas. */
const mapDrawn = (page: Page) =>
  page.waitForFunction(
    () => {
      if (!document.querySelector('button[data-row]')) return false
      const canvas = document.querySelector<HTMLCanvasElement>('.leaflet-overlay-pane canvas')
      const drawing = canvas?.getContext('2d')
      if (!canvas?.width || !drawing) return false
      const { data } = drawing.getImageData(0, 0, canvas.width, canvas.height)
      for (let i = 3; i < data.length; i += 4) if (data[i]) return true
      return false
    },
    null,
    { polling: 'raf' },
  )
