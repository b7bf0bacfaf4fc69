"""Runs statements for the Go tests: a JSON request a line in, a JSON answer a line out.

driver.py sqlalchemy|psycopg URL; requests are {"sql", "params"} with $1, $2 ..., {"sql", "file"} for COPY ... FROM STDIN, and
{"orm": true} for a round of SQLAlchemy's object mapper.
"""
import datetime
import decimal
import json
import re
import sys

import psycopg
import sqlalchemy
from sqlalchemy.dialects.postgresql import ARRAY, REAL
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


def plain(value):
    """A value for JSON; what JSON has no form for becomes text."""
    if isinstance(value, (datetime.datetime, datetime.timedelta, decimal.Decimal)):
        return str(value)
    return value


class Alchemy:
    def __init__(self, url):
        self.engine = sqlalchemy.create_engine(url.replace("postgres://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
        self.conn = self.engine.connect()

    def query(self, sql, params):
        sql = re.sub(r"\$(\d+)(?:::([\w]+(?:\[\])?))?", lambda m: f"CAST(:p{m[1]} AS {m[2]})" if m[2] else f":p{m[1]}", sql)
        result = self.conn.execute(sqlalchemy.text(sql), {f"p{i + 1}": v for i, v in enumerate(params)})
        if not result.returns_rows:
            return {"types": [], "rows": []}
        types = [d.type_code for d in result.cursor.description]
        return {"types": types, "rows": [[plain(v) for v in row] for row in result]}

    def raw(self):
        return self.conn.connection.driver_connection

    def orm(self):
        """Objects whose table has the embedding trigger, in transactions of the mapper's own."""

        class Base(DeclarativeBase):
            pass

        class Inbox(Base):
            __tablename__ = "inbox"
            id: Mapped[int] = mapped_column(sqlalchemy.BigInteger, sqlalchemy.Identity(always=True), primary_key=True)
            title: Mapped[str]
            embedding: Mapped[list | None] = mapped_column(ARRAY(REAL))

        engine = sqlalchemy.create_engine(self.engine.url)
        func, select = sqlalchemy.func, sqlalchemy.select
        with Session(engine) as session:
            one = Inbox(title="23 Things You Will Only Understand If You Grew Up In The 90s")
            session.add(one)
            session.commit()
            length = len(one.embedding)
            score = session.scalar(select(func.pgml.predict("clickbait_classifier", Inbox.embedding)).where(Inbox.id == one.id))
            vector = session.scalar(select(func.pgml.embed("all-MiniLM-L6-v2", one.title)))
            nearest = session.scalar(select(Inbox.title).order_by(func.pgml.distance_l2(Inbox.embedding, sqlalchemy.cast(vector, ARRAY(REAL)))).limit(1))
            seen = session.scalar(select(func.count()).select_from(Inbox).where(func.pgml.predict("clickbait_classifier", Inbox.embedding) == 1))
            session.delete(one)
            session.commit()
        columns = [c["name"] for c in sqlalchemy.inspect(engine).get_columns("trained_models", schema="pgml")]
        engine.dispose()
        return {"types": [], "rows": [[length, score, nearest, seen > 0, ",".join(columns[:3])]]}


class Psycopg:
    def __init__(self, url):
        self.conn = psycopg.connect(url, autocommit=True)

    def query(self, sql, params):
        # Statements without parameters may hold percent signs.
        cursor = self.conn.execute(re.sub(r"\$\d+", "%s", sql), params) if params else self.conn.execute(sql)
        if cursor.description is None:
            return {"types": [], "rows": []}
        return {"types": [d.type_code for d in cursor.description], "rows": [[plain(v) for v in row] for row in cursor]}

    def raw(self):
        return self.conn


def answer(client, request):
    if request.get("orm"):
        return client.orm()
    if "file" in request:
        with open(request["file"], "rb") as data, client.raw().cursor().copy(request["sql"]) as copy:
            copy.write(data.read())
        return {"types": [], "rows": []}
    return client.query(request["sql"], request.get("params") or [])


def refusal(error):
    error = getattr(error, "orig", error)
    if not isinstance(error, psycopg.Error) or error.sqlstate is None:
        raise error
    return {"error": {"code": error.sqlstate, "message": error.diag.message_primary}}


def main():
    client = {"sqlalchemy": Alchemy, "psycopg": Psycopg}[sys.argv[1]](sys.argv[2])
    for line in sys.stdin:
        try:
            out = answer(client, json.loads(line))
        except (psycopg.Error, sqlalchemy.exc.DBAPIError) as error:
            out = refusal(error)
        print(json.dumps(out), flush=True)


main()
