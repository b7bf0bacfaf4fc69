"""psycopg 3: tables with a generated column and with a trigger, by every way in which it sends statements and data."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
from psycopg.types.numeric import Float4

from checks import MODEL, OPTIONS, TEXTS, URL, f32, points, refused, run, same, score, step, vector

OPTION = " ".join(f"-c {k}={v}" for k, v in OPTIONS.items())


def connect(**kwargs):
    return psycopg.connect(URL, options=OPTION, **kwargs)


MAKE = f"""
CREATE TABLE item (id int PRIMARY KEY, body text, features real[],
    score real GENERATED ALWAYS AS (pgml.predict('line', features)) STORED,
    embedding real[] GENERATED ALWAYS AS (pgml.embed('{MODEL}', body)) STORED);
CREATE TABLE note (id int PRIMARY KEY, body text, features real[], score real, embedding real[]);
CREATE FUNCTION note_fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.score := pgml.predict('line', NEW.features);
    IF TG_OP = 'INSERT' OR NEW.body IS DISTINCT FROM OLD.body THEN
        NEW.embedding := pgml.embed('{MODEL}', NEW.body);
    END IF;
    RAISE NOTICE 'note % is %', NEW.id, NEW.score;
    RETURN NEW;
END $$;
CREATE TRIGGER note_fill BEFORE INSERT OR UPDATE ON note FOR EACH ROW EXECUTE FUNCTION note_fill();
"""


def rows(n, start=0):
    return [(start + i, TEXTS[(start + i) % len(TEXTS)], p) for i, p in enumerate(points(n, start))]


def full(given):
    """What a table holds, by the rows that were given."""
    return [[i, b, list(f), score(f), vector(b)] for i, b, f in given]


def held(conn, table, low=0, high=1 << 30):
    found = conn.execute(f"SELECT id, body, features, score, embedding FROM {table} WHERE id >= %s AND id < %s ORDER BY id", (low, high)).fetchall()
    return [list(r) for r in found]


def described(cursor):
    return [(d.name, d.type_code) for d in cursor.description]


@step
def make(conn):
    conn.execute(MAKE)
    cur = conn.execute("SELECT column_name, data_type, is_generated FROM information_schema.columns WHERE table_name = 'item' ORDER BY ordinal_position")
    same("the table's columns", [list(r) for r in cur], [["id", "integer", "NEVER"], ["body", "text", "NEVER"], ["features", "ARRAY", "NEVER"],
         ["score", "real", "ALWAYS"], ["embedding", "ARRAY", "ALWAYS"]])
    cur = conn.execute("SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'item'::regclass ORDER BY adnum")
    same("the columns' expressions", [r[0] for r in cur], ["pgml.predict('line'::text, features)", f"pgml.embed('{MODEL}'::text, body)"])


@step
def executemany(conn):
    for table, low in ("item", 0), ("note", 0):
        given = rows(40, low)
        with conn.cursor() as cur:
            cur.executemany(f"INSERT INTO {table} (id, body, features) VALUES (%s, %s, %s)", given)
            same(f"{table}: executemany's row count", cur.rowcount, 40)
        same(f"{table}: executemany", held(conn, table, low, low + 40), full(given))
        given, got = rows(20, 50), []
        with conn.cursor() as cur:
            cur.executemany(f"INSERT INTO {table} (id, body, features) VALUES (%s, %s, %s) RETURNING id, score, embedding", given, returning=True)
            same(f"{table}: RETURNING's columns", described(cur), [("id", 23), ("score", 700), ("embedding", 1021)])
            while True:
                got.append(list(cur.fetchone()))
                if not cur.nextset():
                    break
        same(f"{table}: executemany with RETURNING", got, [[i, score(f), vector(b)] for i, b, f in given])
        conn.commit()


@step
def strict(conn):
    for table in "item", "note":
        cur = conn.execute(f"INSERT INTO {table} (id, body, features) VALUES (99, NULL, NULL) RETURNING score, embedding")
        same(f"{table}: NULL gives NULL", list(cur.fetchone()), [None, None])
    conn.rollback()


@step
def update(conn):
    for table in "item", "note":
        low = conn.execute(f"SELECT id, features FROM {table} WHERE id < 10 ORDER BY id").fetchall()
        moved = [(i, [11 - f[0], 5 - f[1], f[2]]) for i, f in low]
        for i, f in moved:
            cur = conn.execute(f"UPDATE {table} SET features = %s WHERE id = %s RETURNING score", (f, i))
            same(f"{table}: UPDATE of {i}", cur.fetchone()[0], score(f))
        cur = conn.execute(f"UPDATE {table} SET features[3] = 0, body = %s WHERE id < 20", (TEXTS[3],))
        same(f"{table}: UPDATE of many, row count", cur.rowcount, 20)
        now = held(conn, table, 0, 20)
        same(f"{table}: UPDATE of many", [r[3] for r in now], [score(r[2]) for r in now])
        same(f"{table}: UPDATE of many, texts", [r[4] for r in now], [vector(TEXTS[3])] * 20)
        cur = conn.execute(f"UPDATE {table} t SET features = v.f FROM (VALUES (1, %b::real[]), (2, %b::real[])) v (i, f) WHERE t.id = v.i AND pgml.predict('line', v.f) > %s RETURNING t.id, t.score",
                           ([11.0, 5.0, 0.0], [0.0, 0.0, 2.0], 20.0))
        same(f"{table}: UPDATE FROM where predict", [list(r) for r in cur], [[1, score((11, 5, 0))]])
        conn.rollback()


@step
def upsert(conn):
    for table in "item", "note":
        cur = conn.execute(f"""INSERT INTO {table} AS t (id, body, features) VALUES (1, %s, %s), (70, %s, %s)
            ON CONFLICT (id) DO UPDATE SET features = EXCLUDED.features, body = EXCLUDED.body
            RETURNING id, score, embedding, pgml.predict('line', t.features) = score""", (TEXTS[7], [3.0, 2.0, 1.0], TEXTS[8], [4.0, 3.0, 2.0]))
        same(f"{table}: ON CONFLICT DO UPDATE", [list(r) for r in cur], [[1, score((3, 2, 1)), vector(TEXTS[7]), True], [70, score((4, 3, 2)), vector(TEXTS[8]), True]])
        conn.rollback()
        cur = conn.execute(f"DELETE FROM {table} WHERE id < 3 RETURNING id, score, pgml.predict('line', features) AS again")
        same(f"{table}: DELETE RETURNING, columns", described(cur), [("id", 23), ("score", 700), ("again", 700)])
        got = cur.fetchall()
        same(f"{table}: DELETE RETURNING", [r[1] == r[2] for r in got], [True] * 3)
        conn.rollback()


@step
def pipeline(conn):
    for table in "item", "note":
        given = rows(12, 100)
        with conn.pipeline():
            cursors = [conn.execute(f"INSERT INTO {table} (id, body, features) VALUES (%s, %s, %s) RETURNING score", r) for r in given]
            asked = conn.execute(f"SELECT count(*), sum(score) FROM {table} WHERE id >= 100")
            predicted = [conn.execute("SELECT pgml.predict('line', %s::real[])", (r[2],)) for r in given]
            embedded = conn.execute("SELECT pgml.embed(%s, %s)", (MODEL, TEXTS[5]))
            same(f"{table}: pipeline, RETURNING", [c.fetchone()[0] for c in cursors], [score(r[2]) for r in given])
            same(f"{table}: pipeline, what it has written", asked.fetchone()[0], 12)
            same(f"{table}: pipeline, predict", [c.fetchone()[0] for c in predicted], [score(r[2]) for r in given])
            same(f"{table}: pipeline, embed", embedded.fetchone()[0], vector(TEXTS[5]))
        conn.rollback()

        refused(f"{table}: pipeline, a mistake", lambda: broken_texts(conn, table), "XX000")
        conn.rollback()
        same(f"{table}: pipeline, after it", conn.execute(f"SELECT count(*) FROM {table} WHERE id >= 100").fetchone()[0], 0)
        # Each Sync ends a transaction of its own: what was before the mistake's stays.
        conn.commit()
        conn.autocommit = True
        try:
            refused(f"{table}: pipeline, a transaction's mistake", lambda: broken_second(conn, table), "XX000")
            with conn.pipeline():
                conn.execute(f"INSERT INTO {table} (id, body, features) VALUES (122, %s, %s)", (TEXTS[2], [2.0, 2.0, 0.0]))
            same(f"{table}: pipeline, transactions beside it", [r[:1] + r[3:] for r in held(conn, table, 100)],
                 [[120, score((1, 2, 0)), vector(TEXTS[1])], [122, score((2, 2, 0)), vector(TEXTS[2])]])
            conn.execute(f"DELETE FROM {table} WHERE id >= 100")
        finally:
            conn.autocommit = False


def broken_second(conn, table):
    with conn.pipeline() as p:
        conn.execute(f"INSERT INTO {table} (id, body, features) VALUES (120, %s, %s)", (TEXTS[1], [1.0, 2.0, 0.0]))
        p.sync()
        conn.execute(f"INSERT INTO {table} (id, body, features) VALUES (121, %s, %s)", (TEXTS[1], [1.0, 2.0]))


def broken_texts(conn, table):
    with conn.pipeline():
        conn.execute(f"INSERT INTO {table} (id, body, features) VALUES (110, %s, %s)", (TEXTS[0], [1.0, 2.0, 0.0]))
        conn.execute(f"INSERT INTO {table} (id, body, features) VALUES (111, %s, %s)", (TEXTS[0], [1.0, 2.0]))
        conn.execute(f"INSERT INTO {table} (id, body, features) VALUES (112, %s, %s)", (TEXTS[0], [1.0, 2.0, 0.0]))


@step
def copy_in(conn):
    for table in "item", "note":
        given = rows(40, 200)
        with conn.cursor() as cur:
            with cur.copy(f"COPY {table} (id, body, features) FROM STDIN") as copy:
                for r in given:
                    copy.write_row(r)
            same(f"{table}: COPY FROM, row count", cur.rowcount, 40)
        same(f"{table}: COPY FROM", held(conn, table, 200), full(given))
        conn.rollback()
        with conn.cursor() as cur:
            with cur.copy(f"COPY {table} (id, body, features) FROM STDIN (FORMAT binary)") as copy:
                copy.set_types(["int4", "text", "float4[]"])
                for r in given:
                    copy.write_row(r)
        same(f"{table}: COPY FROM, binary", held(conn, table, 200), full(given))
        conn.rollback()

        def bad():
            with conn.cursor().copy(f"COPY {table} (id, body, features) FROM STDIN") as copy:
                for r in given[:20] + [(999, TEXTS[0], [1.0, 2.0])] + given[20:]:
                    copy.write_row(r)

        conn.execute("SAVEPOINT s")
        refused(f"{table}: COPY FROM, a mistake", bad, "XX000")
        conn.execute("ROLLBACK TO s")
        same(f"{table}: COPY FROM, after it", held(conn, table, 200), [])
        conn.rollback()


@step
def copy_out(conn):
    given = conn.execute("SELECT id, features FROM item ORDER BY id").fetchall()
    query = "SELECT id, pgml.predict('line', features) FROM item ORDER BY id"
    with conn.cursor().copy(f"COPY ({query}) TO STDOUT") as copy:
        copy.set_types(["int4", "float4"])
        got = [list(r) for r in copy.rows()]
    same("COPY TO", got, [[i, score(f)] for i, f in given])
    with conn.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT binary)") as copy:
        copy.set_types(["int4", "float4"])
        got = [list(r) for r in copy.rows()]
    same("COPY TO, binary", got, [[i, score(f)] for i, f in given])
    with conn.cursor().copy(f"COPY (SELECT id, pgml.predict('line', features) AS p, pgml.embed('{MODEL}', body) FROM item WHERE pgml.predict('line', features) > 20 ORDER BY id) TO STDOUT (FORMAT csv, HEADER)") as copy:
        text = b"".join(copy).decode().splitlines()
    same("COPY TO, CSV's header", text[0], "id,p,embed")
    same("COPY TO, CSV", [line.split(",")[0] for line in text[1:]], [str(i) for i, f in given if score(f) > 20])
    with conn.cursor().copy("COPY item TO STDOUT") as copy:
        copy.set_types(["int4", "text", "float4[]"])
        same("COPY of a table leaves generated columns out", {len(r) for r in copy.rows()}, {3})
    with conn.cursor().copy("COPY (SELECT id, score FROM item ORDER BY id) TO STDOUT") as copy:
        copy.set_types(["int4", "float4"])
        same("COPY of the stored ones", [list(r) for r in copy.rows()], [[i, score(f)] for i, f in given])
    refused("COPY of a generated column by name", lambda: conn.execute("COPY item (id, score) TO STDOUT"), "42P10")
    conn.rollback()

    def bad():
        with conn.cursor().copy("COPY (SELECT pgml.predict('line', features[1:2]) FROM item) TO STDOUT") as copy:
            list(copy)

    refused("COPY TO, a mistake", bad, "XX000")
    conn.rollback()


@step
def prepared(conn):
    for threshold in 0, 5, None:
        with connect(autocommit=True, prepare_threshold=threshold) as c:
            for binary in False, True:
                cur = c.cursor(binary=binary)
                name = f"prepare_threshold {threshold}, {'binary' if binary else 'text'}"
                got = [cur.execute("SELECT pgml.predict('line', %s::real[])", (p,)).fetchone()[0] for p in points(8)]
                same(f"{name}: predict", got, [score(p) for p in points(8)])
                same(f"{name}: column", described(cur), [("predict", 700)])
                got = [cur.execute("SELECT pgml.predict(%s, %b)", ("line", p)).fetchone()[0] for p in points(8)]
                same(f"{name}: predict, double precision", got, [score(p) for p in points(8)])
                got = [cur.execute("SELECT pgml.predict(%s, %b)", ("line", [Float4(v) for v in p])).fetchone()[0] for p in points(8)]
                same(f"{name}: predict, real", got, [score(p) for p in points(8)])
                got = [cur.execute("SELECT pgml.predict('line', %s)", ([int(v) for v in p],)).fetchone()[0] for p in points(8)]
                same(f"{name}: predict, whole numbers", got, [score(p) for p in points(8)])
                got = [cur.execute("SELECT pgml.embed(%s, %s)", (MODEL, t)).fetchone()[0] for t in TEXTS[:6]]
                same(f"{name}: embed", got, [vector(t) for t in TEXTS[:6]])
                same(f"{name}: embed's column", described(cur), [("embed", 1021)])
                got = cur.execute("SELECT id, pgml.predict('line', features) AS p FROM item WHERE pgml.predict('line', features) > %s ORDER BY pgml.predict('line', features) DESC, id LIMIT %s", (5.0, 7)).fetchall()
                known = cur.execute("SELECT id, score FROM item WHERE score > 5 ORDER BY score DESC, id LIMIT 7").fetchall()
                same(f"{name}: where, order, limit", [list(r) for r in got], [list(r) for r in known])
                try:
                    cur.execute("SELECT pgml.predict('line', %s::real[])", ([1.0],))
                except psycopg.Error as error:
                    same(f"{name}: a mistake", error.sqlstate, "XX000")
                same(f"{name}: after it", cur.execute("SELECT pgml.predict('line', %s::real[])", ([1.0, 1.0, 1.0],)).fetchone()[0], score((1, 1, 1)))


@step
def types(conn):
    """Parameters of all array types that predict takes, and the ways to write them."""
    want = score((3, 2, 1))
    for kind in "real[]", "double precision[]", "smallint[]", "integer[]", "bigint[]":
        for value in [3, 2, 1], [3.0, 2.0, 1.0]:
            if isinstance(value[0], float) and kind in ("smallint[]", "integer[]", "bigint[]"):
                continue
            same(f"predict, {value} as {kind}", conn.execute(f"SELECT pgml.predict('line', %s::{kind})", (value,)).fetchone()[0], want)
    same("named arguments", conn.execute("SELECT pgml.predict(project_name => %s, features => %s::real[])", ("line", [3, 2, 1])).fetchone()[0], want)
    same("a literal", conn.execute("SELECT pgml.predict('line', '{3,2,1}'::real[]) AS v").fetchone()[0], want)
    same("ARRAY of parameters", conn.execute("SELECT pgml.predict('line', ARRAY[%s, %s, %s]::real[])", (3, 2.0, 1)).fetchone()[0], want)
    same("a client's own cursor", psycopg.ClientCursor(conn).execute("SELECT pgml.predict(%s, %s::real[])", ("line", [3, 2, 1])).fetchone()[0], want)
    same("NULL", conn.execute("SELECT pgml.predict('line', %s::real[])", (None,)).fetchone()[0], None)
    cur = psycopg.RawCursor(conn).execute("SELECT pgml.predict($1, $2::real[]), pgml.predict($1, $2::real[]) AS again, $1 AS name", ["line", [3, 2, 1]])
    same("$1 twice", [list(cur.fetchone()), described(cur)], [[want, want, "line"], [("predict", 700), ("again", 700), ("name", 25)]])
    refused("no such project", lambda: conn.execute("SELECT pgml.predict(%s, %s::real[])", ("nothing", [3, 2, 1])), "XX000")
    conn.rollback()
    refused("too few features", lambda: conn.execute("SELECT pgml.predict(%s, %s::real[])", ("line", [3, 2])), "XX000")
    conn.rollback()
    refused("a text as features", lambda: conn.execute("SELECT pgml.predict('line', %s::real[])", ("three",)), "22P02")
    conn.rollback()


@step
def cursors(conn):
    given = conn.execute("SELECT id, features FROM item ORDER BY id").fetchall()
    want = [[i, score(f)] for i, f in given]
    with conn.cursor("c") as cur:
        cur.itersize = 7
        cur.execute("SELECT id, pgml.predict('line', features) AS p FROM item ORDER BY id")
        same("server cursor", [list(r) for r in cur], want)
        same("server cursor, columns", described(cur), [("id", 23), ("p", 700)])
    with conn.cursor("c", scrollable=True, binary=True) as cur:
        cur.execute("SELECT id, pgml.predict('line', features) FROM item WHERE pgml.predict('line', features) > %s ORDER BY id", (10.0,))
        some = [w for w in want if w[1] > 10]
        same("scrolling cursor, first", [list(r) for r in cur.fetchmany(3)], some[:3])
        cur.scroll(-2)
        same("scrolling cursor, back", list(cur.fetchone()), some[1])
        cur.scroll(len(some) - 1, mode="absolute")
        same("scrolling cursor, last", list(cur.fetchone()), some[-1])
        same("scrolling cursor, end", cur.fetchone(), None)
    conn.commit()
    with conn.cursor("held", withhold=True) as cur:
        cur.execute("SELECT id, pgml.predict('line', features) FROM item ORDER BY id")
        conn.commit()
        same("cursor WITH HOLD", [list(r) for r in cur.fetchall()], want)
    conn.commit()
    with conn.cursor() as cur:
        same("stream", [list(r) for r in cur.stream("SELECT id, pgml.predict('line', features) FROM item ORDER BY id")], want)
        same("stream, parameters", [list(r) for r in cur.stream("SELECT id, pgml.predict(%s, features) FROM item WHERE id < %s ORDER BY id", ("line", 9))], want[:9])
    conn.commit()


@step
def notices(conn):
    heard = []
    conn.add_notice_handler(lambda d: heard.append((d.severity, d.sqlstate, d.message_primary)))
    conn.execute("INSERT INTO note (id, body, features) VALUES (300, %s, %s), (301, %s, %s)", (TEXTS[0], [0.0, 0.0, 0.0], TEXTS[1], [11.0, 5.0, 2.0]))
    same("notices of the trigger", [h[:2] for h in heard], [("NOTICE", "00000")] * 2)
    same("notices' values", [float(h[2].split()[-1]) for h in heard], [score((0, 0, 0)), score((11, 5, 2))])
    conn.rollback()


@step
def transactions(conn):
    with connect() as other:
        conn.execute("INSERT INTO item (id, body, features) VALUES (400, %s, %s)", (TEXTS[0], [5.0, 5.0, 2.0]))
        conn.execute("INSERT INTO note (id, body, features) VALUES (400, %s, %s)", (TEXTS[0], [5.0, 5.0, 2.0]))
        count = "SELECT (SELECT count(*) FROM item WHERE id = 400), (SELECT count(*) FROM note WHERE pgml.predict('line', features) = score AND id = 400)"
        same("its own writes", list(conn.execute(count).fetchone()), [1, 1])
        same("another's, before the commit", list(other.execute(count).fetchone()), [0, 0])
        other.rollback()
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        same("a snapshot", list(other.execute(count).fetchone()), [0, 0])
        conn.commit()
        same("a snapshot, after the commit", list(other.execute(count).fetchone()), [0, 0])
        other.rollback()
        same("another's, after the commit", list(other.execute(count).fetchone()), [1, 1])
        got = other.execute("SELECT score, embedding FROM item WHERE id = 400 UNION ALL SELECT score, embedding FROM note WHERE id = 400").fetchall()
        same("another's values", [list(r) for r in got], [[score((5, 5, 2)), vector(TEXTS[0])]] * 2)
        other.rollback()
    for table in "item", "note":
        conn.rollback()
        with conn.transaction():
            conn.execute(f"INSERT INTO {table} (id, body, features) VALUES (500, %s, %s)", (TEXTS[1], [1.0, 0.0, 0.0]))

            def inner():
                with conn.transaction():
                    conn.execute(f"INSERT INTO {table} (id, body, features) VALUES (501, %s, %s)", (TEXTS[1], [1.0, 0.0, 1.0]))
                    conn.execute(f"INSERT INTO {table} (id, body, features) VALUES (502, %s, %s)", (TEXTS[1], [1.0, 0.0]))

            refused(f"{table}: a savepoint's mistake", inner, "XX000")
            conn.execute(f"INSERT INTO {table} (id, body, features) VALUES (503, %s, %s)", (TEXTS[2], [2.0, 0.0, 0.0]))
        same(f"{table}: around it", [r[:1] + r[3:] for r in held(conn, table, 500)], [[500, score((1, 0, 0)), vector(TEXTS[1])], [503, score((2, 0, 0)), vector(TEXTS[2])]])
        conn.execute(f"INSERT INTO {table} (id, body, features) VALUES (504, %s, %s)", (TEXTS[2], [2.0, 0.0, 2.0]))
        refused(f"{table}: a mistake", lambda: conn.execute(f"UPDATE {table} SET features = ARRAY[1, 2] WHERE id = 500"), "XX000")
        refused(f"{table}: behind a mistake", lambda: conn.execute("SELECT pgml.predict('line', ARRAY[1, 2, 0])"), "25P02")
        conn.rollback()
        same(f"{table}: after ROLLBACK", conn.execute(f"SELECT count(*) FROM {table} WHERE id >= 500").fetchone()[0], 2)
    refused("a value for a generated column", lambda: conn.execute("INSERT INTO item (id, score) VALUES (600, 1)"), "428C9")
    conn.rollback()
    with connect() as reader:
        reader.read_only = True
        got = reader.execute("SELECT count(*) FROM item WHERE pgml.predict('line', features) = score").fetchone()[0]
        same("READ ONLY", got, reader.execute("SELECT count(*) FROM item").fetchone()[0])


@step
def many(conn):
    """As many rows as it takes for values to be computed a batch at a time, in each way that fills a table."""
    conn.execute("CREATE TABLE source AS SELECT n AS id, body, features FROM (SELECT body, features FROM item WHERE id < 40 ORDER BY id) i, generate_series(1, 8) WITH ORDINALITY g (x, n)")
    conn.execute("UPDATE source SET id = s.n FROM (SELECT ctid, row_number() OVER () AS n FROM source) s WHERE source.ctid = s.ctid")
    source = conn.execute("SELECT id, body, features FROM source ORDER BY id").fetchall()
    given = {i: score(f) for i, b, f in source}
    same("source", [len(given), len(set(given.values())) > 20], [320, True])

    def check(name, query):
        got = dict(conn.execute(query).fetchall())
        wrong = [i for i in given if f32(got.get(i)) != given[i]]
        same(name, [len(got), wrong[:5]], [320, []])

    cur = conn.execute("CREATE TABLE made AS SELECT id, pgml.predict('line', features) AS p FROM source")
    same("CREATE TABLE AS, row count", cur.rowcount, 320)
    check("CREATE TABLE AS", "SELECT id, p FROM made")
    for table in "item", "note":
        conn.execute(f"TRUNCATE {table}")
        cur = conn.execute(f"INSERT INTO {table} (id, body, features) SELECT id, body, features FROM source")
        same(f"{table}: INSERT ... SELECT of many, row count", cur.rowcount, 320)
        check(f"{table}: INSERT ... SELECT of many", f"SELECT id, score FROM {table}")
        same(f"{table}: embeddings of many", list(conn.execute(f"SELECT count(*), count(DISTINCT embedding), count(DISTINCT body) FROM {table}").fetchone()), [320, 36, 36])
        cur = conn.execute(f"UPDATE {table} SET features[3] = 2 - features[3]")
        same(f"{table}: UPDATE of many, count", cur.rowcount, 320)
        got = conn.execute(f"SELECT features, score, pgml.predict('line', features) FROM {table}").fetchall()
        same(f"{table}: UPDATE of all", sum(score(f) == f32(s) == f32(p) for f, s, p in got), 320)
        conn.execute(f"TRUNCATE {table}")
        with conn.cursor() as cur, cur.copy(f"COPY {table} (id, body, features) FROM STDIN") as copy:
            for r in source:
                copy.write_row(r)
        check(f"{table}: COPY of many", f"SELECT id, score FROM {table}")
    check("predict of many", "SELECT id, pgml.predict('line', features) FROM source")
    check("predict of many, sorted by it", "SELECT id, pgml.predict('line', features) AS p FROM source ORDER BY p DESC")
    cur = conn.execute("UPDATE made SET p = pgml.predict('line', s.features) FROM source s WHERE s.id = made.id RETURNING made.id, made.p")
    same("UPDATE FROM of many", [sum(f32(p) == given[i] for i, p in cur), cur.rowcount], [320, 320])
    cur = conn.execute("DELETE FROM made USING source s WHERE s.id = made.id AND pgml.predict('line', s.features) > 15")
    same("DELETE where predict", cur.rowcount, sum(v > 15 for v in given.values()))
    conn.rollback()


@step
def at_once(conn):
    """Writers beside each other, in both tables, some of whose transactions fail."""
    conn.commit()
    mine = [(table, n) for n in range(4) for table in ("item", "note")]

    def write(job):
        table, n = job
        given = rows(10, 1000 + 100 * n)
        failed = 0
        with connect() as c:
            for i, r in enumerate(given):
                try:
                    with c.transaction():
                        c.execute(f"INSERT INTO {table} (id, body, features) VALUES (%s, %s, %s)", r)
                        if i % 3 == 2:
                            c.execute(f"UPDATE {table} SET features = features[1:2] WHERE id = %s", r[:1])
                except psycopg.Error as error:
                    failed += error.sqlstate == "XX000"
        return failed

    with ThreadPoolExecutor(len(mine)) as pool:
        same("at once: transactions that failed", list(pool.map(write, mine)), [3] * len(mine))
    for table in "item", "note":
        want = [r for n in range(4) for i, r in enumerate(rows(10, 1000 + 100 * n)) if i % 3 != 2]
        same(f"{table}: at once", held(conn, table, 1000), full(want))
        conn.execute(f"DELETE FROM {table} WHERE id >= 1000")
    conn.commit()


@step
def two_phase(conn):
    conn.tpc_begin("models-1")
    conn.execute("INSERT INTO item (id, body, features) VALUES (700, %s, %s)", (TEXTS[4], [7.0, 0.0, 0.0]))
    conn.tpc_prepare()
    conn.tpc_commit()
    same("two phases", held(conn, "item", 700), [[700, TEXTS[4], [7.0, 0.0, 0.0], score((7, 0, 0)), vector(TEXTS[4])]])
    conn.rollback()


def main():
    with connect() as conn:
        run(conn)


main()
