import { expect, expectAccessible, test } from './fixtures.ts'

test('what somebody did stands in the audit log, is found there and goes with its CSV', async ({
  page,
  signIn,
  house,
}) => {
  const { fleets } = await house.seed('two-fleets')
  await signIn(fleets[0]!.login)
  const { rows } = await house.pool.query<{ id: number }>(
    'select id from drivers where fleet_id = $1 order by id limit 1',
    [fleets[0]!.id],
  )
  const set = await page.request.post('/api/trpc/logs.setStatus', {
    headers: { origin: house.url },
    data: { driverId: rows[0]!.id, status: 'SB', at: Date.now() - 7 * 86_400_000, annotation: '=1+1' },
  })
  expect(set.status()).toBe(200)
  await page.goto('/audit')
  await expect(page.getByRole('cell', { name: 'duty-status.set' })).toBeVisible()
  await expectAccessible(page)
  await page.getByLabel('Person, action or thing').fill('no such thing')
  await page.getByRole('button', { name: 'Search' }).click()
  await expect(page.getByText('No deed fits this search.')).toBeVisible()
  await expect(page).toHaveURL(/text=no(\+|%20)such(\+|%20)thing/)
  const csv = await page.request.get('/api/reports/audit')
  expect(await csv.text()).toContain('duty-status.set')
})
