/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeout: 120
 *
 * What a visited thread can see of a visit: its registers, and how calls
 * that block in the kernel end.
 */
#include <elf.h>

#include "test/unit/engine_harness.h"

#define BLOCKED 300	/* more than receivers there are */

/* All that a call preserves. Return: 0 when it did. */
static int call_keeps(long dir, const char *path, long flags, long want)
{
	long rdi = dir, rsi = (long)path, rdx = flags, rax = SYS_openat;
	register long r10 __asm__("r10") = 0x1010;
	register long r8 __asm__("r8") = 0x0808;
	register long r9 __asm__("r9") = 0x0909;

	__asm__ volatile("syscall"
			 : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx),
			   "+r"(r10), "+r"(r8), "+r"(r9)
			 : : "rcx", "r11", "memory");
	if (rax >= 0) {
		close(rax);
		rax = 0;
	}
	return rax != want || rdi != dir || rsi != (long)path ||
	       rdx != flags || r10 != 0x1010 || r8 != 0x0808 || r9 != 0x0909;
}

static int guest_registers(void)
{
	return call_keeps(AT_FDCWD, "/virtual/moved", O_RDONLY, 0) ||
	       call_keeps(AT_FDCWD, "/virtual/far", O_RDONLY, 0) ||
	       call_keeps(AT_FDCWD, "/virtual/moved", O_DIRECTORY, -ENOTDIR);
}

static int compat_child(void *low)
{
	int rax = I386_OPENAT, rcx = (int)(long)low, rdx = O_DIRECTORY;

	__asm__ volatile("int $0x80" : "+a"(rax), "+c"(rcx), "+d"(rdx)
			 : "b"(AT_FDCWD), "S"(7), "D"(8)
			 : "memory", "r8", "r9", "r10", "r11");
	return rax != -ENOTDIR || rcx != (int)(long)low || rdx != O_DIRECTORY;
}

static int guest_compat_registers(void)
{
	char *low = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	strcpy(low, "/virtual/moved");
	return wait_for(clone(compat_child, low + (1 << 20), CLONE_VM |
			      CLONE_VFORK | SIGCHLD, low));
}

static void *open_fifo(void *how)
{
	long fd = open("/virtual/fifo", (int)(long)how);

	if (fd >= 0)
		close(fd);
	return (void *)(fd < 0 ? -(long)errno : 0);
}

/* While one waits, others are served; then somebody comes. */
static int guest_blocks(void)
{
	pthread_t thread;
	void *result;
	int i;

	pthread_create(&thread, NULL, open_fifo, (void *)O_RDONLY);
	usleep(50000);
	for (i = 0; i < 100; i++)
		if (getppid() != 4242 ||
		    check_text(open("/virtual/moved", O_RDONLY), "moved\n"))
			return 1;
	open_fifo((void *)O_WRONLY);
	pthread_join(thread, &result);
	return result != NULL;
}

static int interrupted(int flags, void *want)
{
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = flags };
	pthread_t thread;
	void *result;
	int i;

	atomic_store(&caught, 0);
	sigaction(SIGUSR1, &act, NULL);
	pthread_create(&thread, NULL, open_fifo, (void *)O_RDONLY);
	for (i = 0; i < (flags ? 5 : 1); i++) {
		usleep(50000);
		pthread_kill(thread, SIGUSR1);
	}
	usleep(50000);
	if (flags)
		open_fifo((void *)O_WRONLY);
	pthread_join(thread, &result);
	return result != want || !atomic_load(&caught);
}

static int guest_interrupted(void)
{
	return interrupted(0, (void *)-(long)EINTR) ||
	       interrupted(SA_RESTART, NULL);
}

static pid_t child_in_fifo(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(open_fifo((void *)O_RDONLY) != NULL);
	usleep(50000);
	return pid;
}

/* The parent hears of the death at once, and of a stop. */
static int guest_killed_waiting(void)
{
	pid_t pid = child_in_fifo();
	double since = now();
	int status;

	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		return 1;
	if (now() - since > 1)
		return 2;
	pid = child_in_fifo();
	kill(pid, SIGSTOP);
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		return 3;
	kill(pid, SIGCONT);
	usleep(50000);
	open_fifo((void *)O_WRONLY);
	return wait_for(pid) ? 4 : 0;
}

