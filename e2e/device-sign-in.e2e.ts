import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, expectAccessible, test } from './fixtures.ts'

test('what devices may sign in with is chosen, an issuer is added and tested, a token is bound to its networks', async ({
  page,
  signIn,
  house,
}) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const keys = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1' }] })
  let status = 200
  const issuer = createServer((_, response) => void response.writeHead(status).end(keys))
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
  const jwksUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks`

  const { fleets } = await house.seed('two-fleets')
  const [fleet] = fleets
  await house.pool.query(`update fleet_members set role = 'owner' where fleet_id = $1`, [fleet!.id])
  const { rows } = await house.pool.query<{ name: string }>(
    'select name from devices where fleet_id = $1 and revoked_at is null order by id limit 1',
    [fleet!.id],
  )
  const device = rows[0]!.name
  await signIn(fleet!.login)
  await page.goto('/settings/device-sign-in')
  const token = page.getByRole('checkbox', { name: 'Device token' })
  await expect(token).toBeChecked()
  await expectAccessible(page)

  const stored = async () => {
    const answer = await house.pool.query<{ methods: string[] }>(
      'select device_auth as methods from fleets where id = $1',
      [fleet!.id],
    )
    return answer.rows[0]!.methods
  }
  // By keyboard and by button; what is moved keeps the focus, and the order is read out.
  const identity = page.getByRole('checkbox', { name: /^Identity/ })
  await identity.focus()
  await page.keyboard.press('Alt+ArrowUp')
  await expect(identity).toBeFocused()
  await expect(page.getByText(/^Identity alone.*: 3 of 6$/)).toBeAttached()
  const down = page.getByRole('button', { name: /^Move down: Signature/ })
  await down.press('Enter')
  await expect(down).toBeFocused()
  await page.getByRole('button', { name: 'Save the ways' }).click()
  await expect.poll(stored).toEqual(['session', 'http-signature', 'identity', 'token'])
  await page.reload()
  await expect(page.getByRole('checkbox').first()).toHaveAccessibleName(/^Session/)

  await token.press('Space')
  await page.getByRole('button', { name: 'Save the ways' }).click()
  await expect.poll(stored).toEqual(['session', 'http-signature', 'identity'])
  await page.reload()
  await expect(token).not.toBeChecked()
  for (const name of [/^Signature/, /^Session/, /^Identity/])
    await page.getByRole('checkbox', { name }).uncheck()
  await expect(page.getByRole('checkbox', { checked: true })).toHaveCount(0)
  await page.getByRole('button', { name: 'Save the ways' }).click()
  await expect(page.getByText('Leave at least one.')).toBeVisible()

  const issuerField = page.getByLabel('Issuer', { exact: true })
  await page.getByRole('button', { name: 'Add the issuer' }).click()
  await expect(issuerField).toHaveAccessibleDescription(/Give the issuer/)
  await issuerField.fill('https://login.acme.example')
  await page.getByLabel('Address of its keys').fill('https://169.254.169.254/')
  await page.getByRole('button', { name: 'Add the issuer' }).click()
  await expect(page.getByLabel('Address of its keys')).toHaveAccessibleDescription(/public Internet/)
  await page.getByLabel('Address of its keys').fill(jwksUrl)
  await page.getByRole('button', { name: 'Add the issuer' }).click()
  const row = page.getByRole('listitem', { name: 'https://login.acme.example' })
  await row.getByRole('button', { name: /^Test/ }).click()
  await expect(row.getByText('EC P-256 k1')).toBeVisible()
  status = 503
  await row.getByRole('button', { name: /^Test/ }).click()
  await expect(row.getByText('It answered 503')).toBeVisible()
  issuer.close()

  await page.getByRole('combobox', { name: 'Device' }).fill(device)
  await page.getByRole('option').first().click()
  await page.getByLabel('Networks', { exact: true }).fill('10.20.0.0/40')
  await page.getByRole('button', { name: 'Save the networks' }).click()
  await expect(page.getByLabel('Networks', { exact: true })).toHaveAccessibleDescription(/no CIDR range/)
  await page.getByLabel('Networks', { exact: true }).fill('10.20.0.0/16')
  await page.getByRole('button', { name: 'Save the networks' }).click()
  const bound = page.getByRole('list', { name: 'Devices with networks' })
  await expect(bound).toContainText('10.20.0.0/16')
  await page.setViewportSize({ width: 390, height: 844 })
  await expectAccessible(page)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)

  await bound.getByRole('button', { name: `Take ${device} from anywhere` }).click()
  await expect(bound).toBeHidden()
  await row.getByRole('button', { name: 'Remove https://login.acme.example' }).click()
  await row.getByRole('button', { name: 'Remove https://login.acme.example for good' }).click()
  await expect(row).toBeHidden()
})
