import { createServer } from 'node:net'
import { Stop } from './setup.mjs'

/** Says at once, not after minutes of building, that the port can't be had. */
export function checkPort(port, host = process.env.HOST ?? '127.0.0.1') {
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Stop(`PORT must be a number from 1 to 65535, not "${process.env.PORT}".`)
  }
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error) => {
      if (error.code === 'EADDRINUSE') {
        reject(
          new Stop(
            `Port ${port} is taken: stop what uses it, or start with another, e.g. PORT=${port + 1} npm run demo.`,
          ),
        )
      } else if (error.code === 'EACCES') {
        reject(
          new Stop(
            `Port ${port} needs more rights than you have: choose one above 1023, e.g. PORT=3000 npm run demo.`,
          ),
        )
      } else reject(error)
    })
    probe.listen(port, host, () => probe.close(resolve))
  })
}
