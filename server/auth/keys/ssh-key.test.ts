import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import sshpk from 'sshpk'
import { kindOfEdwardsPoint } from './edwards-point.ts'
import { parseSshKeyBlob, type SshKeyFault, verifyingKeyOf } from './ssh-key.ts'
import { parseSshKeyLine } from './ssh-key-line.ts'
import { sshString } from './ssh-wire.ts'

const lineOf = (blob: Buffer, comment = 'truck') => {
  const type = blob.subarray(4, 4 + blob.readUInt32BE(0)).toString()
  return `${type} ${blob.toString('base64')} ${comment}`
}
const hex = (text: string) => Buffer.from(text, 'hex')
const ed25519 = (point: Buffer) => Buffer.concat([sshString('ssh-ed25519'), sshString(point)])
const ecdsa = (curve: string, point: Buffer) =>
  Buffer.concat([sshString(`ecdsa-sha2-${curve}`), sshString(curve), sshString(point)])
const mpint = (magnitude: Buffer) =>
  sshString(magnitude[0]! >= 0x80 ? Buffer.concat([Buffer.alloc(1), magnitude]) : magnitude)
const rsa = (exponent: Buffer, modulus: Buffer) =>
  Buffer.concat([sshString('ssh-rsa'), mpint(exponent), mpint(modulus)])
/** An odd number of so many bits: the parser can't tell it from a product of two primes, and needn't. */
function modulusOf(bits: number): Buffer {
  const modulus = Buffer.alloc(Math.ceil(bits / 8), 0x5b)
  const top = (bits - 1) % 8
  modulus[0] = 1 << top
  return modulus
}
const F4 = hex('010001')

const SOUND = parseSshKeyLine(
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDWFcF2499m2ylLsSrEwIicsLtu7uwncFNnINnmkYIma truck-0042@fleet',
)
assert.ok(SOUND.ok)
const LINE = lineOf(SOUND.key.blob)

function assertRefused(line: string, reason: SshKeyFault, what = line.slice(0, 60)): void {
  const came = parseSshKeyLine(line)
  assert.equal(came.ok ? 'accepted' : came.reason, reason, what)
}

function generated() {
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
  return {
    'ssh-ed25519': generateKeyPairSync('ed25519'),
    'ecdsa-sha2-nistp256': ec('P-256'),
    'ecdsa-sha2-nistp384': ec('P-384'),
    'ssh-rsa': generateKeyPairSync('rsa', { modulusLength: 2048 }),
  }
}

