import { redirect } from 'next/navigation'
import { homeOf } from '../server/auth/can.ts'
import { signedIn } from './viewer.ts'

export default async function Home() {
  redirect(homeOf((await signedIn('/')).role))
}
