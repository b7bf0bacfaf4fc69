// Checks of Node.js's Postgres libraries for the Go tests: each prints a line, its name and what came of it, which must be the same on
// the server and through PgOwl. suite.js LIBRARY URL CHECKS: pg, postgres or knex; CHECKS are plain, pooled (what a transaction pool may do)
// or pgml. An URL that ends in sslmode=require asks for TLS.
const net = require('net');
const { pipeline } = require('stream/promises');
const { Readable } = require('stream');

const [library, url, kind] = process.argv.slice(2);
const tls = url.endsWith('sslmode=require') && { rejectUnauthorized: false };

function show(value) {
  return JSON.stringify(value, (_, v) => {
    if (typeof v === 'bigint') return `${v}n`;
    if (typeof v === 'number' && !Number.isFinite(v)) return String(v);
    if (v && v.type === 'Buffer') return `bytes ${Buffer.from(v.data).toString('hex').slice(0, 80)}`;
    return v;
  });
}

// check prints what a function gives, or the error that it ends with.
async function check(name, f) {
  let out;
  try {
    out = show(await f());
  } catch (error) {
    if (!error.code) throw error;
    const message = library === 'knex' ? error.message.slice(error.message.lastIndexOf(' - ') + 3) : error.message; // knex puts the text before it
    const { code, detail, hint, position, constraint, table, column, severity } = error;
    out = 'error ' + show({ code, message, detail, hint, position, constraint, table, column, severity });
  }
  process.stdout.write(`${library}: ${name}\t${out}\n`);
}

// Values that go out and come back, with a cast each.
const values = [
  ['int2', '-32768'], ['int8', '9223372036854775807'], ['numeric', '0.1000000000000000000000000000000000001'], ['numeric', '-1e-30'],
  ['numeric', 'NaN'], ['float8', '-Infinity'], ['float8', 'NaN'], ['float4', '1.1754944e-38'], ['float8', '5e-324'],
  ['timestamptz', '2024-02-29 23:59:59.999999+00'], ['timestamp', 'infinity'], ['timestamptz', '-infinity'], ['date', 'infinity'],
  ['date', '0044-03-15 BC'], ['time', '24:00:00'], ['timetz', '12:00:00.5+05:30'], ['interval', '1 year -2 days 03:04:05.678'],
  ['bool', 't'], ['bytea', '\\x00ff5c27'], ['text', "quote ' \\ and \u{1F989} owl"], ['text', ''], ['uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'],
  ['json', '{"a": [1, 2.50, null]}'], ['jsonb', '{"b": 1e400, "a": "\u00e9"}'], ['inet', '::1/64'], ['int4range', '[1,5)'],
  ['int4[]', '{1,NULL,3}'], ['int4[]', '{{1,2},{3,4}}'], ['int4[]', '[-1:1]={7,8,9}'], ['text[]', '{"a,b","c\\"d",NULL,"NULL",""}'], ['float8[]', '{NaN,Infinity}'],
  ['bit(5)', '10101'], ['money', '12.34'], ['point', '(1.5,-2)'], ['int4', null], ['int4', '2147483648'], ['date', '2023-02-29'], ['json', '{'],
];

// Statements whose errors have to arrive as they are.
const mistakes = [
  'SELEC 1', 'SELECT * FROM nowhere', 'SELECT 1/0', "SELECT 'x'::int", 'SELECT nothing(1)',
  'INSERT INTO n_items (name) VALUES (NULL)', "INSERT INTO n_items (name, price) VALUES ('x', -1)", "INSERT INTO n_items (id, name) VALUES (1, 'again')",
  "DO $$ BEGIN RAISE EXCEPTION 'mine' USING ERRCODE = 'OW001', HINT = 'a hint', DETAIL = 'a detail'; END $$",
];

const tables = `DROP TABLE IF EXISTS n_items;
  CREATE TABLE n_items (id serial PRIMARY KEY, name text NOT NULL, price numeric(12, 4) CHECK (price >= 0), tags text[], doc jsonb)`;

