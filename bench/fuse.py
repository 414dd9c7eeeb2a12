# SPDX-License-Identifier: GPL-2.0-or-later
"""
The figures of FUSE programs in a view (module vufuse).

FUSE by a carrier: "native" is a program on an image, mounted by the kernel in
a name space of its own, without a view; "view" is one in which it is mounted
via=carrier. For names the monitor is asked as well: "empty" and "vufs" tell
what that takes without vufuse, in an empty view, and in one with a vufs mount
over the mount that the kernel has made.

FUSE by our cache, via=cache: for what is warm "native" is a file of tmpfs, and
"empty" the same in an empty view; for the others it is the program mounted by
the kernel. Untar ends with the server, when all is in the image.

The peers mount nothing. What is worked on is in a tmpfs where there is one
with room: then neither waits for a disk. What takes seconds is done in three
rounds at most, once with -q.
"""

import os
import random
import shutil
import subprocess
import tarfile
import tempfile

from table import (HEADS, PATIENCE, TOP, Unmeasured, absent, judge,
		   last_words, line, number, ratio_row, rollup, title,
		   unmeasured, wanted)

SERVED = os.path.join(TOP, 'bench', 'served')
MEGA = 1 << 20
BIG = 256				# megabytes
ROOM = 1536				# megabytes: images, copies
FILES = 5000				# of the source tree
ENTRIES = 100000
SLOW_ROUNDS = 3				# where one measurement takes seconds

OTHERS = ('empty', 'vufs', 'proot', 'bwrap')

CARRIER = [				# name, file, limit, what calls does
	('read 64K', 'file', 1.05, ['loop', 'read 64K']),
	('mmap+touch', 'file', 1.05, ['loop', 'mmap file']),
	('fork+exec', 'true', 1.05, ['spawn', '100']),
	('stat', 'file', None, ['loop', 'stat']),
	('open+close', 'file', None, ['loop', 'open+close']),
]

WARM = [
	('sequential read', ['-r', 'loop', 'read on']),
	('4K random read', ['-r', 'loop', 'random read']),
]


# As root; and as a user, who is himself in it and may mount.
SPACES = [
	['unshare', '-m', '--'],
	['unshare', '-Um', '--map-current-user', '--keep-caps', '--'],
]


def place(work):
	"""Where the images go, and whether that is a tmpfs."""
	for where in (work, '/dev/shm'):
		try:
			kind = subprocess.run(['stat', '-f', '-c', '%T', where],
					      text=True, capture_output=True,
					      check=True).stdout.strip()
			fs = os.statvfs(where)
		except (OSError, subprocess.CalledProcessError):
			continue
		room = fs.f_bavail * fs.f_frsize >= ROOM * MEGA
		if kind == 'tmpfs' and room and os.access(where, os.W_OK):
			return where, True
	return work, False


class Images:
	"""What is served, and how it is mounted by whom."""

	def __init__(self, bench, where, in_tmpfs):
		self.bench, self.where, self.in_tmpfs = bench, where, in_tmpfs
		self.source = os.path.join(where, 'source')
		self.point = os.path.join(where, 'm')
		self.rounds = 1 if bench.quick else \
			min(bench.rounds, SLOW_ROUNDS)
		for name in ('source', 'm', 'vufs0'):
			os.mkdir(os.path.join(where, name))
		self.kernel = self.no_kernel = None
		self.made = False

	def path(self, *names):
		return os.path.join(self.where, *names)

	def fill(self):
		"""One of every kind; the bytes are none that compress."""
		numbers = random.Random(1)
		with open(self.path('source', 'big'), 'wb') as f:
			for _ in range(BIG):
				f.write(numbers.randbytes(MEGA))
		with open(self.path('source', 'file'), 'wb') as f:
			f.write(numbers.randbytes(65536))
		shutil.copy(shutil.which('true'), self.path('source', 'true'))

	def server(self, program):
		"""A FUSE program with its arguments in one word: see served."""
		return {
			'fuse2fs': f'fuse2fs -f -o fakeroot {self.path("ext4")}',
			'squashfuse': f'squashfuse -f {self.path("squash")}',
			'bindfs': f'bindfs -f {self.source}',
		}[program]

	def make_ext4(self, name, *options):
		"""
		A sparse file; the user who mounts it owns what is in it.
		fuse2fs would not use a journal.
		"""
		with open(self.path(name), 'wb') as f:
			f.truncate(2 * BIG * MEGA)
		quietly('mke2fs', '-q', '-F', '-t', 'ext4', '-O',
			'^has_journal', '-E',
			f'root_owner={os.getuid()}:{os.getgid()}', *options,
			self.path(name))

	def make(self):
		"""When the first row wants them; with what there is."""
		if self.made:
			return
		self.made = True
		os.environ['PATH'] += ':/usr/sbin:/sbin'	# mke2fs
		self.fill()
		if have('fuse2fs', 'mke2fs'):
			self.make_ext4('ext4', '-d', self.source)
			self.make_ext4('fresh')
		if have('squashfuse', 'mksquashfs'):
			quietly('mksquashfs', self.source, self.path('squash'),
				'-quiet', '-no-progress')

	def served(self, program, *options):
		return [SERVED, *options, self.server(program), self.point]

	def find_kernel(self, program):
		"""How the kernel mounts without being seen; or why it cannot."""
		for prefix in SPACES:
			why = failure([*prefix, *self.served(program), 'true'])
			if not why:
				self.kernel = prefix
				return
			self.no_kernel = f'native: {why}'

	def view(self, via):
		return self.bench.view('-m', f'vufuse,via={via}')


