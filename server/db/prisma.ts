import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '../../generated/prisma/client.ts'
import { env } from '../env.ts'

const shared = globalThis as { restlinePrisma?: PrismaClient }

/** Prisma for the plain reading and writing of people's tables; hot paths speak SQL through `db()`. */
export function prisma(): PrismaClient {
  shared.restlinePrisma ??= createPrisma(env().DATABASE_URL)
  return shared.restlinePrisma
}

export function createPrisma(connectionString: string): PrismaClient {
  return new PrismaClient({ adapter: new PrismaPg({ connectionString, max: 5 }) })
}
