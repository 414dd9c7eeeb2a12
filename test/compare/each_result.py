# SPDX-License-Identifier: GPL-2.0-or-later
"""Run one regression test module of CPython; write each test's result.

	each_result.py OUTPUT MODULE [test name...]

A line of OUTPUT is NAME TAB RESULT; it is written when all have ended.
(CPython's own --junit-xml captures stderr, which test_socket cannot bear.)
"""
import importlib
import sys
import unittest

# The loopback of virtual-machine sockets does not exist on every host, and
# a test that looks for it waits for ever where it does not.
IGNORED = ("VSOCK",)


class Results(unittest.TextTestResult):
	"""A text result that also keeps one line per test."""

	def __init__(self, *args, **kwargs):
		super().__init__(*args, **kwargs)
		self.said = {}

	def keep(self, test, result):
		# A failed subtest stays a failure when its test then succeeds.
		self.said.setdefault(test.id(), result)

	def addSuccess(self, test):
		super().addSuccess(test)
		self.keep(test, "ok")

	def addError(self, test, err):
		super().addError(test, err)
		self.keep(test, "error " + err[0].__name__)

	def addFailure(self, test, err):
		super().addFailure(test, err)
		self.keep(test, "failure")

	def addSkip(self, test, reason):
		super().addSkip(test, reason)
		self.keep(test, "skipped: " + reason.replace("\n", " "))

	def addExpectedFailure(self, test, err):
		super().addExpectedFailure(test, err)
		self.keep(test, "expected failure")

	def addUnexpectedSuccess(self, test):
		super().addUnexpectedSuccess(test)
		self.keep(test, "unexpected success")

	def addSubTest(self, test, subtest, err):
		super().addSubTest(test, subtest, err)
		if err is not None:
			self.keep(test, "failed subtest")


def flatten(suite):
	for item in suite:
		if isinstance(item, unittest.TestSuite):
			yield from flatten(item)
		else:
			yield item


def wanted(suite, names):
	"""The same tests, in the same order and classes, less the ignored."""
	kept = [test for test in flatten(suite)
		if not any(word in test.id() for word in IGNORED)
		and (not names or test.id() in names)]
	return unittest.TestSuite(kept)


def main():
	from test import support
	from test.support import os_helper
	output, module = sys.argv[1:3]
	support.use_resources = []
	support.verbose = 1
	name = "test." + module
	importlib.import_module(name)
	suite = unittest.defaultTestLoader.loadTestsFromName(name)
	with os_helper.temp_cwd():
		runner = unittest.TextTestRunner(verbosity=2, stream=sys.stdout,
			resultclass=Results)
		result = runner.run(wanted(suite, set(sys.argv[3:])))
	with open(output, "w", encoding="utf-8", errors="replace") as f:
		for test, said in sorted(result.said.items()):
			f.write(f"{test}\t{said}\n")


if __name__ == "__main__":
	main()
