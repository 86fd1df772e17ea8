import net from 'node:net'
import { type AvlRecord, encodeFrame } from '../server/ingest/teltonika/codec.ts'
import { encodeLogin } from '../server/ingest/teltonika/stream.ts'
import { expect, expectAccessible, leave, severable, test } from './fixtures.ts'

const IMEI = '356307042441013'

/** A tracker on the wire: what it is answered comes in order. */
async function tracker(port: number) {
  const socket = net.connect(port, '127.0.0.1')
  let answered = Buffer.alloc(0)
  let wake = () => {}
  let ended = false
  socket.on('data', (bytes) => {
    answered = Buffer.concat([answered, bytes])
    wake()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    ended = true
    wake()
  })
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  const take = async (bytes: number): Promise<Buffer> => {
    while (answered.length < bytes && !ended)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    const taken = answered.subarray(0, bytes)
    answered = answered.subarray(bytes)
    return taken
  }
  return {
    login: async () => {
      socket.write(encodeLogin(IMEI))
      return (await take(1))[0]
    },
    send: async (record: Partial<AvlRecord> = {}) => {
      socket.write(encodeFrame('8E', [{ ...RECORD, fixAt: Date.now(), ...record }]))
      return (await take(4)).readUInt32BE()
    },
    raw: (bytes: Buffer) => void socket.write(bytes),
    close: () => void socket.destroy(),
  }
}

const RECORD: AvlRecord = {
  fixAt: 0,
  latitude: 41.6,
  longitude: -87.3,
  altitudeMeters: 180,
  headingDegrees: 90,
  speedKph: 88,
  satellites: 9,
  io: { 239: '01' },
}

test.beforeEach(async ({ signIn, house }) => {
  await signIn(house.demo.login)
})

test('a tracker knocks, is enrolled from the list, and its messages show as they come', async ({
  page,
  house,
}) => {
  // The unknown one is refused, and the list says so.
  const stranger = await tracker(house.trackersPort)
  expect(await stranger.login()).toBe(0)
  stranger.close()
  await page.goto('/devices?view=unknown')
  const knock = page.getByRole('article', { name: IMEI })
  await expect(knock).toContainText('Teltonika from 127.0.0.1: not enrolled')
  await expectAccessible(page)

  await knock.getByRole('button', { name: 'Enrol this one' }).click()
  const dialog = page.getByRole('dialog', { name: 'Enrol a device' })
  await expect(dialog.getByLabel('IMEI')).toHaveValue(IMEI)
  await dialog.getByLabel('IMEI').fill('356307042441014')
  await expect(dialog.getByText('One digit of this IMEI is wrong')).toBeVisible()
  await dialog.getByLabel('IMEI').fill(IMEI)
  await dialog.getByRole('combobox', { name: 'Truck' }).fill('1200')
  await page.getByRole('option').first().click()
  await dialog.getByLabel('Name').fill('Yard tracker')
  await expectAccessible(page)
  await dialog.getByRole('button', { name: 'Enrol', exact: true }).click()
  const done = page.getByRole('dialog', { name: 'Yard tracker is enrolled' })
  await expect(done.getByText(`setparam 2004:127.0.0.1;2005:${house.trackersPort};2006:0`)).toBeVisible()
  await done.getByRole('link', { name: 'Test it now' }).click()

  await expect(page.getByRole('heading', { name: 'Yard tracker' })).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Waiting for its first message' })).toBeVisible()
  const device = await tracker(house.trackersPort)
  expect(await device.login()).toBe(1)

  // Heard, and of no use: no satellites.
  expect(await device.send({ satellites: 0 })).toBe(1)
  await expect(page.getByRole('heading', { name: 'Heard, but not of use yet' })).toBeVisible()
  const messages = page.getByRole('list', { name: 'Messages' }).getByRole('article')
  await expect(messages.first()).toContainText('Stored, but does not count: no satellite fix')

  expect(await device.send()).toBe(1)
  await expect(page.getByRole('heading', { name: 'It works' })).toBeVisible()
  await expect(messages.first().getByLabel('The message as it came')).toHaveValue(/^00000000 /)
  await expect(messages.first()).toContainText('41.60000, -87.30000')
  await expectAccessible(page)

  // A frame that was damaged on its way is refused, and says why.
  const damaged = encodeFrame('8E', [{ ...RECORD, fixAt: Date.now() }])
  damaged[damaged.length - 1]! ^= 1
  device.raw(damaged)
  await expect(messages.first()).toContainText('Refused: The CRC is')
  await expect(page.getByRole('list', { name: 'Reasons' })).toContainText('The CRC is')
  await expect(page.getByRole('list', { name: 'Reasons' })).toContainText('no satellite fix')

  await page.getByRole('button', { name: 'Revoke' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke it' }).click()
  await expect(page.getByText('It was revoked and may not report.')).toBeVisible()
  device.close()
  await expect
    .poll(async () => {
      const again = await tracker(house.trackersPort)
      const answer = await again.login()
      again.close()
      return answer
    })
    .toBe(0)
})

test('the list is searched, filtered and sorted, and the address holds it', async ({ page, house }) => {
  await page.goto('/devices')
  const table = page.getByRole('table', { name: 'Devices' })
  await expect(table.getByRole('link').first()).toBeVisible()
  await expectAccessible(page)
  const first = await table.getByRole('link').first().textContent()
  await page.keyboard.press('/')
  await page.keyboard.type(first!)
  await expect(page.getByText('1 device', { exact: true })).toBeVisible()
  // A quick hand goes on before the address is written.
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: first! })).toBeVisible()
  await expect(page.getByRole('img', { name: /^Heard in/ })).toBeVisible()
  await expectAccessible(page)
  await page.goBack()
  await expect(page).toHaveURL(`/devices?q=${first}`)
  await expect(page.getByText('1 device', { exact: true })).toBeVisible()

  await page.goto('/devices?sort=work&desc=true')
  await expect(table.getByRole('columnheader', { name: 'Work' })).toHaveAttribute('aria-sort', 'descending')

  // Without a connection what was known stays, and the page says that it is old.
  const line = await severable(house.url)
  await page.goto(`${line.url}/devices`)
  await expect(table.getByRole('link').first()).toBeVisible()
  await line.cut()
  await expect(page.getByText('No connection: what follows was so when it was lost.')).toBeVisible()
  await expect(table.getByRole('link').first()).toBeVisible()
})

