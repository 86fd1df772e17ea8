// `npm run demo`: from a fresh clone to trucks on the map. Later starts find everything made and take seconds.
import { checkPort } from './port.mjs'
import { main, ROOT, setup } from './setup.mjs'

await main(async () => {
  process.chdir(ROOT)
  console.log('Restline')
  await checkPort(Number(process.env.PORT ?? 3000))
  await setup()
  const { register } = await import('tsx/esm/api')
  register()
  const { runDemo } = await import('./stack.ts')
  await runDemo()
})
