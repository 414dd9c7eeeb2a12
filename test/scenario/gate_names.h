/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_SCENARIO_GATE_NAMES_H
#define TEST_SCENARIO_GATE_NAMES_H

/* For gate_names.c and gate_moved.c: calls by names, seen or not. */
#include <sys/time.h>

#include "test/scenario/gate.h"
#include "test/scenario/limits.h"

enum { WARM = 120, NATIVE_SIZE = 6, MOUNTED_SIZE = 7 };

static char here[PATH_MAX / 2];
static char name_buf[8][PATH_MAX];

/* The absolute name; a few at a time. */
static inline char *abs_name(const char *rel)
{
	static unsigned i;
	char *s = name_buf[i++ % 8];

	expect(snprintf(s, PATH_MAX, "%s/%s", here, rel) < PATH_MAX);
	return s;
}

static inline long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -errno : st.st_size;
}

/* By open() and fstat() */
static inline long open_size(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	long size;

	if (fd < 0)
		return -errno;
	size = fstat(fd, &st) ? -errno : st.st_size;
	close(fd);
	return size;
}

static inline void is(const char *what, const char *path, long size)
{
	long got = size_of(path), opened = open_size(path);
	bool there = !access(path, F_OK);

	if (got != size || opened != size || there != (size >= 0))
		fail("%s: %s: stat %ld, open %ld, access %d, not %ld", what,
		     path, got, opened, there, size);
}

static inline void warm(const char *path)
{
	for (int i = 0; i < WARM; i++) {
		size_of(path);
		open_size(path);
		access(path, F_OK);
	}
}

static inline long switches(void)
{
	struct rusage r;

	getrusage(RUSAGE_THREAD, &r);
	return r.ru_nvcsw;
}

/* Only the first time anybody is asked. */
#define quiet(call) do {						\
	long before;							\
									\
	for (int i = 0; i < 3; i++)					\
		(void)!(call);						\
	before = switches();						\
	for (int i = 0; i < PROBE; i++)					\
		(void)!(call);						\
	if (switches() - before > PROBE / 4)				\
		fail("is seen: %s", #call);				\
} while (0)

static inline bool in_cage(void)
{
	return !strcmp(getenv("ROLE") ?: "", "cage");
}

/* In the cage the monitor keeps what is opened: see descriptors.c. */
#define quiet_open(call) do {						\
	if (!in_cage())							\
		quiet(call);						\
} while (0)

/* Another process of the view does it. */
static inline void sh(const char *command)
{
	char *const argv[] = { "sh", "-c", (char *)command, NULL };

	expect(!run_tool(argv));
}

static inline void tree(const char *top, const char *text)
{
	char name[PATH_MAX];

	make_dir(top, 0755);
	snprintf(name, sizeof(name), "%s/sub", top);
	make_dir(name, 0755);
	for (int i = 0; i < 4; i++) {
		static const char *const file[] = { "file", "sub/file", "gone",
						    "never" };

		snprintf(name, sizeof(name), "%s/%s", top, file[i]);
		make_file(name, 0644, text);
	}
}

#endif
