# SPDX-License-Identifier: GPL-2.0-or-later
"""
The figures of copy on write, and of what an ordinary user does as root.

What is worked on lies below the target of a copy-on-write mount, an empty
store; "under /" is a mount over the whole system but /proc, /sys and /dev.
There "native" of stat and open is an empty view: what a view costs anyway is
in the table of single calls. Beside it: overlay, the kernel's copy on write in
a user name space of its own, where that can be had; and, for the package,
fakeroot, against which it is measured.
"""

import os
import shutil
import subprocess

from table import (BUILD, HEADS, TOP, UMVU, absent, duration, judge, line,
		   number, ratio, ratio_row, rounds_of, title, unmeasured,
		   wanted, Unmeasured)

GIGA = 1 << 30
ROUNDS = 3			# where one measurement takes seconds
EXCEPT = ',except=/proc,except=/sys,except=/dev'

# What a command prefix needs; $0 is the store, $1 the target.
COW = ('rm -rf "$0" && mkdir "$0" && ' +
       os.path.join(BUILD, 'bin', 'vumount') + ' -t vufs -o cow%s "$0" "$1" && '
       'shift && cd . && exec "$@"')
OVERLAY = ('rm -rf "$0" && mkdir -p "$0/up" "$0/work" && mount -t overlay '
	   '-o "lowerdir=$1,upperdir=$0/up,workdir=$0/work,userxattr" '
	   'overlay "$1" && shift && exec "$@"')

CALLS = ['read 64K', 'write 64K']	# of an open file: at most 1.05
UNDER_ROOT = ['stat', 'open+close']	# against an empty view: at most 1.2


class Places:
	"""Targets and stores; one of each, made anew by every command."""

	def __init__(self, bench):
		self.bench = bench
		self.tree = os.path.join(bench.work, 'cow')
		self.store = os.path.join(bench.work, 'store')
		self.rounds = 1 if bench.quick else min(bench.rounds, ROUNDS)
		os.makedirs(self.tree, exist_ok=True)
		self.file = os.path.join(self.tree, 'file')
		with open(self.file, 'wb') as f:
			f.write(os.urandom(65536))

	def cow(self, target=None, more=''):
		bench = self.bench
		return [*bench.view('-m', 'vufs'), 'sh', '-c', COW % more,
			self.store, target or self.tree]

	def root(self, more=''):
		return self.cow('/', EXCEPT + more)

	def overlay(self):
		"""The kernel's, or None where that cannot be had."""
		argv = ['unshare', '-Urm', '--', 'sh', '-c', OVERLAY,
			self.store, self.tree]
		done = subprocess.run([*argv, 'true'], check=False,
				      stdin=subprocess.DEVNULL,
				      stdout=subprocess.DEVNULL,
				      stderr=subprocess.DEVNULL)
		return None if done.returncode else argv


def call_row(places, name, call):
	bench = places.bench
	loop = [*bench.here(), '-t', bench.msec, 'loop', call, places.file]
	ratio_row(bench, name, {
		'native': loop, 'view': places.cow() + loop,
		'native1': bench.pin + loop,
		'view1': bench.pin + places.cow() + loop,
	}, [], 1.05)


def root_row(places, name, call):
	"""An unchanged file, against the same in an empty view."""
	bench = places.bench
	loop = [*bench.here(), '-r', '-t', bench.msec, 'loop', call,
		'/etc/passwd']
	ratio_row(bench, name, {
		'native': bench.view() + loop, 'view': places.root() + loop,
		'native1': bench.pin + bench.view() + loop,
		'view1': bench.pin + places.root() + loop,
	}, [], 1.2)


