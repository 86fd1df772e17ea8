import type { Page } from '@playwright/test'
import { expect, expectAccessible, test } from './fixtures.ts'

const SENTENCE = '49 CFR 395.3(a)(3)(i)'
const answerOf = (page: Page) => page.getByRole('region', { name: 'Answer' })

/** The button says “Copied” for two seconds; what stays is on the clipboard. */
async function copyLink(page: Page): Promise<string> {
  const copied = () => page.evaluate(() => navigator.clipboard.readText())
  await page.evaluate(() => navigator.clipboard.writeText(''))
  await page.getByRole('button', { name: 'Copy link' }).click()
  await expect.poll(copied).toContain('/lab#')
  return await copied()
}

test('the lab: a sample, changed by keyboard until nothing is broken, and its link', async ({
  page,
  signIn,
  house,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await signIn(house.demo.login)
  await page.goto('/export')
  await page.getByRole('link', { name: 'Hours lab' }).click()
  const answer = answerOf(page)
  await expect(answer).toContainText('Nothing to judge yet')
  await expectAccessible(page)
  const clear = page.getByRole('button', { name: 'Clear' })
  await expect(clear).toBeDisabled()
  await expect(clear).toHaveAccessibleDescription('The log is empty already.')

  await page.getByRole('button', { name: '11 hours passed' }).click()
  await expect(answer).toContainText(SENTENCE)
  await expect(answer).toContainText('1 violation')
  await expect(answer).toContainText('11 h driving reached at 18:00')
  await expectAccessible(page)
  await expect(clear).toBeEnabled()

  // By keyboard: from the eleventh hour on, work in place of driving.
  const log = page.getByLabel('One event a line: local time and status')
  const time = page.getByRole('slider', { name: 'Time on Monday, March 2, 2026' })
  await time.focus()
  await page.keyboard.press('Home')
  for (let i = 0; i < 4; i++) await page.keyboard.press('PageDown')
  await expect(time).toHaveAttribute('aria-valuetext', /^11:00 CST: Driving begins/)
  for (let i = 0; i < 28; i++) await page.keyboard.press('ArrowRight')
  await expect(time).toHaveAttribute('aria-valuetext', /^18:00 CST: Driving for 7:00/)
  await page.keyboard.press('4')
  await expect(answer).toContainText('No violation')
  await expect(log).toHaveValue(/2026-03-02 18:00 ON\n2026-03-02 19:15 OFF$/)

  const link = await copyLink(page)
  const other = await context.newPage()
  await other.goto(link)
  await expect(answerOf(other)).toContainText('No violation')
  await expect(other.getByLabel('One event a line: local time and status')).toHaveValue(
    await log.inputValue(),
  )
  await other.close()

  // What a key has taken away comes back, also after a reload.
  await time.focus()
  await page.keyboard.press('Delete')
  await expect(answer).toContainText(SENTENCE)
  await page.keyboard.press('Control+z')
  await expect(answer).toContainText('No violation')
  await expect(page).toHaveURL(link)
  await page.reload()
  await expect(answer).toContainText('No violation')
})

test('the lab: circumstances, drawing by mouse, and a line that can’t be read', async ({
  page,
  signIn,
  house,
}) => {
  await signIn(house.demo.login)
  await page.goto('/lab')
  await page.getByRole('button', { name: '11 hours passed' }).click()
  const answer = answerOf(page)
  await expect(answer).toContainText(SENTENCE)

  // Adverse conditions allow two hours more.
  await page.getByText('Circumstances').click()
  const adverse = page.getByLabel('Adverse conditions met at')
  await adverse.fill('2026-03-02 14:30')
  await expect(answer).toContainText('No violation')
  await adverse.fill('2026-03-02 25:30')
  await expect(page.getByText('“25:30” is no time of day.')).toBeVisible()
  await expect(answer).toContainText('1 field can’t be read')
  await expectAccessible(page)
  await adverse.fill('')
  await expect(answer).toContainText(SENTENCE)

  // By mouse: off duty from 15:00 to 16:00, along the first row.
  const log = page.getByLabel('One event a line: local time and status')
  const time = page.getByRole('slider', { name: 'Time on Monday, March 2, 2026' })
  const box = (await time.boundingBox())!
  const x = (hours: number) => box.x + (box.width * hours) / 24
  const y = box.y + box.height / 8
  await page.mouse.move(x(15), y)
  await page.mouse.down()
  await page.mouse.move(x(15.6), y, { steps: 4 })
  await page.mouse.move(x(16.02), y, { steps: 4 })
  await expect(answer).toContainText('No violation')
  await page.mouse.up()
  await expect(log).toHaveValue(/2026-03-02 15:00 OFF\n2026-03-02 16:00 D\n/)
  await expect(answer).toContainText('No violation')

  await log.focus()
  await page.keyboard.press('Control+End')
  await page.keyboard.type('\n2026-03-02 20:00 DRVE')
  await expect(page.getByText(/^Line 10: “DRVE” is no status/)).toBeVisible()
  await expect(answer).toContainText('Not judged')
  await expect(answer).not.toContainText(SENTENCE)
  await expectAccessible(page)

  await page.getByLabel('Home terminal’s zone').fill('America/Chicagoo')
  await expect(page.getByText('No time zone is called “America/Chicagoo”.')).toBeVisible()
})

test('the lab: the address keeps the question, and one that holds none says so', async ({
  page,
  signIn,
  house,
}) => {
  await signIn(house.demo.login)
  await page.goto('/lab#nothing-that-could-be-read')
  await expect(page.getByRole('alert').filter({ hasText: 'This link can’t be read' })).toBeVisible()
  await expectAccessible(page)
  await page.getByRole('button', { name: '11 hours passed' }).click()
  await expect(page.getByText('This link can’t be read')).toHaveCount(0)
  await expect(page).toHaveURL(/\/lab#eyJ/)
  const link = page.url()
  // The room's own link leads to where one is.
  await page.getByRole('link', { name: 'Hours lab' }).click()
  await page.getByRole('link', { name: 'Export' }).click()
  await expect(page).toHaveURL(/\/export$/)
  await page.goBack()
  await expect(page).toHaveURL(link)
  await expect(answerOf(page)).toContainText(SENTENCE)
})

test('the lab: European rows, and a log under the rules of another country', async ({
  page,
  signIn,
  house,
}) => {
  await signIn(house.demo.login)
  await page.goto('/lab')
  await page.getByRole('button', { name: 'EU day with a reduced rest' }).click()
  const answer = answerOf(page)
  await expect(answer).toContainText('European Union')
  await expect(answer).toContainText('No violation')
  await expect(page.getByRole('img', { name: /06:00 other work for 15 minutes/ })).toBeVisible()
  await page
    .getByLabel('Rules', { exact: true })
    .selectOption({ label: 'United States, property, 70 h / 8 days' })
  await expect(answer).toContainText('Line 1: ')
  await page.getByRole('button', { name: 'Use the statuses of these rules' }).click()
  await expect(answer).toContainText(/violation/i)
  await expect(page.getByLabel('One event a line: local time and status')).toHaveValue(/ 06:15 D\n/)

  await page.setViewportSize({ width: 390, height: 800 })
  const bar = page.getByRole('navigation', { name: 'Pages' })
  await expect(bar.getByRole('link')).toHaveCount(4)
  await bar.getByRole('button', { name: 'More pages, now Hours lab' }).press('Enter')
  await expect(page.getByRole('menuitem')).toHaveText(['Devices', 'Export', 'Hours lab'])
  await page.keyboard.press('Escape')
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
  expect(await page.locator('main').evaluate((main) => main.scrollWidth)).toBe(390)
  await expectAccessible(page)
})

test('the lab: a plan by keyboard, and in the link', async ({ page, signIn, house, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await signIn(house.demo.login)
  await page.goto('/lab')
  await page.getByRole('button', { name: 'Split sleeper 7/3' }).press('Enter')
  const answer = answerOf(page)
  await expect(answer).toContainText('No violation')

  // What comes next, and a plan held against the rules.
  await answer.getByText('What comes next').press('Enter')
  await expect(answer).toContainText('Which rest to take')
  await expectAccessible(page)
  const plan = answer.getByLabel('A plan from here on, such as D 4h, ON 1h, D 6h')
  await plan.focus()
  await page.keyboard.type('D 1h, ON 1h, D 12h')
  await expect(answer).toContainText('Not legal, done at')
  await plan.fill('D 1h')
  await expect(answer).toContainText(/(?<!Not l)[Ll]egal, done at/)
  await plan.fill('D 1h, ON 1h, D 12h')
  const link = await copyLink(page)
  const other = await context.newPage()
  await other.goto(link)
  await expect(answerOf(other)).toContainText('Not legal, done at')
  await other.close()
})

test('the lab: unknown time by keyboard', async ({ page, signIn, house }) => {
  await signIn(house.demo.login)
  await page.goto('/lab')
  await page.getByRole('button', { name: 'Split sleeper 7/3' }).press('Enter')
  const answer = answerOf(page)
  await expect(answer).toContainText('No violation')

  // Unknown time, drawn with a key over the six hours from 06:15 on.
  const time = page.getByRole('slider', { name: 'Time on Monday, March 2, 2026' })
  await time.focus()
  await page.keyboard.press('Home')
  for (let i = 0; i < 2; i++) await page.keyboard.press('PageDown')
  await page.keyboard.press('u')
  await expect(page.getByLabel('One event a line: local time and status')).toHaveValue(
    /2026-03-02 06:15 UNKNOWN\n/,
  )
  await expect(answer).toContainText('No violation proven')
  await expect(answer).toContainText('Clocks, from the least to the most')
  await expect(answer).toContainText(/of 11 h · /)
  await expect(page.getByRole('img', { name: /06:15 unknown for 5 hours/ })).toBeVisible()
  await expectAccessible(page)
  await page.keyboard.press('Control+z')
  await expect(answer).toContainText('What comes next')
})

test('the lab: unknown time by mouse, and across a border that the drawing shows', async ({
  page,
  signIn,
  house,
}) => {
  await signIn(house.demo.login)
  await page.goto('/lab')
  await page.getByRole('button', { name: '11 hours passed' }).click()
  const answer = answerOf(page)
  await expect(answer).toContainText(SENTENCE)

  // Along the last row, from 12:00 to 14:00, and a little back.
  const log = page.getByLabel('One event a line: local time and status')
  const time = page.getByRole('slider', { name: 'Time on Monday, March 2, 2026' })
  const box = (await time.boundingBox())!
  const x = (hours: number) => box.x + (box.width * hours) / 24
  const y = box.y + box.height * 0.9
  await page.mouse.move(x(12), y)
  await page.mouse.down()
  await page.mouse.move(x(14.5), y, { steps: 4 })
  await page.mouse.move(x(14.02), y, { steps: 4 })
  await expect(answer).toContainText('No violation proven')
  await page.mouse.up()
  await expect(log).toHaveValue(/2026-03-02 12:00 UNKNOWN\n2026-03-02 14:00 D\n/)
  await expect(answer).toContainText('1 possible violation')
  await expect(page.getByRole('img', { name: /12:00 unknown for 2 hours/ })).toBeVisible()

  // A border in the gap: both answers, and a mark with its label in the drawing.
  await page.getByRole('button', { name: 'Rules change at a border' }).click()
  await page.getByLabel('From', { exact: true }).fill('2026-03-02T13:00')
  await expect(answer).toContainText('Canada south of 60°, cycle 1')
  await expect(answer).toContainText('No violation possible')
  await expect(answer).toContainText('Had the rules not changed')
  await expect(answer).toContainText('perhaps 11-hour driving limit')
  const label = page.getByText('13:00 United States → Canada south of 60°')
  await expect(label).toBeVisible()
  await expect(
    page.getByRole('img', { name: /At 13:00 the rules change: Canada south of 60°, cycle 1/ }),
  ).toBeVisible()
  for (const width of [390, 1440]) {
    await page.setViewportSize({ width, height: 900 })
    await label.scrollIntoViewIfNeeded()
    await expect(label).toBeVisible()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
  }
  // On paper and in the dark it is there too.
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
  await expect(label).toBeVisible()
  await page.emulateMedia({ media: 'screen', colorScheme: 'dark' })
  await expectAccessible(page)
})

test('the lab: a border by keyboard, and both answers', async ({ page, signIn, house }) => {
  await signIn(house.demo.login)
  await page.goto('/lab')
  await page.getByRole('button', { name: 'Split sleeper 7/3' }).press('Enter')
  const answer = answerOf(page)
  await expect(answer).toContainText('No violation')
  await page.getByRole('button', { name: 'Rules change at a border' }).press('Enter')
  await expect(page.getByText('Say when the rules change.')).toBeVisible()
  await expect(answer).toContainText('1 field can’t be read')
  await page.getByLabel('From', { exact: true }).fill('2026-03-03T03:00')
  await expect(answer).toContainText('Canada south of 60°, cycle 1')
  await expect(answer).toContainText('Had the rules not changed')
  await expect(answer).toContainText('United States, property, 70 h / 8 days')
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Take change 1 away' }).press('Enter')
  await expect(answer).not.toContainText('Had the rules not changed')
})
