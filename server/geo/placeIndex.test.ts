import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodePlaces, encodePlaces } from './placeIndex.ts'

const town = (name: string, region: string, latitude: number, longitude: number, population: number) => ({
  name,
  region,
  country: 'US',
  latitude,
  longitude,
  population,
})
const places = decodePlaces(
  encodePlaces([
    town('Gary', 'IN', 41.59337, -87.34643, 77_156),
    town('Ogden Dunes', 'IN', 41.6242, -87.1914, 1_110),
    town('Hill City', 'KS', 39.3647, -99.8421, 1_474),
    town('Perth', 'AU', -31.95, 115.86, 1_900_000),
  ]),
)

test('a place near a known city is told from it', () => {
  assert.equal(places.nearestTown(41.669, -87.244, 'km'), '12 km NE of Gary, IN')
  assert.equal(places.nearestTown(41.669, -87.244, 'mi'), '7 mi NE of Gary, IN')
})

test('in the middle of a town its name stands alone', () => {
  assert.equal(places.nearestTown(41.6, -87.35, 'km'), 'Gary, IN')
})

test('a village is named where nothing larger is near', () => {
  assert.equal(places.nearestTown(39.5, -99.84, 'km'), '15 km N of Hill City, KS')
})

test('the open sea has no town, nor has a continent that the index leaves out', () => {
  assert.equal(places.nearestTown(25, -60, 'km'), null)
  assert.equal(places.nearestTown(-31.95, 115.86, 'km'), null)
})

test('bytes that are no town index are refused', () => {
  assert.throws(() => decodePlaces(Buffer.alloc(64)), /not a town index/)
})
