import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { corridors, findCorridor, lengthMeters, pointAt } from './corridors.ts'
import { distanceMeters } from './distance.ts'
import { routeAlong, routeBetween, routeTowns } from './route.ts'

describe('the road net', () => {
  test('ids are unique and each highway has at least two towns', () => {
    assert.equal(new Set(corridors.map((c) => c.id)).size, corridors.length)
    for (const corridor of corridors) assert.ok(corridor.towns.length >= 2, corridor.id)
  })

  test('neighbouring towns are near, and the road between them is hardly longer than the crow flies', () => {
    for (const corridor of corridors) {
      for (let i = 1; i < corridor.towns.length; i++) {
        const a = corridor.towns[i - 1]!
        const b = corridor.towns[i]!
        const crow = distanceMeters(a, b)
        const name = `${corridor.id} ${a.name} to ${b.name}`
        assert.ok(crow < 350_000, `${name}: ${crow}`)
        const road = b.meters - a.meters
        assert.ok(road >= crow * 0.999 && road < crow * 1.4, `${name}: ${road} for ${crow}`)
      }
    }
  })

  test('I-80 runs from New York to San Francisco by the towns it is known for', () => {
    const i80 = findCorridor('I-80')!
    const names = i80.towns.map((town) => town.name)
    assert.equal(names[0], 'New York City, NY')
    assert.equal(names.at(-1), 'San Francisco, CA')
    const order = ['Gary, IN', 'Des Moines, IA', 'Omaha, NE', 'Cheyenne, WY', 'Reno, NV']
    assert.deepEqual(
      names.filter((name) => order.includes(name)),
      order,
    )
    // The real one is 4,666 km; a line through its towns is a little shorter.
    assert.ok(lengthMeters(i80) > 4_300_000 && lengthMeters(i80) < 4_800_000)
  })

  test('a point moves steadily along a highway and stops at its ends', () => {
    const i80 = findCorridor('I-80')!
    for (let meters = 0; meters < 1_000_000; meters += 10_000) {
      const step = distanceMeters(pointAt(i80, meters), pointAt(i80, meters + 1_000))
      assert.ok(Math.abs(step - 1_000) < 60, `${step} at ${meters}`)
    }
    const end = pointAt(i80, 1e9)
    assert.deepEqual(
      { latitude: end.latitude, longitude: end.longitude },
      { latitude: i80.towns.at(-1)!.latitude, longitude: i80.towns.at(-1)!.longitude },
    )
    assert.ok(distanceMeters(pointAt(i80, -5), i80.towns[0]!) < 1)
  })

  test('highways that share a stretch share its line', () => {
    const between = (id: string, from: string, to: string) => {
      const corridor = findCorridor(id)!
      const town = (name: string) => corridor.towns.find((t) => t.name === name)!
      const middle = (town(from).meters + town(to).meters) / 2
      return pointAt(corridor, middle)
    }
    const a = between('I-80', 'Gary, IN', 'Michigan City, IN')
    const b = between('I-90', 'Gary, IN', 'Michigan City, IN')
    assert.ok(distanceMeters(a, b) < 1)
  })

  test('every town in North America can be reached from Chicago', () => {
    const american = new Set(
      corridors.filter((c) => c.network !== 'EU').flatMap((c) => c.towns.map((t) => t.name)),
    )
    for (const name of ['Seattle, WA', 'Miami, FL', 'Halifax, NS', 'Mexico City, MX', 'Vancouver, BC']) {
      assert.ok(american.has(name), name)
      assert.ok(routeBetween('Chicago, IL', name), name)
    }
  })
})

describe('a route', () => {
  test('joins highways without a gap', () => {
    const route = routeBetween('Chicago, IL', 'Denver, CO')!
    assert.equal(route.towns[0]!.name, 'Chicago, IL')
    assert.equal(route.towns.at(-1)!.name, 'Denver, CO')
    assert.ok(Math.abs(route.towns.at(-1)!.meters - route.line.lengthMeters) < 1)
    assert.ok(route.line.lengthMeters > 1_450_000 && route.line.lengthMeters < 1_700_000)
    const points = route.line.points
    for (let i = 1; i < points.length; i++)
      assert.ok(distanceMeters(points[i - 1]!, points[i]!) < 20_000, `gap at ${i}`)
    const there = routeAlong(route, route.line.lengthMeters / 2)
    assert.ok(there.headingDegrees > 200 && there.headingDegrees < 320)
  })

  test('is null where no highway leads', () => {
    assert.equal(routeBetween('Chicago, IL', 'Berlin, DE'), null)
    assert.equal(routeBetween('Chicago, IL', 'Nowhere, XX'), null)
    assert.ok(routeTowns().includes('Gary, IN'))
  })
})
