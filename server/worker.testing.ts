import { type ChildProcess, spawn } from 'node:child_process'
import { after } from 'node:test'

/** The worker as it runs beside the server, over a test's database. Ends with the test file. */
export function startWorker(databaseUrl: string): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', 'server/worker.ts'], {
    env: { ...process.env, DATABASE_URL: databaseUrl, RESTLINE_LEASH: '1' },
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  after(() => child.kill('SIGKILL'))
  return child
}
