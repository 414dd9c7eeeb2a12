/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plain names
 *
 * A call by name is the kernel's affair when no component of the name is one
 * that a view has something to say about, none is "..", no symlink is on the
 * way, and it starts where the kernel thinks: walk_proves_native(). A gate in
 * a guest can tell that by itself, from memory that is shared with it
 * (engine/gate.c, arch/.../names.S):
 *
 *  - The names that are not plain: a Bloom filter of all names of mount points
 *    and the like, of all views, and of what modules say is touched. It only
 *    grows: what was plain for nobody's sake any more costs time, nothing else.
 *    A name is marked before what makes it special can be found. Some are
 *    special only where a path ends (a layered mount shows its own root, but
 *    leads where the kernel goes): a small set beside it. And the numbers of
 *    the nodes of which fstat() is to tell something else are in the large
 *    one as if they were names.
 *  - Why to ask all the same: counters of reasons, see enum plain_ask.
 *  - Directories, by their absolute names, on whose way no symlink was met.
 *    An opening does not need them, for the kernel can be told to refuse
 *    symlinks; nothing else can.
 *  - Moves: directories that a mount shows as they are elsewhere. The mount
 *    point is not plain, but what comes after it may be, and then it is what
 *    the kernel has under the move's name and the rest. Such are also, one by
 *    one, the directories that copy on write has made in its store, where
 *    nothing of the target is seen: sys/moved.c.
 *
 * A guest reads all this in the middle of its call. What is done before the
 * monitor's answer to another call is seen by all calls that begin after it.
 *
 * Directories and moves are forgotten all at once: the epoch is a part of
 * each entry. A move is written while it may be read: its key comes last, and
 * who has copied the name looks at the key again.
 * Where a symlink may come to be by a call that is seen (symlink, link,
 * rename), that is before the kernel does it, at a time that nobody tells
 * us. So nothing is learned for some time, either. By what is not seen, from
 * outside of the view, a directory may be replaced by a symlink as well:
 * therefore an entry lives for that time at most.
 */
#include "lib/plain.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/clock.h"

#define LIFE_NSEC 100000000	/* of what is learned */

static const char magic[8] = "vu-gate";

struct move {
	_Atomic uint64_t key;
	uint64_t dir;
	uint32_t flags, len;
	char name[MOVE_SIZE - MOVE_NAME];
};

_Static_assert(sizeof(struct move) == MOVE_SIZE &&
	       offsetof(struct move, key) == MOVE_KEY &&
	       offsetof(struct move, dir) == MOVE_DIR &&
	       offsetof(struct move, flags) == MOVE_FLAGS &&
	       offsetof(struct move, len) == MOVE_LEN &&
	       offsetof(struct move, name) == MOVE_NAME, "plain.h");

struct shared {
	char magic[8];
	_Atomic uint32_t state, alone;
	_Atomic uint32_t ask[8];
	_Atomic uint64_t epoch;
	_Atomic uint64_t device, device_x;
	char pad3[PLAIN_LAST - 72];
	_Atomic uint64_t last[PLAIN_LAST_BITS / 64];
	char pad4[PLAIN_NAMES - PLAIN_LAST - PLAIN_LAST_BITS / 8];
	_Atomic uint64_t name[PLAIN_NAMES_BITS / 64];
	_Atomic uint64_t dir[PLAIN_NDIRS];
	struct move move[PLAIN_NMOVES];
};

_Static_assert(sizeof(struct shared) == PLAIN_SIZE &&
	       offsetof(struct shared, state) == PLAIN_STATE &&
	       offsetof(struct shared, alone) == PLAIN_ALONE &&
	       offsetof(struct shared, ask) == PLAIN_ASK &&
	       offsetof(struct shared, epoch) == PLAIN_EPOCH &&
	       offsetof(struct shared, device) == PLAIN_DEVICE &&
	       offsetof(struct shared, device_x) == PLAIN_DEVICE_X &&
	       offsetof(struct shared, last) == PLAIN_LAST &&
	       offsetof(struct shared, name) == PLAIN_NAMES &&
	       offsetof(struct shared, dir) == PLAIN_DIRS &&
	       offsetof(struct shared, move) == PLAIN_MOVES, "plain.h");

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct shared *shared;
static int fd = -1, timer = -1;
static atomic_bool ticking;
static _Atomic int64_t quiet_until;	/* nothing is learned before */
static pthread_mutex_t moving = PTHREAD_MUTEX_INITIALIZER;	/* guards move */

