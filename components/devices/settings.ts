import type { Protocol } from '../../server/fleet/devices-schema.ts'

/** Where devices reach the server. */
export interface Doors {
  /** As the console's address is, without a path. */
  url: string
  /** null: no door for trackers is open */
  teltonikaPort: number | null
  /** null: nobody listens to a broker */
  broker: { host: string; isSecure: boolean } | null
}

/** How a device is set up. */
export const KINDS = ['json', 'traccar', 'owntracks-http', 'owntracks-mqtt', 'teltonika'] as const
export type Kind = (typeof KINDS)[number]

export const KIND: Record<Kind, { title: string; means: string; protocol: Protocol }> = {
  json: { title: 'JSON over HTTPS', means: 'a tablet, a gateway or a script', protocol: 'json' },
  traccar: { title: 'Traccar Client or OsmAnd', means: 'a phone', protocol: 'osmand' },
  'owntracks-http': { title: 'OwnTracks over HTTP', means: 'a phone', protocol: 'owntracks' },
  'owntracks-mqtt': { title: 'OwnTracks over MQTT', means: 'a phone with a broker', protocol: 'mqtt' },
  teltonika: { title: 'Teltonika', means: 'a tracker, known by its IMEI', protocol: 'teltonika' },
}
export const PROTOCOL_TITLE: Record<Protocol, string> = {
  json: 'JSON',
  osmand: 'Traccar / OsmAnd',
  owntracks: 'OwnTracks',
  mqtt: 'OwnTracks, MQTT',
  teltonika: 'Teltonika',
}

export const kindsOf = (protocol: Protocol): Kind[] =>
  KINDS.filter((kind) => KIND[kind].protocol === protocol)

/** What there is to copy or to scan, one thing after the other. */
export interface Setting {
  title: string
  /** What to do with it. */
  hint: string
  text: string
  /** It is a link that a phone's camera may open. */
  isQr?: boolean
}

export interface Enrolment {
  name: string
  identity: string | null
  /** Shown once; null: it is known no more. */
  token: string | null
}

const HIDDEN_TOKEN = 'THE-TOKEN'

/** What an installer copies into a device of this kind. */
export function settingsOf(kind: Kind, doors: Doors, device: Enrolment): Setting[] {
  const token = device.token ?? HIDDEN_TOKEN
  const identity = device.identity ?? ''
  switch (kind) {
    case 'json':
      return [
        {
          title: 'A heartbeat from a terminal',
          hint: 'Paste it into a terminal: the answer says stored 1.',
          text: curlOf(doors.url, device.name, token),
        },
      ]
    case 'traccar':
      return traccarSettings(doors.url, identity, token, device.token !== null)
    case 'owntracks-http':
      return ownTracksSettings({
        mode: 3,
        url: `${doors.url}/v1/owntracks`,
        ...userOf(identity),
        password: token,
      }).filter(({ isQr }) => device.token !== null || !isQr)
    case 'owntracks-mqtt':
      return doors.broker === null
        ? []
        : ownTracksSettings({
            mode: 0,
            host: doors.broker.host,
            port: doors.broker.isSecure ? 8883 : 1883,
            tls: doors.broker.isSecure,
            pubTopicBase: identity,
            ...userOf(identity),
          })
    case 'teltonika':
      return teltonikaSettings(doors)
  }
}

const curlOf = (url: string, name: string, token: string) =>
  `curl ${url}/v1/heartbeats \\
  -H 'authorization: Bearer ${token}' -H 'content-type: application/json' \\
  -d '{"device":${shellSafe(JSON.stringify(name))},"fixTime":'$(date +%s000)',"latitude":41.6,"longitude":-87.3,"speedKph":0}'`

/** Inside single quotes of a shell. */
const shellSafe = (text: string) => text.replaceAll("'", `'\\''`)

/** The app takes an address with its own settings as the query. Source: Traccar Client, its QR code screen. */
function traccarSettings(url: string, identity: string, token: string, isKnown: boolean): Setting[] {
  const server = `${url}/v1/osmand/${token}`
  const query = new URLSearchParams({ id: identity, interval: '30', buffer: 'true' })
  const settings: Setting[] = [
    {
      title: 'Server URL',
      hint: 'Traccar Client: Settings, Server URL.',
      text: server,
    },
    { title: 'Device identifier', hint: 'Traccar Client: Settings, Device identifier.', text: identity },
    {
      title: 'OsmAnd',
      hint: 'OsmAnd: Plugins, Trip recording, Online tracking, web address.',
      text: `${server}?id=${encodeURIComponent(identity)}&lat={0}&lon={1}&timestamp={2}&hdop={3}&altitude={4}&speed={5}&bearing={6}`,
    },
  ]
  if (isKnown)
    settings.unshift({
      title: 'Scan it with Traccar Client',
      hint: 'Settings, the QR code in the corner.',
      text: `${server}?${query}`,
      isQr: true,
    })
  return settings
}

function userOf(identity: string): { username?: string; deviceId?: string; tid?: string } {
  const parts = identity.split('/')
  return parts.length >= 3 ? { username: parts.at(-2)!, deviceId: parts.at(-1)! } : { tid: identity }
}

/** Source: OwnTracks booklet, Configuration file. */
function ownTracksSettings(configuration: Record<string, unknown>): Setting[] {
  const whole = { _type: 'configuration', auth: true, monitoring: 2, ...configuration }
  const text = JSON.stringify(whole)
  return [
    {
      title: 'Scan it with the phone’s camera',
      hint: 'It opens OwnTracks, which asks whether to take the settings.',
      text: `owntracks:///config?inline=${base64(text)}`,
      isQr: true,
    },
    {
      title: 'Or as a file',
      hint: 'Save it as restline.otrc and open it on the phone.',
      text: JSON.stringify(whole, null, 2),
    },
  ]
}

const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

/** Parameters 2004 to 2006 are server, port and TCP. Source: Teltonika's parameter list, GPRS. */
function teltonikaSettings({ url, teltonikaPort }: Doors): Setting[] {
  if (teltonikaPort === null) return []
  const { hostname } = new URL(url)
  return [
    {
      title: 'By text message',
      hint: 'To the SIM card in the tracker. It begins with two spaces unless a login and password are set.',
      text: `  setparam 2004:${hostname};2005:${teltonikaPort};2006:0`,
    },
    {
      title: 'Teltonika Configurator',
      hint: 'GPRS, Server Settings. Set the APN of the SIM card there, too.',
      text: `Domain: ${hostname}\nPort: ${teltonikaPort}\nProtocol: TCP`,
    },
  ]
}
