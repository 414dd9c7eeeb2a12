/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * The kernel keeps the address that a socket was bound to as text, and
 * tells it to both sides. Where a guest's name had to be replaced by a real
 * one, both texts are noted here, for getsockname and getpeername. Nobody
 * tells us when a socket is closed: the oldest note goes when there is no
 * room, and a new one for the same text takes its place.
 *
 * An address has room for 107 bytes. A longer real name is replaced by
 * that of a descriptor of the monitor, "/proc/PID/fd/N", which guests of
 * the same user may follow. The guest makes the call by itself, so when it
 * is done is not known here either: the descriptors are closed in turn.
 */
#include "sys/address.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOTES 512
#define TEXT_MAX (ADDRESS_MAX + 1)

static struct note {
	char real[TEXT_MAX], given[TEXT_MAX];
} note[NOTES];
static unsigned next_note, next_held;
static int held[ADDRESS_HELD] = { [0 ... ADDRESS_HELD - 1] = -1 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool address_fits(const char *name)
{
	return strlen(name) < ADDRESS_MAX;
}

static struct note *find(const char *real)
{
	for (struct note *n = note; n < note + NOTES; n++)
		if (n->real[0] && !strcmp(n->real, real))
			return n;
	return NULL;
}

void address_note(const char *real, const char *given)
{
	struct note *n;

	if (strlen(real) >= TEXT_MAX || strlen(given) >= TEXT_MAX)
		return;
	pthread_mutex_lock(&lock);
	n = find(real);
	if (!n)
		n = &note[next_note++ % NOTES];
	strcpy(n->real, real);
	strcpy(n->given, given);
	pthread_mutex_unlock(&lock);
}

void address_forget(const char *real)
{
	struct note *n;

	pthread_mutex_lock(&lock);
	n = find(real);
	if (n)
		n->real[0] = '\0';
	pthread_mutex_unlock(&lock);
}

int address_given(const char *real, char *given, size_t size)
{
	const struct note *n;
	int err = -ENOENT;

	pthread_mutex_lock(&lock);
	n = find(real);
	if (n && strlen(n->given) < size) {
		strcpy(given, n->given);
		err = 0;
	}
	pthread_mutex_unlock(&lock);
	return err;
}

int address_hold(int fd, char *name, size_t size)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3), old;

	if (copy < 0)
		return -errno;
	pthread_mutex_lock(&lock);
	old = held[next_held % ADDRESS_HELD];
	held[next_held++ % ADDRESS_HELD] = copy;
	pthread_mutex_unlock(&lock);
	if (old >= 0)
		close(old);
	snprintf(name, size, "/proc/%d/fd/%d", getpid(), copy);
	return 0;
}
