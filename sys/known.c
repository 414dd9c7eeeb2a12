/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A name on whose way there is no symlink is proved to be the kernel's by one
 * call (walk_proves_native). The names of the C library and of its loader have
 * symlinks on their way nearly everywhere (/lib64, /lib), every program asks
 * for them, and to walk them takes a dozen calls. So what they came to is kept
 * for a moment, as what gates are told of directories is (lib/plain.c): until
 * any view changes, somebody makes a symlink or LIFE_MSEC have passed,
 * whichever is first.
 *
 * Which guest has asked must not matter. So a name is kept only where the root
 * is everybody's, where no layered mount is on the way (a change there makes
 * another file of it), and where the kernel itself gets there by no link of
 * /proc, nor to what is in it: /proc/self is somebody else for each.
 *
 * Most names are asked for once. The first walk leaves the name, and only the
 * next one looks at how it got there.
 */
#include "sys/known.h"

#include <linux/openat2.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/plain.h"
#include "sys/real.h"

enum { ENTRIES = 64, NAME_SIZE = 96, LIFE_MSEC = 100 };

struct entry {
	unsigned long version;		/* 0: none */
	uint64_t epoch;
	long since;			/* ms */
	bool proved;
	char name[NAME_SIZE];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry entry[ENTRIES];

static struct entry *entry_of(const char *path)
{
	unsigned h = 0;

	while (*path)
		h = h * 31 + (unsigned char)*path++;
	return &entry[h % ENTRIES];
}

/* Is it about names that mean the same to all? */
static bool eligible(const struct request *rq, const char *path)
{
	return path[0] == '/' && rq->root_agrees &&
	       rq->root.fd == mount_base()->root.fd &&
	       strnlen(path, NAME_SIZE) < NAME_SIZE;
}

/* Is it of that name, and has nothing changed since? */
static bool is_of(const struct entry *e, const struct request *rq,
		  const char *path)
{
	return e->version == rq->version->number && e->epoch == rq->epoch &&
	       !strcmp(e->name, path);
}

bool known_native(const struct request *rq, const char *path)
{
	const struct entry *e;
	bool known;

	if (!eligible(rq, path))
		return false;
	e = entry_of(path);
	pthread_mutex_lock(&lock);
	known = e->proved && is_of(e, rq, path) &&
		coarse_ms() - e->since < LIFE_MSEC;
	pthread_mutex_unlock(&lock);
	return known;
}

/* Does the kernel get there in a way that is the same for all? */
static bool is_everybodys(const struct request *rq, const char *path,
			  const struct found *found)
{
	struct place p;
	int fd = openat2_path(rq->root.fd, path + strspn(path, "/"), 0,
			      RESOLVE_NO_MAGICLINKS);
	bool same;

	if (fd < 0 || place_of_fd(&p, mount_base(), fd))
		return false;
	same = file_id_equal(p.id, found->obj.id) && !place_in_proc(&p);
	place_drop(&p);
	return same;
}

/* Was it asked for a moment ago? */
static bool is_asked_again(const struct request *rq, const char *path)
{
	const struct entry *e = entry_of(path);
	bool again;

	pthread_mutex_lock(&lock);
	again = is_of(e, rq, path);
	pthread_mutex_unlock(&lock);
	return again;
}

void known_note(const struct request *rq, const char *path,
		const struct found *found)
{
	struct entry *e;
	bool proved;

	if (!eligible(rq, path) || !found->native || found->error ||
	    found->layered ||
	    !found->obj.mount || found->obj.mount->id ||
	    !S_ISREG(found->obj.mode) || !plain_settled())
		return;
	proved = is_asked_again(rq, path) && is_everybodys(rq, path, found);
	e = entry_of(path);
	pthread_mutex_lock(&lock);
	*e = (struct entry){
		.version = rq->version->number, .epoch = rq->epoch,
		.since = coarse_ms(), .proved = proved,
	};
	strcpy(e->name, path);
	pthread_mutex_unlock(&lock);
}
