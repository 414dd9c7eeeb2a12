/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rewritten call while it is being put together, and its block in the
 * guest's memory.
 *
 * All strings and arrays are collected in one block whose address is not
 * known yet. What points into the block (arguments, words of arrays) is
 * kept as an offset, and becomes an address in rewrite_place(), when the
 * visit has seen the thread's stack pointer.
 *
 * The block goes below the red zone, where only signal handlers write. Its
 * pages must be the stack's: a thread's stack may be small, and what lies
 * below its guard page is somebody else's. So every page from the stack
 * pointer down to the block's start must be readable before any is
 * written, because a guard page is not. The main thread's stack, which the
 * kernel grows on demand, may end above the block; it is grown by writing
 * page after page downwards through /proc/TID/mem, where the kernel itself
 * keeps the distance to the next mapping and the limit.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/arch.h"
#include "engine/engine_internal.h"
#include "engine/memory.h"
#include "engine/proc.h"

#define PAGE		4096u
#define BLOCK_MAX	(8u << 20)
#define NO_OFFSET	SIZE_MAX

/* A word of the block that will hold the address of another part of it. */
struct reloc {
	size_t where, target;
};

struct rewrite {
	enum abi abi;
	int nr;
	uint64_t arg[6];
	size_t offset[6];	/* of what an argument points to, or NO_OFFSET */
	unsigned char *block;
	size_t len, room;
	struct reloc *reloc;
	size_t nreloc, reloc_room;
	bool executes;
	char *program;		/* name of what is executed, or NULL */
	char *kernels;		/* in passing: its name in the arguments */
	uint64_t base;		/* the block's address, once placed */
	uint64_t sp;
};

struct rewrite *rewrite_new(const struct call *call)
{
	struct rewrite *rw = calloc(1, sizeof(*rw));
	size_t i;

	if (!rw)
		return NULL;
	rw->abi = call->abi;
	rw->nr = call->nr;
	for (i = 0; i < 6; i++) {
		rw->arg[i] = call->arg[i];
		rw->offset[i] = NO_OFFSET;
	}
	return rw;
}

void rewrite_free(struct rewrite *rw)
{
	if (!rw)
		return;
	free(rw->block);
	free(rw->reloc);
	free(rw->program);
	free(rw->kernels);
	free(rw);
}

void rewrite_nr(struct rewrite *rw, int nr)
{
	rw->nr = nr;
}

void rewrite_arg(struct rewrite *rw, unsigned arg, uint64_t value)
{
	rw->arg[arg] = value;
	rw->offset[arg] = NO_OFFSET;
}

/* Room at the block's end, zeroed. Return: its offset, or NO_OFFSET. */
static size_t append(struct rewrite *rw, size_t len, size_t align)
{
	size_t at = (rw->len + align - 1) & ~(align - 1);
	unsigned char *more;

	if (len > BLOCK_MAX || at + len > BLOCK_MAX)
		return NO_OFFSET;
	if (at + len > rw->room) {
		size_t room = 2 * (at + len);

		more = realloc(rw->block, room);
		if (!more)
			return NO_OFFSET;
		rw->block = more;
		rw->room = room;
	}
	if (at + len > rw->len)
		memset(rw->block + rw->len, 0, at + len - rw->len);
	rw->len = at + len;
	return at;
}

static size_t append_bytes(struct rewrite *rw, const void *data, size_t len)
{
	size_t at = append(rw, len, 8);

	if (at != NO_OFFSET && len)
		memcpy(rw->block + at, data, len);
	return at;
}

int rewrite_bytes(struct rewrite *rw, unsigned arg, const void *data, size_t len)
{
	size_t at = append_bytes(rw, data, len);

	if (at == NO_OFFSET)
		return -ENOMEM;
	rw->offset[arg] = at;
	return 0;
}

int rewrite_string(struct rewrite *rw, unsigned arg, const char *s)
{
	return rewrite_bytes(rw, arg, s, strlen(s) + 1);
}

static size_t word_size(const struct rewrite *rw)
{
	return rw->abi == ABI_COMPAT ? 4 : 8;
}

/* Little endian: a 4-byte word is the low half of an 8-byte one. */
static void put_word(struct rewrite *rw, size_t where, uint64_t value)
{
	memcpy(rw->block + where, &value, word_size(rw));
}

static int add_reloc(struct rewrite *rw, size_t where, size_t target)
{
	struct reloc *more;

	if (rw->nreloc == rw->reloc_room) {
		size_t room = rw->reloc_room ? 2 * rw->reloc_room : 8;

		more = reallocarray(rw->reloc, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		rw->reloc = more;
		rw->reloc_room = room;
	}
	rw->reloc[rw->nreloc++] = (struct reloc){ where, target };
	return 0;
}

int rewrite_inner(struct rewrite *rw, unsigned arg, size_t where,
		  const void *data, size_t len)
{
	size_t at = append_bytes(rw, data, len);

	if (at == NO_OFFSET)
		return -ENOMEM;
	return add_reloc(rw, rw->offset[arg] + where, at);
}

static int set_word(struct rewrite *rw, size_t where,
		    const struct rewrite_word *word)
{
	size_t at;

	if (!word->string) {
		put_word(rw, where, word->pointer);
		return 0;
	}
	at = append_bytes(rw, word->string, strlen(word->string) + 1);
	if (at == NO_OFFSET)
		return -ENOMEM;
	return add_reloc(rw, where, at);
}

int rewrite_words(struct rewrite *rw, unsigned arg,
		  const struct rewrite_word *word, size_t n)
{
	size_t i, size = word_size(rw), array;
	int r;

	if (n >= BLOCK_MAX / size)
		return -ENOMEM;
	array = append(rw, (n + 1) * size, 8);
	if (array == NO_OFFSET)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		r = set_word(rw, array + i * size, &word[i]);
		if (r)
			return r;
	}
	rw->offset[arg] = array;
	return 0;
}