def beside_overlay(places, name, prepare, command, limit):
	"""A whole command; what it is done to is made before each."""
	bench = places.bench
	again = ['sh', '-c', prepare + ' && exec "$@"', places.tree]
	timed = [*bench.here(), 'spawn', '1', 'sh', '-c', command, places.tree]
	columns = {'native': [*again, *timed],
		   'view': [*again, *places.cow(), *timed]}
	overlay = places.overlay()
	if overlay:
		columns['overlay'] = [*again, *overlay, *timed]
	try:
		got = rounds_of(bench, columns, [], places.rounds)
	except Unmeasured as why:
		unmeasured(bench, name, why)
		return
	value = ratio(got, 'view')
	line(name, duration(sorted(got['native'])[len(got['native']) // 2]),
	     number(value), *judge(bench, value, limit), '',
	     number(ratio(got, 'overlay')))


def build_row(places, name):
	if not shutil.which('git') or not os.path.isdir(os.path.join(TOP, '.git')):
		absent(name, 'no git, or no repository')
		return
	command = (f'cd "$0" && env -u BUILD -u MAKEFLAGS git -c safe.directory="*" clone -q "{TOP}" new '
		   '&& env -u BUILD -u MAKEFLAGS make -s -C new -j2 build/bin/umvu >/dev/null')
	beside_overlay(places, name, 'rm -rf "$0/new"', command, 1.3)


def big_row(places, name):
	"""
	One byte changed: a copy, or a reflink, and no more. Native is a copy
	that is made by hand.
	"""
	bench = places.bench
	room = os.statvfs(bench.work)
	if room.f_bavail * room.f_frsize < 3 * GIGA:
		absent(name, f'no room for it in {bench.work}')
		return
	big = os.path.join(places.tree, 'big')
	with open(big, 'wb') as f:
		for _ in range(GIGA >> 20):
			f.write(os.urandom(1 << 20))
	change = 'printf x | dd of="$0/big" bs=1 conv=notrunc status=none'
	copy = ('cp --reflink=auto "$0/big" "$0/copy" && printf x | '
		'dd of="$0/copy" bs=1 conv=notrunc status=none')
	bench_spawn = [*bench.here(), 'spawn', '1', 'sh', '-c']
	again = ['sh', '-c', 'rm -f "$0/copy"; sync "$0/big"; exec "$@"',
		 places.tree]
	ratio_row(bench, name, {
		'native': [*again, *bench_spawn, copy, places.tree],
		'view': [*again, *places.cow(), *bench_spawn, change,
			 places.tree],
	}, [], 1.1, rounds=places.rounds)
	os.unlink(big)
	shutil.rmtree(places.store, ignore_errors=True)


def make_package(places):
	"""A package of a few hundred files, owned by root. Its name, or None"""
	top = os.path.join(places.bench.work, 'package')
	os.makedirs(top + '/DEBIAN', exist_ok=True)
	with open(top + '/DEBIAN/control', 'w', encoding='ascii') as f:
		f.write('Package: vu-bench\nVersion: 1\nArchitecture: all\n'
			'Maintainer: none <none@localhost>\n'
			'Description: files to be unpacked\n')
	for n in range(400):
		name = f'{top}/usr/share/vu-bench/{n // 20}/{n}'
		os.makedirs(os.path.dirname(name), exist_ok=True)
		with open(name, 'wb') as f:
			f.write(os.urandom(4096))
	done = subprocess.run(['dpkg-deb', '--root-owner-group', '-b', top,
			       top + '.deb'], stdout=subprocess.DEVNULL,
			      check=False)
	return None if done.returncode else top + '.deb'


def package_row(places, name):
	bench = places.bench
	if not shutil.which('dpkg') or not shutil.which('fakeroot'):
		absent(name, 'no dpkg, or no fakeroot')
		return
	package = make_package(places)
	if not package:
		absent(name, 'dpkg-deb cannot build a package')
		return
	root = os.path.join(places.tree, 'root')
	again = ['sh', '-c', 'rm -rf "$0" && mkdir -p "$0/var/lib/dpkg/updates" '
		 '"$0/var/lib/dpkg/info" && : >"$0/var/lib/dpkg/status" && '
		 'exec "$@"', root]
	install = ['dpkg', f'--root={root}', '--force-not-root',
		   '--force-script-chrootless', '--log=/dev/null', '-i', package]
	quiet = [*bench.here(), 'spawn', '1', 'sh', '-c',
		 'exec "$0" "$@" >/dev/null']
	view = [UMVU, '-N', '-R', '-m', 'vufs', '--', 'sh', '-c',
		COW % ',vstat', places.store, places.tree]
	ratio_row(bench, name, {
		'native': [*again, 'fakeroot', *quiet, *install],
		'view': [*again, *view, *quiet, *install],
	}, [], 1.0, rounds=places.rounds)


def section_cow(bench, patterns):
	rows = [(f'cow: {call}', call_row, (call,)) for call in CALLS]
	rows += [(f'cow under /: {call}', root_row, (call,))
		 for call in UNDER_ROOT]
	rows += [('cow: git clone, make', build_row, ()),
		 ('cow: a byte of 1 GiB', big_row, ()),
		 ('vstat: dpkg -i, to fakeroot', package_row, ())]
	rows = [r for r in rows if wanted(patterns, r[0])]
	if not rows:
		return
	places = Places(bench)
	title('Copy on write', *HEADS[:5], 'overlay')
	for name, row, more in rows:
		row(places, name, *more)
	shutil.rmtree(places.tree, ignore_errors=True)
	shutil.rmtree(places.store, ignore_errors=True)
