import type { Page } from '@playwright/test'
import { enrolPerson } from '../server/auth/people.ts'
import { hashOf, newSecret } from '../server/auth/secret-link.ts'
import { newId } from '../server/db/id.ts'
import { expect, expectAccessible, leave, newPerson, test } from './fixtures.ts'

async function signInHere(page: Page, { email, password }: { email: string; password: string }) {
  await page.goto('/login')
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}
const problem = (page: Page) => page.getByRole('main').getByRole('alert')

test('an invitation is accepted, and a forgotten password made anew', async ({ page, house, signIn }) => {
  await signIn(house.demo.login)
  await page.goto('/settings/people')
  await page.getByRole('button', { name: 'Invite somebody' }).click()
  const email = 'invited@carrier.example'
  const password = 'quite-new-words'
  await page.getByLabel('E-mail').fill(email)
  await page.getByRole('button', { name: 'Send the invitation' }).click()
  await expect(page.getByRole('region', { name: 'Invitations' }).getByText(email)).toBeVisible()
  await expectAccessible(page)
  // What the mail says is sealed; a link of the walk's own takes the place of its.
  const link = newSecret()
  const { rows } = await house.pool.query<{ id: number; fleet: number }>(
    'update invitations set secret_hash = $2 where email = $1 returning id, fleet_id as fleet',
    [email, hashOf(link.secret)],
  )
  await leave(page)
  await page.goto(`/join#${rows[0]!.fleet.toString(36)}.${rows[0]!.id.toString(36)}.${link.secret}`)
  await page.getByLabel('Your name').fill('Newcomer')
  await page.getByLabel('Password').fill(password)
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Join', exact: true }).click()
  await expect(page).toHaveURL(/\/map/)

  await leave(page)
  await page.goto('/login')
  await page.getByRole('link', { name: 'Forgot the password?' }).click()
  // The page before has a field of that name, too.
  await expect(page.getByRole('heading', { name: 'Forgot the password?' })).toBeVisible()
  await page.getByLabel('E-mail').fill(email)
  await page.getByRole('button', { name: 'Send the link' }).click()
  await expect(page.getByText('Look into your mail')).toBeVisible()
  const mails = await house.pool.query('select from mail_outbox where recipient = $1', [email])
  expect(mails.rowCount).toBe(2)
  const reset = newSecret()
  await house.pool.query(
    'update password_resets r set secret_hash = $2 from users u where u.id = r.user_id and u.email = $1',
    [email, hashOf(reset.secret)],
  )
  await page.goto('about:blank')
  await page.goto(`/reset#${reset.secret}`)
  await page.getByLabel('New password').fill('quite-other-words')
  await page.getByRole('button', { name: 'Set the password' }).click()
  await expect(page.getByText('The password is set')).toBeVisible()
  await signInHere(page, { email, password })
  await expect(problem(page)).toContainText('don’t belong together')
  await page.getByLabel('Password').fill('quite-other-words')
  await page.getByLabel('Password').press('Enter')
  await expect(page).toHaveURL(/\/map/)
})

test('sessions are listed and ended, and signing out everywhere ends this one too', async ({
  page,
  house,
  browser,
}) => {
  const { login } = await newPerson(house)
  const elsewhere = await browser.newContext({ baseURL: house.url })
  await elsewhere.request.post('/api/auth/sign-in/email', { headers: { origin: house.url }, data: login })
  const there = await elsewhere.newPage()
  await signInHere(page, login)
  await expect(page).toHaveURL(/\/map/)
  await page.goto('/account')
  const sessions = page.getByRole('list', { name: 'Sessions' })
  await expect(sessions.getByRole('listitem')).toHaveCount(2)
  await expect(sessions.getByText('This one')).toHaveCount(1)
  await expectAccessible(page)
  await sessions.getByRole('button', { name: /^End the session/ }).click()
  await expect(sessions.getByRole('listitem')).toHaveCount(1)
  await there.goto('/account')
  await expect(there).toHaveURL(/\/login/)
  await elsewhere.close()
  await page.getByRole('button', { name: 'Sign out everywhere' }).click()
  await expect(page).toHaveURL(/\/login/)
  await page.goto('/account')
  await expect(page).toHaveURL(/\/login/)
})

test('a page that is not for one’s role says why', async ({ page, house }) => {
  const { login } = await newPerson(house, 'mechanic')
  await signInHere(page, login)
  await expect(page).toHaveURL(/\/map/)
  await page.goto('/settings/people')
  await expect(page.getByRole('heading', { name: 'This page is not for your role' })).toBeVisible()
  await expect(page.getByText('In this fleet you are a mechanic.')).toBeVisible()
  await expectAccessible(page)
})

test('a member of two fleets goes from one to the other by keyboard, and so do the other tabs', async ({
  page,
  house,
}) => {
  const { login } = await newPerson(house)
  const [fleet, name] = [newId(), 'Pine Ridge Freight']
  await house.pool.query(
    `insert into fleets (id, name, slug, time_zone) values ($1, $2, 'pine-ridge', 'America/Chicago')`,
    [fleet, name],
  )
  await signInHere(page, login)
  const menu = page.getByRole('button', { name: /theme and sign out/ })
  const inMenu = page.getByRole('menuitemradio', { name })
  // A page that says so has come alive: before that a key is for nobody.
  const openMenu = async () => {
    await expect(page.getByRole('banner').getByText('Live', { exact: true })).toBeVisible()
    await menu.press('Enter')
  }
  await openMenu()
  await expect(page.getByRole('menuitem', { name: 'My account' })).toBeVisible()
  await expect(page.getByText('Fleets', { exact: true })).toHaveCount(0)
  await page.keyboard.press('Escape')

  await enrolPerson(house.pool, { fleetId: fleet, name: 'Walker', role: 'dispatcher', ...login })
  await page.reload()
  const other = await page.context().newPage()
  await other.goto('/account')
  await expect(other.getByRole('banner').getByText(name)).toHaveCount(0)
  await openMenu()
  await expect(inMenu).not.toBeChecked()
  await expectAccessible(page)
  await expect(async () => {
    await page.keyboard.press('ArrowDown')
    await expect(inMenu).toBeFocused({ timeout: 200 })
  }).toPass()
  await page.keyboard.press('Enter')
  for (const tab of [page, other]) {
    await expect(tab.getByRole('banner').getByText(name)).toBeVisible()
    await expect(tab).toHaveURL(/\/map/)
  }
  await openMenu()
  await expect(inMenu).toBeChecked()
})
