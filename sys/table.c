/* SPDX-License-Identifier: GPL-2.0-or-later */
/* calls.tab turned into rows, an index by number, and the filter's rows. */
#include "sys/table.h"

#include <fcntl.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "arch/numbers.h"
#include "include/vu/msocket.h"
#include "sys/handlers.h"

#define NONE (-1)
#define NR_MAX 512		/* above the newest call of either table */

/* --- when a row is notified --- */

static const struct when when_sendto[] = { { WHEN_NONZERO, 4, 0, 0 } };

/*
 * Block devices, disk geometry, network devices, FUSE; tun (T 200...); and
 * what changes a file through a descriptor that cannot write (see
 * call_ioctl()).
 */
static const struct when when_ioctl[] = {
	{ WHEN_EQUAL, 1, 0xff00, 0x1200 },
	{ WHEN_EQUAL, 1, 0xff00, 0x0300 },
	{ WHEN_EQUAL, 1, 0xff00, 0x8900 },
	{ WHEN_EQUAL, 1, 0xff00, 0xe500 },
	{ WHEN_EQUAL, 1, 0xffc0, 0x54c0 },
	{ WHEN_EQUAL, 1, 0xff00, 0x6600 },
	{ WHEN_EQUAL, 1, 0xffff, 0x5820 },
	{ WHEN_EQUAL, 1, 0xffff, 0x7602 },
	{ WHEN_EQUAL, 1, 0xffff, 0x7211 },
	{ WHEN_EQUAL, 1, 0xffff, 0x9401 },
	{ WHEN_EQUAL, 1, 0xfffe, 0x940e },
	{ WHEN_EQUAL, 1, 0xffff, 0x9417 },
	{ WHEN_EQUAL, 1, 0xffff, 0x9418 },
	{ WHEN_EQUAL, 1, 0xffff, 0x941a },
	{ WHEN_EQUAL, 1, 0xffff, 0x9425 },
	{ WHEN_EQUAL, 1, 0xffff, 0x943f },
};

/* The clocks that all processes share; not those of one process (2, 3). */
static const struct when when_clock[] = {
	{ WHEN_BETWEEN, 0, 0, 1 },
	{ WHEN_BETWEEN, 0, 4, 11 },
};

#define CLONE_SPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | \
	CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* New name spaces, and processes that share a working directory. */
static const struct when when_clone[] = {
	{ WHEN_BITS, 0, CLONE_SPACES, 0 },
	{ WHEN_EQUAL, 0, CLONE_FS | CLONE_THREAD, CLONE_FS },
};

static const struct when when_prctl[] = {
	{ WHEN_EQUAL, 0, ~0u, PR_GET_DUMPABLE },
	{ WHEN_EQUAL, 0, ~0u, PR_SET_DUMPABLE },
	{ WHEN_EQUAL, 0, ~0u, PR_CAPBSET_READ },
	{ WHEN_EQUAL, 0, ~0u, PR_CAPBSET_DROP },
	{ WHEN_EQUAL, 0, ~0u, PR_SET_KEEPCAPS },
	{ WHEN_EQUAL, 0, ~0u, PR_GET_KEEPCAPS },
	{ WHEN_EQUAL, 0, ~0u, PR_SET_SECUREBITS },
	{ WHEN_EQUAL, 0, ~0u, PR_GET_SECUREBITS },
	{ WHEN_EQUAL, 0, ~0u, PR_CAP_AMBIENT },
	{ WHEN_EQUAL, 0, ~0u, PR_SET_SECCOMP },
	{ WHEN_EQUAL, 0, ~0u, PR_GET_SECCOMP },
};

/* Who is at the other end. */
static const struct when when_getsockopt[] = {
	{ WHEN_EQUAL, 2, ~0u, SO_PEERCRED },
};

/* A socket for modules; where a name may be: bind, connect, send... */
static const struct when when_socketcall[] = {
	{ WHEN_BETWEEN, 0, SYS_SOCKET, SYS_CONNECT },
	{ WHEN_BETWEEN, 0, SYS_GETSOCKNAME, SYS_GETPEERNAME },
	{ WHEN_EQUAL, 0, ~0u, SYS_SENDTO },
	{ WHEN_EQUAL, 0, ~0u, SYS_SENDMSG },
	{ WHEN_EQUAL, 0, ~0u, SYS_SENDMMSG },
};

/* --- the rows --- */

