/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an executed program is told of its own name.
 *
 * The kernel takes two things from the name that it was given: AT_EXECFN,
 * a string at the top of the new stack, which is overwritten in place, and
 * comm, the last part of it. comm can only be changed by the process, so
 * the thread makes one more call before its first instruction: prctl, by
 * the instruction that the vDSO has for its own fallbacks. Not a guest that
 * has filters of its own, which might kill it for that, and no 32-bit one:
 * its vDSO has no instruction that could be returned from so simply.
 */
#include <elf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "engine/engine_internal.h"
#include "engine/memory.h"
#include "engine/proc.h"
#include "engine/tracee.h"
#include "lib/proc.h"

#define PAGE		4096u
#define VDSO_PAGES	4
#define COMM_MAX	15

/* A value of the auxiliary vector, 0 when it is not there. */
static uint64_t aux_value(const char *auxv, size_t len, size_t word,
			  uint64_t key)
{
	size_t i;

	for (i = 0; i + 2 * word <= len; i += 2 * word) {
		uint64_t pair[2] = { 0, 0 };

		memcpy(&pair[0], auxv + i, word);	/* little endian */
		memcpy(&pair[1], auxv + i + word, word);
		if (pair[0] == key)
			return pair[1];
	}
	return 0;
}

static const char *base(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

/* An instruction that enters the kernel. Return: its address or 0 */
static uint64_t find_entry(const struct call *who, uint64_t vdso)
{
	static _Atomic size_t known;	/* all have the same vDSO */
	uint8_t page[PAGE];
	size_t at = known;

	if (at && !guest_read(who, vdso + at, page, ARCH_INSN_SIZE) &&
	    arch_is_entry(page, false))
		return vdso + at;
	for (unsigned i = 0; i < VDSO_PAGES; i++) {
		if (guest_read(who, vdso + i * PAGE, page, PAGE))
			return 0;
		for (at = 0; at + ARCH_INSN_SIZE <= PAGE; at++) {
			if (!arch_is_entry(page + at, false))
				continue;
			known = i * PAGE + at;
			return vdso + known;
		}
	}
	return 0;
}

/* Before anything else of the new program, in which no handler is set. */
static void set_comm(struct tracee *t, uint64_t entry, uint64_t name)
{
	const uint64_t arg[6] = { PR_SET_NAME, name };
	struct arch_regs first = t->regs;
	long result;

	tracee_shield(t);
	tracee_call(t, entry, SYS_prctl, arg, &result);
	arch_set_regs(t->tid, &first);
	tracee_unshield(t);
}

/* Return: false when there is no room for it, or nothing to be written. */
static bool set_name(const struct call *who, uint64_t fn, const char *name,
		     char old[PATH_MAX])
{
	ssize_t n = fn ? guest_read_string(who, fn, old, PATH_MAX) : -1;

	return n >= (ssize_t)strlen(name) &&
	       !guest_write(who, fn, name, strlen(name) + 1);
}

static void set_names(struct tracee *t, const char *name, const char *auxv,
		      size_t len)
{
	bool compat = arch_is_compat(&t->regs);
	const struct call who = { .tid = t->tid };
	size_t word = compat ? 4 : 8;
	uint64_t fn = aux_value(auxv, len, word, AT_EXECFN);
	uint64_t vdso = aux_value(auxv, len, word, AT_SYSINFO_EHDR);
	char old[PATH_MAX];
	uint64_t entry;

	if (!set_name(&who, fn, name, old))
		return;
	if (compat || !vdso || !strncmp(base(old), base(name), COMM_MAX))
		return;
	entry = find_entry(&who, vdso);
	if (entry)
		set_comm(t, entry, fn + (base(name) - name));
}

static ssize_t read_auxv(pid_t tid, char **auxv)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/auxv", tid);
	return proc_read(path, auxv);
}

void title_late(const struct call *call, const struct rewrite *rw)
{
	const char *name, *kernels = rewrite_passing(rw);
	char *auxv, old[PATH_MAX];
	ssize_t n = read_auxv(call->tid, &auxv);
	uint64_t fn;

	if (n < 0)
		return;
	fn = aux_value(auxv, n, sizeof(fn), AT_EXECFN);
	free(auxv);
	n = fn ? guest_read_string(call, fn, old, sizeof(old)) : -1;
	if (n > 0 && !strcmp(old, kernels) && rewrite_executes(rw, &name))
		guest_write(call, fn, name, strlen(name) + 1);
}

void tracee_title(struct tracee *t, const char *name, int filters)
{
	char *auxv;
	ssize_t n = read_auxv(t->tid, &auxv);

	if (n < 0)
		return;
	if (proc_filters(t->tid) == filters)
		set_names(t, name, auxv, n);
	free(auxv);
}
