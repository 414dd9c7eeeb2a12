/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who gets a gate, and what is different then: nothing that was there
 * before. Who can have none does without, and keeps what it has.
 */
#include <dirent.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "test/scenario/gate.h"

extern char **environ;
static char self[PATH_MAX];

/* Wait for all children; how many did not end well. */
static int reap(void)
{
	int status, bad = 0;

	while (wait(&status) > 0)
		bad += status != 0;
	return bad;
}

/* The first line of maps with both words: where that begins and ends. */
static char *mapping(const char *word, const char *other, char **end)
{
	char *line, *save;
	void *from, *to;

	for (line = strtok_r(gate_maps(getpid()), "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!strstr(line, word) || !strstr(line, other))
			continue;
		expect(sscanf(line, "%p-%p", &from, &to) == 2);
		*end = to;
		return from;
	}
	fail("nothing is mapped as %s", word);
}

/* --- what it looks like ----------------------------------------------- */

/* The lines of maps that are about the C library. */
static void library_lines(char *out, size_t size)
{
	char *line, *save, *text = gate_maps(getpid());
	size_t n = 0;

	*out = '\0';
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (strstr(line, "/libc.so") || strstr(line, "/libc-"))
			n += snprintf(out + n, size - n, "%s\n", line);
	expect(n && n < size);
}

static void same_library(void)
{
	char before[4096], after[4096];

	library_lines(before, sizeof(before));
	expect(strstr(before, " r-xp "));
	gate_earn();
	library_lines(after, sizeof(after));
	if (strcmp(before, after))
		fail("the library was\n%sand is\n%s", before, after);
}

/* With theirs, all of them are listed. */
static int count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	expect(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void same_descriptors(void)
{
	const uint64_t before = gate_descriptors();
	const int count = count_descriptors();

	gate_earn();
	gate_calls(10 * EARN);
	expect(gate_descriptors() == before && count_descriptors() == count);
}

static void same_signals(void)
{
	sigset_t set, now;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_SETMASK, &set, NULL);
	gate_earn();
	sigprocmask(SIG_SETMASK, NULL, &now);
	for (int sig = 1; sig < 32; sig++)
		expect(sigismember(&now, sig) == (sig == SIGUSR1));
}

/* errno and the results, too, of all sorts of calls. */
static void right_results(void)
{
	struct stat st;
	char buf[64];

	gate_earn();
	expect(gate_is_open());
	expect(stat("none", &st) && errno == ENOENT);
	expect(stat("file/none", &st) && errno == ENOTDIR);
	expect(!lstat("link", &st) && S_ISLNK(st.st_mode));
	expect(readlink("link", buf, sizeof(buf)) == 4 &&
	       !memcmp(buf, "file", 4));
	expect(open("none", O_RDONLY) < 0 && errno == ENOENT);
	expect(stat(bad_pointer(), &st) && errno == EFAULT);
	expect(!mkdir("made", 0700) && !rename("made", "moved"));
	expect(!symlink("moved", "to") && !unlink("to") && !rmdir("moved"));
	expect(!truncate("file", 2) && !stat("file", &st) && st.st_size == 2);
	expect(!chmod("file", 0640) && !access("file", R_OK));
	expect(rmdir("file") && errno == ENOTDIR);
}

/*
 * What the library opens for itself goes another way in it than open().
 */
static void by_library(void)
{
	struct rusage before, after;
	char buf[8];
	FILE *f;

	gate_earn();
	f = fopen("file", "rc");
	expect(f && fgets(buf, sizeof(buf), f) && !fclose(f));
	expect(!fopen("none", "rc") && errno == ENOENT);
	expect(!fopen(bad_pointer(), "rc") && errno == EFAULT);
	getrusage(RUSAGE_THREAD, &before);
	for (int i = 0; i < PROBE; i++) {
		f = fopen("file", "rc");
		expect(f && !fclose(f));
	}
	getrusage(RUSAGE_THREAD, &after);
	expect(after.ru_nvcsw - before.ru_nvcsw < PROBE / 2);
}

/* --- what may grow, does ---------------------------------------------- */

static void use_stack(int depth)
{
	volatile char page[4096];

	page[depth % sizeof(page)] = 1;
	if (depth)
		use_stack(depth - 1);
	page[0] = 2;
}

static void growth(void)
{
	const long size = 256l << 20;
	char *heap = sbrk(4096);

	gate_earn();
	expect(sbrk(size) == heap + 4096);
	heap[size] = 1;
	use_stack(1500);	/* 6 MB of 8 */
}

/* --- children --------------------------------------------------------- */

static void by_fork(void)
{
	gate_earn();
	if (!fork()) {
		expect(gate_is_there() && gate_is_open());
		_exit(0);
	}
	expect(reap() == 0);
}

static void by_exec(void)
{
	char *const argv[] = { self, "is", "it", NULL };
	int status;
	pid_t pid;

	gate_earn();
	expect(!posix_spawn(&pid, self, NULL, NULL, argv, environ));
	status = wait_for(pid);
	expect(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

/* --- who has none ----------------------------------------------------- */

static void expect_none(const char *who)
{
	const uint64_t before = gate_descriptors();
	char was[4096], is[4096];

	library_lines(was, sizeof(was));
	gate_calls(3 * EARN);
	if (gate_is_there())
		fail("%s has a gate", who);
	library_lines(is, sizeof(is));
	if (strcmp(was, is))
		fail("%s: the library was\n%sand is\n%s", who, was, is);
	expect(gate_descriptors() == before);
}

/* All but n descriptors are taken. */
static void leave_descriptors(int n)
{
	const struct rlimit few = { FD_MAX, FD_MAX };

	expect(!setrlimit(RLIMIT_NOFILE, &few));
	while (dup(0) >= 0)
		;
	while (n--)
		close(FD_MAX - 1 - n);
}

/* One more is needed for looking at the maps, afterwards. */
static void no_descriptors_but(int n)
{
	uint64_t before;

	leave_descriptors(n);
	before = gate_descriptors();
	gate_calls(3 * EARN);
	expect(gate_descriptors() == before);
	close(FD_MAX - 1);
	expect(!gate_is_there());
}

static void no_descriptor(void)
{
	no_descriptors_but(0);
}

static void one_descriptor(void)
{
	no_descriptors_but(1);
}

static long size_of_memory(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	expect(f && fscanf(f, "%ld", &pages) == 1);
	fclose(f);
	return pages * 4096;
}

/* From nothing at all to room for the gate, but not for the copy. */
static void little_memory(void)
{
	for (long more = 0; more <= 64 << 10; more += 16 << 10) {
		const long size = size_of_memory() + more;
		const struct rlimit small = { size, RLIM_INFINITY };

		expect(!setrlimit(RLIMIT_AS, &small));
		gate_calls(3 * EARN);
		if (gate_is_there())
			fail("a gate in %ld bytes", more);
		if (size_of_memory() != size - more)
			fail("%ld bytes: %ld are left behind", more,
			     size_of_memory() - size + more);
	}
}

/* Memory of its own where the gate would be: it stays as it is. */
static void in_the_way(long offset)
{
	char *p = mmap(GATE_PLACE + offset, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		       -1, 0);
	unsigned char vec;

	expect(p == GATE_PLACE + offset);
	strcpy(p, "mine");
	gate_calls(3 * EARN);
	if (mincore(p, 4096, &vec) || strcmp(p, "mine"))
		fail("memory at %p is gone", p);
	munmap(p, 4096);
}

static long *gate_size;

static void learn_size(void)
{
	char *end;

	gate_earn();
	mapping("memfd:vu-gate", "", &end);
	*gate_size = end - GATE_PLACE + 4096;	/* and what is its own */
	expect(*gate_size > 0 && *gate_size < GATE_ROOM);
}

static void each_in_the_way(void)
{
	gate_size = gate_shared(sizeof(*gate_size));
	gate_in_child("its size", learn_size);
	for (long offset = 0; offset < *gate_size; offset += 4096)
		if (!fork()) {
			in_the_way(offset);
			_exit(0);
		}
	expect(reap() == 0);
}

/* --- whose process is not ours ---------------------------------------- */

/* A filter that lets everything pass. */
static void filtered(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { 1, code };

	expect(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	expect(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
	expect_none("one that has a filter");
}

/* One that would kill it for our calls: it must not come to that. */
static void strict(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { 5, code };

	expect(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	expect(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
	gate_calls(3 * EARN);
}

/* A byte of the library's code that may be written: its first, or padding. */
static char *library_code(bool last)
{
	char *end, *start = mapping(" r-xp ", "/libc", &end);

	if (last)
		start = end - 4096;
	expect(!mprotect(start, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
	return last ? end - 1 : start;
}

static void seal(char *code)
{
	code = (char *)((uintptr_t)code & -4096ul);
	expect(!mprotect(code, 4096, PROT_READ | PROT_EXEC));
}

/* It has a page of its own by writing what was there. */
static void altered(bool last)
{
	char *code = library_code(last);

	*(volatile char *)code = *(volatile char *)code;
	seal(code);
	expect_none("one whose library is altered");
}

static void altered_first(void)
{
	altered(false);
}

static void altered_last(void)
{
	altered(true);
}

/* When it is altered later, both changes hold. */
static void altered_later(void)
{
	char *code, was;

	gate_earn();
	code = library_code(true);
	was = *code;
	*code = was ^ 1;
	seal(code);
	gate_calls(10 * EARN);
	expect(*code == (was ^ 1) && gate_is_open());
}

static void undumpable(void)
{
	expect(!prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
	gate_calls(3 * EARN);
}

/*
 * Calls that are made by other code than the library's: an emulator's
 * (valgrind), for which what is in the library is only something to read.
 */
static void emulated(void)
{
	char was[4096], is[4096];
	struct stat st;
	long r;

	library_lines(was, sizeof(was));
	for (int n = 0; n < 3 * EARN; n++) {
		__asm__ volatile("syscall" : "=a"(r)
				 : "0"(SYS_stat), "D"("/"), "S"(&st)
				 : "rcx", "r11", "memory");
		expect(r == 0);
	}
	if (gate_is_there())
		fail("an emulator has a gate");
	library_lines(is, sizeof(is));
	expect(!strcmp(was, is));
}

static const struct { const char *name; void (*run)(void); } tests[] = {
	{ "the library", same_library }, { "descriptors", same_descriptors },
	{ "signals", same_signals }, { "results", right_results },
	{ "by the library", by_library },
	{ "growth", growth }, { "fork", by_fork }, { "exec", by_exec },
	{ "no descriptor", no_descriptor },
	{ "one descriptor", one_descriptor },
	{ "little memory", little_memory },
	{ "in the way", each_in_the_way },
	{ "a filter", filtered }, { "a strict filter", strict },
	{ "altered where it begins", altered_first },
	{ "altered where it ends", altered_last },
	{ "altered later", altered_later },
	{ "not dumpable", undumpable }, { "emulated", emulated },
};

static void make_files(void)
{
	make_file("file", 0644, "text");
	expect(!symlink("file", "link"));
}

static void inside(void)
{
	make_files();
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		gate_in_child(tests[i].name, tests[i].run);
}

/* For gate_built: what can be told without a library of its own, too. */
static int results(void)
{
	make_files();
	gate_in_child("results", right_results);
	gate_in_child("growth", growth);
	gate_in_child("fork", by_fork);
	gate_in_child("descriptors", same_descriptors);
	return gate_failures != 0;
}

int main(int argc, char **argv)
{
	if (argc == 3)		/* see by_exec() */
		return gate_is_there() ? 4 : 3;
	if (argc == 2 && !strcmp(argv[1], "results"))
		return results();
	expect(realpath(argv[0], self));
	return gate_view(argc, argv, inside);
}
