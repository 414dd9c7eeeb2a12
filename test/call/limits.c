/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process may and may not, and what it is, when others act for it:
 * limits, capabilities, signals that come of a call, other processes.
 *
 * inside: yes
 * cow: yes
 */
#include <poll.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "test/lib.h"

static volatile sig_atomic_t sigxfsz;

static void on_xfsz(int sig)
{
	sigxfsz += sig == SIGXFSZ;
}

static void file_size(void)
{
	const struct rlimit small = { 8, RLIM_INFINITY };
	int fd;

	signal(SIGXFSZ, on_xfsz);
	try(setrlimit(RLIMIT_FSIZE, &small));
	try(truncate("file", 8));
	try(truncate("file", 9));
	say("signals %d", sigxfsz);
	try(truncate("long", 9));
	say("signals %d", sigxfsz);
	fd = open("file", O_RDWR | O_TRUNC | O_CLOEXEC);
	try(ftruncate(fd, 9));
	say("signals %d", sigxfsz);
	try(pwrite(fd, "123456789", 9, 0));
	try(pwrite(fd, "1", 1, 8));
	say("signals %d", sigxfsz);
	try(posix_fallocate(fd, 0, 100));
	say("signals %d", sigxfsz);
	close(fd);
	/* what has to be copied is longer than what may be written */
	try(chmod("long", 0600));
	fd = open("long", O_RDWR | O_CLOEXEC);
	try(pwrite(fd, "x", 1, 0));
	close(fd);
	try(link("long", "again"));
	try(rename("long", "longer"));
	try(symlink("a long text as the text of a link", "text"));
	try(mkdir("made", 0700));
	say("signals %d", sigxfsz);
	signal(SIGXFSZ, SIG_DFL);
	truncate("file", 9);
	say("not reached");
}

static void size_of_memory(void)
{
	const struct rlimit none = { 0, 0 };
	struct stat st;

	try(setrlimit(RLIMIT_MEMLOCK, &none));
	try(setrlimit(RLIMIT_MSGQUEUE, &none));
	try(setrlimit(RLIMIT_SIGPENDING, &none));
	try(setrlimit(RLIMIT_NPROC, &none));
	try(setrlimit(RLIMIT_DATA, &none));
	try(stat("file", &st));
	try_fd(open("file", O_RDWR));
	try(chmod("file", 0600));
	try(setrlimit(RLIMIT_NOFILE, &none));
	try(open("file", O_RDONLY));
	try(stat("file", &st));
	try(chdir("dir"));
	try(rename("../file", "file"));
	try(truncate("file", 1));
	try(access("file", W_OK));
	try(symlink("a", "b"));
	try(socket(AF_UNIX, SOCK_STREAM, 0));
	try(chroot("/none"));
}

/* --- another process ------------------------------------------------------- */

/* A process of ours that has the file as its descriptor 50. */
static pid_t start_other(void)
{
	char c;
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		fail_errno("pipe2");
	pid = fork();
	if (!pid) {
		dup2(open("file", O_RDWR), 50);
		if (chdir("dir") || write(p[1], "x", 1) != 1)
			_exit(2);
		pause();
		_exit(1);
	}
	if (read(p[0], &c, 1) != 1)
		fail_errno("read");
	close(p[0]);
	close(p[1]);
	return pid;
}

static void fetched(int fd)
{
	int got = syscall(438, fd, 50, 0);

	result_fd("pidfd_getfd", got);
	try(pwrite(got, "by another", 10, 0));
	say_lstat("file");
	try(syscall(438, fd, 51, 0));
	try(syscall(438, fd, 50, 1));
	try(syscall(438, got, 50, 0));
	try(syscall(424, got, SIGUSR1, NULL, 0));
	close(got);
}

static void others(void)
{
	char buf[8] = "", there[8] = "there";
	struct iovec here = { buf, 6 }, from = { there, 6 };
	siginfo_t info = { .si_code = SI_QUEUE, .si_signo = SIGUSR1 };
	pid_t pid = start_other();
	int fd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = { .fd = fd, .events = POLLIN };

	result_fd("pidfd_open", fd);
	try(syscall(SYS_pidfd_open, pid, 4));
	try(syscall(SYS_pidfd_open, 0, 0));
	strcpy(there, "here");
	try(process_vm_readv(pid, &here, 1, &from, 1, 0));
	say("%s", buf);
	try(process_vm_writev(pid, &here, 1, &from, 1, 0));
	fetched(fd);
	try(poll(&ended, 1, 0));
	try(syscall(424, fd, 0, NULL, 0));
	try(syscall(424, fd, SIGUSR1, &info, 1 << 10));
	try(syscall(424, fd, SIGTERM, NULL, 0));
	try(poll(&ended, 1, 5000));
	try(waitid(P_PIDFD, fd, &info, WEXITED));
	say("status %d", info.si_status);
	try(syscall(424, fd, 0, NULL, 0));
	close(fd);
}

/* --- what it is ---------------------------------------------------------------- */

static void itself(void)
{
	char name[17] = "", text[64] = "";
	struct stat st;
	FILE *f;

	try(personality(0xffffffff));
	try(personality(ADDR_NO_RANDOMIZE));
	try(stat("file", &st));
	try(prctl(PR_SET_NAME, "a name that is too long"));
	try(prctl(PR_GET_NAME, name));
	f = fopen("/proc/self/comm", "re");
	say("%s, %s", name, f && fgets(text, sizeof(text), f) ? text : "none");
	if (f)
		fclose(f);
	try(prctl(PR_SET_PDEATHSIG, SIGUSR2));
	try(prctl(PR_SET_PDEATHSIG, 99));
	try(prctl(PR_SET_CHILD_SUBREAPER, 1));
	try(prctl(PR_SET_TIMERSLACK, 50000));
	try(prctl(PR_GET_TIMERSLACK));
	try(prctl(PR_GET_TID_ADDRESS, bad_pointer()));
	try(prctl(PR_SET_MM, 99, 0, 0, 0));
	try(prctl(9999, 0, 0, 0, 0));
	try(prctl(PR_GET_DUMPABLE));
	try(prctl(PR_SET_DUMPABLE, 2));
	try(prctl(PR_SET_DUMPABLE, 1));
	try(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	try(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	try(getpriority(PRIO_PROCESS, 0));
	try(setpriority(PRIO_PROCESS, 0, 5));
	try(getpriority(PRIO_PROCESS, 0));
}

int main(void)
{
	umask(022);
	make_file("file", 0644, "text");
	make_file("long", 0644, "a text of more bytes than that");
	make_dir("dir", 0755);
	in_child("another process", others);
	in_child("a limit of size", file_size);
	in_child("other limits", size_of_memory);
	in_child("itself", itself);
	return 0;
}
