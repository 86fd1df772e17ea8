import * as fs from 'node:fs'
import path from 'node:path'
import { SCENARIOS, seed } from '../../prisma/seed.ts'
import { AppError } from '../errors.ts'
import { main, STATE } from './setup.mjs'

/** `npm run seed -- NAME`: makes a named scenario in DATABASE_URL, or in the running demonstration's database. */
await main(async () => {
  const [scenario, ...rest] = process.argv.slice(2)
  if (!scenario || rest.length > 0) {
    console.error('usage: npm run seed -- NAME')
    for (const [name, { about }] of Object.entries(SCENARIOS)) console.error(`  ${name.padEnd(14)} ${about}`)
    process.exit(2)
  }
  const devicesFile = path.join(STATE, scenario === 'demo' ? 'devices.json' : `devices-${scenario}.json`)
  const startedAt = performance.now()
  const { fleets, existed, positions } = await seed(databaseUrl(), scenario, { devicesFile })
  const took = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
  console.log(existed ? `"${scenario}" is there already, and was kept.` : `"${scenario}" made in ${took}:`)
  for (const { name, trucks, login } of fleets) {
    console.log(`  ${name}: ${trucks} trucks, sign in with ${login.email} and ${login.password}`)
  }
  if (positions > 0) console.log(`  ${positions.toLocaleString('en-US')} positions`)
  if (fleets.some(({ trucks }) => trucks > 0)) {
    console.log(`  its devices: ${path.relative(process.cwd(), devicesFile)}`)
  }
})

function databaseUrl(): string {
  if (process.env.DATABASE_URL) return process.env.DATABASE_URL
  const file = path.join(STATE, 'server.json')
  if (!fs.existsSync(file)) {
    throw new AppError(
      'not-found',
      'Restline is not running: start it with `npm run demo`, or set DATABASE_URL.',
    )
  }
  return (JSON.parse(fs.readFileSync(file, 'utf8')) as { databaseUrl: string }).databaseUrl
}
