import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'

export interface Received {
  method: string
  target: string
  headers: IncomingHttpHeaders
  body: Buffer
}

/** A receiver as a carrier would have one: keeps what came, and answers what it is told to. */
export async function startReceiver(
  answer: (
    received: Received,
    count: number,
  ) => { status: number; headers?: Record<string, string>; body?: string | Buffer } | null = () => ({
    status: 204,
  }),
) {
  const received: Received[] = []
  let heard = () => {}
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const one = {
      method: request.method!,
      target: request.url!,
      headers: request.headers,
      body: Buffer.concat(chunks),
    }
    received.push(one)
    heard()
    const said = answer(one, received.length)
    // Null: it never answers.
    if (said) response.writeHead(said.status, said.headers).end(said.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/restline?x=1`,
    received,
    /** Until so many have come. */
    async until(count: number): Promise<void> {
      while (received.length < count)
        await new Promise<void>((resolve) => {
          heard = resolve
        })
    },
  }
}