// common runs what every library has: query(sql, params) gives rows, and where it can, one(f) a connection that is kept.
async function common(query) {
  await query(tables);
  for (const [type, value] of values) {
    await check(`value ${type} ${value}`, () => query(`SELECT $1::text::${type} AS v, pg_typeof($1::text::${type})::text AS t`, [value]));
  }
  await check('insert', () => query("INSERT INTO n_items (name, price, tags, doc) VALUES ($1, $2, $3, $4) RETURNING *", ['a', '1.5', ['x', 'y z', null], { deep: [1, { n: null }] }]));
  for (const sql of mistakes) await check(`mistake ${sql}`, () => query(sql));
  await check('a big value', async () => {
    const [row] = await query('SELECT length($1::text) AS n, md5($1::text) AS sum, repeat($1::text, 2) AS v', ['owl \u00e9 '.repeat(200000)]);
    return [row.n, row.sum, row.v.length];
  });
  await check('many rows', async () => {
    const rows = await query("SELECT g, repeat('x', g % 100) AS x FROM generate_series(1, 20000) g");
    return [rows.length, rows[19999], rows.reduce((n, r) => n + r.x.length, 0)];
  });
  await check('many at once', async () => {
    const all = await Promise.allSettled(Array.from({ length: 60 }, (_, i) => query('SELECT $1::int AS i, 10 / ($1::int % 7) AS q', [i])));
    return all.map((r) => (r.status === 'fulfilled' ? r.value[0] : r.reason.code));
  });
  await check('no rows', () => query('SELECT 1 AS one WHERE false'));
  await check('unicode names', () => query('SELECT 1 AS "\u540d\u524d", 2 AS "a b"'));
  await check('many parameters', async () => {
    const n = 5000;
    const marks = Array.from({ length: n }, (_, i) => `$${i + 1}::int`).join('+');
    return query(`SELECT ${marks} AS sum`, Array.from({ length: n }, (_, i) => i));
  });
}

async function waitFor(query, sql, params) {
  for (;;) {
    const rows = await query(sql, params);
    if (rows.length > 0) return;
  }
}

const sleeps = "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND wait_event = 'PgSleep'";

