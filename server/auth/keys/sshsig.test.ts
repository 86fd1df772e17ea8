import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import sshpk from 'sshpk'
import { VerifyingKey } from './algorithm.ts'
import type { SshPublicKey } from './ssh-key.ts'
import { parseSshKeyLine } from './ssh-key-line.ts'
import { sshString } from './ssh-wire.ts'
import { enrolmentNamespace, rawSignature, verifySshSignature } from './sshsig.ts'

interface Captured {
  id: string
  publicKey: string
  message: string
  namespace: string
  signature: string
}
const { cases }: { cases: Captured[] } = JSON.parse(
  fs.readFileSync(new URL('./testdata/sshsig.json', import.meta.url), 'utf8'),
)

function keyOf(line: string): SshPublicKey {
  const reading = parseSshKeyLine(line)
  assert.ok(reading.ok)
  return reading.key
}

const blobOf = (armoured: string) => Buffer.from(armoured.replace(/-----[^\n]*-----|\n/g, ''), 'base64')
const armour = (blob: Buffer) =>
  `-----BEGIN SSH SIGNATURE-----\n${blob.toString('base64').replace(/.{70}/g, '$&\n')}\n-----END SSH SIGNATURE-----\n`

function check(one: Captured, changes: Partial<Captured> = {}, key = keyOf(one.publicKey)): string {
  const { signature, message, namespace } = { ...one, ...changes }
  const came = verifySshSignature(signature, Buffer.from(message), namespace, key)
  return came.ok ? 'ok' : came.reason
}

