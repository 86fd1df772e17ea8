'use client'
import { Search, X } from 'lucide-react'
import { useRef } from 'react'
import { Kbd } from './kbd.tsx'

export interface SearchFieldProps {
  label: string
  placeholder: string
  value: string
  onChange(value: string): void
  /** Enter or Arrow Down: go to the results. */
  onLeave?(): void
}

/** A search over what is on the page. `/` anywhere on the page puts the focus here (see shortcuts). */
export function SearchField({ label, placeholder, value, onChange, onLeave }: SearchFieldProps) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <div className="relative">
      <Search
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-faint"
      />
      <input
        ref={input}
        type="search"
        data-search
        aria-label={label}
        aria-keyshortcuts="/"
        placeholder={placeholder}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            if (value) onChange('')
            else input.current?.blur()
          } else if (event.key === 'Enter' || event.key === 'ArrowDown') {
            event.preventDefault()
            onLeave?.()
          }
        }}
        className="h-8 w-full rounded-md border border-line-strong/70 bg-surface pr-8 pl-8 text-sm placeholder:text-faint hover:border-line-strong [&::-webkit-search-cancel-button]:hidden"
      />
      {value ? (
        <button
          type="button"
          aria-label="Clear the search"
          onClick={() => {
            onChange('')
            input.current?.focus()
          }}
          className="absolute top-1/2 right-1 grid size-6 -translate-y-1/2 place-items-center rounded text-faint hover:text-ink"
        >
          <X aria-hidden className="size-4" />
        </button>
      ) : (
        <Kbd className="-translate-y-1/2 absolute top-1/2 right-2 max-md:hidden">/</Kbd>
      )}
    </div>
  )
}
