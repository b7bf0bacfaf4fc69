"""SQLAlchemy: mapped classes whose computed columns and triggers predict and embed, with psycopg and with asyncpg as the driver."""
import asyncio
import os

import sqlalchemy as sa
from sqlalchemy import Computed, FetchedValue, Identity, Text, func, select
from sqlalchemy.dialects.postgresql import ARRAY, REAL, insert
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, column_property, mapped_column, relationship
from sqlalchemy.schema import DDL

from checks import MODEL, OPTIONS, TEXTS, URL, f32, points, refused, run, same, score, step, vector

PREDICT = "pgml.predict('line', features)"
EMBED = f"pgml.embed('{MODEL}', body)"


class Base(DeclarativeBase):
    pass


class Given:
    id: Mapped[int] = mapped_column(Identity(always=False), primary_key=True)
    body: Mapped[str | None] = mapped_column(Text)
    features: Mapped[list[float] | None] = mapped_column(ARRAY(REAL))


class Item(Given, Base):
    """Both columns computed; what an UPDATE recomputes is read when it is asked for."""

    __tablename__ = "item"
    score: Mapped[float | None] = mapped_column(REAL, Computed(PREDICT, persisted=True))
    embedding: Mapped[list[float] | None] = mapped_column(ARRAY(REAL), Computed(EMBED, persisted=True))


class Eager(Given, Base):
    """The same with UPDATE ... RETURNING, a check, an expression's index, and a default that predicts."""

    __tablename__ = "eager"
    score: Mapped[float | None] = mapped_column(REAL, Computed(PREDICT, persisted=True))
    first: Mapped[float] = mapped_column(REAL, server_default=sa.text("pgml.predict('line', ARRAY[1, 2, 0])"))
    __mapper_args__ = {"eager_defaults": True}
    __table_args__ = (
        sa.CheckConstraint("pgml.predict('line', features) > 3", name="not_little"),
        sa.Index("by_prediction", sa.text(f"({PREDICT})"), "id"),
    )


class Note(Given, Base):
    """A trigger fills both."""

    __tablename__ = "note"
    score: Mapped[float | None] = mapped_column(REAL, FetchedValue(), server_onupdate=FetchedValue())
    embedding: Mapped[list[float] | None] = mapped_column(ARRAY(REAL), FetchedValue(), server_onupdate=FetchedValue())
    item_id: Mapped[int | None] = mapped_column(sa.ForeignKey("item.id"))
    item: Mapped[Item | None] = relationship()
    __mapper_args__ = {"eager_defaults": True}


Note.predicted = column_property(func.pgml.predict("line", Note.features, type_=REAL))


class Archive(Base):
    __tablename__ = "archive"
    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    score: Mapped[float | None] = mapped_column(REAL)
    embedding: Mapped[list[float] | None] = mapped_column(ARRAY(REAL))


sa.event.listen(Note.__table__, "after_create", DDL(f"""
CREATE FUNCTION note_fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.score := pgml.predict('line', NEW.features);
    IF TG_OP = 'INSERT' OR NEW.body IS DISTINCT FROM OLD.body THEN
        NEW.embedding := pgml.embed('{MODEL}', NEW.body);
    END IF;
    RETURN NEW;
END $$"""))
sa.event.listen(Note.__table__, "after_create", DDL(
    "CREATE TRIGGER note_fill BEFORE INSERT OR UPDATE ON note FOR EACH ROW EXECUTE FUNCTION note_fill()"))


def predict(column):
    return func.pgml.predict("line", column, type_=REAL)


def new(kind, n, start=0):
    return [kind(body=TEXTS[(start + i) % len(TEXTS)], features=p) for i, p in enumerate(points(n, start))]


def loaded(thing, *names):
    """What an object holds without asking the server."""
    return [thing.__dict__.get(name, "not loaded") for name in names]


class Psycopg:
    """Sessions over a plain engine."""

    def __init__(self):
        options = " ".join(f"-c {k}={v}" for k, v in OPTIONS.items())
        self.engine = sa.create_engine(URL.replace("postgres://", "postgresql+psycopg://"), connect_args={"options": options})

    def session(self, function, **options):
        with Session(self.engine.execution_options(**options) if options else self.engine) as session:
            return function(session)

    def connection(self, function):
        with self.engine.begin() as conn:
            return function(conn)

    def run(self):
        run(self)


