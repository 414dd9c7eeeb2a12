/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that the kernel refuses, or has done, before it looks at their
 * names: flags that do not exist or contradict each other, times that
 * cannot be read, rights that the caller has not. They are left to it: it
 * says what is wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/memory.h"
#include "lib/procfd.h"
#include "sys/handlers.h"
#include "sys/operand.h"

#define PATH_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define TMPFILE (O_TMPFILE & ~O_DIRECTORY)
#define QUOTAS 3		/* kinds: of users, groups, projects */
#define SWAP_FLAGS 0x7ffffu	/* a priority, and how to discard */
#define HOW_MAX 4096		/* the kernel takes one page */

static bool unknown_bits(const struct request *rq, const struct operand *op)
{
	return op->known && (uint32_t)rq->call->arg[(int)op->flags] & ~op->known;
}

/* --- openat2 --- */

/* A struct open_how of tomorrow: what we do not know must be 0. */
static bool longer_how(struct request *rq)
{
	uint64_t addr = rq->call->arg[2], size = rq->call->arg[3];
	char more[HOW_MAX];
	size_t n = size - sizeof(struct open_how);

	if (size <= sizeof(struct open_how))
		return false;
	if (size > HOW_MAX)
		return true;
	rq->unseen = guest_read(rq->call, addr + sizeof(struct open_how), more,
				n);
	if (rq->unseen)
		return true;
	while (n--)
		if (more[n])
			return true;
	return false;
}

static bool bad_how(struct request *rq, const struct open_how *how)
{
	const uint64_t inside = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
	bool creates = how->flags & (O_CREAT | TMPFILE);

	return rq->call->arg[3] < sizeof(*how) || longer_how(rq) ||
	       (how->flags & ~(uint64_t)OPEN_FLAGS) ||
	       (how->flags & O_PATH && how->flags & ~(uint64_t)PATH_FLAGS) ||
	       (how->resolve & ~(uint64_t)0x3f) ||
	       (how->resolve & inside) == inside ||
	       (how->mode & ~(uint64_t)07777) || (how->mode && !creates);
}

/* --- the whole family of open --- */

static pthread_once_t asked = PTHREAD_ONCE_INIT;
static bool no_new_directories;

/* Before Linux 6.4 an existing directory was found first. */
static void ask_kernel(void)
{
	no_new_directories = openat(AT_FDCWD, "/", O_CREAT | O_DIRECTORY |
				    O_CLOEXEC, 0) < 0 && errno == EINVAL;
}

static bool bad_open(struct request *rq)
{
	struct open_how how;
	bool writes;

	if (operand_open_how(rq, &how))
		return true;
	if (rq->row->op[0].mode == OPERAND_OPEN_HOW && bad_how(rq, &how))
		return true;
	if (how.flags & O_PATH)
		return false;
	writes = (how.flags & O_ACCMODE) != O_RDONLY;
	if (how.flags & TMPFILE)
		return !writes || !(how.flags & O_DIRECTORY) ||
		       (how.flags & O_CREAT);
	pthread_once(&asked, ask_kernel);
	return no_new_directories && (how.flags & O_DIRECTORY) &&
	       (how.flags & O_CREAT);
}

/* --- times, sizes --- */

/* The part of a second in each of the two times, in any of their layouts. */
static int read_fractions(const struct request *rq, uint64_t addr, long part[2])
{
	bool compat = rq->call->abi == ABI_COMPAT;
	int32_t narrow[4];
	int64_t wide[4];
	int err;

	if (compat && strcmp(rq->row->name, "utimensat_time64")) {
		err = guest_read(rq->call, addr, narrow, sizeof(narrow));
		for (int i = 0; i < 2 && !err; i++)
			part[i] = narrow[2 * i + 1];
		return err;
	}
	err = guest_read(rq->call, addr, wide, sizeof(wide));
	for (int i = 0; i < 2 && !err; i++)
		part[i] = compat ? (uint32_t)wide[2 * i + 1] : wide[2 * i + 1];
	return err;
}

