import type { NextConfig } from 'next'

const nextConfig: NextConfig = {
  poweredByHeader: false,
  reactStrictMode: true,
  serverExternalPackages: ['pg'],
  // `forbidden()` answers 403 with app/forbidden.tsx.
  experimental: { authInterrupts: true },
}

export default nextConfig