async function nodePostgres() {
  const { Client, Pool } = require('pg');
  const Cursor = require('pg-cursor');
  const { from, to } = require('pg-copy-streams');
  const config = { connectionString: url.split('?')[0], ssl: tls, application_name: 'suite \u00e9' };
  const pool = new Pool({ ...config, max: 3 });
  const run = async (sql, params) => (await pool.query(sql, params)).rows;
  if (kind === 'pgml') {
    await pgml(run);
    return pool.end();
  }
  await common(run);
  const client = new Client(config);
  const notices = [];
  client.on('notice', (n) => notices.push([n.severity, n.code, n.message]));
  await client.connect();
  const rows = async (q) => (await client.query(q)).rows;
  await check('named statements', async () => {
    const out = [];
    for (let i = 0; i < 5; i++) out.push(await rows({ name: 'by id', text: 'SELECT id, name FROM n_items WHERE id = $1', values: [i] }));
    return out;
  });
  await check('transaction', async () => {
    await client.query('BEGIN');
    await client.query("INSERT INTO n_items (name) VALUES ('tx')");
    const [{ n }] = await rows('SELECT count(*)::int AS n FROM n_items');
    await client.query('ROLLBACK');
    return [n, (await rows('SELECT count(*)::int AS n FROM n_items'))[0].n];
  });
  await check('failed transaction', async () => {
    await client.query('BEGIN');
    await client.query('SELECT 1/0').catch(() => {});
    try {
      await client.query('SELECT 1');
    } finally {
      await client.query('ROLLBACK');
    }
  });
  await check('cursor', async () => {
    await client.query('BEGIN');
    const cursor = client.query(new Cursor('SELECT g FROM generate_series(1, $1) g', [25]));
    const sizes = [];
    for (let r = await cursor.read(10); r.length > 0; r = await cursor.read(10)) sizes.push([r.length, r[0].g]);
    await cursor.close();
    await client.query('COMMIT');
    return sizes;
  });
  await check('copy in', async () => {
    const sink = client.query(from("COPY n_items (name, price) FROM STDIN WITH (FORMAT csv)"));
    await pipeline(Readable.from(Array.from({ length: 3000 }, (_, i) => `item ${i},${i / 8}\n`)), sink);
    return [sink.rowCount, await rows('SELECT sum(price)::text AS s, count(*)::int AS n FROM n_items')];
  });
  await check('copy in, a bad line', async () => {
    await pipeline(Readable.from(['good,1\n', 'bad,x\n']), client.query(from('COPY n_items (name, price) FROM STDIN WITH (FORMAT csv)')));
  });
  await check('copy out', async () => {
    let size = 0;
    const lines = [];
    for await (const chunk of client.query(to('COPY (SELECT g, md5(g::text) FROM generate_series(1, 5000) g) TO STDOUT'))) {
      size += chunk.length;
      if (lines.length === 0) lines.push(chunk.toString().slice(0, 40));
    }
    return [size, lines];
  });
  if (kind === 'plain') {
    await check('several statements', async () => {
      const all = await client.query("SELECT 1 AS a; SET LOCAL work_mem = '1MB'; SELECT 2 AS b, 3 AS c; UPDATE n_items SET price = 1 WHERE id < 3");
      return all.map((r) => [r.command, r.rowCount, r.rows]);
    });
    await check('prepared, then another table', async () => {
      const q = { name: 'star', text: 'SELECT * FROM n_changing', values: [] };
      await client.query('CREATE TABLE n_changing (a int); INSERT INTO n_changing VALUES (1)');
      const before = await rows(q);
      await client.query('ALTER TABLE n_changing ADD b text DEFAULT 2');
      const failed = await rows(q).catch((e) => [e.code, e.message]);
      await client.query('DROP TABLE n_changing');
      return [before, failed];
    });
    await check('notices', async () => {
      await client.query("DO $$ BEGIN RAISE WARNING 'careful'; RAISE NOTICE 'by the way'; END $$");
      return notices;
    });
    await check('settings of the start', () => rows("SELECT current_setting('application_name') AS name, current_setting('client_encoding') AS encoding, current_user AS who"));
    await check('listen', async () => {
      const heard = new Promise((resolve) => client.once('notification', (m) => resolve([m.channel, m.payload])));
      await client.query('LISTEN "Some Channel"');
      await pool.query(`SELECT pg_notify('Some Channel', 'payload \u00e9')`);
      return heard;
    });
    await check('cancel', async () => {
      const sleeping = rows('SELECT pg_sleep(60)');
      sleeping.catch(() => {});
      await waitFor(run, sleeps, [client.processID]);
      const body = Buffer.alloc(16);
      [16, 80877102, client.processID, client.secretKey].forEach((v, i) => body.writeInt32BE(v, 4 * i));
      // The server signals twice for a cancel (its process, then the process's group), and closes the connection behind that: before, a later
      // statement may still be hit.
      const sent = net.connect(client.port, client.host).end(body);
      const closed = new Promise((resolve) => sent.on('close', resolve).on('error', () => {}).resume());
      try {
        return await sleeping;
      } finally {
        await closed;
      }
    });
    await check('after the cancel', () => rows('SELECT 1 AS one'));
    await check('statement_timeout', async () => {
      await client.query('SET statement_timeout = 50');
      try {
        return await rows('SELECT pg_sleep(60)');
      } finally {
        await client.query('RESET statement_timeout');
      }
    });
    await check('temporary table', async () => {
      await client.query('CREATE TEMP TABLE n_temp AS SELECT 1 AS x');
      return rows('SELECT * FROM n_temp');
    });
    await check('terminated', async () => {
      const other = new Client(config);
      const ended = new Promise((resolve) => other.on('error', (e) => resolve([e.code || 'closed', e.severity])));
      await other.connect();
      await pool.query('SELECT pg_terminate_backend($1)', [other.processID]);
      return ended;
    });
    await check('no such database', async () => {
      await new Client({ ...config, connectionString: config.connectionString.replace(/[^/]*$/, 'no_such_database') }).connect();
    });
  }
  await client.end();
  await pool.end();
}

