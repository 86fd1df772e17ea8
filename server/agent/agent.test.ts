import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { enrolKey } from '../auth/device-keys.ts'
import { makeFleet, startInstance } from '../auth/doors.testing.ts'
import { VerifyingKey } from '../auth/keys/algorithm.ts'
import { parseSshKeyLine } from '../auth/keys/ssh-key-line.ts'
import { testDatabase } from '../db/testing.ts'
import { until } from '../ingest/doors.testing.ts'
import type { DeviceClient } from './client.ts'
import { Journal } from './journal.ts'
import { readLine, readSentence } from './nmea.ts'
import { drain } from './sender.ts'
import { signerOf } from './signer.ts'

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'agent-'))
after(() => fs.rmSync(directory, { recursive: true }))

function sshKey(name: string, ...type: string[]) {
  const file = path.join(directory, name)
  execFileSync('ssh-keygen', ['-q', '-N', '', '-C', name, '-f', file, ...type])
  return { file, line: fs.readFileSync(`${file}.pub`, 'utf8') }
}

// Before all tests: the runner ends, and closes the database, once the tests that it knows are done.
const { url: databaseUrl, pool } = await testDatabase()
const instance = await startInstance(databaseUrl, { publicOrigin: 'its own' })
const fleet = await makeFleet(pool, 'acme', ['unit-1', 'unit-2'])
const script = path.join(directory, 'agent.mjs')
await build({
  entryPoints: [fileURLToPath(new URL('main.ts', import.meta.url))],
  outfile: script,
  bundle: true,
  platform: 'node',
  format: 'esm',
  logLevel: 'error',
})

describe('lines of a GPS receiver', () => {
  const withSum = (content: string) => {
    let sum = 0
    for (const character of content) sum ^= character.charCodeAt(0)
    return `$${content}*${sum.toString(16).toUpperCase().padStart(2, '0')}`
  }

  test('RMC says when, where, how fast and where to', () => {
    // 4807.038 N is 48 degrees and 7.038 minutes; 22.4 knots are 41.48 km/h.
    assert.deepEqual(readSentence('$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230326,003.1,W*63'), {
      fixTime: Date.UTC(2026, 2, 23, 12, 35, 19),
      latitude: 48.1173,
      longitude: 11.5166667,
      speedKph: 41.48,
      headingDegrees: 84.4,
    })
    const south = readSentence(withSum('GNRMC,235959.25,A,3351.5,S,15112.6,W,,,311226,,'))
    assert.deepEqual(south, {
      fixTime: Date.UTC(2026, 11, 31, 23, 59, 59, 250),
      latitude: -33.8583333,
      longitude: -151.21,
    })
  })

  test('nothing to send in what is no position, a fault in what is damaged', () => {
    assert.equal(readLine(withSum('GPRMC,123519,V,,,,,,,230326,,')), null)
    assert.equal(readLine(withSum('GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,')), null)
    assert.equal(readLine(''), null)
    for (const line of [
      '$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230326,003.1,W*68',
      '$GPRMC,123519,A,4807.038,N',
      withSum('GPRMC,123519,A,9907.038,N,01131.000,E,1,1,230326,,'),
      withSum('GPRMC,123519,A,4867.038,N,01131.000,E,1,1,230326,,'),
      withSum('GPRMC,253519,A,4807.038,N,01131.000,E,1,1,230326,,'),
      withSum('GPRMC,123519,A,4807.038,N,01131.000,E,1,1,310226,,'),
      '{"latitude":',
      '[]',
    ]) {
      const said = readLine(line)
      assert.ok(said !== null && 'fault' in said, line)
    }
    assert.deepEqual(readLine('{"device":"other","fixTime":1,"latitude":2,"longitude":3}'), {
      fixTime: 1,
      latitude: 2,
      longitude: 3,
    })
  })
})

