import { expect, test } from './fixtures.ts'

const LONG = 'W'.repeat(200)

test('a name of two hundred letters pushes nothing off the page, on a phone and at a desk', async ({
  page,
  signIn,
  house,
}) => {
  const fleet = (await house.seed('two-fleets')).fleets[1]!
  const { pool } = house
  await pool.query(`update fleet_members set role = 'owner' where fleet_id = $1`, [fleet.id])
  await pool.query(
    'update users u set name = $2 from fleet_members m where m.user_id = u.id and m.fleet_id = $1',
    [fleet.id, LONG],
  )
  for (const [table, column] of [
    ['drivers', 'name'],
    ['devices', 'name'],
    ['vehicles', 'unit_number'],
  ])
    await pool.query(`update ${table} set ${column} = $2 || id where fleet_id = $1`, [fleet.id, LONG])
  const { rows } = await pool.query<{ device: number; driver: number; vehicle: number }>(
    `select d.id as device, d.vehicle_id as vehicle, a.driver_id as driver from devices d
     join driver_assignments a on a.fleet_id = d.fleet_id and a.vehicle_id = d.vehicle_id where d.fleet_id = $1 limit 1`,
    [fleet.id],
  )
  const { device, driver, vehicle } = rows[0]!
  await signIn(fleet.login)
  for (const width of [390, 1_440]) {
    await page.setViewportSize({ width, height: 844 })
    for (const path of [
      '/settings/people',
      '/devices',
      `/devices/${device}`,
      '/devices/keys',
      '/drivers',
      `/drivers/${driver}`,
      '/vehicles',
      `/vehicles/${vehicle}`,
      '/alerts',
    ]) {
      await page.goto(path)
      // What is on its way has come: on each of these pages but the alerts' something has the name.
      if (path !== '/alerts') await expect(page.getByRole('main')).toContainText(LONG)
      await expect(page.getByText(/^Loading/)).toHaveCount(0)
      const main = page.getByRole('main')
      expect(await main.evaluate((it) => it.scrollWidth - it.clientWidth), `${path} at ${width}`).toBe(0)
    }
  }
})

test('a list that can’t be read says so until it can, by itself', async ({ page, signIn, house }) => {
  await signIn(house.demo.login)
  const questions = /\/api\/trpc\/.*devices\.unknown/
  let asked = 0
  await page.route(questions, (route) => {
    asked++
    return route.abort()
  })
  await page.goto('/devices?view=unknown')
  const main = page.getByRole('main')
  const problem = main.getByRole('alert')
  await expect(problem).toContainText('The list can’t be read')
  await expect(problem.getByRole('button', { name: 'Try again' })).toBeVisible()
  // While it is asked again, the reason stays.
  await main.evaluate((it) => {
    const seen = () => it.querySelector('[role=alert]') === null && it.setAttribute('data-was-away', '')
    new MutationObserver(seen).observe(it, { childList: true, subtree: true })
  })
  const before = asked
  await expect.poll(() => asked).toBeGreaterThan(before + 3)
  await expect(main).not.toHaveAttribute('data-was-away')
  await page.unroute(questions)
  await expect(problem).toHaveCount(0)
})