/* No name, hence the descriptor itself: that takes no flags. */
static bool flags_of_nothing(const struct request *rq)
{
	const struct operand *op = &rq->row->op[0];

	return op->flags >= 0 && !rq->call->arg[(int)op->path] &&
	       (int)rq->call->arg[(int)op->dirfd] != AT_FDCWD &&
	       (int)rq->call->arg[(int)op->flags];
}

/* Times that cannot be, or none at all: that succeeds for any name. */
static bool times_decide(struct request *rq)
{
	uint64_t addr = rq->call->arg[rq->row->op[0].path + 1];
	bool nano = !strncmp(rq->row->name, "utimensat", 9);
	long part[2];

	if (!addr || !strcmp(rq->row->name, "utime"))
		return false;
	rq->unseen = read_fractions(rq, addr, part);
	if (rq->unseen)
		return true;
	if (nano)
		return part[0] == UTIME_OMIT && part[1] == UTIME_OMIT;
	return part[0] < 0 || part[0] >= 1000000 || part[1] < 0 ||
	       part[1] >= 1000000;
}

int64_t operand_length(const struct request *rq)
{
	const uint64_t *arg = rq->call->arg;

	if (rq->call->abi == ABI_NATIVE)
		return arg[1];
	return strcmp(rq->row->name, "truncate64") ? (int32_t)arg[1]
						   : (int64_t)(arg[2] << 32 | arg[1]);
}

/* --- others --- */

static bool contradicts(uint64_t flags, uint64_t one, uint64_t other)
{
	return (flags & one) && (flags & other);
}

static bool bad_rename(const struct request *rq)
{
	return !strcmp(rq->row->name, "renameat2") &&
	       contradicts(rq->call->arg[4], RENAME_EXCHANGE,
			   RENAME_NOREPLACE | RENAME_WHITEOUT);
}

static bool may(struct request *rq, int cap)
{
	return !request_ids(rq) && rq->ids.cap_effective & (1ull << cap);
}

/* Is the descriptor an inotify or fanotify one, as far as one can see? */
static bool is_watcher(const struct request *rq)
{
	char text[16];

	return procfd_readlink(rq->call->tid, (int)rq->call->arg[0], text,
			       sizeof(text)) > 11 &&
	       !strncmp(text, "anon_inode:", 11);
}

/* Calls of the caller's own that fail for another reason than the name. */
static bool refused_anyway(struct request *rq)
{
	const char *name = rq->row->name;

	if (!strcmp(name, "swapon") || !strcmp(name, "swapoff"))
		return !may(rq, CAP_SYS_ADMIN) ||
		       (name[5] == 'n' && (uint32_t)rq->call->arg[1] & ~SWAP_FLAGS);
	if (!strcmp(name, "acct"))
		return !may(rq, CAP_SYS_PACCT);
	if (!strcmp(name, "pivot_root"))
		return !may(rq, CAP_SYS_ADMIN);
	if (!strcmp(name, "quotactl"))
		return (rq->call->arg[0] & SUBCMDMASK) >= QUOTAS;
	if (!strcmp(name, "fanotify_mark") ||
	    !strcmp(name, "inotify_add_watch"))
		return !is_watcher(rq);
	return false;
}

bool call_malformed(struct request *rq)
{
	const struct row *row = rq->row;

	if (unknown_bits(rq, &row->op[0]) || unknown_bits(rq, &row->op[1]))
		return true;
	if (row->handle == call_open)
		return bad_open(rq);
	if (row->handle == call_truncate)
		return operand_length(rq) < 0;
	if (row->handle == call_utime)
		return times_decide(rq) || flags_of_nothing(rq);
	if (row->handle == call_rename)
		return bad_rename(rq);
	if (row->handle == call_by_real_name || row->handle == call_watch)
		return refused_anyway(rq);
	return row->handle == call_statx &&
	       (rq->call->arg[2] & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE;
}
