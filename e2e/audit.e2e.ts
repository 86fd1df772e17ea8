import * as fs from 'node:fs/promises'
import { expect, expectAccessible, test } from './fixtures.ts'

test('what somebody did stands in the audit log, is found there and goes with its CSV', async ({
  page,
  signIn,
  house,
}) => {
  const { fleets } = await house.seed('two-fleets')
  await signIn(fleets[0]!.login)
  const { rows } = await house.pool.query<{ id: number; name: string }>(
    'select id, name from drivers where fleet_id = $1 order by id limit 1',
    [fleets[0]!.id],
  )
  const set = await page.request.post('/api/trpc/logs.setStatus', {
    headers: { origin: house.url },
    data: {
      driverId: rows[0]!.id,
      status: 'SB',
      at: Date.now() - 7 * 86_400_000,
      annotation: '=1+1 '.repeat(2),
    },
  })
  expect(set.status()).toBe(200)
  await page.goto('/audit')
  await expect(page.getByRole('cell', { name: 'duty-status.set' })).toBeVisible()
  const { id, name } = rows[0]!
  const on = page.getByRole('cell', { name: new RegExp(`^driver ${name}`) })
  await expect(on).toContainText(String(id))
  await expect(page.getByRole('cell', { name: /status.*→ SB/ })).toBeVisible()
  await expectAccessible(page)
  await page.getByLabel('Person, action or thing').fill(name)
  await page.getByRole('button', { name: 'Search' }).click()
  await expect(page).toHaveURL(/text=/)
  await expect(on).toBeVisible()
  await page.setViewportSize({ width: 390, height: 844 })
  const card = page.getByRole('list', { name: 'Deeds' }).getByRole('listitem').filter({ hasText: name })
  await expect(card).toContainText('duty-status.set')
  await expect(card).toContainText(String(id))
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0)
  await expectAccessible(page)
  await page.setViewportSize({ width: 1280, height: 720 })
  await page.getByLabel('Person, action or thing').fill('no such thing')
  await page.getByRole('button', { name: 'Search' }).click()
  await expect(page.getByText('No deed fits this search.')).toBeVisible()
  await expect(page).toHaveURL(/text=no(\+|%20)such(\+|%20)thing/)
  await page.getByLabel('Person, action or thing').fill('duty-status')
  await page.getByRole('button', { name: 'Search' }).click()
  await expect(page).toHaveURL(/text=duty-status/)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export CSV' }).click(),
  ])
  expect(download.suggestedFilename()).toBe('audit.csv')
  expect(await fs.readFile(await download.path(), 'utf8')).toContain('duty-status.set')
  await expect(page.getByRole('list', { name: 'Files' }).getByRole('listitem')).toContainText('Ready')
  await expectAccessible(page)
})
