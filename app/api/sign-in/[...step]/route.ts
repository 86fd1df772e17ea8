import { answerSignIn } from '../../../../server/auth/door.ts'

const handle = (request: Request) => answerSignIn(request, Date.now())

export { handle as GET, handle as POST }
