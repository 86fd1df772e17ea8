// Preloaded for `prisma generate`, which asks for Node 20.19 where Restline promises 20.9. Two things that its command line
// touches at load, and that generating never uses, are missing before that.
const Module = require('node:module')
const util = require('node:util')

util.styleText ??= (_format, text) => text

const load = Module._load
Module._load = (request, ...rest) =>
  request.startsWith('@prisma/dev') && !process.features.require_module ? {} : load(request, ...rest)
