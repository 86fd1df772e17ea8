/** What a door of signing in refused, in a sentence for people. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

const LOST = 'The server can’t be reached. Check the connection and try again.'
const BROKEN = 'That did not work. Try again in a moment.'

/**
 * Posts JSON to a door of our own.
 * @throws Refused with the sentence that the door gave
 */
export async function send<T = unknown>(path: string, body: unknown = {}): Promise<T> {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }).catch(() => null)
  return await read(answer)
}

export async function load<T>(path: string): Promise<T> {
  return await read(await fetch(path).catch(() => null))
}

async function read<T>(answer: Response | null): Promise<T> {
  if (!answer) throw new Refused(0, LOST)
  const said = (await answer.json().catch(() => null)) as { detail?: string; message?: string } | null
  if (!answer.ok) throw new Refused(answer.status, said?.detail ?? said?.message ?? BROKEN)
  return said as T
}

export const sentenceOf = (error: unknown): string => (error instanceof Refused ? error.message : BROKEN)
