"""Django's test runner, with a line for each verdict in the file DJANGO_REPORT."""
import os
import unittest

from django.test.runner import DiscoverRunner


class Result(unittest.TextTestResult):
    def note(self, verdict, test):
        with open(os.environ["DJANGO_REPORT"], "a") as report:
            report.write(f"{verdict} {test.id()}\n")

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note("pass", test)

    def addError(self, test, err):
        super().addError(test, err)
        self.note("fail", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note("fail", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note("skip", test)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.note("pass", test)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note("fail", test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note("fail", test)


class Runner(DiscoverRunner):
    def get_resultclass(self):
        return Result