#define ALWAYS_ NULL
#define F(mode, dirfd, path, flags, known)				\
	{ OPERAND_##mode, dirfd, path, flags, known }
#define N(mode, dirfd, path, flags) F(mode, dirfd, path, flags, 0)
#define BITS(arg, known) { OPERAND_NONE, NONE, NONE, arg, known }
#define NOTHING { OPERAND_NONE, NONE, NONE, NONE, 0 }

#define AT_FLAGS_ (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)
#define STAT_FLAGS (AT_FLAGS_ | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE)
#define RENAME_FLAGS (RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)

/* Not one by the other: a name's commas would part the arguments anew. */
#define CALL(call, compat, traits_, one, two, handler, cond)		\
	{ .name = #call, .nr = { __NR_##call, compat }, .traits = traits_, \
	  .op = { one, two }, .handle = handler, .when = cond,		\
	  .nwhen = sizeof(cond) / sizeof(struct when) },
#define COMPAT(call, compat, traits_, one, two, handler, cond)		\
	{ .name = #call, .nr = { NONE, compat }, .traits = traits_,	\
	  .op = { one, two }, .handle = handler, .when = cond,		\
	  .nwhen = sizeof(cond) / sizeof(struct when) },

static const struct row rows[] = {
#include "sys/calls.tab"
};
#undef CALL
#undef COMPAT
#define NROWS (sizeof(rows) / sizeof(rows[0]))

static const struct row extra[] = {
	{ .name = "vu_service", .nr = { VU_CALL_SERVICE, VU_CALL_SERVICE },
	  .traits = ROW_ALWAYS | ROW_NEUTRAL | ROW_BARE, .handle = call_service },
	{ .name = "vu_enter", .nr = { VU_CALL_ENTER, VU_CALL_ENTER },
	  .traits = ROW_ALWAYS | ROW_NEUTRAL | ROW_BARE, .handle = call_enter },
	{ .name = "vu_become", .nr = { VU_CALL_BECOME, VU_CALL_BECOME },
	  .traits = ROW_ALWAYS | ROW_NEUTRAL | ROW_BARE, .handle = call_become },
};
#define NEXTRA (sizeof(extra) / sizeof(extra[0]))

static const struct row *index_[2][NR_MAX];
static struct filter_row filter[2][NROWS + NEXTRA + 8];
static size_t nfilter[2];
static struct filter_spec spec;

/*
 * May this call go unseen while nothing is virtual? Not what a change of
 * state is learnt from, nor what starts or ends a process.
 */
static bool may_pass(const struct row *row)
{
	return !(row->traits & (ROW_ALWAYS | ROW_VIRTUAL)) && !row->when &&
	       row->handle != call_exit;
}

static void add_filter(enum abi abi, int nr, enum filter_action action,
		       const struct row *row)
{
	filter[abi][nfilter[abi]++] = (struct filter_row){
		.nr = nr, .action = action,
		.when = row ? row->when : NULL,
		.nwhen = row && row->when ? row->nwhen : 0,
		.gated = row && may_pass(row),
	};
}

static int by_number(const void *a, const void *b)
{
	const struct filter_row *x = a, *y = b;

	return (x->nr > y->nr) - (x->nr < y->nr);
}

static void build_abi(enum abi abi, int io_uring_setup)
{
	for (size_t i = 0; i < NROWS; i++) {
		int nr = rows[i].nr[abi];

		if (nr < 0)
			continue;
		index_[abi][nr] = &rows[i];
		add_filter(abi, nr, FILTER_NOTIFY, &rows[i]);
	}
	for (size_t i = 0; i < NEXTRA; i++)
		add_filter(abi, extra[i].nr[abi], FILTER_NOTIFY, NULL);
	/* it would carry calls past us */
	add_filter(abi, io_uring_setup, FILTER_ENOSYS, NULL);
	qsort(filter[abi], nfilter[abi], sizeof(filter[abi][0]), by_number);
	spec.row[abi] = filter[abi];
	spec.nrow[abi] = nfilter[abi];
}

static void build(void)
{
	build_abi(ABI_NATIVE, __NR_io_uring_setup);
	build_abi(ABI_COMPAT, ARCH_COMPAT_IO_URING_SETUP);
}

static pthread_once_t built = PTHREAD_ONCE_INIT;

const struct filter_spec *sys_filter(void)
{
	pthread_once(&built, build);
	return &spec;
}

int row_number(const char *name, enum abi abi)
{
	for (size_t i = 0; i < NROWS; i++)
		if (rows[i].nr[abi] >= 0 && !strcmp(rows[i].name, name))
			return rows[i].nr[abi];
	return -1;
}

const struct row *row_find(enum abi abi, int nr)
{
	pthread_once(&built, build);
	if (nr >= 0 && nr < NR_MAX)
		return index_[abi][nr];
	for (size_t i = 0; i < NEXTRA; i++)
		if (extra[i].nr[abi] == nr)
			return &extra[i];
	return NULL;
}
