import type { Page } from '@playwright/test'
import { OpenIdServer } from '../server/auth/oidc.testing.ts'
import { SERVICE_PASSWORD, Slapd } from '../server/auth/slapd.testing.ts'
import { expect, expectAccessible, type House, leave, test } from './fixtures.ts'

const ADA = { uid: 'ada', name: 'Ada King', email: 'ada@fleet.test', password: 'engine-of-1843' }
const GUEST = { uid: 'guest', name: 'A Guest', email: 'guest@fleet.test', password: 'only-passing-by' }

/** A fleet of its own, and its owner signed in. */
async function owned(house: House, signIn: (login: House['demo']['login']) => Promise<void>) {
  const [fleet] = (await house.seed('two-fleets')).fleets
  await house.pool.query(`update fleet_members set role = 'owner' where fleet_id = $1`, [fleet!.id])
  await signIn(fleet!.login)
  return fleet!
}

const alertOf = (page: Page) => page.getByRole('main').getByRole('alert')

test('a directory is added and tested step by step; its people sign in, others are told why not', async ({
  page,
  signIn,
  house,
}) => {
  const slapd = await Slapd.start([ADA, GUEST], { dispatch: ['ada'] })
  const fleet = await owned(house, signIn)
  await page.goto('/settings/sign-in')
  await page.getByRole('button', { name: 'Add a directory (LDAP)' }).click()
  const dialog = page.getByRole('dialog')
  for (const [label, value] of [
    ['Name on the sign-in page', 'Directory'],
    ['Address', slapd.url],
    ['Service account (DN)', slapd.bindDn],
    ['Its password', 'not-it'],
    ['Where people are (DN)', slapd.baseDn],
    ['Where groups are (DN)', `ou=groups,${slapd.baseDn}`],
    ['Attribute of the name', 'displayName'],
    ['Group 1', 'dispatch'],
    ['Try with this user (optional)', ADA.uid],
    ['Password of this user', ADA.password],
  ] as const)
    await dialog.getByLabel(label, { exact: true }).fill(value)
  const steps = dialog.getByRole('list', { name: 'Steps of the test' })
  await dialog.getByRole('button', { name: 'Test this directory' }).click()
  await expect(steps.getByLabel('Failed')).toHaveCount(1)
  await dialog.getByLabel('Its password', { exact: true }).fill(SERVICE_PASSWORD)
  await dialog.getByRole('button', { name: 'Test this directory' }).click()
  await expect(steps.getByLabel('Failed')).toHaveCount(0)
  await expect(steps.getByLabel('Went well').nth(2)).toBeVisible()
  await expectAccessible(page)
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('button', { name: 'Open Directory' })).toBeVisible()
  await leave(page)

  const enter = async (user: string, password: string) => {
    await page.goto(`/login?fleet=${fleet.slug}`)
    await page.getByRole('button', { name: 'Directory' }).click()
    await page.getByLabel('User name').fill(user)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in with Directory' }).click()
  }
  await enter(ADA.uid, 'not-the-password')
  await expect(alertOf(page)).toContainText('don’t belong together')
  await enter(GUEST.uid, GUEST.password)
  await expect(alertOf(page)).toContainText('none of your groups may use Restline')
  await expectAccessible(page)
  await slapd.down()
  await enter(ADA.uid, ADA.password)
  await expect(alertOf(page)).toContainText('can’t be reached')
  // While it is away an account of ours goes on working.
  await page.getByRole('button', { name: 'With e-mail and password' }).click()
  await page.getByLabel('E-mail').fill(fleet.login.email)
  await page.getByLabel('Password').fill(fleet.login.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(page).toHaveURL(/\/map/)
  await leave(page)
  await slapd.up()
  await enter(ADA.uid, ADA.password)
  await expect(page).toHaveURL(/\/map/)
  await page.goto('/account')
  await expect(page.getByText(`${ADA.name}, ${ADA.email}`)).toBeVisible()
  // Her group made her a dispatcher: what is for admins says so.
  await page.goto('/settings/people')
  await expect(page.getByRole('heading', { name: 'This page is not for your role' })).toBeVisible()
  await leave(page)
  // Who takes the directory away is told whom that locks out.
  await signIn(fleet.login)
  await page.goto('/settings/sign-in')
  await page.getByRole('button', { name: 'Remove Directory' }).click()
  await expect(dialog).toContainText('1 person signs in by it')
  await expectAccessible(page)
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByRole('button', { name: 'Open Directory' })).toBeVisible()
  await page.getByRole('button', { name: 'Remove Directory' }).click()
  await dialog.getByRole('button', { name: 'Remove' }).click()
  await expect(page.getByText('Nobody but us asks for a password yet')).toBeVisible()
  await slapd.stop()
})

test('a provider is added and tested; its people come in through its own page, and who has no role is told', async ({
  page,
  signIn,
  house,
}) => {
  let callback = ''
  const provider = await OpenIdServer.start(
    [
      {
        sub: 'u-ada',
        name: 'Ada Byron',
        email: 'ada@openid.test',
        emailVerified: true,
        groups: ['dispatch'],
      },
      {
        sub: 'u-guest',
        name: GUEST.name,
        email: 'guest@openid.test',
        emailVerified: true,
        groups: ['cleaners'],
      },
    ],
    { id: 'restline', secret: 'client-secret-of-the-walk', callback: () => [callback] },
  )
  const fleet = await owned(house, signIn)
  await page.goto('/settings/sign-in')
  await page.getByRole('button', { name: 'Add a provider (OpenID Connect)' }).click()
  const dialog = page.getByRole('dialog')
  for (const [label, value] of [
    ['Name on the sign-in page', 'Company'],
    ['Issuer', 'http://127.0.0.1:9'],
    ['Client id', 'restline'],
    ['Client secret', 'client-secret-of-the-walk'],
    ['Group 1', 'dispatch'],
  ] as const)
    await dialog.getByLabel(label, { exact: true }).fill(value)
  await dialog.getByRole('button', { name: 'Test this provider' }).click()
  await expect(dialog.getByLabel('Failed')).toHaveCount(1)
  await dialog.getByLabel('Issuer', { exact: true }).fill(provider.issuer)
  await dialog.getByRole('button', { name: 'Test this provider' }).click()
  await expect(dialog.getByLabel('Failed')).toHaveCount(0)
  await expect(dialog.getByLabel('Went well').first()).toBeVisible()
  await dialog.getByRole('button', { name: 'Save' }).click()
  const comesBack = page.getByText('Comes back to')
  await expect(comesBack).toBeVisible()
  callback = (await comesBack.textContent())!.replace('Comes back to ', '')
  await leave(page)

  const enter = async (sub: string) => {
    await page.goto(`/login?fleet=${fleet.slug}&next=%2Fdrivers`)
    await page.getByRole('button', { name: 'Company' }).click()
    await page.locator('input[name=login]').fill(sub)
    await page.locator('input[name=password]').fill('any')
    await page.getByRole('button', { name: 'Sign-in' }).click()
    // It asks whether we may know the name.
    await page.getByRole('button', { name: 'Continue' }).click()
  }
  await enter('u-guest')
  await expect(alertOf(page)).toContainText('groups have no role in this fleet')
  // The provider would remember the guest.
  await leave(page)
  await enter('u-ada')
  await expect(page).toHaveURL(/\/drivers/)
  await page.goto('/account')
  await expect(page.getByText('Ada Byron, ada@openid.test')).toBeVisible()
  await expectAccessible(page)
  await provider.stop()
})
