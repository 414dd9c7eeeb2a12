/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Openers of one memfd by /proc/self/fd/N are like openers of one file:
 * offset and access mode are their own, O_APPEND holds between them, mappings
 * show what the others write, locks exclude, truncate(2) by name is seen.
 */
#include <sys/file.h>
#include <sys/mman.h>

#include "test/lib.h"

static char name[64];

static int again(int flags)
{
	int fd = open(name, flags | O_CLOEXEC);

	expect(fd >= 0);
	return fd;
}

static void offsets(void)
{
	int a = again(O_RDWR), b = again(O_RDONLY);
	char c;

	expect(write(a, "abc", 3) == 3);
	expect(read(b, &c, 1) == 1 && c == 'a');
	expect(write(b, "x", 1) < 0 && errno == EBADF);
	expect(lseek(a, 0, SEEK_CUR) == 3 && lseek(b, 0, SEEK_CUR) == 1);
	close(a);
	close(b);
}

static void append(void)
{
	int a = again(O_WRONLY | O_APPEND), b = again(O_WRONLY | O_APPEND);
	struct stat st;

	expect(truncate(name, 0) == 0);
	for (int i = 0; i < 100; i++)
		expect(write(a, "a", 1) == 1 && write(b, "b", 1) == 1);
	expect(fstat(a, &st) == 0 && st.st_size == 200);
	close(a);
	close(b);
}

static void mappings(void)
{
	int a = again(O_RDWR), b = again(O_RDWR);
	char *p, *q, c;

	expect(ftruncate(a, 8192) == 0);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, a, 0);
	q = mmap(NULL, 8192, PROT_READ, MAP_SHARED, b, 0);
	expect(p != MAP_FAILED && q != MAP_FAILED);
	p[5000] = 'm';
	expect(q[5000] == 'm' && pread(b, &c, 1, 5000) == 1 && c == 'm');
	expect(pwrite(b, "w", 1, 6000) == 1 && p[6000] == 'w');
	munmap(p, 8192);
	munmap(q, 8192);
	close(a);
	close(b);
}

static void locks(void)
{
	struct flock whole = { .l_type = F_WRLCK };
	int a = again(O_RDWR), b = again(O_RDWR);

	expect(flock(a, LOCK_EX) == 0);
	expect(flock(b, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	expect(flock(a, LOCK_UN) == 0);
	expect(fcntl(a, F_OFD_SETLK, &whole) == 0);
	expect(fcntl(b, F_OFD_SETLK, &whole) < 0 && errno == EAGAIN);
	whole.l_type = F_UNLCK;
	expect(fcntl(a, F_OFD_SETLK, &whole) == 0);
	whole.l_type = F_WRLCK;
	expect(fcntl(a, F_SETLK, &whole) == 0);
	if (!fork()) {
		b = again(O_RDWR);
		_exit(fcntl(b, F_SETLK, &whole) == 0 || errno != EAGAIN);
	}
	expect(wait_for(-1) == 0);
	close(a);
	close(b);
}

/* The owner's mode counts for those who are not privileged. */
static void modes(int ours)
{
	int fd;

	expect(fchmod(ours, 0444) == 0);
	fd = open(name, O_RDWR | O_CLOEXEC);
	expect(fd >= 0 ? geteuid() == 0 : errno == EACCES);
	expect(fchmod(ours, 0644) == 0);
	close(again(O_RDWR));
	/* tmpfs has it since 6.6 */
	fd = open(name, O_RDWR | O_DIRECT | O_CLOEXEC);
	expect(fd >= 0 || errno == EINVAL);
}

int main(void)
{
	int all = memfd_create("share", MFD_CLOEXEC);

	expect(all >= 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", all);
	offsets();
	append();
	mappings();
	locks();
	modes(all);
	return 0;
}
