import { migrate } from '../db/migrate.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { closeDb, ownerDb } from '../db/pool.ts'
import { env } from '../env.ts'

const applied = await migrate(env().DATABASE_URL)
await ensurePartitions(ownerDb(), Date.now())
await closeDb()
console.log(applied.length ? `applied ${applied.join(', ')}` : 'up to date')
// The engine's lock leaves a timer of 10 s behind that nothing waits for.
process.exit(0)
