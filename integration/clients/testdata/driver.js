// Runs statements for the Go tests through node-postgres: a JSON request a line in, a JSON answer a line out.
// driver.js URL [named]; requests are {sql, params}, or {sql, file} for COPY ... FROM STDIN. With "named" every statement is
// a prepared one with a name.
const fs = require('fs');
const readline = require('readline');
const crypto = require('crypto');
const { pipeline } = require('stream/promises');
const { Client } = require('pg');
const { from } = require('pg-copy-streams');

const [url, named] = process.argv.slice(2);

async function answer(client, { sql, params, file }) {
  if (file) {
    await pipeline(fs.createReadStream(file), client.query(from(sql)));
    return { types: [], rows: [] };
  }
  const query = { text: sql, values: params || [], rowMode: 'array' };
  if (named) query.name = crypto.createHash('md5').update(sql).digest('hex');
  const result = await client.query(query);
  return { types: result.fields.map((f) => f.dataTypeID), rows: result.rows };
}

async function main() {
  const client = new Client({ connectionString: url });
  await client.connect();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let out;
    try {
      out = await answer(client, JSON.parse(line));
    } catch (error) {
      if (!error.code || error.severity === undefined) throw error;
      out = { error: { code: error.code, message: error.message } };
    }
    process.stdout.write(JSON.stringify(out) + '\n');
  }
  await client.end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
