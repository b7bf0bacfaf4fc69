"""Models whose values the database predicts and embeds."""
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q, Value

from checks import MODEL


class RealField(models.FloatField):
    """Django knows double precision only."""

    def db_type(self, connection):
        return "real"


class Predict(Func):
    function = "pgml.predict"
    output_field = RealField()

    def __init__(self, features, **extra):
        super().__init__(Value("line"), features, **extra)


class Embed(Func):
    function = "pgml.embed"
    output_field = ArrayField(RealField())

    def __init__(self, text, **extra):
        super().__init__(Value(MODEL), text, **extra)


class Reals(Func):
    """ARRAY[...]::real[]"""

    template = "ARRAY[%(expressions)s]::real[]"
    output_field = ArrayField(RealField())


class Item(models.Model):
    """Generated columns: from a column of features, from single ones, and from a text."""

    body = models.TextField(null=True)
    features = ArrayField(models.FloatField(), null=True)
    a = models.IntegerField(default=0)
    b = models.IntegerField(default=0)
    score = models.GeneratedField(expression=Predict(F("features")), output_field=RealField(null=True), db_persist=True)
    other = models.GeneratedField(expression=Predict(Reals("a", "b", Value(1))), output_field=RealField(), db_persist=True)
    embedding = models.GeneratedField(expression=Embed(F("body")), output_field=ArrayField(RealField(), null=True), db_persist=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(other__gt=-50), name="other_is_sane")]
        indexes = [models.Index(Predict(Reals("a", "b", Value(1))), "id", name="by_prediction")]


class Note(models.Model):
    """A trigger fills score and embedding."""

    item = models.ForeignKey(Item, null=True, on_delete=models.CASCADE, related_name="notes")
    body = models.TextField()
    a = models.IntegerField(default=0)
    b = models.IntegerField(default=0)
    c = models.IntegerField(default=0)
    score = RealField(null=True)
    embedding = ArrayField(RealField(), null=True)