class Asyncpg:
    """The same, over an asynchronous engine."""

    def __init__(self):
        url = URL.replace("postgres://", "postgresql+asyncpg://").split("?")[0]
        self.engine = create_async_engine(url, connect_args={"ssl": False, "server_settings": OPTIONS})

    def session(self, function, **options):
        async def call():
            async with AsyncSession(self.engine.execution_options(**options) if options else self.engine) as session:
                return await session.run_sync(function)

        return self.loop.run_until_complete(call())

    def connection(self, function):
        async def call():
            async with self.engine.begin() as conn:
                return await conn.run_sync(function)

        return self.loop.run_until_complete(call())

    def run(self):
        self.loop = asyncio.new_event_loop()
        run(self)
        self.loop.run_until_complete(self.engine.dispose())


@step
def make(db):
    db.connection(Base.metadata.create_all)

    def look(conn):
        columns = sa.inspect(conn).get_columns("item")
        same("reflected columns", sorted((c["name"], c["type"].compile(conn.dialect)) for c in columns),
             [("body", "TEXT"), ("embedding", "REAL[]"), ("features", "REAL[]"), ("id", "INTEGER"), ("score", "REAL")])
        same("reflected computed columns", [c["computed"] for c in columns if "computed" in c],
             [{"sqltext": "pgml.predict('line'::text, features)", "persisted": True}, {"sqltext": f"pgml.embed('{MODEL}'::text, body)", "persisted": True}])
        same("reflected check", [c["sqltext"] for c in sa.inspect(conn).get_check_constraints("eager")],
             ["pgml.predict('line'::text, features) > 3::double precision"])
        same("reflected index", [i["expressions"] for i in sa.inspect(conn).get_indexes("eager")], [["pgml.predict('line'::text, features)", "id"]])
        mirror = sa.Table("item", sa.MetaData(), autoload_with=conn)
        same("a mirror's column is computed", str(mirror.c.score.computed.sqltext), "pgml.predict('line'::text, features)")

    db.connection(look)


@step
def add_all(db):
    def body(session):
        for kind in Item, Note:
            things = new(kind, 48)
            session.add_all(things)
            session.flush()
            name = kind.__name__
            same(f"{name}: flush, identities", [t.id for t in things], list(range(1, 49)))
            same(f"{name}: flush, scores are there", [loaded(t, "score")[0] for t in things], [score(t.features) for t in things])
            same(f"{name}: flush, embeddings are there", [loaded(t, "embedding")[0] for t in things], [vector(t.body) for t in things])
            session.commit()
            same(f"{name}: after the commit", [[t.score, t.embedding] for t in things[:5]], [[score(t.features), vector(t.body)] for t in things[:5]])
        same("NULL gives NULL", *null(session))

    db.session(body)

    def other(session):
        for kind in Item, Note:
            things = session.scalars(select(kind).order_by(kind.id)).all()
            same(f"{kind.__name__}: another session", [[t.score, t.embedding] for t in things], [[score(t.features), vector(t.body)] for t in things])
        same("a mapped expression", [n.predicted for n in session.scalars(select(Note).order_by(Note.id))], [score(p) for p in points(48)])

    db.session(other)


def null(session):
    thing = Item(body=None, features=None)
    session.add(thing)
    session.flush()
    got = loaded(thing, "score", "embedding")
    session.rollback()
    return got, [None, None]


@step
def core_returning(db):
    def body(session):
        for kind in Item, Note:
            values = [{"body": TEXTS[i % 36], "features": p} for i, p in enumerate(points(30, 60))]
            statement = sa.insert(kind).returning(kind.score, kind.embedding, sort_by_parameter_order=True)
            got = session.execute(statement, values)
            same(f"{kind.__name__}: RETURNING's columns", list(got.keys()), ["score", "embedding"])
            same(f"{kind.__name__}: RETURNING in the parameters' order", [list(r) for r in got], [[score(v["features"]), vector(v["body"])] for v in values])
            statement = sa.insert(kind).returning(predict(kind.features).label("p"), kind.score, func.pgml.predict("line", kind.features))
            got = session.execute(statement, values[:3])
            same(f"{kind.__name__}: RETURNING of a call, columns", list(got.keys()), ["p", "score", "predict"])
            same(f"{kind.__name__}: RETURNING of a call", sorted(list(r) for r in got), sorted([score(v["features"])] * 3 for v in values[:3]))
            session.rollback()

    db.session(body)