def have(*programs):
	return all(shutil.which(p) for p in programs)


def quietly(*argv):
	subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def failure(argv):
	"""Run it: None, or why it failed."""
	try:
		done = subprocess.run(argv, stdin=subprocess.DEVNULL,
				      text=True, capture_output=True,
				      timeout=10)
	except (OSError, subprocess.TimeoutExpired) as why:
		return str(why)
	if not done.returncode:
		return None
	return last_words(done.stderr) or f'status {done.returncode}'


def lacking(images, *programs, kernel=True):
	"""Why a row cannot be had here, or None."""
	missing = [p for p in programs if not shutil.which(p)]
	if missing:
		return 'no ' + ', '.join(missing)
	if kernel and not images.kernel:
		images.find_kernel(programs[0])
	return images.no_kernel if kernel and not images.kernel else None


# --- the rows ----------------------------------------------------------------

def carrier_columns(images, call, name):
	"""All of them run calls on one file, wherever it is found there."""
	bench, served = images.bench, images.served('fuse2fs')
	view, kernel = images.view('carrier'), images.kernel
	own = [*bench.here(), '-t', bench.msec, *call]
	file = images.path('m', name)
	through = [*bench.view('-m', 'vufs'), bench.calls, '-m',
		   f'1:{images.point}:{images.path("vufs")}', *own[1:],
		   images.path('vufs0', name)]
	columns = {
		'native': [*kernel, *served, *own, file],
		'view': [*view, *served, *own, file],
	}
	columns['native1'] = bench.pin + columns['native']
	columns['view1'] = bench.pin + columns['view']
	columns['empty'] = [*kernel, *served, *bench.view(), *own, file]
	columns['vufs'] = [*kernel, *served, *through]
	return columns


def rows_of_carrier(images, patterns):
	rows = [r for r in CARRIER if wanted(patterns, 'carrier: ' + r[0])]
	if not rows:
		return
	images.make()
	title('FUSE by a carrier', *HEADS[:5], *OTHERS)
	for name, file, limit, call in rows:
		name = 'carrier: ' + name
		why = lacking(images, 'fuse2fs', 'mke2fs')
		if why:
			absent(name, why)
			continue
		ratio_row(images.bench, name,
			  carrier_columns(images, call, file), [], limit,
			  OTHERS)


def warm_row(images, name, call):
	bench = images.bench
	why = lacking(images, 'fuse2fs', 'mke2fs', kernel=False)
	if not images.in_tmpfs:
		why = why or f'no tmpfs with {ROOM} MB of room'
	if why:
		absent(name, why)
		return
	# read twice before, or the kernel is still at sorting its pages
	own = ['sh', '-c', 'cat "$0" "$0" >/dev/null && exec "$@" "$0"']
	loop = [*bench.here(), '-t', bench.msec, *call]
	native = [*own, images.path('source', 'big'), *loop]
	view = [*images.view('cache'), *images.served('fuse2fs'),
		*own, images.path('m', 'big'), *loop]
	ratio_row(bench, name, {
		'native': native, 'view': view,
		'native1': bench.pin + native, 'view1': bench.pin + view,
		'empty': bench.view() + native,
	}, [], 1.05, OTHERS)


def cold_row(images, name, program, needed):
	"""Fresh mounts; what the program itself reads is in the page cache."""
	why = lacking(images, program, needed)
	if why:
		absent(name, why)
		return
	tail = [*images.served(program), *images.bench.here(), 'once',
		images.path('m', 'big')]
	ratio_row(images.bench, name, {
		'native': [*images.kernel, *tail],
		'view': [*images.view('cache'), *tail],
	}, [], 1.3, rounds=images.rounds)


