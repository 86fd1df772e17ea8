import * as fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { test as base, type Cookie, expect, type Page } from '@playwright/test'
import pg from 'pg'
import { readDevices, type SimulatedDevice } from '../prisma/seed/devices.ts'
import { Itinerary } from '../prisma/seed/plan.ts'
import { type Login, type Seeded, seed } from '../prisma/seed.ts'
import type { Role } from '../server/auth/can.ts'
import { enrolPerson } from '../server/auth/people.ts'
import { type Running, startServers } from '../server/cli/stack.ts'
import { freePort } from '../server/db/embedded.ts'
import { createPool } from '../server/db/pool.ts'
import { templateOf, withDatabase } from '../server/db/testing.ts'
import { type Instant, MINUTE } from '../server/time/instant.ts'

/** A server, a worker and trucks of its own for each process of walks, on a database cloned from the template. */
export interface House extends Running {
  databaseUrl: string
  pool: pg.Pool
  /** Where it hears Teltonika trackers. */
  trackersPort: number
  /** Seeds a named scenario as of `epoch` (now if left out); its devices are in `devices`. */
  seed(name: string, epoch?: Instant): Promise<Seeded & { devices: SimulatedDevice[] }>
  demo: Seeded
  /** A truck of the demo whose driver is in this status and stays so for half an hour, by its plan; those at the top of lists don't. */
  unitIn(status: 'D' | 'SB'): string
}

const sessions = new Map<string, Cookie[]>()

export const test = base.extend<{ signIn: (login: Login) => Promise<void> }, { house: House }>({
  house: [
    async ({ browserName: _ }, use) => {
      const base = process.env.TEST_DATABASE_URL
      if (!base) throw new Error('TEST_DATABASE_URL is not set: run the walks by `npm test browser`')
      const name = `e2e_${process.pid}`
      const admin = new pg.Client({ connectionString: base })
      await admin.connect()
      await admin.query(`create database ${name} template ${templateOf(base)}`)
      const databaseUrl = withDatabase(base, name)
      const directory = path.resolve('.restline', name)
      fs.mkdirSync(directory, { recursive: true })
      const pool = createPool(databaseUrl)
      const devicesFile = path.join(directory, 'devices.json')
      const demo = await seed(databaseUrl, 'demo', { devicesFile })
      const [port, trackersPort] = [await freePort(), await freePort()]
      const running = await startServers({ databaseUrl, directory, port, trackersPort, devicesFile })
      await use({
        ...running,
        trackersPort,
        databaseUrl,
        pool,
        demo,
        unitIn: (wanted) => {
          const now = Date.now()
          const { devices } = readDevices(devicesFile)!
          return devices.find(({ plan }) => {
            const stretches = new Itinerary(plan).stretches(now - 10 * MINUTE, now + 30 * MINUTE)
            return !plan.silence && stretches.every(({ status }) => status === wanted)
          })!.unitNumber
        },
        seed: async (scenario, epoch) => {
          const file = path.join(directory, `${scenario}.json`)
          const seeded = await seed(databaseUrl, scenario, { devicesFile: file, epoch })
          return { ...seeded, devices: readDevices(file)!.devices }
        },
      })
      await running.stop()
      await pool.end()
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
      fs.rmSync(directory, { recursive: true, force: true })
    },
    { scope: 'worker', timeout: 300_000 },
  ],
  baseURL: async ({ house }, use) => use(house.url),
  /** Signs in through the real door, without the form; the form has a walk of its own. Once a person: attempts are counted. */
  signIn: async ({ context, house }, use) => {
    await use(async ({ email, password }) => {
      const known = sessions.get(email)
      if (known) return await context.addCookies(known)
      const answer = await context.request.post(`${house.url}/api/auth/sign-in/email`, {
        data: { email, password },
      })
      expect(answer.status()).toBe(200)
      sessions.set(email, await context.cookies())
    })
  },
})

/** A way to a server that can be cut as a network is: open connections break, new ones are refused. */
export async function severable(url: string) {
  const sockets = new Set<net.Socket>()
  const keep = (socket: net.Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
  }
  const server = net.createServer((near) => {
    const far = net.connect(Number(new URL(url).port), '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      keep(from)
      from.pipe(to)
      from.once('close', () => to.destroy())
    }
  })
  const port = await freePort()
  const restore = () => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const cut = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  await restore()
  return { url: `http://127.0.0.1:${port}`, cut, restore }
}

/** No violation of WCAG 2.2 AA, in both themes. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    // A colour that is still on its way from one theme to the other, or fading in, is not the one to judge.
    await page.waitForFunction(() =>
      document
        .getAnimations()
        .every(
          ({ playState, effect }) =>
            playState !== 'running' || effect?.getComputedTiming().iterations === Number.POSITIVE_INFINITY,
        ),
    )
    const { violations } = await new AxeBuilder({ page })
      // Only violations are read, so only they are written out; all rules run.
      .options({ resultTypes: ['violations'] })
      .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
      // Otherwise each look opens a page of its own to join the frames' results.
      .setLegacyMode()
      .analyze()
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)
    expect(found, `${page.url()} in the ${colorScheme} theme`).toEqual([])
  }
}

let people = 0
/** Somebody of the demo fleet with an account of ours, and nothing else yet: no other walk knows them. */
export async function newPerson(house: House, role: Role = 'dispatcher') {
  const login = { email: `walker-${++people}@carrier.example`, password: 'a-few-good-words' }
  const [fleet] = house.demo.fleets
  const userId = await enrolPerson(house.pool, {
    fleetId: fleet!.id,
    name: `Walker ${people}`,
    role,
    ...login,
  })
  return { login, userId }
}

/** Leaves the console without ending the session, which other walks have too. First the page, so that it asks for nothing without its cookie: it would lead to the sign-in page in the middle of the next step. */
export async function leave(page: Page): Promise<void> {
  await page.goto('about:blank')
  await page.context().clearCookies()
}

export { expect }
