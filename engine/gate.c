/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate: calls that nobody needs to see are not seen.
 *
 * The filter cannot be changed once it is there, and notifies every call
 * that a view may ever be interested in: six microseconds, most of the time
 * for the answer "as you like". So a process that makes many calls is given
 * a gate: the places in its C library where it makes them are changed
 * to lead through code that looks at a word first, which the monitor shares
 * with all guests. While that word is 0, the gate is *open*, the code makes
 * the call itself; the filter lets it pass, as it comes from an address in
 * the gate. Else it goes on to the `syscall` that was always there, which
 * is notified.
 *
 * As soon as something is virtual the gate is neither open nor closed: calls
 * by names that have nothing to do with it are made by the code itself, which
 * can tell (arch/.../names.S, lib/plain.c), and some by names that a mount
 * only moves, or that a store alone has (sys/moved.c). All others are
 * notified. Names are taken for plain until the monitor says otherwise, which
 * it does before it answers the call that makes them special.
 *
 * So the gate only saves time. Whoever does not go through it (other code,
 * a jump to the old instruction, a restart after a signal) is notified, and
 * all decisions are the monitor's. A guest that jumps into the gate on
 * purpose leaves its view; but it could never be kept in: a view is no jail.
 *
 * What a guest then has (arch/gate.c makes the code; LIB is its C library):
 *
 *	LIB	mov $nr,%eax -> jmp step	the *site*
 *		syscall
 *	step	jmp slot		a page as near to LIB as a jump reaches
 *	slot	word? -> mov $nr,%eax; jmp names
 *		else mov $nr,%eax; syscall; jmp behind LIB's syscall
 *	names	plain? -> as the slot does, but perhaps by other calls
 *		else jmp to LIB's syscall
 *	page	the word, and what names has to know, read-only
 *	own	what it has opened by other names than the kernel's
 *
 * A child has it by fork; exec ends it.
 *
 * When. A visit costs as much as some tens of notifications, so it comes
 * after as many (ski rental: never worse than twice the best). Counters are
 * kept by thread id in a small table where newcomers push others out: a wrong
 * count costs time, nothing else. When nothing could be done (the library
 * is not loaded yet), or there is a gate already and calls come all the same,
 * the next look is after twice as many.
 *
 * How. The waiting thread is visited as in visit.c, and made to do the calls
 * that are needed, by its own syscall instruction; then it makes its call
 * again. Whoever else shares its memory runs meanwhile, and may be in the very
 * code that is changed. Therefore nothing is changed where it is: the library's
 * code is mapped once more, the copy is changed, and mremap() puts it in the
 * place of the original (who faults there waits for the lock of the address
 * space). It is still a mapping of the same file. Code that is not the file's
 * any more, because somebody else has changed it, is left alone: it is in
 * pieces, or pagemap shows it.
 *
 * The descriptors for the two mappings are put into the guest before its call
 * is answered, and closed in the end whatever happens. Another thread could
 * see them, or fork a child that keeps them: so there must be none. (It is as
 * well to come early: in a process with threads glibc's open() uses a site
 * that is left alone, see arch/gate.c.)
 *
 * Who gets none: a process with threads, one that is traced, that has filters
 * of its own (they might kill it for our calls), that has no such library, or
 * that runs 32-bit code; and one whose calls are made by something else than
 * the library or its loader. What an emulator (valgrind) has of the library is
 * not run but read, and it knows of no gate: whoever follows it there comes to
 * code that is not there. That is not an error: it is as fast as before.
 *
 * A process that installs a filter (seccomp) after it has been given a gate
 * makes all its calls as it did: gate_own(). Who traces it then, or reads
 * /proc/PID/syscall, sees calls that the program did not make: openat2 where it
 * made open, or a stat before access. And what stat() or readlink() was to fill
 * may have been filled when the call fails after all.
 *
 * What can be noticed: who unwinds the stack from within a slot (exceptions
 * out of a signal handler, asynchronous cancellation of a thread in stat())
 * finds no caller there.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/engine_internal.h"
#include "engine/filter.h"
#include "engine/gate.h"
#include "engine/memory.h"
#include "engine/proc.h"
#include "engine/sites.h"
#include "engine/tracee.h"
#include "lib/plain.h"

#define PAGE		4096u
#define STEPS_SIZE	PAGE
#define NUMBERS		512