test('a phone is enrolled by a code that it scans, and the token is shown once', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto('/devices')
  await page.getByRole('button', { name: 'Enrol a device' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('combobox', { name: 'Truck' }).fill('1200')
  await page.getByRole('option').first().click()
  await dialog.getByRole('combobox', { name: 'Device' }).selectOption('owntracks-http')
  await dialog.getByLabel('Topic').fill('owntracks/jane/phone')
  await dialog.getByLabel('Name').fill('Jane’s phone')
  await dialog.getByRole('button', { name: 'Enrol', exact: true }).click()
  await expect(dialog.getByText('Token, shown this once')).toBeVisible()
  await expect(dialog.getByRole('img', { name: /Scan it/ })).toBeVisible()
  await expectAccessible(page)
  await dialog.getByRole('link', { name: 'Test it now' }).click()
  await expect(page.getByRole('heading', { name: 'Jane’s phone' })).toBeVisible()
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  expect(wide).toBe(0)
})

test('a fleet without devices is told how the first one comes', async ({ page, signIn, house }) => {
  const empty = await house.seed('empty')
  await leave(page)
  await signIn(empty.login)
  await page.goto('/devices')
  await expect(page.getByText('No devices yet')).toBeVisible()
  await expectAccessible(page)
})

test('ten thousand devices are listed, searched, sorted and walked through without a hitch', async ({
  page,
  signIn,
  house,
}) => {
  const fleet = await house.seed('empty')
  const { id } = fleet.fleets[0]!
  await house.pool.query(
    `insert into vehicles (fleet_id, id, unit_number)
     select $1, 4600000000000000 + i, 'T' || i from generate_series(1, 10000) i`,
    [id],
  )
  await house.pool.query(
    `insert into devices (fleet_id, id, name, vehicle_id, token_hash, protocol, identity, open)
     select $1, 4600000000000000 + i, 'tracker-' || i, 4600000000000000 + i, sha256(i::text::bytea), 'teltonika',
       (990000000000000 + i)::text, true from generate_series(1, 10000) i`,
    [id],
  )
  await house.pool.query(
    `insert into device_status (fleet_id, device_id, protocol, address, seen_at, valid_at, received, stored)
     select $1, 4600000000000000 + i, 'teltonika', '203.0.113.' || i % 250, now() - i * interval '1 second',
       now() - i * interval '1 second', 10, 10 from generate_series(1, 9900) i`,
    [id],
  )
  await leave(page)
  await signIn(fleet.login)
  await page.goto('/devices')
  const table = page.getByRole('table', { name: 'Devices' })
  await expect(page.getByText('10,000 devices')).toBeVisible({ timeout: 60_000 })
  await expect(table).toHaveAttribute('aria-rowcount', '10001')
  // Of ten thousand rows only those in sight are there.
  expect(await table.getByRole('row').count()).toBeLessThan(60)

  const rows = table.locator('tbody tr')
  await page.keyboard.press('/')
  await page.keyboard.type('tracker-9999')
  await expect(page.getByText('1 device', { exact: true })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByText('10,000 devices')).toBeVisible()
  const heading = page.getByRole('button', { name: 'Device', exact: true })
  await heading.click()
  await heading.click()
  await expect(rows.first()).toContainText('tracker-10000')
  // A third time is the list's own order again.
  await heading.click()
  await expect(rows.first()).toContainText('T1')
  await page.locator('label').filter({ hasText: 'Not heard' }).click()
  await expect(rows.first()).not.toContainText('Online')
  await page.locator('label').filter({ hasText: 'All' }).click()
  const scroller = table.locator('xpath=..')
  await scroller.evaluate((element) => element.scrollTo(0, element.scrollHeight))
  await expect(table.getByRole('link', { name: 'tracker-10000', exact: true })).toBeVisible()
  expect(await rows.count()).toBeLessThan(60)

  // By keys: to the first from the search, and down beyond what was drawn.
  await scroller.evaluate((element) => element.scrollTo(0, 0))
  await expect(table.getByRole('link', { name: 'tracker-1', exact: true })).toBeVisible()
  await page.keyboard.press('/')
  await page.keyboard.press('ArrowDown')
  for (let i = 0; i < 40; i++) await page.keyboard.press('ArrowDown')
  await expect(page.locator(':focus')).toHaveAttribute('href', /\/devices\/\d+$/)
  expect(await page.locator(':focus').locator('xpath=ancestor::tr').getAttribute('aria-rowindex')).not.toBe(
    '2',
  )
  await expectAccessible(page)
  // Other walks want this fleet as it was: empty.
  for (const table of ['devices', 'vehicles'])
    await house.pool.query(`delete from ${table} where fleet_id = $1`, [id])
})
