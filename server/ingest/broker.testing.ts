import { type ChildProcess, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { connectAsync } from 'mqtt'
import { findMosquitto } from '../cli/mosquitto.mjs'
import { until } from './doors.testing.ts'

/** A mosquitto of a test file's own, that keeps what it has taken, as an unprivileged user. */
export class Broker {
  readonly #directory = fs.mkdtempSync(path.join(os.tmpdir(), 'restline-mosquitto-'))
  #child: ChildProcess | undefined
  port = 0

  get url() {
    return `mqtt://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const owner = nobody()
    if (this.port === 0) {
      this.port = await freePort()
      const lines = [
        `listener ${this.port} 127.0.0.1`,
        'allow_anonymous true',
        'persistence true',
        `persistence_location ${this.#directory}/`,
        'autosave_interval 1',
        'autosave_on_changes true',
      ]
      fs.writeFileSync(path.join(this.#directory, 'mosquitto.conf'), `${lines.join('\n')}\n`)
      if (owner) fs.chownSync(this.#directory, owner.uid, owner.gid)
      fs.chmodSync(this.#directory, 0o755)
    }
    this.#child = spawn(await findMosquitto(), ['-c', path.join(this.#directory, 'mosquitto.conf')], {
      stdio: 'ignore',
      ...owner,
    })
    await until('the broker', async () => {
      const client = await connectAsync(this.url, { reconnectPeriod: 0, connectTimeout: 1_000 }).catch(
        () => null,
      )
      await client?.endAsync()
      return client !== null
    })
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child!
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }

  /** Whether a text is in what a killed broker would find again. */
  hasKept(text: string): boolean {
    const file = path.join(this.#directory, 'mosquitto.db')
    return fs.existsSync(file) && fs.readFileSync(file).includes(text)
  }

  async remove(): Promise<void> {
    await this.kill('SIGKILL')
    fs.rmSync(this.#directory, { recursive: true, force: true })
  }
}

function nobody(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const line = fs
    .readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith('nobody:'))
  const [, , uid, gid] = line!.split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
