import { type ChildProcess, fork } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { after } from 'node:test'
import { until } from './doors.testing.ts'

export const MIB = 1 << 20

/** The doors in a process of their own, so that their memory is nobody else's. */
export class DoorsProcess {
  /** Of the HTTP doors, and of `/metrics`. */
  readonly port: number
  readonly trackerPort: number
  readonly phonesPort: number

  private constructor(ports: { port: number; trackerPort: number; phonesPort: number }) {
    this.port = ports.port
    this.trackerPort = ports.trackerPort
    this.phonesPort = ports.phonesPort
  }

  /** Ends with the test file. */
  static async open(databaseUrl: string): Promise<DoorsProcess> {
    const child: ChildProcess = fork(new URL('doors-process.testing.ts', import.meta.url), {
      env: { ...process.env, DATABASE_URL: databaseUrl },
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    // Where its database goes first it may have ended by itself.
    after(() => child.connected && child.disconnect())
    return new DoorsProcess(
      await new Promise((resolve, reject) => {
        child.once('message', (message) => resolve(message as DoorsProcess))
        child.once('exit', () => reject(new Error('the doors did not open')))
      }),
    )
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async metrics(): Promise<string> {
    return await (await fetch(`${this.url}/metrics`)).text()
  }

  /** The value of one line of `/metrics`; 0 if it is not there. */
  measured = async (line: string): Promise<number> => {
    const found = (await this.metrics()).split('\n').find((one) => one.startsWith(`${line} `))
    return found ? Number(found.slice(line.length + 1)) : 0
  }

  /** Resident bytes. */
  memory = () => this.measured('restline_process_resident_memory_bytes')

  refused = (protocol: string, reason: string) =>
    this.measured(`restline_ingest_refusals_total{protocol="${protocol}",reason="${reason}"}`)
}

/** A connection that sends what it is given and hears the answer to its end. */
export class Raw {
  readonly socket: Socket
  heard = ''
  closed = false

  constructor(text: string, port: number, localAddress?: string) {
    this.socket = connect({ port, host: '127.0.0.1', localAddress })
    this.socket.on('data', (bytes) => {
      this.heard += bytes.toString('latin1')
    })
    this.socket.on('error', () => undefined)
    this.socket.once('close', () => {
      this.closed = true
    })
    if (text) this.socket.write(text, 'latin1')
  }

  ends = (withinMs?: number) => until('the end of the connection', () => this.closed, withinMs)
}
