import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from '../property.testing.ts'
import { FIX_TIMES_END, fixInstant, fixMs, fixSecond } from './fix-time.ts'
import { testDatabase } from './testing.ts'

const { pool } = await testDatabase()

test('an instant is its second and its milliseconds, here as in the database', async () => {
  const instants = fc.sample(fc.integer({ min: Date.UTC(1980, 0, 6), max: FIX_TIMES_END - 1 }), 500)
  instants.push(Date.UTC(2000, 0, 1) - 1, Date.UTC(2000, 0, 1), FIX_TIMES_END - 1)
  for (const at of instants) assert.equal(fixInstant(fixSecond(at), fixMs(at)), at)
  const { rows } = await pool.query<{ second: number; at: number }>(
    `select fix_second(t) as second, fix_at(s, m) as at
     from unnest($1::timestamptz[], $2::int[], $3::smallint[]) with ordinality as k(t, s, m, i) order by i`,
    [instants.map((at) => new Date(at)), instants.map(fixSecond), instants.map(fixMs)],
  )
  assert.deepEqual(
    rows.map(({ second, at }) => [second, at]),
    instants.map((at) => [fixSecond(at), at]),
  )
})