/* How large a gap must be to take a page of it: in general, above a heap. */
#define STEPS_ROOM	(16 * PAGE)
#define HEAP_ROOM	(1ull << 36)

#ifndef FIRST_LOOK		/* less, to test what goes through gates */
#define FIRST_LOOK	32	/* calls until a process is given a gate */
#endif
#define COUNTERS	1024

/* What the guest gets when the monitor dies in the middle of it. */
#define ANSWER		(-ENOMEM)
#define ERESTARTSYS	512

static const char magic[8] = "vu-gate";

struct counter {
	_Atomic pid_t tid;
	_Atomic unsigned calls, look;
};

struct gate {
	bool gated[NUMBERS];
	bool by_name[NUMBERS];	/* those that names.S knows */
	int fd;			/* of what is shared */
	struct site_files *files;
	struct counter counter[COUNTERS];
};

/* What is about to be changed in a guest. */
struct building {
	const struct gate *g;
	const struct call *call;
	struct sites *sites;
	uint64_t text, text_end, offset;	/* the library's code */
	uint64_t steps;
	int page_fd, file_fd;			/* in the guest; -1: not there */
	struct tracee t;
	uint64_t entry;				/* of the calls it makes for us */
};

/* --- the page ------------------------------------------------------------- */

static bool is_gated(void *ctx, int nr)
{
	const struct gate *g = ctx;

	return nr >= 0 && nr < NUMBERS && g->gated[nr];
}

struct gate *gate_new(const struct filter_spec *spec)
{
	struct gate *g = calloc(1, sizeof(*g));
	const struct filter_row *row = spec->row[ABI_NATIVE];

	if (!g)
		return NULL;
	for (size_t i = 0; i < spec->nrow[ABI_NATIVE]; i++)
		if (row[i].gated && row[i].nr < NUMBERS) {
			g->gated[row[i].nr] = true;
			arch_names_of(row[i].nr, &g->by_name[row[i].nr]);
		}
	g->fd = plain_fd();
	g->files = g->fd < 0 ? NULL : site_files_new(is_gated, g);
	if (g->files)
		return g;
	free(g);
	errno = ENOMEM;
	return NULL;
}

/* --- when ------------------------------------------------------------------- */

static struct counter *counter_of(struct gate *g, pid_t tid)
{
	struct counter *c = &g->counter[(unsigned)tid % COUNTERS];

	if (atomic_load_explicit(&c->tid, memory_order_relaxed) == tid)
		return c;
	c->tid = tid;
	c->calls = 0;
	c->look = FIRST_LOOK;
	return c;
}

bool gate_due(struct gate *g, const struct call *call)
{
	enum plain_state state = g ? plain_get_state() : PLAIN_CLOSED;
	struct counter *c;
	unsigned n;

	if (call->abi != ABI_NATIVE || state == PLAIN_CLOSED)
		return false;
	if (call->nr == SYS_execve || call->nr == SYS_execveat) {
		counter_of(g, call->tid)->tid = 0;
		return false;
	}
	if (!is_gated(g, call->nr) ||
	    (state == PLAIN_BY_NAME && !g->by_name[call->nr]))
		return false;
	c = counter_of(g, call->tid);
	n = atomic_fetch_add_explicit(&c->calls, 1, memory_order_relaxed) + 1;
	if (n < atomic_load_explicit(&c->look, memory_order_relaxed))
		return false;
	c->look = n < UINT32_MAX / 2 ? n * 2 : UINT32_MAX;
	return true;
}

/* --- where ------------------------------------------------------------------ */

/* A C library that makes its own calls, by its usual names. */
static bool is_library(const struct proc_map *map)
{
	static const char *const start[] = {
		"libc.so", "libc-", "libc.musl-", "ld-musl-", "libpthread.so",
	};
	const char *name = memrchr(map->path, '/', map->path_len);
	size_t left;

	if (!name++)
		return false;
	left = map->path + map->path_len - name;
	for (size_t i = 0; i < sizeof(start) / sizeof(start[0]); i++)
		if (left >= strlen(start[i]) &&
		    !memcmp(name, start[i], strlen(start[i])))
			return true;
	return false;
}

static bool is_loader(const struct proc_map *map)
{
	const char *name = memrchr(map->path, '/', map->path_len);

	return name && map->path + map->path_len - name > 4 &&
	       !memcmp(name, "/ld-", 4);
}