@step
def update(db):
    def body(session):
        for kind in Item, Note:
            name = kind.__name__
            things = session.scalars(select(kind).order_by(kind.id).limit(12)).all()
            for t in things:
                t.features = [11 - t.features[0], 5 - t.features[1], t.features[2]]
            session.flush()
            same(f"{name}: changed features", [t.score for t in things], [score(t.features) for t in things])
            same(f"{name}: their embeddings are the same", [t.embedding for t in things], [vector(t.body) for t in things])
            things[0].body = TEXTS[20]
            session.flush()
            same(f"{name}: a changed text", [things[0].embedding, things[0].score], [vector(TEXTS[20]), score(things[0].features)])
            session.execute(sa.text(f"UPDATE {kind.__tablename__} SET features = ARRAY[1, 1, 1] WHERE id = 2"))
            session.refresh(things[1])
            same(f"{name}: refresh", [things[1].score, things[1].features], [score((1, 1, 1)), [1.0, 1.0, 1.0]])
            session.refresh(things[2], ["score"])
            same(f"{name}: refresh of one attribute", things[2].score, score(things[2].features))
            session.rollback()
            same(f"{name}: rolled back", [t.score for t in things], [score(p) for p in points(12)])

            session.execute(sa.update(kind), [{"id": t.id, "features": [0.0, 0.0, 2.0]} for t in things])
            session.expire_all()
            same(f"{name}: UPDATE by primary keys", [t.score for t in things], [score((0, 0, 2))] * 12)
            got = session.execute(sa.update(kind).where(predict(kind.features) < 1, kind.id <= 12).values(features=[4.0, 4.0, 0.0]).returning(kind.id, kind.score))
            same(f"{name}: UPDATE where predict", sorted(list(r) for r in got), [[i, score((4, 4, 0))] for i in range(1, 13)])
            done = session.execute(sa.update(kind).where(predict(kind.features) == score((4, 4, 0))).values(body=TEXTS[1]).execution_options(synchronize_session=False))
            same(f"{name}: UPDATE where predict, row count", done.rowcount, 12 + sum(score(p) == score((4, 4, 0)) for p in points(48)[12:]))
            session.rollback()

    db.session(body)

    def eager(session):
        thing = Eager(body=TEXTS[0], features=[5.0, 1.0, 0.0])
        session.add(thing)
        session.flush()
        same("a default that predicts", loaded(thing, "score", "first"), [score((5, 1, 0)), score((1, 2, 0))])
        thing.features = [6.0, 1.0, 0.0]
        session.flush()
        same("UPDATE ... RETURNING", loaded(thing, "score"), [score((6, 1, 0))])
        session.commit()
        thing.features = [0.0, 0.0, 2.0]
        refused("a check's refusal", session.flush, "23514")
        session.rollback()
        same("after it", thing.score, score((6, 1, 0)))
        found = session.execute(select(Eager.id).where(sa.text("pgml.predict('line', features) > 9"))).all()
        same("what the index has", len(found), 1)

    db.session(eager)


@step
def upsert(db):
    def body(session):
        for kind in Item, Note:
            statement = insert(kind).values([{"id": 1, "body": TEXTS[9], "features": [2.0, 2.0, 2.0]}, {"id": 90, "body": TEXTS[10], "features": [3.0, 3.0, 2.0]}])
            statement = statement.on_conflict_do_update(index_elements=["id"], set_={"features": statement.excluded.features, "body": statement.excluded.body}).returning(kind)
            got = session.scalars(statement, execution_options={"populate_existing": True}).all()
            same(f"{kind.__name__}: ON CONFLICT DO UPDATE", [[t.id, t.score, t.embedding] for t in got],
                 [[1, score((2, 2, 2)), vector(TEXTS[9])], [90, score((3, 3, 2)), vector(TEXTS[10])]])
            merged = session.merge(kind(id=3, body=TEXTS[11], features=[7.0, 0.0, 1.0]))
            session.flush()
            same(f"{kind.__name__}: merge", [merged.score, merged.embedding], [score((7, 0, 1)), vector(TEXTS[11])])
            gone = session.execute(sa.delete(kind).where(kind.id < 3).returning(kind.id, kind.score, predict(kind.features).label("again"))).all()
            same(f"{kind.__name__}: DELETE RETURNING", [r.score == r.again for r in gone], [True, True])
            session.rollback()

    db.session(body)


