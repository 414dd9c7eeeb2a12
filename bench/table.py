# SPDX-License-Identifier: GPL-2.0-or-later
"""
What all figures have in common: how things are started and measured, in
rounds, and the table that is printed. See bench/run.
"""

import fnmatch
import os
import shutil
import signal
import statistics
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, os.environ.get('BUILD', 'build'))
UMVU = os.environ.get('UMVU', os.path.join(BUILD, 'bin', 'umvu'))
PATIENCE = 60			# seconds for one measurement
PEER_ROUNDS = 3


class Unmeasured(Exception):
	pass


class Bench:
	"""How to start things, and where the files to work on are."""

	def __init__(self, rounds, quick, work):
		self.rounds, self.quick, self.work = rounds, quick, work
		self.msec = '20' if quick else '50'
		self.calls = os.path.join(work, 'calls')
		self.file = os.path.join(work, 'source', 'file')
		core = max(os.sched_getaffinity(0))
		self.pin = ['taskset', '-c', str(core)]
		self.spec = f'{work}/source:{work}/points/m'
		self.peers = {}
		self.failed = []
		self.over = self.limited = 0
		self.load = os.getloadavg()[0]

	def find_peers(self):
		if self.quick:
			return
		for name, argv in (('proot', ['proot']),
				   ('bwrap', ['bwrap', '--dev-bind', '/', '/'])):
			if shutil.which(name) and works(argv + ['true']):
				self.peers[name] = argv

	def view(self, *module):
		return [UMVU, '-N', *module, '--']

	def mounted(self, count=1):
		return self.view('-m', 'vufs') + \
			[self.calls, '-m', f'{count}:{self.spec}']

	def here(self):
		return [self.calls]

	def columns(self):
		"""Column name -> prefix of a command of calls."""
		cols = {'native': self.here(), 'view': self.view() + self.here()}
		cols['native1'] = self.pin + cols['native']
		cols['view1'] = self.pin + cols['view']
		cols['elsewhere'] = self.mounted()
		cols['filter'] = self.here() + ['-a']
		for name, argv in self.peers.items():
			cols[name] = argv + self.here()
		return cols


def works(argv):
	try:
		return subprocess.run(argv, timeout=10,
			stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
			stderr=subprocess.DEVNULL).returncode == 0
	except (OSError, subprocess.TimeoutExpired):
		return False


def last_words(text):
	return '\n\t'.join(text.strip().splitlines()[-3:])


def measure(argv):
	"""Run one measurement; the number it prints, or Unmeasured."""
	with subprocess.Popen(argv, stdin=subprocess.DEVNULL,
			      stdout=subprocess.PIPE, stderr=subprocess.PIPE,
			      text=True, start_new_session=True) as p:
		try:
			out, err = p.communicate(timeout=PATIENCE)
		except subprocess.TimeoutExpired:
			os.killpg(p.pid, signal.SIGKILL)
			raise Unmeasured(f'no end in {PATIENCE} s')
	if p.returncode:
		raise Unmeasured(last_words(err) or f'status {p.returncode}')
	try:
		return float(out)
	except ValueError:
		raise Unmeasured(f'said {out[:80]!r}') from None


def rounds_of(bench, columns, tail=(), rounds=None):
	"""Column name -> list of values, one a round; None: not to be had."""
	got = {name: [] for name in columns}
	for turn in range(rounds or bench.rounds):
		for name, prefix in columns.items():
			peer = name in bench.peers
			if got[name] is None or (peer and turn >= PEER_ROUNDS):
				continue
			try:
				got[name].append(measure([*prefix, *tail]))
			except Unmeasured as why:
				if not peer:
					raise Unmeasured(f'{name}: {why}')
				got[name] = None
	return got


def ratio(got, over, under='native'):
	if not got.get(over):
		return None
	return statistics.median(a / b for a, b in zip(got[over], got[under]))


def rollup(pid):
	"""Resident and proportional kilobytes of a process."""
	with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as f:
		fields = dict(l.split(':', 1) for l in f if ':' in l)
	return tuple(int(fields[k].split()[0]) for k in ('Rss', 'Pss'))


# --- the table ---------------------------------------------------------------

WIDTHS = (36, 10, 9, 7, 5, 9, 10, 7, 7, 7)

HEADS = ('native', 'view', 'limit', '', 'one core', 'elsewhere', 'filter',
	 'proot', 'bwrap')

OTHERS = HEADS[5:]		# what has a ratio and no limit


def line(*cells):
	first, *rest = (str(c) for c in cells)
	text = first.ljust(WIDTHS[0])
	print((text + ''.join(c.rjust(w) for c, w in
			      zip(rest, WIDTHS[1:]))).rstrip(), flush=True)


def title(text, *columns):
	print()
	line(text, *columns)


def number(value):
	return '-' if value is None else f'{value:.2f}'


def duration(nsec):
	for unit, scale in (('s', 1e9), ('ms', 1e6), ('us', 1e3)):
		if nsec >= scale:
			return f'{nsec / scale:.2f} {unit}'
	return f'{nsec:.0f} ns'


def judge(bench, value, limit):
	if limit is None:
		return ('-', '')
	bench.limited += 1
	if value <= limit:
		return (f'{limit:g}', 'ok')
	bench.over += 1
	return (f'{limit:g}', 'OVER')


def ratio_row(bench, name, columns, tail, limit, others=OTHERS, rounds=None):
	try:
		got = rounds_of(bench, columns, tail, rounds)
	except Unmeasured as why:
		unmeasured(bench, name, why)
		return
	value = ratio(got, 'view')
	line(name, duration(statistics.median(got['native'])), number(value),
	     *judge(bench, value, limit), number(ratio(got, 'view1', 'native1')),
	     *(number(ratio(got, c)) for c in others))


def unmeasured(bench, name, why):
	line(name, 'not measured')
	print(f'\t{why}', flush=True)
	bench.failed.append(name)


def wanted(patterns, name):
	return not patterns or any(fnmatch.fnmatch(name, p) for p in patterns)


def absent(name, why):
	"""What it needs is not here: no fault of the view, and no figure."""
	line(name, 'not here')
	print(f'\t{why}', flush=True)