/*
 * What is looked for: the library's code, or else the program's (static).
 * The call that came from ip was made by it, or by its loader?
 */
struct search {
	struct proc_map code;
	uint64_t ip;
	bool loader;
	char path[PATH_MAX];
	unsigned pieces;		/* of its file */
	bool library;
};

static bool is_piece(const struct search *s, const struct proc_map *map)
{
	return s->pieces && s->code.inode == map->inode &&
	       s->code.major == map->major && s->code.minor == map->minor;
}

static bool look_at(void *arg, const struct proc_map *map)
{
	struct search *s = arg;

	if (!map->executable || !map->inode)
		return true;
	if (s->ip >= map->start && s->ip < map->end)
		s->loader = is_loader(map);
	if (is_piece(s, map)) {
		s->pieces++;
		return true;
	}
	if (map->writable || map->shared || map->path_len >= sizeof(s->path) ||
	    (s->pieces && (s->library || !is_library(map))))
		return true;
	s->library = is_library(map);
	s->pieces = 1;
	s->code = *map;
	memcpy(s->path, map->path, map->path_len);
	s->code.path = s->path;
	return true;
}

/* Room for the steps, as near to the code as possible. */
struct room {
	uint64_t code, last_end, best;
	bool after_heap;
};

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a < b ? b - a : a - b;
}

/* The upper end of each gap; not where the stack or the heap will grow. */
static bool look_at_gap(void *arg, const struct proc_map *map)
{
	struct room *r = arg;
	uint64_t at = map->start - STEPS_SIZE;
	uint64_t need = r->after_heap ? HEAP_ROOM : STEPS_ROOM;

	if (map->start >= r->last_end + need && !map->stack &&
	    (!r->best || distance(at, r->code) < distance(r->best, r->code)))
		r->best = at;
	r->last_end = map->end;
	r->after_heap = map->heap;
	return true;
}

/* Is all of the code that is in memory still what the file has? */
static bool is_pristine(pid_t tid, uint64_t start, uint64_t end)
{
	const uint64_t present = 1ull << 63, swapped = 1ull << 62, file = 1ull << 61;
	uint64_t entry[512], page;
	char path[32];
	bool good;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	good = fd >= 0;
	for (page = start / PAGE; good && page < end / PAGE;) {
		size_t n = end / PAGE - page;
		ssize_t got;

		if (n > sizeof(entry) / sizeof(entry[0]))
			n = sizeof(entry) / sizeof(entry[0]);
		got = pread(fd, entry, n * sizeof(entry[0]), page * 8);
		good = got == (ssize_t)(n * sizeof(entry[0]));
		for (size_t i = 0; good && i < n; i++)
			good = !(entry[i] & swapped) &&
			       (!(entry[i] & present) || (entry[i] & file));
		page += n;
	}
	if (fd >= 0)
		close(fd);
	return good;
}

static int find_code(struct building *b)
{
	pid_t tid = b->call->tid;
	struct room room = { 0 };
	struct search s = { .ip = b->call->ip };
	int r = proc_each_map(tid, look_at, &s);

	if (r || !s.pieces)
		return r ? r : -ENOENT;
	if (!s.loader && (s.ip < s.code.start || s.ip >= s.code.end))
		return -ENOENT;
	if (s.pieces > 1)
		return -ETXTBSY;
	room.code = s.code.start;
	r = proc_each_map(tid, look_at_gap, &room);
	if (r || !room.best ||
	    distance(room.best, s.code.start) > ARCH_JUMP_REACH ||
	    distance(room.best, s.code.end) > ARCH_JUMP_REACH)
		return r ? r : -ENOMEM;
	if (!is_pristine(tid, s.code.start, s.code.end))
		return -ETXTBSY;
	b->text = s.code.start;
	b->text_end = s.code.end;
	b->offset = s.code.offset;
	b->steps = room.best;
	b->sites = sites_get(b->g->files, &s.code);
	return b->sites ? 0 : -ENOENT;
}

/* --- the guest's own calls -------------------------------------------------- */

static long guest_call(struct building *b, int nr, uint64_t a0, uint64_t a1,
		       uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
	const uint64_t arg[6] = { a0, a1, a2, a3, a4, a5 };
	long result;

	return tracee_call(&b->t, b->entry, nr, arg, &result) ? result : -ESRCH;
}