def make_tree(name):
	"""
	A tar file, always the same: directories, and in them files of words
	and numbers, as sources are.
	"""
	numbers = random.Random(2)
	words = numbers.randbytes(32 * 1024).hex().encode()
	top = os.path.dirname(name)
	path = os.path.join(top, 'one')
	with tarfile.open(name, 'w') as tar:
		for n in range(FILES):
			size = numbers.randrange(30 * 1024)
			with open(path, 'wb') as f:
				f.write(words[n:n + size])
			os.utime(path, (1e9 + n, 1e9 + n))
			tar.add(path, f'tree/{n // 500}/{n // 20 % 25}/{n}.c')
	os.unlink(path)


def untar_row(images, name):
	why = lacking(images, 'fuse2fs', 'mke2fs', 'tar')
	if why:
		absent(name, why)
		return
	archive = images.path('tree.tar')
	if not os.path.exists(archive):
		make_tree(archive)
	again = ['sh', '-c', 'cp --sparse=always "$0/fresh" "$0/ext4.untar" '
		 '&& exec "$@"', images.where]
	tail = [SERVED, '-t',
		f'fuse2fs -f -o fakeroot {images.path("ext4.untar")}',
		images.point, 'tar', '-C', images.point, '-xf', archive]
	ratio_row(images.bench, name, {
		'native': [*again, *images.kernel, *tail],
		'view': [*again, *images.view('cache'), *tail],
	}, [], 1.5, rounds=images.rounds)


def rows_of_cache(images, patterns):
	rows = [(f'{BIG} MB warm: {name}', warm_row, (call,))
		for name, call in WARM]
	rows += [(f'{BIG} MB cold: {program}', cold_row, (program, needed))
		 for program, needed in (('fuse2fs', 'mke2fs'),
					 ('squashfuse', 'mksquashfs'),
					 ('bindfs', 'bindfs'))]
	rows.append((f'untar {FILES} files: fuse2fs', untar_row, ()))
	rows = [(f'cache: {name}', row, more) for name, row, more in rows
		if wanted(patterns, f'cache: {name}')]
	if not rows:
		return
	images.make()
	title('FUSE by our cache', *HEADS[:5], *OTHERS)
	for name, row, more in rows:
		row(images, name, *more)


def size_after_look(images, many):
	"""Of the monitor, when find has asked for each file of a directory."""
	look = 'find "$1" -type f -size +1 && echo "$2" && read -r end'
	argv = [*images.view('cache'), 'sh', '-c',
		'exec "$@" "$PPID"', 'sh', SERVED, f'bindfs -f {many}',
		images.point, 'sh', '-c', look, 'sh', images.point]
	with subprocess.Popen(argv, stdin=subprocess.PIPE,
			      stdout=subprocess.PIPE,
			      stderr=subprocess.DEVNULL, text=True) as p:
		pid = p.stdout.readline().strip()
		if not pid:
			raise Unmeasured('find did not end well')
		size = rollup(int(pid))
		p.stdin.close()
		p.wait(PATIENCE)
	return size


def rows_of_memory(images, patterns):
	name = f'monitor, {ENTRIES} entries, MB'
	if not wanted(patterns, name):
		return
	title('memory of a FUSE cache', '', 'resident', 'limit', '', 'prop.')
	why = lacking(images, 'bindfs', 'find', kernel=False)
	if why:
		absent(name, why)
		return
	many = images.path('many')
	os.mkdir(many)
	for n in range(ENTRIES):
		os.close(os.open(f'{many}/file{n}', os.O_CREAT, 0o644))
	try:
		size, part = (k / 1024 for k in size_after_look(images, many))
	except (Unmeasured, OSError, ValueError,
		subprocess.TimeoutExpired) as why:
		unmeasured(images.bench, name, why)
		return
	line(name, '', number(size), *judge(images.bench, size, 64),
	     number(part))


ROWS = (rows_of_carrier, rows_of_cache, rows_of_memory)


def section_fuse(bench, patterns):
	where, in_tmpfs = place(bench.work)
	with tempfile.TemporaryDirectory(prefix='vu-bench-', dir=where) as d:
		images = Images(bench, d, in_tmpfs)
		try:
			for rows in ROWS:
				rows(images, patterns)
		except (OSError, subprocess.CalledProcessError) as why:
			unmeasured(bench, 'files for FUSE programs', why)
