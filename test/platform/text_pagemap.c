/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID/pagemap tells without privileges, of oneself and of a child,
 * which pages of a private mapping are still the file's (bit 61) and which
 * have been changed, and so copied: engine/gate.c leaves code alone that
 * somebody else has changed.
 */
#include <sys/mman.h>
#include "test/lib.h"

#define PAGE	4096UL
#define PAGES	4
#define READ	0	/* what is done with a page */
#define CHANGED	1

/* Bits of an entry. */
#define PRESENT	(1ULL << 63)
#define SWAPPED	(1ULL << 62)
#define OF_FILE	(1ULL << 61)
#define STATE	(PRESENT | SWAPPED | OF_FILE)

static int make_text(void)
{
	static char zeros[PAGES * PAGE];
	int fd = open("text", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	expect(fd >= 0);
	expect(write(fd, zeros, sizeof(zeros)) == sizeof(zeros));
	return fd;
}

/* Where a fresh mapping of it is: at, or anywhere. */
static char *map_text(int fd, char *at)
{
	char *text = mmap(at, PAGES * PAGE, PROT_READ | PROT_EXEC,
			  MAP_PRIVATE | (at ? MAP_FIXED : 0), fd, 0);

	if (text == MAP_FAILED && errno == EPERM)
		skip("files here cannot be executed");
	expect(text != MAP_FAILED);
	return text;
}

static uint64_t state_of(pid_t pid, const char *text, int page)
{
	uint64_t entry;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	expect(fd >= 0);
	expect(pread(fd, &entry, sizeof(entry),
		     ((uintptr_t)text / PAGE + page) * sizeof(entry)) ==
	       sizeof(entry));
	close(fd);
	return entry & STATE;
}

static void read_page(const char *text)
{
	expect(((const volatile char *)text)[READ * PAGE] == 0);
}

static void change_page(const char *text)
{
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	expect(mem >= 0);
	expect(pwrite(mem, "x", 1, (uintptr_t)text + CHANGED * PAGE) == 1);
	expect(text[CHANGED * PAGE] == 'x');
	close(mem);
}

static void expect_untouched(pid_t pid, const char *text)
{
	for (int page = 0; page < PAGES; page++)
		expect(!(state_of(pid, text, page) & (PRESENT | SWAPPED)));
}

/* A fault may have brought in more pages than one: these are the file's. */
static void expect_changed(pid_t pid, const char *text)
{
	for (int page = 0; page < PAGES; page++) {
		uint64_t state = state_of(pid, text, page);

		if (page == CHANGED)
			expect(state == PRESENT);
		else if (page == READ || state & (PRESENT | SWAPPED))
			expect(state == (PRESENT | OF_FILE));
	}
}

/* A child does one thing with a mapping of its own after the other. */
struct child {
	pid_t pid;
	int done, go;
};

static void child_say_done(struct child *c)
{
	char byte;

	expect(write(c->done, "", 1) == 1);
	if (read(c->go, &byte, 1) != 1)
		_exit(1);
}

static void child_run(struct child *c, int fd, char *text)
{
	child_say_done(c);
	map_text(fd, text);
	child_say_done(c);
	read_page(text);
	child_say_done(c);
	change_page(text);
	child_say_done(c);
	_exit(0);
}

static void child_start(struct child *c, int fd, char *text)
{
	int done[2], go[2];

	expect(pipe2(done, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0);
	c->pid = fork();
	if (!c->pid) {
		close(done[0]);
		close(go[1]);
		child_run(&(struct child){ 0, done[1], go[0] }, fd, text);
	}
	close(done[1]);
	close(go[0]);
	c->done = done[0];
	c->go = go[1];
}

static void child_wait(struct child *c)
{
	char byte;

	expect(read(c->done, &byte, 1) == 1);
}

static void child_go(struct child *c)
{
	expect(write(c->go, "", 1) == 1);
}

static void look_at_child(int fd, char *text)
{
	struct child c;

	child_start(&c, fd, text);
	child_wait(&c);
	/* It has inherited what we have changed. */
	expect(state_of(c.pid, text, CHANGED) == PRESENT);
	child_go(&c);
	child_wait(&c);
	expect_untouched(c.pid, text);
	child_go(&c);
	child_wait(&c);
	expect(state_of(c.pid, text, READ) == (PRESENT | OF_FILE));
	child_go(&c);
	child_wait(&c);
	expect_changed(c.pid, text);
	child_go(&c);
	expect(wait_for(c.pid) == 0);
}

int main(void)
{
	int fd = make_text();
	char *text = map_text(fd, NULL);

	expect_untouched(getpid(), text);
	read_page(text);
	expect(state_of(getpid(), text, READ) == (PRESENT | OF_FILE));
	change_page(text);
	expect_changed(getpid(), text);
	look_at_child(fd, text);
	return 0;
}
