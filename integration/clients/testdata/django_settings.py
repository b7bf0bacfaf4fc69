"""Django's settings for its own tests: two databases at one address, of which PgOwl serves the first."""
import os


def database(name):
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": "postgres",
        "PASSWORD": "pw",
        "HOST": os.environ["DJANGO_HOST"],
        "PORT": os.environ["DJANGO_PORT"],
        "TEST": {"NAME": name},
    }


DATABASES = {"default": database("postgres"), "other": database("django_other")}
SECRET_KEY = "tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
TEST_RUNNER = "django_runner.Runner"
