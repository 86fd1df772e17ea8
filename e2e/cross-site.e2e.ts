import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, newPerson, test } from './fixtures.ts'

test('attack 20: a page of another site posts, fetches and links, and nothing changes', async ({
  page,
  context,
  signIn,
  house,
}) => {
  const { login, userId } = await newPerson(house, 'owner')
  await signIn(login)
  const [fleet] = house.demo.fleets
  const state = async () => {
    const { rows } = await house.pool.query<{ state: string }>(
      `select f.device_auth::text || ' ' || (select string_agg(role, ',' order by user_id) from fleet_members where fleet_id = f.id)
         || ' ' || (select count(*) from sessions where user_id = $2) as state from fleets f where f.id = $1`,
      [fleet!.id, userId],
    )
    return rows[0]!.state
  }
  const before = await state()
  expect((await context.cookies()).map(({ sameSite, httpOnly }) => [sameSite, httpOnly])).toContainEqual([
    'Lax',
    true,
  ])

  const at = (procedure: string) => `${house.url}/api/trpc/${procedure}`
  // The whole body is the name of a field: as text/plain it leaves the browser as JSON, but for a sign behind it.
  const form = (id: string, type: string, procedure: string, body: string) =>
    `<form id="${id}" method="post" enctype="${type}" action="${at(procedure)}"><input name='${body}' value=''></form>`
  const evil = createServer((_, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(
      form('text', 'text/plain', 'deviceSignIn.setMethods', '{"methods":["token"],"a":"') +
        form('encoded', 'application/x-www-form-urlencoded', 'account.signOutEverywhere', '{}') +
        form('files', 'multipart/form-data', 'account.signOutEverywhere', '{}'),
    )
  })
  await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve))
  // A name of another site that leads to the same machine.
  const site = `http://localhost:${(evil.address() as AddressInfo).port}/`
  const isOurs = (url: string | URL) => String(url).startsWith(at(''))

  for (const id of ['text', 'encoded', 'files']) {
    // A page for each: the answer to the form takes its place.
    const tab = await context.newPage()
    await tab.goto(site)
    const [response] = await Promise.all([
      tab.waitForResponse((one) => isOurs(one.url())),
      tab.locator(`#${id}`).evaluate((one: HTMLFormElement) => one.submit()),
    ])
    expect(response.status(), id).toBe(403)
    const { cookie, origin } = await response.request().allHeaders()
    expect([cookie, origin], id).toEqual([undefined, new URL(site).origin])
    await tab.close()
  }

  // The browser keeps the answer from the page that asked; that the request went out is what counts.
  await page.goto(site)
  const [sent] = await Promise.all([
    page.waitForRequest((request) => request.url() === at('deviceSignIn.setMethods')),
    page.evaluate(
      (url) =>
        fetch(url, {
          method: 'POST',
          mode: 'no-cors',
          credentials: 'include',
          headers: { 'content-type': 'text/plain' },
          body: '{"methods":["token"]}',
        }).catch(() => undefined),
      at('deviceSignIn.setMethods'),
    ),
  ])
  expect(sent.method()).toBe('POST')

  // JSON needs leave first, and nobody gives it.
  const refused = await page.evaluate(
    (url) =>
      fetch(url, {
        method: 'POST',
        credentials: 'include',
        headers: { 'content-type': 'application/json' },
        body: '{"methods":["token"]}',
      }).then(
        () => 'answered',
        (error: Error) => error.name,
      ),
    at('deviceSignIn.setMethods'),
  )
  expect(refused).toBe('TypeError')

  // A link is the one way by which the cookie comes along; it changes nothing.
  const tab = await context.newPage()
  await tab.goto(site)
  const [linked] = await Promise.all([
    tab.waitForResponse((one) => isOurs(one.url())),
    tab.evaluate(
      (url) => {
        location.href = url
      },
      `${at('account.signOutEverywhere')}?input=%7B%7D`,
    ),
  ])
  expect(linked.status()).toBe(403)
  expect((await linked.request().allHeaders()).cookie).toBeTruthy()
  await tab.close()

  expect(await state()).toBe(before)
  await page.goto('/account')
  await expect(page).toHaveURL(/\/account$/)
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  evil.closeAllConnections()
  evil.close()
})
