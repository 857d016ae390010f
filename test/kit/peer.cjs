/**
 * One request of whoever runs this: `node peer.cjs ADDRESS PORT TARGET HOST HOW`. HOW: `stay` prints the status that
 * comes back; `close` sends and closes at once, `reset` sends and resets the connection.
 */
const { connect } = require('node:net')

const [, , address, port, target, host, how] = process.argv
const bytes = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
const socket = connect(Number(port), address, () => {
  if (how === 'stay') socket.write(bytes)
  else socket.write(bytes, () => (how === 'reset' ? socket.resetAndDestroy() : socket.destroy()))
})
socket.setEncoding('utf8')
socket.once('data', (text) => {
  console.log(text.split(' ')[1])
  socket.destroy()
})
socket.on('error', () => console.log('cut'))
