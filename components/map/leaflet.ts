import L from 'leaflet'

// protomaps-leaflet finds Leaflet as a global of the window. Import Leaflet from here, never from the package, and it
// is set before anything can look for it.
if (typeof window !== 'undefined') (window as unknown as { L: typeof L }).L = L

/** What each map says in its corner before the sources of its data. HTML. */
export const LEAFLET_CREDIT = '<a href="https://leafletjs.com">Leaflet</a>'

export { L }
