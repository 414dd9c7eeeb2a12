/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeout: 120
 *
 * Programs that are none: cut, garbled and enormous ELF files, interpreters
 * that are pipes, directories or the program itself, scripts that run each
 * other in circles, arguments without end; and callers whose stack is not
 * where a stack is. None of it runs; nobody waits for it either.
 */
#include <sys/mman.h>

#include "test/scenario/hostile.h"

static const char wanted[] = "/lib64/ld-linux-x86-64.so.2";

static char *image;		/* of /bin/true */
static size_t size;

static void read_image(void)
{
	struct stat st;
	int fd = open("source/true", O_RDONLY | O_CLOEXEC);

	expect(fd >= 0 && !fstat(fd, &st));
	size = st.st_size;
	image = malloc(size);
	expect(image && read(fd, image, size) == (ssize_t)size);
	close(fd);
}

static void write_program(const char *name, const char *bytes, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	expect(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
}

static void write_script(const char *name, const char *text)
{
	write_program(name, text, strlen(text));
}

/* A copy of true that asks for another interpreter (by a relative name). */
static void write_asking(const char *name, const char *interp)
{
	char *at;

	read_image();
	at = memmem(image, size, wanted, sizeof(wanted));
	if (!at)
		_exit(0);	/* another libc: nothing to ask for */
	memset(at, 0, sizeof(wanted));
	strcpy(at, interp);
	write_program(name, image, size);
}

/* Execute, for a second at most. Return: the wait status */
static int execute(const char *name, char *const argv[])
{
	static char *const plain[] = { "a", "b", NULL };
	const struct rlimit small = { 1 << 30, 1 << 30 };
	pid_t pid = fork();

	expect(pid >= 0);
	if (!pid) {
		close(STDERR_FILENO);
		setrlimit(RLIMIT_AS, &small);
		alarm(3);
		execv(name, argv ? argv : plain);
		_exit(errno);
	}
	return wait_for(pid);
}

static void expect_error(const char *name, int error)
{
	int status = execute(name, NULL);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != error)
		fail("%s: wait status %#x, not %s", name, status,
		     error_name(error));
}

static void cut(void)
{
	static const size_t at[] = { 0, 1, 4, 16, 63, 64, 100, 120, 500, 900 };

	read_image();
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		write_program("source/cut", image, at[i]);
		execute("point/cut", NULL);
		execute("new/cut", NULL);
	}
}

/* Only the headers: what they lead to is code of true at worst. */
static void garbled(void)
{
	enum { HEADERS = 64 + 13 * 56 };

	read_image();
	for (int i = 0; i < 60; i++) {
		char copy[HEADERS];

		memcpy(copy, image, HEADERS);
		for (int n = dice(4) + 1; n; n--)
			image[4 + dice(HEADERS - 4)] = dice(2) ? 255 : dice(256);
		write_program("source/garbled", image, size);
		execute("new/garbled", NULL);
		memcpy(image, copy, HEADERS);
	}
}

static void interpreters(void)
{
	expect(!mkfifo("source/fifo", 0600) || errno == EEXIST);
	write_asking("source/asks-fifo", "new/fifo");
	expect_error("new/asks-fifo", EACCES);
	write_asking("source/asks-dir", "new/dir");
	expect_error("new/asks-dir", EACCES);
	write_asking("source/asks-none", "new/none");
	expect_error("new/asks-none", ENOENT);
	write_asking("source/asks-file", "new/file");
	chmod("source/file", 0755);
	execute("new/asks-file", NULL);
	write_asking("source/asks-self", "new/asks-self");
	execute("new/asks-self", NULL);
}

static void asking(void)
{
	int status;

	expect(!system("cp /lib64/ld-linux-x86-64.so.2 source/ld.so"));
	write_asking("source/asks", "new/ld.so");
	for (int i = 0; i < 10; i++) {
		status = execute("new/asks", NULL);
		if (status)
			fail("new/asks: wait status %#x", status);
	}
}

