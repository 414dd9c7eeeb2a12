/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code that other threads are running can be exchanged: mapped once more
 * (private, not writable), the copy changed through /proc/self/mem, and put
 * in the place of the original by mremap. No thread fails, whatever it is
 * doing in there, all run the new code afterwards, and it is still a mapping
 * of the same file, which has not changed. So engine/gate.c changes a C
 * library.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sched.h>
#include <sys/mman.h>
#include "test/lib.h"

#define PAGE	4096UL
#define SIZE	(4 * PAGE)	/* of the file */
#define TEXT	PAGE		/* the part that is code */
#define TEXT_SIZE (2 * PAGE)
#define ENTRY	(PAGE - 8)	/* in TEXT: across its two pages */
#define VALUE	(ENTRY + sizeof(code) - 5)

#define THREADS	3
#define ROUNDS	100

/* Spends its time in here, and gives back the value it found in the end. */
static const unsigned char code[] = {
	0xb9, 0xe8, 0x03, 0, 0,		/* mov $1000,%ecx */
	0xff, 0xc9,			/* dec %ecx */
	0x75, 0xfc,			/* jnz back to it */
	0xb8, 0, 0, 0, 0,		/* mov $0,%eax */
	0xc3,				/* ret */
};

static char file_text[SIZE];
static char *map;
static atomic_int seen[THREADS];

static int make_file_of_code(void)
{
	int fd = open("text", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	memcpy(file_text + TEXT + ENTRY, code, sizeof(code));
	expect(fd >= 0);
	expect(write(fd, file_text, SIZE) == (ssize_t)SIZE);
	return fd;
}

/* As a loader does it: all of it, then the part that is code. */
static void map_file(int fd)
{
	map = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
	expect(map != MAP_FAILED);
	if (mmap(map + TEXT, TEXT_SIZE, PROT_READ | PROT_EXEC,
		 MAP_PRIVATE | MAP_FIXED, fd, TEXT) == MAP_FAILED)
		skip("files here cannot be executed: %s", error_name(errno));
}

static int call(void)
{
	return ((int (*)(void))(map + TEXT + ENTRY))();
}

/* It never sees older code again. */
static void *run(void *arg)
{
	atomic_int *last = arg;
	int value;

	while (*last < ROUNDS) {
		value = call();
		expect(value >= *last && value <= ROUNDS);
		*last = value;
	}
	return NULL;
}

static void change(char *copy, int value)
{
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	expect(mem >= 0);
	expect(pwrite(mem, &value, sizeof(value), (uintptr_t)copy + VALUE) ==
	       sizeof(value));
	close(mem);
}

static void swap(int fd, int value)
{
	char *copy = mmap(NULL, TEXT_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE,
			  fd, TEXT);

	expect(copy != MAP_FAILED);
	change(copy, value);
	expect(call() == value - 1);
	expect(mremap(copy, TEXT_SIZE, TEXT_SIZE, MREMAP_MAYMOVE |
		      MREMAP_FIXED, map + TEXT) == map + TEXT);
	expect(call() == value);
}

static void swap_while_running(int fd)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		expect(!pthread_create(&thread[i], NULL, run, &seen[i]));
	for (int value = 1; value <= ROUNDS; value++) {
		swap(fd, value);
		for (int i = 0; i < THREADS; i++)
			while (seen[i] != value)
				sched_yield();
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

/* The lines of our file in the table of mappings, one after the other. */
static int maps_of(const char *path, char *lines, size_t size)
{
	FILE *f = fopen("/proc/self/maps", "re");
	size_t len = 0;
	int n = 0;

	expect(f);
	while (fgets(lines + len, size - len, f)) {
		if (!strstr(lines + len, path))
			continue;
		len += strlen(lines + len);
		n++;
	}
	lines[len] = '\0';
	fclose(f);
	return n;
}

int main(void)
{
	char before[8192], after[8192], now[SIZE], *path;
	int fd = make_file_of_code();

	path = realpath("text", NULL);
	expect(path);
	map_file(fd);
	expect(maps_of(path, before, sizeof(before)) == 3);
	expect(strstr(before, " r-xp "));
	swap_while_running(fd);
	expect(maps_of(path, after, sizeof(after)) == 3);
	expect(!strcmp(before, after));
	expect(pread(fd, now, SIZE, 0) == (ssize_t)SIZE);
	expect(!memcmp(now, file_text, SIZE));
	free(path);
	return 0;
}
