import { expect, test } from './fixtures.ts'

const PAYLOADS = [
  '<img src=x onerror="window.hit=1">',
  '"><svg onload="window.hit=1">',
  '<script>window.hit=1</script>',
  'javascript:window.hit=1',
]

test('attack 14: a script in a name is text on the map, in lists, on paper and in alerts', async ({
  page,
  signIn,
  house,
}) => {
  const { fleets } = await house.seed('two-fleets')
  const fleetId = fleets[0]!.id
  const all = PAYLOADS.join(' ')
  const { rows } = await house.pool.query<{ id: number }>(
    `update drivers set name = $2 || ' ' || employee_number where fleet_id = $1 returning id`,
    [fleetId, all],
  )
  await house.pool.query(
    `update vehicles set unit_number = $2 || ' ' || unit_number, make_model = $2, plate = $2 where fleet_id = $1`,
    [fleetId, all],
  )
  await house.pool.query('update home_terminals set name = $2 || id where fleet_id = $1', [fleetId, all])
  await house.pool.query('update devices set name = $2 || id where fleet_id = $1', [fleetId, all])
  await house.pool.query(
    `insert into duty_events (fleet_id, driver_id, id, at, status, origin, place, annotation, recorded_at, recorded_by)
     select $1, $2, 1, now() - interval '1 hour', 'ON', 'dispatcher', $3, $3, now(), $3`,
    [fleetId, rows[0]!.id, all],
  )
  // The worker resolves the driver's as soon as it looks at the driver: there is no such limit. The truck's stays.
  await house.pool.query(
    `insert into alerts (fleet_id, id, kind, subject, driver_id, vehicle_id, due_at, opened_at, facts)
     select $1, i, 'limit-passed', 'attack ' || i, case i when 1 then $2::bigint end, case i when 2 then v.id end, now(), now(),
       jsonb_build_object('title', $3::text, 'detail', $3::text)
     from generate_series(1, 2) i, (select id from vehicles where fleet_id = $1 order by id limit 1) v`,
    [fleetId, rows[0]!.id, all],
  )
  const refused: string[] = []
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) refused.push(message.text())
  })
  await signIn(fleets[0]!.login)
  const { rows: vehicles } = await house.pool.query<{ id: number }>(
    'select vehicle_id as id from latest_positions where fleet_id = $1 limit 1',
    [fleetId],
  )
  const until = new Date().toISOString().slice(0, 10)
  const from = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10)
  for (const path of [
    `/map?truck=${vehicles[0]!.id}`,
    '/drivers',
    `/drivers/${rows[0]!.id}`,
    '/alerts',
    `/print/driver-days?driver=${rows[0]!.id}&from=${from}&until=${until}`,
    `/print/violations?from=${from}&until=${until}`,
  ]) {
    await page.goto(path)
    await expect(page.locator('body')).toContainText(
      path.startsWith('/print/violations') ? 'Violations' : PAYLOADS[0]!,
    )
    // Whoever hovers sees the tooltip of the truck.
    if (path.startsWith('/map')) {
      const map = (await page.locator('.leaflet-container').boundingBox())!
      for (let step = 0; step < 40; step++)
        await page.mouse.move(
          map.x + map.width / 2 + (step % 8) * 4 - 16,
          map.y + map.height / 2 + Math.floor(step / 8) * 4 - 8,
        )
    }
    expect(await page.evaluate(() => (window as { hit?: number }).hit), path).toBeUndefined()
    expect(await page.locator('img[src="x"], svg[onload]').count(), path).toBe(0)
    expect(await page.locator('a[href^="javascript:"]').count(), path).toBe(0)
  }
  // Nothing of ours is stopped by our own policy either.
  expect(refused).toEqual([])
})

test('attack 14: a script that got into a page all the same is stopped by the policy', async ({
  page,
  signIn,
  house,
}) => {
  await signIn(house.demo.login)
  await page.goto('/alerts')
  const outcome = await page.evaluate(async () => {
    const box = document.createElement('div')
    document.body.append(box)
    const stopped = new Promise<string>((resolve) =>
      document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective), {
        once: true,
      }),
    )
    box.innerHTML = '<img src="data:image/png;base64,AAAA" onerror="window.hit=1">'
    return { stopped: await stopped, hit: (window as { hit?: number }).hit }
  })
  expect(outcome).toEqual({ stopped: 'script-src-attr', hit: undefined })
})