async function postgresJS() {
  const postgres = require('postgres');
  const notices = [];
  const sql = postgres(url.split('?')[0], { max: 3, ssl: tls, onnotice: (n) => notices.push([n.severity, n.code, n.message]), fetch_types: kind !== 'pooled' });
  const run = async (text, params) => [...(params ? await sql.unsafe(text, params, { prepare: true }) : await sql.unsafe(text))];
  if (kind === 'pgml') {
    await pgml(run);
    return sql.end();
  }
  await common(run);
  await check('template', async () => [...(await sql`SELECT ${'x'}::text AS x, ${sql.array([1, 2, 3])}::int[] AS list, ${sql.json({ a: [1] })}::json AS doc`)]);
  await check('helpers', async () => [...(await sql`INSERT INTO n_items ${sql([{ name: 'h1', price: 1 }, { name: 'h2', price: 2 }], 'name', 'price')} RETURNING name, price`)]);
  await check('describe', async () => {
    const d = await sql`SELECT id, name, price FROM n_items WHERE id = ${1} AND name = ${'x'}`.describe();
    return [d.types, d.columns.map((c) => [c.name, c.type])];
  });
  await check('transaction', () => sql.begin(async (tx) => {
    await tx`INSERT INTO n_items (name) VALUES ('tx')`;
    await tx.savepoint((s) => s`SELECT 1/0`).catch(() => {});
    const both = await Promise.all([tx`SELECT 1 AS a`, tx`SELECT 2 AS b`]);
    return both.map((r) => r[0]);
  }));
  await check('pipeline in a transaction that fails', () => sql.begin((tx) => [tx`SELECT 1 AS a`, tx`SELECT 1/0`, tx`SELECT 3 AS c`]));
  await check('cursor', async () => {
    const sizes = [];
    for await (const r of sql`SELECT g FROM generate_series(1, 25) g`.cursor(10)) sizes.push([r.length, r[0].g]);
    return sizes;
  });
  await check('cursor, broken off', async () => {
    const seen = [];
    await sql`SELECT g FROM generate_series(1, 100) g`.cursor(10, (r) => {
      seen.push(r[0].g);
      return seen.length === 2 ? sql.CLOSE : undefined;
    });
    return seen;
  });
  await check('for each', async () => {
    let sum = 0;
    await sql`SELECT g FROM generate_series(1, 1000) g`.forEach((r) => { sum += r.g; });
    return sum;
  });
  await check('raw and values', async () => [[...(await sql`SELECT 1::int8 AS a, 'x'::text AS b`.values())], (await sql`SELECT 1::int8 AS a`.raw())[0]]);
  // The library leaves a connection that has copied in a state where it may wait for ever: these have a session of their own.
  const copier = postgres(url.split('?')[0], { max: 1, ssl: tls });
  await check('copy in', async () => {
    const sink = await copier`COPY n_items (name, price) FROM STDIN WITH (FORMAT csv)`.writable();
    await pipeline(Readable.from(Array.from({ length: 3000 }, (_, i) => `item ${i},${i / 8}\n`)), sink);
    return [...(await copier`SELECT sum(price)::text AS s, count(*)::int AS n FROM n_items WHERE name LIKE 'item%'`)];
  });
  await check('copy out', async () => {
    let size = 0;
    for await (const chunk of await copier`COPY (SELECT g, md5(g::text) FROM generate_series(1, 5000) g) TO STDOUT`.readable()) size += chunk.length;
    return size;
  });
  await copier.end({ timeout: 5 });
  if (kind === 'plain') {
    await check('several statements', async () => (await sql`SELECT 1 AS a; SELECT 2 AS b, 3 AS c`.simple()).map((r) => [...r]));
    await check('notices', async () => {
      notices.length = 0;
      await sql`DO $$ BEGIN RAISE WARNING 'careful'; RAISE NOTICE 'by the way'; END $$`;
      return notices;
    });
    await check('listen', async () => {
      let heard;
      const arrived = new Promise((resolve) => { heard = resolve; });
      const { unlisten } = await sql.listen('Some Channel', heard);
      await sql.notify('Some Channel', 'payload \u00e9');
      const payload = await arrived;
      await unlisten();
      return payload;
    });
    let cancelled;
    await check('cancel', async () => {
      const one = await sql.reserve();
      const [{ pid }] = await one`SELECT pg_backend_pid() AS pid`;
      const sleeping = one`SELECT pg_sleep(60)`.execute();
      sleeping.catch(() => {});
      await waitFor(run, sleeps, [pid]);
      sleeping.cancel();
      cancelled = one; // nobody tells when the second signal has come: it serves no other statement
      return sleeping;
    });
    await check('prepared, then another table', async () => {
      const one = await sql.reserve();
      await one`CREATE TABLE n_changing (a int)`;
      await one`INSERT INTO n_changing VALUES (1)`;
      const before = [...(await one`SELECT * FROM n_changing`)];
      await one`ALTER TABLE n_changing ADD b text DEFAULT 2`;
      const after = await one`SELECT * FROM n_changing`.then((r) => [...r], (e) => [e.code, e.message]);
      await one`DROP TABLE n_changing`;
      one.release();
      return [before, after];
    });
    cancelled?.release();
  }
  await sql.end({ timeout: 5 });
}

