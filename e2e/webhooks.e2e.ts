import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { verifyDelivery } from '../public/webhook-verifier.mjs'
import { expect, expectAccessible, test } from './fixtures.ts'

const ALERT = 1_000_000_000

test('a webhook is added, tested, told of an alert, its secret changed; a wrong address says why', async ({
  page,
  signIn,
  house,
}) => {
  let status = 204
  const came: { headers: IncomingHttpHeaders; body: Buffer }[] = []
  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    came.push({ headers: request.headers, body: Buffer.concat(chunks) })
    response.writeHead(status).end()
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/restline`

  // A fleet without trucks: no alert of its own comes between.
  const { fleets } = await house.seed('empty')
  await house.pool.query(`update fleet_members set role = 'owner' where fleet_id = $1`, [fleets[0]!.id])
  await signIn(fleets[0]!.login)
  await page.goto('/settings/webhooks')
  await expect(page.getByText('No system is told yet')).toBeVisible()
  await expectAccessible(page)

  await page.getByRole('button', { name: 'Add a webhook' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(dialog.getByText('Give it a name.')).toBeVisible()
  await dialog.getByLabel('Name').fill('TMS')
  await dialog.getByLabel('Address').fill('https://169.254.169.254/')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(dialog.getByText('which is not an address of the public Internet')).toBeVisible()
  await expectAccessible(page)
  await dialog.getByLabel('Address').fill(url)
  await dialog.getByRole('button', { name: 'Save' }).click()
  const secret = await dialog.locator('code').textContent()
  expect(secret).toMatch(/^rlwh_/)
  await dialog.getByRole('button', { name: 'Done' }).click()

  // By the keyboard; what is open stands in the address.
  await page.getByRole('button', { name: 'Deliveries of TMS' }).focus()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\?webhook=\d+$/)
  await dialog.getByRole('button', { name: 'Send a test' }).click()
  const steps = dialog.getByRole('list', { name: 'Steps of the test' })
  await expect(steps.getByText('It answered 204.')).toBeVisible()
  const verdict = await verifyDelivery(
    { method: 'POST', url, headers: came[0]!.headers, body: came[0]!.body },
    { secrets: [secret!], isNew: () => true },
  )
  expect(verdict.ok).toBe(true)
  await expectAccessible(page)
  status = 500
  await dialog.getByRole('button', { name: 'Send a test' }).click()
  await expect(steps.getByText('It answered 500.')).toBeVisible()

  // A person settles an alert: the worker tells of it, fails, and tells again when somebody says so.
  await house.pool.query(
    `insert into alerts (fleet_id, id, kind, subject, due_at, opened_at, facts)
     values ($1, $2, 'limit-passed', 'walk', now(), now(), '{"title":"A limit is passed","detail":""}')`,
    [fleets[0]!.id, ALERT],
  )
  const settled = await page.request.post('/api/trpc/alerts.resolve', {
    data: { id: ALERT },
    headers: { origin: house.url },
  })
  expect(settled.status()).toBe(200)
  const delivery = dialog.getByRole('listitem').filter({ hasText: 'Alert resolved' })
  await expect(delivery.getByText('It answered 500. Next try')).toBeVisible()
  await expectAccessible(page)
  status = 204
  await delivery.getByRole('button', { name: /^Send again: Alert resolved/ }).click()
  await expect(delivery.getByText('Delivered')).toBeVisible()
  expect(JSON.parse(came.at(-1)!.body.toString())).toMatchObject({
    event: 'alert.resolved',
    alert: { id: String(ALERT), title: 'A limit is passed' },
  })
  await page.reload()
  await expect(delivery.getByText('Delivered')).toBeVisible()
  await dialog.getByRole('button', { name: 'Change the secret' }).click()
  await expect(dialog.getByText('deliveries are signed with both')).toBeVisible()
  await dialog.getByRole('button', { name: 'Remove' }).click()
  await dialog.getByRole('button', { name: 'Remove it and what waits for it' }).click()
  await expect(page.getByText('No system is told yet')).toBeVisible()
  receiver.close()
})