/* Return: the address, or -errno; at is where it must be, 0: anywhere */
static long guest_map(struct building *b, uint64_t at, size_t len, int prot,
		      int flags, int fd, uint64_t offset)
{
	if (at)
		flags |= MAP_FIXED_NOREPLACE;
	return guest_call(b, SYS_mmap, at, len, prot, flags, fd, offset);
}

static void guest_unmap(struct building *b, uint64_t at, size_t len)
{
	guest_call(b, SYS_munmap, at, len, 0, 0, 0, 0);
}

/* --- what is written ---------------------------------------------------------- */

static int put(int mem, uint64_t at, const void *data, size_t len)
{
	return pwrite(mem, data, len, at) == (ssize_t)len ? 0 : -EFAULT;
}

static bool in_text(const struct building *b, const struct site *site)
{
	return site->offset >= b->offset &&
	       site->offset + ARCH_JUMP_SIZE + site->gap + ARCH_INSN_SIZE <=
	       b->offset + (b->text_end - b->text);
}

/* Slots and steps first: they are used from the moment the code is. */
static int write_all(struct building *b, int mem, uint64_t copy)
{
	static_assert(GATE_SLOTS * ARCH_STEP_SIZE <= STEPS_SIZE);
	static_assert(GATE_NAMES + ARCH_NAMES_SIZE == GATE_PAGE);
	uint8_t slots[GATE_NAMES - GATE_CODE], steps[STEPS_SIZE];
	uint8_t jump[ARCH_JUMP_SIZE], names[ARCH_NAMES_SIZE];
	size_t n = 0;
	bool own;
	int r = put(mem, GATE_NAMES, names, arch_write_names(names));

	for (size_t i = 0; i < b->sites->n && n < GATE_SLOTS && !r; i++) {
		const struct site *site = &b->sites->site[i];
		uint64_t at = b->text + (site->offset - b->offset);
		uint64_t step = b->steps + n * ARCH_STEP_SIZE;
		uint64_t slot = GATE_CODE + n * ARCH_SLOT_SIZE;

		if (!in_text(b, site))
			continue;
		arch_write_slot(slots + n * ARCH_SLOT_SIZE, slot,
				GATE_PAGE + PLAIN_STATE, site->nr, at, site->gap,
				GATE_NAMES + arch_names_of(site->nr, &own));
		arch_write_step(steps + n * ARCH_STEP_SIZE, slot);
		arch_write_jump(jump, at, step);
		r = put(mem, copy + (at - b->text), jump, sizeof(jump));
		n++;
	}
	if (!r)
		r = put(mem, b->steps, steps, n * ARCH_STEP_SIZE);
	if (!r)
		r = put(mem, GATE_CODE, slots, n * ARCH_SLOT_SIZE);
	return r;
}

static int write_guest(struct building *b, uint64_t copy)
{
	char path[32];
	int mem, r;

	snprintf(path, sizeof(path), "/proc/%d/mem", b->call->tid);
	mem = open(path, O_RDWR | O_CLOEXEC);
	if (mem < 0)
		return -errno;
	r = write_all(b, mem, copy);
	close(mem);
	return r;
}

/* --- the visit ------------------------------------------------------------------ */

/* The changed copy of the code takes its place. */
static int swap_text(struct building *b)
{
	size_t len = b->text_end - b->text;
	long copy = guest_map(b, 0, len, PROT_READ | PROT_EXEC, MAP_PRIVATE,
			      b->file_fd, b->offset);
	long r;

	if (copy < 0)
		return copy;
	r = write_guest(b, copy);
	if (!r)
		r = guest_call(b, SYS_mremap, copy, len, len, MREMAP_MAYMOVE |
			       MREMAP_FIXED, b->text, 0);
	if (r >= 0)
		return 0;
	guest_unmap(b, copy, len);
	return r;
}

/* Of a gate's memory. */
struct part {
	uint64_t at;
	size_t len;
	int prot, flags, fd;
};

