import { expect, expectAccessible, test } from './fixtures.ts'

test('a stranger is led to the sign-in page, and from there to where they were going', async ({
  page,
  house,
}) => {
  await page.goto('/alerts?state=acknowledged')
  await expect(page).toHaveURL(/\/login/)
  await expectAccessible(page)

  await page.getByLabel('E-mail').fill(house.demo.login.email)
  await page.getByLabel('Password').fill('not-the-password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('main').getByRole('alert')).toContainText('don’t belong together')

  await page.getByLabel('Password').fill(house.demo.login.password)
  await page.getByLabel('Password').press('Enter')
  await expect(page).toHaveURL(/\/alerts\?state=acknowledged$/)
  await expect(page.getByRole('tab', { name: /^Acknowledged/ })).toHaveAttribute('aria-selected', 'true')
  await expect(page.getByText(house.demo.fleets[0]!.name)).toBeVisible()
})

test('whoever wants no motion sees none', async ({ page }) => {
  await page.goto('/login')
  const button = page.getByRole('button', { name: 'Sign in' })
  await expect(button).not.toHaveCSS('transition-property', 'none')
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await expect(button).toHaveCSS('transition-property', 'none')
})

test('a link to a question of the lab survives signing in', async ({ page, house }) => {
  await page.goto('/lab#kept')
  await page.getByLabel('E-mail').fill(house.demo.login.email)
  await page.getByLabel('Password').fill(house.demo.login.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page).toHaveURL(/\/lab#kept$/)
})

test('signing out ends the session on the server', async ({ page, context, house }) => {
  const { email, password } = house.demo.login
  await context.request.post('/api/auth/sign-in/email', { data: { email, password } })
  await page.goto('/drivers')
  const cookies = await context.cookies()
  await page.getByRole('button', { name: /theme and sign out/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await expect(page).toHaveURL(/\/login/)
  await page.goto('/drivers')
  await expect(page).toHaveURL(/\/login/)
  // The session itself is gone, not only the browser's copy of its name.
  const token = cookies.filter(({ name }) => name.endsWith('session_token'))
  expect(token).toHaveLength(1)
  await context.addCookies(token)
  await page.goto('/drivers')
  await expect(page).toHaveURL(/\/login/)
})

test('a fleet sees nothing of another fleet', async ({ page, signIn, house }) => {
  const { fleets } = await house.seed('two-fleets')
  await signIn(fleets[0]!.login)
  await page.goto('/drivers')
  await expect(page.getByText('5 drivers')).toBeVisible()
  const { rows } = await house.pool.query<{ id: number }>(
    'select id from drivers where fleet_id = $1 limit 1',
    [fleets[1]!.id],
  )
  await page.goto(`/drivers/${rows[0]!.id}`)
  await expect(page.getByText('There is no such driver in this fleet.')).toBeVisible()
  const report = { kind: 'driver-days', driverId: rows[0]!.id, from: '2026-01-01', until: '2026-01-02' }
  const asked = await page.request.post('/api/trpc/exports.ask', {
    headers: { origin: house.url },
    data: { report },
  })
  expect(asked.status()).toBe(404)
})

test('before its script is at work a form can’t be sent: the password would stand in the address', async ({
  browser,
  house,
}) => {
  const context = await browser.newContext({ baseURL: house.url, javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto('/login')
  await expect(page.getByRole('button', { name: 'Sign in', exact: true })).toBeDisabled()
  await page.getByLabel('E-mail').fill(house.demo.login.email)
  await page.getByLabel('Password').fill('a-secret-word')
  await page.getByLabel('Password').press('Enter')
  await expect(page).toHaveURL(/\/login$/)
  await context.close()
})
