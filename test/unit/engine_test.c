/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: receiving calls and delivering verdicts, the guest's memory.
 * With the argument `bench` it prints what a call costs instead.
 */
#include "test/unit/engine_harness.h"

/* Guests: each returns 0, or the number of what went wrong. */

static int guest_native(void)
{
	struct stat a, b;
	int fd = open("/etc/passwd", O_RDONLY);

	if (fd < 0)
		return 1;
	if (stat("/etc/passwd", &a) || fstat(fd, &b) || a.st_ino != b.st_ino)
		return 2;
	if (stat("/no/such", &a) != -1 || errno != ENOENT)
		return 3;
	if (open((char *)1, O_RDONLY) != -1 || errno != EFAULT)
		return 4;
	return 0;
}

static int guest_value(void)
{
	struct utsname u;

	if (getppid() != 4242)
		return 1;
	if (getpgid(0) != -1 || errno != ENOANO)
		return 2;
	if (uname(&u) || strcmp(u.sysname, "Virtual"))
		return 3;
	if (syscall(SYS_io_uring_setup, 1, NULL) != -1 || errno != ENOSYS)
		return 4;
	if (syscall(0x40000000 | SYS_getpid) != -1 || errno != ENOSYS)
		return 5;
	return syscall(-1) == -1 && errno == ENOSYS ? 0 : 6;
}

static int guest_bad_memory(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *path = page + 4096 - sizeof("/virtual/object");
	int fd;

	munmap(page + 4096, 4096);
	strcpy(path, "/virtual/object");
	fd = open(path, O_RDONLY);	/* ends right before a bad page */
	if (fd < 0 || close(fd))
		return 1;
	page[4095] = 'x';		/* does not end before it */
	if (open(path, O_RDONLY) != -1 || errno != EFAULT)
		return 2;
	mprotect(page, 4096, PROT_READ);
	if (syscall(SYS_uname, page) != -1 || errno != EFAULT)
		return 3;
	if (syscall(SYS_uname, NULL) != -1 || errno != EFAULT)
		return 4;
	if (syscall(SYS_uname, -8L) != -1 || errno != EFAULT)
		return 5;
	return page[0] ? 6 : 0;
}

static int guest_object(void)
{
	int fd = open("/virtual/object", O_RDONLY);

	if (fd != 3)
		return 1;
	if (fcntl(fd, F_GETFD))
		return 2;
	if (check_text(fd, "object\n"))
		return 3;
	fd = open("/virtual/object", O_RDONLY | O_CLOEXEC);
	return fcntl(fd, F_GETFD) == FD_CLOEXEC ? 0 : 4;
}

static int guest_no_room(void)
{
	struct rlimit none = { 3, 3 };

	if (setrlimit(RLIMIT_NOFILE, &none))
		return 1;
	if (open("/virtual/object", O_RDONLY) != -1 || errno != EMFILE)
		return 2;
	return getppid() == 4242 ? 0 : 3;
}

#define MANY 50

static int guest_threads(void)
{
	pthread_t thread[MANY];
	int i, bad = 0;
	void *r;

	for (i = 0; i < MANY; i++)
		if (pthread_create(&thread[i], NULL, many_calls, &bad))
			return 1;
	for (i = 0; i < MANY; i++) {
		pthread_join(thread[i], &r);
		bad += r != NULL;
	}
	return bad;
}

static int guest_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal,
				 .sa_flags = SA_RESTART };
	pthread_t self = pthread_self(), thread;
	int r;

	sigaction(SIGUSR1, &act, NULL);
	pthread_create(&thread, NULL, storm, &self);
	r = many_calls(&act) != NULL;
	pthread_join(thread, NULL);
	return r ? r : !atomic_load(&caught);
}

static void *slow_call(void *arg)
{
	*(int *)arg = open("/virtual/slow", O_RDONLY) == -1 && errno == EXDEV;
	return NULL;
}

/* While calls hang, others are answered, and the hanging ones side by side. */
static int guest_slow(void)
{
	pthread_t thread[5];
	double start = now();
	int i, good[5] = { 0 };

	for (i = 0; i < 5; i++)
		pthread_create(&thread[i], NULL, slow_call, &good[i]);
	usleep(1000);
	if (getppid() != 4242 || now() - start > 0.2)
		return 1;
	for (i = 0; i < 5; i++) {
		pthread_join(thread[i], NULL);
		if (!good[i])
			return 2;
	}
	return now() - start < 0.9 ? 0 : 3;
}

static void *waiting_call(void *arg)
{
	*(int *)arg = open("/virtual/waiting", O_RDONLY) == -1 &&
		      errno == EXDEV;
	return NULL;
}

/* With the hint nobody waits for a tick, however many hang. */
static int guest_waiting(void)
{
	pthread_t thread[MANY];
	double start = now();
	int i, good[MANY] = { 0 };

	for (i = 0; i < MANY; i++)
		pthread_create(&thread[i], NULL, waiting_call, &good[i]);
	for (i = 0; i < MANY; i++) {
		pthread_join(thread[i], NULL);
		if (!good[i])
			return 1;
	}
	return now() - start < 0.3 + MANY * 0.01 / 2 ? 0 : 2;
}

