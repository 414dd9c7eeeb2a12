/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changes a memfd and shows in its times: write(2), ftruncate(2); not a
 * store through a shared mapping, to a page that was touched before. The
 * ctime cannot be set back. Holes are seen by SEEK_DATA, and reading them
 * takes no memory.
 */
#include <sys/mman.h>
#include <time.h>

#include "test/lib.h"

static struct stat before, after;
static int fd;

/* Times are those of a clock that ticks: let it tick. */
static void look(struct stat *st)
{
	struct timespec start, now;

	expect(fstat(fd, st) == 0);
	clock_gettime(CLOCK_REALTIME_COARSE, &start);
	do {
		usleep(1000);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (!memcmp(&start, &now, sizeof(now)));
}

static bool same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool unchanged(void)
{
	expect(fstat(fd, &after) == 0);
	return same(before.st_mtim, after.st_mtim) &&
	       same(before.st_ctim, after.st_ctim);
}

static void mapped(void)
{
	char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	expect(p != MAP_FAILED);
	memset(p, 1, 65536);
	look(&before);
	memset(p, 2, 65536);
	expect(msync(p, 65536, MS_SYNC) == 0 && munmap(p, 65536) == 0);
	expect(unchanged());
}

static void times(void)
{
	struct timespec back[2];

	look(&before);
	expect(pwrite(fd, "x", 1, 0) == 1 && !unchanged());
	look(&before);
	expect(ftruncate(fd, 65536) == 0 && !unchanged());
	mapped();
	look(&before);
	expect(pwrite(fd, "y", 1, 0) == 1);
	back[0] = before.st_atim;
	back[1] = before.st_mtim;
	expect(futimens(fd, back) == 0 && fstat(fd, &after) == 0);
	expect(same(before.st_mtim, after.st_mtim) &&
	       !same(before.st_ctim, after.st_ctim));
}

static void holes(void)
{
	char buf[4096];

	expect(ftruncate(fd, 0) == 0 && ftruncate(fd, 1ll << 40) == 0);
	expect(pwrite(fd, "x", 1, 1 << 30) == 1 && fstat(fd, &before) == 0);
	expect(lseek(fd, 0, SEEK_DATA) == 1 << 30);
	expect(lseek(fd, 1 << 30, SEEK_HOLE) >= (1 << 30) + 4096);
	expect(lseek(fd, 1ll << 35, SEEK_DATA) < 0 && errno == ENXIO);
	for (int i = 0; i < 64; i++)
		expect(pread(fd, buf, sizeof(buf), i * 4096ll) == 4096);
	expect(fstat(fd, &after) == 0 && before.st_blocks == after.st_blocks);
	expect(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 1 << 30, 65536) == 0 && fstat(fd, &after) == 0);
	expect(after.st_blocks < before.st_blocks);
}

int main(void)
{
	fd = memfd_create("times", MFD_CLOEXEC);
	expect(fd >= 0);
	times();
	holes();
	return 0;
}
