/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_PROBE_LAB_H
#define TOOLS_PROBE_LAB_H

#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A guest and a monitor in miniature: a child under a filter that notifies
 * one call, LAB_CALL, and the listener here.
 */
#define LAB_CALL SYS_getppid

struct lab {
	pid_t pid;
	int listener;
};

/* A notification; kernels may know longer ones than these headers. */
union lab_call {
	struct seccomp_notif notif;
	char room[256];
};

/*
 * @flags: more SECCOMP_FILTER_FLAG_ bits
 * @guest: what the child does; 0 or -errno is its end
 * Return: 0 or -errno (then there is nothing to close)
 */
int lab_open(struct lab *lab, unsigned flags, int (*guest)(void));

/*
 * Wait for the guest's end. The listener is closed first: a guest that
 * still waits gets ENOSYS.
 * Return: what guest returned, or -errno
 */
int lab_close(struct lab *lab);

/* Receive a call. Return: 0 or -errno (-ETIMEDOUT: none came) */
int lab_receive(const struct lab *lab, union lab_call *call);

/* Answer it with a value, or let the kernel run it. Return: 0 or -errno */
int lab_answer(const struct lab *lab, uint64_t id, long value);
int lab_continue(const struct lab *lab, uint64_t id);

#endif
