import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changesOf, withNames } from './changes.ts'

const json = (value: unknown) => JSON.stringify(value)

describe('what a deed changed', () => {
  test('is told field by field, and what stayed is left out', () => {
    assert.deepEqual(
      changesOf(json({ role: 'viewer', driverId: 7 }), json({ role: 'driver', driverId: 7 })),
      [{ field: 'role', before: 'viewer', after: 'driver' }],
    )
  })
  test('is what was made, or what is gone', () => {
    assert.deepEqual(changesOf(null, json({ name: 'Unit 7', open: false, note: '', identity: null })), [
      { field: 'name', before: null, after: 'Unit 7' },
      { field: 'open', before: null, after: 'false' },
    ])
    assert.deepEqual(changesOf(json({ name: 'Unit 7' }), null), [
      { field: 'name', before: 'Unit 7', after: null },
    ])
    assert.deepEqual(changesOf(null, null), [])
  })
  test('tells what was emptied, and nothing of fields that the deed does not speak of', () => {
    assert.deepEqual(changesOf(json({ driverId: 7, role: 'driver' }), json({ driverId: null })), [
      { field: 'driverId', before: '7', after: null },
    ])
  })
  test('reaches into fields, and lists and bare values stand as they are', () => {
    assert.deepEqual(
      changesOf(json({ reach: { kind: 'fleet' } }), json({ reach: { kind: 'device', id: 3 } })),
      [
        { field: 'reach.kind', before: 'fleet', after: 'device' },
        { field: 'reach.id', before: null, after: '3' },
      ],
    )
    assert.deepEqual(changesOf(json(['token']), json(['session', 'token'])), [
      { field: 'value', before: '["token"]', after: '["session","token"]' },
    ])
  })
})

test('ids stand behind the names of what they are ids of; those without a name stand as they are', () => {
  const names = { 'vehicleId 17': 'Unit 4', 'vehicleIds 17': 'Unit 4' }
  assert.equal(withNames('vehicleId', '17', names), 'Unit 4 (17)')
  assert.equal(withNames('driver.vehicleId', '17', names), 'Unit 4 (17)')
  assert.equal(withNames('driverId', '17', names), '17')
  assert.equal(withNames('reach.vehicleIds', '[17,18]', names), 'Unit 4 (17), 18')
  assert.equal(withNames('reach.vehicleIds', '[18]', names), '[18]')
  assert.equal(withNames('why', '[not a list]', names), '[not a list]')
})
