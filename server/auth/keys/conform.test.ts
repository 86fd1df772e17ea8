import assert from 'node:assert/strict'
import { createPrivateKey, type JsonWebKey } from 'node:crypto'
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, mock, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { signData } from './algorithm.ts'
import { type AuthKind, conformAuth } from './conform.ts'

const TESTDATA = fileURLToPath(new URL('./testdata/', import.meta.url))
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'conform-auth-'))
after(() => fs.rmSync(directory, { recursive: true }))

/** Cases loose enough to be changed by a test. */
interface File {
  [key: string]: unknown
  cases: Record<string, unknown>[]
  enrolled: Record<string, unknown>[]
}

/** A file of testdata, changed and written to a place of its own. */
function changed(name: string, change: (file: File) => void): string {
  const file: File = JSON.parse(fs.readFileSync(path.join(TESTDATA, name), 'utf8'))
  change(file)
  const target = path.join(directory, `${Math.random()}.json`)
  fs.writeFileSync(target, JSON.stringify(file))
  return target
}

/** What it prints for a file, beside the tally. */
async function run(kind: AuthKind, file: string) {
  const printed: string[] = []
  const log = mock.method(console, 'log', (line: string) => printed.push(line))
  try {
    return { tally: await conformAuth(kind, [file]), printed: printed.join('\n') }
  } finally {
    log.mock.restore()
  }
}

const FILES: [AuthKind, string, number][] = [
  ['rfc9421', 'rfc9421-vectors.json', 6],
  ['rfc9421', 'rfc9421-more.json', 11],
  ['ssh-keys', 'ssh-keys.json', 17],
  ['device-signatures', 'device-signature-cases.json', 16],
]

