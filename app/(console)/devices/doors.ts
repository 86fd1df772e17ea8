import type { Doors } from '../../../components/devices/settings.ts'
import { env } from '../../../server/env.ts'

/** Where devices reach this server, for the settings that an installer copies. */
export function doorsOf(): Doors {
  const { publicUrl, TELTONIKA_PORT, MQTT_URL } = env()
  return {
    url: publicUrl,
    teltonikaPort: TELTONIKA_PORT ?? null,
    broker: MQTT_URL ? { host: new URL(MQTT_URL).hostname, isSecure: /^(mqtts|wss):/.test(MQTT_URL) } : null,
  }
}
