'use client'
import { createContext, useContext } from 'react'
import type { Me } from '../../server/fleet/schema.ts'

export const ViewerContext = createContext<Me | null>(null)

/** Who is looking, and at which fleet. */
export function useViewer(): Me {
  const viewer = useContext(ViewerContext)
  if (!viewer) throw new Error('useViewer outside of the shell')
  return viewer
}
