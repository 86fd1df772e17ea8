import { answerLocal } from '../../../../server/auth/local.ts'

const handle = (request: Request) => answerLocal(request, Date.now())

export { handle as GET, handle as POST }
