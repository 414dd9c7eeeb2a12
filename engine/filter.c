/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filter: rows compiled to classic BPF.
 *
 * Shape of the program:
 *
 *	arch native?	-> search among the native segments
 *	arch compat?	-> search among the compat segments
 *	anything else	-> ENOSYS
 *
 * The numbers are cut into segments, maximal runs with one answer, and a
 * balanced tree of JGE finds the segment. Nothing but nr and arch is loaded
 * before a call without conditions is answered, so the kernel's emulator
 * (seccomp_is_const_allow) can prove those calls allowed and put them into
 * its bitmap: they never run the program at all.
 *
 * A compat table without rows answers ENOSYS to everything: a call through
 * a foreign ABI must never slip past the table. The same goes for x32.
 * Number -1 is let through in every table: no such call exists (ENOSYS
 * natively too), but a tracer that skips a call puts -1 there together with
 * a result of its own, which an ERRNO of ours would overwrite.
 *
 * The code is laid down backwards, from the last instruction to the first.
 * BPF jumps only forward, so every target already exists when a jump to it
 * is written, and its distance is known: a conditional jump (8 bits) that
 * would reach too far gets a JA (32 bits) put in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/arch.h"
#include "engine/filter.h"
#include "engine/gate.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* Longest conditional jump we write: room for the JA of the other branch. */
#define REACH 250

enum answer {
	ANSWER_ALLOW, ANSWER_NOTIFY, ANSWER_ENOSYS,
	ANSWER_GATED,		/* ALLOW from within the gate, else NOTIFY */
	ANSWER_COUNT
};

static const uint32_t answer_code[ANSWER_COUNT] = {
	[ANSWER_ALLOW] = SECCOMP_RET_ALLOW,
	[ANSWER_NOTIFY] = SECCOMP_RET_USER_NOTIF,
	[ANSWER_ENOSYS] = SECCOMP_RET_ERRNO | ENOSYS,
};

/* A run of numbers, up to the next segment's start, with one answer. */
struct segment {
	uint32_t start;
	enum answer answer;
	const struct filter_row *row;	/* its conditions; NULL: none */
};

/* Positions count from the end of the program: 0 is its last instruction. */
struct code {
	struct sock_filter insn[BPF_MAXINSNS];
	size_t n;
	bool full;
	size_t ret[ANSWER_COUNT];	/* newest RET of each kind, plus 1 */
};

static size_t put(struct code *c, struct sock_filter insn)
{
	if (c->n == BPF_MAXINSNS) {
		c->full = true;
		return 0;
	}
	c->insn[c->n] = insn;
	return c->n++;
}

/* A position within reach of the next instruction that leads to target. */
static size_t near(struct code *c, size_t target)
{
	if (c->n - target <= REACH)
		return target;
	return put(c, (struct sock_filter)
		   BPF_STMT(BPF_JMP | BPF_JA, c->n - target - 1));
}

static size_t branch(struct code *c, unsigned test, uint32_t k,
		     size_t yes, size_t no)
{
	yes = near(c, yes);
	no = near(c, no);
	return put(c, (struct sock_filter)
		   BPF_JUMP(BPF_JMP | test | BPF_K, k,
			    c->n - yes - 1, c->n - no - 1));
}

