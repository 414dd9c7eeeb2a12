/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands for special files that modules make: which node it stands for,
 * whatever becomes of names and numbers, and what a guest can put in its way.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "sys/shadow.h"
#include "test/unit/tools_tap.h"

static char directory[SCRATCH_NAME];

static void told(void *ctx, const char *name)
{
	(void)ctx;
	snprintf(directory, sizeof(directory), "%s", name);
}

static struct shadow_key key(uint64_t number, const char *rel, mode_t type)
{
	return (struct shadow_key){ 1, number, rel, type };
}

static struct stat attributes(mode_t mode)
{
	return (struct stat){ .st_mode = mode, .st_uid = geteuid(),
			      .st_gid = getegid() };
}

/* The number of the real FIFO that stands for a node. */
static ino_t fifo(struct shadows *s, uint64_t number, const char *rel)
{
	struct shadow_key k = key(number, rel, S_IFIFO);
	struct stat st = attributes(0640);
	int fd = shadow_fifo(s, &k, &st);
	ino_t ino = fd >= 0 && !fstat(fd, &st) && S_ISFIFO(st.st_mode) ?
		    st.st_ino : 0;

	close(fd);
	return ino;
}

static void drop(struct shadows *s, uint64_t number, const char *rel)
{
	struct shadow_key k = key(number, rel, S_IFIFO);

	shadow_drop(s, &k);
}

static void by_number(struct shadows *s)
{
	ino_t a = fifo(s, 7, "a"), b = fifo(s, 8, "b");

	tap_ok(a && b && a != b, "two nodes, two FIFOs");
	tap_ok(fifo(s, 7, "a") == a && fifo(s, 8, "b") == b, "the same again");
	tap_ok(fifo(s, 7, "else/where") == a, "whatever its name");
	drop(s, 7, "else/where");
	tap_ok(fifo(s, 8, "b") == b, "another stays");
	drop(s, 8, "b");
	tap_ok(shadows_empty(s), "all are gone");
}

static void by_name(struct shadows *s)
{
	ino_t a = fifo(s, 0, "d/a"), b = fifo(s, 0, "d2/b");

	shadow_renamed(s, 1, "d", "e", false);
	tap_ok(fifo(s, 0, "e/a") == a, "its directory was renamed");
	tap_ok(fifo(s, 0, "d2/b") == b, "d2 is not d");
	shadow_renamed(s, 1, "e", "d2", true);
	tap_ok(fifo(s, 0, "d2/a") == a && fifo(s, 0, "e/b") == b,
	   "directories changed places");
	shadow_renamed(s, 2, "e", "x", false);
	tap_ok(fifo(s, 0, "e/b") == b, "another mount's names are its own");
	shadow_renamed(s, 1, "e/b", "top", false);
	tap_ok(fifo(s, 0, "top") == b, "renamed itself");
	drop(s, 0, "top");
	drop(s, 0, "d2/a");
	tap_ok(shadows_empty(s), "all are gone");
}

static void renumbered(struct shadows *s)
{
	struct shadow_key k = key(6, "n", S_IFIFO);
	ino_t a = fifo(s, 5, "n");

	tap_ok(shadow_called(s, &k) == 5, "its name had another number");
	shadow_renumber(s, &k, 5);
	tap_ok(fifo(s, 6, "n") == a, "the new number");
	tap_ok(shadow_called(s, &k) == 0, "nothing to ask");
	k = key(6, "n", S_IFSOCK);
	tap_ok(shadow_called(s, &k) == 0, "a socket is something else");
	drop(s, 6, "n");
}

static bool first_only(void *arg, unsigned mount)
{
	(void)arg;
	return mount == 1;
}

static void swept(struct shadows *s)
{
	struct shadow_key other = { 2, 1, "a", S_IFIFO };
	struct stat st = attributes(0600);
	ino_t a = fifo(s, 1, "a");

	close(shadow_fifo(s, &other, &st));
	shadow_sweep(s, first_only, NULL);
	tap_ok(fifo(s, 1, "a") == a, "a mount that is there");
	drop(s, 1, "a");
	tap_ok(shadows_empty(s), "one that is not");
}

/* --- sockets --- */