/* All parts of it, or none: what is in the way stays. */
static int map_gate(struct building *b)
{
	const int own = MAP_PRIVATE | MAP_ANONYMOUS;
	const struct part part[] = {
		{ GATE_CODE, GATE_CODE_SIZE, PROT_READ | PROT_EXEC, own, -1 },
		{ GATE_PAGE, PLAIN_SIZE, PROT_READ, MAP_SHARED, b->page_fd },
		{ GATE_OWN, PLAIN_OWN_SIZE, PROT_READ | PROT_WRITE, own, -1 },
		{ b->steps, STEPS_SIZE, PROT_READ | PROT_EXEC, own, -1 },
	};
	const size_t nparts = sizeof(part) / sizeof(part[0]);
	size_t n = 0;
	long r = 0;

	for (const struct part *p = part; n < nparts && r >= 0; p++) {
		r = guest_map(b, p->at, p->len, p->prot, p->flags, p->fd, 0);
		n += r >= 0;
	}
	while (r < 0 && n--)
		guest_unmap(b, part[n].at, part[n].len);
	return r < 0 ? r : 0;
}

static void close_lent(struct building *b)
{
	if (b->page_fd >= 0)
		guest_call(b, SYS_close, b->page_fd, 0, 0, 0, 0, 0);
	if (b->file_fd >= 0)
		guest_call(b, SYS_close, b->file_fd, 0, 0, 0, 0, 0);
}

static int build(struct building *b)
{
	int r = map_gate(b);

	if (r)
		return r;
	r = swap_text(b);
	if (r) {
		guest_unmap(b, GATE_CODE, GATE_SIZE);
		guest_unmap(b, b->steps, STEPS_SIZE);
	}
	return r;
}

/*
 * The thread is stopped, on its way out of the call. Whatever is done, it
 * makes its call again in the end.
 */
static void while_stopped(struct building *b, enum stop stop)
{
	struct arch_regs old = b->t.regs;
	long result = arch_result(&old, false);
	bool ours = arch_ip(&old) == b->call->ip &&
		    (result == ANSWER || result == -ERESTARTSYS);

	tracee_shield(&b->t);
	if (ours && stop == STOP_TRAP)
		build(b);
	close_lent(b);
	b->t.regs = old;
	if (ours)
		arch_rerun(&b->t.regs, b->call->nr);
	arch_set_regs(b->t.tid, &b->t.regs);
}

static int lend(struct building *b)
{
	b->page_fd = notif_lend(b->call, b->g->fd);
	if (b->page_fd < 0)
		return b->page_fd;
	b->file_fd = notif_lend(b->call, b->sites->fd);
	return 0;
}

/* Return: 0 when the call has been answered */
static int visit_and_build(struct building *b)
{
	int r = tracee_seize(&b->t, b->call->tid);
	enum stop stop;

	if (r)
		return r;
	lend(b);
	notif_send(b->call, ANSWER, 0);
	stop = tracee_wait(&b->t);
	if (stop == STOP_DEAD)
		return 0;
	while_stopped(b, stop);
	tracee_leave(&b->t);
	return 0;
}

/* Its own instruction will make our calls. */
static bool can_enter(struct building *b)
{
	uint8_t insn[ARCH_INSN_SIZE];

	b->entry = b->call->ip - ARCH_INSN_SIZE;
	return !guest_read(b->call, b->entry, insn, sizeof(insn)) &&
	       arch_is_entry(insn, false);
}

static bool has_gate(const struct call *call)
{
	char there[sizeof(magic)];

	return !guest_read(call, GATE_PAGE, there, sizeof(there)) &&
	       !memcmp(there, magic, sizeof(magic));
}

int gate_opened(pid_t pid, struct plain_own *own)
{
	const struct call of = { .tid = pid };

	if (!has_gate(&of))
		return -ENOENT;
	return guest_read(&of, GATE_OWN, own, sizeof(*own));
}

int gate_own(const struct call *call)
{
	static const uint64_t own = 1;
	char path[32];
	int mem, r;

	if (!has_gate(call))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/mem", call->tid);
	mem = open(path, O_RDWR | O_CLOEXEC);
	if (mem < 0)
		return -errno;
	r = put(mem, GATE_NAMES, &own, sizeof(own));
	close(mem);
	return r;
}

int gate_build(struct gate *g, const struct call *call)
{
	struct building b = { .g = g, .call = call,
			      .page_fd = -1, .file_fd = -1 };
	int r;

	if (has_gate(call))
		return -EEXIST;
	if (!proc_is_alone(call->tid) || proc_tracer(call->tid) ||
	    engine_filters_itself(call) || !can_enter(&b))
		return -EBUSY;
	r = find_code(&b);
	if (!r)
		r = visit_and_build(&b);
	sites_put(b.sites);
	return r;
}
