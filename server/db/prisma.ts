import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '../../generated/prisma/client.ts'
import { env } from '../env.ts'
import type { DbRole } from './pool.ts'

const shared = globalThis as { restlinePrisma?: PrismaClient }

/** Prisma for the plain reading and writing of people's tables; hot paths speak SQL through `db()`. */
export function prisma(): PrismaClient {
  shared.restlinePrisma ??= createPrisma(env().DATABASE_URL, 'restline_service')
  return shared.restlinePrisma
}

export function createPrisma(connectionString: string, role?: DbRole): PrismaClient {
  const options = role && `-c role=${role}`
  return new PrismaClient({ adapter: new PrismaPg({ connectionString, max: 5, options }) })
}