describe('SSH public keys', () => {
  test('agree with sshpk on type, bits, fingerprint and key', () => {
    for (let round = 0; round < 5; round++) {
      for (const [type, { publicKey }] of Object.entries(generated())) {
        const theirs = sshpk.parseKey(publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'pem')
        theirs.comment = 'a comment'
        const ours = parseSshKeyLine(theirs.toString('ssh'))
        assert.ok(ours.ok, type)
        assert.equal(ours.key.type, type)
        assert.equal(ours.key.bits, theirs.size)
        assert.equal(ours.key.fingerprint, theirs.fingerprint('sha256').toString())
        assert.equal(ours.key.comment, 'a comment')
        assert.ok(ours.key.key.equals(publicKey))
      }
    }
  })

  test('agree with ssh-keygen on bits, fingerprint and comment', (context) => {
    if (spawnSync('ssh-keygen', ['-?']).error) {
      return context.skip(
        'ssh-keygen (Debian: openssh-client) is not installed; ssh-keys.json holds what it printed',
      )
    }
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ssh-key-'))
    const kinds = [
      ['ed25519', '256'],
      ['ecdsa', '256'],
      ['ecdsa', '384'],
      ['rsa', '2048'],
      ['rsa', '3072'],
    ] as const
    for (const [type, bits] of kinds) {
      const file = path.join(directory, `${type}${bits}`)
      execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-C', 'yard 7, bay 2', '-f', file])
      const ours = parseSshKeyLine(fs.readFileSync(`${file}.pub`, 'utf8'))
      assert.ok(ours.ok)
      const printed = execFileSync('ssh-keygen', ['-lf', `${file}.pub`], { encoding: 'utf8' })
      assert.ok(printed.startsWith(`${ours.key.bits} ${ours.key.fingerprint} ${ours.key.comment} (`), printed)
      assertRefused(fs.readFileSync(file, 'utf8'), 'private_key')
    }
    fs.rmSync(directory, { recursive: true })
  })

  test('other types, certificates and security keys are refused', () => {
    const point = Buffer.alloc(32, 9)
    for (const type of [
      'ssh-dss',
      'ecdsa-sha2-nistp521',
      'sk-ssh-ed25519@openssh.com',
      'sk-ecdsa-sha2-nistp256@openssh.com',
      'ssh-ed25519-cert-v01@openssh.com',
      'ssh-rsa-cert-v01@openssh.com',
      'ecdsa-sha2-nistp256-cert-v01@openssh.com',
      'rsa-sha2-256',
      'ssh-ed448',
      'SSH-ED25519',
    ]) {
      assertRefused(lineOf(Buffer.concat([sshString(type), sshString(point)])), 'type_not_allowed')
      // The same inside of a label that is allowed.
      const hidden = Buffer.concat([sshString(type), sshString(point)])
      assertRefused(`ssh-ed25519 ${hidden.toString('base64')}`, 'type_mismatch')
    }
    assertRefused('toString AAAA', 'malformed')
    assertRefused('__proto__ AAAA', 'malformed')
  })

  test('options, several lines, private keys', () => {
    for (const options of [
      'no-pty',
      'command="a b",no-pty',
      'command="say \\" ssh-rsa x"',
      'from="10.0.0.0/8"',
      'cert-authority',
    ]) {
      assertRefused(`${options} ${LINE}`, 'options_not_allowed')
    }
    for (const separator of ['\n', '\r\n', '\r', '\n\n'])
      assertRefused(`${LINE}${separator}${LINE}`, 'more_than_one_key')
    assertRefused(`${LINE}\n# mine`, 'more_than_one_key')
    for (const kind of ['RSA PRIVATE KEY', 'PRIVATE KEY', 'EC PRIVATE KEY', 'ENCRYPTED PRIVATE KEY']) {
      assertRefused(`-----BEGIN ${kind}-----\nMIIB\n-----END ${kind}-----`, 'private_key')
      assertRefused(`${LINE}\n-----BEGIN ${kind}-----\nMIIB`, 'private_key')
    }
    assertRefused('---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAA', 'private_key')
    assertRefused('---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----', 'malformed')
    assertRefused('PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none', 'private_key')
    assertRefused(Buffer.from('openssh-key-v1\0none').toString('base64'), 'private_key')
    assertRefused('-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----', 'malformed')
  })

  test('length and NUL', () => {
    const room = 16 * 1024 - Buffer.byteLength(LINE)
    assert.ok(parseSshKeyLine(LINE + 'c'.repeat(room)).ok)
    assertRefused(LINE + 'c'.repeat(room + 1), 'line_too_long')
    assertRefused(LINE + 'é'.repeat(room / 2 + 1), 'line_too_long')
    assertRefused(`${LINE}\0`, 'malformed')
    assertRefused(`${LINE} more\0more`, 'malformed')
    // Long runs of what the patterns skip: a slow one would hang here.
    assertRefused(`${' '.repeat(8_000)}x${' '.repeat(8_000)}y`, 'malformed')
    assertRefused(`"${'\\"'.repeat(8_000)}`, 'malformed')
  })

  test('base64 has one form, and the blob ends where the key does', () => {
    const [type, base64] = LINE.split(' ') as [string, string]
    for (const other of [
      `${base64}=`,
      `${base64}====`,
      base64.slice(0, -1),
      `${base64.slice(0, -1)}b=`,
      base64.replace('A', '-'),
    ]) {
      assertRefused(`${type} ${other}`, 'malformed')
    }
    assertRefused(`${type}`, 'malformed')
    for (const { blob } of [SOUND.key]) {
      assertRefused(lineOf(Buffer.concat([blob, Buffer.alloc(1)])), 'malformed')
      for (let length = 15; length < blob.length; length++)
        assertRefused(lineOf(blob.subarray(0, length)), 'malformed')
    }
  })

  test('length fields beyond the end are no reason to read there', () => {
    const blobs = [SOUND.key.blob, ecdsa('nistp256', Buffer.alloc(65, 4)), rsa(F4, modulusOf(2048))]
    for (const blob of blobs) {
      for (let at = 0; at + 4 <= blob.length; at++) {
        for (const length of [0xffffffff, 0x7fffffff, 0x80000000, blob.length, 0]) {
          const forged = Buffer.from(blob)
          forged.writeUInt32BE(length, at)
          // It may be another sound key where the field lies in the key's own bytes; it may not throw.
          parseSshKeyBlob(forged)
        }
      }
    }
    assert.equal(parseSshKeyBlob(Buffer.alloc(0)).ok, false)
    const huge = Buffer.concat([sshString('ssh-ed25519'), hex('ffffffff'), Buffer.alloc(32)])
    assertRefused(lineOf(huge), 'malformed')
  })

  test('Ed25519 points of small order, off the curve or in a second spelling', () => {
    // All encodings of the eight points of small order, with those that RFC 8032 has nobody write.
    const small = [
      '0100000000000000000000000000000000000000000000000000000000000000',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0000000000000000000000000000000000000000000000000000000000000080',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    ]
    for (const point of small) {
      assert.equal(kindOfEdwardsPoint(hex(point)), 'weak', point)
      assertRefused(lineOf(ed25519(hex(point))), 'weak_key', point)
    }
    const misspelt = [
      '0100000000000000000000000000000000000000000000000000000000000080',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    ]
    for (const point of misspelt) assertRefused(lineOf(ed25519(hex(point))), 'malformed', point)
    // y = 2 has no x.
    assertRefused(lineOf(ed25519(hex(`02${'00'.repeat(31)}`))), 'malformed')
    assertRefused(lineOf(ed25519(Buffer.alloc(31, 1))), 'malformed')
    assertRefused(lineOf(ed25519(Buffer.alloc(33, 1))), 'malformed')
    for (let round = 0; round < 50; round++) {
      const x = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x!
      assert.equal(kindOfEdwardsPoint(Buffer.from(x, 'base64url')), 'sound')
    }
  })

  test('about half of all bytes are a point, and no more of them pass', () => {
    let points = 0
    for (let y = 3; y < 403; y++) {
      const bytes = Buffer.alloc(32)
      bytes.writeUInt32LE(y)
      if (kindOfEdwardsPoint(bytes) === 'sound') points++
    }
    assert.ok(points > 150 && points < 250, `${points} of 400`)
  })

  test('ECDSA points off the curve, compressed, of the other curve', () => {
    for (const [curve, namedCurve, half] of [
      ['nistp256', 'P-256', 32],
      ['nistp384', 'P-384', 48],
    ] as const) {
      const jwk = generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' })
      const [x, y] = [Buffer.from(jwk.x!, 'base64url'), Buffer.from(jwk.y!, 'base64url')]
      assert.ok(parseSshKeyLine(lineOf(ecdsa(curve, Buffer.concat([hex('04'), x, y])))).ok)
      const off = Buffer.from(y)
      off[half - 1]! ^= 1
      assertRefused(lineOf(ecdsa(curve, Buffer.concat([hex('04'), x, off]))), 'malformed')
      assertRefused(lineOf(ecdsa(curve, Buffer.concat([hex('04'), Buffer.alloc(2 * half)]))), 'malformed')
      assertRefused(
        lineOf(ecdsa(curve, Buffer.concat([hex('04'), Buffer.alloc(2 * half, 0xff)]))),
        'malformed',
      )
      assertRefused(lineOf(ecdsa(curve, Buffer.concat([hex('02'), x]))), 'malformed')
      assertRefused(lineOf(ecdsa(curve, hex('00'))), 'malformed')
      const other = curve === 'nistp256' ? 'nistp384' : 'nistp256'
      const crossed = [
        sshString(`ecdsa-sha2-${other}`),
        sshString(curve),
        sshString(Buffer.concat([hex('04'), x, y])),
      ]
      assertRefused(lineOf(Buffer.concat(crossed)), 'malformed')
    }
  })

  test('RSA: 2048 to 8192 bits, an odd exponent from 3, integers in their one form', () => {
    for (const bits of [2048, 2049, 3072, 4096, 8191, 8192]) {
      const came = parseSshKeyLine(lineOf(rsa(F4, modulusOf(bits))))
      assert.ok(came.ok, `${bits}`)
      assert.equal(came.key.bits, bits)
    }
    for (const bits of [512, 1024, 2040, 2047])
      assertRefused(lineOf(rsa(F4, modulusOf(bits))), 'key_too_small')
    for (const bits of [8193, 8200]) assertRefused(lineOf(rsa(F4, modulusOf(bits))), 'key_too_large')
    for (const exponent of ['03', '11', '010001', '0100000001']) {
      assert.ok(parseSshKeyLine(lineOf(rsa(hex(exponent), modulusOf(2048)))).ok, exponent)
    }
    for (const exponent of ['01', '02', '04', '010000', `${'ff'.repeat(9)}`]) {
      assertRefused(lineOf(rsa(hex(exponent), modulusOf(2048))), 'weak_key', exponent)
    }
    const even = modulusOf(2048)
    even[255] = 0x5a
    assertRefused(lineOf(rsa(F4, even)), 'weak_key')
    const raw = (exponent: Buffer, modulus: Buffer) =>
      lineOf(Buffer.concat([sshString('ssh-rsa'), sshString(exponent), sshString(modulus)]))
    const padded = Buffer.concat([Buffer.alloc(1), modulusOf(2048)])
    assertRefused(raw(hex('00010001'), padded), 'malformed', 'a needless zero in the exponent')
    assertRefused(
      raw(F4, Buffer.concat([Buffer.alloc(1), padded])),
      'malformed',
      'a needless zero in the modulus',
    )
    assertRefused(raw(F4, modulusOf(2048)), 'malformed', 'a negative modulus')
    assertRefused(raw(Buffer.alloc(0), padded), 'malformed', 'an exponent of zero')
    assertRefused(raw(Buffer.alloc(1), padded), 'malformed', 'an exponent of zero with a byte')
  })

  test('a key is bound only to an algorithm of its type', () => {
    for (const [type, { publicKey }] of Object.entries(generated())) {
      const theirs = sshpk.parseKey(publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'pem')
      const ours = parseSshKeyLine(theirs.toString('ssh'))
      assert.ok(ours.ok)
      const { key } = ours
      assert.equal(verifyingKeyOf(key).algorithm, key.algorithm)
      for (const algorithm of [
        'ed25519',
        'ecdsa-p256-sha256',
        'rsa-pss-sha512',
        'rsa-v1_5-sha256',
        'hmac-sha256',
      ] as const) {
        if (key.algorithms.includes(algorithm))
          assert.equal(verifyingKeyOf(key, algorithm).algorithm, algorithm)
        else assert.throws(() => verifyingKeyOf(key, algorithm), TypeError, `${type} as ${algorithm}`)
      }
    }
  })
})