@step
def from_select(db):
    def body(session):
        source = select(Item.id, predict(Item.features), func.pgml.embed(MODEL, Item.body))
        done = session.execute(sa.insert(Archive).from_select(["item_id", "score", "embedding"], source), execution_options={"preserve_rowcount": True})
        same("INSERT from SELECT, row count", done.rowcount, 48)
        kept = session.scalars(select(Archive).order_by(Archive.item_id)).all()
        same("INSERT from SELECT", [[k.score, k.embedding] for k in kept], [[score(p), vector(TEXTS[i % 36])] for i, p in enumerate(points(48))])
        session.rollback()
        source = select(Item.id, predict(Item.features)).where(predict(Item.features) > 20).order_by(Item.id)
        got = session.execute(sa.insert(Archive).from_select(["item_id", "score"], source).returning(Archive.item_id, Archive.score))
        same("INSERT from SELECT with RETURNING", [list(r) for r in got], [[i + 1, score(p)] for i, p in enumerate(points(48)) if score(p) > 20])
        session.rollback()
        # Into tables that compute themselves.
        for kind in Item, Note:
            source = select(Item.body, Item.features).where(Item.id <= 10).order_by(Item.id)
            got = session.execute(sa.insert(kind).from_select(["body", "features"], source).returning(kind.score))
            same(f"{kind.__name__}: INSERT from SELECT", got.scalars().all(), [score(p) for p in points(10)])
            session.rollback()

    db.session(body)


@step
def selects(db):
    known = {i + 1: score(p) for i, p in enumerate(points(48))}

    def body(session):
        p = predict(Item.features)
        best = sorted(known, key=lambda i: (-known[i], i))
        got = session.execute(select(Item.id, p).order_by(p.desc(), Item.id).limit(5))
        same("columns", list(got.keys()), ["id", "predict"])
        same("order by, limit", [list(r) for r in got], [[i, known[i]] for i in best[:5]])
        got = session.execute(select(Item.id, p.label("score")).order_by(sa.desc("score"), Item.id).limit(5).offset(3))
        same("order by a label, offset", [list(r) for r in got], [[i, known[i]] for i in best[3:8]])
        for limit in 10, 20, 10.5:
            got = session.scalars(select(Item.id).where(p > limit).order_by(Item.id))
            same(f"where predict > {limit}", got.all(), [i for i in known if known[i] > limit])
        same("objects where predict", [t.score for t in session.scalars(select(Item).where(p.between(5, 15)).order_by(p, Item.id))], sorted(v for v in known.values() if 5 <= v <= 15))
        same("predict of the stored", session.scalar(select(func.count()).where(p == Item.score)), 48)
        same("count", session.scalar(select(func.count()).select_from(Item).where(p > 12)), sum(v > 12 for v in known.values()))
        got = session.execute(select(func.min(p), func.max(p), func.count(p.distinct())))
        same("aggregates", list(got.one()), [min(known.values()), max(known.values()), len(set(known.values()))])
        kind = sa.case((p > 20, "much"), (p > 10, "some"), else_="little")
        got = session.execute(select(kind.label("kind"), func.count()).group_by("kind").order_by("kind"))
        of = ["much" if v > 20 else "some" if v > 10 else "little" for v in known.values()]
        same("group by a case", [list(r) for r in got], [[k, of.count(k)] for k in sorted(set(of))])
        got = session.execute(select(sa.cast(Item.features[1], sa.Integer).label("a"), func.max(p).label("m")).group_by("a").having(func.max(p) > 15).order_by("a"))
        by = {}
        for f, v in zip(points(48), known.values()):
            by[int(f[0])] = max(v, by.get(int(f[0]), v))
        same("having", [list(r) for r in got], [[a, by[a]] for a in sorted(by) if by[a] > 15])
        got = session.execute(select(Item.id, func.rank().over(order_by=p.desc()).label("place")).order_by("place", Item.id).limit(3))
        same("window", [r.id for r in got], best[:3])
        inner = select(Item.id, p.label("p")).subquery()
        got = session.scalars(select(inner.c.id).where(inner.c.p > 25).order_by(inner.c.id))
        same("subquery", got.all(), [i for i in known if known[i] > 25])
        cte = select(Item.id, p.label("p")).cte("predicted")
        got = session.scalars(select(cte.c.id).where(cte.c.p == select(func.max(cte.c.p)).scalar_subquery()).order_by(cte.c.id))
        same("common table expression", got.all(), [i for i in known if known[i] == max(known.values())])
        one, two = aliased(Item), aliased(Item)
        got = session.execute(select(one.id, two.id).join(two, predict(one.features) == predict(two.features)).where(one.id < two.id).order_by(one.id, two.id))
        same("join on predict", [list(r) for r in got], [[i, j] for i in known for j in known if i < j and known[i] == known[j]])
        got = session.scalars(select(Item.id).where(select(two.id).where(predict(two.features) > p, two.id < Item.id).exists()).order_by(Item.id))
        same("exists", got.all(), [i for i in known if any(known[j] > known[i] for j in known if j < i)])
        got = session.scalars(select(Item.id).where(p.in_([known[1], known[2]])).order_by(Item.id))
        same("in", got.all(), [i for i in known if known[i] in (known[1], known[2])])
        got = session.scalars(select(Item.id).where(p > 25).union(select(Item.id).where(p < 2)).order_by("id"))
        same("union", got.all(), [i for i in known if known[i] > 25 or known[i] < 2])
        for i, f in enumerate(points(9)):
            same(f"a parameter, {i}", session.scalar(select(func.pgml.predict("line", sa.cast(f, ARRAY(REAL))))), score(f))
            same(f"text() with parameters, {i}", session.execute(sa.text("SELECT pgml.predict('line', CAST(:f AS real[])) AS p"), {"f": f}).one()._asdict(), {"p": score(f)})
        same("ARRAY of columns", session.scalars(select(func.pgml.predict("line", sa.dialects.postgresql.array([Item.features[1], sa.literal(1.0, REAL), Item.features[3]]))).order_by(Item.id)).all(),
             [score((f[0], 1, f[2])) for f in points(48)])
        same("embed", session.scalar(select(func.pgml.embed(MODEL, TEXTS[4], type_=ARRAY(REAL)))), vector(TEXTS[4]))
        near = func.pgml.distance_l2(Item.embedding, func.pgml.embed(MODEL, TEXTS[4], type_=ARRAY(REAL)))
        got = session.execute(select(Item.body, near.label("far")).order_by(near, Item.id).limit(2)).all()
        same("the nearest", [got[0].body, round(got[0].far, 4)], [TEXTS[4], 0.0])
        same("related objects", [n.item and n.item.score for n in session.scalars(select(Note).where(predict(Note.features) > 25).order_by(Note.id))], [None for v in known.values() if v > 25])
        session.rollback()

    db.session(body)