/* However many wait, calls are answered. */
static int guest_many_wait(void)
{
	static pthread_t thread[BLOCKED];
	pthread_attr_t attr;
	int i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	for (i = 0; i < BLOCKED; i++)
		if (pthread_create(&thread[i], &attr, open_fifo,
				   (void *)O_RDONLY))
			return 1;
	for (i = 0; i < 20; i++)
		if (getppid() != 4242 ||
		    check_text(open("/virtual/moved", O_RDONLY), "moved\n"))
			return 2;
	i = open(fifo, O_RDWR);
	usleep(200000);
	while (open(fifo, O_WRONLY | O_NONBLOCK) < 0)
		usleep(1000);
	for (i = 0; i < BLOCKED; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

/* After an execve the program bears the name that it was to have. */
static int guest_name(void)
{
	char *argv[] = { "sleep", "60", NULL }, comm[32] = "", path[64];
	pid_t pid = vfork();
	int fd;

	if (!pid) {
		execve("/virtual/sleep", argv, environ);
		_exit(1);
	}
	usleep(100000);
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY);
	if (read(fd, comm, sizeof(comm) - 1) < 0)
		return 2;
	kill(pid, SIGKILL);
	wait_for(pid);
	return strcmp(comm, "other\n") ? 3 : 0;
}

/* What it is told of its own name: 0 when it is this */
static int execfn_differs(pid_t pid, const char *want)
{
	unsigned long aux[64] = { 0 };
	char path[64], name[32] = "";
	int fd, i = 0;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	fd = open(path, O_RDONLY);
	if (read(fd, aux, sizeof(aux) - 16) < 0)
		return 1;
	close(fd);
	while (aux[i] && aux[i] != AT_EXECFN)
		i += 2;
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	i = pread(fd, name, strlen(want) + 1, aux[i + 1]);
	close(fd);
	return i < 0 || strcmp(name, want);
}

static pid_t run_early(const char *seconds)
{
	char *argv[] = { "sleep", (char *)seconds, NULL };
	pid_t pid = fork();

	if (!pid) {
		execve("/virtual/early", argv, environ);
		_exit(1);
	}
	return pid;
}

static int guest_passing(void)
{
	pid_t pid = run_early("60");
	int r;

	usleep(200000);
	r = execfn_differs(pid, "/b/sleep");
	kill(pid, SIGKILL);
	wait_for(pid);
	return r;
}

/* What is right below the red zone of whom it interrupts is nobody's. */
static void spoil(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;

	(void)sig, (void)si;
	memset((char *)uc->uc_mcontext.gregs[REG_RSP] - 128 - 16, 'x', 16);
}

/* Handlers spoil the block; the program must be executed all the same. */
static int guest_passing_in_storm(void)
{
	struct sigaction act = { .sa_sigaction = spoil,
				 .sa_flags = SA_RESTART | SA_SIGINFO };
	int i, status = 0;

	sigaction(SIGURG, &act, NULL);	/* ignored after an execve */
	for (i = 0; i < 100 && !status; i++) {
		pid_t pid = run_early("0");

		while (!waitpid(pid, &status, WNOHANG)) {
			kill(pid, SIGURG);
			usleep(10);
		}
	}
	return status != 0;
}

/* The kernel refuses; then nothing of the attempt is left. */
static int guest_passing_refused(void)
{
	static char *argv[1 << 20];
	pid_t pid = fork();
	size_t i;

	if (pid)
		return wait_for(pid);
	for (i = 0; i < sizeof(argv) / sizeof(*argv) - 1; i++)
		argv[i] = "x";
	if (!execve("/virtual/early", argv, environ) || errno != E2BIG ||
	    check_text(open("/virtual/moved", O_RDONLY), "moved\n"))
		_exit(1);
	argv[0] = "sleep";
	argv[1] = "0";
	argv[2] = NULL;
	execve("/virtual/early", argv, environ);
	_exit(2);
}

int main(void)
{
	prepare();
	test_guest("argument registers are preserved", guest_registers);
	test_guest("those of i386 calls too", guest_compat_registers);
	test_guest("a call that blocks", guest_blocks);
	test_guest("a signal while it blocks", guest_interrupted);
	test_guest("a kill or a stop while it blocks", guest_killed_waiting);
	test_guest("more blocked calls than receivers", guest_many_wait);
	test_guest("the name of a program", guest_name);
	test_guest("that of one executed in passing", guest_passing);
	test_guest("in passing, while signals come", guest_passing_in_storm);
	test_guest("in passing, refused", guest_passing_refused);
	interruptible = true;
	test_guest("before 5.19: argument registers", guest_registers);
	test_guest("before 5.19: a signal while it blocks", guest_interrupted);
	test_guest("before 5.19: in passing, while signals come",
		   guest_passing_in_storm);
	return finish();
}
