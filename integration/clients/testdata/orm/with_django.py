"""Django: models with generated fields and a trigger, made by migrations of Django's own."""
import asyncio
import pathlib
import sys
import tempfile
from urllib.parse import urlparse

import django
from django.conf import settings

from checks import MODEL, OPTIONS, TEXTS, URL, points, refused, run, same, score, step, vector

FOLDER = tempfile.TemporaryDirectory()
sys.path.insert(0, FOLDER.name)
MIGRATIONS = pathlib.Path(FOLDER.name) / "shop_migrations"
MIGRATIONS.mkdir()
(MIGRATIONS / "__init__.py").touch()

at = urlparse(URL)
SERVER = {
    "ENGINE": "django.db.backends.postgresql",
    "HOST": at.hostname,
    "PORT": at.port,
    "USER": at.username,
    "PASSWORD": at.password,
    "NAME": at.path[1:],
    "OPTIONS": {"options": " ".join(f"-c {k}={v}" for k, v in OPTIONS.items())},
}
settings.configure(
    # By the second, parameters are bound by the server, in its own statements.
    DATABASES={"default": SERVER, "bound": {**SERVER, "OPTIONS": {**SERVER["OPTIONS"], "server_side_binding": True}}},
    INSTALLED_APPS=["django.contrib.postgres", "shop"],
    MIGRATION_MODULES={"shop": "shop_migrations"},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import Error, connection, models, transaction  # noqa: E402
from django.db.models import Avg, Case, Count, Exists, F, Max, Min, OuterRef, Q, Subquery, Value, When, Window  # noqa: E402
from django.db.models.functions import Rank  # noqa: E402

from shop.models import Embed, Item, Note, Predict, Reals  # noqa: E402

TRIGGER = f'''
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunSQL("""
CREATE FUNCTION note_fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.score := pgml.predict('line', ARRAY[NEW.a, NEW.b, NEW.c]);
    IF TG_OP = 'INSERT' OR NEW.body IS DISTINCT FROM OLD.body THEN
        NEW.embedding := pgml.embed('{MODEL}', NEW.body);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER note_fill BEFORE INSERT OR UPDATE ON shop_note FOR EACH ROW EXECUTE FUNCTION note_fill()""",
        "DROP TRIGGER note_fill ON shop_note; DROP FUNCTION note_fill()")]
'''


ADDED = """
from django.db import migrations, models
from django.db.models import Value
from shop.models import Predict, Reals, RealField

class Migration(migrations.Migration):
    dependencies = [("shop", "0002_trigger")]
    operations = [migrations.AddField("note", "added", models.GeneratedField(
        expression=Predict(Reals("b", "a", Value(0))), output_field=RealField(), db_persist=True))]
"""


def new_items(n, start=0):
    return [Item(body=TEXTS[(start + i) % len(TEXTS)], features=p, a=int(p[0]), b=int(p[1])) for i, p in enumerate(points(n, start))]


def new_notes(n, start=0):
    return [Note(body=TEXTS[(start + i) % len(TEXTS)], a=int(p[0]), b=int(p[1]), c=int(p[2])) for i, p in enumerate(points(n, start))]


def truth(thing):
    """What the database must have computed for an object."""
    if isinstance(thing, Item):
        return [score(thing.features), score((thing.a, thing.b, 1)), vector(thing.body)]
    return [score((thing.a, thing.b, thing.c)), vector(thing.body)]


def held(thing):
    return [thing.score, thing.other, thing.embedding] if isinstance(thing, Item) else [thing.score, thing.embedding]


# A note's features, as a query sees them.
OF_NOTE = Reals("a", "b", "c")


@step
def migrate():
    call_command("makemigrations", "shop", verbosity=0)
    (MIGRATIONS / "0002_trigger.py").write_text(TRIGGER)
    call_command("migrate", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT attname, format_type(atttypid, atttypmod), attgenerated FROM pg_attribute WHERE attrelid = 'shop_item'::regclass AND attnum > 0 ORDER BY attname")
        same("columns", [list(r) for r in cursor.fetchall()], [["a", "integer", ""], ["b", "integer", ""], ["body", "text", ""], ["embedding", "real[]", "s"],
             ["features", "double precision[]", ""], ["id", "bigint", ""], ["other", "real", "s"], ["score", "real", "s"]])
        cursor.execute("SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'shop_item'::regclass ORDER BY 1")
        same("expressions", [r[0] for r in cursor.fetchall()], [f"pgml.embed('{MODEL}'::text, body)",
             "pgml.predict('line'::text, ARRAY[(a)::real, (b)::real, (1)::real])", "pgml.predict('line'::text, features)"])
        same("inspected", sorted(c.name for c in connection.introspection.get_table_description(cursor, "shop_item")), sorted(f.column for f in Item._meta.fields))
    same("nothing to migrate", call_command("makemigrations", "shop", check_changes=True, dry_run=True, verbosity=0), None)


@step
def save():
    for things in new_items(5), new_notes(5):
        name = type(things[0]).__name__
        for thing in things:
            thing.save()
        if name == "Item":
            # Django 5.2 reads an object's generated fields again when they are asked for.
            same("Item: save", [held(t) for t in things], [truth(t) for t in things])
        for thing in things:
            thing.refresh_from_db()
        same(f"{name}: save, refreshed", [held(t) for t in things], [truth(t) for t in things])
        thing = things[0]
        thing.a, thing.b, thing.body = 11, 5, TEXTS[9]
        if name == "Item":
            thing.features = [3.0, 4.0, 2.0]
        thing.save()
        thing.refresh_from_db()
        same(f"{name}: saved again", held(thing), truth(thing))
        thing.a = 10
        thing.save(update_fields=["a"])
        again = type(thing).objects.get(pk=thing.pk)
        same(f"{name}: one field saved", held(again), truth(again))
        same(f"{name}: get_or_create", type(thing).objects.get_or_create(pk=thing.pk)[0].score, again.score)
        made, _ = type(thing).objects.update_or_create(pk=thing.pk, defaults={"b": 0, "body": TEXTS[1]})
        made.refresh_from_db()
        same(f"{name}: update_or_create", held(made), truth(made))
        deferred = type(thing).objects.defer("score").get(pk=thing.pk)
        same(f"{name}: deferred", deferred.score, made.score)
        type(thing).objects.all().delete()
    empty = Item.objects.create(body=None, features=None)
    empty.refresh_from_db()
    same("NULL gives NULL", held(empty), [None, score((0, 0, 1)), None])
    empty.delete()


@step
def bulk():
    for things in new_items(48), new_notes(48):
        kind = type(things[0])
        made = kind.objects.bulk_create(things, batch_size=20)
        same(f"{kind.__name__}: bulk_create, keys", all(m.pk for m in made), True)
        kept = list(kind.objects.order_by("pk"))
        same(f"{kind.__name__}: bulk_create", [held(k) for k in kept], [truth(t) for t in things])
        for k in kept[:20]:
            k.a, k.body = 11 - k.a, TEXTS[30]
        same(f"{kind.__name__}: bulk_update, row count", kind.objects.bulk_update(kept[:20], ["a", "body"]), 20)
        now = list(kind.objects.order_by("pk")[:20])
        same(f"{kind.__name__}: bulk_update", [held(k) for k in now], [truth(k) for k in kept[:20]])
        # ON CONFLICT
        change = kind(pk=now[0].pk, body=TEXTS[2], a=1, b=1)
        if kind is Item:
            change.features = [2.0, 2.0, 0.0]
        kind.objects.bulk_create([change], update_conflicts=True, unique_fields=["pk"], update_fields=["body", "a", "b"] + ["features"] * (kind is Item))
        again = kind.objects.get(pk=now[0].pk)
        same(f"{kind.__name__}: bulk_create, a conflict", held(again), truth(again))
        for i, (k, p) in enumerate(zip(now, points(20))):
            k.a, k.b, k.body = int(p[0]), int(p[1]), TEXTS[i]
            if kind is Item:
                k.features = p
            k.save()
        same(f"{kind.__name__}: as at first", [held(k) for k in kind.objects.order_by("pk")], [truth(k) for k in kind.objects.order_by("pk")])


@step
def update():
    for kind in Item, Note:
        name = kind.__name__
        with transaction.atomic():
            ids = list(kind.objects.filter(a__lt=11).values_list("pk", flat=True))
            same(f"{name}: F() + 1, row count", kind.objects.filter(a__lt=11).update(a=F("a") + 1), len(ids))
            moved = list(kind.objects.filter(pk__in=ids).order_by("pk"))
            same(f"{name}: F() + 1", [held(m) for m in moved], [truth(m) for m in moved])
            thing = moved[0]
            thing.b = 5 - F("b")
            thing.save()
            thing.refresh_from_db()
            same(f"{name}: F() in save()", held(thing), truth(thing))
            features = Reals("a", "b", Value(1)) if kind is Item else OF_NOTE
            many = kind.objects.annotate(p=Predict(features)).filter(p__gt=20)
            ids = list(many.values_list("pk", flat=True))
            same(f"{name}: update where predict", many.update(b=Value(0), body=TEXTS[6]), len(ids))
            moved = list(kind.objects.filter(pk__in=ids).order_by("pk"))
            same(f"{name}: update where predict, values", [held(m) for m in moved], [truth(m) for m in moved])
            same(f"{name}: update to a CASE of predict", kind.objects.update(b=Case(When(Q(a__gt=5) & Q(b__lt=3), then=Value(2)), default=F("b"))), 48)
            moved = list(kind.objects.order_by("pk"))
            same(f"{name}: update to a CASE of predict, values", [held(m) for m in moved], [truth(m) for m in moved])
            transaction.set_rollback(True)
        same(f"{name}: rolled back", [k.score for k in kind.objects.order_by("pk")], [score(p) for p in points(48)])


@step
def queries():
    for using in "default", "bound":
        ask(using)


def ask(using):
    items, notes = Item.objects.using(using), Note.objects.using(using)
    first = items.order_by("pk").first().pk
    known = {first + i: score(p) for i, p in enumerate(points(48))}
    best = sorted(known, key=lambda i: (-known[i], i))
    predicted = items.annotate(p=Predict(F("features")))

    def see(name, got, want):
        same(f"{using}: {name}", got, want)

    see("annotate", [[i.p, i.p == i.score] for i in predicted.order_by("pk")], [[v, True] for v in known.values()])
    see("order_by, slice", list(predicted.order_by("-p", "pk").values_list("pk", "p")[:5]), [(i, known[i]) for i in best[:5]])
    see("order_by, later slice", list(predicted.order_by("-p", "pk").values_list("pk", flat=True)[3:9]), best[3:9])
    for limit in 10, 20.5:
        see(f"filter(p__gt={limit})", list(predicted.filter(p__gt=limit).order_by("pk").values_list("pk", flat=True)), [i for i in known if known[i] > limit])
    see("filter, order, slice", list(predicted.filter(p__lt=15).order_by("-p", "pk").values_list("pk", flat=True)[:7]), [i for i in best if known[i] < 15][:7])
    see("exclude", predicted.exclude(p__gt=12).count(), sum(v <= 12 for v in known.values()))
    see("p = score", predicted.filter(p=F("score")).count(), 48)
    see("exists", [predicted.filter(p__gt=limit).exists() for limit in (10, 1000)], [True, False])
    see("aggregate", predicted.aggregate(low=Min("p"), high=Max("p"), n=Count("p", distinct=True)),
        {"low": min(known.values()), "high": max(known.values()), "n": len(set(known.values()))})
    mean = sum(known.values()) / 48
    see("aggregate, mean", abs(items.aggregate(m=Avg(Predict(F("features"))))["m"] - mean) < 1e-4, True)
    grouped = items.values("a").annotate(m=Max(Predict(F("features")))).filter(m__gt=15).order_by("a")
    by = {}
    for f, v in zip(points(48), known.values()):
        by[int(f[0])] = max(v, by.get(int(f[0]), v))
    see("group and having", [(g["a"], g["m"]) for g in grouped], [(a, by[a]) for a in sorted(by) if by[a] > 15])
    sizes = predicted.values(size=Case(When(p__gt=20, then=Value("much")), default=Value("little"))).annotate(n=Count("pk")).order_by("size")
    see("group by a case", [(s["size"], s["n"]) for s in sizes], [("little", sum(v <= 20 for v in known.values())), ("much", sum(v > 20 for v in known.values()))])
    placed = predicted.annotate(place=Window(Rank(), order_by=F("p").desc())).order_by("place", "pk")
    see("window", [i.pk for i in placed[:4]], best[:4])
    more = Item.objects.using(using).annotate(q=Predict(F("features"))).filter(q__gt=OuterRef("p"), pk__lt=OuterRef("pk"))
    see("exists of a subquery", list(predicted.filter(Exists(more)).order_by("pk").values_list("pk", flat=True)), [i for i in known if any(known[j] > known[i] for j in known if j < i)])
    top = Item.objects.using(using).annotate(q=Predict(F("features"))).order_by("-q", "pk").values("q")[:1]
    see("scalar subquery", items.annotate(top=Subquery(top)).order_by("pk").first().top, max(known.values()))
    see("in a subquery", items.filter(pk__in=predicted.filter(p__gt=25).values("pk")).count(), sum(v > 25 for v in known.values()))
    see("union", sorted(predicted.filter(p__gt=25).values_list("pk", flat=True).union(predicted.filter(p__lt=2).values_list("pk", flat=True))),
        [i for i in known if known[i] > 25 or known[i] < 2])
    see("iterator", [i.p for i in predicted.order_by("pk").iterator(chunk_size=7)], list(known.values()))
    see("iterator, filtered", list(predicted.filter(p__gt=10).order_by("pk").values_list("pk", flat=True).iterator(chunk_size=5)), [i for i in known if known[i] > 10])
    see("alias", list(items.alias(p=Predict(F("features"))).order_by("p", "-pk").values_list("pk", flat=True)[:3]), sorted(known, key=lambda i: (known[i], -i))[:3])
    see("a note's columns", [n.p for n in notes.annotate(p=Predict(OF_NOTE)).order_by("pk")], list(known.values()))
    for i, f in enumerate(points(7)):
        see(f"constants, {i}", items.annotate(p=Predict(Value(f, output_field=Item._meta.get_field("features")))).first().p, score(f))
    see("embed", items.annotate(e=Embed(Value(TEXTS[4]))).first().e, vector(TEXTS[4]))
    see("embed of a column", [i.e for i in items.annotate(e=Embed(F("body"))).order_by("pk")[:40]], [vector(TEXTS[i % 36]) for i in range(40)])
    see("raw", [(i.pk, i.p) for i in Item.objects.using(using).raw("SELECT id, pgml.predict('line', features) AS p FROM shop_item WHERE pgml.predict('line', features) > %s ORDER BY id", [20])],
        [(i, known[i]) for i in known if known[i] > 20])
    # Parameters by name, and a percent sign.
    see("raw, by name", [i.p for i in Item.objects.using(using).raw("SELECT id, pgml.predict(%(p)s, features) AS p FROM shop_item WHERE body LIKE 'I%%' ORDER BY id LIMIT 3", {"p": "line"})],
        [score(p) for i, p in enumerate(points(48)) if TEXTS[i % 36].startswith("I")][:3])

    async def later():
        return [i.p async for i in predicted.order_by("pk")], await predicted.filter(p__gt=10).acount()

    see("asynchronous", list(asyncio.run(later())), [list(known.values()), sum(v > 10 for v in known.values())])


@step
def relations():
    with transaction.atomic():
        item = Item.objects.create(body=TEXTS[5], features=[9.0, 2.0, 1.0], a=1, b=1)
        notes = new_notes(6)
        for n in notes:
            n.item = item
        Note.objects.bulk_create(notes)
        got = Note.objects.filter(item=item).select_related("item").annotate(p=Predict(OF_NOTE), q=Predict(F("item__features"))).order_by("pk")
        same("select_related", [[n.p, n.q, n.item.score] for n in got], [[score(f), score((9, 2, 1)), score((9, 2, 1))] for f in points(6)])
        got = Item.objects.filter(pk=item.pk).prefetch_related(models.Prefetch("notes", Note.objects.annotate(p=Predict(OF_NOTE)).order_by("pk"))).get()
        same("prefetch_related", [n.p for n in got.notes.all()], [score(f) for f in points(6)])
        joined = Predict(Reals("notes__a", "notes__b", "notes__c"))
        same("aggregate over a join", Item.objects.filter(pk=item.pk).annotate(m=Max(joined)).get().m, max(score(f) for f in points(6)))
        transaction.set_rollback(True)


@step
def mistakes():
    count = Item.objects.count()

    def bad(thing):
        with transaction.atomic():
            thing()

    refused("Item: too few features", lambda: bad(lambda: Item.objects.create(body=TEXTS[0], features=[1.0, 2.0])), "XX000")
    refused("Item: too few in bulk_create", lambda: bad(lambda: Item.objects.bulk_create(new_items(5) + [Item(body=TEXTS[0], features=[1.0])])), "XX000")
    refused("Item: too few in update", lambda: Item.objects.update(features=[1.0]), "XX000")
    refused("Note: the trigger's", lambda: bad(lambda: (Note.objects.create(body=TEXTS[0]), Note.objects.filter(a=0).update(body=None))), "23502")
    refused("too few in annotate", lambda: list(Item.objects.annotate(p=Predict(Reals("a", "b")))), "XX000")
    refused("too few in filter", lambda: Item.objects.annotate(p=Predict(Reals("a"))).filter(p__gt=1).count(), "XX000")
    refused("too few in iterator", lambda: list(Item.objects.annotate(p=Predict(Reals("a"))).iterator()), "XX000")
    refused("a check's refusal", lambda: bad(lambda: connection.cursor().execute("ALTER TABLE shop_item ADD CHECK (pgml.predict('line', features) < 1)")), "23514")
    same("nothing has come of it", Item.objects.count(), count)
    with transaction.atomic():
        one = Item.objects.create(body=TEXTS[0], features=[3.0, 3.0, 0.0])
        refused("in an inner atomic()", lambda: bad(lambda: (Item.objects.create(body=TEXTS[1], features=[3.0, 3.0, 1.0]), Item.objects.create(body=TEXTS[1], features=[3.0]))), "XX000")
        two = Note.objects.create(body=TEXTS[2], a=4, b=4, c=1)
        with transaction.atomic():
            Note.objects.filter(pk=two.pk).update(c=F("c") + 1)
        sid = transaction.savepoint()
        Note.objects.filter(pk=two.pk).update(a=0)
        transaction.savepoint_rollback(sid)
    for thing in one, two:
        thing.refresh_from_db()
        same(f"{type(thing).__name__}: around an inner atomic()", held(thing), truth(thing))
    same("a savepoint's update is undone", [two.a, two.c, two.score], [4, 2, score((4, 4, 2))])
    same("and its object", Item.objects.count(), count + 1)
    try:
        with transaction.atomic():
            Item.objects.create(body=TEXTS[0], features=[3.0, 3.0, 0.0])
            try:
                list(Item.objects.annotate(p=Predict(Reals("a"))))
            except Error:
                pass
            refused("behind a mistake", lambda: connection.connection.execute("SELECT 1"), "25P02")
            raise ValueError
    except ValueError:
        pass
    same("the transaction is undone", Item.objects.count(), count + 1)
    same("delete where predict", Item.objects.annotate(p=Predict(F("features"))).filter(p__gt=-100, pk=one.pk).delete()[0], 1)
    two.delete()


@step
def add_field():
    """A generated field that a migration adds to rows that are there, and takes away."""
    Note.objects.filter(Q(a__gt=5) | Q(b__gt=5)).update(a=F("b"))
    (MIGRATIONS / "0003_added.py").write_text(ADDED)
    call_command("migrate", "shop", "0003", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT a, b, added FROM shop_note ORDER BY id")
        got = cursor.fetchall()
        same("a field for rows that are there", [r[2] for r in got], [score((r[1], r[0], 0)) for r in got])
        cursor.execute("CREATE MATERIALIZED VIEW seen AS SELECT id, pgml.predict('line', ARRAY[a, b, c]) AS p FROM shop_note")
        Note.objects.update(c=0)
        cursor.execute("REFRESH MATERIALIZED VIEW seen")
        cursor.execute("SELECT count(*) FROM seen JOIN shop_note USING (id) WHERE p = score")
        same("a materialized view", cursor.fetchone()[0], 48)
        cursor.execute("DROP MATERIALIZED VIEW seen")
    call_command("migrate", "shop", "0002", verbosity=0, interactive=False)
    same("without the field", Note.objects.filter(score=Predict(OF_NOTE)).count(), 48)


@step
def unmigrate():
    call_command("migrate", "shop", "zero", verbosity=0, interactive=False)
    same("tables are gone", [t for t in connection.introspection.table_names() if t.startswith("shop")], [])


run()
