import { conformAuth } from '../auth/keys/conform.ts'
import { conformHos } from './conform-hos.ts'
import { conformPhones, conformTeltonika } from './conform-protocols.ts'
import { conformTrace } from './conform-trace.ts'

interface Tally {
  passed: number
  failed: number
}

/** What `npm run -s conform -- KIND FILE… [options]` can check; a kind appears together with the capability that it tests. */
const KINDS: Record<string, (files: string[], options: string[], args: string[]) => Tally | Promise<Tally>> =
  {
    hos: conformHos,
    teltonika: conformTeltonika,
    osmand: (files) => conformPhones('osmand', files),
    owntracks: (files) => conformPhones('owntracks', files),
    rfc9421: (files) => conformAuth('rfc9421', files),
    'ssh-keys': (files) => conformAuth('ssh-keys', files),
    'device-signatures': (files) => conformAuth('device-signatures', files),
    trace: (_files, _options, args) => conformTrace(args),
  }

const [kind = '', ...rest] = process.argv.slice(2)
const files = rest.filter((argument) => !argument.startsWith('--'))
const options = rest.filter((argument) => argument.startsWith('--'))
const check = KINDS[kind]
if (!check || files.length === 0) {
  console.error(`usage: npm run -s conform -- KIND FILE… (kinds: ${Object.keys(KINDS).join(', ')})`)
  process.exit(2)
}
try {
  const { passed, failed } = await check(files, options, rest)
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(failed ? 1 : 0)
} catch (error) {
  console.error((error as Error).message)
  process.exit(2)
}
