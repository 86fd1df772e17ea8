import path from 'node:path'
import { nextCode, secretOf, totp } from '../server/auth/totp.testing.ts'
import { startServers } from '../server/cli/stack.ts'
import { freePort } from '../server/db/embedded.ts'
import { expect, expectAccessible, leave, newPerson, test } from './fixtures.ts'

test('a second step is turned on, asked for, and other sessions are ended from the list', async ({
  page,
  house,
  browser,
}) => {
  const { email, password } = (await newPerson(house)).login
  const signIn = async (to = page) => {
    await to.goto(`${house.url}/login?next=%2Faccount`)
    await to.getByLabel('E-mail').fill(email)
    await to.getByLabel('Password').fill(password)
    await to.getByRole('button', { name: 'Sign in', exact: true }).click()
  }
  await signIn()
  await page.getByRole('button', { name: 'Turn on' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Your password').fill('not-the-password')
  await dialog.getByRole('button', { name: 'Go on' }).click()
  await expect(dialog.getByLabel('Your password')).toHaveAttribute('aria-invalid', 'true')
  await dialog.getByLabel('Your password').fill(password)
  await dialog.getByRole('button', { name: 'Go on' }).click()
  const codes = dialog.getByRole('list', { name: 'Backup codes' })
  await expect(codes).toBeVisible()
  await expectAccessible(page)
  const backup = (await codes.getByRole('listitem').first().textContent())!
  const secret = secretOf((await dialog.getByTestId('totp-secret').textContent())!.replaceAll(' ', ''))
  const code = dialog.getByLabel('The code that the app shows')
  await code.fill(totp(secret, Date.now()))
  await code.press('Enter')
  // The state that stays; the toast beside it goes after five seconds, which a busy machine may sleep through.
  await expect(
    page.getByRole('region', { name: 'Second step' }).getByText('On', { exact: true }),
  ).toBeVisible()

  const elsewhere = await browser.newPage()
  await signIn(elsewhere)
  await elsewhere.getByLabel('Code').fill('000000')
  await elsewhere.getByRole('button', { name: 'Go on' }).click()
  await expect(elsewhere.getByRole('main').getByRole('alert')).toBeVisible()
  // What was wrong with the one kind of code is not said of the other.
  await elsewhere.getByRole('button', { name: 'Use a backup code' }).click()
  await expect(elsewhere.getByLabel('Backup code')).toHaveValue('')
  await expect(elsewhere.getByRole('main').getByRole('alert')).toBeHidden()
  await elsewhere.getByRole('button', { name: 'Use the app’s code' }).click()
  await elsewhere.getByLabel('Code').fill(nextCode(secret))
  await elsewhere.getByRole('button', { name: 'Go on' }).click()
  await expect(elsewhere).toHaveURL(/\/account/)
  // A page whose session ends leads to the sign-in page by itself, at whatever moment: into the next step here.
  await elsewhere.goto('about:blank')

  const third = await browser.newPage()
  await signIn(third)
  await third.getByRole('button', { name: 'Use a backup code' }).click()
  await third.getByLabel('Backup code').fill(backup)
  await third.getByRole('button', { name: 'Go on' }).click()
  await expect(third).toHaveURL(/\/account/)
  const sessions = third.getByRole('list', { name: 'Sessions' }).getByRole('listitem')
  await expect(sessions).toHaveCount(3)
  await third.getByRole('button', { name: 'End all others' }).click()
  await expect(sessions).toHaveCount(1)
  await expect(sessions).toContainText('This one')
  await elsewhere.goto(`${house.url}/map`)
  await expect(elsewhere).toHaveURL(/\/login/)
  await elsewhere.close()
  await third.close()
})

test('a passkey is made, opens the console without a password, and is removed', async ({ page, house }) => {
  const { email, password } = (await newPerson(house)).login
  // Browsers keep passkeys for names, not for bare addresses.
  const port = await freePort()
  process.env.PUBLIC_URL = `http://localhost:${port}`
  const directory = path.resolve('.restline', `passkey-${process.pid}`)
  const named = await startServers({ databaseUrl: house.databaseUrl, directory, port }).finally(() => {
    delete process.env.PUBLIC_URL
  })
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  await page.goto(`${named.url}/login?next=%2Faccount`)
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('Office laptop')
  await page.getByRole('dialog').getByRole('button', { name: 'Go on' }).click()
  const list = page.getByRole('list', { name: 'Passkeys' })
  await expect(list).toContainText('Office laptop')

  await leave(page)
  await page.goto(`${named.url}/login?next=%2Faccount`)
  await page.getByRole('button', { name: 'Passkey' }).click()
  await expect(page).toHaveURL(/\/account/)
  await list.getByRole('button', { name: 'Remove Office laptop' }).click()
  await expect(list).toHaveCount(0)

  await leave(page)
  await page.goto(`${named.url}/login`)
  await page.getByRole('button', { name: 'Passkey' }).click()
  await expect(page.getByRole('main').getByRole('alert')).toBeVisible()
  await named.stop()
})
