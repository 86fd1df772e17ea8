import { defineConfig } from '@playwright/test'

/** The walks start their own stack (e2e/fixtures.ts): a server, a worker and a database for each worker process. */
export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.e2e.ts',
  // Whether it happens is asked, not how soon: a busy machine takes many times what an idle one does.
  timeout: 300_000,
  expect: { timeout: 30_000 },
  // Each has a house of its own, so that walks of two files know nothing of each other.
  workers: 2,
  retries: 0,
  reporter: [['list'], ['json']],
  use: {
    // A trace of every step costs a third of the browser's time; `npx playwright test --trace on` makes one.
    trace: 'off',
    screenshot: 'only-on-failure',
    video: 'off',
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // Nobody outside is asked: the page of a provider wants a font of the Internet's, and waits for it where none answers.
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
      ],
    },
  },
})