@step
def relations(db):
    def body(session):
        item = Item(body=TEXTS[5], features=[9.0, 2.0, 1.0])
        session.add_all(Note(body=TEXTS[i], features=f, item=item) for i, f in enumerate(points(6)))
        session.flush()
        got = session.execute(select(predict(Note.features), predict(Item.features), Item.score).join(Note.item).order_by(Note.id))
        same("joined, columns", list(got.keys()), ["predict", "predict_1", "score"])
        same("joined", [list(r) for r in got], [[score(f), score((9, 2, 1)), score((9, 2, 1))] for f in points(6)])
        session.rollback()

    db.session(body)


@step
def mistakes(db):
    def body(session):
        for kind in Item, Note:
            name = kind.__name__
            session.add_all([kind(body=TEXTS[0], features=[1.0, 1.0, 1.0]), kind(body=TEXTS[0], features=[1.0, 1.0])])
            refused(f"{name}: too few features", session.flush, "XX000")
            session.rollback()
            same(f"{name}: after rollback()", session.scalar(select(func.count()).select_from(kind)), 48)
            thing = session.get(kind, 5)
            thing.features = [1.0]
            refused(f"{name}: too few in an UPDATE", session.commit, "XX000")
            session.rollback()
            same(f"{name}: the object is as before", [thing.features, thing.score], [points(48)[4], score(points(48)[4])])
            thing.features = [8.0, 5.0, 0.0]
            session.commit()
            same(f"{name}: the session goes on", thing.score, score((8, 5, 0)))
            thing.features = points(48)[4]
            session.commit()
        refused("in a SELECT", lambda: session.execute(select(func.pgml.predict("line", Item.features[1:2]))).all(), "XX000")
        refused("behind a mistake", lambda: session.connection().exec_driver_sql("SELECT 1"), "25P02")
        session.rollback()
        refused("in a WHERE", lambda: session.scalars(select(Item).where(func.pgml.predict("nothing", Item.features) > 1)).all(), "XX000")
        session.rollback()
        refused("of constants", lambda: session.scalar(select(func.pgml.predict("line", sa.cast([1.0], ARRAY(REAL))))), "XX000")
        session.rollback()
        refused("a value for a computed column", lambda: session.execute(sa.insert(Item).values(score=1.0)), "428C9")
        session.rollback()
        same("after them", session.scalar(select(func.count()).where(predict(Item.features) == Item.score)), 48)

    db.session(body)


