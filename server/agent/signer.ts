import * as fs from 'node:fs'
import { connect } from 'node:net'
import { signData } from '../auth/keys/algorithm.ts'
import { fingerprintOf, keyIdOf, type SshPublicKey } from '../auth/keys/ssh-key.ts'
import { parseSshKeyLine } from '../auth/keys/ssh-key-line.ts'
import { SshReader, sshString } from '../auth/keys/ssh-wire.ts'
import { rawSignature } from '../auth/keys/sshsig.ts'
import type { Signer } from './client.ts'
import { publicHalf, readPrivateKey } from './private-key.ts'

const SIGN_REQUEST = 13
const SIGN_RESPONSE = 14
/** RSA with SHA-256 instead of SHA-1. */
const RSA_SHA2_256 = 2
const ANSWER_WITHIN_MS = 10_000
const MOST_ANSWER_BYTES = 16 * 1024

/**
 * Who signs: a private key's file, or, given a `.pub` file, the ssh-agent that holds its other half.
 * @throws Error in words: no such file, a passphrase, no agent
 */
export function signerOf(file: string, fleet: string, agentSocket: string | undefined): Signer {
  const text = fs.readFileSync(file, 'utf8')
  const line = parseSshKeyLine(text)
  if (line.ok) {
    if (!agentSocket) throw new Error('a .pub file needs an ssh-agent: SSH_AUTH_SOCK is not set')
    const { key } = line
    return {
      keyId: keyIdOf(fleet, key.fingerprint),
      algorithm: key.algorithm,
      sign: (data) => signByAgent(agentSocket, key, data),
    }
  }
  const key = readPrivateKey(text)
  const fingerprint = fingerprintOf(publicHalf(key))
  if (fingerprint === undefined) throw new Error('keys of this kind can not be enrolled')
  const algorithm = ({ ed25519: 'ed25519', rsa: 'rsa-v1_5-sha256' } as const)[String(key.asymmetricKeyType)]
  const curve =
    key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'ecdsa-p384-sha384' : 'ecdsa-p256-sha256'
  return {
    keyId: keyIdOf(fleet, fingerprint),
    algorithm: algorithm ?? curve,
    sign: (data) => signData(algorithm ?? curve, key, data),
  }
}

/** One signature of an ssh-agent (draft-miller-ssh-agent section 4.5), as RFC 9421 wants it. */
function signByAgent(socket: string, key: SshPublicKey, data: Uint8Array): Promise<Buffer> {
  const flags = Buffer.alloc(4)
  if (key.type === 'ssh-rsa') flags.writeUInt32BE(RSA_SHA2_256)
  const request = Buffer.concat([
    Buffer.from([SIGN_REQUEST]),
    sshString(key.blob),
    sshString(Buffer.from(data)),
    flags,
  ])
  return new Promise((resolve, reject) => {
    const line = connect(socket)
    let answer = Buffer.alloc(0)
    line.setTimeout(ANSWER_WITHIN_MS, () => line.destroy(new Error('the ssh-agent does not answer')))
    line.once('error', reject)
    line.once('close', () => reject(new Error('the ssh-agent went away')))
    line.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk])
      if (answer.length > MOST_ANSWER_BYTES)
        return void line.destroy(new Error('the ssh-agent says too much'))
      const message = new SshReader(answer).string()
      if (!message) return
      const signature = message[0] === SIGN_RESPONSE ? new SshReader(message.subarray(1)).string() : undefined
      const raw = signature && rawSignature(signature)
      if (raw) resolve(raw)
      else reject(new Error('the ssh-agent does not sign with this key: is it added?'))
      line.destroy()
    })
    line.write(sshString(request))
  })
}
