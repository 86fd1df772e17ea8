import type { Page } from '@playwright/test'
import { expect, expectAccessible, type House, leave, test } from './fixtures.ts'

/** What the browser refused or complained of: a policy for scripts, images or connections that the map does not live with. */
async function complaints(page: Page): Promise<string[]> {
  const found: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') found.push(message.text())
  })
  page.on('pageerror', (error) => found.push(error.message))
  await page.exposeFunction('onPolicyViolation', (what: string) => found.push(what))
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      void (window as unknown as { onPolicyViolation(what: string): void }).onPolicyViolation(
        `${event.violatedDirective}: ${event.blockedURI}`,
      )
    })
  })
  return found
}

/**
 * The worker derives what was seeded within a minute; it need not wait for that.
 * @returns where the month of the last trips is: not this one where it has only begun
 */
async function untilTripsAreKnown({ pool, demo }: House): Promise<string> {
  const known = async () => {
    await pool.query('update trip_rechecks set due_at = now()')
    const { rows } = await pool.query<{ vehicles: number }>(
      'select count(distinct vehicle_id)::int as vehicles from trips where fleet_id = $1',
      [demo.fleets[0]!.id],
    )
    return rows[0]!.vehicles
  }
  await expect.poll(known, { timeout: 240_000 }).toBeGreaterThan(50)
  const { rows } = await pool.query<{ month: string; isThis: boolean }>(
    `select to_char(last, 'YYYY-MM') as month, date_trunc('month', last) = date_trunc('month', local) as "isThis"
     from (select max(t.started_at) at time zone f.time_zone as last, now() at time zone f.time_zone as local
       from fleets f join trips t on t.fleet_id = f.id where f.id = $1 group by f.time_zone) of`,
    [demo.fleets[0]!.id],
  )
  return rows[0]!.isThis ? '/vehicles' : `/vehicles?month=${rows[0]!.month}`
}

const isTooWide = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)

test('a month leads to a truck’s day and the day to the way of each trip on the map, by keys alone', async ({
  page,
  house,
  signIn,
}) => {
  await signIn(house.demo.login)
  const found = await complaints(page)
  const month = await untilTripsAreKnown(house)
  await page.goto(month)
  // Only a truck that drove has a day to lead to.
  const driven = page.getByRole('region', { name: 'Trucks' }).getByRole('table').locator('a[href*="day="]')
  await expect(driven.first()).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Trips' })).toBeVisible()
  await expect(page.getByText(/^60 trucks, [\d,]+ trips, [\d,]+ mi$/)).toBeVisible()
  await expectAccessible(page)

  // Through the months and back.
  await page.getByRole('link', { name: 'The month before' }).focus()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/month=\d{4}-\d\d$/)
  await page.getByRole('link', { name: 'The month after' }).focus()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(month)
  // Until the month is there the other one stands in its place.
  await expect(page.getByRole('article')).toHaveAttribute('aria-busy', 'false')

  const unit = await driven.first().textContent()
  await driven.first().focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: `Truck ${unit}` })).toBeVisible()
  await expect(page).toHaveTitle(`Truck ${unit} · Restline`)
  await expect(page).toHaveURL(/\/vehicles\/\d+\?day=\d{4}-\d\d-\d\d$/)
  await expect(page.getByTestId('totals')).toHaveText(/^[1-9]\d* trips?, [\d,]+ mi/)
  const entries = page.getByRole('region', { name: 'Trips and stops' })
  const trips = entries.getByRole('button')
  await expect(trips.first()).toBeVisible()

  // The way is drawn on the map: an outline, the line, and a mark at either end.
  const way = page.getByRole('region', { name: /^The way of/ })
  await expect(way.locator('.leaflet-overlay-pane path')).toHaveCount(4)
  await expect(way.getByRole('alert')).toHaveCount(0)
  await expectAccessible(page)

  const whole = await way.locator('.leaflet-overlay-pane path').first().getAttribute('d')
  await trips.first().focus()
  await page.keyboard.press('Enter')
  await expect(trips.first()).toHaveAttribute('aria-pressed', 'true')
  await expect(page).toHaveURL(/trip=\d+/)
  await expect(way.getByRole('heading', { name: /^The way of the trip \d/ })).toBeVisible()
  if ((await trips.count()) > 1)
    await expect(way.locator('.leaflet-overlay-pane path').first()).not.toHaveAttribute('d', whole!)
  // The address opens the same trip again.
  await page.reload()
  await expect(trips.first()).toHaveAttribute('aria-pressed', 'true')
  await trips.first().focus()
  await page.keyboard.press('Space')
  await expect(page).not.toHaveURL(/trip=/)

  await page.getByRole('link', { name: 'The day before' }).focus()
  const shown = await page.getByLabel('Day', { exact: true }).inputValue()
  await page.keyboard.press('Enter')
  await expect(page.getByLabel('Day', { exact: true })).not.toHaveValue(shown)
  await page.getByRole('link', { name: 'The day after' }).focus()
  await page.keyboard.press('Enter')
  await expect(page.getByLabel('Day', { exact: true })).toHaveValue(shown)
  await page.getByLabel('Day', { exact: true }).fill('2020-01-01')
  await expect(page.getByText('Nothing is known of this day')).toBeVisible()
  await expectAccessible(page)
  expect(found).toEqual([])
})

test('on a phone the month and the day fit, and the map is there', async ({ page, house, signIn }) => {
  await signIn(house.demo.login)
  await page.setViewportSize({ width: 390, height: 844 })
  const found = await complaints(page)
  const month = await untilTripsAreKnown(house)
  await page.goto(month)
  const driven = page.getByRole('region', { name: 'Trucks' }).locator('a[href*="day="]')
  await expect(driven.first()).toBeVisible()
  expect(await isTooWide(page)).toBe(0)
  await driven.first().click()
  await expect(page.locator('.leaflet-overlay-pane path')).toHaveCount(4)
  expect(await isTooWide(page)).toBe(0)
  await expectAccessible(page)
  expect(found).toEqual([])
})

test('a fleet without trucks is told so, and a day that is none is not found', async ({
  page,
  house,
  signIn,
}) => {
  const empty = await house.seed('empty')
  await leave(page)
  await signIn(empty.login)
  await page.goto('/vehicles')
  await expect(page.getByText('No trucks yet')).toBeVisible()
  await expectAccessible(page)
  await page.goto('/vehicles?month=2026-13')
  await expect(page.getByText('There is nothing at this address')).toBeVisible()
  // A truck of another fleet is like one that is not there.
  const { rows } = await house.pool.query('select id from vehicles where fleet_id = $1 limit 1', [
    house.demo.fleets[0]!.id,
  ])
  await page.goto(`/vehicles/${rows[0].id}`)
  await expect(page.getByRole('alert').filter({ hasText: 'This day can’t be shown' })).toBeVisible()
})