/* Bind a new one in the directory, as guests do. */
static int do_bind(int dir, const char *file)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/%s",
		 dir, file);
	return bind(s, (struct sockaddr *)&sun, sizeof(sun)) ? -errno : s;
}

static mode_t mode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_mode;
}

static void sockets(struct shadows *s)
{
	struct shadow_key k = key(3, "s", S_IFSOCK);
	struct stat st = attributes(0640);
	int dir, fd;

	tap_ok(shadow_socket(s, &k, &st) == -ECONNREFUSED, "none yet");
	dir = shadow_bind(s, &k, &st, "file");
	tap_ok(dir >= 0, "a place for it");
	tap_ok(shadow_socket(s, &k, &st) == -ECONNREFUSED, "not bound yet");
	tap_ok(do_bind(dir, "file") >= 0, "bound");
	fd = shadow_socket(s, &k, &st);
	tap_ok(S_ISSOCK(mode_of(fd)) && (mode_of(fd) & 0600) == 0600, "found");
	/* what was bound may be replaced by whoever was let in */
	tap_ok(!unlinkat(dir, "file", 0) && !symlinkat("/etc/passwd", dir, "file"),
	   "a symlink in its place");
	tap_ok(shadow_socket(s, &k, &st) == -ECONNREFUSED, "is not followed");
	shadow_follow(s, &k, &st);
	tap_ok(!unlinkat(dir, "file", 0) && !mkdirat(dir, "file", 0700),
	   "a directory in its place");
	tap_ok(shadow_socket(s, &k, &st) == -ECONNREFUSED, "is no socket");
	close(dir);
	close(fd);
	dir = shadow_bind(s, &k, &st, "again");
	tap_ok(dir >= 0 && do_bind(dir, "again") >= 0, "bound once more");
	close(dir);
	shadow_drop(s, &k);
	tap_ok(shadow_socket(s, &k, &st) == -ECONNREFUSED, "gone");
}

/* Those that another user's are taken for would be given to the node's owner. */
static void not_ours(struct shadows *s)
{
	struct shadow_key k = key(3, "s", S_IFSOCK);
	struct stat st = attributes(0640);
	int dir = shadow_bind(s, &k, &st, "file");

	tap_ok(dir >= 0 && do_bind(dir, "file") >= 0, "bound");
	tap_ok(!fchownat(dir, "file", 65534, 65534, 0), "it is another's now");
	tap_ok(shadow_socket(s, &k, &st) == -ECONNREFUSED, "and is none of ours");
	close(dir);
	shadow_drop(s, &k);
}

/* --- several threads --- */

static void *open_some(void *arg)
{
	struct shadows *s = arg;
	char name[16];

	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "n%d", i % 5);
		fifo(s, i % 5 + 1, name);
		shadow_renamed(s, 1, name, name, false);
		if (i % 7 == 0)
			drop(s, i % 5 + 1, name);
	}
	return NULL;
}

static void threads(struct shadows *s)
{
	pthread_t t[4];
	char name[16];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, open_some, s);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		drop(s, i + 1, name);
	}
	tap_ok(shadows_empty(s), "nothing is lost");
}

static void whole(bool others)
{
	static struct shadows *keep[2];		/* they are for ever */
	struct shadows *s = keep[others] = shadows_new(others, told, NULL);
	struct stat st;

	tap_ok(s && !directory[0], "nothing is made before it is needed");
	fifo(s, 1, "a");
	tap_ok(directory[0] && !stat(directory, &st) &&
	   (st.st_mode & 07777) == (others ? 0711 : 0700), "who gets in");
	drop(s, 1, "a");
	by_number(s);
	by_name(s);
	renumbered(s);
	swept(s);
	sockets(s);
	if (others)
		not_ours(s);
	threads(s);
	tap_ok(!rmdir(directory), "nothing is left in it");
	mkdir(directory, 0700);
	fifo(s, 1, "a");
	scratch_remove(directory);
	tap_ok(stat(directory, &st) < 0, "it goes with what is in it");
	directory[0] = '\0';
}

int main(void)
{
	whole(false);
	if (!geteuid())
		whole(true);
	return tap_end();
}
