// Seals anew over DATABASE_URL, a row a step, in a process that a test may kill; tells of each step.
import { createPool } from '../db/pool.ts'
import { SEALED_BY_WEBHOOKS } from '../webhooks/courier.ts'
import { Resealing, SEALED_BY_AUTH } from './reseal.ts'
import { secretsOfProduct } from './seal.ts'

const pool = createPool(process.env.DATABASE_URL!)
const one = new Resealing(pool, secretsOfProduct(), [...SEALED_BY_AUTH, SEALED_BY_WEBHOOKS], 1)
for (let steps = 1; await one.run(0); steps++) process.send!(steps)