static size_t load(struct code *c, size_t offset)
{
	return put(c, (struct sock_filter)
		   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static size_t answer(struct code *c, enum answer a);

/*
 * Where is the call made from? The kernel tells the address after the
 * instruction; the gate never crosses a boundary of 4 GiB.
 */
static size_t emit_gated(struct code *c)
{
	size_t allow = answer(c, ANSWER_ALLOW);
	size_t notify = answer(c, ANSWER_NOTIFY);
	size_t at = offsetof(struct seccomp_data, instruction_pointer);
	size_t below_end, low;

	below_end = branch(c, BPF_JGE, (uint32_t)GATE_CODE_END, notify, allow);
	branch(c, BPF_JGE, (uint32_t)GATE_CODE, below_end, notify);
	low = load(c, at + ARCH_ARG_LOW);
	branch(c, BPF_JEQ, GATE_CODE >> 32, low, notify);
	return load(c, at + ARCH_ARG_HIGH);
}

/*
 * A RET takes one instruction, as a JA to a far one would; the gate's test
 * takes more, and is there once.
 */
static size_t answer(struct code *c, enum answer a)
{
	if (a == ANSWER_GATED) {
		if (!c->ret[a])
			c->ret[a] = 1 + emit_gated(c);
		return c->ret[a] - 1;
	}
	if (c->ret[a] && c->n - (c->ret[a] - 1) <= REACH)
		return c->ret[a] - 1;
	c->ret[a] = 1 + put(c, (struct sock_filter)
			    BPF_STMT(BPF_RET | BPF_K, answer_code[a]));
	return c->ret[a] - 1;
}

static size_t arg_offset(const struct when *w, size_t half)
{
	return offsetof(struct seccomp_data, args) + 8 * w->arg + half;
}

/*
 * (arg & mask) == value. What stands before branch() must be the next
 * instruction down, so every test is written directly above its branch.
 */
static size_t emit_equal(struct code *c, const struct when *w,
			 size_t yes, size_t no)
{
	branch(c, BPF_JEQ, w->value, yes, no);
	if (w->mask != UINT32_MAX)
		put(c, (struct sock_filter)
		    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, w->mask));
	return load(c, arg_offset(w, ARCH_ARG_LOW));
}

static size_t emit_nonzero(struct code *c, const struct when *w,
			   size_t yes, size_t no)
{
	size_t high;

	branch(c, BPF_JEQ, 0, no, yes);
	high = load(c, arg_offset(w, ARCH_ARG_HIGH));
	branch(c, BPF_JEQ, 0, high, yes);
	return load(c, arg_offset(w, ARCH_ARG_LOW));
}

static size_t emit_between(struct code *c, const struct when *w,
			   size_t yes, size_t no)
{
	size_t upper = branch(c, BPF_JGT, w->value, no, yes);

	branch(c, BPF_JGE, w->mask, upper, no);
	return load(c, arg_offset(w, ARCH_ARG_LOW));
}

static size_t emit_when(struct code *c, const struct when *w,
			size_t yes, size_t no)
{
	switch (w->op) {
	case WHEN_BITS:
		branch(c, BPF_JSET, w->mask, yes, no);
		return load(c, arg_offset(w, ARCH_ARG_LOW));
	case WHEN_EQUAL:
		return emit_equal(c, w, yes, no);
	case WHEN_DIFFERS:
		return emit_equal(c, w, no, yes);
	case WHEN_NONZERO:
		return emit_nonzero(c, w, yes, no);
	case WHEN_BETWEEN:
		return emit_between(c, w, yes, no);
	case WHEN_ALWAYS:
		break;
	}
	return yes;
}

static size_t emit_segment(struct code *c, const struct segment *s)
{
	size_t i, next, yes;

	if (!s->row || !s->row->nwhen)
		return answer(c, s->answer);
	yes = answer(c, s->answer);
	next = answer(c, ANSWER_ALLOW);
	for (i = s->row->nwhen; i-- > 0;)
		next = emit_when(c, &s->row->when[i], yes, next);
	return next;
}

/* Search segments s[0..n), given that nr is not below the first. */
static size_t emit_search(struct code *c, const struct segment *s, size_t n)
{
	size_t low, high;

	if (n == 1)
		return emit_segment(c, s);
	high = emit_search(c, s + n / 2, n - n / 2);
	low = emit_search(c, s, n / 2);
	return branch(c, BPF_JGE, s[n / 2].start, high, low);
}

struct segments {
	struct segment *seg;
	size_t n;
};

static void add_segment(struct segments *list, uint32_t start, enum answer a,
			const struct filter_row *row)
{
	struct segment *last = list->n ? &list->seg[list->n - 1] : NULL;

	if (row && (!row->when || !row->nwhen))
		row = NULL;
	if (last && last->start == start)
		list->n--;
	else if (last && last->answer == a && !last->row && !row)
		return;
	list->seg[list->n++] = (struct segment){ start, a, row };
}

static enum answer answer_of(const struct filter_row *row, enum abi abi)
{
	if (row->action != FILTER_NOTIFY)
		return ANSWER_ENOSYS;
	return row->gated && !row->nwhen && abi == ABI_NATIVE ?
	       ANSWER_GATED : ANSWER_NOTIFY;
}

static void cut_segments(struct segments *list, const struct filter_spec *spec,
			 enum abi abi)
{
	const struct filter_row *row = spec->row[abi];
	bool none = abi == ABI_COMPAT && !spec->nrow[abi];
	size_t i;

	add_segment(list, 0, none ? ANSWER_ENOSYS : ANSWER_ALLOW, NULL);
	for (i = 0; i < spec->nrow[abi]; i++) {
		add_segment(list, row[i].nr, answer_of(&row[i], abi), &row[i]);
		add_segment(list, row[i].nr + 1u, ANSWER_ALLOW, NULL);
	}
	if (abi == ABI_NATIVE && ARCH_NR_ALIEN)
		add_segment(list, ARCH_NR_ALIEN, ANSWER_ENOSYS, NULL);
	add_segment(list, UINT32_MAX, ANSWER_ALLOW, NULL);
}

static int emit_table(struct code *c, const struct filter_spec *spec,
		      enum abi abi, size_t *entry)
{
	struct segments list = { 0 };
	size_t root;

	list.seg = calloc(2 * spec->nrow[abi] + 3, sizeof(*list.seg));
	if (!list.seg)
		return -ENOMEM;
	cut_segments(&list, spec, abi);
	root = emit_search(c, list.seg, list.n);
	if (root != c->n - 1)
		put(c, (struct sock_filter)
		    BPF_STMT(BPF_JMP | BPF_JA, c->n - root - 1));
	*entry = load(c, offsetof(struct seccomp_data, nr));
	free(list.seg);
	return 0;
}

static bool rows_valid(const struct filter_spec *spec)
{
	size_t abi, i;

	for (abi = 0; abi < 2; abi++) {
		for (i = 0; i < spec->nrow[abi]; i++) {
			int nr = spec->row[abi][i].nr;

			if (nr < 0 || (i && spec->row[abi][i - 1].nr >= nr))
				return false;
			if (ARCH_NR_ALIEN && (unsigned)nr >= ARCH_NR_ALIEN)
				return false;
		}
	}
	return true;
}

static int emit_all(struct code *c, const struct filter_spec *spec)
{
	size_t native, compat, other;
	int r;

	r = emit_table(c, spec, ABI_COMPAT, &compat);
	if (!r)
		r = emit_table(c, spec, ABI_NATIVE, &native);
	if (r)
		return r;
	other = answer(c, ANSWER_ENOSYS);
	if (ARCH_AUDIT_COMPAT)
		other = branch(c, BPF_JEQ, ARCH_AUDIT_COMPAT, compat, other);
	branch(c, BPF_JEQ, ARCH_AUDIT_NATIVE, native, other);
	load(c, offsetof(struct seccomp_data, arch));
	return c->full ? -E2BIG : 0;
}

int filter_compile(const struct filter_spec *spec, struct sock_filter **prog)
{
	struct sock_filter *out;
	struct code *c;
	size_t i;
	int r = -ENOMEM;

	if (!rows_valid(spec))
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	r = emit_all(c, spec);
	if (r)
		goto out;
	r = -ENOMEM;
	out = calloc(c->n, sizeof(*out));
	if (!out)
		goto out;
	for (i = 0; i < c->n; i++)
		out[i] = c->insn[c->n - 1 - i];
	*prog = out;
	r = c->n;
out:
	free(c);
	return r;
}

static int install(const struct sock_fprog *prog, unsigned long flags)
{
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);

	return fd < 0 ? -errno : fd;
}

/*
 * SPEC_ALLOW: before 5.16 a filter switched speculation mitigations on for
 * its process, which slows it down; a view is no jail, so it need not.
 * WAIT_KILLABLE_RECV is left out where the kernel (before 5.19) lacks it.
 */
static int install_best(const struct sock_fprog *prog)
{
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
			      SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	int fd = install(prog, flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);

	return fd == -EINVAL ? install(prog, flags) : fd;
}

int filter_install(const struct filter_spec *spec)
{
	struct sock_fprog prog = { 0 };
	int n, fd;

	n = filter_compile(spec, &prog.filter);
	if (n < 0)
		return n;
	prog.len = n;
	fd = install_best(&prog);
	if (fd == -EACCES && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		fd = install_best(&prog);
	free(prog.filter);
	return fd;
}