int rewrite_gather(struct rewrite *rw, const struct call *call, unsigned arg,
		   unsigned n)
{
	size_t i, size = word_size(rw), array = append(rw, n * size, 8);
	int r = array == NO_OFFSET ? -ENOMEM : 0;

	for (i = 0; i < n && !r; i++)
		if (rw->offset[i] == NO_OFFSET)
			put_word(rw, array + i * size, rw->arg[i]);
		else
			r = add_reloc(rw, array + i * size, rw->offset[i]);
	rw->nr = call->nr;
	for (i = 0; i < 6; i++)
		rewrite_arg(rw, i, call->arg[i]);
	rw->offset[arg] = array;
	return r;
}

int rewrite_program(struct rewrite *rw, const char *name)
{
	rw->executes = true;
	rw->program = name ? strdup(name) : NULL;
	return name && !rw->program ? -ENOMEM : 0;
}

int rewrite_in_passing(struct rewrite *rw, const char *kernels)
{
	rw->kernels = strdup(kernels);
	return rw->kernels ? 0 : -ENOMEM;
}

const char *rewrite_passing(const struct rewrite *rw)
{
	return rw->kernels;
}

bool rewrite_executes(const struct rewrite *rw, const char **name)
{
	*name = rw->program;
	return rw->executes;
}

int rewrite_place(struct rewrite *rw, uint64_t sp)
{
	size_t i;

	if (sp < rw->len + ARCH_RED_ZONE + ARCH_STACK_ALIGN)
		return -ENOMEM;
	if (rw->abi == ABI_COMPAT && rw->len && sp > UINT32_MAX)
		return -EOVERFLOW;
	rw->sp = sp;
	rw->base = (sp - ARCH_RED_ZONE - rw->len) &
		   ~(uint64_t)(ARCH_STACK_ALIGN - 1);
	for (i = 0; i < 6; i++)
		if (rw->offset[i] != NO_OFFSET)
			rw->arg[i] = rw->base + rw->offset[i];
	for (i = 0; i < rw->nreloc; i++)
		put_word(rw, rw->reloc[i].where,
			 rw->base + rw->reloc[i].target);
	return 0;
}

/* Is there stack without a gap from sp down to the block? */
static int stack_readable(const struct rewrite *rw, const struct call *call)
{
	uint64_t page = rw->sp & ~(uint64_t)(PAGE - 1);
	char byte;
	int r;

	for (;;) {
		r = guest_read(call, page > rw->base ? page : rw->base,
			       &byte, 1);
		if (r || page <= rw->base)
			return r;
		page -= PAGE;
	}
}

/* Write through fd from the block's last page down to its first. */
static int write_downwards(const struct rewrite *rw, int fd)
{
	uint64_t end = rw->base + rw->len;

	while (end > rw->base) {
		uint64_t start = (end - 1) & ~(uint64_t)(PAGE - 1);
		ssize_t len;

		if (start < rw->base)
			start = rw->base;
		len = end - start;
		if (pwrite(fd, rw->block + (start - rw->base), len,
			   start) != len)
			return -ENOMEM;
		end = start;
	}
	return 0;
}

static int grow_stack(const struct rewrite *rw, const struct call *call)
{
	struct proc_map map;
	char path[32];
	int fd, r;

	r = proc_map(call->tid, rw->sp, &map);
	if (r)
		return r;
	if (!map.stack)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/mem", call->tid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -ENOMEM;
	r = write_downwards(rw, fd);
	close(fd);
	return r;
}

int rewrite_write(const struct rewrite *rw, const struct call *call)
{
	/* While it is visited the thread waits in no call to be checked. */
	const struct call anyhow = { .tid = call->tid };
	int r;

	if (!rw->len)
		return 0;
	r = stack_readable(rw, call);
	if (!r)
		r = guest_write(&anyhow, rw->base, rw->block, rw->len);
	if (r == -EFAULT)
		r = grow_stack(rw, call);
	return r;
}

static uint64_t add_to_sum(uint64_t sum, const unsigned char *p, size_t n)
{
	while (n--)
		sum = (sum ^ *p++) * 1099511628211u;
	return sum;
}

void rewrite_seal(const struct rewrite *rw, struct block_seal *seal)
{
	*seal = (struct block_seal){
		rw->base, add_to_sum(0, rw->block, rw->len), rw->len
	};
}

bool seal_intact(const struct block_seal *seal, const struct call *call)
{
	unsigned char buf[PAGE];
	uint64_t at = seal->base, end = at + seal->len, sum = 0;

	while (at < end) {
		size_t n = PAGE - at % PAGE;

		if (n > end - at)
			n = end - at;
		if (guest_read(call, at, buf, n))
			return false;
		sum = add_to_sum(sum, buf, n);
		at += n;
	}
	return sum == seal->sum;
}

int rewrite_final(const struct rewrite *rw, const uint64_t **arg)
{
	*arg = rw->arg;
	return rw->nr;
}
