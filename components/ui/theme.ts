'use client'
import { useSyncExternalStore } from 'react'
import { THEME_COOKIE } from './theme-cookie.ts'

export type ThemeChoice = 'system' | 'light' | 'dark'
export type Theme = 'light' | 'dark'

const listeners = new Set<() => void>()

function subscribe(listener: () => void): () => void {
  const system = window.matchMedia('(prefers-color-scheme: dark)')
  system.addEventListener('change', listener)
  listeners.add(listener)
  return () => {
    system.removeEventListener('change', listener)
    listeners.delete(listener)
  }
}

function chosen(): ThemeChoice {
  const { theme } = document.documentElement.dataset
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

function resolved(): Theme {
  const choice = chosen()
  if (choice !== 'system') return choice
  return window.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}

/** What the person chose. */
export function useThemeChoice(): ThemeChoice {
  return useSyncExternalStore(subscribe, chosen, () => 'system')
}

/** What the page looks like now; for what CSS can't reach, like a canvas. */
export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, resolved, () => 'light')
}

export function chooseTheme(choice: ThemeChoice): void {
  const root = document.documentElement
  if (choice === 'system') delete root.dataset.theme
  else root.dataset.theme = choice
  const seconds = choice === 'system' ? 0 : 400 * 24 * 3600
  document.cookie = `${THEME_COOKIE}=${choice}; path=/; max-age=${seconds}; samesite=lax`
  for (const listener of listeners) listener()
}