describe('the journal', () => {
  test('keeps what was taken, in order, through a restart; half a line was never taken', () => {
    const place = path.join(directory, 'journal-a')
    const journal = new Journal(place)
    assert.equal(journal.append(['{"a":1}', '{"a":2}', '{"a":3}']), 3)
    journal.remove([journal.newest(3)[1]!])
    journal.close()
    const [file] = fs.readdirSync(place).filter((name) => name.endsWith('.log'))
    fs.appendFileSync(path.join(place, file!), '4 {"a":4')
    fs.appendFileSync(path.join(place, 'sent'), '3')
    const again = new Journal(place)
    assert.deepEqual(
      again.newest(9).map(({ text }) => text),
      ['{"a":3}', '{"a":1}'],
    )
    assert.equal(again.append(['{"a":5}']), 1)
    again.close()
    assert.deepEqual(
      new Journal(place).newest(2).map(({ text }) => text),
      ['{"a":5}', '{"a":3}'],
    )
  })

  test('is bounded, and keeps the oldest', () => {
    const journal = new Journal(path.join(directory, 'journal-b'), 25)
    assert.equal(journal.append(['{"a":1}', '{"a":2}', '{"a":3}', '{"a":4}']), 3)
    assert.equal(journal.append(['{"a":5}']), 0)
    assert.deepEqual(
      journal.newest(9).map(({ text }) => text),
      ['{"a":3}', '{"a":2}', '{"a":1}'],
    )
    journal.remove(journal.newest(1))
    assert.equal(journal.append(['{"a":6}']), 1)
    journal.close()
  })

  test('on a disk that is full takes what is whole on it and no more, goes on, and loses nothing of it', () => {
    const place = path.join(directory, 'journal-full')
    const filling = path.join(directory, 'fill.mts')
    const journal = fileURLToPath(new URL('journal.ts', import.meta.url))
    fs.writeFileSync(
      filling,
      `import { Journal } from ${JSON.stringify(journal)}
       const journal = new Journal(${JSON.stringify(place)})
       let taken = 0
       for (let i = 0; i < 500; i++) taken += journal.append([JSON.stringify({ a: i, more: 'x'.repeat(211) })])
       console.log(taken)`,
    )
    // No file of it may have more than 64 KiB: the system writes a part of the line that crosses that.
    const limited = `ulimit -f 64; exec ${process.execPath} --import tsx ${filling}`
    const taken = Number(execFileSync('bash', ['-c', limited], { encoding: 'utf8' }))
    assert.ok(taken > 200 && taken < 500, `${taken}`)
    const again = new Journal(place)
    assert.equal(again.size, taken)
    assert.equal(JSON.parse(again.newest(1)[0]!.text).a, taken - 1)
    again.close()
  })

  test('deletes its files when they are sent, and the list of what was sent with them', () => {
    const place = path.join(directory, 'journal-c')
    const journal = new Journal(place)
    for (let i = 0; i < 30; i++)
      journal.append(Array.from({ length: 500 }, (_, at) => `{"a":${i * 500 + at}}`))
    assert.ok(fs.readdirSync(place).length > 3)
    while (journal.size > 0) journal.remove(journal.newest(1_000))
    journal.close()
    assert.deepEqual(fs.readdirSync(place).length, 2)
    const again = new Journal(place)
    assert.equal(again.size, 0)
    again.append(['{"b":1}'])
    assert.deepEqual(again.newest(1)[0]!.sequence, 15_001)
  })
})

test('a line that is too large even alone holds up nothing that is behind it', async () => {
  const journal = new Journal(path.join(directory, 'journal-large'))
  journal.append(['{"a":1}', `{"a":"${'x'.repeat(2_000)}"}`, '{"a":3}'])
  const sent: number[] = []
  const client = {
    send: async (_: string, __: string, body: Buffer) => {
      const status = body.length > 1_000 ? 413 : 200
      if (status === 200) sent.push(...JSON.parse(body.toString()).map(({ a }: { a: number }) => a))
      return { status, text: '{"refused":[]}', headers: new Headers() }
    },
  }
  await drain({
    client: client as unknown as DeviceClient,
    journal,
    device: 'unit-1',
    signal: AbortSignal.timeout(30_000),
    pause: async () => assert.fail('it waits for what never comes'),
    onTrouble: () => undefined,
  })
  assert.deepEqual([sent, journal.size], [[3, 1], 0])
  journal.close()
})

describe('who signs', () => {
  const data = Buffer.from('what is signed')
  const check = async (line: string, signer: ReturnType<typeof signerOf>) => {
    const reading = parseSshKeyLine(line)
    assert.ok(reading.ok)
    assert.equal(signer.keyId, `acme/${reading.key.fingerprint}`)
    assert.equal(signer.algorithm, reading.key.algorithm)
    assert.ok(new VerifyingKey(signer.algorithm, reading.key.key).verify(data, await signer.sign(data)))
  }
  const TYPES = [['ed25519'], ['ecdsa', '-b', '256'], ['ecdsa', '-b', '384'], ['rsa', '-b', '2048']]

  test('a key file of ssh-keygen, of each kind', async () => {
    for (const [at, type] of TYPES.entries()) {
      const { file, line } = sshKey(`file-${at}`, '-t', ...type)
      await check(line, signerOf(file, 'acme', undefined))
    }
    const { file } = sshKey('secret', '-t', 'ed25519')
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'pass phrase', '-f', file])
    assert.throws(() => signerOf(file, 'acme', undefined), /passphrase.*ssh-agent/)
    assert.throws(() => signerOf(`${file}.pub`, 'acme', undefined), /SSH_AUTH_SOCK/)
  })

  test('an ssh-agent, which keeps the key', async () => {
    const socket = path.join(directory, 'agent.sock')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    try {
      await until('the ssh-agent', async () => fs.existsSync(socket))
      for (const [at, type] of TYPES.entries()) {
        const { file, line } = sshKey(`agent-${at}`, '-t', ...type)
        await assert.rejects(async () => signerOf(`${file}.pub`, 'acme', socket).sign(data), /is it added/)
        execFileSync('ssh-add', ['-q', file], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
        fs.rmSync(file)
        await check(line, signerOf(`${file}.pub`, 'acme', socket))
      }
    } finally {
      agent.kill()
      await once(agent, 'exit')
    }
  })
})

