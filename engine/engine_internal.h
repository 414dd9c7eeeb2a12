/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ENGINE_ENGINE_INTERNAL_H
#define ENGINE_ENGINE_INTERNAL_H

#include <linux/seccomp.h>
#include <linux/types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "engine/engine.h"
#include "engine/rewrite.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

/* Room for what newer kernels may append (SECCOMP_GET_NOTIF_SIZES). */
#define NOTIF_ROOM	512

#define RECEIVERS_MAX	256
#define STANDBY_MAX	8

/* Calls that a visit has sent back, waited for when they come in again. */
#define REISSUE_MAX	256
/* So many receivers may wait for the end of such calls. */
#define ATTENDED_MAX	128

struct receiver;

/* How to tell whether a block in a guest's memory is still as written. */
struct block_seal {
	uint64_t base, sum;
	size_t len;
};

/* theory: visit.c */
struct reissue_entry {
	pid_t tid;		/* 0: free */
	enum abi abi;
	int nr;
	uint64_t arg[6];
	bool attended;		/* a receiver waits for the call's end */
	struct rewrite *passing;	/* of a call made in passing; owned */
	uint64_t age;
	/* of calls that nobody attends to: */
	bool received;		/* it has come, and been let go on */
	uint64_t ip, sp;
	int old_nr;		/* the call as the guest had made it */
	uint64_t old_arg[6];
	struct block_seal seal;
};

struct reissue {
	_Atomic unsigned n;	/* entries in use, read without the lock */
	_Atomic unsigned nattended;
	pthread_mutex_t lock;
	uint64_t clock;
	struct reissue_entry entry[REISSUE_MAX];
};

/* theory: receive.c */
struct engine {
	int listener;
	int timer;
	const struct engine_ops *ops;
	void *ctx;
	size_t notif_size;
	int ncpu;			/* 0: binding would be of no use */
	int filters;			/* seccomp filters of a guest */
	struct gate *gate;		/* NULL: none */

	_Atomic uint64_t count;		/* calls received: their sequence */
	atomic_bool armed;		/* the timer runs */
	_Atomic uint64_t seen;		/* the call it was armed for */

	pthread_mutex_t lock;		/* of all below; duty: writes only */
	struct receiver *_Atomic duty;
	struct receiver *standby;
	unsigned nreceivers, nstandby;
	bool over;			/* the last guest is gone */

	struct reissue reissue;
};

/* deliver.c: answer a call. 0 or -errno (-ENOENT: nobody waits any more). */
int notif_send(const struct call *call, long value, unsigned flags);
/* Put a descriptor into the waiting guest. Return: its number or -errno */
int notif_lend(const struct call *call, int fd);
/* Put the verdict into effect; consumes what it owns. */
void deliver(const struct call *call, struct verdict *v);

/*
 * visit.c: make the guest run the call again with other arguments.
 * Takes over rw. Return: 0 when the call has been answered, whatever came
 * of it; -errno when the thread could not be visited and still waits.
 */
int visit(const struct call *call, struct rewrite *rw);

/*
 * Is this call one that a visit sent back? Then it is answered. UNDONE: the
 * kernel makes it again after a signal, and its arguments are overwritten;
 * it becomes the call that the guest had made (the registers do not).
 */
enum reissued { REISSUED_NO, REISSUED_ANSWERED, REISSUED_UNDONE };
enum reissued reissue_take(struct call *call);

/*
 * rewrite.c, for visit.c: place the block below the stack pointer sp.
 * Return: 0 or -errno (-EOVERFLOW: no 32-bit pointer reaches it)
 */
int rewrite_place(struct rewrite *rw, uint64_t sp);
/* Write the placed block; the call's thread is stopped. */
int rewrite_write(const struct rewrite *rw, const struct call *call);
/* Number and arguments after rewrite_place(). */
int rewrite_final(const struct rewrite *rw, const uint64_t **arg);
/* The placed block is as written as long as its seal is intact. */
void rewrite_seal(const struct rewrite *rw, struct block_seal *seal);
bool seal_intact(const struct block_seal *seal, const struct call *call);
/* Does it execute a program, and what shall that be called? (See there.) */
bool rewrite_executes(const struct rewrite *rw, const char **name);
/* In passing: the kernel's name of the program; else NULL. */
const char *rewrite_passing(const struct rewrite *rw);

/* title.c: the first call of what rw has executed; if it has. */
void title_late(const struct call *call, const struct rewrite *rw);

#endif
