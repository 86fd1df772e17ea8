import * as fs from 'node:fs/promises'
import type { Page } from '@playwright/test'
import { newId } from '../server/db/id.ts'
import { expect, expectAccessible, type House, newPerson, severable, test } from './fixtures.ts'

/** The walker's export in a state that takes long, or a break, to come to. */
async function put(house: House, userId: string, fileName: string, state: string, more = '') {
  const id = newId()
  await house.pool.query(
    `insert into exports (fleet_id, id, user_id, report, file_name, state, due_at, asked_at, rows, bytes, ready_at, expires_at, problem)
     values ($1, $2, $3, '{"kind":"violations","from":"2026-11-20","until":"2026-11-24"}', $4, $5, now() + interval '1 hour', now(),
       12000, 3400000, now(), now() + interval '1 day', $6)`,
    [house.demo.fleets[0]!.id, id, userId, fileName, state, more || null],
  )
  return id
}

// What seems to be made holds up what is.
test.afterEach(async ({ house }) => void (await house.pool.query('delete from exports')))

const fileOf = (page: Page, name: string) =>
  page.getByRole('list', { name: 'Files' }).getByRole('listitem').filter({ hasText: name })
const noWiderThanScreen = async (page: Page) =>
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0)

test('an export by keyboard: asked for, made in the background, downloaded once by itself, deleted', async ({
  page,
  house,
  signIn,
}) => {
  const { login } = await newPerson(house)
  await signIn(login)
  await page.goto('/export?what=violations')
  await expect(page.getByText('No files yet')).toBeVisible()
  await expectAccessible(page)
  const downloads: string[] = []
  page.on('download', (download) => downloads.push(download.suggestedFilename()))
  const first = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export CSV' }).focus()
  await page.keyboard.press('Enter')
  const download = await first
  expect(download.suggestedFilename()).toMatch(/^violations-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv$/)
  expect(await fs.readFile(await download.path(), 'utf8')).toContain('us.drive-11')
  const file = fileOf(page, 'violations-')
  await expect(file).toContainText('Ready')
  await expect(file).toContainText(/\d+ rows?, [\d.]+ (B|kB)/)
  await expect(page.getByRole('status').filter({ hasText: /is ready: .*The download begins/ })).toHaveCount(1)
  await expectAccessible(page)

  // Whoever comes back finds it there, and it doesn't begin again.
  await page.reload()
  await expect(file).toContainText('Ready')
  expect(downloads).toHaveLength(1)
  const again = page.waitForEvent('download')
  await file.getByRole('link', { name: /^Download/ }).click()
  expect((await again).suggestedFilename()).toBe(download.suggestedFilename())
  await file.getByRole('button', { name: /^Delete/ }).focus()
  await page.keyboard.press('Enter')
  await expect(page.getByText('No files yet')).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Your files' })).toBeFocused()
})

test('what waits, is being made, failed and expired says so, on a phone too; one is cancelled, one made again', async ({
  page,
  house,
  signIn,
}) => {
  const { login, userId } = await newPerson(house)
  await signIn(login)
  await put(house, userId, 'waiting.csv', 'queued')
  const running = await put(house, userId, 'running.csv', 'running')
  await put(house, userId, 'failed.csv', 'failed', 'The file would become too large.')
  await put(house, userId, 'old.csv', 'expired')
  await page.goto('/export?what=violations')
  await expect(fileOf(page, 'waiting.csv')).toContainText('Waiting')
  await expect(fileOf(page, 'running.csv')).toContainText('12,000 rows so far, 3.4 MB')
  await expect(fileOf(page, 'failed.csv')).toContainText('The file would become too large.')
  await expect(fileOf(page, 'old.csv')).toContainText('Expired')
  await expect(fileOf(page, 'old.csv').getByRole('link')).toHaveCount(0)
  await expectAccessible(page)
  await page.setViewportSize({ width: 390, height: 844 })
  await noWiderThanScreen(page)
  await expectAccessible(page)
  await house.pool.query('update exports set rows = 13000 where id = $1', [running])
  await expect(fileOf(page, 'running.csv')).toContainText('13,000 rows so far')
  await fileOf(page, 'waiting.csv').getByRole('button', { name: 'Cancel' }).click()
  await expect(fileOf(page, 'waiting.csv')).toHaveCount(0)
  const download = page.waitForEvent('download')
  await fileOf(page, 'failed.csv').getByRole('button', { name: 'Again' }).click()
  expect((await download).suggestedFilename()).toBe('violations-2026-11-20-2026-11-24.csv')
})

test('without a connection what is known stays, and says that it may be old; back, it goes on', async ({
  page,
  house,
  signIn,
}) => {
  const { login, userId } = await newPerson(house)
  await signIn(login)
  const way = await severable(house.url)
  const running = await put(house, userId, 'running.csv', 'running')
  await page.goto(`${way.url}/export?what=violations`)
  await expect(fileOf(page, 'running.csv')).toContainText('12,000 rows so far')
  await way.cut()
  await expect(page.getByText('The connection is lost. What is being made goes on')).toBeVisible({
    timeout: 30_000,
  })
  await page.getByRole('button', { name: 'Export CSV' }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'The server can’t be reached' })).toBeVisible()
  await house.pool.query('update exports set rows = 14000 where id = $1', [running])
  await way.restore()
  await expect(fileOf(page, 'running.csv')).toContainText('14,000 rows so far', { timeout: 30_000 })
  await expect(page.getByText('The connection is lost.')).toHaveCount(0)
  await way.cut()
})

test('a driver’s day goes with its button; somebody who may not export is told who may', async ({
  page,
  house,
  signIn,
}) => {
  const { rows } = await house.pool.query<{ id: number }>(
    `select id from drivers where fleet_id = $1 and name = 'Glenn Sorensen'`,
    [house.demo.fleets[0]!.id],
  )
  await signIn((await newPerson(house)).login)
  await page.goto(`/drivers/${rows[0]!.id}`)
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'CSV' }).click()
  expect((await download).suggestedFilename()).toMatch(/^glenn-sorensen-days-/)
  await page.context().clearCookies()
  await signIn((await newPerson(house, 'viewer')).login)
  await page.goto(`/drivers/${rows[0]!.id}`)
  await expect(page.getByRole('button', { name: 'CSV' })).toHaveAccessibleDescription(/This is for an owner/)
})
