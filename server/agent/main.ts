import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { DeviceClient } from './client.ts'
import { Journal } from './journal.ts'
import { readLine } from './nmea.ts'
import { drain } from './sender.ts'
import { signerOf } from './signer.ts'

const USAGE = `usage: npm run agent -- --url https://… --fleet SLUG --device NAME --key FILE [--journal DIR] [--most-mib 64]
  --key      a private key without a passphrase, or the .pub file of one that an ssh-agent holds
  --journal  where positions are kept until the server has them (default: restline-journal)
Reads positions from standard input, one a line: NMEA 0183 (RMC) or JSON. Prints "taken N" when N lines of this run are on the
disk. Ends when the input has ended and everything is sent.`

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    fleet: { type: 'string' },
    device: { type: 'string' },
    key: { type: 'string' },
    journal: { type: 'string', default: 'restline-journal' },
    'most-mib': { type: 'string', default: '64' },
  },
})
const { url, fleet, device, key } = values
if (!url || !fleet || !device || !key || !(Number(values['most-mib']) > 0)) {
  console.error(USAGE)
  process.exit(2)
}

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => stopping.abort(new Error('stopped; what was not sent is kept')))

try {
  await run(url, fleet, device, key)
} catch (error) {
  console.error((error as Error).message)
  process.exit(stopping.signal.aborted ? 0 : 1)
}
process.exit(0)

async function run(url: string, fleet: string, device: string, key: string): Promise<void> {
  const { signal } = stopping
  const journal = new Journal(values.journal, Number(values['most-mib']) * (1 << 20))
  const client = new DeviceClient({ url, signer: signerOf(key, fleet, process.env.SSH_AUTH_SOCK) })
  let wake = () => {}
  let ended = false
  signal.addEventListener('abort', () => wake())
  const waiting: string[] = []
  let [read, turnedAway] = [0, 0]

  /** What has been read since the last flush shares one flush. */
  const take = () => {
    const lines = waiting.splice(0)
    const texts: string[] = []
    for (const line of lines) {
      const said = readLine(line)
      if (said !== null && 'fault' in said) console.error(`a line ${said.fault}: ${line.slice(0, 100)}`)
      else if (said !== null && Object.keys(said).length > 0) texts.push(JSON.stringify(said))
    }
    const taken = journal.append(texts)
    turnedAway += texts.length - taken
    if (taken < texts.length) console.error(`the journal is full: ${turnedAway} positions turned away`)
    read += lines.length
    console.log(`taken ${read}`)
    wake()
  }
  const input = createInterface({ input: process.stdin })
  input.on('line', (line) => {
    if (waiting.push(line) === 1) setImmediate(take)
  })
  input.once('close', () => {
    ended = true
    wake()
  })

  for (;;) {
    await drain({
      client,
      journal,
      device,
      signal,
      pause: (ms) => pause(ms, undefined, { signal }),
      onTrouble: (sentence) => console.error(sentence.slice(0, 500)),
    })
    if (journal.size > 0 || waiting.length > 0) {
      // Lines that came meanwhile; their flush is a turn of the loop away.
      await new Promise((resolve) => setImmediate(resolve))
      continue
    }
    if (ended) return
    await new Promise<void>((resolve) => {
      wake = resolve
    })
    signal.throwIfAborted()
  }
}