/* Files in memory, in MB. */
static long in_memory(void)
{
	long kilobytes = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	expect(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "Shmem: %ld", &kilobytes);
	fclose(f);
	return kilobytes / 1024;
}

/*
 * Sparse: on disk it is small, and must not become large in memory. A file
 * system that cannot have such a file is tried with a smaller one.
 */
static void enormous(void)
{
	long before = in_memory();

	expect(!system("cp /lib64/ld-linux-x86-64.so.2 source/ld.so"));
	write_asking("source/enormous", "new/ld.so");
	if (truncate("source/enormous", 1ll << 40) &&
	    truncate("source/enormous", 1ll << 33))
		return;
	for (int i = 0; i < 3; i++)
		execute("new/enormous", NULL);
	expect(!truncate("source/enormous", 0));
	expect(in_memory() - before < 100);
}

static void scripts(void)
{
	char line[5000];

	write_script("source/self", "#!new/self\n");
	expect_error("new/self", ELOOP);
	write_script("source/ping", "#!new/pong\n");
	write_script("source/pong", "#!point/ping\n");
	expect_error("new/ping", ELOOP);
	expect(!mkfifo("source/pipe", 0777) || errno == EEXIST);
	write_script("source/piped", "#!new/pipe\n");
	expect_error("point/piped", EACCES);
	write_script("source/none", "#!new/nothing\n");
	expect_error("new/none", ENOENT);
	write_script("source/gone-one", "#!point/gone\n");
	expect_error("new/gone-one", ENOENT);
	write_script("source/nameless", "#!   \n");
	expect_error("new/nameless", ENOEXEC);
	write_script("source/short", "#!");
	expect_error("new/short", EACCES);	/* as natively: an empty name */
	memset(line, 'x', sizeof(line));
	memcpy(line, "#!new/", 6);
	write_program("source/endless", line, sizeof(line));
	expect_error("new/endless", ENOEXEC);
	memset(line, 0, sizeof(line));
	memcpy(line, "#!new/true", 10);
	write_program("source/nuls", line, sizeof(line));
	execute("new/nuls", NULL);
}

/* A chain as long as the kernel allows, and one that is longer. */
static void chains(void)
{
	char name[64], text[64];

	write_script("source/s0", "#!new/true\n");
	for (int i = 1; i < 8; i++) {
		snprintf(name, sizeof(name), "source/s%d", i);
		snprintf(text, sizeof(text), "#!new/s%d x%d\n", i - 1, i);
		write_script(name, text);
	}
	expect_error("new/s3", 0);
	expect_error("new/s4", 0);
	expect_error("new/s6", ELOOP);
	expect_error("new/s7", ELOOP);
}

/* A megabyte of arguments: as many words, as one word. */
static void arguments(void)
{
	enum { WORDS = 100000, LONG = 120000 };
	static char *argv[WORDS + 1];
	char *word = repeat('w', LONG), *large = repeat('w', 200000);

	write_script("source/script", "#!new/true arg\n");
	for (int i = 0; i < WORDS; i++)
		argv[i] = "123456789";
	execute("new/script", argv);
	execute("new/true", argv);
	argv[8] = NULL;
	for (int i = 0; i < 8; i++)
		argv[i] = word;
	execute("new/script", argv);
	execute("point/true", argv);
	argv[1] = large;
	execute("new/script", argv);
	argv[1] = (char *)-1;
	execute("new/script", argv);
	argv[0] = NULL;
	execute("new/script", argv);
	free(word);
	free(large);
}

/* --- stacks that are none --- */

/* execve with another stack pointer for the time of the call. */
static long execute_on(uint64_t stack, const char *name, char **argv)
{
#ifdef __x86_64__
	long ret;

	asm volatile("mov %%rsp, %%rbx\n\tmov %5, %%rsp\n\tsyscall\n\t"
		     "mov %%rbx, %%rsp"
		     : "=a"(ret)
		     : "0"((long)SYS_execve), "D"(name), "S"(argv), "d"(NULL),
		       "r"(stack)
		     : "rbx", "rcx", "r11", "memory");
	return ret;
#else
	(void)stack, (void)name, (void)argv;
	return -ENOSYS;
#endif
}

