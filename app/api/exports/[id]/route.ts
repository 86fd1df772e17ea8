import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { whyNot } from '../../../../server/auth/can.ts'
import type { Person } from '../../../../server/auth/principal.ts'
import { problem, refusal } from '../../../../server/auth/problem.ts'
import { personOf } from '../../../../server/auth/session.ts'
import { getFile, NO_EXPORT, pieceOf } from '../../../../server/exports/exports.ts'
import { Id } from '../../../../server/fleet/schema.ts'
import { inFleet } from '../../../in-fleet.ts'
import { tellExport } from '../../../tell-export.ts'

const unpack = promisify(gunzip)

/** A file that was asked for, to the person who asked, while their role may have it: nobody else's address leads anywhere. */
export async function GET(
  request: Request,
  { params }: { params: Promise<{ id: string }> },
): Promise<Response> {
  const person = await personOf(request.headers)
  if (!person) return problem(401, 'unauthenticated', 'Sign in first.')
  const refused = whyNot(person.role, 'reports.export')
  if (refused) return problem(403, 'forbidden', refused)
  try {
    const { id: text } = await params
    const id = /^\d{1,16}$/.test(text) ? Id.safeParse(Number(text)).data : undefined
    if (id === undefined) throw NO_EXPORT()
    const file = await inFleet(person, async (tx) => {
      const found = await getFile(tx, person, id, Date.now())
      const { fileName, report, sha256 } = found
      await tellExport(tx, person, request.headers, {
        report: fileName,
        asked: { ...report, export: id, sha256 },
      })
      return found
    })
    return new Response(contentOf(person, id, file.bytes), {
      headers: {
        'content-type': 'text/csv; charset=utf-8; header=present',
        'content-disposition': `attachment; filename="${asciiName(file.fileName)}"; filename*=UTF-8''${utf8Name(file.fileName)}`,
        'cache-control': 'private, no-store',
      },
    })
  } catch (error) {
    return refusal(error)
  }
}

/** Piece by piece, as fast as they are taken; a file that is deleted meanwhile breaks off. */
function contentOf(person: Person, id: number, bytes: number): ReadableStream<Uint8Array> {
  let number = 0
  let left = bytes
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (left <= 0) return controller.close()
        const packed = await inFleet(person, (tx) => pieceOf(tx, person.fleetId, id, number++))
        if (!packed) throw new Error('the file was deleted while it was fetched')
        const content = await unpack(packed)
        left -= content.length
        controller.enqueue(content)
      },
    },
    { highWaterMark: 0 },
  )
}

const asciiName = (name: string) => name.replace(/[^\w.-]+/g, '-')
/** As RFC 8187 has it, which knows fewer characters than a path. */
const utf8Name = (name: string) =>
  encodeURIComponent(name).replace(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
