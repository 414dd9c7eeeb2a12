/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/stores_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/tool.h"

#define FORMAT ".vufs/format"
#define LOCK ".vufs/lock"

static char *join(const char *a, const char *b)
{
	char *whole;

	return asprintf(&whole, "%s/%s", a, b) < 0 ? NULL : whole;
}

static const char *home(void)
{
	const char *dir = getenv("HOME");
	const struct passwd *p;

	if (dir && *dir == '/')
		return dir;
	p = getpwuid(getuid());
	return p && *p->pw_dir == '/' ? p->pw_dir : NULL;
}

char *stores_place(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *dir = home();

	/* As the specification has it, a relative one is not one. */
	if (state && *state == '/')
		return join(state, "vu/stores");
	return dir ? join(dir, ".local/state/vu/stores") : NULL;
}

int stores_make_place(const char *place)
{
	char *path = tool_copy(place);
	int err = 0;

	for (char *s = path + 1; !err; s++) {
		char end = *s;

		if (end && end != '/')
			continue;
		*s = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			err = -errno;
		*s = end;
		if (!end)
			break;
	}
	free(path);
	return err;
}

bool stores_is_one(int fd)
{
	struct stat st;

	return fstatat(fd, FORMAT, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode);
}

bool stores_in_use(int fd)
{
	int lock = openat(fd, LOCK, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool busy = lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) < 0 &&
		    errno == EWOULDBLOCK;

	if (lock >= 0)
		close(lock);
	return busy;
}

char *stores_find(const char *operand)
{
	char *place = strchr(operand, '/') ? NULL : stores_place();
	char *inside = place && *operand ? join(place, operand) : NULL;
	char *found = NULL;

	if (inside && strcmp(operand, ".") && strcmp(operand, ".."))
		found = realpath(inside, NULL);
	free(inside);
	free(place);
	return found ? found : realpath(operand, NULL);
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int one(int dir, const char *name,
	       int (*each)(void *arg, const struct stores_entry *e), void *arg)
{
	struct stores_entry e = { .name = name };
	int result;

	e.fd = openat(dir, name,
		      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (e.fd < 0)
		return 0;
	result = each(arg, &e);
	close(e.fd);
	return result;
}

int stores_each(const char *place,
		int (*each)(void *arg, const struct stores_entry *e),
		void *arg)
{
	struct dirent **list;
	int dir = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC), n, err = 0;

	if (dir < 0)
		return errno == ENOENT ? 0 : -errno;
	n = scandir(place, &list, visible, by_bytes);
	if (n < 0) {
		err = -errno;
		close(dir);
		return err;
	}
	for (int i = 0; i < n; i++) {
		if (!err)
			err = one(dir, list[i]->d_name, each, arg);
		free(list[i]);
	}
	free(list);
	close(dir);
	return err;
}

struct newest {
	char *name;
	struct timespec born;
};

static bool later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec :
					a->tv_nsec > b->tv_nsec;
}

/* The format file is written once, when a store is made. */
static int compare(void *arg, const struct stores_entry *e)
{
	struct newest *n = arg;
	struct stat st;

	if (fstatat(e->fd, FORMAT, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (n->name && !later(&st.st_mtim, &n->born)))
		return 0;
	free(n->name);
	n->name = tool_copy(e->name);
	n->born = st.st_mtim;
	return 0;
}

char *stores_newest(void)
{
	struct newest n = { 0 };
	char *place = stores_place(), *path = NULL;

	if (place && stores_each(place, compare, &n) == 0 && n.name)
		path = join(place, n.name);
	free(n.name);
	free(place);
	return path;
}