describe('the agent', () => {
  const start = (device: string, key: string, journal: string): ChildProcess =>
    spawn(
      process.execPath,
      [
        script,
        '--url',
        instance.url,
        '--fleet',
        'acme',
        '--device',
        device,
        '--key',
        key,
        '--journal',
        journal,
      ],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    )
  const enrol = async (at: number, line: string) =>
    await enrolKey(
      pool,
      fleet.id,
      { publicKey: line, scopes: ['ingest'], reach: { kind: 'device', deviceId: fleet.devices[at]!.id } },
      { name: 'Ada', now: Date.now() },
    )
  const stored = async (at: number) => {
    const { rows } = await pool.query<{ at: number; flags: number }>(
      `select fix_at(fix_second, fix_ms) as at, flags from positions
       where device_number = (select number from devices where id = $1) order by 1`,
      [fleet.devices[at]!.id],
    )
    return rows
  }
  const beginsAt = Date.now() - 3_600_000
  const lineOf = (i: number) =>
    JSON.stringify({ fixTime: beginsAt + i * 1_000, latitude: 41 + i / 10_000, longitude: -93, speedKph: 80 })

  test('sends what it reads, signed, and ends when all of it is stored', async () => {
    const { file, line } = sshKey('truck', '-t', 'ed25519')
    await enrol(0, line)
    const agent = start('unit-1', file, path.join(directory, 'sends'))
    let errors = ''
    agent.stderr!.on('data', (chunk) => (errors += chunk))
    agent.stdin!.end(Array.from({ length: 500 }, (_, i) => `${lineOf(i)}\n`).join(''))
    const [code] = await once(agent, 'exit')
    assert.deepEqual([code, errors], [0, ''])
    const rows = await stored(0)
    assert.equal(rows.length, 500)
    assert.ok(
      rows.every(({ flags }) => flags === 16),
      'all of them signed',
    )
  })

  test('killed at random 50 times it loses nothing and doubles nothing', async () => {
    const { file, line } = sshKey('killed', '-t', 'ed25519')
    await enrol(1, line)
    const journal = path.join(directory, 'killed-journal')
    const LINES = 3_000
    let fed = 0
    let kills = 0
    while (kills < 50) {
      const agent = start('unit-2', file, journal)
      let taken = 0
      let told = ''
      const firstTaken = new Promise<void>((resolve) => {
        agent.stdout!.on('data', (chunk) => {
          told += chunk
          taken = Number([...told.matchAll(/taken (\d+)\n/g)].at(-1)?.[1] ?? 0)
          if (taken > 0) resolve()
        })
      })
      agent.stdin!.on('error', () => undefined)
      let written = fed
      const feeding = setInterval(() => {
        for (let i = 0; i < 6 && written < LINES; i++) agent.stdin!.write(`${lineOf(written++)}\n`)
      }, 2)
      const exited = once(agent, 'exit')
      if (fed < LINES) await Promise.race([firstTaken, exited])
      const killing = setTimeout(() => agent.kill('SIGKILL'), randomInt(1, 120))
      const closed = once(agent, 'close')
      const [, signal] = await exited
      await closed
      clearInterval(feeding)
      clearTimeout(killing)
      // A feeder gives again what was not said to be taken.
      fed += taken
      if (signal === 'SIGKILL') kills++
      else assert.fail('it ended by itself')
    }
    const last = start('unit-2', file, journal)
    last.stdin!.end(
      Array.from({ length: Math.max(0, LINES - fed) }, (_, i) => `${lineOf(fed + i)}\n`).join(''),
    )
    const [code] = await once(last, 'exit')
    assert.equal(code, 0)
    const rows = await stored(1)
    assert.deepEqual(
      rows.map(({ at }) => (at - beginsAt) / 1_000),
      Array.from({ length: LINES }, (_, i) => i),
    )
  })
})