static int die_in_call(void)
{
	pid_t pid = fork();

	if (!pid) {
		open("/virtual/slow", O_RDONLY);
		_exit(0);
	}
	usleep(20000);
	kill(pid, SIGKILL);
	return wait_for(pid) == 254;
}

static int guest_dead(void)
{
	int i;

	for (i = 0; i < 3; i++)
		if (!die_in_call())
			return 1;
	return getppid() == 4242 ? 0 : 2;
}

/* A tracer that skips a call (nr -1) keeps the result it has chosen. */
static int guest_tracer_skips(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(syscall(SYS_getuid) == 77 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	for (;;) {
		struct user_regs_struct regs;

		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) < 0)
			return 2;
		waitpid(pid, &status, 0);
		if (!WIFSTOPPED(status))
			return WEXITSTATUS(status);
		ptrace(PTRACE_GETREGS, pid, NULL, &regs);
		if (regs.orig_rax != SYS_getuid || (long)regs.rax != -ENOSYS)
			continue;
		regs.orig_rax = -1;
		regs.rax = 77;
		ptrace(PTRACE_SETREGS, pid, NULL, &regs);
	}
}

static int int80(int nr, long a, long b, long c)
{
	int r;

	__asm__ volatile("int $0x80" : "=a"(r)
			 : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

static int guest_compat(void)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (int80(I386_GETPPID, 0, 0, 0) != 2424)
		return 1;
	strcpy(low, "/virtual/object");
	return check_text(int80(I386_OPENAT, AT_FDCWD, (long)low, 0),
			  "object\n");
}

/* ---- where process_vm_readv is denied -------------------------------- */

static int deny_process_vm(void)
{
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { 5, insn };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

/* In a process of its own, as such a filter is for ever. */
static bool by_file_works(int (*const *fn)(void))
{
	pid_t pid = fork(), child;

	if (pid)
		return !wait_for(pid);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	if (deny_process_vm() || guest_memory_probe(child))
		_exit(1);
	kill(child, SIGKILL);
	while (*fn)
		if (run(*fn++))
			_exit(2);
	_exit(0);
}

static void test_by_file(void)
{
	static int (*const fn[])(void) = {
		guest_native, guest_value, guest_bad_memory, guest_object,
		guest_threads, NULL,
	};

	ok(by_file_works(fn), "memory by way of /proc/PID/mem");
}

/* ---- figures --------------------------------------------------------- */

static void report(const char *what, double start, int n)
{
	printf("# %-28s %8.0f ns\n", what, (now() - start) / n * 1e9);
	fflush(stdout);
}

static void bench(const char *path, int n, const char *suffix)
{
	char name[64];
	struct stat st;
	double start = now();
	int i;

	for (i = 0; i < n; i++)
		stat("/etc/passwd", &st);
	snprintf(name, sizeof(name), "stat %s", suffix);
	report(name, start, n);
	start = now();
	for (i = 0; i < n; i++)
		close(open(path, O_RDONLY));
	snprintf(name, sizeof(name), "open+close %s", suffix);
	report(name, start, n);
}

static int bench_guest(void)
{
	double start;
	int i;

	bench("/etc/passwd", 100000, "continued");
	bench("/virtual/object", 100000, "object");
	start = now();
	for (i = 0; i < 5000; i++)
		close(open("/virtual/moved", O_RDONLY));
	report("open+close rewritten", start, 5000);
	start = now();
	for (i = 0; i < 1000000; i++)
		syscall(SYS_getuid);
	report("getuid, no row", start, 1000000);
	return 0;
}

static int run_bench(void)
{
	double start = now();
	int i;

	bench("/etc/passwd", 100000, "native");
	for (i = 0; i < 1000000; i++)
		syscall(SYS_getuid);
	report("getuid, native", start, 1000000);
	return run(bench_guest);
}

static void test_all(void)
{
	test_guest("calls answered natively", guest_native);
	test_guest("calls answered with values", guest_value);
	test_guest("bad addresses", guest_bad_memory);
	test_guest("descriptors put into the guest", guest_object);
	test_guest("no room for a descriptor", guest_no_room);
	ok(sent_good > 0 && sent_bad == 1, "sent is told of every object");
	test_guest("many threads", guest_threads);
	test_guest("signal storm", guest_signals);
	test_guest("calls that hang", guest_slow);
	test_guest("calls that say that they may wait", guest_waiting);
	test_guest("guests killed in a call", guest_dead);
	test_guest("a tracer that skips a call", guest_tracer_skips);
	test_guest("i386 calls", guest_compat);
	test_by_file();
}

int main(int argc, char **argv)
{
	prepare();
	if (argc > 1 && !strcmp(argv[1], "bench"))
		run_bench();
	else
		test_all();
	return finish();
}