describe('signatures of ssh-keygen -Y sign', () => {
  test('captured ones of every type and hash are proof, of their message, namespace and key only', () => {
    assert.equal(cases.length, 8)
    for (const one of cases) {
      assert.equal(check(one), 'ok', one.id)
      assert.equal(check(one, { signature: one.signature.replaceAll('\n', '\r\n') }), 'ok', one.id)
      assert.equal(check(one, { message: `${one.message}\n` }), 'bad_signature')
      assert.equal(check(one, { message: '' }), 'bad_signature')
      assert.equal(check(one, { namespace: 'file' }), 'wrong_namespace')
      assert.equal(check(one, { namespace: '' }), 'wrong_namespace')
      for (const other of cases) {
        if (other.publicKey !== one.publicKey)
          assert.equal(check(one, {}, keyOf(other.publicKey)), 'wrong_key')
      }
    }
    assert.equal(cases[0]!.namespace, enrolmentNamespace('ingest.example.com'))
  })

  test('every changed bit is noticed', () => {
    for (const one of cases) {
      const blob = blobOf(one.signature)
      const key = keyOf(one.publicKey)
      const message = Buffer.from(one.message)
      for (let at = 0; at < blob.length; at++) {
        const changed = Buffer.from(blob)
        changed[at]! ^= 1 << (at % 8)
        assert.equal(
          verifySshSignature(armour(changed), message, one.namespace, key).ok,
          false,
          `${one.id} byte ${at}`,
        )
      }
      for (let length = 0; length < blob.length; length++) {
        assert.equal(
          verifySshSignature(armour(blob.subarray(0, length)), message, one.namespace, key).ok,
          false,
        )
      }
      assert.equal(check(one, { signature: armour(Buffer.concat([blob, Buffer.alloc(1)])) }), 'malformed')
    }
  })

  test('what is not an armoured signature is malformed', () => {
    const [one] = cases as [Captured]
    for (const signature of [
      '',
      'no',
      one.signature.replace('BEGIN', 'START'),
      one.signature.replace('-----END SSH SIGNATURE-----', ''),
      `${one.signature}${one.signature}`,
      armour(Buffer.alloc(0)),
      armour(Buffer.from('SSHSIG')),
      one.signature.replace('\n', '\n!'),
      `${' '.repeat(20_000)}${one.signature}`,
    ]) {
      assert.equal(check(one, { signature }), 'malformed')
    }
  })

  test('RSA with SHA-1 and other hashes are not supported', () => {
    const one = cases.find(({ id }) => id === 'rsa2048-sha256')!
    const key = keyOf(one.publicKey)
    const build = (hash: string, format: string) =>
      armour(
        Buffer.concat([
          Buffer.from('SSHSIG\0\0\0\u0001', 'latin1'),
          ...[
            key.blob,
            one.namespace,
            '',
            hash,
            Buffer.concat([sshString(format), sshString(Buffer.alloc(256, 7))]),
          ].map(sshString),
        ]),
      )
    assert.equal(check(one, { signature: build('sha256', 'rsa-sha2-256') }), 'bad_signature')
    assert.equal(check(one, { signature: build('sha256', 'ssh-rsa') }), 'unsupported')
    assert.equal(check(one, { signature: build('sha256', 'ssh-ed25519') }), 'unsupported')
    assert.equal(check(one, { signature: build('sha256', 'constructor') }), 'unsupported')
    assert.equal(check(one, { signature: build('sha1', 'rsa-sha2-256') }), 'unsupported')
    assert.equal(check(one, { signature: build('md5', 'rsa-sha2-256') }), 'unsupported')
  })

  test('the ssh-keygen of this machine is understood', (context) => {
    if (spawnSync('ssh-keygen', ['-?']).error) {
      return context.skip(
        'ssh-keygen (Debian: openssh-client) is not installed; testdata/sshsig.json was made with it',
      )
    }
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sshsig-'))
    for (const [type, bits] of [
      ['ed25519', '256'],
      ['ecdsa', '256'],
      ['ecdsa', '384'],
      ['rsa', '3072'],
    ] as const) {
      const file = path.join(directory, `${type}${bits}`)
      execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-C', 'here', '-f', file])
      const signature = execFileSync('ssh-keygen', ['-Y', 'sign', '-f', file, '-n', 'fleet-enrol@here'], {
        input: 'challenge',
        encoding: 'utf8',
        stdio: 'pipe',
      })
      const key = keyOf(fs.readFileSync(`${file}.pub`, 'utf8'))
      assert.deepEqual(verifySshSignature(signature, Buffer.from('challenge'), 'fleet-enrol@here', key), {
        ok: true,
      })
    }
    fs.rmSync(directory, { recursive: true })
  })

  test('a signature in SSH form becomes the raw one of RFC 9421', () => {
    const data = Buffer.from('a signature base')
    const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    for (const [algorithm, { privateKey, publicKey }, hash, curve] of [
      ['ecdsa-p256-sha256', ec('P-256'), 'sha256', 'nistp256'],
      ['ecdsa-p384-sha384', ec('P-384'), 'sha384', 'nistp384'],
      ['rsa-v1_5-sha256', rsa, 'sha256', undefined],
    ] as const) {
      const theirs = sshpk.parsePrivateKey(
        privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        'pem',
      )
      const verifying = new VerifyingKey(algorithm, publicKey)
      // Many, because the two numbers of ECDSA vary in length.
      for (let round = 0; round < 40; round++) {
        const signature = theirs.createSign(hash).update(data).sign().toBuffer('ssh')
        // sshpk guesses the curve by the length of one number, and names none when that happens to be short.
        const numbers = signature.subarray(4 + signature.readUInt32BE(0))
        const raw = rawSignature(
          curve ? Buffer.concat([sshString(`ecdsa-sha2-${curve}`), numbers]) : signature,
        )
        assert.ok(raw && verifying.verify(data, raw), algorithm)
      }
    }
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const sshForm = (format: string, end = '') =>
      Buffer.concat([sshString(format), sshString(sign(null, data, privateKey)), Buffer.from(end)])
    const raw = rawSignature(sshForm('ssh-ed25519'))
    assert.ok(raw && new VerifyingKey('ed25519', publicKey).verify(data, raw))
    assert.equal(rawSignature(sshForm('ssh-ed25519', 'x')), undefined)
    assert.equal(rawSignature(sshForm('ssh-rsa')), undefined)
    assert.equal(rawSignature(sshForm('ecdsa-sha2-nistp256')), undefined)
  })
})
