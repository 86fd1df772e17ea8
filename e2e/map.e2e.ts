import type { Request } from '@playwright/test'
import { expect, expectAccessible, leave, severable, test } from './fixtures.ts'

test.beforeEach(async ({ page, signIn, house }) => {
  await signIn(house.demo.login)
  await page.goto('/map')
})

test('a truck moves on the map and on its card, without a reload', async ({ page, house }) => {
  const list = page.getByRole('list', { name: '1 truck' })
  await expect(page.getByRole('list', { name: '60 trucks' })).toBeVisible()
  await expect(page.getByRole('status').filter({ hasText: /^Live$/ })).toBeVisible()
  await expectAccessible(page)

  // Not the first: it is the one that has to stop soonest.
  const unit = house.unitIn('D')
  await page.locator('label').filter({ hasText: 'Moving' }).click()
  await page.getByLabel('Search trucks and drivers').fill(unit)
  await list.getByRole('button').click()
  await expect(page).toHaveURL(/truck=\d+/)
  const card = page.getByRole('region', { name: `Truck ${unit}` }).locator('visible=true')
  await expect(card).toHaveCount(1)
  const coordinates = card.getByTestId('coordinates')
  const before = await coordinates.textContent()
  await expect(coordinates).not.toHaveText(before!, { timeout: 40_000 })
  await expect(card.getByTestId('speed')).toHaveText(/^[1-9]\d* mph$/)
  await expectAccessible(page)

  // The address is the selection: it opens the same card again, and closing it goes back to the list.
  await page.reload()
  await expect(card).toHaveCount(1)
  await card.getByRole('button', { name: 'Close' }).click()
  await expect(page).not.toHaveURL(/truck=/)
})

test('the list is searched and walked by keys', async ({ page }) => {
  await expect(page.getByRole('list', { name: '60 trucks' })).toBeVisible()
  await page.keyboard.press('/')
  await page.keyboard.type('1200')
  await expect(page.getByRole('list', { name: '1 truck' })).toBeVisible()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('region', { name: 'Truck 1200' }).locator('visible=true')).toBeVisible()

  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').fill('Marcus')
  await expect(page.getByRole('option')).toHaveCount(2)
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Marcus Whitfield' })).toBeVisible()
})

test('a lost connection is said, what was known stays, and the stream goes on where it was', async ({
  page,
  house,
}) => {
  const line = await severable(house.url)
  const chip = page
    .getByRole('status')
    .filter({ hasText: /^(Live|Delayed|Reconnecting|Offline|Connecting)$/ })
  const streams: Request[] = []
  page.on('request', (request) => {
    if (request.url().includes('live.stream')) streams.push(request)
  })
  await page.goto(`${line.url}/map`)
  await expect(chip).toHaveText('Live')
  // The names come by another way than the stream: what is to stay has to be known first.
  await expect(page.getByRole('list', { name: '60 trucks' })).toBeVisible()
  await line.cut()
  await expect(chip).toHaveText('Reconnecting')
  await expect(page.getByRole('list', { name: '60 trucks' })).toBeVisible()
  await line.restore()
  await expect(chip).toHaveText('Live')
  // It resumes: the last event's id goes along, by the browser's own way or by ours.
  const again = streams.at(-1)!
  expect(`${again.url()} ${JSON.stringify(await again.allHeaders())}`).toMatch(/last-?event-?id/i)
  await line.cut()
})

test('names that got lost on their way are asked for again', async ({ page }) => {
  const names = /fleet\.vehicles/
  let lost = 0
  await page.route(names, (route) => {
    lost++
    return route.abort()
  })
  await page.reload()
  await expect(page.getByRole('status').filter({ hasText: /^Live$/ })).toBeVisible()
  // Three times in a row it is asked by itself.
  await expect.poll(() => lost).toBeGreaterThanOrEqual(3)
  await expect(page.getByText('Loading the trucks…')).toBeAttached()
  await page.unroute(names)
  await expect(page.getByRole('list', { name: '60 trucks' })).toBeVisible()
})

test('on a phone map and list share the screen, and nothing sticks out', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  await expect(page.getByRole('list', { name: '60 trucks' })).toBeVisible()
  await expectAccessible(page)
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  expect(wide).toBe(0)
})

test('a fleet without trucks is told what comes next', async ({ page, signIn, house }) => {
  const empty = await house.seed('empty')
  await leave(page)
  await signIn(empty.login)
  await page.goto('/map')
  await expect(page.getByText('No trucks yet')).toBeVisible()
  await expectAccessible(page)
  await page.goto('/drivers')
  await expect(page.getByText('No drivers yet')).toBeVisible()
  await page.goto('/alerts')
  await expect(page.getByText('Nothing needs you now')).toBeVisible()
})