describe('conformance of device authentication', () => {
  for (const [kind, name, count] of FILES) {
    test(`${name} passes`, async () => {
      const { tally, printed } = await run(kind, path.join(TESTDATA, name))
      assert.equal(printed, '')
      assert.deepEqual(tally, { passed: count, failed: 0 })
    })

    test(`every case of ${name} fails when it expects something else`, async () => {
      const other: Record<string, string> = {
        valid: 'invalid',
        invalid: 'valid',
        accept: 'reject',
        reject: 'accept',
      }
      const file = changed(name, ({ cases }) => {
        for (const one of cases) {
          one.expect = kind === 'device-signatures' ? 'scope_denied' : other[String(one.expect)]
        }
      })
      const { tally, printed } = await run(kind, file)
      assert.deepEqual(tally, { passed: 0, failed: count })
      assert.match(printed, /expected .*came /)
    })
  }

  test('a case that fails is printed with its id, what was expected and what came', async () => {
    const file = changed('device-signature-cases.json', ({ cases }) => {
      cases[0]!.expect = 'replayed'
      cases[1]!.signatureBase = 'something else'
    })
    const { tally, printed } = await run('device-signatures', file)
    assert.deepEqual(tally, { passed: 14, failed: 2 })
    assert.match(
      printed,
      /^ok-ed25519\n {2}expected replayed, came accept\nok-ecdsa-p256\n {2}signature base: expected "something else"\n/,
    )
  })

  test('what a case says of a key is compared, each field of it', async () => {
    const file = changed('ssh-keys.json', ({ cases }) => {
      cases[0]!.bits = 255
      cases[1]!.comment = 'other'
      cases[2]!.fingerprint = 'SHA256:no'
      cases[3]!.type = 'ssh-dss'
      cases[4]!.algorithm = 'ed25519'
      cases[8]!.reason = 'private_key'
    })
    assert.deepEqual((await run('ssh-keys', file)).tally, { passed: 11, failed: 6 })
  })

  test('the same nonce in two cases is a replay', async () => {
    const file = changed('device-signature-cases.json', ({ cases }) => {
      cases.push({ ...cases[0]!, id: 'again', expect: 'replayed' })
    })
    assert.deepEqual((await run('device-signatures', file)).tally, { passed: 17, failed: 0 })
  })

  test('a case may have a time, an origin and keys of its own', async () => {
    const file = changed('device-signature-cases.json', ({ cases, enrolled }) => {
      const [good] = cases
      cases.push({ ...good!, id: 'later', now: 1_764_000_301, expect: 'clock_skew' })
      cases.push({ ...good!, id: 'elsewhere', publicOrigin: 'https://other.example', expect: 'unauthorized' })
      cases.push({ ...good!, id: 'nobody', enrolled: [], expect: 'unauthorized' })
      const pending = { ...enrolled[0]!, status: 'pending', enrolledAt: 1_763_913_599 }
      cases.push({ ...good!, id: 'pending', enrolled: [pending], expect: 'unauthorized' })
      cases.push({ ...good!, id: 'again', expect: 'replayed' })
    })
    const { tally, printed } = await run('device-signatures', file)
    assert.equal(printed, '')
    assert.deepEqual(tally, { passed: 21, failed: 0 })
  })

  test('an algorithm other than the key has makes a signature invalid', async () => {
    const file = changed('rfc9421-vectors.json', ({ cases }) => {
      cases.push({ ...cases[3]!, id: 'other', algorithm: 'rsa-pss-sha512', expect: 'invalid' })
      cases.push({ ...cases[3]!, id: 'not so', algorithm: 'rsa-pss-sha512' })
    })
    const { tally, printed } = await run('rfc9421', file)
    assert.match(printed, /^not so\n {2}expected valid, came invalid \(wrong_algorithm\)$/)
    assert.deepEqual(tally, { passed: 7, failed: 1 })
  })

  test('a signature may stand beside others in its fields', async () => {
    const file = changed('rfc9421-vectors.json', ({ cases }) => {
      for (const one of cases) {
        one.signatureInput = `other=("@status");tag="x", ${one.signatureInput}`
        one.signature = `${one.signature}, other=:AAAA:`
      }
    })
    assert.deepEqual((await run('rfc9421', file)).tally, { passed: 6, failed: 0 })
  })

  test('a signature may cover another one', async () => {
    const file = changed('rfc9421-vectors.json', (vectors) => {
      const { keys } = vectors as unknown as { keys: Record<string, { privateJwk: JsonWebKey }> }
      const key = createPrivateKey({ key: keys['test-key-ecc-p256']!.privateJwk, format: 'jwk' })
      const base =
        '"signature";key="first": :AAAA:\n"@signature-params": ("signature";key="first");created=1618884473'
      const signature = signData('ecdsa-p256-sha256', key, Buffer.from(base))
      Object.assign(vectors.cases[1]!, {
        signatureBase: base,
        signatureInput: 'first=("@status"), sig-b24=("signature";key="first");created=1618884473',
        signature: `first=:AAAA:, sig-b24=:${signature.toString('base64')}:`,
      })
    })
    assert.deepEqual((await run('rfc9421', file)).tally, { passed: 6, failed: 0 })
  })

  test('a file that can not be read says which field', async () => {
    const cases: [AuthKind, string, (file: File) => void, RegExp][] = [
      [
        'rfc9421',
        'rfc9421-vectors.json',
        (file) => delete file.cases[2]!.signature,
        /json: cases\.2\.signature: /,
      ],
      [
        'rfc9421',
        'rfc9421-vectors.json',
        (file) => (file.cases[0]!.keyId = 'no'),
        /cases\.0\.keyId: there is no key/,
      ],
      ['rfc9421', 'rfc9421-vectors.json', (file) => delete file.keys, /json: keys: /],
      ['ssh-keys', 'ssh-keys.json', (file) => (file.cases[1]!.expect = 'maybe'), /json: cases\.1\.expect: /],
      ['device-signatures', 'device-signature-cases.json', (file) => (file.now = 'now'), /json: now: /],
      [
        'device-signatures',
        'device-signature-cases.json',
        (file) => (file.publicOrigin = 'x'),
        /json: publicOrigin: /,
      ],
      [
        'device-signatures',
        'device-signature-cases.json',
        (file) => (file.enrolled[1]!.publicKey = 'no'),
        /json: enrolled\.1\.publicKey: malformed/,
      ],
      [
        'device-signatures',
        'device-signature-cases.json',
        (file) => (file.enrolled[1]!.algorithm = 'ed25519'),
        /json: enrolled\.1\.algorithm: /,
      ],
      [
        'device-signatures',
        'device-signature-cases.json',
        (file) => (file.cases[3]!.request = {}),
        /json: cases\.3\.request\.method: /,
      ],
      [
        'device-signatures',
        'device-signature-cases.json',
        (file) => (file.cases[2]!.enrolled = [{ ...file.enrolled[0]!, publicKey: 'no' }]),
        /json: cases\.2\.enrolled\.0\.publicKey: malformed/,
      ],
    ]
    for (const [kind, name, change, message] of cases) {
      await assert.rejects(run(kind, changed(name, change)), { message })
    }
    const notJson = path.join(directory, 'not.json')
    fs.writeFileSync(notJson, '{')
    await assert.rejects(run('ssh-keys', notJson), /not\.json: /)
    await assert.rejects(run('ssh-keys', path.join(directory, 'none.json')), /none\.json/)
  })
})