/* --- names ---------------------------------------------------------------- */

static uint64_t mix(uint64_t h)
{
	h ^= h >> 29;
	return h * PLAIN_MIX;
}

static uint64_t hash(const char *name, size_t len)
{
	uint64_t h = PLAIN_BASIS;

	while (len--)
		h = (h ^ (unsigned char)*name++) * PLAIN_PRIME;
	return mix(h);
}

static void set_bit(uint64_t n)
{
	n %= PLAIN_NAMES_BITS;
	atomic_fetch_or(&shared->name[n / 64], 1ull << n % 64);
}

static bool has_bit(uint64_t n)
{
	n %= PLAIN_NAMES_BITS;
	return atomic_load(&shared->name[n / 64]) >> n % 64 & 1;
}

static void mark_hash(uint64_t h)
{
	set_bit(h);
	set_bit(h >> 40);
}

static void mark(const char *name, size_t len)
{
	mark_hash(hash(name, len));
}


/* --- the memory --- */

static bool make(int memory)
{
	struct shared *s;

	if (ftruncate(memory, PLAIN_SIZE))
		return false;
	s = mmap(NULL, PLAIN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (s == MAP_FAILED)
		return false;
	if (fcntl(memory, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK |
		  F_SEAL_GROW | F_SEAL_SEAL)) {
		munmap(s, PLAIN_SIZE);
		return false;
	}
	memcpy(s->magic, magic, sizeof(magic));
	s->state = PLAIN_CLOSED;
	s->epoch = 1;
	shared = s;
	mark(".", 1);
	mark("..", 2);
	return true;
}

static void make_once(void)
{
	int memory = memfd_create("vu-gate", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (memory >= 0 && timer >= 0 && make(memory))
		fd = memory;
	else if (memory >= 0)
		close(memory);
}

static bool there(void)
{
	pthread_once(&once, make_once);
	return shared;
}

int plain_fd(void)
{
	there();
	return fd;
}

int plain_tick_fd(void)
{
	there();
	return timer;
}

void plain_set_state(enum plain_state s)
{
	if (there())
		atomic_store(&shared->state, s);
}

enum plain_state plain_get_state(void)
{
	return there() ? atomic_load(&shared->state) : PLAIN_CLOSED;
}

void plain_ask(enum plain_ask what, int by)
{
	if (there())
		atomic_fetch_add(&shared->ask[what], by);
}

void plain_mark(const char *name, size_t len)
{
	if (there())
		mark(name, len);
}

bool plain_is_marked(const char *name, size_t len)
{
	uint64_t h = hash(name, len);

	return there() && has_bit(h) && has_bit(h >> 40);
}

void plain_mark_last(const char *name, size_t len)
{
	uint64_t bit = hash(name, len) / (UINT64_MAX / PLAIN_LAST_BITS + 1);

	if (there())
		atomic_fetch_or(&shared->last[bit / 64], 1ull << bit % 64);
}

static uint64_t hash_number(uint64_t ino)
{
	return mix((PLAIN_BASIS ^ ino) * PLAIN_PRIME);
}

void plain_mark_number(uint64_t ino)
{
	if (there())
		mark_hash(hash_number(ino));
}

void plain_ask_device(uint64_t dev)
{
	if (!there())
		return;
	atomic_store(&shared->device, dev);
	atomic_store(&shared->device_x,
		     major(dev) | (uint64_t)minor(dev) << 32);
}

bool plain_own_has(const struct plain_own *own, uint64_t ino)
{
	uint64_t n = hash_number(ino) % PLAIN_OWN_BITS;

	return own->bits[n / 64] >> n % 64 & 1;
}

/* --- directories ------------------------------------------------------------ */

/* One component further */
static uint64_t hash_step(uint64_t d, const char *name, size_t len)
{
	d = (d ^ hash(name, len)) * PLAIN_MIX;
	return d ^ d >> 32;
}

/* The directory of a path; 0: it has none but the root */
static uint64_t hash_dir(const char *path)
{
	uint64_t d = 0;

	for (;;) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (!path[n])
			return d;
		d = hash_step(d, path, n);
		path += n;
	}
}

/* The path itself; 0: it is the root */
static uint64_t hash_path(const char *path)
{
	const char *last = strrchr(path, '/');

	return last && last[1] ? hash_step(hash_dir(path), last + 1,
					   strlen(last + 1)) : 0;
}

uint64_t plain_epoch(void)
{
	return there() ? atomic_load(&shared->epoch) : 0;
}

static void forget(void)
{
	atomic_fetch_add(&shared->epoch, PLAIN_MIX);
}

static void start_timer(void)
{
	const struct itimerspec soon = { .it_value.tv_nsec = LIFE_NSEC };

	if (!atomic_load(&ticking) && !atomic_exchange(&ticking, true))
		timerfd_settime(timer, 0, &soon, NULL);
}

bool plain_settled(void)
{
	return there() && coarse_ns() >= atomic_load(&quiet_until);
}

static bool may_learn(void)
{
	return plain_settled() && plain_get_state() == PLAIN_BY_NAME;
}

void plain_learn(const char *path, uint64_t epoch)
{
	uint64_t d;

	if (!may_learn())
		return;
	d = hash_dir(path);
	if (!d)
		return;
	start_timer();
	atomic_store(&shared->dir[d % PLAIN_NDIRS], d ^ epoch);
}

bool plain_knows_move(const char *here, const char *path)
{
	uint64_t move = hash_path(here), dir = hash_dir(path), epoch;

	if (!there())
		return false;
	epoch = atomic_load(&shared->epoch);
	return (shared->move[move % PLAIN_NMOVES].key ^ epoch) == move &&
	       (shared->dir[dir % PLAIN_NDIRS] ^ epoch) == dir;
}

bool plain_knows_below(const char *here, const char *below)
{
	uint64_t key = hash_path(here), epoch = plain_epoch(), dir;
	const struct move *m;
	size_t n;

	if (!epoch)
		return false;
	m = &shared->move[key % PLAIN_NMOVES];
	if ((m->key ^ epoch) != key)
		return false;
	dir = m->dir;
	for (below += strspn(below, "/"); *below; below += strspn(below, "/")) {
		n = strcspn(below, "/");
		dir = hash_step(dir, below, n);
		below += n;
	}
	return (shared->dir[dir % PLAIN_NDIRS] ^ epoch) == dir;
}

void plain_learn_move(const char *here, const char *to, unsigned flags,
		      uint64_t epoch)
{
	uint64_t key = hash_path(here), dir = hash_path(to);
	size_t len = dir ? strlen(to) : 0;
	struct move *m;

	if (!key || len > sizeof(m->name) || !may_learn())
		return;
	start_timer();
	m = &shared->move[key % PLAIN_NMOVES];
	pthread_mutex_lock(&moving);
	atomic_store(&m->key, 0);
	m->dir = dir;
	m->flags = flags;
	if (flags & MOVE_ALONE)
		shared->alone = 1;
	m->len = len;
	memcpy(m->name, to, len);
	atomic_store(&m->key, key ^ epoch);
	pthread_mutex_unlock(&moving);
}

void plain_changed(void)
{
	if (there())
		forget();
}

void plain_forget(void)
{
	if (!there())
		return;
	atomic_store(&quiet_until, coarse_ns() + LIFE_NSEC);
	forget();
}

/* In this order: what is learned after it was forgotten starts it anew. */
void plain_tick(void)
{
	uint64_t rings;

	if (!there() || read(timer, &rings, sizeof(rings)) < 0)
		return;
	atomic_store(&ticking, false);
	forget();
}
