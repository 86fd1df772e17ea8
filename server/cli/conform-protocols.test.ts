import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const directory = mkdtempSync(path.join(os.tmpdir(), 'restline-vectors-'))
after(() => rmSync(directory, { recursive: true, force: true }))

interface Said {
  code: number
  lines: string[]
}

const conform = (kind: string, file: string) =>
  new Promise<Said>((resolve) => {
    const child = execFile(
      process.execPath,
      ['--import', 'tsx', 'server/cli/conform.ts', kind, file],
      { cwd: root },
      (_, stdout) => resolve({ code: child.exitCode!, lines: stdout.trim().split('\n') }),
    )
  })

interface Vector {
  id: string
  input: object
  expect: { positions: { lat: number | null }[] }
}

/** Ours, made with an encoder of their own. */
const fileOf = (kind: string) => path.join(root, `server/ingest/testdata/doors/${kind}.json`)
const vectorsOf = (kind: string): Vector[] => JSON.parse(readFileSync(fileOf(kind), 'utf8'))

describe('what devices say at the real doors, what they are answered and what is kept', () => {
  for (const kind of ['teltonika', 'osmand', 'owntracks']) {
    test(`${kind}: every case holds`, async () => {
      const { code, lines } = await conform(kind, fileOf(kind))
      assert.deepEqual([code, lines], [0, [`${vectorsOf(kind).length} passed, 0 failed`]])
    })
  }

  test('a case that is not so fails with a block of its own; a file that is none is named', async () => {
    const cases = vectorsOf('osmand').filter(({ expect }) => expect.positions.length === 1)
    const [first, second, third, right] = cases as [Vector, Vector, Vector, Vector]
    const file = path.join(directory, 'wrong.json')
    const moved = { ...first.expect.positions[0]!, lat: first.expect.positions[0]!.lat! + 0.00001 }
    writeFileSync(
      file,
      JSON.stringify([
        { ...first, expect: { ...first.expect, positions: [moved] } },
        { ...second, expect: { ...second.expect, status: 503 } },
        { ...third, expect: { ...third.expect, positions: [] } },
        right,
      ]),
    )
    const { code, lines } = await conform('osmand', file)
    assert.equal(code, 1)
    assert.deepEqual(
      lines.filter((line) => !line.startsWith('  ')).map((line) => line.split('  ')[0]),
      [first.id, second.id, third.id, '1 passed, 3 failed'],
    )
    assert.match(lines[1]!, /lat: expected 60\.00001, came 60$/)
    writeFileSync(file, '[{"id":"x","input":{"method":"GET"}}]')
    assert.equal((await conform('osmand', file)).code, 2)
  })

  test('who is unknown in one case may report in another, in any order', async () => {
    const file = path.join(directory, 'strangers.json')
    const check = async (kind: string, cases: readonly object[]) => {
      writeFileSync(file, JSON.stringify(cases.map((one, index) => ({ id: `${index}`, note: null, ...one }))))
      assert.deepEqual(await conform(kind, file), { code: 0, lines: [`${cases.length} passed, 0 failed`] })
    }
    const imei = '999999999999999'
    const hex = `000f${Buffer.from(imei).toString('hex')}`
    const login = { kind: 'login', input: { hex }, expect: { imei, positions: [] } }
    const stream = { kind: 'stream', input: { imei, chunks: [hex] }, expect: { replyHexInOrder: ['01'] } }
    const refused = { ...stream, note: 'unknown IMEI', expect: { replyHexInOrder: ['00'] } }
    await check('teltonika', [stream, login, login, refused, stream])

    const ask = (body: object, status: number, note: string | null) => ({
      note,
      input: { method: 'POST', path: '/', contentType: 'application/json', body: JSON.stringify(body) },
      expect: { status, deviceId: 'kim', positions: null },
    })
    const body = { device_id: 'kim', location: { timestamp: '2026-01-05T08:00:00.000Z' } }
    const [known, unknown] = [ask(body, 200, null), ask(body, 404, 'unknown `device_id`')]
    await check('osmand', [unknown, known, unknown, known])
  })
})
