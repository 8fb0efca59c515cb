// The server that is driven: answers each request with its own arguments, as a tool that says back what it is told.
const pieces = [];

process.stdin.on('data', (chunk) => {
  let start = 0;
  let answers = '';
  for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
    pieces.push(chunk.subarray(start, end));
    const { id, params } = JSON.parse(Buffer.concat(pieces.splice(0)).toString());
    answers += `${JSON.stringify({ result: { content: [{ type: 'text', text: params.arguments.text }] }, jsonrpc: '2.0', id })}\n`;
    start = end + 1;
  }
  if (start < chunk.length) pieces.push(chunk.subarray(start));
  if (answers !== '') process.stdout.write(answers);
});
process.stdin.on('end', () => process.exit(0));
