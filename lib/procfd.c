/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that has changed its ids and not executed since is not dumpable,
 * and then its /proc/PID/fd is a directory of root's that nobody else may
 * search: to be allowed to trace the process is not enough. A thread of ours
 * that acts as the process does (sys/creds.c) has the right to search all
 * directories among its permitted capabilities, and takes it up for this one.
 * Only after it was refused: that is rare, and taking it up takes time.
 */
#include "lib/procfd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEARCH (1u << CAP_DAC_READ_SEARCH)

static struct __user_cap_header_struct own = {
	.version = _LINUX_CAPABILITY_VERSION_3,
};

/* Was it refused for want of a right that can be had? Then it is taken up. */
static bool may_search_now(void)
{
	struct __user_cap_data_struct data[2];
	bool done;

	if (errno != EACCES)
		return false;
	done = !syscall(SYS_capget, &own, data) &&
	       (data[0].permitted & SEARCH) && !(data[0].effective & SEARCH);
	if (done) {
		data[0].effective |= SEARCH;
		done = !syscall(SYS_capset, &own, data);
	}
	errno = EACCES;
	return done;
}

/* After may_search_now(); errno stays. */
static void search_no_more(void)
{
	struct __user_cap_data_struct data[2];
	int err = errno;

	if (!syscall(SYS_capget, &own, data)) {
		data[0].effective &= ~SEARCH;
		syscall(SYS_capset, &own, data);
	}
	errno = err;
}

int procfd_open(pid_t pid, int fd)
{
	char link[64];
	int o;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
	o = open(link, O_PATH | O_CLOEXEC);
	if (o < 0 && may_search_now()) {
		o = open(link, O_PATH | O_CLOEXEC);
		search_no_more();
	}
	return o;
}

int procfd_stat(pid_t pid, int fd, struct stat *st)
{
	char link[64];
	int ret;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
	ret = stat(link, st);
	if (ret && may_search_now()) {
		ret = stat(link, st);
		search_no_more();
	}
	return ret;
}

ssize_t procfd_readlink(pid_t pid, int fd, char *buf, size_t size)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
	n = readlink(link, buf, size);
	if (n < 0 && may_search_now()) {
		n = readlink(link, buf, size);
		search_no_more();
	}
	return n;
}

DIR *procfd_opendir(pid_t pid)
{
	char name[32];
	DIR *d;

	snprintf(name, sizeof(name), "/proc/%d/fd", pid);
	d = opendir(name);
	if (!d && may_search_now()) {
		d = opendir(name);
		search_no_more();
	}
	return d;
}
