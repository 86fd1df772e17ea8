import * as fs from 'node:fs/promises'
import { HOUR, MINUTE } from '../server/time/instant.ts'
import { expect, expectAccessible, type House, test } from './fixtures.ts'

/** A truck that was out of reach for hours comes back and sends all that it has kept: it has been driving since. */
async function sendBacklog(house: House, from: number): Promise<void> {
  const { devices } = await house.seed('one-driver')
  const [device] = devices
  const { rows } = await house.pool.query<{ latitudeE7: number; longitudeE7: number }>(
    `select latitude_e7 as "latitudeE7", longitude_e7 as "longitudeE7" from latest_positions where vehicle_id = $1`,
    [device!.vehicleId],
  )
  const here = rows[0]!
  const fixes = Array.from({ length: Math.floor((Date.now() - from) / (2 * MINUTE)) - 1 }, (_, i) => ({
    device: device!.name,
    fixTime: new Date(from + (i + 1) * 2 * MINUTE).toISOString(),
    latitude: here.latitudeE7 / 1e7 + (i + 1) * 0.02,
    longitude: here.longitudeE7 / 1e7,
    speedKph: 96,
    headingDegrees: 0,
    sequence: i,
  }))
  const answer = await fetch(`${house.url}/v1/heartbeats`, {
    method: 'POST',
    headers: { authorization: `Bearer ${device!.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(fixes),
  })
  expect(answer.status, await answer.clone().text()).toBe(200)
}

test('from the alert to the paper: it arrives, is acknowledged, explained and exported', async ({
  page,
  signIn,
  house,
}) => {
  const left = Date.now() - 6 * HOUR
  const { login } = await house.seed('one-driver', left)
  await signIn(login)
  await page.goto('/alerts')
  await expect(page.getByRole('tab', { name: /^Open/ })).toBeVisible()
  await expect(page.getByRole('status').filter({ hasText: /^Live$/ })).toBeVisible()
  const first = page.getByRole('article').filter({ hasText: 'Limit passed' }).first()
  await expect(first).toHaveCount(0)

  // A toast goes within seconds: what it was like is kept.
  await page.evaluate(() => {
    const buttons = { seen: 0, hidden: 0 }
    Object.assign(window, { buttons })
    new MutationObserver(() => {
      buttons.seen += document.querySelectorAll('[aria-label="Dismiss"]').length
      buttons.hidden += document.querySelectorAll('[aria-label="Dismiss"][aria-hidden="true"]').length
    }).observe(document.body, { childList: true, subtree: true })
  })
  const ofToasts = () =>
    page.evaluate(() => (window as unknown as { buttons: { seen: number; hidden: number } }).buttons)
  await sendBacklog(house, left)
  // By its name from here on: another may come before it.
  const title = (await first.getByRole('heading').textContent())!
  const alert = page.getByRole('article', { name: title })
  await expect(alert).toContainText('49 CFR 395.3')
  await expectAccessible(page)
  await expect.poll(async () => (await ofToasts()).seen).toBeGreaterThan(0)
  expect((await ofToasts()).hidden).toBe(0)

  await alert.getByRole('button', { name: 'Acknowledge' }).click()
  await expect(alert).toHaveCount(0)
  await page.getByRole('tab', { name: /^Acknowledged/ }).click()
  await expect(alert).toContainText('Acknowledged by Olive Hollis')

  await alert.getByRole('link', { name: /’s day$/ }).click()
  await expect(page).toHaveURL(/\/drivers\/\d+$/)
  await expect(page.getByRole('heading', { name: 'Violations' })).toBeVisible()
  // Minutes, where its day has just begun.
  await expect(page.getByRole('img', { name: /Driving \d+ (hour|minute)/ })).toBeVisible()
  await expectAccessible(page)

  // The grid reads out its totals to the keyboard.
  const time = page.getByRole('slider', { name: 'Time of day' })
  await time.focus()
  await page.keyboard.press('End')
  await expect(time).toHaveAttribute(
    'aria-valuetext',
    /Driving for \d+:\d\d · \d+:\d\d driving this day · over the /,
  )
  await page.keyboard.press('Home')
  await expect(time).toHaveAttribute('aria-valuetext', /^00:00 C[SD]T: /)

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'CSV' }).click(),
  ])
  expect(download.suggestedFilename()).toMatch(/^[a-z-]+-days-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv$/)
  const [header, row] = (await fs.readFile(await download.path(), 'utf8')).split('\r\n')
  expect(header).toMatch(/^\uFEFFdate,driver,employee_number/)
  expect(row).toContain('49 CFR 395.3')
})

test('the board sets a status, and says why not while the truck moves', async ({ page, signIn, house }) => {
  await signIn(house.demo.login)
  await page.goto('/drivers?show=resting')
  // By their trucks: the board goes on sorting by what is left.
  const rowOf = (unit: string) =>
    page.getByRole('row').filter({ has: page.getByRole('link', { name: unit, exact: true }) })
  const row = rowOf(house.unitIn('SB'))
  await expect(row).toContainText('Sleeper berth')
  const name = (await row.getByRole('rowheader').getByRole('link').textContent())!
  await expectAccessible(page)
  await row.getByRole('button', { name: /^Set the status/ }).click()
  await page.getByRole('menuitem', { name: 'Off duty from now' }).click()
  await page.getByLabel('Why').fill('Asked by telephone')
  await page.getByRole('button', { name: 'Set status' }).click()
  await expect(row).toContainText('Off duty')
  await page.getByRole('link', { name }).click()
  await expect(page.getByRole('row').filter({ hasText: 'Asked by telephone' })).toContainText(
    'Dana Kowalczyk',
  )

  await page.goto('/drivers?show=working')
  const driving = rowOf(house.unitIn('D'))
  await expect(driving).toContainText('Driving')
  await driving.getByRole('button', { name: /^Set the status/ }).click()
  await page.getByRole('menuitem', { name: 'Off duty from now' }).click()
  // A record of duty says why; without it nothing is sent.
  await page.getByLabel('Why').fill('No')
  await page.getByRole('button', { name: 'Set status' }).click()
  expect(await page.getByLabel('Why').evaluate((field: HTMLInputElement) => field.validity.tooShort)).toBe(
    true,
  )
  await page.getByLabel('Why').fill('Asked by telephone')
  await page.getByRole('button', { name: 'Set status' }).click()
  await expect(page.getByText('The truck is moving, so its driver is driving')).toBeVisible()
  await expectAccessible(page)
})

test('the board sorts by a column and finds by name', async ({ page, signIn, house }) => {
  await signIn(house.demo.login)
  await page.goto('/drivers')
  const first = page.getByRole('row').nth(1)
  await page.getByRole('button', { name: 'Driver', exact: true }).click()
  await expect(page).toHaveURL(/sort=name/)
  await expect(first).toContainText('Abdi Warsame')
  await page.getByRole('button', { name: 'Driver', exact: true }).click()
  await expect(first).toContainText('Yolanda Salazar')
  await page.getByLabel('Search drivers and trucks').fill('petrov')
  await expect(first).toContainText('Bogdan Petrov')
  await expect(page.getByText('1 driver', { exact: true })).toBeVisible()
})

test('export: a form that says what is missing, a table and paper', async ({
  page,
  signIn,
  house,
  context,
}) => {
  await signIn(house.demo.login)
  await page.goto('/export')
  await expect(page.getByRole('button', { name: 'Export CSV' })).toBeDisabled()
  await expectAccessible(page)
  await page.getByLabel('Driver', { exact: true }).fill('Glenn')
  await page.getByRole('option', { name: /Glenn Sorensen/ }).click()
  await expect(page).toHaveURL(/driver=\d+/)
  const paper = context.waitForEvent('page')
  await page.getByRole('link', { name: 'Print view' }).click()
  const sheets = await paper
  await expect(sheets.getByRole('heading', { name: 'Driver’s daily log' })).toHaveCount(8)
  await expect(sheets.getByText('Page 8 of 8')).toBeVisible()
  await expectAccessible(sheets)

  await page.getByText('The fleet’s violations').click()
  // The button is the same for both: not before the page has turned to the other.
  await expect(page.getByLabel('Driver', { exact: true })).toHaveCount(0)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export CSV' }).click(),
  ])
  const text = await fs.readFile(await download.path(), 'utf8')
  expect(text).toContain('us.drive-11,11-hour driving limit,49 CFR 395.3(a)(3)(i)')
  await page.getByLabel('Last day').fill('2020-01-01')
  await expect(page.getByText('is before the first day')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Export CSV' })).toBeDisabled()
})
