import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { DeviceClient } from '../server/agent/client.ts'
import type { Role } from '../server/auth/can.ts'
import { signData } from '../server/auth/keys/algorithm.ts'
import { keyIdOf } from '../server/auth/keys/ssh-key.ts'
import { parseSshKeyLine } from '../server/auth/keys/ssh-key-line.ts'
import { sshString } from '../server/auth/keys/ssh-wire.ts'
import { expect, expectAccessible, test } from './fixtures.ts'

/** An Ed25519 key: its .pub line, and a signature over a challenge as `ssh-keygen -Y sign` prints it. */
function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')
  const text = (value: string) => sshString(Buffer.from(value))
  const blob = Buffer.concat([text('ssh-ed25519'), sshString(point)])
  const line = `ssh-ed25519 ${blob.toString('base64')} truck-7@yard`
  const reading = parseSshKeyLine(line)
  if (!reading.ok) throw new Error(reading.detail)
  /** PROTOCOL.sshsig of OpenSSH. */
  const sshsig = (message: string, namespace: string) => {
    const hash = createHash('sha512').update(message).digest()
    const head = [text(namespace), sshString(Buffer.alloc(0)), text('sha512')]
    const signed = Buffer.concat([Buffer.from('SSHSIG'), ...head, sshString(hash)])
    const signature = Buffer.concat([text('ssh-ed25519'), sshString(sign(null, signed, privateKey))])
    const version = Buffer.from([0, 0, 0, 1])
    const bytes = Buffer.concat([
      Buffer.from('SSHSIG'),
      version,
      sshString(blob),
      ...head,
      sshString(signature),
    ])
    const lines = bytes.toString('base64').match(/.{1,70}/g)!
    return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n')
  }
  const { fingerprint } = reading.key
  return { line, fingerprint, privateKey, sshsig }
}

test('a device’s key is enrolled, proven, seen at work and revoked', async ({ page, signIn, house }) => {
  const { fleets } = await house.seed('two-fleets')
  const [fleet] = fleets
  await house.pool.query(`update fleet_members set role = 'owner' where fleet_id = $1`, [fleet!.id])
  await house.pool.query('delete from device_keys where fleet_id = $1', [fleet!.id])
  const { rows: devices } = await house.pool.query<{ name: string }>(
    'select name from devices where fleet_id = $1 and revoked_at is null order by id limit 1',
    [fleet!.id],
  )
  const device = devices[0]!.name
  await signIn(fleet!.login)
  await page.goto('/devices')
  await page.getByRole('link', { name: 'Keys' }).click()
  await expect(page.getByText('No device signs yet')).toBeVisible()
  await expectAccessible(page)

  const key = newKey()
  await page.getByRole('button', { name: 'Enrol a key' }).click()
  const enrol = page.getByRole('dialog', { name: 'Enrol a key' })
  await enrol.getByRole('button', { name: 'Enrol' }).click()
  await expect(enrol.getByText('Paste the line of the .pub file.')).toBeVisible()
  await expect(enrol.getByText('Choose the device.')).toBeVisible()
  await enrol.getByRole('combobox', { name: 'Its device' }).fill(device)
  await page.getByRole('option').first().click()
  // Every fault of a line is told at the field.
  for (const [line, fault] of [
    [key.line.replace('ssh-ed25519 ', 'ssh-rsa '), /is not the type of the key itself/],
    [key.line.replace('ssh-ed25519 ', 'ssh-dss '), /can be enrolled/],
    ['-----BEGIN OPENSSH PRIVATE KEY-----', /private key/],
  ] as const) {
    await enrol.getByLabel('Public key').fill(line)
    await enrol.getByRole('button', { name: 'Enrol' }).click()
    await expect(enrol.getByLabel('Public key')).toHaveAccessibleDescription(fault)
  }
  await expectAccessible(page)
  await enrol.getByLabel('Public key').fill(key.line)
  await enrol.getByRole('button', { name: 'Enrol' }).click()

  // The proof follows. A signature for something else proves nothing, and uses the challenge up.
  const proof = page.getByRole('dialog', { name: 'Prove the key' })
  await expect(proof).toContainText(key.fingerprint)
  await proof.getByRole('button', { name: 'Prove it now' }).click()
  const namespace = `fleet-enrol@${new URL(house.url).host}`
  const command = proof.locator('pre')
  await expect(command).toContainText(`ssh-keygen -Y sign -f KEYFILE -n ${namespace}`)
  await expectAccessible(page)
  await proof.getByLabel('Signature').fill(key.sshsig('something else', namespace))
  await proof.getByRole('button', { name: 'Check it' }).click()
  await expect(proof.getByText('The signature proves nothing')).toBeVisible()
  await proof.getByRole('button', { name: 'New challenge' }).click()
  const challenge = /printf %s '([^']+)'/.exec((await command.textContent())!)![1]!
  await proof.getByLabel('Signature').fill(key.sshsig(challenge, namespace))
  await proof.getByRole('button', { name: 'Check it' }).click()
  await expect(proof).toBeHidden()
  const row = page.getByRole('listitem', { name: key.fingerprint })
  await expect(row).toContainText('Proven')
  await expect(row).toContainText('Never used')
  await expect(row).toContainText(`Send heartbeats · Device ${device}`)

  const client = new DeviceClient({
    url: house.url,
    signer: {
      keyId: keyIdOf(fleet!.slug, key.fingerprint),
      algorithm: 'ed25519',
      sign: (data) => signData('ed25519', key.privateKey, data),
    },
  })
  const heartbeat = async () => {
    const beat = { device, fixTime: Date.now(), latitude: 41.5, longitude: -93.6, speedKph: 0 }
    return await client.send('POST', '/v1/heartbeats', Buffer.from(JSON.stringify(beat)))
  }
  expect((await heartbeat()).status).toBe(200)
  await expect(row).toContainText('from 127.0.0.1')
  await expect(row).toContainText('its clock')
  await page.setViewportSize({ width: 390, height: 844 })
  await expectAccessible(page)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)

  // Somebody who may only look sees the button and why it is not for them. A page whose person has another role now begins anew by
  // itself, at whatever moment: none is open meanwhile.
  const keysPage = page.url()
  const become = async (role: Role) => {
    await page.goto('about:blank')
    await house.pool.query('update fleet_members set role = $2 where fleet_id = $1', [fleet!.id, role])
    await page.goto(keysPage)
  }
  await become('viewer')
  const revoke = row.getByRole('button', { name: `Revoke ${key.fingerprint}` })
  await expect(revoke).toHaveAccessibleDescription(/This is for an owner or a fleet admin/)
  await become('owner')

  await revoke.press('Enter')
  const asked = page.getByRole('dialog', { name: 'Revoke this key?' })
  await asked.getByRole('button', { name: 'Revoke it' }).click()
  await expect(asked.getByText('Say why')).toBeVisible()
  await asked.getByLabel('Why').fill('The truck was stolen')
  await expectAccessible(page)
  await asked.getByRole('button', { name: 'Revoke it' }).click()
  await expect(row).toContainText('The truck was stolen')
  // By its session and by itself.
  await expect.poll(async () => (await heartbeat()).status).toBe(401)
  await page.getByRole('radio', { name: /^Ended/ }).press('Space')
  await expect(page).toHaveURL(/show=ended/)
  await page.getByLabel('Search keys').fill('no such key')
  await expect(page.getByText('No key matches')).toBeVisible()
})
