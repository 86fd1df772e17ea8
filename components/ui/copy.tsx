'use client'
import { Check, Copy } from 'lucide-react'
import { useState } from 'react'
import { Button } from './button.tsx'
import { say } from './toast.tsx'

/** Puts a text on the clipboard, and says so. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState(false)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setDone(true)
    } catch {
      say('It could not be copied', { detail: 'Select the text and copy it by hand.', tone: 'warning' })
    }
  }
  const Icon = done ? Check : Copy
  return (
    <Button
      size="small"
      aria-label={`Copy ${what}`}
      onClick={() => void copy()}
      onBlur={() => setDone(false)}
    >
      <Icon aria-hidden className="size-3.5" />
      <span role="status">{done ? 'Copied' : 'Copy'}</span>
    </Button>
  )
}

/** A token or secret that nobody can ask for again. */
export function TokenOnce({ token, what = 'token' }: { token: string; what?: 'token' | 'secret' }) {
  return (
    <div className="flex flex-wrap items-center gap-2 rounded-md bg-warning-soft px-3 py-2">
      <div className="min-w-0 flex-1">
        <p className="font-medium text-warning text-xs">
          {what === 'token' ? 'Token' : 'Secret'}, shown this once
        </p>
        <code className="break-all font-mono text-xs">{token}</code>
      </div>
      <CopyButton text={token} what={`the ${what}`} />
    </div>
  )
}
