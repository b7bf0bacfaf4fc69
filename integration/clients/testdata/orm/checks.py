"""What the programs of this folder share: the true values, and the form in which a check says what it saw.

A program prints a line a check: its name, a tab, and what came of it. The Go test runs it in several ways and wants the same lines from
each, and no line that begins with WRONG. The truth is a file of JSON: what SELECT pgml.predict and pgml.embed said of constants.
"""
import json
import os
import struct
import sys
import traceback

URL = sys.argv[1]
# OPTIONS are settings of the session.
OPTIONS = dict(setting.split("=") for setting in os.environ["SETTINGS"].split())

with open(os.environ["TRUTH"]) as file:
    TRUTH = json.load(file)
MODEL = TRUTH["model"]
TEXTS = list(TRUTH["vectors"])


def f32(value):
    return value if value is None else struct.unpack("f", struct.pack("f", value))[0]


VECTORS = {tuple(f32(v) for v in vector): text for text, vector in TRUTH["vectors"].items()}
POINTS = {tuple(int(v) for v in key.split(",")): f32(value) for key, value in TRUTH["scores"].items()}


def score(features):
    """The model's value of three numbers."""
    return POINTS[tuple(int(v) for v in features)]


def vector(text):
    """The embedding of a text."""
    return TRUTH["vectors"][text]


def points(n, start=0):
    """n of the points whose values are known, scattered."""
    known = list(POINTS)
    return [list(map(float, known[(start + i) * 37 % len(known)])) for i in range(n)]


def text_of(vector):
    """The text whose embedding a vector is."""
    if vector is None:
        return None
    return VECTORS.get(tuple(f32(v) for v in vector), f"a vector of {len(vector)} numbers that is no text's")


def brief(value):
    """A value in a form that is the same for all drivers."""
    if isinstance(value, float):
        return f32(value)
    if isinstance(value, (list, tuple)):
        if len(value) == 384:
            return "vector of " + repr(text_of(value))
        return [brief(v) for v in value]
    if isinstance(value, dict):
        return {k: brief(v) for k, v in value.items()}
    return value


def say(name, text):
    print(name, text.replace("\n", " ").replace("\t", " "), sep="\t", flush=True)


def same(name, got, want):
    got, want = brief(got), brief(want)
    if type(got) is not type(want) and not (isinstance(got, (int, float)) and isinstance(want, (int, float))) or got != want:
        say(name, f"WRONG got {got!r} want {want!r}")
        return
    text = repr(got)
    say(name, text if len(text) < 400 else text[:200] + f" ... {len(text)} characters")


def state(error):
    """SQLSTATE and message of a driver's error, whatever it is wrapped in."""
    while error is not None:
        code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        if code:
            # asyncpg's text goes on with the detail, SQLAlchemy puts a class before it.
            message = error.diag.message_primary if hasattr(error, "diag") else str(error).split("\n")[0]
            return code, message.split(": ", 1)[-1] if message.startswith("<class") else message
        error = getattr(error, "orig", None) or error.__cause__
    return None


def refused(name, call, want):
    """call must fail with an SQLSTATE; the message is part of the line, so it must be the same everywhere."""
    try:
        call()
    except Exception as error:
        got = state(error)
        if got is None or got[0] != want:
            say(name, f"WRONG {got} {error!r} want {want}")
        else:
            say(name, f"refused {got[0]} {got[1]}")
        return
    say(name, f"WRONG no error, want {want}")


STEPS = []


def step(function):
    """A part of a program. What it raises is the part's line."""
    STEPS.append(function)
    return function


def run(*arguments):
    for function in STEPS:
        if os.environ.get("STEP") and os.environ["STEP"] not in function.__name__:
            continue
        try:
            function(*arguments)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)
            mine = [f for f in where if os.path.dirname(f.filename) == os.path.dirname(os.path.abspath(__file__))]
            say(function.__name__, f"WRONG {type(error).__name__}: {str(error)[:600]} at line {mine[-1].lineno if mine else '?'}")
            if os.environ.get("STEP"):
                traceback.print_exc()