async function withKnex() {
  const db = require('knex')({ client: 'pg', connection: { connectionString: url.split('?')[0], ssl: tls }, pool: { min: 0, max: 3 } });
  const run = async (text, params) => {
    // knex has ? for parameters, each once.
    const used = [];
    const marked = text.replace(/\$(\d+)/g, (_, n) => { used.push(params[n - 1]); return '?'; });
    return (await db.raw(params ? marked : marked.replace(/\?/g, '\\?'), used)).rows;
  };
  if (kind === 'pgml') {
    await pgml(run);
    return db.destroy();
  }
  await check('create', async () => {
    await db.schema.dropTableIfExists('n_books').dropTableIfExists('n_authors');
    await db.schema.createTable('n_authors', (t) => { t.increments(); t.string('name', 80).unique(); t.timestamp('born', { precision: 3 }); });
    await db.schema.createTable('n_books', (t) => {
      t.uuid('id').primary().defaultTo(db.raw("'00000000-0000-4000-8000-000000000001'::uuid"));
      t.integer('author').references('n_authors.id').onDelete('CASCADE');
      t.decimal('price', 20, 10); t.jsonb('doc'); t.specificType('tags', 'text[]'); t.enu('kind', ['novel', 'play']);
    });
    return db('n_books').columnInfo();
  });
  await check('insert', () => db('n_authors').insert([{ name: 'Ann', born: '1990-01-02T03:04:05.678Z' }, { name: 'Bo' }]).returning('*'));
  await check('insert again', () => db('n_authors').insert({ name: 'Ann' }));
  await check('merge', () => db('n_authors').insert({ name: 'Ann', born: null }).onConflict('name').merge().returning(['id', 'born']));
  await check('insert a book', () => db('n_books').insert({ author: 1, price: '1234567890.0123456789', doc: { a: [1] }, tags: ['x', 'y'], kind: 'play' }).returning('*'));
  await check('a wrong kind', () => db('n_books').insert({ id: '00000000-0000-4000-8000-000000000002', kind: 'poem' }));
  await check('a missing author', () => db('n_books').insert({ id: '00000000-0000-4000-8000-000000000003', author: 99 }));
  await check('join', () => db('n_books as b').join('n_authors as a', 'a.id', 'b.author').select('a.name', 'b.price').where('b.price', '>', 1).orderBy('a.name'));
  await check('aggregates', () => db('n_authors').count('* as n').max('name as last').first());
  await check('json path', () => db('n_books').whereJsonPath('doc', '$.a[0]', '=', 1).select('tags'));
  await check('with', () => db.with('w', db('n_authors').select('name')).select('*').from('w').orderBy('name').limit(1));
  await check('transaction', () => db.transaction(async (tx) => {
    await tx('n_authors').insert({ name: 'Cy' });
    await tx.transaction((inner) => inner.raw('SELECT 1/0')).catch(() => {});
    return tx('n_authors').select('name').orderBy('id');
  }));
  await check('isolation', () => db.transaction((tx) => tx.raw('SHOW transaction_isolation').then((r) => r.rows), { isolationLevel: 'serializable' }));
  await check('batch insert', () => db.batchInsert('n_authors', Array.from({ length: 500 }, (_, i) => ({ name: `many ${i}` })), 100).then(() => db('n_authors').count('* as n')));
  await check('stream', async () => {
    let n = 0;
    for await (const row of db('n_authors').select('id').stream({ batchSize: 50 })) n += row.id > 0;
    return n;
  });
  await check('alter', async () => {
    await db.schema.alterTable('n_authors', (t) => { t.text('note').notNullable().defaultTo('-'); t.index(['name', 'note']); });
    return [await db.schema.hasColumn('n_authors', 'note'), await db('n_authors').first()];
  });
  await check('update and delete', async () => [await db('n_authors').where('name', 'like', 'many%').del(), await db('n_authors').update({ note: 'x' }, ['id', 'note'])]);
  await check('timeout', async () => {
    try {
      return await db.raw('SELECT pg_sleep(60)').timeout(100, { cancel: true });
    } catch (e) {
      return [e.name];
    }
  });
  await check('drop', () => db.schema.dropTable('n_books').dropTable('n_authors').then(() => db.schema.hasTable('n_books')));
  await db.destroy();
}

// pgml runs ML statements; what they must give is stated in the Go test.
async function pgml(query) {
  await check('embed', async () => {
    const [row] = await query("SELECT pgml.embed('all-MiniLM-L6-v2', $1) AS v", ['Hottest weather in 100 years']);
    return [row.v.length, row.v[0].toFixed(3)];
  });
  await check('predict a column', () => query("SELECT a, pgml.predict('suites', ARRAY[a, b]) AS y FROM suite_train WHERE a::int % 20 = $1 ORDER BY a", [10]));
  await check('predict, many at once', async () => {
    const all = await Promise.all([20, 80, 30, 90].map((a) => query("SELECT pgml.predict('suites', $1::real[]) AS y", [[a, 1]])));
    return all.map((r) => r[0].y);
  });
  await check('a mistake', () => query("SELECT pgml.predict('no such project', ARRAY[1::real, $1::real])", [1]));
  await check('after it', () => query('SELECT 1 AS one'));
}

({ pg: nodePostgres, postgres: postgresJS, knex: withKnex })[library]().catch((error) => {
  console.error(error);
  process.exit(1);
});
