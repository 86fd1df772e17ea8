import { decodeOsmand, type OsmandRequest, UNKNOWN_DEVICE_STATUS } from './osmand.ts'
import { decodeOwnTracks, type OwnTracksIdentity } from './owntracks.ts'
import { refusalWords } from './said.ts'
import { type Arrival, admit, type Intake, noteRefused, senderOf, takeReadings } from './take.ts'

/** What a phone app is answered. */
export interface PhoneAnswer {
  status: number
  /** JSON, or nothing. */
  body: string
  /** Of a refusal, in words; null when all is well. */
  refusal: string | null
}

export interface PhoneRequest extends OsmandRequest {
  headers: Readonly<Record<string, string | string[] | undefined>>
  /** "Bearer …" with the device's token, however it was carried; undefined: none was. */
  authorization: string | undefined
  /** The token came in the address, for an app that can be given nothing else. */
  tokenInAddress?: boolean
  /** The user of Basic authentication. */
  user?: string | undefined
}

const TAKEN: PhoneAnswer = { status: 200, body: '', refusal: null }
const HEARD: PhoneAnswer = { status: 200, body: '[]', refusal: null }

/**
 * Traccar Client, OsmAnd and their like. Source: osmand.md, Reply.
 * @throws AppError busy or too-often, or a database error: nothing is acknowledged
 */
export async function answerOsmand(
  intake: Intake,
  request: PhoneRequest,
  from: Arrival,
): Promise<PhoneAnswer> {
  const message = decodeOsmand(request)
  if (message.kind === 'refused') {
    await noteRefused(intake, from, { identity: message.identity }, refusalWords(message))
    return { status: message.status, body: '', refusal: refusalWords(message) }
  }
  const sender = await senderOf(intake, from, message.identity, request)
  if (!sender) {
    const refusal = 'No device that may report has this identity: enrol it, with its token or as an open one.'
    return { status: UNKNOWN_DEVICE_STATUS[message.form], body: '', refusal }
  }
  const held = admit(intake, sender, from.protocol)
  if (held) await held
  const turned = message.refused.map(({ field, reason }) => refusalWords({ field: field || null, reason }))
  await takeReadings(intake, sender, message.readings, from, turned)
  // One that can't be stored never can be, but the phone keeps all of them until they are taken.
  if (turned.length > 0 && message.readings.length === 0) {
    return { status: 400, body: '', refusal: turned[0]! }
  }
  return TAKEN
}

/**
 * OwnTracks apps and bridges in HTTP mode. Everything that is no location is answered well and ignored. Source: owntracks-http.md,
 * Reply.
 * @throws AppError busy or too-often, or a database error: nothing is acknowledged
 */
export async function answerOwnTracks(
  intake: Intake,
  request: PhoneRequest,
  from: Arrival,
): Promise<PhoneAnswer> {
  const query = new URLSearchParams(request.path.split('?')[1] ?? '')
  const message = decodeOwnTracks(request.body, {
    limitUser: textOf(request.headers['x-limit-u']),
    limitDevice: textOf(request.headers['x-limit-d']),
    queryUser: query.get('u') ?? undefined,
    queryDevice: query.get('d') ?? undefined,
  })
  if (message.kind === 'ignored') {
    // Nothing of an encrypted phone can be read: the installer must know.
    if (message.type === 'encrypted')
      intake.activity.noteUnknown(
        'owntracks',
        message.identity ?? '(encrypted)',
        from.address,
        'encrypted',
        from.receivedAt,
      )
    return HEARD
  }
  if (message.kind === 'refused') {
    await noteRefused(intake, from, { identity: message.identity }, refusalWords(message))
    return { status: message.status, body: '', refusal: refusalWords(message) }
  }
  const identity = await enrolledAs(intake, message, from.address)
  const other = identity === null ? null : contradicted(identity, request)
  if (other !== null) {
    intake.activity.noteUnknown('owntracks', identity!, from.address, 'other-identity', from.receivedAt)
    // The answer is the same whether the alarm can be raised or not.
    const claimed = await intake.directory.find('owntracks', identity!, from.address).catch(() => null)
    if (claimed) {
      const said = `From ${from.address}: ${other}.`
      intake.activity.raise(claimed.principal, 'foreign-identity', said, from.receivedAt)
    }
    return { status: 403, body: '', refusal: `The message is of ${identity}, and ${other}.` }
  }
  const sender = identity === null ? null : await senderOf(intake, from, identity, request)
  if (!sender) {
    const refusal =
      identity === null
        ? 'The message names no device: set a user and a device in the app, or a tracker id.'
        : 'No device that may report has this identity: enrol it, with its token as the password or as an open one.'
    return { status: 403, body: '', refusal }
  }
  const held = admit(intake, sender, from.protocol)
  if (held) await held
  await takeReadings(intake, sender, [message.reading], from)
  return HEARD
}

/**
 * An app names its topic in the message or its user and device beside it, as its version likes; it is enrolled once, under the
 * topic.
 */
async function enrolledAs(
  { directory }: Intake,
  { identity, identityFrom }: OwnTracksIdentity,
  address: string,
): Promise<string | null> {
  if (identityFrom !== 'headers' && identityFrom !== 'query') return identity
  const topic = `owntracks/${identity}`
  return (await directory.find('owntracks', topic, address)) ? topic : identity
}

/**
 * Whoever authenticates must own the identity that the payload claims (owntracks-http.md, Who is it): its user is that of Basic
 * authentication. What headers and address say beside a topic is not asked: the topic goes before them, an app may be given another,
 * and throws away what a 4xx answers. A tracker id names no user. An app without a user sends an empty one, which claims nothing.
 * @returns what says otherwise; null: nothing does
 */
function contradicted(identity: string, { user }: PhoneRequest): string | null {
  const own = identity.split('/').at(-2)
  return own !== undefined && user && user !== own ? `the user that authenticates is ${user}` : null
}

const textOf = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)