static void stacks(void)
{
	static char *argv[] = { "x", NULL };
	char *page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const uint64_t list[] = {
		0, 8, 4096, (uintptr_t)page + 8, (uintptr_t)page + 4096,
		(uintptr_t)page + 8192 + 300, (uintptr_t)"constant" + 4,
		0x7ffffffff000, 0x800000000000, -1, -4096, INT64_MAX,
	};

	expect(page != MAP_FAILED && !mprotect(page, 4096, PROT_NONE));
	expect(!munmap(page + 8192, 4096));
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		pid_t pid = fork();

		if (!pid) {
			alarm(3);
			execute_on(list[i], "new/true", argv);
			_exit(0);
		}
		wait_for(pid);
	}
}

static void small_stack(void)
{
	const struct rlimit small = { 16384, 16384 };

	write_script("source/script", "#!new/true arg\n");
	setrlimit(RLIMIT_STACK, &small);
	execute("new/script", NULL);
	execute("new/true", NULL);
}

/* --- directories --- */

static void deep(void)
{
	char path[4200] = "";
	struct stat st;
	int i;

	expect(!chdir("new/dir"));
	for (i = 0; i < 2000; i++)
		if (mkdir("d", 0755) || chdir("d"))
			fail("level %d: %s", i, error_name(errno));
	stat("file", &st);
	stat("../../../x", &st);
	if (!getcwd(path, sizeof(path)))
		expect(errno == ERANGE || errno == ENAMETOOLONG);
	close(open(".", O_RDONLY | O_CLOEXEC));
	expect(!symlink("..", "up"));
	expect(!stat("up/d/up/d/up", &st));
	execl("true", "true", NULL);
	for (i = 0; i < 2000; i++)
		if (chdir(".."))
			fail("back, level %d: %s", i, error_name(errno));
	path[0] = '\0';
	for (i = 0; i < 2000; i++)
		strcat(path, "d/");
	expect(!stat(path, &st));
	expect(!access(path, W_OK) && !chdir(path));
}

/* rm alone: whatever else would go down there a second time. */
static void clear_deep(void)
{
	expect(!system("rm -rf source/dir/d"));
}

static void loops(void)
{
	char name[64], text[64];
	struct stat st;

	expect(!symlink("../new/l2", "source/l1"));
	expect(!symlink("../point/l1", "source/l2"));
	expect(stat("point/l1", &st) && errno == ELOOP);
	expect(!symlink("../sealed/into/../new", "source/round"));
	expect(!stat("new/round/round/round/file", &st));
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "source/c%d", i);
		snprintf(text, sizeof(text), i ? "../%s/c%d" : "../%s/file",
			 i % 2 ? "point" : "new", i - 1);
		expect(!symlink(text, name));
	}
	expect(!stat("new/c39", &st));
	expect(stat("new/c40", &st) && errno == ELOOP);
	expect(open("new/c59", O_RDONLY) < 0 && errno == ELOOP);
}

static void inside(long count)
{
	static const struct attack list[] = {
		{ "cut files", cut, 20, hostile_put_right, 0 },
		{ "garbled files", garbled, 30, hostile_put_right, 0 },
		{ "strange interpreters", interpreters, 20, hostile_put_right, 0 },
		{ "an interpreter in the view", asking, 20, NULL, 0 },
		{ "an enormous file", enormous, 20, hostile_put_right, 0 },
		{ "scripts", scripts, 20, hostile_put_right, 0 },
		{ "chains of scripts", chains, 20, hostile_put_right, 0 },
		{ "arguments", arguments, 20, hostile_put_right, 0 },
		{ "stacks that are none", stacks, 20, NULL, 0 },
		{ "a small stack", small_stack, 20, hostile_put_right, 0 },
		{ "deep directories", deep, 20, clear_deep, 0 },
		{ "loops of links", loops, 20, hostile_put_right, 0 },
	};

	HOSTILE_RUN(list, count);
}

int main(int argc, char **argv)
{
	return in_view(argc, argv, 1, 20, inside);
}