@step
def savepoints(db):
    def body(session):
        for kind in Item, Note:
            name = kind.__name__
            session.add(kind(id=200, body=TEXTS[0], features=[3.0, 3.0, 0.0]))
            session.flush()

            def inner():
                with session.begin_nested():
                    session.add(kind(id=201, body=TEXTS[1], features=[3.0, 3.0, 1.0]))
                    session.flush()
                    session.add(kind(id=202, body=TEXTS[1], features=[3.0, 3.0]))

            refused(f"{name}: in a savepoint", inner, "XX000")
            with session.begin_nested():
                session.add(kind(id=203, body=TEXTS[2], features=[3.0, 4.0, 0.0]))
            nested = session.begin_nested()
            session.execute(sa.update(kind).where(kind.id == 203).values(features=[0.0, 4.0, 0.0]))
            nested.rollback()
            session.commit()
            got = session.execute(select(kind.id, kind.score, kind.embedding).where(kind.id >= 200).order_by(kind.id))
            same(f"{name}: around savepoints", [list(r) for r in got], [[200, score((3, 3, 0)), vector(TEXTS[0])], [203, score((3, 4, 0)), vector(TEXTS[2])]])
            same(f"{name}: DELETE where predict", session.execute(sa.delete(kind).where(kind.id >= 200, predict(kind.features) > -100)).rowcount, 2)
            session.commit()

    db.session(body)


@step
def streams(db):
    def body(session):
        statement = select(Item.id, predict(Item.features)).order_by(Item.id)
        want = [[i + 1, score(p)] for i, p in enumerate(points(48))]
        got = session.execute(statement, execution_options={"yield_per": 7})
        same("yield_per", [list(r) for r in got], want)
        got = session.execute(statement, execution_options={"stream_results": True, "max_row_buffer": 5})
        same("stream_results", [list(r) for r in got], want)
        got = session.execute(statement.where(predict(Item.features) > 12.5), execution_options={"stream_results": True})
        same("stream_results, partitions", [[list(r) for r in part] for part in got.partitions(10)][0], [w for w in want if w[1] > 12.5][:10])
        got.close()
        things = session.scalars(select(Item).where(predict(Item.features) > 5).order_by(Item.id), execution_options={"yield_per": 10})
        same("yield_per, objects", [f32(t.score) == score(t.features) for t in things], [True for w in want if w[1] > 5])
        session.rollback()

        def bad():
            list(session.execute(select(func.pgml.predict("line", Item.features[1:2])), execution_options={"yield_per": 7}))

        refused("yield_per, a mistake", bad, "XX000")
        session.rollback()
        same("yield_per, after it", session.scalar(select(func.count()).select_from(Item)), 48)

    db.session(body)


@step
def isolation(db):
    for level in "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE":
        def body(session):
            before = session.scalars(select(predict(Item.features)).order_by(Item.id)).all()

            def write(other):
                other.get(Item, 1).features = [10.0, 1.0, 0.0]
                other.commit()

            if isinstance(db, Psycopg):
                db.session(write)
            else:
                session.execute(sa.text("SELECT 1"))
            after = session.scalars(select(predict(Item.features)).order_by(Item.id)).all()
            moved = isinstance(db, Psycopg) and level == "READ COMMITTED"
            want = [score((10, 1, 0))] + before[1:] if moved else before
            same(f"{level}: two reads", after, want)
            session.rollback()
            session.get(Item, 1).features = points(1)[0]
            session.commit()
            same(f"{level}: a write", session.get(Item, 1).score, score(points(1)[0]))

        db.session(body, isolation_level=level)

    def read_only(session):
        same("read only", session.scalar(select(func.count()).where(predict(Item.features) == Item.score)), 48)

    db.session(read_only, postgresql_readonly=True, isolation_level="SERIALIZABLE", postgresql_deferrable=True)
    db.session(lambda session: same("autocommit", session.scalar(select(predict(Item.features)).where(Item.id == 1)), score(points(1)[0])), isolation_level="AUTOCOMMIT")


@step
def drop(db):
    db.connection(Base.metadata.drop_all)
    db.connection(lambda conn: same("dropped", sa.inspect(conn).get_table_names(), []))


{"psycopg": Psycopg, "asyncpg": Asyncpg}[os.environ["DRIVER"]]().run()
