import L from 'leaflet'

// protomaps-leaflet finds Leaflet as a global of the window. Import Leaflet from here, never from the package, and it
// is set before anything can look for it.
if (typeof window !== 'undefined') (window as unknown as { L: typeof L }).L = L

export { L }
