'use client'
import { CopyButton } from '../ui/copy.tsx'
import { QrCode } from './qr.tsx'
import { type Doors, type Enrolment, KIND, type Kind, settingsOf } from './settings.ts'

/** What to copy into a device, or to scan with it. */
export function SettingList({ kind, doors, device }: { kind: Kind; doors: Doors; device: Enrolment }) {
  const settings = settingsOf(kind, doors, device)
  if (settings.length === 0) {
    return (
      <p className="text-muted text-sm">
        {kind === 'teltonika'
          ? 'No door for trackers is open on this server: whoever runs it sets TELTONIKA_PORT.'
          : 'This server listens to no broker: whoever runs it sets MQTT_URL.'}
      </p>
    )
  }
  return (
    <ul aria-label={`Settings for ${KIND[kind].title}`} className="flex flex-col gap-4">
      {settings.map(({ title, hint, text, isQr }) => (
        <li key={title} className="flex min-w-0 flex-col gap-1.5">
          <div className="flex items-center gap-2">
            <div className="min-w-0 flex-1">
              <p className="font-medium text-sm">{title}</p>
              <p className="text-muted text-xs">{hint}</p>
            </div>
            <CopyButton text={text} what={isQr ? `${title}: the link` : title} />
          </div>
          {isQr ? (
            <QrCode text={text} label={title} />
          ) : (
            <pre className="whitespace-pre-wrap break-all rounded-md bg-sunken px-3 py-2 font-mono text-xs">
              {text}
            </pre>
          )}
        </li>
      ))}
    </ul>
  )
}
